"""What is said of images without a face that are taken for face crops, as `--crop whole` and small images are.

    python benchmarks/faceless.py [MODEL ...]

Twenty made images of 96 x 96 of each of ten kinds, always the same. Of each kind and by each model: how many are told
as perhaps no face, and how many are uncertain for this or any other reason; the others are answered as if they were a
face. MODEL is a name or a folder; `small` if none is given. It takes some seconds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import chain

import numpy as np
from common import head, machine, row
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

import mien
from mien.answers import NOT_A_FACE

SIDE, EACH = 96, 20  # px; images of a kind
Random = np.random.Generator
Gray = NDArray[np.float64]


def main() -> None:
    rng = np.random.default_rng(0)
    made = {name: [image(make(rng)) for _ in range(EACH)] for name, make in KINDS.items()}
    print(machine())
    models = [mien.load(name) for name in sys.argv[1:] or ["small"]]
    told = [(f"`{model.artifact.name}`: perhaps not a face", "uncertain") for model in models]
    head(f"{EACH} images each of", *chain.from_iterable(told))
    counts = {kind: [*chain.from_iterable(doubts(model, images) for model in models)] for kind, images in made.items()}
    for kind, cells in counts.items():
        row(kind, *cells)
    row(f"all {EACH * len(made)}", *map(sum, zip(*counts.values(), strict=True)))


def doubts(model: mien.Recognizer, images: list[NDArray[np.uint8]]) -> tuple[int, int]:
    """How many are told as perhaps no face, and how many are uncertain."""
    told = [each.faces[0].expression for each in model.predict(images, crop="whole")]
    return sum((each.not_a_face or 0) >= NOT_A_FACE for each in told), sum(each.uncertain for each in told)


def image(gray: Gray) -> NDArray[np.uint8]:
    return np.repeat(gray.clip(0, 255).astype(np.uint8)[..., np.newaxis], 3, axis=2)


def grid() -> tuple[Gray, Gray]:
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(float)
    return columns, rows


def along(rng: Random) -> Gray:
    """How far each pixel lies in some direction, px."""
    x, y = grid()
    angle = rng.uniform(0, 2 * np.pi)
    return np.asarray(np.cos(angle) * x + np.sin(angle) * y)


def noise(rng: Random) -> Gray:
    return rng.uniform(0, 256, (SIDE, SIDE))


def resized(coarse: Gray) -> Gray:
    whole = Image.fromarray(coarse.astype(np.float32)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return np.asarray(whole, float)


def blotches(rng: Random) -> Gray:
    cells = int(rng.integers(8, 25))
    return resized(rng.uniform(0, 256, (cells, cells)))


def clouds(rng: Random) -> Gray:
    sky = sum(resized(rng.standard_normal((cells, cells))) / cells**0.85 for cells in (2, 4, 8, 16, 32, 64))
    return np.asarray(255 * (sky - np.min(sky)) / np.ptp(sky))


def plain(rng: Random) -> Gray:
    return rng.normal(rng.uniform(20, 236), rng.uniform(0, 4), (SIDE, SIDE))


def gradient(rng: Random) -> Gray:
    far = along(rng)
    return np.interp(far, (far.min(), far.max()), rng.uniform(0, 255, 2)) + rng.normal(0, 2, far.shape)


def stripes(rng: Random) -> Gray:
    return 128 + 100 * np.sign(np.sin(2 * np.pi * along(rng) / rng.uniform(4, 24))) + rng.normal(0, 5, (SIDE, SIDE))


def checks(rng: Random) -> Gray:
    x, y = (each // rng.integers(4, 20) for each in grid())
    return 40 + 180 * ((x + y) % 2) + rng.normal(0, 5, (SIDE, SIDE))


def bricks(rng: Random) -> Gray:
    high = int(rng.integers(8, 20))
    wide = int(high * rng.uniform(1.8, 2.6))
    wall = Image.new("L", (SIDE, SIDE), int(rng.integers(150, 210)))
    for course, y in enumerate(range(0, SIDE, high)):
        for x in range(-wide + course % 2 * wide // 2, SIDE, wide):
            ImageDraw.Draw(wall).rectangle((x + 1, y + 1, x + wide - 2, y + high - 2), int(rng.normal(100, 12)))
    return np.asarray(wall) + rng.normal(0, 8, (SIDE, SIDE))


def foliage(rng: Random) -> Gray:
    tree = Image.new("L", (SIDE, SIDE), 30)
    for _ in range(int(rng.integers(60, 200))):
        leaf, (long, wide) = Image.new("L", (40, 40)), rng.integers((8, 3), (18, 9)).tolist()
        ImageDraw.Draw(leaf).ellipse((20 - long, 20 - wide, 20 + long, 20 + wide), 255)
        place = tuple(rng.integers(-20, SIDE - 20, 2).tolist())
        tree.paste(int(rng.integers(50, 200)), place, leaf.rotate(rng.uniform(0, 360)))
    return np.asarray(tree.filter(ImageFilter.GaussianBlur(0.6)), float)


def text(rng: Random) -> Gray:
    page, size = Image.new("L", (SIDE, SIDE), 245), int(rng.integers(8, 26))
    font = ImageFont.load_default(size)
    for y in range(2, SIDE, size + 2):
        words = "".join(rng.choice([*"abcdefghijklmnopqrstuvwxyz  "], 30))
        ImageDraw.Draw(page).text((2, y), words, 10, font)
    return np.asarray(page, float)


KINDS: dict[str, Callable[[Random], Gray]] = {
    "plain": plain,
    "gradients": gradient,
    "text": text,
    "bricks": bricks,
    "blotches": blotches,
    "stripes": stripes,
    "checks": checks,
    "noise": noise,
    "foliage": foliage,
    "clouds": clouds,
}

if __name__ == "__main__":
    main()

"""What counts as a near copy: images changed on purpose, FER2013's own twins, and people who only look alike.

    python benchmarks/near.py

Changed: 500 training images. Twins: images of the public split whose 16 x 16 gray pixels correlate with a training
image's by .95 and more, and are not equal; and images that resemble no training image, below .85. Alike: 102 people
photographed in one studio (the Face Research Lab London Set, DeBruine and Jones, CC BY 4.0), two photos each.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
from common import data_folder, head, machine, row
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageEnhance, ImageOps

from mien.datasets import Dataset, Example, open_dataset
from mien.datasets.base import load_pixels, spread
from mien.datasets.copies import NEAR, copied, fingerprints
from mien.intake import ImageSource
from mien.labels import HAPPY_SAD
from mien.preprocess import Preprocess

CHANGED = 500
TWINS, STRANGERS = 0.95, 0.85  # correlation


def main() -> None:
    data = data_folder("fer2013/train.parquet", "fer2013/valid.parquet", "elsewhere/london.parquet")
    train, valid = (open_dataset(data / "fer2013" / f"{split}.parquet") for split in ("train", "valid"))
    print(machine())
    chosen = spread(train, CHANGED)
    _, crops, _ = load_pixels(chosen, Preprocess().whole)
    before = fingerprints(chosen).prints
    head(
        "FER2013 images, changed", f"signs that differ of 128, middle and most of {CHANGED}", f"found ({NEAR} at most)"
    )
    for name, change in CHANGES.items():
        after = fingerprints(dataset([change(Image.fromarray(crop)) for crop in crops])).prints
        signs = np.unpackbits(before ^ after, axis=1).sum(1)
        found = [copied(one[None], other[None])[0] for one, other in zip(before, after, strict=True)]
        row(name, f"{np.median(signs):.0f}, {signs.max()}", f"{np.mean(found):.1%}")
    print()
    twins(train, valid)
    people(data / "elsewhere" / "london.parquet")


def twins(train: Dataset, valid: Dataset) -> None:
    (_, ours, _), (_, theirs, _) = (load_pixels(each, Preprocess().whole) for each in (valid, train))
    likeness = (small(ours) @ small(theirs).T).max(1)
    known = {crop.tobytes() for crop in theirs}
    fresh = np.array([crop.tobytes() not in known for crop in ours])
    found = copied(fingerprints(valid).prints, fingerprints(train).prints)
    for words, rows in (("twins", fresh & (likeness >= TWINS)), ("strangers", likeness < STRANGERS)):
        print(f"{words:28}{rows.sum():5} images{found[rows].mean():9.2%} found")


def people(path: Path) -> None:
    import pyarrow.parquet as pq

    rows = pq.read_table(path).to_pylist()
    prints = fingerprints(dataset([row["image"]["bytes"] for row in rows])).prints
    whose: dict[str, list[int]] = {}
    for place, photo in enumerate(rows):
        whose.setdefault(photo["person"], []).append(place)
    taken = sum(copied(prints[one], prints[other]).any() for one, other in combinations(whose.values(), 2))
    pairs = len(whose) * (len(whose) - 1) // 2
    print(f"pairs of people taken for one: {taken} of {pairs:,}")


def small(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Crops as vectors of length 1 about a mean of 0, of 16 x 16 pixels."""
    cells = crops.reshape(len(crops), 16, 3, 16, 3).mean((2, 4), dtype=np.float32).reshape(len(crops), -1)
    cells -= cells.mean(1, keepdims=True)
    return np.asarray(cells / np.maximum(np.linalg.norm(cells, axis=1, keepdims=True), 1e-6), np.float32)


def dataset(images: list[ImageSource]) -> Dataset:
    return Dataset(
        Path("made"), "made", HAPPY_SAD, tuple(Example(str(n), each, "sad") for n, each in enumerate(images))
    )


def jpeg(image: Image.Image) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=40)
    return Image.open(stream)


def noisy(image: Image.Image) -> Image.Image:
    pixels = np.asarray(image, np.float64)
    rng = np.random.default_rng(int(pixels.sum()))
    return Image.fromarray(np.clip(pixels + rng.normal(0, 8, pixels.shape), 0, 255).astype(np.uint8))


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "four times as large": lambda image: image.resize((192, 192), Image.Resampling.BICUBIC),
    "two thirds of the size": lambda image: image.resize((32, 32), Image.Resampling.BICUBIC),
    "JPEG of quality 40": jpeg,
    "mirrored": ImageOps.mirror,
    "contrast times 1.3": lambda image: ImageEnhance.Contrast(image).enhance(1.3),
    "gamma 0.7": lambda image: image.point(lambda value: round(255 * (value / 255) ** 0.7)),
    "noise of 8 grays": noisy,
    "moved by one pixel of 48": lambda image: ImageChops.offset(image, 1, 0),
    "cut by one pixel all round": lambda image: image.crop((1, 1, 47, 47)).resize((48, 48), Image.Resampling.BICUBIC),
}


if __name__ == "__main__":
    main()

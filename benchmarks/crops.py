"""Photos as photos: what `evaluate` makes of data by default, beside both ways to crop, for faces framed ever tighter.

    python benchmarks/crops.py

Faces are brought to a share of the frame: that which the crop of the face takes of the image's side (1 is FER2013's own
framing). FER2013's validation faces and news photos, 96 to 300 px, are laid on photos without a face, or cut tighter;
portraits are framed closer. Labels are FER+ majorities, or those of the set. The portraits are of the Face Research Lab
London Set (DeBruine and Jones, CC BY 4.0). The last column is what the default loses to the better way, in points.
Needs pyarrow. One thread; a minute and a half.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from common import data_folder, head, machine, row
from numpy.typing import NDArray
from PIL import Image

import mien
from mien.datasets import Dataset, open_dataset
from mien.datasets.base import NO_LABEL, Example
from mien.detect import BlazeFace
from mien.face import framing
from mien.image import read_image
from mien.labels import FERPLUS8

Pixels = NDArray[np.uint8]
Frame = Callable[[Pixels, float, np.random.Generator], Pixels]

SHARES = (0.4, 0.6, 0.7, 0.8, 0.9, 1.0, 1.15)
PHOTO = 0.7
IMAGES = 200
ASIDE = 0.05  # of the face's side, by which it is out of the middle on average


def main() -> None:
    data = data_folder("fer2013/valid.parquet", "elsewhere/london.parquet", "elsewhere/news.parquet")
    recognizer = mien.load()
    grounds = [image for image, _ in table(data / "elsewhere" / "noface.parquet")]
    lay, closer = laid_on(grounds), framed_closer(BlazeFace())
    sets: dict[str, tuple[list[tuple[Pixels, str]], Frame]] = {
        "FER2013": (fer2013(data / "fer2013" / "valid.parquet"), lay),
        "news": (table(data / "elsewhere" / "news.parquet"), lay),
        "portraits": (table(data / "elsewhere" / "london.parquet"), closer),
    }
    print(machine())
    head("share", "data", "whole: right, NLL", "auto: right, NLL", "the default", "loses")
    photos, worst = list[float](), list[float]()
    for share in SHARES:
        for name, (faces, frame) in sets.items():
            rng = np.random.default_rng(0)
            made = dataset([(frame(face, share, rng), label) for face, label in faces])
            default = mien.evaluate(recognizer, made, split="all")  # copies of training images too
            chosen = default.data["crop"]
            other = mien.evaluate(recognizer, made, split="all", crop="auto" if chosen == "whole" else "whole")
            whole, auto = (default, other) if chosen == "whole" else (other, default)
            worst.append(max(other.accuracy - default.accuracy, 0))
            photos += [auto.accuracy - default.accuracy] if share <= PHOTO else []
            told = [f"{each.accuracy:.1%}, {each.nll:.2f}" for each in (whole, auto)]
            row(f"{share:.2f}", name, *told, chosen, f"{100 * worst[-1]:.1f}")
    most, mean = 100 * max(worst), 100 * sum(worst) / len(worst)
    print(f"\nphotos (share {PHOTO} at most): the default is {100 * max(photos):.1f} points below --crop auto at most")
    print(f"whatever the share: {most:.1f} points below the better way at most, {mean:.1f} on average")


def dataset(images: list[tuple[Pixels, str]]) -> Dataset:
    examples = (Example(str(row), image, label) for row, (image, label) in enumerate(images))
    return Dataset(Path("made"), "made photos", FERPLUS8, tuple(examples))


def table(path: Path) -> list[tuple[Pixels, str]]:
    """Images and labels, at most `IMAGES`, evenly spread."""
    rows = pq.read_table(path, columns=["image", "label"]).to_pylist()
    chosen = np.linspace(0, len(rows) - 1, min(IMAGES, len(rows))).round().astype(int)
    return [(read_image(rows[row]["image"]["bytes"]), rows[row]["label"]) for row in chosen]


def fer2013(path: Path) -> list[tuple[Pixels, str]]:
    """Images with a FER+ majority."""
    valid = open_dataset(path)
    targets = valid.targets(FERPLUS8)
    rows = np.flatnonzero(targets != NO_LABEL)
    chosen = rows[np.linspace(0, len(rows) - 1, IMAGES).round().astype(int)]
    return [(read_image(valid.examples[row].source), FERPLUS8.emotions[targets[row]]) for row in chosen]


def laid_on(grounds: list[Pixels]) -> Frame:
    """Lays a face crop on a part of some photo; where it is to be larger than the frame, it is cut."""

    def frame(face: Pixels, share: float, rng: np.random.Generator) -> Pixels:
        image, px = Image.fromarray(face), int(rng.integers(96, 301))
        if share >= 1:
            low, high = (image.width * (1 + way / share) / 2 for way in (-1, 1))
            return np.asarray(image.resize((px, px), Image.Resampling.BICUBIC, (low, low, high, high)))
        side = round(px / share)
        ground = Image.fromarray(grounds[rng.integers(len(grounds))])
        least = min(ground.size)
        x, y = (int(rng.integers(length - least + 1)) for length in ground.size)
        photo = ground.resize((side, side), Image.Resampling.BICUBIC, (x, y, x + least, y + least))
        place = np.clip((side - px) / 2 + rng.normal(0, ASIDE * px, 2), 0, side - px).round().astype(int)
        photo.paste(image.resize((px, px), Image.Resampling.BICUBIC), (int(place[0]), int(place[1])))
        return np.asarray(photo)

    return frame


def framed_closer(detector: BlazeFace) -> Frame:
    """Cuts a square around the face, 224 px; black where it reaches past the photo."""

    def frame(photo: Pixels, share: float, rng: np.random.Generator) -> Pixels:
        square = framing(detector.detect(photo)[0])
        x, y = square.centre_xy + rng.normal(0, ASIDE * square.side, 2)
        half = square.side / share / 2
        box = tuple(round(at) for at in (x - half, y - half, x + half, y + half))
        return np.asarray(Image.fromarray(photo).crop(box).resize((224, 224), Image.Resampling.BOX))

    return frame


if __name__ == "__main__":
    main()

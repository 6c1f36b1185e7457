"""Faces that something hides in part: how often answers are right and sure, and whether it is noticed.

    python benchmarks/covered.py [MODEL ...]

600 crops of FER2013's public split with a FER+ label, as they come and with each of four things drawn over them,
where eyes and mouth are in such crops: a mask over mouth and nose, dark glasses, half of the face in one gray, and a
flat mask over the lower part. They are drawn here, and otherwise than training draws its covers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
from common import data_folder, head, machine, row
from numpy.typing import NDArray
from PIL import Image, ImageDraw

import mien
from mien.datasets import load_pixels, open_dataset
from mien.datasets.base import NO_LABEL, spread
from mien.labels import FERPLUS8

COUNT, FINE = 600, 8  # crops; px that a crop's one is drawn with
NAMED = "covered"  # in the reasons that name a cover
Pixels = NDArray[np.uint8]


def main() -> None:
    dataset = open_dataset(data_folder("fer2013/valid.parquet") / "fer2013").split("valid")
    readers = [mien.load(name) for name in sys.argv[1:] or ["small", "large"]]
    examples, crops, _ = load_pixels(spread(dataset, 2 * COUNT), readers[0].preprocess.whole)
    truth = examples.targets(FERPLUS8)
    rows = np.flatnonzero(truth != NO_LABEL)[:COUNT]
    faces, labels = crops[rows], [FERPLUS8.emotions[at] for at in truth[rows]]
    print(machine())
    print(f"\n{len(rows)} crops of FER2013's public split, FER+ labels")
    head("model", "over it", "right", "sure", "right when sure", "wrong: uncertain", "with a reason that names it")
    for reader in readers:
        for name, draw in COVERS.items():
            rng = np.random.default_rng(0)
            read = reader.predict_crops(np.stack([drawn(face, draw, rng) for face in faces]), labels="ferplus8")
            told = [each.faces[0].expression for each in read]
            right = np.array([each.label == label for each, label in zip(told, labels, strict=True)])
            sure = np.array([not each.reasons for each in told])
            named = np.array([any(NAMED in reason for reason in each.reasons) for each in told])
            shares = (right, sure, right[sure], ~sure[~right], named[~right])
            row(reader.artifact.name, name, *(f"{each.mean():.0%}" if each.size else "-" for each in shares))


def drawn(
    face: Pixels, draw: Callable[[ImageDraw.ImageDraw, float, np.random.Generator], None], rng: np.random.Generator
) -> Pixels:
    """A crop with something over it; drawn larger, so that its edges are smooth."""
    side = face.shape[0] * FINE
    over = Image.fromarray(face).resize((side, side), Image.Resampling.BICUBIC)
    draw(ImageDraw.Draw(over), side, rng)
    return np.asarray(over.resize(face.shape[::-1], Image.Resampling.BOX))


def nothing(pen: ImageDraw.ImageDraw, side: float, rng: np.random.Generator) -> None: ...


def mask(pen: ImageDraw.ImageDraw, side: float, rng: np.random.Generator) -> None:
    """Of cloth: from the bridge of the nose to below the chin, with three folds and its bands."""
    gray, nose = int(rng.integers(110, 245)), side * rng.uniform(0.5, 0.58)
    shape = [
        (0.5, nose / side),
        (0.68, 0.6),
        (0.82, 0.62),
        (0.8, 0.85),
        (0.62, 0.99),
        (0.38, 0.99),
        (0.2, 0.85),
        (0.18, 0.62),
        (0.32, 0.6),
    ]
    pen.polygon([(x * side, y * side) for x, y in shape], fill=gray)
    for y in (0.7, 0.78, 0.86):
        pen.arc(
            (0.22 * side, (y - 0.06) * side, 0.78 * side, (y + 0.06) * side),
            20,
            160,
            fill=gray - 30,
            width=int(side / 60),
        )
    for x, end in ((0.18, 0.02), (0.82, 0.98)):
        pen.line((x * side, 0.64 * side, end * side, 0.52 * side), fill=gray, width=int(side / 50))


def glasses(pen: ImageDraw.ImageDraw, side: float, rng: np.random.Generator) -> None:
    """Dark, with frames, a bridge and what of the temples is to be seen."""
    gray, y = int(rng.integers(0, 45)), side * rng.uniform(0.36, 0.42)
    for x in (0.31, 0.69):
        box = (side * (x - 0.15), y - 0.1 * side, side * (x + 0.15), y + 0.11 * side)
        pen.rounded_rectangle(box, radius=0.08 * side, fill=gray, outline=gray + 30, width=int(side / 50))
    pen.line((0.44 * side, y - 0.03 * side, 0.56 * side, y - 0.03 * side), fill=gray, width=int(side / 30))
    for x, end in ((0.16, 0.04), (0.84, 0.96)):
        pen.line((x * side, y - 0.05 * side, end * side, y - 0.08 * side), fill=gray, width=int(side / 40))


def half(pen: ImageDraw.ImageDraw, side: float, rng: np.random.Generator) -> None:
    left = rng.random() < 0.5
    pen.rectangle((0 if left else side / 2, 0, side / 2 if left else side, side), fill=int(rng.integers(0, 256)))


def flat(pen: ImageDraw.ImageDraw, side: float, rng: np.random.Generator) -> None:
    pen.rectangle((0, 0.55 * side, side, side), fill=int(rng.integers(0, 256)))


COVERS: dict[str, Callable[[ImageDraw.ImageDraw, float, np.random.Generator], None]] = {
    "nothing": nothing,
    "a mask over mouth and nose": mask,
    "dark glasses": glasses,
    "half in one gray": half,
    "a flat mask over the lower part": flat,
}


if __name__ == "__main__":
    main()

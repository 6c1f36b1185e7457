"""Faces cut out of a JPEG that was decoded smaller, beside the same faces cut out of the whole.

    python benchmarks/copies.py [MODEL]

Each development photo with one face, made smaller or larger in 24 steps and saved as a JPEG of quality 92, is decoded
at a half and at a quarter of its size. By how many of the copy's pixels there are for one of the crop's: how much the
crop differs (mean over its pixels, in gray levels of 255), how much the probabilities (the largest difference of an
image, in the mean and at most), and in how many the answer is another. In the last line both crops are of the whole:
the face is looked for once more, in the photo saved again at quality 95.
"""

from __future__ import annotations

import io
import sys
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from common import data_folder, head, machine, row
from numpy.typing import NDArray
from PIL import Image

import mien
from mien.detect import BlazeFace
from mien.face import Face, framing
from mien.image import decoded, opened
from mien.intake import LIMITS
from mien.picture import Picture

EDGES = (0.75, 1.0, 1.25, 1.5, 2.0, 3.0)  # px of the copy for one of the crop's
SIZES = np.geomspace(0.25, 1.7, 24)  # of a photo


class Differs(NamedTuple):
    crop: float
    share: float
    label: bool


def main() -> None:
    model, detector = mien.load(*sys.argv[1:]), BlazeFace()
    size = model.preprocess.size
    rows: dict[str, list[Differs]] = {f"{low:g} to {high:g}": [] for low, high in pairwise(EDGES)}
    again: list[Differs] = []

    def crop(image: Image.Image, face: Face) -> NDArray[np.uint8]:
        return model.preprocess.face(Picture.of(image), face)

    def differs(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> Differs:
        first, second = model.probabilities([one, other])
        off = np.abs(one.astype(float) - other).mean()
        return Differs(float(off), float(np.abs(first - second).max()), first.argmax() != second.argmax())

    for path in sorted((data_folder("media/single_face.jpg") / "media").glob("*.jpg")):
        photo = Image.open(path).convert("RGB")
        for scale in SIZES:
            sides = round(photo.width * scale), round(photo.height * scale)
            data = jpeg(photo.resize(sides, Image.Resampling.LANCZOS), 92)
            whole = decoded(opened(data, LIMITS), LIMITS).image
            faces = detector.search(Picture.of(whole))
            if len(faces) != 1:
                continue
            expected = crop(whole, faces[0])
            for factor in (2, 4):
                fine = framing(faces[0]).side / factor / size
                copy = decoded(opened(data, LIMITS), LIMITS, factor).image
                for between, (low, high) in zip(rows.values(), pairwise(EDGES), strict=True):
                    if low <= fine < high:
                        between.append(differs(expected, crop(copy, faces[0].reduced(factor))))
            saved = decoded(opened(jpeg(whole, 95), LIMITS), LIMITS).image
            again += [differs(expected, crop(saved, face)) for face in detector.search(Picture.of(saved))]
    print(machine())
    print(f"\n{model.artifact.name}")
    head("px for one of the crop's", "faces", "crop", "probabilities", "at most", "other answers")
    for name, found in [*rows.items(), ("saved again", again)]:
        crops, shares, labels = (np.array(column) for column in zip(*found, strict=True))
        row(name, len(found), f"{crops.mean():.2f}", f"{shares.mean():.3f}", f"{shares.max():.3f}", labels.sum())


def jpeg(image: Image.Image, quality: int) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


if __name__ == "__main__":
    main()

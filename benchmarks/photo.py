"""One photo with one face, warm, on one thread: what each step takes.

    python benchmarks/photo.py

The photo is a 1382 x 1868 JPEG of quality 90, in memory. Medians of 30.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

from common import data_folder, head, machine, median_seconds, row
from PIL import Image, ImageOps

import mien
from mien.detect import BlazeFace
from mien.picture import open_picture

SIZE = 1382, 1868
TIMES = 30
BORDER = 96, 96, 96
"""Not the middle of the range, in which photos end that were cut off: those are decoded again."""


def main() -> None:
    jpeg = photo(data_folder("media/single_face.jpg") / "media" / "single_face.jpg")
    detector = BlazeFace()
    recognizer = mien.load(detector=detector, threads=1)
    picture = open_picture(jpeg)
    (face,) = detector.search(picture)
    crops = [recognizer.preprocess.face(picture, face)]
    steps: dict[str, Callable[[], object]] = {
        "decode, at a quarter of the size": lambda: open_picture(jpeg),
        "detection": lambda: detector.search(picture),
        "crop": lambda: recognizer.preprocess.face(picture, face),
        "network": lambda: recognizer.probabilities(crops),
        "`predict`, in all": lambda: recognizer.predict(jpeg),
    }
    print(machine())
    head(f"one {SIZE[0]}x{SIZE[1]} JPEG, one face, one thread, warm", "ms")
    for name, step in steps.items():
        row(name, f"{1e3 * median_seconds(step, TIMES):.1f}")


def photo(path: Path) -> bytes:
    """A photo enlarged to that size, with a plain border where its shape differs."""
    buffer = io.BytesIO()
    with Image.open(path) as image:
        ImageOps.pad(image.convert("RGB"), SIZE, Image.Resampling.BICUBIC, BORDER).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


if __name__ == "__main__":
    main()

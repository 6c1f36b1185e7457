"""The moving picture of the README: a portrait whose eyes and then mouth are hidden, as mien reads it at each moment.

    python tools/moving.py

The photo is scikit-image's `astronaut()`, a NASA portrait in the public domain. Writes docs/covered.webp, of less than
600 kB: 12 pictures a second, without end. Nothing in it is drawn by hand but the glasses and the mask.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage import data as images

import mien
from mien.prediction import percent

OUT = Path(__file__).parents[1] / "docs" / "covered.webp"
SHOWN = (64, 0, 424, 300)  # px of the photo: head and shoulders
BAR, WORDS = 108, 23  # px below, for three lines of words, and of these
RATE = 12  # pictures a second
STILL, MOVING = 14, 10  # pictures in which a cover stays, and in which it comes or goes
LIMIT = 600_000  # bytes
Draw = Callable[[ImageDraw.ImageDraw, float], None]


def main() -> None:
    model = mien.load()
    photo = Image.fromarray(np.asarray(images.astronaut())).crop(SHOWN)  # type: ignore[no-untyped-call]
    (reading,) = model.predict(photo).faces
    pictures = [written(each, model.predict(each)) for each in covered(photo, reading.face)]
    pictures[0].save(
        OUT, save_all=True, append_images=pictures[1:], duration=1000 // RATE, loop=0, quality=60, method=6
    )
    size = OUT.stat().st_size
    print(f"{OUT.name}: {len(pictures)} pictures, {size / 1000:.0f} kB")
    if size > LIMIT:
        sys.exit(f"a README shows at most {LIMIT / 1000:.0f} kB")


def covered(photo: Image.Image, face: mien.Face) -> Iterator[Image.Image]:
    """The photo as it is, and with each cover as it comes, stays and goes."""
    for draw in (glasses(face), mask(face)):
        ways = [1.0] * STILL, np.linspace(1, 0, MOVING), [0.0] * STILL, np.linspace(0, 1, MOVING)
        for way in (float(each) for part in ways for each in part):
            picture = photo.copy()
            if way < 1:
                draw(ImageDraw.Draw(picture), way)
            yield picture


def glasses(face: mien.Face) -> Draw:
    """Dark glasses, which come from above."""
    (x0, y0), (x1, y1) = face.landmarks_xy[:2]
    apart = x1 - x0

    def draw(on: ImageDraw.ImageDraw, way: float) -> None:
        lift = way * 4 * apart
        for x, y in ((x0, y0 - lift), (x1, y1 - lift)):
            on.rounded_rectangle((x - 0.44 * apart, y - 0.26 * apart, x + 0.44 * apart, y + 0.3 * apart), 9, "#161616")
        on.line((x0, y0 - lift, x1, y1 - lift), "#161616", 5)

    return draw


def mask(face: mien.Face) -> Draw:
    """A surgical mask, which comes from below."""
    (x0, _), (x1, _), (_, nose), (_, mouth), *_ = face.landmarks_xy
    apart = x1 - x0

    def draw(on: ImageDraw.ImageDraw, way: float) -> None:
        drop = way * 6 * apart
        box = (x0 - 0.5 * apart, nose - 0.05 * apart + drop, x1 + 0.5 * apart, mouth + 0.75 * apart + drop)
        on.rounded_rectangle(box, 24, "#8fb3c9")
        for fold in (0.3, 0.5, 0.7):
            y = box[1] + fold * (box[3] - box[1])
            on.line((box[0] + 6, y, box[2] - 6, y), "#7497ad", 2)

    return draw


def written(photo: Image.Image, prediction: mien.Prediction) -> Image.Image:
    """The photo as `mien predict --annotate` marks it, above what mien says in words."""
    marked = mien.annotate(photo, prediction)
    picture = Image.new("RGB", (marked.width, marked.height + BAR), "white")
    picture.paste(marked)
    words = "no face"
    if prediction.faces:
        look = prediction.faces[0].expression
        words = f"{look.label}, {percent(look.confidence)}"
        if look.uncertain:
            words = "\n".join((f"uncertain ({words})", *look.reasons))
    font = ImageFont.load_default(WORDS)
    ImageDraw.Draw(picture).text((12, marked.height + BAR // 2), words, "black", font, anchor="lm")
    return picture


if __name__ == "__main__":
    main()

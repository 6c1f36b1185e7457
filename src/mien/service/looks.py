"""How answers look on a page: colours that stand out by day and by night, places in a photo, files to take away.

Nothing of an answer stays with the service: what can be saved is in the page itself, as data URIs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import Markup

from mien.draw import Colour, colour_of, contrast, css, ink_on
from mien.labels import LabelSet
from mien.prediction import Prediction, Reading
from mien.service.engine import Answer
from mien.tables import csv_text
from mien.wording import data_uri

GROUNDS: tuple[tuple[Colour, ...], tuple[Colour, ...]] = (
    ((255, 255, 255), (230, 234, 238)),
    ((27, 32, 38), (46, 54, 63)),
)
"""What bars and badges lie on, by day and by night: cards and tracks of bars; `--card` and `--track` in style.css."""

STANDS_OUT = 3.0  # contrast of what is no text with what is beside it (WCAG 2.2, 1.4.11)


@dataclass(frozen=True)
class Place:
    """A face's box in shares of its photo, 0..1."""

    x: float
    y: float
    width: float
    height: float


def place(reading: Reading, prediction: Prediction) -> Place:
    """Where a face is in its photo."""
    x0, y0, x1, y1 = reading.face.box_xyxy
    width, height = prediction.width, prediction.height
    return Place(x0 / width, y0 / height, (x1 - x0) / width, (y1 - y0) / height)


@lru_cache(1000)
def tone(label: str) -> str:
    """The colour around bars and badges that `colour` fills, as CSS: one that stands out by day, and one by night."""
    day, night = (css(_standing_out(colour_of(label), grounds)) for grounds in GROUNDS)
    return f"light-dark({day}, {night})"


def colour(label: str) -> str:
    """An emotion's colour, as CSS: the same on photos and beside them."""
    return css(colour_of(label))


def outline(label: str) -> str:
    """The colour of what surrounds `colour`, and of letters on it, as CSS."""
    return css(ink_on(colour_of(label)))


def jpeg(content: bytes) -> Markup:
    """A JPEG file as a data URI."""
    return Markup(data_uri(content, "image/jpeg"))


def csv(answers: Iterable[Answer], labels: LabelSet) -> Markup:
    """The answers as a CSV file, as `mien predict` writes it, in a data URI."""
    text = csv_text([answer.prediction for answer in answers], labels.emotions)
    return Markup(data_uri(text.encode(), "text/csv"))


def json_file(told: Sequence[object]) -> Markup:
    """What the API answers, as a JSON file in a data URI."""
    text = json.dumps(told, ensure_ascii=False)
    return Markup(data_uri(text.encode(errors="backslashreplace"), "application/json"))


def _standing_out(colour: Colour, grounds: Sequence[Colour]) -> Colour:
    """The colour nearest to one, on its way to black or to white, that stands out from all grounds."""
    end = ink_on(grounds[0])
    for step in range(101):
        mixed = _mixed(colour, end, step / 100)
        if all(contrast(mixed, ground) >= STANDS_OUT for ground in grounds):
            return mixed
    return end


def _mixed(one: Colour, other: Colour, share: float) -> Colour:
    r, g, b = (round(a + (z - a) * share) for a, z in zip(one, other, strict=True))
    return r, g, b

"""Result pages of answers that nobody had to compute."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from PIL import Image

from mien.face import Face
from mien.labels import FERPLUS8
from mien.prediction import Expression, Prediction, Reading
from mien.service.engine import Answer
from mien.service.pages import Pages, told_of
from mien.service.settings import Settings


def expression(label: str, confidence: float = 0.8, uncertain: bool = False) -> Expression:
    """One that is sure of a label to that degree; the rest goes to the others, evenly."""
    rest = (1 - confidence) / (len(FERPLUS8) - 1)
    shares = {name: confidence if name == label else rest for name in FERPLUS8}
    return Expression(shares, ("blurred", "turned away") if uncertain else ())


def answer(image: Image.Image, name: str, faces: int, labels: Sequence[str] = ("happy",)) -> Answer:
    """An image with so many faces in rows of ten, every second of them uncertain."""
    width, height = image.width / 10, image.height / 5

    def face(n: int) -> Face:
        left, top = (n % 10 + 0.2) * width, (n // 10 + 0.2) * height
        return Face((left, top, left + 0.6 * width, top + 0.6 * height), (), 0.9)

    readings = tuple(
        Reading(face(n), expression(labels[n % len(labels)], uncertain=n % 2 == 0 and faces > 1)) for n in range(faces)
    )
    reasons = () if faces else ("no face was found",)
    crop = jpeg(Image.new("RGB", (112, 112), "gray"))
    return Answer(Prediction(name, *image.size, readings, reasons), jpeg(image), (crop,) * faces)


def unread(name: str) -> Answer:
    """An image that could not be read."""
    return Answer(Prediction(name, 0, 0, error="damaged or cut short"))


def late(name: str) -> Answer:
    """An image that there was no time for."""
    return Answer(Prediction(name, 0, 0, error="no answer within 10 s"), late=True)


def drawn(answers: Sequence[Answer], language: str = "en") -> str:
    """The result page of answers."""
    offered: dict[str, Any] = {
        "models": ["small"],
        "prior": "training",
        "choices": [FERPLUS8],
        "speakers": {FERPLUS8.name: ["small"]},
        "limits": Settings(),
    }
    scope = {"type": "http", "path": "/result", "headers": [(b"accept-language", language.encode())]}
    page = Pages("").render("result", scope, model="small", labels=FERPLUS8, **told_of(answers, FERPLUS8), **offered)
    return bytes(page.body).decode()


def jpeg(image: Image.Image) -> bytes:
    stream = BytesIO()
    image.save(stream, "JPEG")
    return stream.getvalue()

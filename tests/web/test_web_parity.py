"""The reader in the browser answers as the one in Python does: the same JSON, to the digits that arithmetic allows."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from asking import Ask, Pixels, assert_alike
from drawn import draw_face
from PIL import Image

import mien
from mien.face import Face
from mien.image import read_image
from mien.prediction import Expression, Prediction, Reading
from mien.recognizer import Recognizer
from mien.smoothing import Steady

CROPS = 500
SHARES = {"happy": 1.0, "sad": 0.0}


@pytest.fixture(scope="module")
def native() -> Recognizer:
    return mien.load()


def scene(astronaut: bytes, kind: str) -> Pixels:
    """A photo that takes the detector along one of its ways."""
    photo = Image.open(io.BytesIO(astronaut)).convert("RGB")
    if kind == "nothing":
        return np.full((300, 400, 3), 90, np.uint8)
    if kind == "upside down":
        photo = photo.transpose(Image.Transpose.ROTATE_180)
    if kind == "close":
        photo = photo.crop((170, 40, 290, 190)).resize((480, 600))
    if kind in ("small", "long"):
        paper = Image.new("RGB", (2400, 1600) if kind == "small" else (3000, 400), "#777777")
        for number, side in enumerate((120, 200, 380)):
            paper.paste(photo.resize((side, side)), (100 + 900 * number, 10))
        photo = paper
    if kind == "beside":
        paper = Image.new("RGB", (2000, 1500), "#777777")
        paper.paste(photo.resize((1300, 1300)), (700, 0))
        paper.paste(photo.resize((680, 680)), (10, 800))
        photo = paper
    return np.asarray(photo)


@pytest.mark.parametrize("kind", ["nothing", "as it is", "upside down", "close", "small", "beside", "long"])
def test_scenes(ask: Ask, native: Recognizer, astronaut: bytes, kind: str) -> None:
    image = scene(astronaut, kind)
    assert_alike(ask("read", image, {}), native.predict(image).to_dict())


def test_a_large_face_hides_no_small_one(native: Recognizer, astronaut: bytes) -> None:
    assert len(native.predict(scene(astronaut, "beside")).faces) == 2


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"labels": "fer7"},
        {"labels": "happy-sad"},
        {"labels": "ckplus7", "prior": "balanced"},
        {"prior": {"happy": 1, "sad": 3}},
        {"crop": "whole"},
    ],
)
def test_options(ask: Ask, native: Recognizer, astronaut: bytes, options: dict[str, Any]) -> None:
    image = scene(astronaut, "as it is")
    assert_alike(ask("read", image, options), native.predict(image, **options).to_dict())


@pytest.mark.parametrize("size", [48, 20, 96])
def test_a_small_image_without_a_face_found_is_one(ask: Ask, native: Recognizer, size: int) -> None:
    face = draw_face("happy", np.random.default_rng(5), size)
    image = np.repeat(face[..., None], 3, axis=2)
    assert_alike(ask("read", image, {}), native.predict(image).to_dict())


def test_photos(ask: Ask, native: Recognizer, media: Path) -> None:
    for path in sorted(media.glob("*.jpg")):
        image = read_image(path)
        assert_alike(ask("read", image, {}), native.predict(image).to_dict())


def test_crops_of_fer2013(ask: Ask, native: Recognizer, fer2013: Path) -> None:
    cells = pq.read_table(fer2013 / "valid.parquet", columns=["image"]).column("image").slice(0, CROPS).to_pylist()
    crops = np.stack([np.asarray(Image.open(io.BytesIO(cell["bytes"])).convert("L")) for cell in cells])
    mine = ask("reads", np.repeat(crops.reshape(-1, 48, 1), 3, axis=2), CROPS, {"crop": "whole"})
    theirs = [each.to_dict() for each in native.predict_crops(crops)]
    for one, other in zip(mine, theirs, strict=True):
        assert_alike(one, other)


@pytest.mark.parametrize("threshold", [0.999, 1.0])
def test_certainty_is_as_sure(ask: Ask, threshold: float) -> None:
    face = Reading(Face((0, 0, 48, 48), (), 0.9), Expression(SHARES, (), 0.0, SHARES))
    prediction = Prediction("photo", 48, 48, (face,))
    steady, moments = Steady(threshold), (0.0, 0.1)
    told = ask("steady", np.zeros((1, 1, 3), np.uint8), threshold, [[prediction.to_dict(), at] for at in moments])
    for here, at in zip(told, moments, strict=True):
        assert_alike(here, steady(prediction, at).to_dict())
    assert told[-1]["faces"][0]["uncertain"] == (threshold == 1)


def test_a_camera_is_as_steady(ask: Ask, native: Recognizer, astronaut: bytes) -> None:
    photo = Image.open(io.BytesIO(astronaut)).convert("RGB")
    rng, steady, read, smoothed = np.random.default_rng(3), Steady(0.6), [], []
    for number in range(24):
        x, y = (int(each) for each in rng.integers(0, 30, 2))
        light = float(rng.uniform(0.15, 1))
        image = np.asarray(photo.crop((100 + x, y, 400 + x, 250 + y)).point(lambda level, light=light: level * light))
        time_s = number / 30 + 2.0 * (number > 15) - 1.5 * (number > 20)  # a gap; and once from before
        steady = Steady(0.6) if number == 21 else steady
        prediction = native.predict(image if number != 5 else scene(astronaut, "nothing"))
        read.append([prediction.to_dict(), time_s])
        smoothed.append(steady(prediction, time_s).to_dict())
    told = ask("steady", np.zeros((1, 1, 3), np.uint8), 0.6, read)
    assert any(one != two for (one, _), two in zip(read, smoothed, strict=True))
    for here, there in zip(told, smoothed, strict=True):
        assert_alike(here, there)

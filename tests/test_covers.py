"""Covers: what hides a part of a face is told in words, whatever the crops come as."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import mien
from mien import covers
from mien.covers import PARTS, WORDS, Covers
from mien.datasets import load_pixels, open_dataset
from mien.datasets.base import spread
from mien.errors import DetectorError
from mien.preprocess import Preprocess

Crops = NDArray[np.uint8]
COUNT = 60
PLACES = {"eyes": np.s_[:, 12:24, 4:44], "mouth": np.s_[:, 28:, 8:40], "half": np.s_[:, :, 24:]}


@pytest.fixture(scope="module")
def faces(fer2013: Path) -> Crops:
    """Validation images as they come."""
    _, crops, _ = load_pixels(spread(open_dataset(fer2013).split("valid"), COUNT), Preprocess(48, "gray").whole)
    return crops


@pytest.fixture(scope="module")
def network() -> Covers:
    return Covers()


def over(crops: Crops, part: str, gray: int = 40) -> Crops:
    """The same, with one gray over a part."""
    covered = crops.copy()
    covered[PLACES[part]] = gray
    return covered


def test_of_nothing_there_is_nothing(network: Covers) -> None:
    assert network(np.empty((0, 48, 48), np.uint8)) == []
    assert network(np.empty((0, 64, 64, 3), np.uint8)) == []
    assert network.chances(np.empty((0, 48, 48), np.uint8)).shape == (0, len(PARTS))


def test_faces_as_they_come_are_mostly_clear(network: Covers, faces: Crops) -> None:
    assert sum(told is None for told in network(faces)) >= 0.9 * COUNT


@pytest.mark.parametrize("part", list(PLACES))
def test_what_is_hidden_is_told(network: Covers, faces: Crops, part: str) -> None:
    told = network(over(faces, part))
    assert sum(each is not None and each.startswith(WORDS[part]) for each in told) >= 0.9 * COUNT


def test_a_face_gets_the_same_beside_others(network: Covers, faces: Crops) -> None:
    whole = network.chances(over(faces, "mouth"))
    for at in (0, 31, 32, COUNT - 1):
        assert network.chances(over(faces, "mouth")[at : at + 1])[0] == pytest.approx(whole[at], abs=1e-6)


def test_colours_and_larger_crops(network: Covers, faces: Crops) -> None:
    covered = over(faces, "mouth")
    assert network(covered[..., np.newaxis].repeat(3, 3)) == network(covered)
    larger = covered.repeat(3, 1).repeat(3, 2)
    assert sum(each is not None for each in network(larger)) >= 0.9 * COUNT


@pytest.mark.parametrize("name", ["small", "large"])
def test_every_model_says_so(faces: Crops, name: str) -> None:
    model = mien.load(name)
    for before, after in zip(
        model.predict_crops(faces[:8]), model.predict_crops(over(faces[:8], "mouth")), strict=True
    ):
        (old,), (new,) = before.faces, after.faces
        assert new.expression.uncertain
        assert any(reason.startswith(WORDS["mouth"]) for reason in new.expression.reasons)
        assert not any(reason.startswith(WORDS["mouth"]) for reason in old.expression.reasons)


@pytest.mark.parametrize(("name", "told"), [("nothing.onnx", "are missing"), ("blazeface_short_range.onnx", "damaged")])
def test_weights_that_are_not_there(monkeypatch: pytest.MonkeyPatch, name: str, told: str) -> None:
    monkeypatch.setattr(covers, "WEIGHTS", (name, "0"))
    with pytest.raises(DetectorError, match=told):
        Covers()

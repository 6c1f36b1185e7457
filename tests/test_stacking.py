"""A head that listens to another: the same logits everywhere, and none of a manifest that does not fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mien
from mien import artifact as artifacts
from mien.errors import ArtifactError
from mien.heads import Stacking
from mien.metrics import softmax
from mien.network import Network
from mien.recognizer import Recognizer

HEADS = {"happy-sad": ("happy", "sad"), "three": ("happy", "sad", "angry")}
OWN, OTHER, BIAS = [[1.0, 0.5], [0.0, 2.0]], [[1.0, 0.0, 0.0], [0.0, 3.0, -1.0]], [0.25, 0.0]
STACKING = {"labels": "three", "own": OWN, "other": OTHER, "bias": BIAS}


def listening(folder: Path, **changes: object) -> Path:
    """A model whose first head listens to its second."""
    content = json.loads((folder / "model.json").read_text())
    content["heads"][0]["stacking"] = STACKING | changes
    (folder / "model.json").write_text(json.dumps(content))
    return folder


@pytest.fixture
def folder(toy: Callable[..., Path], tmp_path: Path) -> Path:
    return toy(tmp_path / "model", HEADS)


def test_logits_are_weighted_sums_of_both_heads() -> None:
    stacking = Stacking(labels="three", own=((1, 0.5), (0, 2)), other=((1, 0, 0), (0, 3, -1)), bias=(0.25, 0))
    own, other = np.array([[3.0, 1.0], [0, 0]]), np.array([[5.0, 2.0, 2.0], [1, 1, 1]])
    assert stacking.logits(own, other) == pytest.approx(np.array([[0.5 + 2 + 0.25, -2 - 3 + 1], [0.25, 0]]))


def test_a_head_that_listens_answers_with_both(folder: Path) -> None:
    crops = np.random.default_rng(0).integers(0, 256, (40, 48, 48), np.uint8)
    alone = artifacts.read(folder)
    raw = Recognizer(alone).logits(crops)
    model = Recognizer(artifacts.read(listening(folder)))
    own, other = (raw[name] - raw[name].mean(1, keepdims=True) for name in HEADS)
    expected = own @ np.transpose(OWN) + other @ np.transpose(OTHER) + BIAS
    told = model.logits(crops)
    assert told["happy-sad"] == pytest.approx(expected, abs=1e-5)
    assert told["happy-sad"].dtype == np.float32
    assert (told["three"] == raw["three"]).all()
    assert model.probabilities(crops) == pytest.approx(softmax(expected), abs=1e-5)
    by_one = [model.logits(crop[np.newaxis])["happy-sad"][0] for crop in crops]
    assert (np.array(by_one) == told["happy-sad"]).all()
    raw_again = Network(model.artifact, listening=False).logits(model.preprocess.tensor(crops))
    assert all((raw_again[name] == raw[name]).all() for name in raw)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"labels": "four"}, "asks 'four', which is no other head"),
        ({"labels": "happy-sad"}, "asks 'happy-sad', which is no other head"),
        ({"own": OWN[:1]}, "stacking is not of 2 emotions"),
        ({"own": [[1.0], [0.0]]}, "stacking is not of 2 emotions"),
        ({"other": OTHER[:1]}, "stacking is not of 2 emotions"),
        ({"bias": [0.0]}, "stacking is not of 2 emotions"),
        ({"other": OWN}, "stacking is not of what 'three' says"),
        ({"bias": ["much", 0.0]}, "stacking.bias.0"),
        ({"mood": 1}, "stacking.mood"),
    ],
)
def test_a_stacking_that_does_not_fit_is_told(changes: dict[str, Any], fault: str, folder: Path) -> None:
    with pytest.raises(ArtifactError, match=fault):
        artifacts.read(listening(folder, **changes))


@pytest.mark.parametrize("name", artifacts.names())
def test_what_heads_make_of_features_is_what_they_say(name: str) -> None:
    model = mien.load(name)
    assert any(head.stacking for head in model.artifact.manifest.heads)
    side = model.preprocess.size
    crops = np.random.default_rng(0).integers(0, 256, (16, side, side), np.uint8)
    logits, features = model.logits_and_features(crops)
    means = features.mean((2, 3))
    for head, weights in model.artifact.weights.items():
        assert means @ weights[:, :-1].T + weights[:, -1] == pytest.approx(logits[head], abs=0.1)

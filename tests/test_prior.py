"""Priors: what may be one, and what it makes of an answer."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mien
from mien import LabelSet, Recognizer
from mien.errors import LabelError
from mien.heads import HeadInfo
from mien.labels import CKPLUS7, FERPLUS8, HAPPY_SAD
from mien.prior import shares_of, weights

Toy = Callable[..., Path]
Bands = Callable[..., Any]

THREE = LabelSet("three", ("happy", "sad", "neutral"))
MIX = (0.5, 0.2, 0.3)
HEAD = HeadInfo(labels="three", emotions=THREE.emotions, temperature=1, threshold=0.5, mix=MIX)


@pytest.mark.parametrize(
    ("prior", "shares"),
    [
        ("training", None),
        ("balanced", [1 / 3, 1 / 3, 1 / 3]),
        ({"happy": 0.5, "sad": 0.25, "neutral": 0.25}, [0.5, 0.25, 0.25]),
        ({"happy": 3, "sad": 1}, [0.75, 0.25, 0]),
        ({"Happiness": 3, " sad ": 1, "neutral": 0}, [0.75, 0.25, 0]),
        ("happy=3, anger=0, sad=1", LabelError),
        ("happy=3, sadness=1,", [0.75, 0.25, 0]),
    ],
)
def test_shares(prior: Any, shares: Any) -> None:
    if shares is LabelError:
        with pytest.raises(LabelError, match="the prior names ' anger', and 'three' has happy, sad, neutral"):
            shares_of(prior, THREE)
    else:
        found = shares_of(prior, THREE)
        assert found == (None if shares is None else pytest.approx(dict(zip(THREE, shares, strict=True))))


@pytest.mark.parametrize(
    ("prior", "fault"),
    [
        ("", "a prior is training, balanced, or shares such as happy=.5,neutral=.5; got ''"),
        ("even", "got 'even'"),
        ("happy", "got 'happy'"),
        ("happy=.5,sad", "got 'happy=.5,sad'"),
        (None, "got None"),
        (0.5, "got 0.5"),
        (["happy"], "got ['happy']"),
        (np.array([0.5, 0.5]), "got array([0.5, 0.5])"),
        ({}, "fewer than two expressions"),
        ({"happy": 1}, "fewer than two expressions"),
        ({"happy": 1, "sad": 0}, "fewer than two expressions"),
        ({"happy": 0, "sad": 0, "neutral": 0}, "fewer than two expressions"),
        ({"happy": -1, "sad": 1}, "the prior's share of 'happy' is a number of 0 or more, got -1"),
        ({"happy": math.nan, "sad": 1}, "got nan"),
        ({"happy": math.inf, "sad": 1}, "got inf"),
        ({"happy": "much", "sad": 1}, "got 'much'"),
        ({"happy": None, "sad": 1}, "got None"),
        ("happy=,sad=1", "got ''"),
        ("happy=1,sad=1,joy=1", "the prior names 'happy' twice"),
        ({"contempt": 1, "sad": 1}, "the prior names 'contempt', and 'three' has happy, sad, neutral"),
    ],
)
def test_what_is_no_prior(prior: Any, fault: str) -> None:
    with pytest.raises(LabelError) as caught:
        shares_of(prior, THREE)
    assert fault in str(caught.value)


positive = st.floats(0.01, 1)
mixes = st.tuples(positive, positive, positive).map(lambda mix: tuple(share / sum(mix) for share in mix))
logits: st.SearchStrategy[Any] = st.lists(st.tuples(*[st.floats(-20, 20)] * 3), min_size=1, max_size=4).map(np.array)


def expecting(shares: tuple[float, ...] | None, rows: Any, mix: tuple[float, ...] = MIX) -> Any:
    head = HEAD.model_copy(update={"mix": mix})
    return head.probabilities(rows, None if shares is None else dict(zip(THREE, shares, strict=True)))


@settings(deadline=None)
@given(logits, mixes, mixes)
def test_answers_are_shares_and_those_of_training_where_nothing_else_is_expected(
    rows: Any, mix: tuple[float, ...], prior: tuple[float, ...]
) -> None:
    plain, moved = expecting(None, rows, mix), expecting(prior, rows, mix)
    assert moved.sum(1) == pytest.approx(np.ones(len(rows)))
    assert expecting(mix, rows, mix) == pytest.approx(plain)
    odds = plain * np.array(prior) / np.array(mix)
    assert moved == pytest.approx(odds / odds.sum(1, keepdims=True))


@settings(deadline=None)
@given(logits, mixes, mixes, mixes)
def test_the_last_of_two_priors_decides(
    rows: Any, mix: tuple[float, ...], first: tuple[float, ...], last: tuple[float, ...]
) -> None:
    then = expecting(last, np.log(expecting(first, rows, mix)), first)
    assert then == pytest.approx(expecting(last, rows, mix))


@settings(deadline=None)
@given(logits)
def test_what_is_not_expected_is_never_answered(rows: Any) -> None:
    assert expecting((0.5, 0, 0.5), rows)[:, 1].tolist() == [0] * len(rows)


def test_the_others_keep_their_share() -> None:
    found = weights({"happy": 0.5, "sad": 0.5}, THREE.emotions, MIX)
    assert (found * MIX).tolist() == pytest.approx([0.35, 0.35, 0.3])
    assert weights({"contempt": 1}, THREE.emotions, MIX).tolist() == [1, 1, 1]


# A model's answers


@pytest.fixture(scope="module")
def knowing(toy: Toy, tmp_path_factory: pytest.TempPathFactory) -> Recognizer:
    """A toy that learned from many happy faces and few sad ones."""
    folder = toy(tmp_path_factory.mktemp("toys") / "knowing", {"three": THREE.emotions})
    manifest = json.loads((folder / "model.json").read_text("utf-8")) | {"heads": [HEAD.model_dump()]}
    (folder / "model.json").write_text(json.dumps(manifest), "utf-8")
    return mien.load(folder)


def test_a_prior_moves_chances_and_leaves_votes() -> None:
    small, rng = mien.load("small"), np.random.default_rng(3)
    crops = [rng.integers(0, 256, (48, 48, 3), np.uint8) for _ in range(5)]
    plain, moved = (small.predict(crops, crop="whole", prior=prior) for prior in ("training", "balanced"))
    for before, after in zip(plain, moved, strict=True):
        one, other = before.faces[0].expression, after.faces[0].expression
        assert one.votes == other.votes
        assert one.not_a_face == other.not_a_face
        assert one.probabilities["neutral"] > other.probabilities["neutral"]
    assert [each.to_dict() for each in small.stream(crops, crop="whole", prior="balanced")] == [
        each.to_dict() for each in moved
    ]


def test_the_label_set_that_is_spoken_is_balanced(knowing: Recognizer, bands: Bands) -> None:
    gray = np.full((1, 48, 48), 128, np.uint8)
    inverse = 1 / np.array(MIX)  # the toy says the same of all three
    assert knowing.probabilities(gray, prior="balanced")[0] == pytest.approx(inverse / inverse.sum())
    two = knowing.probabilities(gray, HAPPY_SAD, "balanced")[0]
    assert two == pytest.approx([2 / 7, 5 / 7])
    face = knowing.predict(bands(1, 3), prior="happy=1,neutral=1").faces[0].expression
    assert face.probabilities["sad"] == 0
    assert face.label in ("happy", "neutral")


@pytest.mark.parametrize(("labels", "prior"), [("happy-sad", {"happy": 1, "neutral": 1}), (None, "contempt=1,sad=1")])
def test_a_prior_is_of_the_set_that_is_spoken(knowing: Recognizer, labels: str | None, prior: Any) -> None:
    for ask in (knowing.predict, knowing.stream, knowing.probabilities):
        with pytest.raises(LabelError, match="the prior names"):
            ask([], labels=labels, prior=prior)


def test_an_older_model_expects_what_it_learned_from(toy: Toy, tmp_path: Path, bands: Bands) -> None:
    older = mien.load(toy(tmp_path / "older", {"three": THREE.emotions}))
    assert older.predict(bands(0, 3), prior="training").faces
    with pytest.raises(LabelError, match="does not say how often its head 'three' saw each expression"):
        older.predict(bands(0, 3), prior="balanced")


def test_the_models_that_ship_know_their_mix() -> None:
    for name in ("small", "large"):
        eight, seven = mien.load(name).artifact.heads
        assert dict(zip(eight.emotions, np.round(eight.mix, 2), strict=True)) == {
            "neutral": 0.35,
            "happy": 0.29,
            "surprise": 0.13,
            "sad": 0.12,
            "angry": 0.08,
            "disgust": 0.0,
            "fear": 0.02,
            "contempt": 0.0,
        }
        assert seven.mix[1] == pytest.approx(437 / 28716)
        for labels in (FERPLUS8, CKPLUS7, HAPPY_SAD):
            assert mien.load(name).expected("balanced", labels) == {emotion: 1 / len(labels) for emotion in labels}

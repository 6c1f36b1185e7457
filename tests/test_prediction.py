"""Predictions: types that refuse what cannot be, and their one JSON form."""

from __future__ import annotations

import copy
import json
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mien.errors import MienError
from mien.face import Face
from mien.prediction import (
    PLACES,
    Explanation,
    Expression,
    Method,
    Prediction,
    Reading,
    Totals,
    is_sure,
    percent,
    ranked,
    unsure,
)

FACE = Face((1.234, 2.0, 30.5, 40.129), (), 0.98765432)
HAPPY = Expression({"happy": 0.7500004, "sad": 0.2499996})
UNSURE = Expression({"happy": 0.6, "sad": 0.4}, ("blurred", "turned away"), 0.1234567)


@pytest.mark.parametrize(
    "probabilities",
    [
        {},
        {"happy": 1.0},
        {"happy": 0.4, "sad": 0.5},
        {"happy": 0.9, "sad": 0.2},
        {"happy": 1.2, "sad": -0.2},
        {"happy": math.nan, "sad": 0.5},
        {"happy": math.inf, "sad": 0.0},
        {"happy": 0.0, "sad": 0.0},
    ],
)
def test_impossible_probabilities(probabilities: dict[str, float]) -> None:
    with pytest.raises(MienError, match="together 1"):
        Expression(probabilities)


@pytest.mark.parametrize(
    ("probabilities", "label", "confidence"),
    [
        ({"happy": 0.7, "sad": 0.3}, "happy", 0.7),
        ({"happy": 0.3, "sad": 0.7}, "sad", 0.7),
        ({"sad": 0.5, "happy": 0.5}, "sad", 0.5),
        ({"happy": 0.0, "sad": 1.0}, "sad", 1.0),
        ({"happy": 0.2, "sad": 0.3, "fear": 0.5}, "fear", 0.5),
    ],
)
def test_label_is_the_most_probable(probabilities: dict[str, float], label: str, confidence: float) -> None:
    expression = Expression(probabilities)
    assert (expression.label, expression.confidence) == (label, confidence)


@pytest.mark.parametrize("lost", [(), ((0.1, 0.2),), ((0.1,), (0.2,)), ((0.1, 0.2), (0.3,))])
def test_explanations_are_square(lost: tuple[tuple[float, ...], ...]) -> None:
    with pytest.raises(MienError, match="an explanation is square"):
        Explanation("cam", lost)


@pytest.mark.parametrize(
    ("method", "parts", "row", "column", "where"),
    [
        ("cam", 1, 0, 0, "in the middle"),
        ("cam", 2, 1, 0, "at the bottom left"),
        *(("cam", 3, at // 3, at % 3, place) for at, place in enumerate(PLACES)),
        ("cam", 6, 1, 2, "at the top"),
        ("cam", 6, 2, 5, "at the right"),
        ("occlusion", 7, 1, 2, "at the top"),  # around 1/4 and 3/8
        ("occlusion", 7, 3, 3, "in the middle"),
        ("occlusion", 7, 5, 6, "at the bottom right"),
    ],
)
def test_where_most_is_lost(method: Method, parts: int, row: int, column: int, where: str) -> None:
    lost = [[-0.1] * parts for _ in range(parts)]
    lost[row][column] = 0.123456
    told = Explanation(method, tuple(map(tuple, lost)))
    assert (told.most, told.where) == (0.123456, where)
    lost[row][column] = 0.1235
    assert json.loads(json.dumps(told.to_dict())) == {"method": method, "where": where, "lost": lost}


def test_uncertain_is_having_a_reason() -> None:
    assert not HAPPY.uncertain
    assert UNSURE.uncertain


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"width": 0, "height": 0}, "a size or an error"),
        ({"width": 10, "height": 0}, "a size or an error"),
        ({"width": -1, "height": 10}, "a size or an error"),
        ({"width": 10, "height": 10, "error": "no such file"}, "with an error"),
        ({"width": 0, "height": 0, "error": "", "reasons": ("no face",)}, "with an error"),
        ({"width": 0, "height": 0, "error": "", "notes": ("one frame of 2 was read",)}, "with an error"),
        ({"width": 0, "height": 0, "error": "empty", "faces": (Reading(FACE, HAPPY),)}, "with an error"),
        ({"width": 9, "height": 9, "faces": (Reading(FACE, HAPPY),), "reasons": ("no face",)}, "with each face"),
    ],
)
def test_impossible_predictions(fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(MienError, match=fault):
        Prediction("a.jpg", **fields)


def test_json_of_an_image_without_faces() -> None:
    assert Prediction("a.jpg", 40, 30, reasons=("no face was found",)).to_dict() == {
        "source": "a.jpg",
        "width": 40,
        "height": 30,
        "faces": [],
        "reasons": ["no face was found"],
        "notes": [],
        "error": None,
    }


def test_json_of_an_unreadable_image() -> None:
    assert Prediction("a.jpg", 0, 0, error="no such file").to_dict() == {
        "source": "a.jpg",
        "width": 0,
        "height": 0,
        "faces": [],
        "reasons": [],
        "notes": [],
        "error": "no such file",
    }


def test_json_of_votes() -> None:
    voted = Expression({"happy": 0.75, "sad": 0.25}, votes={"happy": 2 / 3, "sad": 1 / 3})
    told = Prediction("a.jpg", 40, 50, (Reading(FACE, voted),)).to_dict()
    assert told["faces"][0]["votes"] == {"happy": 0.666667, "sad": 0.333333}


def test_json_of_faces() -> None:
    told = Prediction("ü.jpg", 40, 50, (Reading(FACE, HAPPY), Reading(FACE, UNSURE))).to_dict()
    assert list(told["faces"][0]) == [
        "box",
        "landmarks",
        "score",
        "label",
        "confidence",
        "probabilities",
        "uncertain",
        "reasons",
        "not_a_face",
        "votes",
    ]
    assert told["faces"][0] == {
        "box": [1.23, 2.0, 30.5, 40.13],
        "landmarks": [],
        "score": 0.987654,
        "label": "happy",
        "confidence": 0.75,
        "probabilities": {"happy": 0.75, "sad": 0.25},
        "uncertain": False,
        "reasons": [],
        "not_a_face": None,
        "votes": None,
    }
    assert told["faces"][1]["not_a_face"] == 0.123457
    assert told["faces"][1]["uncertain"] is True
    assert told["faces"][1]["reasons"] == ["blurred", "turned away"]
    assert json.loads(json.dumps(told)) == told


@pytest.mark.parametrize(
    ("share", "words"), [(0, "0%"), (0.004, "0%"), (0.57, "57%"), (0.29, "29%"), (0.9999, "99%"), (1, "100%")]
)
def test_percent_says_100_of_certainty_alone(share: float, words: str) -> None:
    assert percent(share) == words


@pytest.mark.parametrize(
    ("confidence", "threshold", "reasons"),
    [
        (0.6, 0.6, ()),
        (0.55, 0.6, ("low confidence (55%, reliable from 60%)",)),
        (0.5, 0.601, ("low confidence (50%, reliable from 61%)",)),
        (0.99, 1.0, ("low confidence (99%, never reliable)",)),
        (1.0, 1.0, ("low confidence (100%, never reliable)",)),
        (1.0, 0.999, ()),
        (math.inf, 1.0, ()),
    ],
)
def test_doubt_in_a_confidence(confidence: float, threshold: float, reasons: tuple[str, ...]) -> None:
    assert unsure(confidence, threshold) == reasons
    assert is_sure(confidence, threshold) == (not reasons)
    assert is_sure(np.array([confidence]), threshold).tolist() == [not reasons]


def test_json_of_landmarks() -> None:
    points = tuple((number + 0.123, 2.0) for number in range(6))
    told = Reading(Face((0, 0, 9, 9), points, 1.0), HAPPY).to_dict()
    assert told["landmarks"] == [[number + 0.12, 2.0] for number in range(6)]


# Values


def test_results_can_be_hashed() -> None:
    one, same, other = (
        Prediction("a.jpg", 40, 50, (Reading(FACE, Expression({"happy": 0.75, "sad": 0.25}, votes=votes)),))
        for votes in ({"happy": 0.5, "sad": 0.5}, {"sad": 0.5, "happy": 0.5}, None)
    )
    assert one == same != other
    assert hash(one) == hash(same)
    assert {one, same, other} == {one, other}


@pytest.mark.parametrize(
    "change",
    [
        lambda shares: shares.__setitem__("happy", 1.0),
        lambda shares: shares.__delitem__("happy"),
        lambda shares: shares.__ior__({"happy": 1.0}),
        lambda shares: shares.update(happy=1.0),
        lambda shares: shares.setdefault("fear", 0.0),
        lambda shares: shares.pop("happy"),
        lambda shares: shares.popitem(),
        lambda shares: shares.clear(),
    ],
)
def test_shares_do_not_change(change: Callable[[Any], object]) -> None:
    given = {"happy": 0.75, "sad": 0.25}
    expression = Expression(given, votes=given)
    given["happy"] = 0.0
    for shares in (expression.probabilities, expression.votes):
        with pytest.raises(TypeError, match="do not change"):
            change(shares)
        assert shares == {"happy": 0.75, "sad": 0.25}


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_results_are_copied_and_pickled(again: Callable[[Prediction], Prediction]) -> None:
    prediction = Prediction("a.jpg", 40, 50, (Reading(FACE, HAPPY), Reading(FACE, UNSURE)))
    other = again(prediction)
    assert other == prediction
    assert hash(other) == hash(prediction)
    assert json.dumps(other.faces[0].expression.probabilities) == '{"happy": 0.7500004, "sad": 0.2499996}'


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (FACE, "Face((1, 2, 30, 40), score 0.99)"),
        (HAPPY, "Expression(happy 75%)"),
        (UNSURE, "Expression(happy? 60% (blurred; turned away))"),
        (Reading(FACE, HAPPY), "Reading(happy 75%, Face((1, 2, 30, 40), score 0.99))"),
        (
            Prediction("a.jpg", 40, 30, reasons=("no face was found",)),
            "Prediction('a.jpg', 40 x 30: no face was found)",
        ),
        (Prediction("a.jpg", 0, 0, error="no such file"), "Prediction('a.jpg', error: no such file)"),
        (Prediction("a.jpg", 40, 30, (Reading(FACE, HAPPY),)), "Prediction('a.jpg', 40 x 30: happy 75%)"),
        (
            Prediction("a.jpg", 40, 30, (Reading(FACE, HAPPY),) * 5),
            "Prediction('a.jpg', 40 x 30: happy 75%, happy 75%, happy 75%, and 2 more)",
        ),
    ],
)
def test_shown_in_a_line(value: object, shown: str) -> None:
    assert repr(value) == shown


@pytest.mark.parametrize(
    ("shares", "first", "rest"),
    [
        ((0.1, 0.6, 0.3), "bca", ""),
        ((0.25, 0.25, 0.25, 0.25), "abc", "d"),
        ((0.001, 0.99, 0.009), "b", "ca"),
        ((0.5, 0.49, 0.01), "abc", ""),
        (tuple(0.005 for _ in range(200)), "a", None),
    ],
)
def test_a_page_shows_the_most_probable_first_and_none_that_hardly_anybody_would_choose(
    shares: tuple[float, ...], first: str, rest: str | None
) -> None:
    ranks = ranked(Expression(dict(zip(map(chr, range(97, 97 + len(shares))), shares, strict=True))))
    told, others = ("".join(name for name, _ in each) for each in ranks)
    assert told == first
    assert rest is None or others == rest


def test_totals() -> None:
    read = Prediction("a", 40, 50, (Reading(FACE, HAPPY), Reading(FACE, UNSURE)))
    several = [read, read, Prediction("b", 40, 50, reasons=("no face",)), Prediction("c", 0, 0, error="empty")]
    assert Totals.of([]) == Totals(0, 0, 0, 0, 0)
    assert Totals.of(several) == Totals(images=4, faces=4, uncertain=2, faceless=1, unread=1)

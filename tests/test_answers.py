"""Answers: what a head says in a label set, and what another thinks of it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.answers import Answer, Found, Seen, answers, predicted
from mien.artifact import Artifact, Manifest
from mien.face import Face
from mien.heads import HeadInfo, Second
from mien.labels import HAPPY_SAD, LabelSet

OWN = LabelSet("own", ("happy", "sad", "neutral", "contempt"))
ASKED = LabelSet("asked", ("sad", "neutral", "happy"))


def model(second: Second | None, only: str | None = None) -> Artifact:
    """Two heads whose probabilities are the softmax of their logits; the first asks the second."""
    heads = (
        HeadInfo(labels="own", emotions=OWN.emotions, temperature=1, threshold=0.5, mix=(0.25,) * 4, second=second),
        HeadInfo(labels="asked", emotions=ASKED.emotions, temperature=1, threshold=0.5, mix=(0.8, 0.1, 0.1)),
    )
    manifest = Manifest(
        format=5,
        name="two",
        size=48,
        colour="gray",
        precision="float32",
        mirror=False,
        heads=heads,
        scores={},
        data={},
        runs=({"recipe": {}},),
        sha256="",
    )
    return Artifact(Path("two"), manifest, b"", "", only)


ASKS = model(Second(labels="asked", threshold=0.4))


def one(model: Artifact, own: list[float], asked: list[float], labels: LabelSet = OWN, shares: Any = None) -> Answer:
    """The answer where the heads give these chances."""
    logits = {"own": np.log([own]).astype(np.float32), "asked": np.log([asked]).astype(np.float32)}
    (answer,) = answers(logits, model, labels, shares)
    return answer


HAPPY = [0.7, 0.1, 0.1, 0.1]
CONTEMPT = [0.1, 0.1, 0.1, 0.7]


@pytest.mark.parametrize(
    ("own", "asked", "labels", "shares", "second"),
    [
        (HAPPY, [0.2, 0.2, 0.6], OWN, None, 0.6),
        (HAPPY, [0.6, 0.2, 0.2], OWN, None, 0.2),
        (CONTEMPT, [0.6, 0.2, 0.2], OWN, None, math.inf),  # which the other does not know
        (HAPPY, [0.6, 0.2, 0.2], HAPPY_SAD, None, 0.25),  # of the two that are asked for
        (HAPPY, [0.6, 0.2, 0.2], LabelSet("odd", ("happy", "contempt")), None, math.inf),  # it knows one of two
        (HAPPY, [0.6, 0.2, 0.2], LabelSet("three", ("contempt", "happy", "sad")), None, 0.25),
        (HAPPY, [0.8, 0.1, 0.1], ASKED, None, 0.8),  # the other head speaks this set itself, and asks nobody
        (HAPPY, [0.8, 0.1, 0.1], OWN, dict.fromkeys(OWN, 0.25), 1 / 3),  # both expect the same
        (HAPPY, [0.8, 0.1, 0.1], HAPPY_SAD, {"happy": 0.75, "sad": 0.25}, 0.75),
    ],
)
def test_a_second_opinion(own: list[float], asked: list[float], labels: LabelSet, shares: Any, second: float) -> None:
    answer = one(ASKS, own, asked, labels, shares)
    if labels == ASKED:
        assert answer.second == math.inf
        assert max(answer.shares) == pytest.approx(second)
    else:
        assert answer.second == pytest.approx(second, abs=1e-6)


@pytest.mark.parametrize(
    ("asked", "second", "reasons"),
    [
        ([0.2, 0.2, 0.6], Second(labels="asked", threshold=0.4), ()),
        ([0.2, 0.4, 0.4], Second(labels="asked", threshold=0.39), ()),
        (
            [0.575, 0.22, 0.205],
            Second(labels="asked", threshold=0.391),
            ("low confidence by asked labels (20%, reliable from 40%)",),
        ),
        (
            [0.575, 0.22, 0.205],
            Second(labels="asked", threshold=1),
            ("low confidence by asked labels (20%, never reliable)",),
        ),
        ([0.575, 0.22, 0.205], None, ()),
    ],
)
@pytest.mark.parametrize("only", [None, "own"])
def test_what_another_head_doubts_is_uncertain(
    asked: list[float], second: Second | None, reasons: tuple[str, ...], only: str | None
) -> None:
    asking = model(second, only)
    sharp = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)
    found = Found("faces", (48, 48), (Face((0, 0, 48, 48), (), 0.9),), (sharp,))
    told = one(asking, HAPPY, asked)
    expression = predicted(found, [told], [Seen(0.8)], asking.head_for(OWN), OWN).faces[0].expression
    assert expression.reasons == reasons
    assert expression.low == bool(reasons)
    assert expression.label == "happy"


def test_nobody_to_ask() -> None:
    head = ASKS.manifest.heads[1]
    alone = Artifact(Path("one"), ASKS.manifest.model_copy(update={"heads": (head,)}), b"", "")
    (answer,) = answers({"asked": np.zeros((1, 3), np.float32)}, alone, ASKED)
    assert answer.second == math.inf
    assert answers({"asked": np.zeros((0, 3), np.float32)}, alone, ASKED) == []
    logits = {"own": np.zeros((0, 4), np.float32), "asked": np.zeros((0, 3), np.float32)}
    assert answers(logits, ASKS, OWN) == []

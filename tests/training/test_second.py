"""Second opinions: what is asked of the other head keeps its promise, and no more is asked."""

from __future__ import annotations

import numpy as np
import pytest

from mien.answers import opinions
from mien.datasets.base import NO_LABEL
from mien.heads import HeadInfo, Second
from mien.metrics import Floats, Ints
from mien.training.export.second import ALLOWED_ERRORS, balanced, fit_second

OWN = HeadInfo(labels="own", emotions=("happy", "sad", "contempt"), temperature=1, threshold=0.5)
OTHER = HeadInfo(labels="other", emotions=("sad", "happy"), temperature=1, threshold=0.5)


def faces(n: int, agree: float, sad: float = 0.2, seed: int = 0) -> tuple[dict[str, Floats], Ints]:
    """Logits of two heads, and labels of the other's world, by which a share `sad` is sad.

    The first sees happy faces everywhere but in a share `agree` of the sad ones; the second mostly knows.
    """
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) > sad).astype(np.int64)
    seen = (truth == 1) | (rng.random(n) > agree)
    own = np.stack([np.where(seen, 4.0, 0.0), np.where(seen, 0.0, 4.0), np.zeros(n)], 1)
    lean = np.where(truth == 1, 1.5, -1.5) + rng.normal(0, 1, n)
    return {"own": own, "other": np.stack([-lean, lean], 1)}, truth


@pytest.mark.parametrize("seed", range(3))
def test_sure_answers_are_right_in_the_other_world_too(seed: int) -> None:
    logits, truth = faces(4_000, agree=0.3, seed=seed)
    found = fit_second(OWN, OTHER, logits, truth)
    assert found is not None
    assert found.labels == "other"
    answers = OWN.probabilities(logits["own"])
    chances, weights = opinions(logits["other"], OTHER, answers, OWN.label_set), balanced(truth, 2)
    right = answers.argmax(1) == 1 - truth

    def share_right(least: float) -> float:
        return float(weights[right & (chances >= least)].sum() / weights[chances >= least].sum())

    assert share_right(0) < 0.7
    assert share_right(found.threshold) >= 1 - ALLOWED_ERRORS
    assert max(share_right(least) for least in np.linspace(0, found.threshold - 0.02, 20)) < 1 - ALLOWED_ERRORS + 0.01


@pytest.mark.parametrize(
    ("logits", "truth"),
    [
        (faces(0, 1)[0], np.zeros(0, np.int64)),
        (faces(500, 1)[0], np.full(500, NO_LABEL)),
        faces(500, agree=1),  # nothing to doubt
    ],
    ids=["no images", "no labels", "they agree"],
)
def test_no_second_opinion_is_needed(logits: dict[str, Floats], truth: Ints) -> None:
    assert fit_second(OWN, OTHER, logits, truth) is None


def test_what_is_never_right_there_is_never_sure() -> None:
    logits, truth = faces(300, agree=0)
    logits["other"] = logits["other"][:, ::-1]
    assert fit_second(OWN, OTHER, logits, truth) == Second(labels="other", threshold=1)


def test_answers_that_the_other_head_does_not_know_are_not_asked_for() -> None:
    logits = {"own": np.array([[0.0, 0, 4]] * 300), "other": np.array([[4.0, 0]] * 300)}
    assert fit_second(OWN, OTHER, logits, np.zeros(300, np.int64)) is None


@pytest.mark.parametrize(
    ("truth", "weights"),
    [([], []), ([NO_LABEL], [0]), ([0, 0, 0, 1], [2 / 3, 2 / 3, 2 / 3, 2]), ([0, NO_LABEL, 1], [1, 0, 1])],
)
def test_balanced(truth: list[int], weights: list[float]) -> None:
    assert balanced(np.array(truth, np.int64), 3).tolist() == pytest.approx(weights)

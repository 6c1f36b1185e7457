"""Calibration of one head on validation logits, and what the head is worth with it.

"The label is right" and "this is how people would vote" are two questions. Votes are divided where the label is not: an
emotion that few choose at a time, such as contempt, is the label more often than votes give it the most. So the first
question has its temperature, entropy slope and bias (see `metrics.calibrated`), the second a temperature of its own.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien import metrics, shares
from mien.metrics import Floats, Ints, softmax
from mien.prediction import is_sure
from mien.training.learning.judge import LEAST
from mien.wording import counted

ALLOWED_ERRORS = 0.10
"""Share of wrong answers allowed among those at or above the threshold, on validation (see `metrics.fit_threshold`)."""
FOLDS = 10


@dataclass(frozen=True)
class Calibration:
    """What validation says of a head.

    Args:
        temperature, entropy_slope, bias: fitted on the true labels; 1 and zeros where that does not help.
        vote_temperature: fitted on people's votes; None without votes.
        threshold: confidence, at least one half, from which on at most `ALLOWED_ERRORS` of the answers are wrong.
        scores: accuracy, macro-F1 and others, of answers of `held_out`, as is the threshold, or of the logits as they
            are where `calibrated` is false; the KL to the votes is of images that the vote temperature was fitted on.
        answers: those that the scores are of, (n, classes).
    """

    temperature: float
    entropy_slope: float
    bias: tuple[float, ...]
    vote_temperature: float | None
    threshold: float
    scores: dict[str, Any]
    answers: Floats


def calibrate(
    logits: Floats, truth: Ints, voted_logits: Floats, votes: Ints, people: Sequence[str] | None = None
) -> Calibration:
    """Fit a head's calibration and threshold.

    Args:
        logits: of the images judged in the head's label set, (n, classes).
        truth: their classes, (n,).
        voted_logits: of those among them with votes, (m, classes); m may be 0.
        votes: their votes for the same classes, (m, classes).
        people: who is on each image judged, for `held_out` and for the interval (see `shares`).
    """
    found, probabilities, plain = (
        metrics.fit_calibration(logits, truth),
        held_out(logits, truth, people),
        softmax(logits),
    )
    helps = len(truth) >= LEAST and metrics.nll(probabilities, truth) < metrics.nll(plain, truth)
    if not helps:
        found, probabilities = (1.0, 0.0, np.zeros(logits.shape[1])), plain
    temperature, entropy_slope, bias = found
    threshold = metrics.fit_threshold(probabilities, truth, ALLOWED_ERRORS)
    scores = {
        "n": len(truth),
        "calibrated": helps,
        "accuracy": metrics.accuracy(probabilities, truth),
        "accuracy_interval": shares.interval(probabilities.argmax(1) == truth, people),
        "macro_f1": metrics.macro_f1(metrics.confusion(probabilities.argmax(1), truth, logits.shape[1])),
        "ece": metrics.ece(probabilities, truth),
        "nll": metrics.nll(probabilities, truth),
        **when_sure(probabilities, truth, is_sure(probabilities.max(1), threshold)),
        "accuracy_at_80_percent": metrics.coverage_accuracy(probabilities, truth, 0.8),
    }
    vote_temperature = None
    if len(votes):
        vote_temperature = metrics.fit_temperature(voted_logits, votes / votes.sum(1, keepdims=True))
        scores["kl_to_votes"] = metrics.kl_to_votes(softmax(voted_logits, vote_temperature), votes)
    return Calibration(
        temperature, entropy_slope, tuple(bias.tolist()), vote_temperature, threshold, scores, probabilities
    )


def when_sure(answers: Floats, truth: Ints, sure: NDArray[np.bool_]) -> dict[str, float | None]:
    """The share of answers that are sure, and that of the right ones among them; None if there are none."""
    right = metrics.accuracy(answers[sure], truth[sure]) if sure.any() else None
    return {"coverage": float(sure.mean()), "accuracy_covered": right}


def held_out(logits: Floats, truth: Ints, people: Sequence[str] | None = None, seed: int = 0) -> Floats:
    """Calibrated probabilities, each with a calibration that was fitted on other images: those of nine tenths.

    Args:
        logits: (n, classes).
        truth: (n,).
        people, seed: as for `tenths`.
    """
    probabilities = np.empty(logits.shape)
    for tenth in tenths(len(truth), people, seed):
        fitted = metrics.fit_calibration(logits[~tenth], truth[~tenth])
        probabilities[tenth] = metrics.calibrated(logits[tenth], *fitted)
    return probabilities


def tenths(n: int, people: Sequence[str] | None = None, seed: int = 0) -> Iterator[NDArray[np.bool_]]:
    """Which of n images are in each of ten parts, (n,); fewer parts where there are fewer people.

    Args:
        people: who is on each image; no one's images are in two parts. None where every image shows another.
        seed: of the parts.
    """
    names: Sequence[Hashable] = range(n) if people is None else people
    number = {name: at for at, name in enumerate(dict.fromkeys(names))}
    fold = (np.random.default_rng(seed).permutation(len(number)) % FOLDS)[[number[name] for name in names]]
    yield from (fold == tenth for tenth in np.unique(fold))


def uncalibrated(scores: Mapping[str, Any]) -> str | None:
    """Why a head with these scores is not calibrated, in words; None if it is."""
    if scores.get("calibrated", True):
        return None
    if scores["n"] < LEAST:
        few = counted(scores["n"], "validation image is", "validation images are")
        return f"{few} too few to calibrate confidence; it takes {LEAST}"
    return "calibration made images that it was not fitted on less likely, so none is applied"

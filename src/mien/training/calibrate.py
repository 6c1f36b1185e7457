"""Calibration of one head on validation logits: two temperatures and a threshold.

"The label is right" and "this is how people would vote" are two questions, so each has its temperature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mien import metrics
from mien.metrics import Floats, Ints

ALLOWED_ERRORS = 0.10
"""Share of wrong answers allowed among those at or above the threshold, on validation."""


@dataclass(frozen=True)
class Calibration:
    """What validation says of a head.

    Args:
        temperature: for confidence, fitted on the true labels (Guo et al., 2017).
        vote_temperature: fitted on people's votes; None without votes.
        threshold: confidence from which on at most `ALLOWED_ERRORS` of the answers are wrong.
        scores: accuracy, macro-F1 and others on the same images; `ece` is measured at temperatures that were fitted
            on other images.
    """

    temperature: float
    vote_temperature: float | None
    threshold: float
    scores: dict[str, Any]


def calibrate(
    logits: Floats, truth: Ints, voted_logits: Floats, votes: Ints, people: Sequence[str] | None = None
) -> Calibration:
    """Fit a head's temperatures and threshold.

    Args:
        logits: of the images judged in the head's label set, (n, classes).
        truth: their classes, (n,).
        voted_logits: of those among them with votes, (m, classes); m may be 0.
        votes: their votes for the same classes, (m, classes).
        people: who is on each image judged, for the interval (see `metrics.bootstrap`).
    """
    classes = logits.shape[1]
    temperature = metrics.fit_temperature(logits, metrics.one_hot(truth, classes))
    probabilities = metrics.softmax(logits, temperature)
    threshold = metrics.fit_threshold(probabilities, truth, ALLOWED_ERRORS)
    covered = probabilities.max(1) >= threshold
    counts = metrics.confusion(probabilities.argmax(1), truth, classes)
    scores = {
        "n": len(truth),
        "accuracy": metrics.accuracy(probabilities, truth),
        "accuracy_interval": metrics.bootstrap(
            lambda rows: metrics.accuracy(probabilities[rows], truth[rows]), len(truth), people
        ),
        "macro_f1": metrics.macro_f1(counts),
        "ece": held_out_ece(logits, truth),
        "nll": metrics.nll(probabilities, truth),
        "coverage": float(covered.mean()),
        "accuracy_covered": metrics.accuracy(probabilities[covered], truth[covered]) if covered.any() else None,
        "accuracy_at_80_percent": metrics.coverage_accuracy(probabilities, truth, 0.8),
    }
    vote_temperature = None
    if len(votes):
        vote_temperature = metrics.fit_temperature(voted_logits, votes / votes.sum(1, keepdims=True))
        scores["kl_to_votes"] = metrics.kl_to_votes(metrics.softmax(voted_logits, vote_temperature), votes)
    return Calibration(temperature, vote_temperature, threshold, scores)


def held_out_ece(logits: Floats, truth: Ints, rounds: int = 10, seed: int = 0) -> float:
    """ECE of all answers, each at the temperature fitted on a random half that it is not in; the mean of some halvings.

    The halves are judged together because ECE grows where there are few answers a bin, however good they are.
    """
    rng, errors = np.random.default_rng(seed), []
    for _ in range(rounds):
        order = rng.permutation(len(truth))
        halves = order[: len(order) // 2], order[len(order) // 2 :]
        probabilities = np.empty(logits.shape)
        for fitted, measured in (halves, halves[::-1]):
            temperature = metrics.fit_temperature(logits[fitted], metrics.one_hot(truth[fitted], logits.shape[1]))
            probabilities[measured] = metrics.softmax(logits[measured], temperature)
        errors.append(metrics.ece(probabilities, truth))
    return float(np.mean(errors))

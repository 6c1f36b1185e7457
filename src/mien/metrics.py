"""Scores of predictions against the truth, in numpy; shares and probabilities are 0..1, entropies in nats."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SEED = 0  # of what is drawn for intervals


def softmax(logits: NDArray[Any], temperature: float = 1.0) -> Floats:
    """Probabilities of logits over the last axis, divided by a temperature first."""
    values = np.asarray(logits, np.float64) / temperature
    values = np.exp(values - values.max(-1, keepdims=True))
    return np.asarray(values / values.sum(-1, keepdims=True), np.float64)


def centred(logits: NDArray[Any]) -> Floats:
    """Logits measured from their mean over the last axis, which leaves their softmax as it is."""
    values = np.asarray(logits, np.float64)
    return np.asarray(values - values.mean(-1, keepdims=True), np.float64)


HALFWAY = 0.5


def calibrated(
    logits: NDArray[Any],
    temperature: float = 1.0,
    entropy_slope: float = 0.0,
    bias: Sequence[float] | Floats | float = 0.0,
) -> Floats:
    """Probabilities of logits over the last axis, at a temperature that depends on how divided they are, with a bias.

    Divided is the entropy of their softmax as a share of the largest possible, 0..1; so far Balanya, Maronas and Ramos,
    "Adaptive temperature scaling for robust calibration of deep neural networks", 2022. The bias is that of Alexandari,
    Kundaje and Shrikumar, "Maximum likelihood with bias-corrected calibration is hard-to-beat at label shift
    adaptation", 2020.

    Args:
        logits: shape (..., classes).
        temperature: of logits that are halfway divided.
        entropy_slope: by how much the logarithm of the temperature rises from undivided logits to evenly divided ones.
        bias: added to the logits after the temperature, one for each class.
    """
    values = np.asarray(logits, np.float64)
    warmth = np.exp(entropy_slope * (dividedness(values) - HALFWAY))
    return softmax(values / (temperature * warmth) + np.asarray(bias))


def dividedness(logits: NDArray[Any]) -> Floats:
    """Entropy of the softmax as a share of the largest possible, 0..1; shape (..., classes) -> (..., 1)."""
    shares = softmax(logits)
    entropy = -(shares * np.log(np.maximum(shares, 1e-300))).sum(-1, keepdims=True)
    return np.asarray(entropy / np.log(shares.shape[-1]), np.float64)


def accuracy(probabilities: Floats, truth: Ints) -> float:
    """Share of rows whose most probable class is the true one."""
    return float((probabilities.argmax(1) == truth).mean())


def confusion(guesses: Ints, truth: Ints, classes: int) -> Ints:
    """Counts, shape (classes, classes): rows are the truth, columns the guess."""
    return np.bincount(truth * classes + guesses, minlength=classes * classes).reshape(classes, classes)


def ece(probabilities: Floats, truth: Ints, bins: int = 15) -> float:
    """Expected calibration error (Guo et al., 2017) of the most probable class, in equal-width bins; 0 without rows."""
    return calibration_error(probabilities.max(1), probabilities.argmax(1) == truth, bins)


def calibration_error(confidence: Floats, right: NDArray[np.bool_], bins: int = 15) -> float:
    """As `ece`, of each row's confidence, 0..1, and whether its answer is right; both (n,)."""
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gap = np.bincount(place, right - confidence, minlength=bins)
    return float(np.abs(gap).sum() / max(len(right), 1))


def nll(probabilities: Floats, truth: Ints) -> float:
    """Mean negative log-likelihood of the true class."""
    return float(-np.log(np.maximum(probabilities[np.arange(len(truth)), truth], 1e-12)).mean())


def kl_to_votes(probabilities: Floats, votes: Ints) -> float:
    """Mean KL(votes || probabilities) over the rows that have votes. Votes: counts, shape as `probabilities`."""
    voted = votes.sum(1) > 0
    shares = votes[voted] / votes[voted].sum(1, keepdims=True)
    logs = np.log(np.where(shares > 0, shares, 1)) - np.log(np.maximum(probabilities[voted], 1e-12))
    return float((shares * logs).sum(1).mean())


def coverage_accuracy(probabilities: Floats, truth: Ints, coverage: float) -> float:
    """Accuracy on the share of rows (0..1) with the highest confidence."""
    kept = np.argsort(-probabilities.max(1), kind="stable")[: max(round(coverage * len(truth)), 1)]
    return accuracy(probabilities[kept], truth[kept])


def bootstrap(
    score: Callable[[Ints], float],
    n: int,
    groups: Sequence[Hashable] | None = None,
    rounds: int = 1000,
    seed: int = SEED,
) -> tuple[float, float]:
    """95% percentile interval of a score of n examples.

    Args:
        score: takes row numbers, drawn with replacement: n of them, or about n where whole groups are drawn.
        groups, rounds, seed: as `draws`.
    """
    return interval([score(rows) for rows in draws(n, groups, rounds, seed)])


def draws(n: int, groups: Sequence[Hashable] | None = None, rounds: int = 1000, seed: int = SEED) -> Iterator[Ints]:
    """Row numbers of n examples, drawn with replacement, again and again.

    Args:
        groups: what each example belongs to, such as the person on it: examples of one person are alike, so that people
            are drawn, each with all examples. Examples are drawn where it is None, or there is one group alone.
    """
    rng = np.random.default_rng(seed)
    if groups is None or len(set(groups)) in (1, n):
        for _ in range(rounds):
            yield rng.integers(0, n, n)
        return
    members: dict[Hashable, list[int]] = {}
    for row, group in enumerate(groups):
        members.setdefault(group, []).append(row)
    rows = [np.array(each) for each in members.values()]
    for _ in range(rounds):
        yield np.concatenate([rows[each] for each in rng.integers(0, len(rows), len(rows))])


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The middle 95% of values."""
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


@dataclass(frozen=True)
class ClassScores:
    """Scores of one class, 0..1.

    Args:
        precision: None where nothing was taken for it.
        recall, f1: None where no example is of it.
        support: how many examples are truly of it.
    """

    precision: float | None
    recall: float | None
    f1: float | None
    support: int


def class_scores(counts: Ints, missed: Ints | None = None) -> list[ClassScores]:
    """Scores by class.

    Args:
        counts: a confusion matrix (see `confusion`).
        missed: examples of each class that got no answer at all, shape (classes,); they lower recall.
    """
    right, guessed, true = np.diag(counts), counts.sum(0), counts.sum(1)
    if missed is not None:
        true = true + missed
    scores = []
    for hits, guesses, support in zip(right, guessed, true, strict=True):
        precision = float(hits / guesses) if guesses else None
        recall = float(hits / support) if support else None
        f1 = float(2 * hits / (guesses + support)) if support else None
        scores.append(ClassScores(precision, recall, f1, int(support)))
    return scores


def macro_f1(counts: Ints, missed: Ints | None = None) -> float:
    """Mean F1 over the classes that occur in the truth; arguments are those of `class_scores`."""
    scores = [score.f1 for score in class_scores(counts, missed) if score.f1 is not None]
    return float(np.mean(scores)) if scores else 0.0


PRIOR = 10.0
"""Nats that a temperature of e, or of its inverse, must save over all examples."""


def fit_temperature(logits: Floats, targets: Floats) -> float:
    """The temperature that minimises the cross-entropy of target distributions, within 0.05..20.

    A few examples that are all right would make it as certain as it can be, so that 1 is preferred a little: as much as
    some dozens of examples can outweigh.

    Args:
        logits: shape (n, classes).
        targets: distributions, the same shape.
    """

    def cost(log_t: float) -> float:
        entropy = -(targets * np.log(np.maximum(softmax(logits, float(np.exp(log_t))), 1e-12))).sum()
        return float(entropy) + PRIOR * log_t**2

    low, high = float(np.log(0.05)), float(np.log(20))
    ratio = (np.sqrt(5) - 1) / 2
    for _ in range(60):
        a, b = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, b) if cost(a) < cost(b) else (a, high)
    return float(np.exp((low + high) / 2))


def tempered_nll(logits: Floats, truth: Ints) -> float:
    """Mean negative log-likelihood of the truth at the best temperature, and what `PRIOR` charges for that one.

    Calibration follows training, so that a network that is too sure of itself is no worse for it where there are images
    enough to find that out. A few cannot, and would call a network good that they happen to part: what a temperature
    saves on them must outweigh its price.

    Args:
        logits: shape (n, classes); at least one row.
        truth: shape (n,).
    """
    temperature = fit_temperature(logits, one_hot(truth, logits.shape[1]))
    return nll(softmax(logits, temperature), truth) + PRIOR * float(np.log(temperature)) ** 2 / len(truth)


CAUTION = 2.0
"""Nats that a slope or a bias of 1 must save over all examples, where there are many."""
SCARCE = 120
"""Examples with which `CAUTION` doubles. With 60 it is five times as large, with 3,000 as good as unchanged.

Chosen on happy and sad faces, on which 60 images set biases that others did not bear out (see benchmarks/transfer.py).
"""
NEWTON_STEPS = 50


def fit_calibration(logits: Floats, truth: Ints) -> tuple[float, float, Floats]:
    """Temperature, entropy slope and bias with which `calibrated` gives the truth the most probability.

    None of them moves far from 1 and 0 for the sake of a few examples: penalties are `PRIOR` and `CAUTION`, the second
    larger where examples are `SCARCE`. What they cost is spread over all examples, so that it vanishes with many.

    Args:
        logits: shape (n, classes); n may be 0.
        truth: shape (n,).
    """
    n, classes = len(logits), logits.shape[1]
    penalty = np.array([PRIOR, *[caution(n)] * (1 + classes)])
    divided, target = dividedness(logits) - HALFWAY, one_hot(truth, classes)

    def scaled(values: Floats) -> Floats:
        return np.asarray(logits * np.exp(values[0] + values[1] * divided), np.float64)

    def cost(values: Floats) -> float:
        return nll(softmax(scaled(values) + values[2:]), truth) * n + float((penalty * values**2).sum())

    found = np.zeros(2 + classes)
    for _ in range(NEWTON_STEPS if n else 0):
        logit = scaled(found)
        shares = softmax(logit + found[2:])
        slopes = np.empty((n, classes, len(found)))
        slopes[:, :, 0], slopes[:, :, 1], slopes[:, :, 2:] = logit, logit * divided, np.eye(classes)
        mean = np.einsum("nk,nkp->np", shares, slopes)
        gradient = np.einsum("nk,nkp->p", shares - target, slopes) + 2 * penalty * found
        curvature = np.einsum("nk,nkp,nkq->pq", shares, slopes, slopes, optimize=True) - mean.T @ mean
        step = np.linalg.solve(curvature + 2 * np.diag(penalty), gradient)
        before, length = cost(found), min(1.0, 1.0 / np.abs(step[:2]).max().clip(1e-9))
        while length > 1e-6 and not cost(found - length * step) < before:
            length /= 2
        if length <= 1e-6:
            break
        found = found - length * step
    return float(np.exp(-found[0])), -float(found[1]), found[2:]


def caution(n: int) -> float:
    """Nats that a slope or a bias of 1 must save over n examples."""
    return CAUTION * (1 + (SCARCE / max(n, 1)) ** 2)


def one_hot(truth: Ints, classes: int) -> Floats:
    """Distributions that are certain of the truth, shape (n, classes)."""
    return np.asarray(np.eye(classes)[truth], np.float64)


EVEN = 0.5
"""Confidence below which an answer is wrong more often than right."""


def fit_threshold(probabilities: Floats, truth: Ints, errors: float) -> float:
    """The lowest confidence of `EVEN` or more from which on at most this share of answers is wrong; 1 if there is none.

    Args:
        probabilities: (n, classes).
        errors: as for `lowest`.
    """
    return lowest(probabilities.max(1), probabilities.argmax(1) != truth, errors, least=EVEN)


def lowest(
    values: Floats, wrong: NDArray[np.bool_], errors: float, weights: Floats | None = None, least: float = 0.0
) -> float:
    """The lowest of values from which on at most this share of answers is wrong; 1 if there is none.

    One more answer is counted, and it is wrong: the next one may be, and of a few it would be a good part (the finite
    sample's correction in Angelopoulos et al., "Conformal risk control", 2022). So nothing is sure without nine answers
    where a tenth may be wrong, and with thousands it makes no difference.

    Args:
        values: 0..1, of answers, (n,).
        wrong: which of them are, (n,).
        errors: 0..1, the share of wrong answers allowed among those at or above the value, and the next one.
        weights: what each counts, (n,); 1 in the mean of what it may be drawn from.
        least: no lower value will do.
    """
    order = np.argsort(-values, kind="stable")
    ordered, weight = values[order], (np.ones(len(values)) if weights is None else weights)[order]
    last = np.diff(ordered, append=-1.0) != 0  # of those with the same value: all are in, or none
    within = np.cumsum(weight * wrong[order]) + 1 <= errors * (np.cumsum(weight) + 1)
    allowed = np.flatnonzero(within & last & (ordered >= least))
    return float(ordered[allowed[-1]]) if len(allowed) else 1.0

"""Which labels are likely errors: opinions on every label that did not hear it, and confident learning on them.

Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in dataset labels", 2021. The opinions are
those of a logistic regression on the network's features, each image judged by one that was fitted to other groups of
images (see `group_of`), and those of the network's heads that know all of the labels. What they say together is their
geometric mean: of all their mixes it has the highest sum, on FER2013's training images, of wrong labels among the first
200 and planted errors found (docs/audit.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.metrics import Floats, Ints, one_hot, softmax

FOLDS = 5
RIDGE = 10.0  # half of what a weight's square costs, in nats over all images
STEPS = 60
STILL = 1e-3  # largest change of a weight in the last step
RARE = 2 * FOLDS  # images of a label, below which nothing else shows what it looks like
LEAST = 1e-9  # a chance, below which opinions make no difference


class Doubted(NamedTuple):
    """What is thought of labels.

    Args:
        suspicion: 0..1, one less what all opinions together give to the label, (n,).
        instead: the class that they give most, (n,).
        likely: whether it is an error by confident learning; never where `instead` is the label, (n,) bool.
    """

    suspicion: Floats
    instead: Ints
    likely: NDArray[np.bool_]


def doubted(opinions: Sequence[Floats], labels: Ints) -> Doubted:
    """What opinions say of labels together.

    A label is likely an error where another class has most, and as much as images of that class usually give it.

    Args:
        opinions: each (n, classes), rows that sum to 1; at least one.
        labels: (n,).
    """
    shares = together(opinions)
    n, classes = shares.shape
    usual = np.array(
        [shares[labels == each, each].mean() if (labels == each).any() else 1.0 for each in range(classes)]
    )
    rows, most = np.arange(n), np.asarray(shares.argmax(1), np.int64)
    likely = (shares[rows, most] >= usual[most]) & (most != labels)
    return Doubted(1 - shares[rows, labels], most, likely)


def together(opinions: Sequence[Floats]) -> Floats:
    """The geometric mean of opinions, as for `doubted`."""
    return softmax(np.mean([np.log(np.maximum(each, LEAST)) for each in opinions], axis=0))


def out_of_fold(features: NDArray[np.floating], labels: Ints, classes: int, folds: Ints) -> Floats:
    """The chance of each class by a logistic regression that was fitted to the other folds, (n, classes).

    Args:
        features: (n, values).
        labels: (n,).
        folds: 0..`FOLDS` - 1, (n,).
    """
    spread = features.std(0)
    values = (features - features.mean(0)) / np.where(spread > 0, spread, 1)
    values = np.column_stack([values, np.ones(len(values))]).astype(np.float32)
    shares = np.empty((len(labels), classes))
    for fold in range(FOLDS):
        judged = folds == fold
        shares[judged] = softmax(values[judged] @ _fitted(values[~judged], labels[~judged], classes))
    return shares


def _fitted(values: NDArray[np.float32], labels: Ints, classes: int) -> NDArray[np.float32]:
    """Weights (values, classes) of a multinomial logistic regression with a ridge.

    Steps are by a curvature that no other exceeds, which is inverted once (Boehning, "Multinomial logistic regression
    algorithm", 1992), with Nesterov's momentum.
    """
    width = values.shape[1]
    inverse = np.linalg.inv((values.T @ values).astype(np.float64) / 2 + RIDGE * np.eye(width)).astype(np.float32)
    target = one_hot(labels, classes).astype(np.float32)
    weights = ahead = np.zeros((width, classes), np.float32)
    pace = 1.0
    for _ in range(STEPS):
        slope = values.T @ (target - softmax(values @ ahead).astype(np.float32)) - np.float32(RIDGE) * ahead
        before, weights = weights, ahead + inverse @ slope
        faster = (1 + np.sqrt(1 + 4 * pace**2)) / 2
        ahead = weights + np.float32((pace - 1) / faster) * (weights - before)
        pace = faster
        if np.abs(weights - before).max() < STILL:
            break
    return weights


def distances(features: NDArray[np.floating], labels: Ints) -> Floats:
    """How far each image's features lie from what is usual, in robust standard deviations about the middle, (n,).

    It is the Mahalanobis distance from the nearest class's mean, with one covariance for all (Lee et al., "A simple
    unified framework for detecting out-of-distribution samples", 2018).
    """
    values = features.astype(np.float64)
    present = np.unique(labels)
    means = np.stack([values[labels == each].mean(0) for each in present])
    apart = values - means[np.searchsorted(present, labels)]
    covariance = apart.T @ apart / len(values)
    covariance += np.eye(len(covariance)) * max(np.trace(covariance) / len(covariance) * 1e-3, 1e-12)
    root = np.linalg.cholesky(np.linalg.inv(covariance))
    placed, centres = values @ root, means @ root
    nearest = np.sqrt(np.min([((placed - centre) ** 2).sum(1) for centre in centres], axis=0))
    middle = np.median(nearest)
    usual = 1.4826 * np.median(np.abs(nearest - middle))  # of a normal distribution: one standard deviation
    return np.asarray((nearest - middle) / max(usual, 1e-12), np.float64)

"""Second opinions: a head that learned other labels of the same faces is asked whether an answer may be relied on.

Two label worlds see one face differently, and a face from elsewhere may be of either. Where they disagree, no sign in
the face tells which one is right there, so that the answer is uncertain (docs/elsewhere.md).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mien import metrics
from mien.answers import opinions
from mien.datasets.base import NO_LABEL
from mien.heads import HeadInfo, Second
from mien.metrics import Floats, Ints
from mien.prediction import is_sure

ALLOWED_ERRORS = 0.20
"""Share of sure answers that may be wrong by the other head's labels, on validation faces weighed so that each of these
labels is as frequent as any other."""


def fit_second(
    head: HeadInfo, other: HeadInfo, logits: Mapping[str, NDArray[np.floating]], truth: Ints
) -> Second | None:
    """What another head must give to an answer, at least; None where no answer needs it.

    Args:
        head: the one that answers, calibrated.
        other: the one that is asked, calibrated.
        logits: of validation images, (n, emotions) by head.
        truth: their classes in the other head's labels, (n,); `NO_LABEL` for those without.
    """
    answers = head.probabilities(logits[head.labels])
    chances = opinions(logits[other.labels], other, answers, head.label_set)
    weights = balanced(truth, len(other.emotions))
    wrong = np.array(head.emotions)[answers.argmax(1)] != np.array(other.emotions)[truth]
    sure = is_sure(answers.max(1), head.threshold) & np.isfinite(chances) & (truth != NO_LABEL)
    least = metrics.lowest(chances[sure], wrong[sure], ALLOWED_ERRORS, weights[sure])
    return Second(labels=other.labels, threshold=least) if not is_sure(chances[sure], least).all() else None


def balanced(truth: Ints, classes: int) -> Floats:
    """What each image counts where all classes are to count the same, 1 in the mean; 0 for those without a class."""
    known = truth != NO_LABEL
    counts = np.bincount(truth[known], minlength=classes)
    weights = np.where(known, 1 / np.maximum(counts, 1)[truth], 0.0)
    return np.asarray(weights * known.sum() / max(weights.sum(), 1e-9), np.float64)

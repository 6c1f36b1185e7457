"""Stacking: a head that learned one kind of labels listens to the head that learned another kind of the same faces.

Both look at the same features, and each was taught what the other was not. What each logit counts is fitted on
validation images (matrix scaling, Guo et al., "On calibration of modern neural networks", 2017, over both heads'
logits), and kept near what the head says by itself. It costs an answer next to nothing (docs/elsewhere.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from mien import metrics, shares
from mien.heads import Stacking
from mien.metrics import Floats, Ints
from mien.training.export.calibrate import held_out, tenths
from mien.training.learning.judge import LEAST

PENALTY = 4.0
"""Nats that a count of 1, beside what the head says by itself, must save over all examples."""

SURELY = 2  # standard errors by which images must be likelier
DIGITS = 4


def fit_stacking(
    name: str, own: NDArray[np.floating], other: NDArray[np.floating], truth: Ints, people: Sequence[str] | None = None
) -> tuple[Stacking | None, Floats]:
    """What a head's logits count and what another's do, where that makes images likelier that it was not fitted on.

    Args:
        name: of the other head.
        own, other: logits of images judged in the head's label set, (n, emotions) and (n, the other's emotions).
        truth: their classes, (n,).
        people: who is on each, as for `held_out`.

    Returns:
        The stacking, None where it does not help by two standard errors, a person's images being alike; and the
        logits, (n, emotions), to fit the calibration on: of each image by a stacking that was fitted on others.
    """
    alone = np.asarray(own, np.float64)
    stacked = np.empty(own.shape)
    parts = list(tenths(len(truth), people))
    if len(truth) < LEAST or len(parts) < 2:
        return None, alone
    for tenth in parts:
        found = _fitted(name, own[~tenth], other[~tenth], truth[~tenth])
        stacked[tenth] = found.logits(own[tenth], other[tenth])
    before, after = (_logs(held_out(rows, truth, people), truth) for rows in (alone, stacked))
    gain = np.subtract(after, before)
    who = shares.numbered(range(len(gain)) if people is None else people)
    if gain.mean() <= SURELY * gain.std() / shares.worth(who, shares.alikeness(gain, who)) ** 0.5:
        return None, alone
    return _fitted(name, own, other, truth), stacked


def _fitted(name: str, own: NDArray[np.floating], other: NDArray[np.floating], truth: Ints) -> Stacking:
    classes = own.shape[1]
    seen, target = (torch.tensor(each) for each in (np.hstack([metrics.centred(own), metrics.centred(other)]), truth))
    alone = torch.eye(classes, seen.shape[1], dtype=torch.float64)
    weights, bias = alone.clone().requires_grad_(), torch.zeros(classes, dtype=torch.float64, requires_grad=True)
    descent = torch.optim.LBFGS([weights, bias], max_iter=200, line_search_fn="strong_wolfe")

    def cost() -> torch.Tensor:
        descent.zero_grad()
        loss = functional.cross_entropy(seen @ weights.T + bias, target)
        loss = loss + PENALTY / len(truth) * (weights - alone).square().sum()
        loss.backward()
        return loss

    descent.step(cost)
    rows = [tuple(row) for row in weights.detach().numpy().round(DIGITS).tolist()]
    own_counts, other_counts = (tuple(row[part] for row in rows) for part in (slice(classes), slice(classes, None)))
    added = tuple(bias.detach().numpy().round(DIGITS).tolist())
    return Stacking(labels=name, own=own_counts, other=other_counts, bias=added)


def _logs(probabilities: Floats, truth: Ints) -> Floats:
    return np.log(np.maximum(probabilities[np.arange(len(truth)), truth], 1e-12))

"""Priors: how often each emotion is expected where the images are from.

A model learned from images of which a third may be happy and few disgusted, and answers as if that were so everywhere.
Where another mix is expected, a chance p of an emotion becomes p * prior / mix, all of them together 1 (Saerens,
Latinne and Decaestecker, "Adjusting the outputs of a classifier to new a priori probabilities", 2002).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import LabelError
from mien.labels import LabelSet, canonical, read_pairs

TRAINING, BALANCED = "training", "balanced"
Prior = str | Mapping[str, float]
"""`"training"`, the mix of the training images; `"balanced"`, every emotion equally often; or shares by emotion, as
numbers of any sum or in text: `{"happy": 0.5, "neutral": 0.5}`, `"happy=.5,neutral=.5"`. One that is not named is not
expected at all, and so never answered."""

WANTED = f"a prior is {TRAINING}, {BALANCED}, or shares such as happy=.5,neutral=.5"


def shares_of(prior: Prior, labels: LabelSet) -> dict[str, float] | None:
    """The share of each emotion of a label set that a prior expects, together 1; None for the mix of training.

    Raises:
        LabelError: it is none, names an emotion that the set lacks or one twice, or has a share below 0, or fewer than
            two above.
    """
    if isinstance(prior, str) and prior == TRAINING:
        return None
    if isinstance(prior, str) and prior == BALANCED:
        return {emotion: 1 / len(labels) for emotion in labels}
    shares: dict[str, float] = {}
    for name, value in _named(prior):
        emotion = canonical(name)
        if emotion not in labels:
            raise LabelError(f"the prior names {name!r}, and {labels.name!r} has {', '.join(labels)}")
        if emotion in shares:
            raise LabelError(f"the prior names {emotion!r} twice")
        shares[emotion] = _share(name, value)
    if sum(share > 0 for share in shares.values()) < 2:
        raise LabelError(f"the prior expects fewer than two expressions, so that nothing is left to read: {prior!r}")
    total = math.fsum(shares.values())
    return {emotion: shares.get(emotion, 0.0) / total for emotion in labels}


def weights(shares: Mapping[str, float], emotions: tuple[str, ...], mix: tuple[float, ...]) -> NDArray[np.float64]:
    """How many times as often as in training each emotion is to be expected, shape (emotions,).

    Args:
        shares: as expected, of some of the emotions, or of others too. What the others here make together stays as
            it was in training.
        emotions: of a head.
        mix: their shares in training, each above 0.
    """
    wanted = np.array([shares.get(emotion, 0.0) for emotion in emotions])
    named, learned = np.array([emotion in shares for emotion in emotions]), np.array(mix)
    if not wanted.any():
        return np.ones(len(emotions))
    return np.where(named, wanted / wanted.sum() * learned[named].sum() / learned, 1.0)


def _named(prior: Any) -> list[tuple[str, Any]]:
    if isinstance(prior, Mapping):
        return [(str(name), value) for name, value in prior.items()]
    pairs = read_pairs(prior) if isinstance(prior, str) else []
    if not pairs or any(len(pair) != 2 for pair in pairs):
        raise LabelError(f"{WANTED}; got {prior!r}")
    return [(name, value) for name, value in pairs]


def _share(name: str, value: Any) -> float:
    try:
        share = float(value)
    except (TypeError, ValueError):
        share = math.nan
    if not 0 <= share < math.inf:
        raise LabelError(f"the prior's share of {name!r} is a number of 0 or more, got {value!r}")
    return share

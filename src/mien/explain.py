"""What an answer hangs on: parts of the face are hidden in turn, and the confidence that is lost is the explanation.

Works with any model, since it only asks: occlusion sensitivity (Zeiler and Fergus, "Visualizing and Understanding
Convolutional Networks", 2014).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.image import Pixels
from mien.labels import LabelSet
from mien.prior import TRAINING, Prior
from mien.recognizer import Recognizer

GRID = 7
"""Rows and columns of an explanation: windows of a quarter of the crop's side, each half over its neighbour."""


def explain(model: Recognizer, crop: Pixels, labels: LabelSet, prior: Prior = TRAINING) -> NDArray[np.float64]:
    """How much each part of a face speaks for the answer.

    Args:
        model: whose answer it is.
        crop: what the network saw, see `recognizer.Found`.
        labels: the label set of the answer, from `Recognizer.spoken`.
        prior: of the answer.

    Returns:
        (7, 7), -1..1, from the top left: by how much the probability of the most probable emotion falls when that part
        of the crop is replaced by the crop's mean; below 0 where it rises.
    """
    size, window = len(crop), len(crop) / 4
    hidden = np.repeat(crop[np.newaxis], 1 + GRID * GRID, axis=0)
    mean = crop.mean((0, 1))
    for part in range(GRID * GRID):
        top, left = (round(place * (size - window) / (GRID - 1)) for place in divmod(part, GRID))
        hidden[1 + part, top : top + round(window), left : left + round(window)] = mean
    shares = model.probabilities(hidden, labels, prior)
    told = shares[:, shares[0].argmax()]
    lost: NDArray[np.float64] = (told[0] - told[1:]).reshape(GRID, GRID)
    return lost

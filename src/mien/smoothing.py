"""Smoothing: what a face's expression is around a time, from what was read of it in frames before and after.

The geometric mean of the probabilities, each weighing as near as its frame is in time (a Gaussian of .2 s, so that
frames may come at any distance) and as sure as it was (its confidence). Of the ways that were compared on made changes
of expression it was the nearest to the truth that stays calibrated where errors last (docs/video.md). Times: seconds.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIGMA_S = 0.2
REACH_S = 0.5  # on either side; beyond, a frame weighs nothing
LEAST = 1e-4  # of a probability, lest one frame forbids what all others say

Floats = NDArray[np.float64]


class Smooth:
    """The answers of a video's tracks, as far back as they are needed.

    Args:
        state: of one that is to be gone on with, from `state`.
    """

    def __init__(self, state: Mapping[str, Any] | None = None) -> None:
        self._samples: dict[int, deque[tuple[float, Floats]]] = {}
        for track, samples in (state or {}).items():
            self._samples[int(track)] = deque((time_s, np.array(shares)) for time_s, shares in samples)

    @property
    def state(self) -> dict[str, Any]:
        """All that `Smooth` goes on from, as JSON takes it."""
        kept = self._samples.items()
        return {str(track): [(time_s, shares.tolist()) for time_s, shares in samples] for track, samples in kept}

    def add(self, time_s: float, track: int, shares: Floats) -> None:
        """What was read of a track in a frame: its probabilities, in any order that stays."""
        self._samples.setdefault(track, deque()).append((time_s, shares))

    def at(self, time_s: float, track: int) -> Floats:
        """The probabilities of a track around a time at which it was seen, together 1."""
        near = [(at, shares) for at, shares in self._samples[track] if abs(at - time_s) <= REACH_S]
        shares = np.array([shares for _, shares in near])
        weights = [math.exp(-0.5 * ((at - time_s) / SIGMA_S) ** 2) for at, _ in near] * shares.max(axis=1)
        mean = np.exp(weights @ np.log(np.maximum(shares, LEAST)) / weights.sum())
        return np.asarray(mean / mean.sum())

    def forget(self, time_s: float) -> None:
        """No time before this one will be asked for any more."""
        for track, samples in list(self._samples.items()):
            while samples and samples[0][0] < time_s - REACH_S:
                samples.popleft()
            if not samples:
                del self._samples[track]

"""Smoothing: what a face's expression is around a time, from what was read of it in frames before and after.

The geometric mean of the probabilities, each weighing as near as its frame is in time (a Gaussian of .2 s, so that
frames may come at any distance) and as sure as it was (its confidence). Of the ways that were compared on made changes
of expression it was the nearest to the truth that stays calibrated where errors last (docs/video.md). Before a camera
nothing later is known: what comes late is wrong for longer, so frames must be nearer in time. Times: seconds.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.face import Box, overlap
from mien.prediction import LOW, Expression, Prediction, Reading, unsure

SIGMA_S = 0.2
CAMERA_SIGMA_S = 0.08
REACH_S = 0.5  # on either side; beyond, a frame weighs nothing
LEAST = 1e-4  # of a probability, lest one frame forbids what all others say

SAME = 0.3  # overlap (intersection over union) from which two boxes are one face before a camera

Floats = NDArray[np.float64]


class Smooth:
    """The answers of a video's tracks, as far back as they are needed.

    Args:
        state: of one that is to be gone on with, from `state`.
        sigma_s: of the Gaussian.
    """

    def __init__(self, state: Mapping[str, Any] | None = None, sigma_s: float = SIGMA_S) -> None:
        self._sigma_s = sigma_s
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

    def join(self, track: int, other: int) -> None:
        """What was read of a track is what was read of another one after all that is known of that."""
        self._samples.setdefault(other, deque()).extend(self._samples.pop(track, ()))

    def at(self, time_s: float, track: int) -> Floats:
        """The probabilities of a track around a time at which it was seen, together 1."""
        near = [(at, shares) for at, shares in self._samples[track] if abs(at - time_s) <= REACH_S]
        shares = np.array([shares for _, shares in near])
        weights = [math.exp(-0.5 * ((at - time_s) / self._sigma_s) ** 2) for at, _ in near] * shares.max(axis=1)
        mean = np.exp(weights @ np.log(np.maximum(shares, LEAST)) / weights.sum())
        return np.asarray(mean / mean.sum())

    def forget(self, time_s: float) -> None:
        """No time before this one will be asked for any more."""
        for track, samples in list(self._samples.items()):
            while samples and samples[0][0] < time_s - REACH_S:
                samples.popleft()
            if not samples:
                del self._samples[track]


class Steady:
    """What is read before a camera, each face followed from frame to frame and smoothed with what was before.

    Args:
        threshold: the confidence below which a face is uncertain, 0..1.
    """

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._shares, self._votes = Smooth(sigma_s=CAMERA_SIGMA_S), Smooth(sigma_s=CAMERA_SIGMA_S)
        self._faces: list[tuple[int, Box]] = []
        self._next = 0

    def __call__(self, prediction: Prediction, time_s: float) -> Prediction:
        """The prediction of a frame, smoothed; a face that was not there in the frame before is as it was read."""
        if prediction.error is not None:
            return prediction
        before, self._faces = self._faces, []
        readings = tuple(self._steadied(reading, before, time_s) for reading in prediction.faces)
        for smooth in (self._shares, self._votes):
            smooth.forget(time_s)
        return replace(prediction, faces=readings)

    def _steadied(self, reading: Reading, before: list[tuple[int, Box]], time_s: float) -> Reading:
        """One face; where it was before, it is taken from there."""
        box, now = reading.face.box_xyxy, reading.expression
        best = max(before, key=lambda face: overlap(box, face[1]), default=None)
        same = best if best is not None and overlap(box, best[1]) >= SAME else None
        if same is None:
            number, self._next = self._next, self._next + 1
        else:
            number = same[0]
            before.remove(same)
        self._faces.append((number, box))
        shares = _over_time(self._shares, time_s, number, now.probabilities)
        votes = _over_time(self._votes, time_s, number, now.votes) if now.votes else None
        return reading if same is None else Reading(reading.face, smoothed(now, shares, self._threshold, votes))


def smoothed(
    now: Expression, shares: Mapping[str, float], threshold: float, votes: Mapping[str, float] | None = None
) -> Expression:
    """An expression with its probabilities smoothed over time, sure of itself or not; other reasons are the frame's,
    another head's doubt among them."""
    others = tuple(reason for reason in now.reasons if not reason.startswith(f"{LOW} ("))
    reasons = unsure(max(shares.values()), threshold) + others
    return Expression(dict(shares), reasons, now.not_a_face, votes)


def _over_time(smooth: Smooth, time_s: float, number: int, shares: Mapping[str, float]) -> dict[str, float]:
    smooth.add(time_s, number, np.array([*shares.values()]))
    return dict(zip(shares, smooth.at(time_s, number).tolist(), strict=True))

"""Which frames of a video are wanted: the first one at or after each of some moments, or all of them."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable

from mien.video.frame import SLACK


class Moments:
    """The moments whose frames are wanted, and how many of them have had theirs.

    Args:
        every_s: seconds from one moment to the next; if None, each frame has a moment of its own.
        at_s: moments instead, in any order.
        start_s: no moment is earlier.
    """

    def __init__(
        self, every_s: float | None = None, at_s: Iterable[float] | None = None, start_s: float = -math.inf
    ) -> None:
        self._every_s, self._start_s = every_s, start_s
        self._at_s = None if at_s is None else sorted(moment for moment in at_s if moment >= start_s)
        self._served = -math.inf

    @property
    def over(self) -> bool:
        """Whether the last one has had its frame."""
        return self._at_s is not None and self._served == len(self._at_s)

    def reached(self, time_s: float) -> float:
        """Which moment is the latest by that time, as a number that rises; -inf before the first."""
        time_s += SLACK
        if self._at_s is not None:
            return bisect_right(self._at_s, time_s) or -math.inf
        if time_s < self._start_s:
            return -math.inf
        return time_s if self._every_s is None else (time_s - self._start_s) // self._every_s

    def wants(self, time_s: float) -> bool:
        """Whether a frame of that time, which comes next, is the first one at or after a moment."""
        return self.reached(time_s) > self._served

    def serve(self, time_s: float) -> None:
        """Its frame is there."""
        self._served = self.reached(time_s)

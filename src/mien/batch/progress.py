"""How far a run is: what its parts came to, how fast, and what is left; in a file for those who wait elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Literal

from mien.batch.part import UNFINISHED, Counts
from mien.batch.plan import Part, Plan
from mien.batch.stores import is_address, joined, put

NAME = "progress.json"
DISK_S, STORE_S = 1.0, 10.0
"""Between two states of the file."""

State = Literal["running", "done", "stopped", "failed"]


@dataclass(frozen=True)
class Done:
    """What became of a part: what it came to, or why it failed.

    Args:
        part: the part.
        counts: None where it failed.
        failure: why, in words.
        hopeless: whether others will fail alike, as where a disk is full.
    """

    part: Part
    counts: Counts | None
    failure: str = ""
    hopeless: bool = False


Tell = Callable[[Done], None]
"""Who is told of every part as soon as it is done, or has failed for good."""


@dataclass
class Progress:
    """How far a run is.

    Args:
        plan: what is to be done.
        out: the run's folder.
    """

    plan: Plan
    out: str
    counts: Counts = field(default_factory=Counts)
    parts: int = 0
    earlier: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    state: State = "running"

    def __post_init__(self) -> None:
        self._began = monotonic()
        self._start = datetime.now(UTC)
        self._written = -STORE_S

    @property
    def images(self) -> int | None:
        """All that there are to read; None where nobody knows yet."""
        return self.plan.inputs.images

    def found(self, counts: Counts) -> None:
        """A part that an earlier run finished."""
        self.counts.add(counts)
        self.parts += 1
        self.earlier += counts.images

    def add(self, done: Done) -> None:
        """A part of this run."""
        if done.counts is None:
            self.failures[done.part.name] = done.failure
        else:
            self.counts.add(done.counts)
            self.parts += 1

    @property
    def rate(self) -> float:
        """Images a second, of this run."""
        return (self.counts.images - self.earlier) / max(monotonic() - self._began, 1e-6)

    @property
    def left_s(self) -> float | None:
        """Seconds that are left at this rate; None where nobody knows."""
        done = self.counts.images - self.earlier
        if not done:
            return None
        parts = len(self.plan.parts)
        total = self.images or self.counts.images / max(self.parts, 1) * parts
        return max(total - self.counts.images, 0) / self.rate

    def told(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {
            "state": self.state,
            "parts": {"done": self.parts, "failed": len(self.failures), "of": len(self.plan.parts)},
            "images": {"done": self.counts.images, "earlier": self.earlier, "of": self.images},
            **{name: value for name, value in self.counts.told().items() if name != "images"},
            "images_per_s": round(self.rate, 1),
            "left_s": None if self.left_s is None else round(self.left_s, 1),
            "failures": self.failures,
            "began": self._start.isoformat(timespec="seconds"),
            "changed": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    def write(self, state: State = "running") -> None:
        """Put the file in its place; while the run goes on, not too often.

        Raises:
            DiskError: the disk refuses it.
            StoreError: the store does.
        """
        self.state = state
        pause = STORE_S if is_address(self.out) else DISK_S
        if state == "running" and monotonic() - self._written < pause:
            return
        self._written = monotonic()
        text = json.dumps(self.told(), indent=1).encode()
        put(joined(self.out, NAME), text, joined(self.out, UNFINISHED))

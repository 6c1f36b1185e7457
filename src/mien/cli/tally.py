"""What a run of many images came to: counted as it goes on, told in a line at its end, and kept where it is stopped."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from mien.cli.options import say, watched
from mien.cli.stop import STOPS
from mien.errors import INTERRUPTED
from mien.wording import counted

if TYPE_CHECKING:
    from mien.prediction import Prediction


@dataclass
class Tally:
    """Counts of images and faces.

    Args:
        total: how many images there will be; None where nobody knows yet.
        stopped: the exit code, where the program was told to stop.
    """

    total: int | None = None
    images: int = 0
    faces: int = 0
    uncertain: int = 0
    faceless: int = 0
    unread: int = 0
    undrawn: int = 0
    stopped: int | None = None
    began: float = field(default_factory=perf_counter)

    def add(self, prediction: Prediction) -> None:
        self.images += 1
        self.faces += len(prediction.faces)
        self.uncertain += sum(face.expression.uncertain for face in prediction.faces)
        self.unread += prediction.error is not None
        self.faceless += prediction.error is None and not prediction.faces

    @contextmanager
    def until_stopped(self) -> Iterator[None]:
        """Ends the block where the program is told to stop, as if all were done, if there is anything to keep."""
        try:
            yield
        except STOPS as stop:
            if not self.images:
                raise
            code = getattr(stop, "code", None)
            self.stopped = code if isinstance(code, int) else INTERRUPTED

    def __str__(self) -> str:
        seconds = max(perf_counter() - self.began, 1e-6)
        parts = [counted(self.faces, "face")]
        parts += [f"{self.uncertain:,} uncertain"] * bool(self.uncertain)
        parts += [f"{self.faceless:,} without a face"] * bool(self.faceless)
        parts += [f"{self.unread:,} unreadable"] * bool(self.unread)
        parts += [f"{self.undrawn:,} not drawn"] * bool(self.undrawn)
        speed = f"{self.images / seconds:,.0f}" if self.images > 10 * seconds else f"{self.images / seconds:.1f}"
        return f"{counted(self.images, 'image')}: {', '.join(parts)}; {speed} images/s"

    def tell(self, out: Path | None) -> None:
        """The line, where somebody watches or `out` has the answers and there is no other; and that it was stopped."""
        if self.images > 1 and (out is not None or watched(sys.stderr)):
            say(str(self))
        if self.stopped is not None:
            done = f"{self.images:,} of " if self.total else ""
            kept = f"; {out} has what was read" if out is not None else ""
            say(f"interrupted after {done}{counted(self.total or self.images, 'image')}{kept}")

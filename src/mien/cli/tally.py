"""What a run of many images came to: counted as it goes on, told in a line at its end, and kept where it is stopped."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from mien.cli.options import say, watched
from mien.cli.stop import STOPS
from mien.errors import INTERRUPTED
from mien.prediction import Totals
from mien.wording import counted


@dataclass(kw_only=True)
class Tally(Totals):
    """A run in which images are counted as they are read.

    Args:
        total: how many images there will be; None where nobody knows yet.
        undrawn: copies that could not be drawn.
        stopped: the exit code, where the program was told to stop.
        began: by `perf_counter`.
    """

    total: int | None
    undrawn: int = 0
    stopped: int | None = None
    began: float = field(default_factory=perf_counter)

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
        return line(self, self.images / max(perf_counter() - self.began, 1e-6), undrawn=self.undrawn)

    def tell(self, out: Path | None) -> None:
        """The line, where somebody watches or `out` has the answers and there is no other; and that it was stopped."""
        if self.images > 1 and (out is not None or watched(sys.stderr)):
            say(str(self))
        if self.stopped is not None:
            done = f"{self.images:,} of " if self.total else ""
            kept = f"; {out} has what was read" if out is not None else ""
            say(f"interrupted after {done}{counted(self.total or self.images, 'image')}{kept}")


def line(totals: Totals, rate: float, *, earlier: int = 0, undrawn: int = 0) -> str:
    """`"20 images (5 of them before): 12 faces, 8 unreadable; 1.5 images/s"`."""
    before = f" ({earlier:,} of them before)" if earlier else ""
    others = {"uncertain": totals.uncertain, "without a face": totals.faceless, "unreadable": totals.unread}
    parts = [f"{count:,} {what}" for what, count in {**others, "not drawn": undrawn}.items() if count]
    told = ", ".join([counted(totals.faces, "face"), *parts])
    return f"{counted(totals.images, 'image')}{before}: {told}; {speed(rate, 'images')}"


def speed(rate: float, noun: str) -> str:
    """`"1,234 images/s"`, `"0.7 images/s"`."""
    return f"{rate:,.0f} {noun}/s" if rate > 10 else f"{rate:.1f} {noun}/s"

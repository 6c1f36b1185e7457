"""Being told to stop: every signal to end becomes an exception, so that no half-written file is left behind.

Ctrl-C is Python's `KeyboardInterrupt`; the others exit with 128 and their number, as a shell would say.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPS = (KeyboardInterrupt, SystemExit)
"""What is raised where the program is told to stop."""

POLITE = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


def listen() -> None:
    """Turn signals to end into exceptions; what a parent process has switched off, such as `nohup`, stays off."""
    for number in POLITE:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _exit)


@contextmanager
def unbroken() -> Iterator[None]:
    """Holds signals to end back until the block is done: for what is to be written whole or not at all."""
    asked: list[int] = []
    held = {
        number: signal.signal(number, lambda number, _: asked.append(number)) for number in (signal.SIGINT, *POLITE)
    }
    try:
        yield
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
        for number in asked[:1]:
            signal.raise_signal(number)


def _exit(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)

"""Being told to stop: every signal to end becomes an exception, so that no half-written file is left behind.

Ctrl-C is Python's `KeyboardInterrupt`, and is answered with a sentence; the others exit with 128 and their number, as a
shell would say.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPS = (KeyboardInterrupt, SystemExit)
"""What is raised where the program is told to stop."""

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]

_holding = False
_held: list[int] = []


def listen() -> None:
    """Turn signals to end into exceptions; what a parent process has switched off, such as `nohup`, stays off."""
    for number in SIGNALS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _stop)


@contextmanager
def unbroken() -> Iterator[None]:
    """Holds signals to end back until the block is done: for what is to be written whole or not at all."""
    global _holding
    _holding = True
    try:
        yield
    finally:
        _holding = False
        if _held:
            _stop(_held.pop(), None)


def _stop(number: int, frame: FrameType | None) -> None:
    if _holding:
        _held.append(number)
    elif number == signal.SIGINT:
        raise KeyboardInterrupt
    else:
        sys.exit(128 + number)

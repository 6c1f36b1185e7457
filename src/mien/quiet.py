"""Pillow's warnings, silenced."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_depth = 0
_filters = warnings.catch_warnings()


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Silences Pillow's warnings (odd metadata, big images): what matters of them is an `ImageError` here.

    `catch_warnings` swaps a global, so threads that overlap share one: the first enters it and the last leaves it.
    """
    global _depth, _filters
    with _lock:
        _depth += 1
        if _depth == 1:
            _filters = warnings.catch_warnings()
            _filters.__enter__()
            warnings.filterwarnings("ignore", module=r"PIL\.")
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if _depth == 0:
                _filters.__exit__(None, None, None)


def _alone() -> None:
    """In a forked child, which has none of the threads that silenced something."""
    global _depth
    if _depth:
        _filters.__exit__(None, None, None)
        _depth = 0
    _lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_alone)

"""Both arithmetics that training has, on any machine: its processor would choose one, and no test may hang on which."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

ARITHMETICS = ("float32", "bfloat16")


@contextmanager
def training_in(numbers: str) -> Iterator[None]:
    """Training multiplies in these numbers, whichever this processor would choose."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mien.training.device.bfloat16_pays", lambda: numbers == "bfloat16")
        yield

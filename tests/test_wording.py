"""Counts with their nouns, and what errors say."""

from __future__ import annotations

import errno

import pytest

from mien.errors import DataError
from mien.wording import counted, reason


@pytest.mark.parametrize(
    ("count", "nouns", "words"),
    [
        (0, ("image",), "0 images"),
        (1, ("image",), "1 image"),
        (2, ("image",), "2 images"),
        (28709, ("image",), "28,709 images"),
        (1, ("person", "people"), "1 person"),
        (3, ("person", "people"), "3 people"),
    ],
)
def test_counted(count: int, nouns: tuple[str, ...], words: str) -> None:
    assert counted(count, *nouns) == words


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (DataError("no label"), "no label"),
        (OSError("no zip"), "no zip"),
        (OSError(errno.ENOSPC, "No space left"), "No space left"),
        (FileNotFoundError(errno.ENOENT, "No such file", "a.csv"), "a.csv: No such file"),
    ],
)
def test_reason(error: Exception, told: str) -> None:
    assert reason(error) == told

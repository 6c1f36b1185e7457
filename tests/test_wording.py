"""Counts with their nouns, and what errors say."""

from __future__ import annotations

import errno

import pytest

from mien.errors import DataError
from mien.wording import counted, decimals, percentage, reason


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
    ("share", "digits", "words"),
    [
        (0.0, 1, "0.0%"),
        (1e-17, 1, "0.0%"),
        (0.0004, 1, "<0.1%"),
        (0.0005, 1, "0.1%"),
        (0.7213, 1, "72.1%"),
        (0.9996, 1, ">99.9%"),
        (1 - 1e-16, 1, "100.0%"),
        (1.0, 1, "100.0%"),
        (0.004, 0, "<1%"),
        (0.996, 0, ">99%"),
        (-0.004, 0, "0%"),
    ],
)
def test_none_and_all_are_said_of_none_and_all_alone(share: float, digits: int, words: str) -> None:
    assert percentage(share, digits) == words


def test_a_score_of_nothing_is_no_score() -> None:
    assert (decimals(0.0), decimals(0.70449, 2), decimals(None)) == ("0.000", "0.70", "-")


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

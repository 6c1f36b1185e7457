"""Suspects: an image, what is suspect about it, and whether the clean rest of its dataset goes without it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from mien.datasets.base import Example


class Kind(StrEnum):
    """What is suspect, the surest first."""

    UNREADABLE = "unreadable"
    BLANK = "blank"
    FACELESS = "no face"
    CONFLICT = "copies with other labels"
    LEAK = "copy in another split"
    EXACT = "exact copy"
    NEAR = "near copy"
    LABEL = "label"
    SEVERAL = "several faces"
    FRAMING = "framing"
    OUTLIER = "outlier"
    PERSON = "person in several splits"


LEFT_OUT = frozenset(
    (Kind.UNREADABLE, Kind.BLANK, Kind.FACELESS, Kind.CONFLICT, Kind.LEAK, Kind.EXACT, Kind.NEAR, Kind.LABEL)
)
"""Kinds that the clean rest goes without; the others are told."""


@dataclass(frozen=True)
class Suspect:
    """An image and one thing that is suspect about it.

    Args:
        name, split, label: the image's.
        kind: what is suspect.
        words: why.
        score: how sure that is, more for surer, comparable within its kind: a chance or a share 0..1, or for outliers
            standard deviations; None where there is nothing to measure.
        other: the name of the image that it is a copy of.
    """

    name: str
    split: str
    label: str
    kind: Kind
    words: str
    score: float | None = None
    other: str = ""

    @classmethod
    def of(cls, example: Example, kind: Kind, words: str, score: float | None = None, other: str = "") -> Self:
        return cls(example.name, example.split, example.label, kind, words, score, other)

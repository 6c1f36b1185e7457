"""Scores of groups of people, by what is known of those on the images, beside those of the others."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from mien import metrics
from mien.metrics import Floats
from mien.report.answers import Answers

AGES = ((0, 12), (13, 17), (18, 29), (30, 44), (45, 59), (60, 200))
"""Bands of age, both ends included, in years."""


MOST_VALUES = 30
"""An attribute with more values than this, such as a name or a date, makes no groups."""


@dataclass(frozen=True)
class Group:
    """Images that share an attribute.

    Args:
        n: how many.
        accuracy: share of right labels, and its interval.
        gap: by how much that is above the others', of which the attribute is known as well, and its interval; None
            where there are no others.
    """

    n: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    gap: float | None
    gap_interval: tuple[float, float] | None


def subgroups(answers: Answers) -> dict[str, dict[str, Group]]:
    found: dict[str, dict[str, Group]] = {}
    known = {name for attributes in answers.attributes for name in attributes} - {"person"}
    right, people = answers.right.astype(np.float64), np.array(answers.people)
    for name in sorted(known):
        values = np.array([banded(name, attributes.get(name, "")) for attributes in answers.attributes])
        named = sorted(set(values) - {""})
        for value in named if len(named) <= MOST_VALUES else ():
            found.setdefault(name, {})[str(value)] = _group(
                right, people, values == value, (values != value) & (values != "")
            )
    return found


def _group(right: Floats, everyone: np.ndarray, chosen: np.ndarray, others: np.ndarray) -> Group:
    """What is told of the chosen images beside the others: `right` is 1 or 0, `everyone` who is on each."""
    ours, theirs = right[chosen], right[others]
    people, strangers = everyone[chosen].tolist(), everyone[others].tolist()
    interval = metrics.bootstrap(lambda rows: float(ours[rows].mean()), len(ours), people)
    if not len(theirs):
        return Group(len(ours), float(ours.mean()), interval, None, None)
    gap = float(ours.mean() - theirs.mean())
    return Group(len(ours), float(ours.mean()), interval, gap, metrics.gap(ours, theirs, (people, strangers)))


def banded(attribute: str, value: str) -> str:
    """The value, or for an age in years its band."""
    if attribute != "age" or not re.fullmatch(r"[0-9]{1,3}(\.0*)?", value):
        return value
    years = int(float(value))
    low, high = next((band for band in AGES if band[0] <= years <= band[1]), AGES[-1])
    return f"{low}+" if high == AGES[-1][1] else f"{low}-{high}"

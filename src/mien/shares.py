"""Shares of a few or of many, and what can be concluded from them, in numpy: 95% intervals that stay honest for one or
two, tests of two shares, and their correction where there are many.

Examples of one person are alike, so that they count as fewer (see `worth`); n need not be whole for that. `z` is how
many standard deviations an interval reaches.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from mien.metrics import Floats, Ints

NORMAL = 1.959964
"""Standard deviations of a normal distribution, of which the middle 95% lie within."""
FARTHEST = 30.0  # standard deviations that are looked for: beyond them chances are 0

Interval = tuple[float, float]


def wilson(share: float, n: float, z: float = NORMAL) -> Interval:
    """Interval of a share of n (Wilson, "Probable inference, the law of succession, and statistical inference", 1927).

    Of one example it is 0 to .79 or .21 to 1, where a bootstrap has no width at all.

    Args:
        share: 0..1.
        n: above 0.
    """
    square = z * z / n
    middle = (share + square / 2) / (1 + square)
    half = math.sqrt(share * (1 - share) * square + square * square / 4) / (1 + square)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def newcombe(ours: float, n: float, others: float, m: float, z: float = NORMAL) -> Interval:
    """Interval of a share of n less another of m (Newcombe, "Interval estimation for the difference between independent
    proportions", 1998, his tenth)."""
    (low, high), (bottom, top) = wilson(ours, n, z), wilson(others, m, z)
    gap = ours - others
    return gap - math.hypot(ours - low, top - others), gap + math.hypot(high - ours, others - bottom)


def chance(ours: float, n: float, others: float, m: float) -> float:
    """How likely as unlike shares of n and of m are by luck: Fisher's exact test, which is never too bold however rare
    the hits and however many tests it is one of. n and m are rounded down."""
    of, of_others = max(int(n), 1), max(int(m), 1)
    hits = round(ours * of)
    every = hits + round(others * of_others)
    least, most = max(every - of_others, 0), min(of, every)
    at = np.arange(least, most)
    ratios = (of - at) * (every - at) / ((at + 1) * (of_others - every + at + 1))
    return _as_rare(np.log(ratios), hits - least)


def chance_of_gap(ours: float, n: float, others: float, m: float, expected: float) -> float:
    """How likely a gap as far from the expected one, either way, is by luck: the level at which `newcombe` reaches it.

    It is an approximation, which is some times too bold where it gives less than a thousandth for a few dozen.
    """
    low, high = 0.0, FARTHEST
    for _ in range(50):
        z = (low + high) / 2
        bottom, top = newcombe(ours, n, others, m, z)
        low, high = (low, z) if bottom <= expected <= top else (z, high)
    return math.erfc(high / math.sqrt(2))


def paired(gains: Floats, n: float) -> tuple[Interval, float]:
    """Interval of the mean of gains, and how likely as many of one kind are by luck.

    The interval is that of Bonett and Price, "Adjusted Wald confidence interval for a difference of binomial
    proportions based on paired data", 2012, which stays honest where few answers differ; the test McNemar's, exact.

    Args:
        gains: of each example 1 where one answer alone is right, -1 where the other alone is, 0 elsewhere.
        n: how many independent examples they are worth.
    """
    more, less = (n * float((gains == sign).mean()) for sign in (1, -1))
    middle, differ = (more - less) / (n + 2), (more + less + 2) / (n + 2)
    half = NORMAL * math.sqrt((differ - middle**2) / (n + 2))
    at = np.arange(round(more) + round(less))
    luck = _as_rare(np.log((len(at) - at) / (at + 1)), round(more))
    return (max(middle - half, -1.0), min(middle + half, 1.0)), luck


def _as_rare(steps: Floats, at: int) -> float:
    """The chance of all that is no likelier than what is at a place, by the logarithms of how much likelier each place
    is than the one before."""
    logs = np.concatenate([[0.0], np.cumsum(steps)])
    odds = np.exp(logs - logs.max())
    return float(odds[logs <= logs[at] + 1e-9].sum() / odds.sum())


def holm(chances: Sequence[float]) -> list[float]:
    """Chances of tests, each made to hold among all of them together, however they hang on each other (Holm, "A simple
    sequentially rejective multiple test procedure", 1979)."""
    adjusted, highest = [0.0] * len(chances), 0.0
    for rank, place in enumerate(np.argsort(chances, kind="stable").tolist()):
        highest = max(highest, min(chances[place] * (len(chances) - rank), 1.0))
        adjusted[place] = highest
    return adjusted


def luck(chance: float) -> str:
    """A chance as papers give it: `= .012`, `< .001`; and `< .05` rather than a rounded `= .050`."""
    if chance < 0.001:
        return "< .001"
    text = f"{chance:.3f}"
    return "< .05" if chance < 0.05 and text == "0.050" else f"= {text.removeprefix('0')}"


def numbered(people: Sequence[Hashable]) -> Ints:
    """A number for each person, 0 and up, shape (n,)."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(each, len(numbers)) for each in people], np.int64)


def alikeness(values: NDArray[np.bool_] | Floats, people: Ints) -> float:
    """How alike the examples of one person are, 0..1: the intraclass correlation of a one-way analysis of variance.

    Where all values are the same, or there is one person alone, it cannot be told, and is 1. It is 0 where nobody has
    two.

    Args:
        values: (n,), n above 0.
        people: who each is of, from `numbered`, (n,).
    """
    values = np.asarray(values, np.float64)
    count = np.bincount(people)
    n, groups = len(values), np.count_nonzero(count)
    if groups == n:
        return 0.0
    if groups == 1 or values.min() == values.max():
        return 1.0
    means = np.bincount(people, values) / np.maximum(count, 1)
    between = float((count * (means - values.mean()) ** 2).sum()) / (groups - 1)
    within = float(((values - means[people]) ** 2).sum()) / (n - groups)
    size = (n - float((count**2).sum()) / n) / (groups - 1)
    return min(max((between - within) / (between + (size - 1) * within), 0.0), 1.0)


def worth(people: Ints, alike: float) -> float:
    """How many independent examples those of some people are worth, 1..n (Kish, "Survey Sampling", 1965).

    Args:
        people: who each is of, (n,), n above 0.
        alike: from `alikeness`, of all that is judged: a few examples cannot tell it of themselves.
    """
    n, count = len(people), np.bincount(people)
    return n / (1 + (float((count**2).sum()) / n - 1) * alike)


def interval(hits: NDArray[np.bool_], people: Sequence[Hashable] | None = None) -> Interval:
    """Wilson's of the share of examples that are hits, (n,), n above 0; by `people` where those on them are known."""
    who = numbered(range(len(hits)) if people is None else people)
    return wilson(float(hits.mean()), worth(who, alikeness(hits, who)))


def above(ours: Floats, others: Floats) -> float:
    """The chance that one of our values is higher than one of the others, and half of that they are equal: the area
    under the curve (Mann and Whitney, 1947), .5 where the two are spread alike; no threshold is needed."""
    ordered = np.sort(others)
    below = np.searchsorted(ordered, ours, "left") + np.searchsorted(ordered, ours, "right")
    return float(below.mean()) / (2 * len(others))

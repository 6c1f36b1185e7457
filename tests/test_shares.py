"""Shares: intervals that hold what they promise, for a few as for many, and tests that seldom cry wolf."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest

from mien.shares import (
    above,
    alikeness,
    chance,
    chance_of_gap,
    holm,
    interval,
    luck,
    newcombe,
    numbered,
    paired,
    wilson,
    worth,
)


@pytest.mark.parametrize(
    ("share", "n", "low", "high"),
    [
        (0.0, 1, 0.0, 0.7935),
        (1.0, 1, 0.2065, 1.0),
        (0.5, 10, 0.2366, 0.7634),
        (81 / 263, 263, 0.2553, 0.3662),
        (15 / 148, 148, 0.0624, 0.1605),
        (0.0, 20, 0.0, 0.1611),
    ],
)
def test_wilson(share: float, n: float, low: float, high: float) -> None:
    """81 of 263, 15 of 148 and 0 of 20 are examples of Newcombe, "Two-sided confidence intervals for the single
    proportion: comparison of seven methods", 1998."""
    assert list(wilson(share, n)) == pytest.approx([low, high], abs=2e-4)


def test_wilson_holds_what_it_promises() -> None:
    """Of all samples of 5 to 100, weighed by how likely they are, some 95% have an interval that holds the truth."""
    covered = []
    for n, true in product((5, 20, 100), np.linspace(0.05, 0.95, 19)):
        hits = range(n + 1)
        odds = [math.comb(n, k) * true**k * (1 - true) ** (n - k) for k in hits]
        held = [low <= true <= high for low, high in (wilson(k / n, n) for k in hits)]
        covered.append(sum(odd for odd, each in zip(odds, held, strict=True) if each))
    assert np.mean(covered) == pytest.approx(0.95, abs=0.01)
    assert min(covered) > 0.87


@pytest.mark.parametrize(
    ("ours", "n", "others", "m", "low", "high"),
    [
        (56 / 70, 70, 48 / 80, 80, 0.0524, 0.3339),
        (9 / 10, 10, 3 / 10, 10, 0.1705, 0.8090),
        (10 / 10, 10, 0.0, 20, 0.6791, 1.0),
        (5 / 56, 56, 0.0, 29, -0.0381, 0.1926),
    ],
)
def test_newcombe(ours: float, n: float, others: float, m: float, low: float, high: float) -> None:
    """The examples (a), (b), (g) and (d) of his paper."""
    assert list(newcombe(ours, n, others, m)) == pytest.approx([low, high], abs=2e-4)


@pytest.mark.parametrize(
    ("table", "p"),
    [
        (((3, 4), (1, 4)), 0.4857),
        (((8, 10), (1, 6)), 0.03497),
        (((0, 5), (0, 9)), 1.0),
        (((5, 5), (9, 9)), 1.0),
        (((1, 1), (0, 1)), 1.0),
        (((1000, 1000), (0, 1000)), 0.0),
    ],
)
def test_chance(table: tuple[tuple[int, int], tuple[int, int]], p: float) -> None:
    """The lady who tasted tea in Fisher's "The Design of Experiments", 1935; others as SciPy has them."""
    (k, n), (j, m) = table
    assert chance(k / n, n, j / m, m) == pytest.approx(p, abs=1e-4)
    assert chance(j / m, m, k / n, n) == pytest.approx(p, abs=1e-4)


def test_the_chance_of_a_gap_is_below_a_twentieth_where_its_interval_leaves_out_what_is_expected() -> None:
    for hits, expected in product(range(31), (0.0, 0.1)):
        low, high = newcombe(hits / 30, 30, 0.5, 40)
        assert (chance_of_gap(hits / 30, 30, 0.5, 40, expected) < 0.05) == (not low <= expected <= high)
    assert chance_of_gap(0.5, 30, 0.5, 40, 0.0) == pytest.approx(1)
    assert chance_of_gap(1.0, 1000, 0.0, 1000, 0.0) < 1e-100


@pytest.mark.parametrize(("n", "m", "true"), [(30, 30, 0.5), (30, 300, 0.9), (30, 300, 0.97)])
@pytest.mark.parametrize("level", [0.05, 0.0005])
def test_groups_that_are_alike_are_seldom_called_different(n: int, m: int, true: float, level: float) -> None:
    """Of all pairs of samples, weighed by how likely they are; also at the levels that many tests together ask for."""

    def likely(of: int) -> list[tuple[int, float]]:
        odds = [(k, math.comb(of, k) * true**k * (1 - true) ** (of - k)) for k in range(of + 1)]
        return [each for each in odds if each[1] > 1e-6]

    pairs = [(k, j, one * two) for (k, one), (j, two) in product(likely(n), likely(m)) if one * two > 1e-7]
    assert 0 < sum(odd for k, j, odd in pairs if chance(k / n, n, j / m, m) < level) < level


@pytest.mark.parametrize(
    ("chances", "expected"),
    [
        ([], []),
        ([0.04], [0.04]),
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),
        ([0.9, 0.6, 0.6], [1.0, 1.0, 1.0]),
        ([0.02, 0.02], [0.04, 0.04]),
    ],
)
def test_holm(chances: list[float], expected: list[float]) -> None:
    assert holm(chances) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("p", "text"),
    [(1.0, "= 1.000"), (0.0124, "= .012"), (0.001, "= .001"), (0.0499, "< .05"), (0.05, "= .050"), (1e-9, "< .001")],
)
def test_a_chance_as_papers_give_it(p: float, text: str) -> None:
    assert luck(p) == text


@pytest.mark.parametrize(
    ("values", "people", "alike"),
    [
        ([1, 0, 1, 0], ["a", "b", "c", "d"], 0.0),  # nobody has two
        ([1, 1, 0, 0], ["a", "a", "b", "b"], 1.0),
        ([1, 1, 1, 1], ["a", "a", "b", "b"], 1.0),  # cannot be told
        ([1, 0, 1, 0], ["a", "a", "a", "a"], 1.0),  # likewise
        ([1, 0, 1, 0], ["a", "a", "b", "b"], 0.0),  # less alike than by luck
    ],
)
def test_alikeness(values: Sequence[int], people: Sequence[str], alike: float) -> None:
    assert alikeness(np.array(values), numbered(people)) == alike


def test_alikeness_is_found_again() -> None:
    rng = np.random.default_rng(0)
    means = rng.beta(2, 2, 4000)  # variance among people .05 of .25 in all: .2 alike
    people = np.repeat(np.arange(4000), 5)
    assert alikeness(rng.random(20_000) < means[people], people) == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize(
    ("people", "alike", "n"),
    [("abcd", 0.7, 4), ("aabb", 0, 4), ("aabb", 1, 2), ("aaaa", 1, 1), ("aabb", 0.5, 8 / 3), ("aaab", 1, 1.6)],
)
def test_what_examples_of_some_people_are_worth(people: str, alike: float, n: float) -> None:
    assert worth(numbered(people), alike) == pytest.approx(n)


def test_intervals_of_people_hold_what_they_promise() -> None:
    """Where people differ, images that are taken for independent make an interval that is far too narrow."""
    rng = np.random.default_rng(0)
    people, held, naive = np.repeat(np.arange(40), 10).tolist(), 0, 0
    for _ in range(300):
        hits = rng.random(400) < rng.beta(2, 1, 40)[people]
        (low, high), (below, beyond) = interval(hits, people), interval(hits)
        held += low <= 2 / 3 <= high
        naive += below <= 2 / 3 <= beyond
    assert held / 300 > 0.92
    assert naive / 300 < 0.85


@pytest.mark.parametrize(
    ("gains", "shown"),
    [([0] * 50, False), ([1], False), ([1] * 12 + [0] * 500, True), ([1, -1] * 40 + [1], False), ([1] * 100_000, True)],
)
def test_paired(gains: list[int], shown: bool) -> None:
    (low, high), chance_of_it = paired(np.array(gains, float), len(gains))
    assert -1 <= low <= np.mean(gains) <= high <= 1
    assert (chance_of_it < 0.05) is shown is not (low <= 0 <= high)


def test_paired_is_the_published_formula() -> None:
    """Of 43, three by one alone and nine by the other: by hand, and as SciPy has the binomial test."""
    (low, high), luck_alone = paired(np.array([1.0] * 9 + [-1.0] * 3 + [0.0] * 31), 43)
    half = 1.96 * math.sqrt(14 - 36 / 45)
    assert [low, high] == pytest.approx([(6 - half) / 45, (6 + half) / 45], abs=1e-4)
    assert luck_alone == pytest.approx(0.1460, abs=1e-4)


@pytest.mark.parametrize(
    ("ours", "others", "expected"), [([2, 3], [0, 1], 1), ([0], [1, 2], 0), ([1, 1], [1], 0.5), ([0, 2], [1, 1], 0.5)]
)
def test_above(ours: list[float], others: list[float], expected: float) -> None:
    assert above(np.array(ours, float), np.array(others, float)) == expected

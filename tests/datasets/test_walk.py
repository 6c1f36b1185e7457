"""Names, counts and numbers in words."""

from __future__ import annotations

import pytest

from mien.datasets.walk import counted, few, number


@pytest.mark.parametrize(
    ("names", "words"), [([], "none"), (["a"], "a"), (["a", "b"], "a, b"), (["a", "b", "c", "d"], "a, b and 2 more")]
)
def test_few(names: list[str], words: str) -> None:
    assert few(names, most=2) == words


@pytest.mark.parametrize(
    ("counts", "words"),
    [({}, "none"), ({"0": 6}, "0 (6)"), ({"calm": 3, "a": 2, "b": 1}, "calm (3), a (2) and 1 more")],
)
def test_counted(counts: dict[str, int], words: str) -> None:
    assert counted(counts, most=2) == words


@pytest.mark.parametrize(
    ("n", "words", "people"),
    [(0, "0 images", "0 people"), (1, "1 image", "1 person"), (1200, "1,200 images", "1,200 people")],
)
def test_number(n: int, words: str, people: str) -> None:
    assert (number(n, "image"), number(n, "person", "people")) == (words, people)

"""Names and counts in words."""

from __future__ import annotations

import pytest

from mien.datasets.walk import few, with_counts


@pytest.mark.parametrize(
    ("names", "words"), [([], "none"), (["a"], "a"), (["a", "b"], "a, b"), (["a", "b", "c", "d"], "a, b and 2 more")]
)
def test_few(names: list[str], words: str) -> None:
    assert few(names, most=2) == words


@pytest.mark.parametrize(
    ("counts", "words"),
    [({}, "none"), ({"0": 6}, "0 (6)"), ({"calm": 3, "a": 2, "b": 1}, "calm (3), a (2) and 1 more")],
)
def test_with_counts(counts: dict[str, int], words: str) -> None:
    assert with_counts(counts, most=2) == words

"""A dataset's own answers about its examples, in whatever form it came."""

from __future__ import annotations

from pathlib import Path

import pytest

from mien.datasets import Dataset, Example
from mien.labels import FER7, HAPPY_SAD, LabelSet


@pytest.mark.parametrize(
    ("words", "labels", "outside"),
    [
        ("happy sad", HAPPY_SAD, {}),
        ("happy calm bored calm sad", FER7, {"calm": 2, "bored": 1}),
        ("happy b a", HAPPY_SAD, {"a": 1, "b": 1}),
    ],
)
def test_labels_that_a_set_lacks_are_named(words: str, labels: LabelSet, outside: dict[str, int]) -> None:
    examples = tuple(Example(str(n), b"", word) for n, word in enumerate(words.split()))
    found = Dataset(Path("here"), "made up", FER7, examples).outside(labels)
    assert list(found.items()) == list(outside.items())

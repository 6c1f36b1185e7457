"""Which labels can be judged: those of enough images and groups, and never one alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.audit.judged import judged_labels
from mien.audit.looks import Look, Looks
from mien.audit.opinions import RARE
from mien.datasets.base import Dataset, Example
from mien.labels import FER7


@pytest.mark.parametrize(
    ("counts", "names", "rare"),
    [
        ({"happy": RARE - 1}, (), ("happy",)),
        ({"happy": RARE}, (), ("happy",)),
        ({"happy": RARE, "sad": RARE - 1}, (), ("happy", "sad")),
        ({"happy": RARE, "sad": RARE, "fear": 1}, ("happy", "sad"), ("fear",)),
    ],
)
def test_labels_that_are_judged(counts: dict[str, int], names: tuple[str, ...], rare: tuple[str, ...]) -> None:
    labels = [label for label, n in counts.items() for _ in range(n)]
    examples = tuple(Example(f"{number}.png", b"", label) for number, label in enumerate(labels))
    n = len(examples)
    looks = Looks((Look(faced=True),) * n, np.arange(n), np.zeros((n, 2), np.float32), {})
    judged = judged_labels(Dataset(Path(), "made", FER7, examples), looks)
    assert (judged.names, judged.rare) == (names, rare)
    assert len(judged.rows) == len(judged.labels) == sum(counts[name] for name in names)

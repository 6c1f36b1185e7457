"""Explanations: the part that an answer hangs on is the part that is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import mien
from mien.explain import GRID, explain

Bands = Callable[..., NDArray[np.uint8]]


@pytest.mark.parametrize("bright", [0, 3, 6])
def test_the_bright_band_is_what_counts(toy: Callable[..., Path], bands: Bands, bright: int, tmp_path: Path) -> None:
    """The toy's answer is the brightest of seven bands, so that hiding that band, and no other, costs confidence."""
    emotions = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    model = mien.load(toy(tmp_path / "toy", {"fer7": emotions}))
    crop = model.preprocess.whole(bands(bright, 7))
    grid = explain(model, crop, model.labels)
    assert grid.shape == (GRID, GRID)
    assert abs(int(grid.sum(0).argmax()) - bright) <= 1
    assert grid[:, bright].min() > 0.005
    far = grid[:, 6] if bright == 0 else grid[:, 0]
    assert bright == 3 or far.max() < 0.005


def test_where_nothing_is_to_be_seen_nothing_counts(toy: Callable[..., Path], tmp_path: Path) -> None:
    model = mien.load(toy(tmp_path / "toy", {"yes-no": ("yes", "no")}))
    assert np.abs(explain(model, np.full((48, 48), 100, np.uint8), model.labels)).max() < 1e-9

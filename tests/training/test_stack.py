"""Stacking is fitted where another head helps on images that it was not fitted on, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from mien import metrics
from mien.metrics import Floats, Ints
from mien.training.export.stack import fit_stacking
from mien.training.learning.judge import LEAST

N = 1500


def drawn(seed: int, share: float) -> tuple[Floats, Floats, Ints]:
    """Three classes, of which a head tells two apart; another tells the third, as much as its share says."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, N)
    own, other = rng.normal(size=(N, 3)), rng.normal(size=(N, 2))
    own[np.arange(N), truth] += 1.5 * (truth < 2)
    other[:, 1] += 3 * share * (truth == 2)
    return own, other, truth


def test_a_head_listens_to_one_that_knows_more() -> None:
    own, other, truth = drawn(0, 1.0)
    stacking, rows = fit_stacking("other", own, other, truth)
    assert stacking
    assert stacking.labels == "other"
    assert np.array(stacking.other)[2, 1] > 0.5
    found = metrics.softmax(stacking.logits(own, other))
    alone = metrics.calibrated(own, *metrics.fit_calibration(own, truth))
    assert metrics.accuracy(found, truth) > metrics.accuracy(alone, truth) + 0.05
    assert metrics.nll(found, truth) < metrics.nll(metrics.softmax(rows), truth) < metrics.nll(alone, truth) - 0.05
    unseen_own, unseen_other, unseen = drawn(1, 1.0)
    expected = metrics.nll(metrics.softmax(stacking.logits(unseen_own, unseen_other)), unseen)
    assert metrics.nll(metrics.softmax(rows), truth) == pytest.approx(expected, abs=0.03)  # an honest judge


def test_a_head_listens_to_none_that_knows_nothing() -> None:
    for seed in range(5):
        own, other, truth = drawn(seed, 0.0)
        own = 2 * np.eye(3)[truth] + np.random.default_rng(seed).gumbel(size=own.shape)  # calibrated as it is
        stacking, rows = fit_stacking("other", own, other, truth)
        assert stacking is None
        assert (rows == own).all()


def test_few_images_make_no_head_listen() -> None:
    own, other, truth = drawn(0, 1.0)
    few = slice(LEAST - 1)
    assert fit_stacking("other", own[few], other[few], truth[few])[0] is None


def test_the_images_of_one_person_alone_make_no_head_listen() -> None:
    """There are no others to fit it on."""
    own, other, truth = drawn(0, 1.0)
    stacking, rows = fit_stacking("other", own, other, truth, ["somebody"] * N)
    assert stacking is None
    assert (rows == own).all()


def test_the_images_of_a_person_are_together() -> None:
    """Where each image is there twice, its twin must not tell what it is."""
    rng = np.random.default_rng(0)
    own, other = np.tile(rng.normal(size=(60, 3)), (2, 1)), np.tile(rng.normal(size=(60, 40)), (2, 1))
    truth = np.tile(rng.integers(0, 3, 60), 2)
    people = [str(at % 60) for at in range(120)]
    apart, together = (fit_stacking("other", own, other, truth, who)[1] for who in (None, people))
    assert (together == own).all()
    assert not (apart == own).all()


@pytest.mark.parametrize("seed", [2, 5])
def test_a_persons_images_that_are_alike_count_as_few(seed: int) -> None:
    """A small gain on 80 faces is no sure one because each of them was taken twelve times."""
    own, other, truth = drawn(seed, 0.3)
    rows = np.repeat(np.arange(80), 12)
    assert fit_stacking("other", own[rows], other[rows], truth[rows], [str(row) for row in rows])[0] is None

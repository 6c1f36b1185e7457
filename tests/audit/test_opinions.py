"""Opinions on labels: planted errors come first, nobody vouches for itself, and few images make no noise."""

from __future__ import annotations

import numpy as np
import pytest

from mien.audit.opinions import FOLDS, LEAST, distances, doubted, out_of_fold, together
from mien.metrics import Floats, Ints


def clouds(n: int, classes: int = 3, seed: int = 0) -> tuple[Floats, Ints]:
    """Features about a middle of each class, (classes * n, 6)."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), n)
    middles = 3 * np.eye(6)[:classes]
    return middles[labels] + rng.normal(0, 0.7, (len(labels), 6)), labels


def folds(n: int) -> Ints:
    return np.arange(n) % FOLDS


def test_planted_errors_come_first() -> None:
    features, labels = clouds(60)
    wrong = np.array([3, 70, 150])
    given = labels.copy()
    given[wrong] = (labels[wrong] + 1) % 3
    found = doubted([out_of_fold(features, given, 3, folds(len(given)))], given)
    assert set(np.argsort(-found.suspicion)[:3]) == set(wrong)
    assert found.likely[wrong].all()
    assert found.likely.sum() < 8
    assert (found.instead[wrong] == labels[wrong]).all()
    assert ((found.suspicion >= 0) & (found.suspicion <= 1)).all()


def test_a_group_that_stays_together_does_not_vouch_for_its_own_label() -> None:
    """Five copies with a wrong label: in one fold others judge them, in several they judge each other."""
    features, labels = clouds(20, classes=2)
    copies = np.tile(features[0], (5, 1))
    given = np.concatenate([labels, np.ones(5, np.int64)])
    values = np.concatenate([features, copies])
    together_, apart = np.concatenate([folds(40), np.full(5, 2)]), folds(45)
    kept, split = (out_of_fold(values, given, 2, each)[40:, 1].mean() for each in (together_, apart))
    assert kept < split


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_the_scale_of_features_makes_no_difference(scale: float) -> None:
    features, labels = clouds(20)
    plain = out_of_fold(features, labels, 3, folds(60))
    assert out_of_fold(features * scale, labels, 3, folds(60)) == pytest.approx(plain, abs=1e-3)
    assert plain.sum(1) == pytest.approx(1)


def test_a_feature_that_never_changes_tells_nothing() -> None:
    features, labels = clouds(20)
    constant = np.column_stack([features, np.full(60, 7.0)])
    assert out_of_fold(constant, labels, 3, folds(60)) == pytest.approx(
        out_of_fold(features, labels, 3, folds(60)), abs=1e-4
    )


def test_opinions_count_alike_and_one_that_is_sure_does_not_silence_others() -> None:
    sure, even = np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])
    assert together([even, even]) == pytest.approx(even)
    assert together([sure, even])[0, 1] == pytest.approx(np.sqrt(LEAST), rel=1e-2)


def test_nobody_is_doubted_where_all_agree() -> None:
    labels = np.array([0, 1, 0, 1])
    assert not doubted([np.eye(2)[labels] * 0.8 + 0.1], labels).likely.any()


def test_a_label_that_has_most_is_no_error_however_unusual_another_share_is() -> None:
    """The last image's own class has most, if less than usual; the other has more than its own images give it."""
    shares = np.array([[0.95, 0.05], [0.95, 0.05], [0.6, 0.4], [0.6, 0.4], [0.55, 0.45]])
    found = doubted([shares], np.array([0, 0, 1, 1, 0]))
    assert found.instead[-1] == 0
    assert not found.likely.any()


def test_no_error_is_told_where_the_class_that_has_most_has_less_than_usual() -> None:
    """The last image's second class has more than usual, but nobody would name it."""
    shares = np.array([[0.9, 0.05, 0.05]] * 3 + [[0.3, 0.4, 0.3]] * 3 + [[0.1, 0.1, 0.8], [0.5, 0.45, 0.05]])
    found = doubted([shares], np.array([0, 0, 0, 1, 1, 1, 2, 2]))
    assert found.likely.tolist() == [False] * 8


def test_what_is_far_from_all_labels_is_an_outlier() -> None:
    features, labels = clouds(60)
    features[5] += 30
    far = distances(features, labels)
    assert far.argmax() == 5
    assert far[5] > 8
    assert np.median(far) == pytest.approx(0)


def test_features_that_are_all_alike_have_no_outliers() -> None:
    assert distances(np.ones((12, 4)), np.arange(12) % 2) == pytest.approx(0)

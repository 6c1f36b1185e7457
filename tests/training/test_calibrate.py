"""Calibration: a known over-confidence is found, and the threshold keeps what it promises."""

from __future__ import annotations

import numpy as np
import pytest

from mien import metrics
from mien.metrics import Floats, Ints
from mien.training.calibrate import ALLOWED_ERRORS, calibrate, held_out_ece

CLASSES = 5
NO_VOTES = np.zeros((0, CLASSES)), np.zeros((0, CLASSES), np.int64)


def answers(n: int, spread: float = 1.5, seed: int = 0, classes: int = CLASSES) -> tuple[Floats, Ints]:
    """Logits that are right just as often as their softmax says, and the truth."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, spread, (n, classes))
    noise = rng.gumbel(size=(n, classes))
    return logits, (logits + noise).argmax(1)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5, 8.0])
def test_the_temperature_is_found(temperature: float) -> None:
    logits, truth = answers(8_000)
    calibration = calibrate(logits * temperature, truth, *NO_VOTES)
    assert calibration.temperature == pytest.approx(temperature, rel=0.06)
    assert calibration.vote_temperature is None
    assert "kl_to_votes" not in calibration.scores
    assert calibration.scores["ece"] < 0.03


def test_over_confidence_is_taken_back() -> None:
    logits, truth = answers(5_000)
    before = metrics.ece(metrics.softmax(4 * logits), truth)
    calibration = calibrate(4 * logits, truth, *NO_VOTES)
    after = metrics.ece(metrics.softmax(4 * logits, calibration.temperature), truth)
    assert before > 0.15
    assert after < 0.03
    assert calibration.scores["ece"] < 0.03


@pytest.mark.parametrize("vote_temperature", [0.5, 3.0])
def test_votes_have_a_temperature_of_their_own(vote_temperature: float) -> None:
    logits, truth = answers(5_000)
    voted = answers(3_000, seed=1)[0]
    shares = metrics.softmax(voted)
    votes = np.random.default_rng(2).multinomial(10, shares)
    calibration = calibrate(2 * logits, truth, voted * vote_temperature, votes)
    assert calibration.temperature == pytest.approx(2, rel=0.1)
    assert calibration.vote_temperature == pytest.approx(vote_temperature, rel=0.1)
    assert calibration.scores["kl_to_votes"] == pytest.approx(metrics.kl_to_votes(shares, votes), rel=0.05)


@pytest.mark.parametrize("spread", [0.1, 0.5, 1.0, 1.5, 3.0, 10.0])
@pytest.mark.parametrize("n", [1, 2, 7, 40, 2_000])
def test_at_most_a_tenth_of_the_sure_answers_is_wrong(n: int, spread: float) -> None:
    for seed in range(5 if n < 100 else 1):
        logits, truth = answers(max(n, 2), spread, seed)
        calibration = calibrate(3 * logits, truth, *NO_VOTES)
        probabilities = metrics.softmax(3 * logits, calibration.temperature)
        sure = probabilities.max(1) >= calibration.threshold
        wrong = probabilities.argmax(1) != truth
        assert 0 <= calibration.threshold <= 1
        assert wrong[sure].sum() <= ALLOWED_ERRORS * sure.sum()
        assert calibration.scores["coverage"] == pytest.approx(sure.mean())
        if sure.any():
            assert calibration.scores["accuracy_covered"] == pytest.approx(1 - wrong[sure].mean())
        else:
            assert calibration.scores["accuracy_covered"] is None
        for lower in np.unique(probabilities.max(1)):
            if lower < calibration.threshold:
                included = probabilities.max(1) >= lower
                assert wrong[included].sum() > ALLOWED_ERRORS * included.sum()


def test_nothing_is_sure_where_all_is_wrong() -> None:
    logits, _ = answers(500)
    calibration = calibrate(logits, logits.argmin(1), *NO_VOTES)
    assert calibration.threshold == 1
    assert calibration.scores["accuracy"] == 0
    assert calibration.scores["coverage"] == 0


def test_all_is_sure_where_all_is_right() -> None:
    logits, _ = answers(500)
    calibration = calibrate(logits, logits.argmax(1), *NO_VOTES)
    assert calibration.scores["accuracy"] == calibration.scores["accuracy_covered"] == 1
    assert calibration.scores["coverage"] == 1


def test_scores_are_those_of_the_calibrated_probabilities() -> None:
    logits, truth = answers(800)
    calibration = calibrate(3 * logits, truth, *NO_VOTES)
    probabilities = metrics.softmax(3 * logits, calibration.temperature)
    right = probabilities.argmax(1) == truth
    scores = calibration.scores
    assert scores["n"] == 800
    assert scores["accuracy"] == pytest.approx(right.mean())
    low, high = scores["accuracy_interval"]
    assert low < scores["accuracy"] < high
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(right.mean() * (1 - right.mean()) / 800), rel=0.1)
    assert scores["nll"] == pytest.approx(-np.log(probabilities[np.arange(800), truth]).mean())
    surest = np.argsort(-probabilities.max(1))[:640]
    assert scores["accuracy_at_80_percent"] == pytest.approx(right[surest].mean())


def test_held_out_ece_by_hand() -> None:
    """Two answers, so each half is one: the temperature of the right one makes the wrong one sure, and vice versa."""
    right, wrong = [4.0, 0.0], [3.0, 0.0]
    temperatures = np.exp(np.linspace(-2, 2, 100_001))
    prior = metrics.PRIOR * np.log(temperatures) ** 2
    sharper = temperatures[(np.log1p(np.exp(-4 / temperatures)) + prior).argmin()]
    flatter = temperatures[(np.log1p(np.exp(3 / temperatures)) + prior).argmin()]
    assert sharper < 1 < flatter
    said = np.array([metrics.softmax(np.array(right), flatter), metrics.softmax(np.array(wrong), sharper)])
    expected = metrics.ece(said, np.array([0, 1]))
    assert expected > 0.3
    assert held_out_ece(np.array([right, wrong]), np.array([0, 1])) == pytest.approx(expected, abs=1e-4)


def test_held_out_ece_of_one_answer_to_all() -> None:
    """Right in three of four: either half says 3/4, and that is so in the other half."""
    logits = np.tile([[2.0, 0.0]], (4_000, 1))
    truth = np.tile([0, 0, 0, 1], 1_000)
    assert metrics.ece(metrics.softmax(logits), truth) > 0.1
    assert held_out_ece(logits, truth) == pytest.approx(0, abs=0.03)


def test_held_out_ece_of_a_perfect_model_is_as_low_with_all_its_answers() -> None:
    logits, truth = answers(2_000)
    assert held_out_ece(logits, truth) == pytest.approx(metrics.ece(metrics.softmax(logits), truth), abs=0.01)


def test_held_out_ece_hangs_on_its_seed_only() -> None:
    logits, truth = answers(300)
    assert held_out_ece(logits, truth) == held_out_ece(logits, truth)
    assert held_out_ece(logits, truth, seed=0) != held_out_ece(logits, truth, seed=1)

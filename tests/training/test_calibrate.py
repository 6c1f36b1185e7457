"""Calibration: a known over-confidence is found, and the threshold keeps what it promises."""

from __future__ import annotations

import numpy as np
import pytest

from mien import metrics
from mien.metrics import EVEN, Floats, Ints
from mien.prediction import is_sure
from mien.training.export.calibrate import ALLOWED_ERRORS, Calibration, calibrate, held_out, uncalibrated
from mien.training.learning.judge import LEAST

CLASSES = 5
NO_VOTES = np.zeros((0, CLASSES)), np.zeros((0, CLASSES), np.int64)


def answers(n: int, spread: float = 1.5, seed: int = 0, classes: int = CLASSES) -> tuple[Floats, Ints]:
    """Logits that are right just as often as their softmax says, and the truth."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, spread, (n, classes))
    noise = rng.gumbel(size=(n, classes))
    return logits, (logits + noise).argmax(1)


def calibrated(logits: Floats, found: Calibration) -> Floats:
    return metrics.calibrated(logits, found.temperature, found.entropy_slope, found.bias)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5, 8.0])
def test_the_temperature_is_found(temperature: float) -> None:
    logits, truth = answers(8_000)
    calibration = calibrate(logits * temperature, truth, *NO_VOTES)
    found = calibrated(logits * temperature, calibration)
    assert np.abs(found - metrics.softmax(logits)).sum(1).mean() / 2 < 0.02
    assert calibration.vote_temperature is None
    assert "kl_to_votes" not in calibration.scores
    assert calibration.scores["ece"] < 0.03


def test_over_confidence_is_taken_back() -> None:
    logits, truth = answers(5_000)
    before = metrics.ece(metrics.softmax(4 * logits), truth)
    calibration = calibrate(4 * logits, truth, *NO_VOTES)
    after = metrics.ece(calibrated(4 * logits, calibration), truth)
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
    assert np.abs(calibrated(2 * logits, calibration) - metrics.softmax(logits)).sum(1).mean() / 2 < 0.02
    assert calibration.vote_temperature == pytest.approx(vote_temperature, rel=0.1)
    assert calibration.scores["kl_to_votes"] == pytest.approx(metrics.kl_to_votes(shares, votes), rel=0.05)


def answered(logits: Floats, truth: Ints, found: Calibration) -> Floats:
    """What a head's scores are of."""
    return held_out(logits, truth) if found.scores["calibrated"] else metrics.softmax(logits)


@pytest.mark.parametrize("spread", [0.1, 0.5, 1.0, 1.5, 3.0, 10.0])
@pytest.mark.parametrize("n", [1, 2, 7, 40, 2_000])
def test_at_most_a_tenth_of_the_sure_answers_is_wrong(n: int, spread: float) -> None:
    """And of those and the next one, though that is wrong."""
    for seed in range(5 if n < 100 else 1):
        logits, truth = answers(max(n, 2), spread, seed)
        calibration = calibrate(3 * logits, truth, *NO_VOTES)
        probabilities = answered(3 * logits, truth, calibration)
        sure = is_sure(probabilities.max(1), calibration.threshold)
        wrong = probabilities.argmax(1) != truth
        assert 0 <= calibration.threshold <= 1
        assert calibration.threshold == 1 or wrong[sure].sum() + 1 <= ALLOWED_ERRORS * (sure.sum() + 1)
        assert calibration.scores["coverage"] == pytest.approx(sure.mean())
        if sure.any():
            assert calibration.scores["accuracy_covered"] == pytest.approx(1 - wrong[sure].mean())
        else:
            assert calibration.scores["accuracy_covered"] is None
        for lower in np.unique(probabilities.max(1)):
            if EVEN <= lower < calibration.threshold:
                included = probabilities.max(1) >= lower
                assert wrong[included].sum() + 1 > ALLOWED_ERRORS * (included.sum() + 1)


@pytest.mark.parametrize(
    ("n", "scale", "calibrated"),
    [
        (2, 4.0, False),
        (LEAST - 1, 4.0, False),  # too few
        (200, 4.0, True),
        (200, 0.25, True),
        (1_000, 1.0, False),  # nothing to mend: what is fitted is chance
    ],
)
def test_a_calibration_stays_where_it_helps_images_that_it_was_not_fitted_on(
    n: int, scale: float, calibrated: bool
) -> None:
    logits, truth = answers(n, seed=1)
    found = calibrate(scale * logits, truth, *NO_VOTES)
    assert found.scores["calibrated"] == calibrated
    untouched = (found.temperature, found.entropy_slope, found.bias) == (1.0, 0.0, (0.0,) * CLASSES)
    assert untouched != calibrated
    plain = metrics.softmax(scale * logits)
    assert found.scores["nll"] <= metrics.nll(plain, truth)
    assert (uncalibrated(found.scores) is None) == calibrated


def test_why_a_head_is_not_calibrated() -> None:
    assert uncalibrated({}) is None  # of models from before it was told
    assert uncalibrated({"n": 50, "calibrated": True}) is None
    few = "3 validation images are too few to calibrate confidence; it takes 10"
    assert uncalibrated({"n": 3, "calibrated": False}) == few
    assert "less likely, so none is applied" in (uncalibrated({"n": 50, "calibrated": False}) or "")


def test_a_few_images_seldom_spoil_what_is_good_and_often_mend_what_is_not() -> None:
    """Of 50 images each: on 5,000 others, in the mean of 20 draws, and in the worst."""
    changes = {}
    for scale in (1.0, 3.0):
        gained = []
        for seed in range(20):
            logits, truth = answers(5_050, seed=seed)
            found = calibrate(scale * logits[:50], truth[:50], *NO_VOTES)
            before = metrics.nll(metrics.softmax(scale * logits[50:]), truth[50:])
            gained.append(before - metrics.nll(calibrated(scale * logits[50:], found), truth[50:]))
        changes[scale] = gained
    assert np.mean(changes[1.0]) > -0.01
    assert min(changes[1.0]) > -0.06
    assert np.mean(changes[3.0]) > 0.1
    assert min(changes[3.0]) > 0


def test_nothing_is_sure_where_all_is_wrong() -> None:
    logits, _ = answers(500)
    calibration = calibrate(logits, logits.argmin(1), *NO_VOTES)
    assert calibration.threshold > 0.9
    assert calibration.scores["accuracy"] < 0.1
    assert calibration.scores["coverage"] < 0.01


def test_nothing_is_sure_where_nine_answers_are_not_there_however_confident_they_are() -> None:
    logits = 1000 * metrics.one_hot(np.zeros(5, np.int64), CLASSES)
    calibration = calibrate(logits, logits.argmax(1), *NO_VOTES)
    assert calibration.answers.max() == calibration.threshold == 1
    assert (calibration.scores["coverage"], calibration.scores["accuracy_covered"]) == (0, None)


def test_all_that_is_more_likely_right_than_wrong_is_sure_where_all_is_right() -> None:
    logits, _ = answers(500)
    calibration = calibrate(logits, logits.argmax(1), *NO_VOTES)
    assert calibration.scores["accuracy"] > 0.99
    assert calibration.scores["accuracy_covered"] > 0.99
    assert calibration.scores["coverage"] > 0.99


def test_scores_are_those_of_the_calibrated_probabilities() -> None:
    logits, truth = answers(800)
    calibration = calibrate(3 * logits, truth, *NO_VOTES)
    probabilities = held_out(3 * logits, truth)
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


def test_held_out_answers_are_calibrated_on_others() -> None:
    logits, truth = answers(12)
    people = ["ann", "bob", "bob"] * 4
    of_ann = np.array([name == "ann" for name in people])
    found = held_out(3 * logits, truth, people)
    for answered in (of_ann, ~of_ann):
        fitted = metrics.fit_calibration(3 * logits[~answered], truth[~answered])
        assert found[answered] == pytest.approx(metrics.calibrated(3 * logits[answered], *fitted))


def test_held_out_of_one_person_is_not_calibrated_at_all() -> None:
    logits, truth = answers(40)
    assert held_out(3 * logits, truth, ["ann"] * 40) == pytest.approx(metrics.softmax(3 * logits))


def test_held_out_of_one_answer_to_all() -> None:
    """Right in three of four: nine tenths say 3/4, and that is so in the tenth."""
    logits = np.tile([[2.0, 0.0]], (4_000, 1))
    truth = np.tile([0, 0, 0, 1], 1_000)
    assert metrics.ece(metrics.softmax(logits), truth) > 0.1
    assert metrics.ece(held_out(logits, truth), truth) < 0.01


def test_held_out_does_no_harm_to_a_perfect_model() -> None:
    logits, truth = answers(2_000)
    perfect, found = metrics.softmax(logits), held_out(logits, truth)
    assert metrics.ece(found, truth) == pytest.approx(metrics.ece(perfect, truth), abs=0.01)
    assert metrics.nll(found, truth) == pytest.approx(metrics.nll(perfect, truth), abs=0.01)


def test_held_out_hangs_on_its_seed_and_not_on_names() -> None:
    logits, truth = answers(300)
    names = [f"{97 * row % 300}.png" for row in range(300)]
    assert (held_out(logits, truth) == held_out(logits, truth, names)).all()
    assert (held_out(logits, truth, seed=0) != held_out(logits, truth, seed=1)).any()


def test_an_emotion_that_votes_never_give_the_most_is_the_label_at_times() -> None:
    """Votes of 4 in 10 for it, among images where it is the label in two of three."""
    rng = np.random.default_rng(3)
    logits = np.log(np.tile([[0.6, 0.4]], (3_000, 1))) + rng.normal(0, 0.01, (3_000, 2))
    truth = (rng.random(3_000) < 2 / 3).astype(np.int64)
    calibration = calibrate(logits, truth, *NO_VOTES)
    assert calibration.scores["accuracy"] == pytest.approx(2 / 3, abs=0.03)
    assert calibration.bias[1] > 0.2 > -0.2 > calibration.bias[0]

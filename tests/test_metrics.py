"""Scores: against values worked out by hand, and against loops too simple to be wrong."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien import metrics
from mien.metrics import ClassScores, Floats, Ints

CLASSES = 4
logit_rows = st.lists(st.lists(st.floats(-50, 50), min_size=CLASSES, max_size=CLASSES), min_size=1, max_size=12).map(
    np.array
)


@st.composite
def answers(draw: st.DrawFn) -> tuple[Floats, Ints]:
    """Probabilities (n, CLASSES) with many equal confidences, and the truth (n,)."""
    n = draw(st.integers(1, 30))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    probabilities = metrics.softmax(rng.integers(0, draw(st.integers(1, 6)), (n, CLASSES)))
    return probabilities, rng.integers(0, CLASSES, n)


def certain(*guesses: int, classes: int = 3) -> Floats:
    return metrics.one_hot(np.array(guesses, np.int64), classes)


@pytest.mark.parametrize(
    ("logits", "temperature", "expected"),
    [
        ([0, 0], 1, [0.5, 0.5]),
        ([math.log(3), 0], 1, [0.75, 0.25]),
        ([2 * math.log(3), 0], 2, [0.75, 0.25]),
        ([math.log(3), 0], 0.5, [0.9, 0.1]),
        ([1e6, 0], 1, [1, 0]),
        ([-1e6, -1e6], 1, [0.5, 0.5]),
    ],
)
def test_softmax(logits: list[float], temperature: float, expected: list[float]) -> None:
    assert metrics.softmax(np.array([logits]), temperature) == pytest.approx(np.array([expected]))


def test_softmax_of_no_rows() -> None:
    assert metrics.softmax(np.empty((0, 7), np.float32)).shape == (0, 7)


@given(logit_rows, st.floats(0.05, 20))
def test_softmax_rows_are_distributions_in_the_order_of_the_logits(logits: Floats, temperature: float) -> None:
    rows = metrics.softmax(logits, temperature)
    assert rows.sum(1) == pytest.approx(1)
    assert ((rows >= 0) & (rows <= 1)).all()
    for row, values in zip(rows, logits, strict=True):
        assert row[values.argmax()] == row.max()


def test_dividedness() -> None:
    logits = np.array([[0, 0, 0, 0], [1000, 0, 0, 0], [1000, 1000, 0, 0], [math.log(3), 0, -1000, -1000]])
    quarter = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25)) / math.log(4)
    assert metrics.dividedness(logits) == pytest.approx(np.array([[1], [0], [0.5], [quarter]]))
    assert metrics.dividedness(logits[0]) == pytest.approx(np.array([1]))
    assert metrics.dividedness(np.empty((0, 3))).shape == (0, 1)


@pytest.mark.parametrize(
    ("logits", "temperature", "slope", "bias", "expected"),
    [
        ([math.log(3), 0], 1, 0, 0, [0.75, 0.25]),
        ([2 * math.log(3), 0], 2, 0, 0, [0.75, 0.25]),
        ([0, 0], 1, 0, [math.log(3), 0], [0.75, 0.25]),
        ([2 * math.log(3), 0], 2, 0, [0, math.log(3)], [0.5, 0.5]),
        ([0, 0], 1, 5, 0, [0.5, 0.5]),
        ([200, 0], 1, 2 * math.log(200 / math.log(3)), 0, [1, 0]),  # not divided at all: a lower temperature
        ([200, 0], 200 / math.log(3), 2 * math.log(2), 0, [0.9, 0.1]),  # half of it
        ([50, 50, 0, 0], 50 / math.log(3), 7, 0, [3 / 8, 3 / 8, 1 / 8, 1 / 8]),  # halfway: as it is
    ],
)
def test_calibrated(
    logits: list[float], temperature: float, slope: float, bias: list[float] | float, expected: list[float]
) -> None:
    found = metrics.calibrated(np.array([logits]), temperature, slope, bias)
    assert found == pytest.approx(np.array([expected]))


@given(logit_rows)
def test_calibrated_by_nothing_is_the_softmax(logits: Floats) -> None:
    assert metrics.calibrated(logits) == pytest.approx(metrics.softmax(logits))


@given(logit_rows, st.floats(-100, 100))
def test_softmax_ignores_a_shift(logits: Floats, shift: float) -> None:
    assert metrics.softmax(logits + shift) == pytest.approx(metrics.softmax(logits), abs=1e-9)


@pytest.mark.parametrize(
    ("guesses", "truth", "expected"), [([1], [1], 1), ([1], [0], 0), ([0, 1, 2, 0], [0, 1, 1, 1], 0.5)]
)
def test_accuracy(guesses: list[int], truth: list[int], expected: float) -> None:
    assert metrics.accuracy(certain(*guesses), np.array(truth)) == expected


@pytest.mark.parametrize(
    ("guesses", "truth", "expected"),
    [
        ([], [], [[0, 0, 0], [0, 0, 0], [0, 0, 0]]),
        ([2], [0], [[0, 0, 1], [0, 0, 0], [0, 0, 0]]),
        ([0, 1, 1, 2, 2], [0, 0, 0, 1, 2], [[1, 2, 0], [0, 0, 1], [0, 0, 1]]),
    ],
)
def test_confusion_has_the_truth_in_rows(guesses: list[int], truth: list[int], expected: list[list[int]]) -> None:
    assert metrics.confusion(np.array(guesses, np.int64), np.array(truth, np.int64), 3).tolist() == expected


@pytest.mark.parametrize(
    ("confidences", "right", "expected"),
    [
        ([], [], 0),
        ([1.0], [True], 0),
        ([1.0], [False], 1),
        ([0.75], [True], 0.25),
        ([0.75] * 4, [True, True, True, False], 0),
        ([0.9, 0.6], [True, False], (0.1 + 0.6) / 2),
        # One bin (of 15: .8 to .867) holds the first two, another the third.
        ([0.81, 0.85, 0.55], [True, False, True], (abs(1 - 1.66) + 0.45) / 3),
    ],
)
def test_ece(confidences: list[float], right: list[bool], expected: float) -> None:
    probabilities = np.array([[p, 1 - p] for p in confidences]).reshape(-1, 2)
    assert metrics.ece(probabilities, np.array([0 if r else 1 for r in right], np.int64)) == pytest.approx(expected)


def loop_ece(probabilities: Floats, truth: Ints, bins: int) -> float:
    total = 0.0
    for number in range(bins):
        rows = [
            (max(row), row.argmax() == true)
            for row, true in zip(probabilities, truth, strict=True)
            if int(max(row) * bins) == number or (number == bins - 1 and max(row) == 1)
        ]
        if rows:
            gap = np.mean([right for _, right in rows]) - np.mean([confidence for confidence, _ in rows])
            total += len(rows) / len(truth) * abs(float(gap))
    return total


@given(answers(), st.integers(1, 20))
def test_ece_is_the_mean_gap_over_bins(given_answers: tuple[Floats, Ints], bins: int) -> None:
    assert metrics.ece(*given_answers, bins=bins) == pytest.approx(loop_ece(*given_answers, bins=bins))


def drawn_from(probabilities: Floats, seed: int) -> Ints:
    """A truth for each row, drawn with the row's own probabilities."""
    marks = np.random.default_rng(seed).random((len(probabilities), 1))
    return np.asarray((probabilities.cumsum(1) < marks).sum(1).clip(max=probabilities.shape[1] - 1), np.int64)


def test_ece_of_perfect_calibration_is_near_0_and_of_sharpened_answers_is_not() -> None:
    logits = np.random.default_rng(0).normal(0, 2, (20_000, 7))
    truth = drawn_from(metrics.softmax(logits), seed=1)
    assert metrics.ece(metrics.softmax(logits), truth) < 0.02
    assert metrics.ece(metrics.softmax(logits, 0.4), truth) > 0.1
    assert metrics.ece(metrics.softmax(logits, 3), truth) > 0.1


@pytest.mark.parametrize(
    ("row", "true", "expected"), [([1, 0], 0, 0), ([0.5, 0.5], 1, math.log(2)), ([1, 0], 1, -math.log(1e-12))]
)
def test_nll(row: list[float], true: int, expected: float) -> None:
    assert metrics.nll(np.array([row]), np.array([true])) == pytest.approx(expected)


def test_nll_is_a_mean() -> None:
    rows = np.array([[0.5, 0.5], [0.25, 0.75]])
    assert metrics.nll(rows, np.array([0, 0])) == pytest.approx((math.log(2) + math.log(4)) / 2)


@pytest.mark.parametrize(
    ("probabilities", "votes", "expected"),
    [
        ([[0.3, 0.7]], [[3, 7]], 0),
        ([[0.5, 0.5]], [[10, 0]], math.log(2)),
        ([[0.5, 0.5]], [[5, 15]], 0.25 * math.log(0.5) + 0.75 * math.log(1.5)),
        ([[0.5, 0.5], [0.1, 0.9]], [[10, 0], [0, 0]], math.log(2)),
        ([[1.0, 0.0]], [[0, 10]], math.log(1e12)),
        ([[0.5, 0.5], [0.3, 0.7]], [[10, 0], [3, 7]], math.log(2) / 2),
    ],
)
def test_kl_to_votes(probabilities: list[list[float]], votes: list[list[int]], expected: float) -> None:
    assert metrics.kl_to_votes(np.array(probabilities), np.array(votes)) == pytest.approx(expected)


@given(answers(), st.integers(0, 2**32 - 1))
def test_kl_to_votes_is_never_negative(given_answers: tuple[Floats, Ints], seed: int) -> None:
    probabilities, _ = given_answers
    votes = np.random.default_rng(seed).integers(0, 11, probabilities.shape) + 1
    assert metrics.kl_to_votes(probabilities, votes) >= -1e-12


@pytest.mark.parametrize(("coverage", "expected"), [(0, 1), (0.25, 1), (0.5, 0.5), (0.75, 2 / 3), (1, 0.5)])
def test_coverage_accuracy(coverage: float, expected: float) -> None:
    probabilities = np.array([[0.6, 0.4], [0.9, 0.1], [0.3, 0.7], [0.2, 0.8]])  # by confidence: rows 1, 3, 2, 0
    truth = np.array([1, 0, 1, 0])  # right: rows 1 and 2
    assert metrics.coverage_accuracy(probabilities, truth, coverage) == pytest.approx(expected)


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=50), st.integers(0, 99))
@settings(max_examples=30)
def test_bootstrap_interval_holds_the_mean_and_lies_within_the_values(values: list[float], seed: int) -> None:
    array = np.array(values)
    low, high = metrics.bootstrap(lambda rows: float(array[rows].mean()), len(array), rounds=200, seed=seed)
    assert array.min() - 1e-9 <= low <= array.mean() + 1e-9
    assert array.mean() - 1e-9 <= high <= array.max() + 1e-9


def test_bootstrap_interval_is_that_of_the_normal_distribution_where_it_holds() -> None:
    right = np.arange(400) < 300
    low, high = metrics.bootstrap(lambda rows: float(right[rows].mean()), 400)
    reach = 1.96 * math.sqrt(0.75 * 0.25 / 400)
    assert (low, high) == pytest.approx((0.75 - reach, 0.75 + reach), abs=0.006)


def test_bootstrap_repeats_itself() -> None:
    scores = np.random.default_rng(0).random(30)
    one, other = (metrics.bootstrap(lambda rows: float(scores[rows].mean()), 30, rounds=50) for _ in range(2))
    assert one == other
    assert one != metrics.bootstrap(lambda rows: float(scores[rows].mean()), 30, rounds=50, seed=1)


SCORES: list[tuple[list[list[int]], list[int] | None, list[ClassScores], float]] = [
    ([[0, 0], [0, 0]], None, [ClassScores(None, None, None, 0)] * 2, 0),
    ([[2, 0], [0, 3]], None, [ClassScores(1, 1, 1, 2), ClassScores(1, 1, 1, 3)], 1),
    (
        [[2, 1], [2, 3]],
        None,
        [ClassScores(0.5, 2 / 3, 4 / 7, 3), ClassScores(0.75, 0.6, 2 / 3, 5)],
        (4 / 7 + 2 / 3) / 2,
    ),
    # The second class does not occur: its wrong guesses lower the first's recall alone, and it has no F1 to count.
    ([[3, 1], [0, 0]], None, [ClassScores(1, 0.75, 6 / 7, 4), ClassScores(0, None, None, 0)], 6 / 7),
    ([[2, 0], [0, 3]], [2, 0], [ClassScores(1, 0.5, 2 / 3, 4), ClassScores(1, 1, 1, 3)], 5 / 6),
    ([[0, 0], [0, 1]], [1, 0], [ClassScores(None, 0, 0, 1), ClassScores(1, 1, 1, 1)], 0.5),
]


@pytest.mark.parametrize(("counts", "missed", "scores", "f1"), SCORES)
def test_class_scores_and_macro_f1(
    counts: list[list[int]], missed: list[int] | None, scores: list[ClassScores], f1: float
) -> None:
    lost = None if missed is None else np.array(missed)
    found: list[dict[str, Any]] = [vars(each) for each in metrics.class_scores(np.array(counts), lost)]
    assert found == [pytest.approx(vars(each)) for each in scores]
    assert metrics.macro_f1(np.array(counts), lost) == pytest.approx(f1)


@pytest.mark.parametrize("temperature", [0.1, 0.5, 1.0, 1.7, 8.0])
def test_fit_temperature_recovers_a_known_temperature(temperature: float) -> None:
    logits = np.random.default_rng(3).normal(0, 2, (50_000, 8)) * temperature
    assert metrics.fit_temperature(logits, metrics.softmax(logits, temperature)) == pytest.approx(temperature, rel=3e-3)


def test_fit_temperature_of_labels_drawn_at_a_known_temperature() -> None:
    logits = np.random.default_rng(4).normal(0, 3, (20_000, 7))
    truth = drawn_from(metrics.softmax(logits, 2.0), seed=5)
    assert metrics.fit_temperature(logits, metrics.one_hot(truth, 7)) == pytest.approx(2.0, rel=0.05)


def test_fit_temperature_stays_within_its_bounds() -> None:
    logits, truth = np.array([[0.1, 0.0], [0.0, 0.1]]), np.array([0, 1])
    many = np.tile(logits, (50_000, 1)), metrics.one_hot(np.tile(truth, 50_000), 2)
    assert 0.05 <= metrics.fit_temperature(many[0] / 10, many[1]) < 0.051
    assert 19.9 < metrics.fit_temperature(30 * many[0], 1 - many[1]) <= 20


@pytest.mark.parametrize("n", [2, 20, 60])
def test_fit_temperature_of_a_few_that_are_all_right_is_no_certainty(n: int) -> None:
    rng = np.random.default_rng(6)
    logits, truth = rng.normal(0, 1, (n, 2)), np.arange(n) % 2
    logits[np.arange(n), truth] += 4
    assert 0.4 < metrics.fit_temperature(logits, metrics.one_hot(truth, 2)) < 1


def test_tempered_nll_forgives_many_images_what_a_few_cannot_tell() -> None:
    rng = np.random.default_rng(8)
    logits = rng.normal(0, 2, (20_000, 3))
    truth = drawn_from(metrics.softmax(logits), seed=9)
    fair, sure = (metrics.tempered_nll(scale * logits, truth) for scale in (1, 3))
    assert sure == pytest.approx(fair, abs=0.001)
    assert fair == pytest.approx(metrics.nll(metrics.softmax(logits), truth), abs=0.001)
    fair, sure = (metrics.tempered_nll(scale * logits[:40], truth[:40]) for scale in (1, 3))
    assert sure > fair + 0.1


def test_tempered_nll_of_a_few_that_are_all_right_prefers_to_be_sure_of_it() -> None:
    truth = np.arange(20) % 2
    barely, well = (size * metrics.one_hot(truth, 2) for size in (0.1, 3.0))
    assert metrics.tempered_nll(barely, truth) > metrics.tempered_nll(well, truth) + 0.3


@pytest.mark.parametrize(("n", "nats"), [(0, 2 + 2 * 120**2), (60, 10), (120, 4), (3_000, 2.0032)])
def test_caution_is_for_a_few(n: int, nats: float) -> None:
    assert metrics.caution(n) == pytest.approx(nats)


@pytest.mark.parametrize(("temperature", "slope"), [(1.0, 0.0), (0.4, 0.8), (2.5, -0.6)])
def test_fit_calibration_recovers_a_known_one(temperature: float, slope: float) -> None:
    rng = np.random.default_rng(7)
    logits = rng.normal(0, 2, (40_000, 5)) * rng.uniform(0.2, 2, (40_000, 1))
    bias = np.array([0.6, -0.4, 0.0, -0.3, 0.1])
    truth = drawn_from(metrics.calibrated(logits, temperature, slope, bias), seed=8)
    found = metrics.fit_calibration(logits, truth)
    assert found[0] == pytest.approx(temperature, rel=0.08)
    assert found[1] == pytest.approx(slope, abs=0.12)
    assert found[2] == pytest.approx(bias, abs=0.08)


@pytest.mark.parametrize("n", [1, 5, 300])
def test_fit_calibration_is_as_good_as_it_gets(n: int) -> None:
    rng = np.random.default_rng(n)
    logits, truth = 3 * rng.normal(0, 1, (n, 3)), rng.integers(0, 2, n)

    def cost(temperature: float, slope: float, bias: Floats) -> float:
        fit = metrics.nll(metrics.calibrated(logits, temperature, slope, bias), truth) * n
        caution = metrics.caution(n) * (slope**2 + float((bias**2).sum()))
        return fit + metrics.PRIOR * math.log(temperature) ** 2 + caution

    temperature, slope, bias = metrics.fit_calibration(logits, truth)
    least = cost(temperature, slope, bias)
    for _ in range(200):
        step = 0.03 * rng.normal(size=5)
        assert cost(temperature * math.exp(step[0]), slope + step[1], bias + step[2:]) > least


def test_fit_calibration_of_nothing_leaves_logits_as_they_are() -> None:
    temperature, slope, bias = metrics.fit_calibration(np.empty((0, 4)), np.empty(0, np.int64))
    assert (temperature, slope, bias.tolist()) == (1, 0, [0, 0, 0, 0])


@pytest.mark.parametrize("n", [2, 20, 60])
def test_fit_calibration_of_a_few_that_are_all_right_is_no_certainty(n: int) -> None:
    rng = np.random.default_rng(6)
    logits, truth = rng.normal(0, 1, (n, 2)), np.arange(n) % 2
    logits[np.arange(n), truth] += 4
    temperature, slope, bias = metrics.fit_calibration(logits, truth)
    assert 0.4 < temperature < 1
    assert abs(slope) < 1
    assert np.abs(bias).max() < 0.5


@pytest.mark.parametrize("scale", [0, 1e-6, 1e3])
def test_fit_calibration_of_strange_logits(scale: float) -> None:
    rng = np.random.default_rng(9)
    logits, truth = scale * rng.normal(0, 1, (500, 4)), rng.integers(0, 4, 500)
    found = metrics.calibrated(logits, *metrics.fit_calibration(logits, truth))
    assert found.sum(1) == pytest.approx(1)
    assert metrics.nll(found, truth) <= metrics.nll(metrics.softmax(logits), truth)


def test_bootstrap_draws_whole_groups() -> None:
    right = np.repeat(np.arange(10) % 2, 20)  # ten people, each always right or always wrong
    people = np.repeat(np.arange(10), 20).tolist()

    def score(rows: Ints) -> float:
        return float(right[rows].mean())

    together, alone = metrics.bootstrap(score, 200, people), metrics.bootstrap(score, 200)
    assert list(together) == pytest.approx([0.2, 0.8], abs=0.05)
    assert list(alone) == pytest.approx([0.43, 0.57], abs=0.02)
    assert metrics.bootstrap(score, 200, list(range(200))) == metrics.bootstrap(score, 200, ["one"] * 200) == alone


def test_one_hot() -> None:
    assert metrics.one_hot(np.array([2, 0]), 3).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert metrics.one_hot(np.array([], np.int64), 3).shape == (0, 3)


@pytest.mark.parametrize(
    ("confidences", "right", "errors", "expected"),
    [
        ([], [], 0.1, 1),
        ([0.6], [False], 0.5, 1),
        ([0.6], [False], 1.0, 0.6),
        ([0.9] * 8, [True] * 8, 0.1, 1),  # with the next one, which is wrong, one in nine
        ([0.9] * 9, [True] * 9, 0.1, 0.9),
        ([0.9, 0.8, 0.7, 0.6], [True, True, True, True], 0.0, 1),
        ([0.9, 0.8, 0.7, 0.6], [True, True, True, True], 0.2, 0.6),
        ([0.9, 0.8, 0.7, 0.6], [True, True, False, True], 0.34, 0.8),
        ([0.6, 0.7, 0.8, 0.9], [True, False, True, True], 0.4, 0.6),
        ([0.9, 0.8, 0.7], [False, True, True], 0.5, 0.7),
        # Four faces with one confidence stand or fall together.
        ([0.9, 0.7, 0.7, 0.7, 0.7], [True, True, False, False, False], 0.5, 0.9),
    ],
)
def test_fit_threshold(confidences: list[float], right: list[bool], errors: float, expected: float) -> None:
    probabilities = np.array([[p, 1 - p] for p in confidences]).reshape(-1, 2)
    truth = np.array([0 if r else 1 for r in right], np.int64)
    assert metrics.fit_threshold(probabilities, truth, errors) == expected


def test_what_is_more_likely_wrong_than_right_is_never_sure_however_good_the_rest() -> None:
    probabilities = np.array([[0.9, 0.05, 0.05]] * 97 + [[0.6, 0.2, 0.2]] * 2 + [[0.4, 0.3, 0.3]])
    assert metrics.fit_threshold(probabilities, np.zeros(100, np.int64), 0.1) == 0.6


@given(answers(), st.floats(0, 1))
def test_fit_threshold_keeps_its_promise_and_no_lower_one_does(
    given_answers: tuple[Floats, Ints], errors: float
) -> None:
    probabilities, truth = given_answers
    confidence, wrong = probabilities.max(1), probabilities.argmax(1) != truth
    threshold = metrics.fit_threshold(probabilities, truth, errors)
    kept = {
        level: wrong[confidence >= level].sum() + 1 <= errors * ((confidence >= level).sum() + 1)
        for level in confidence[confidence >= 0.5].tolist()
    }
    assert threshold == min((level for level, holds in kept.items() if holds), default=1.0)

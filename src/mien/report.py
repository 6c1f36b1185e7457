"""Reports: what `evaluate` yields, with 95% bootstrap intervals; shares are 0..1, entropies in nats."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mien import metrics
from mien.labels import LabelSet
from mien.metrics import ClassScores, Floats, Ints


@dataclass(frozen=True)
class Report:
    """How well a model reads one split of a dataset.

    Args:
        model: its name.
        data: path, form and split.
        labels: the label set judged in.
        n: images judged.
        not_judged: images without a label in the set (for FER+ votes: without a majority).
        no_face: judged images in which no face was found; they count as wrong.
        unreadable: images that could not be read, with the reason; they do not count.
        accuracy: share of right labels, and its interval.
        macro_f1: mean F1 over the classes that occur, and its interval.
        ece: expected calibration error of the confidence where there was a face, 15 bins.
        nll: mean negative log-likelihood.
        kl_to_votes: mean KL of people's votes from the prediction at the vote temperature, where there are votes.
        coverage: share of answers that are not uncertain for low confidence.
        accuracy_covered: accuracy among those; None if there are none.
        per_class: scores by emotion.
        confusion: counts; rows are the truth, columns the guess.
    """

    model: str
    data: dict[str, str]
    labels: tuple[str, ...]
    n: int
    not_judged: int
    no_face: int
    unreadable: dict[str, str]
    accuracy: float
    accuracy_interval: tuple[float, float]
    macro_f1: float
    macro_f1_interval: tuple[float, float]
    ece: float
    nll: float
    kl_to_votes: float | None
    coverage: float
    accuracy_covered: float | None
    per_class: dict[str, ClassScores]
    confusion: tuple[tuple[int, ...], ...]

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, with six decimals."""
        return {key: _rounded(value) for key, value in asdict(self).items()}


@dataclass(frozen=True)
class Answers:
    """What a model said of n judged images; an image without a face has a row of equal probabilities.

    Args:
        probabilities: (n, classes).
        truth: (n,).
        found: (n,) bool, whether there was a face.
        threshold: confidence below which an answer is uncertain.
        kl_to_votes: see `Report`.
    """

    probabilities: Floats
    truth: Ints
    found: np.ndarray
    threshold: float
    kl_to_votes: float | None


def make_report(
    model: str,
    data: dict[str, str],
    labels: LabelSet,
    answers: Answers,
    not_judged: int,
    unreadable: dict[str, str],
) -> Report:
    """A report of what was answered. A face that was not found is never right, and lowers its class's recall."""
    classes, n = len(labels), len(answers.truth)
    guesses = answers.probabilities.argmax(1)
    right = (guesses == answers.truth) & answers.found
    sure = (answers.probabilities.max(1) >= answers.threshold) & answers.found
    counts = metrics.confusion(guesses[answers.found], answers.truth[answers.found], classes)
    missed = np.bincount(answers.truth[~answers.found], minlength=classes)

    def f1(rows: Ints) -> float:
        seen = rows[answers.found[rows]]
        lost = np.bincount(answers.truth[rows[~answers.found[rows]]], minlength=classes)
        return metrics.macro_f1(metrics.confusion(guesses[seen], answers.truth[seen], classes), lost)

    scores = metrics.class_scores(counts, missed)
    return Report(
        model=model,
        data=data,
        labels=labels.emotions,
        n=n,
        not_judged=not_judged,
        no_face=int((~answers.found).sum()),
        unreadable=unreadable,
        accuracy=float(right.mean()),
        accuracy_interval=metrics.bootstrap(lambda rows: float(right[rows].mean()), n),
        macro_f1=metrics.macro_f1(counts, missed),
        macro_f1_interval=metrics.bootstrap(f1, n),
        ece=metrics.ece(answers.probabilities[answers.found], answers.truth[answers.found]),
        nll=metrics.nll(answers.probabilities, answers.truth),
        kl_to_votes=answers.kl_to_votes,
        coverage=float(sure.mean()),
        accuracy_covered=float(right[sure].mean()) if sure.any() else None,
        per_class=dict(zip(labels, scores, strict=True)),
        confusion=tuple(tuple(map(int, row)) for row in counts),
    )


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return value

"""The numbers of a report, with 95% intervals; shares are 0..1, entropies in nats.

Intervals of accuracy are Wilson's (see `shares`), those of macro-F1 a bootstrap's. Images of one person are alike: they
count as fewer in the first, and for the second people are drawn, each with all images.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import Any

import numpy as np

from mien import metrics, shares
from mien.labels import LabelSet
from mien.metrics import ClassScores, Floats, Ints
from mien.report.answers import BINS, EXACT, NEAR, SEEN, Answers, LeftOut
from mien.report.groups import Group, enough, subgroups
from mien.report.moved import Moved, moves
from mien.report.origin import Origin
from mien.wording import decimals, percentage


@dataclass(frozen=True)
class Bin:
    """Answers whose confidence lies from `low` to `high`: how many, how confident and how right on average."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Fresh:
    """Scores of the judged images of which no copy was trained on, or is in `train`; each as in `Report`."""

    n: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    macro_f1: float
    ece: float | None
    nll: float


@dataclass(frozen=True)
class Report:
    """How well a model reads one split of a dataset.

    Args:
        model: its name.
        data: path, form, split, crop and the reason for it; a sentence on `people` where some are in `train` as well.
        head: the head of the model that answered.
        prior: how often it expected each label, together 1; None where as in training.
        labels: the label set judged in.
        absent: those of its labels that no judged image has; macro-F1 is over the others.
        n: images judged.
        people: how many are known to be on them; intervals are then of them, and each image of nobody known counts as
            one more. 0 where nobody is known.
        held_back: images of a dataset without splits that the model was trained on, or on copies, and so not judged.
        by_index: images of the split that the dataset's index leaves out (see `mien data audit --write-clean`); of all
            splits where the dataset came without.
        not_judged: images without a label in the set (for FER+ votes: without a majority).
        outside: labels that the set lacks, and how many of the images not judged have each.
        no_face: judged images in which no face was found; they count as wrong.
        unreadable: images that could not be read, with the reason; they do not count.
        accuracy: share of right labels, and its interval.
        copies: how many judged images are `EXACT` or `NEAR` copies of training images, and `SEEN` by the model; without
            those that there are none of.
        repeated: how many are copies, or near copies, of another judged image, beyond the first.
        fresh: scores without any of `copies`; None where there are none of them, or no others.
        macro_f1: mean F1 over the classes that occur, and its interval; None of fewer than `ENOUGH` images or
            `ENOUGH_PEOPLE`, and where all are right or wrong: a bootstrap would be too sure of it.
        ece: expected calibration error of the confidence where there was a face, 15 bins; None where there was none.
        nll: mean negative log-likelihood.
        kl_to_votes: mean KL of people's votes from the prediction at the vote temperature, where there are votes.
        coverage: share of answers that are not uncertain for low confidence.
        accuracy_covered: accuracy among those; None if there are none.
        per_class: scores by emotion.
        confusion: counts; rows are the truth, columns the guess.
        reliability: answers by confidence, the bins that have any.
        subgroups: by attribute and its value, where something is known of the images; ages in bands, and nothing of an
            attribute with more than `MOST_VALUES` values. See `Group`.
        changed: how far answers move once faces are changed, by change, where that was tried. See `Moved`.
        origin: what has to be the same for the same numbers; None of answers that were given in Python.
        answers: the answers themselves; no part of the JSON form.
    """

    model: str
    data: dict[str, str]
    head: str
    prior: dict[str, float] | None
    labels: tuple[str, ...]
    absent: tuple[str, ...]
    n: int
    people: int
    held_back: int
    by_index: int
    not_judged: int
    outside: dict[str, int]
    no_face: int
    unreadable: dict[str, str]
    copies: dict[str, int]
    repeated: int
    fresh: Fresh | None
    accuracy: float
    accuracy_interval: tuple[float, float]
    macro_f1: float
    macro_f1_interval: tuple[float, float] | None
    ece: float | None
    nll: float
    kl_to_votes: float | None
    coverage: float
    accuracy_covered: float | None
    per_class: dict[str, ClassScores]
    confusion: tuple[tuple[int, ...], ...]
    reliability: tuple[Bin, ...]
    subgroups: dict[str, dict[str, Group]]
    changed: dict[str, Moved]
    origin: Origin | None
    answers: Answers = field(repr=False, compare=False)

    def __repr__(self) -> str:
        judged = f"{self.model} on {self.data.get('path')}, {self.data.get('split')}"
        return (
            f"Report({judged}: {percentage(self.accuracy)} of {self.n} right, macro-F1 {self.macro_f1:.3f}, "
            f"ECE {decimals(self.ece)})"
        )

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, with six decimals."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "answers"}
        return {key: _rounded(_plain(value)) for key, value in values.items()}


def make_report(
    model: str,
    data: dict[str, str],
    labels: LabelSet,
    answers: Answers,
    left_out: LeftOut,
    by: Collection[str] | None = None,
    origin: Origin | None = None,
) -> Report:
    """A report of what was answered. A face that was not found is never right, and lowers its class's recall.

    Args:
        model, data: as in `Report`.
        labels: the label set judged in.
        answers: to the judged images.
        left_out: the images that are not judged.
        by: which attributes make groups, see `columns`.
        origin: as in `Report`.
    """
    classes, n = len(labels), len(answers.truth)
    guesses, right, found, people = answers.guesses, answers.right, answers.found, answers.people
    sure = answers.sure
    counts = metrics.confusion(guesses[found], answers.truth[found], classes)
    missed = np.bincount(answers.truth[~found], minlength=classes)
    scores = metrics.class_scores(counts, missed)
    return Report(
        model=model,
        data=data,
        head=answers.head,
        prior=None if answers.prior is None else dict(answers.prior),
        labels=labels.emotions,
        absent=tuple(name for name, score in zip(labels, scores, strict=True) if not score.support),
        n=n,
        people=len({each["person"] for each in answers.attributes if each.get("person")}),
        held_back=left_out.held_back,
        by_index=left_out.by_index,
        not_judged=left_out.not_judged,
        outside=dict(left_out.outside),
        no_face=int((~found).sum()),
        unreadable=dict(left_out.unreadable),
        copies=_counted(answers.copies),
        repeated=answers.repeated,
        fresh=_fresh(answers, classes),
        accuracy=float(right.mean()),
        accuracy_interval=shares.interval(right, people),
        macro_f1=metrics.macro_f1(counts, missed),
        macro_f1_interval=_macro_f1_interval(answers, classes),
        ece=answers.ece(np.ones(n, bool)),
        nll=metrics.nll(answers.probabilities, answers.truth),
        kl_to_votes=answers.kl_to_votes,
        coverage=float(sure.mean()),
        accuracy_covered=float(right[sure].mean()) if sure.any() else None,
        per_class=dict(zip(labels, scores, strict=True)),
        confusion=tuple(tuple(map(int, row)) for row in counts),
        reliability=tuple(_bins(answers.confidence[found], right[found])),
        subgroups=subgroups(answers, labels.emotions, by),
        changed=moves(answers),
        origin=origin,
        answers=answers,
    )


def _counted(copies: Iterable[str]) -> dict[str, int]:
    counts = Counter(kind for each in copies for kind in each.split())
    return {kind: counts[kind] for kind in (EXACT, NEAR, SEEN) if counts[kind]}


def _fresh(answers: Answers, classes: int) -> Fresh | None:
    chosen = np.array([not kind for kind in answers.copies])
    rows = np.flatnonzero(chosen)
    if len(rows) in (0, len(answers.copies)):
        return None
    right = answers.right[rows]
    everyone = answers.people
    people = [everyone[row] for row in rows]
    return Fresh(
        n=len(rows),
        accuracy=float(right.mean()),
        accuracy_interval=shares.interval(right, people),
        macro_f1=macro_f1(answers.guesses, answers.truth, answers.found, rows, classes),
        ece=answers.ece(chosen),
        nll=metrics.nll(answers.probabilities[rows], answers.truth[rows]),
    )


def macro_f1(guesses: Ints, truth: Ints, found: np.ndarray, rows: Ints, classes: int) -> float:
    """Macro-F1 of some rows of answers; a face that was not found lowers its class's recall."""
    seen, lost = rows[found[rows]], rows[~found[rows]]
    missed = np.bincount(truth[lost], minlength=classes)
    return metrics.macro_f1(metrics.confusion(guesses[seen], truth[seen], classes), missed)


def _macro_f1_interval(answers: Answers, classes: int) -> tuple[float, float] | None:
    guesses, truth, found, people = answers.guesses, answers.truth, answers.found, answers.people
    if not enough(shares.numbered(people)):
        return None
    low, high = metrics.bootstrap(lambda rows: macro_f1(guesses, truth, found, rows, classes), len(truth), people)
    return (low, high) if low < high else None


def _bins(confidence: Floats, right: np.ndarray) -> Iterator[Bin]:
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    for position in np.unique(place):
        chosen = place == position
        means = float(confidence[chosen].mean()), float(right[chosen].mean())
        yield Bin(float(position / BINS), float((position + 1) / BINS), int(chosen.sum()), *means)


def _plain(value: Any) -> Any:
    """Dataclasses as dictionaries, also inside of others."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return value

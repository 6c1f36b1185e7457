"""Scores of groups of faces, by what is known of them, beside those of the others.

Of whatever a group is judged by, its faces are a share: intervals are Wilson's and Newcombe's, of as many independent
faces as those of its people are worth (see `shares`); where a person is both in a group and among the others, those of
gaps are wider than need be. Many groups are looked at in many ways, and one of them always stands out: so the chances
are Holm's, which hold for all tests of a report together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien import shares
from mien.metrics import Floats, Ints
from mien.report.answers import Answers
from mien.report.columns import columns

ENOUGH, ENOUGH_PEOPLE = 30, 10
"""Faces and people below which nothing can be concluded of a group, and nothing is tested."""

LUCK = 0.05
"""The chance below which a difference is called hardly luck."""

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

RIGHT, UNCERTAIN, NO_FACE, OVERCONFIDENCE = "accuracy", "uncertain", "no_face", "overconfidence"
RECALL, MOVED = "recall ", "moved by "  # with a label or a change behind it
WORDS = {
    RIGHT: "right",
    UNCERTAIN: "uncertain",
    NO_FACE: "without a face found",
    OVERCONFIDENCE: "overconfident",
}

Chosen = NDArray[np.bool_]


@dataclass(frozen=True)
class Measure:
    """One share of a group's faces, beside that of the others, of whom the attribute is known as well.

    Args:
        n: faces that it is a share of.
        value: the share; for overconfidence the mean confidence less the share that is right.
        interval: 95%, of the value.
        gap: by how much it is above the others'; None where there are no others.
        gap_interval: 95%, likewise.
        chance: how likely a gap as wide is by luck, among all tests of the report (Holm); 1 of what nobody has, or
            everybody, which is no test. None where fewer than `ENOUGH` faces, or `ENOUGH_PEOPLE`, are in the group or
            among the others: nothing can be concluded then.
    """

    n: int
    value: float
    interval: tuple[float, float]
    gap: float | None
    gap_interval: tuple[float, float] | None
    chance: float | None

    @property
    def tested(self) -> bool:
        """Whether the gap was tested: not where there are too few, nor where nobody has it, or everybody."""
        return self.chance is not None and not (self.gap == 0 and self.value in (0, 1))

    @property
    def shown(self) -> bool:
        """Whether luck is an unlikely explanation of the gap."""
        return self.chance is not None and self.chance < LUCK


@dataclass(frozen=True)
class Group:
    """Images that share an attribute.

    Args:
        n: how many.
        people: how many are on them; n where nobody is known.
        enough: whether they are so many that anything can be concluded.
        measures: by name: `accuracy`; `uncertain`, of low confidence or for want of a face; `no_face`, where none was
            found; `overconfidence`, of the faces found; `recall happy` and so on for each label that they have; `moved
            by blur` and so on, the share that gets another answer once it is changed, where that was tried.
        ece: expected calibration error of the faces found, 15 bins; it grows as a group shrinks. None without any.
        confidence: of the faces found, the values above which 95%, 75%, 50%, 25% and 5% of them are; None without any.
        surer: the chance that one of them has a higher confidence than one of the others, .5 where they are alike; None
            without any, or without others.
        surer_interval: 95%; by the largest variance that there can be (van Dantzig, 1951), so that it is rather wide.
    """

    n: int
    people: int
    enough: bool
    measures: dict[str, Measure]
    ece: float | None
    confidence: tuple[float, ...] | None
    surer: float | None
    surer_interval: tuple[float, float] | None


def subgroups(
    answers: Answers, labels: Sequence[str], by: Collection[str] | None = None
) -> dict[str, dict[str, Group]]:
    """Groups by attribute and value.

    Args:
        answers: what to judge.
        labels: that the truth is among.
        by: as for `columns`.
    """
    people = shares.numbered(answers.people)
    asked = list(_asked(answers, labels, people))
    found: dict[str, dict[str, Group]] = {}
    chances: dict[tuple[str, str, str], float] = {}
    for name, column in columns(answers.attributes, by).items():
        found[name] = {}
        for value in column.groups:
            chosen, others = column.values == value, (column.values != value) & (column.values != "")
            found[name][value] = group = _group(answers, asked, people, chosen, others)
            twins = len(column.groups) == 2  # what is told of one is told of the other
            for what, each in group.measures.items():
                if each.chance is not None and each.tested:
                    chances[name, "" if twins else value, what] = each.chance
    adjusted = dict(zip(chances, shares.holm(list(chances.values())), strict=True))
    for name, groups in found.items():
        for value, group in groups.items():
            measures = {
                what: replace(each, chance=adjusted.get((name, "" if len(groups) == 2 else value, what), each.chance))
                for what, each in group.measures.items()
            }
            groups[value] = replace(group, measures=measures)
    return found


def worded(measure: str) -> str:
    """A measure's name as people say it: `without a face found`, `right of happy`, `moved by blur`."""
    return WORDS.get(measure) or measure.replace(RECALL, "right of ", 1)


class _Asked(NamedTuple):
    """A share that groups are judged by.

    Args:
        name: of the measure.
        hits: which images have it, (n,).
        of: which images it is a share of, (n,).
        alike: see `shares.alikeness`.
        expected: what the share is taken from, (n,); None where it stands for itself.
    """

    name: str
    hits: Chosen
    of: Chosen
    alike: float
    expected: Floats | None = None


def _asked(answers: Answers, labels: Sequence[str], people: Ints) -> Iterator[_Asked]:
    everyone = np.ones(len(answers.truth), bool)

    def ask(name: str, hits: Chosen, of: Chosen = everyone, expected: Floats | None = None) -> Iterator[_Asked]:
        if of.any():
            yield _Asked(name, hits, of, shares.alikeness(hits[of], people[of]), expected)

    yield from ask(RIGHT, answers.right)
    yield from ask(UNCERTAIN, ~answers.sure)
    yield from ask(NO_FACE, ~answers.found)
    yield from ask(OVERCONFIDENCE, answers.right, answers.found, answers.confidence)
    for place, label in enumerate(labels):
        yield from ask(f"{RECALL}{label}", answers.right, answers.truth == place)
    for name, changed in answers.changed.items():
        yield from ask(f"{MOVED}{name}", changed.moved, changed.asked)


def _group(answers: Answers, asked: Sequence[_Asked], people: Ints, chosen: Chosen, others: Chosen) -> Group:
    """What is told of the chosen images beside the others."""
    here, there = chosen & answers.found, others & answers.found
    confidence = answers.confidence[here]
    surer = interval = None
    if here.any() and there.any():
        surer = shares.above(confidence, answers.confidence[there])
        interval = shares.wilson(surer, min(_people(people[here]), _people(people[there])))
    return Group(
        n=int(chosen.sum()),
        people=_people(people[chosen]),
        enough=enough(people[chosen]),
        measures={each.name: _measure(each, people, chosen, others) for each in asked if (each.of & chosen).any()},
        ece=answers.ece(chosen),
        confidence=tuple(np.quantile(confidence, QUANTILES).tolist()) if here.any() else None,
        surer=surer,
        surer_interval=interval,
    )


def _measure(asked: _Asked, people: Ints, chosen: Chosen, others: Chosen) -> Measure:
    ours, theirs = asked.of & chosen, asked.of & others
    share, n = float(asked.hits[ours].mean()), shares.worth(people[ours], asked.alike)
    value, interval = _taken(share, shares.wilson(share, n), asked.expected, ours)
    if not theirs.any():
        return Measure(int(ours.sum()), value, interval, None, None, None)
    rest, m = float(asked.hits[theirs].mean()), shares.worth(people[theirs], asked.alike)
    gap, between = share - rest, shares.newcombe(share, n, rest, m)
    tested, chance = enough(people[ours]) and enough(people[theirs]), None
    if asked.expected is not None:
        expected = float(asked.expected[ours].mean() - asked.expected[theirs].mean())
        gap, between = expected - gap, (expected - between[1], expected - between[0])
        chance = shares.chance_of_gap(share, n, rest, m, expected) if tested else None
    elif tested:
        chance = shares.chance(share, n, rest, m)
    return Measure(int(ours.sum()), value, interval, gap, between, chance)


def _taken(
    share: float, interval: tuple[float, float], expected: Floats | None, rows: Chosen
) -> tuple[float, tuple[float, float]]:
    """A share and its interval, or what they leave of the mean that is expected of the same rows."""
    if expected is None:
        return share, interval
    mean = float(expected[rows].mean())
    return mean - share, (mean - interval[1], mean - interval[0])


def enough(people: Ints) -> bool:
    """Whether faces, of each the number of its person, are so many that anything can be concluded."""
    return len(people) >= ENOUGH and _people(people) >= ENOUGH_PEOPLE


def _people(people: Ints) -> int:
    return int(np.count_nonzero(np.bincount(people)))

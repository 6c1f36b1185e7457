"""Reports side by side: each against the first of the same data, image by image.

Two models judged on the same images make many of the same mistakes. What is compared is the image, not the score, so
that differences much smaller than either score's own interval can be told from luck. Images of one person count as
fewer (see `shares`); of macro-F1 people are drawn, each with all images. Chances hold for all comparisons of models
together, and those of groups for all groups (Holm, 1979): of many, one is always ahead somewhere.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mien import metrics, shares
from mien.cells import plain
from mien.errors import DataError
from mien.metrics import Ints
from mien.report.answers import SEEN
from mien.report.columns import GROUP, columns
from mien.report.groups import LUCK, enough
from mien.report.numbers import Report, macro_f1
from mien.wording import reason

DECODED = 8
"""Of the 128 signs of a fingerprint those that may differ where it is the same image, read by another decoder."""


@dataclass(frozen=True)
class Difference:
    """A score less the first report's.

    Args:
        value: the difference.
        interval: 95%, by itself.
        chance: how likely one as large, either way, is by luck, among all models and data, or all groups; None where
            images or people are too few to conclude anything (see `groups.ENOUGH`). Of macro-F1 it comes of 1,000
            draws, and is .002 or more before it is corrected for what else is compared.
    """

    value: float
    interval: tuple[float, float]
    chance: float | None

    @property
    def shown(self) -> bool:
        """Whether luck is an unlikely explanation."""
        return self.chance is not None and self.chance < LUCK


@dataclass(frozen=True)
class Part:
    """The images of one group, or all.

    Args:
        n: images that all reports of these data judged.
        accuracy: on these.
        accuracy_interval: 95%.
        accuracy_difference: from the first report of these data; None for that one itself.
    """

    n: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    accuracy_difference: Difference | None


@dataclass(frozen=True)
class Compared(Part):
    """One report among others of the same data.

    Args:
        report: its folder; the model's name where there is none.
        model: its name.
        head: the head that answered.
        data: the path and the split of the reports that are compared with each other; each once, where they differ.
        judged: images that this report judged, n of which all of them did.
        macro_f1: on the images that all of them judged.
        ece: on those in which it found a face; None where there are none.
        unreadable: those of them that could not be read, with the reason.
        macro_f1_difference: from the first report; None for the first itself.
        groups: by attribute and value, of those that the first report tells.
    """

    report: str
    model: str
    head: str
    data: str
    judged: int
    macro_f1: float
    ece: float | None
    unreadable: dict[str, str]
    macro_f1_difference: Difference | None
    groups: dict[str, dict[str, Part]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class _Row(NamedTuple):
    """What a report says of an image; without a face the answer is -1."""

    truth: int
    answer: int
    confidence: float
    print: str  # its fingerprint; empty in reports that tell none


@dataclass(frozen=True)
class _Read:
    name: str
    numbers: dict[str, Any]
    rows: dict[str, _Row]  # by name
    people: dict[str, str]  # by name; the name itself where nobody is known
    groups: dict[str, dict[str, str]]  # by attribute, and by name
    trained: frozenset[str] = frozenset()  # names of those that its model was trained on, or copies of them

    @property
    def data(self) -> str:
        return f"{self.numbers['data']['path']}, {self.numbers['data']['split']}"


def compare(folders: Sequence[Path]) -> list[Compared]:
    """Compare reports.

    Args:
        folders: where `mien evaluate --report` wrote them. Those of one path and split are compared with each other, on
            the images that all of them judged, in one label set. Where no two have that in common, all of them are.

    Raises:
        DataError: fewer than two, a folder without a report, another label set, no image in common, or one that has
            another label in one report than in the other, or is another image altogether.
    """
    reports = _two_at_least([_read(folder) for folder in folders])
    names = list(dict.fromkeys(report.data for report in reports))
    together = [[each for each in reports if each.data == name] for name in names]
    if len(names) == len(reports):
        together = [reports]
    return _corrected([each for reports in together for each in _side_by_side(reports)])


def compare_fresh(reports: Sequence[Report]) -> list[Compared]:
    """Compare reports of one dataset on the images that all of them judged, but for those, and copies of those, that
    any of their models was trained on. Raises as `compare` does."""
    read = _two_at_least([_taken(report) for report in reports])
    trained = frozenset[str]().union(*(each.trained for each in read))
    rows = [{name: row for name, row in each.rows.items() if name not in trained} for each in read]
    if not rows[0].keys() & frozenset[str]().union(*rows[1:]):
        raise DataError("no image is left that none of the models was trained on: compare them on others")
    return _corrected(list(_side_by_side([replace(each, rows=left) for each, left in zip(read, rows, strict=True)])))


def _two_at_least(reports: list[_Read]) -> list[_Read]:
    if len(reports) < 2:
        raise DataError("a comparison needs two reports at least")
    return reports


def _side_by_side(reports: Sequence[_Read]) -> Iterator[Compared]:
    """Reports of the same data; chances are of each by itself."""
    first, data = reports[0], " and ".join(dict.fromkeys(report.data for report in reports))
    labels = first.numbers["labels"]
    for other in reports[1:]:
        if other.numbers["labels"] != labels:
            raise DataError(
                f"{other.name} judges {', '.join(other.numbers['labels'])}, and {first.name} {', '.join(labels)}: "
                "evaluate both with the same --labels"
            )
    names = [name for name in first.rows if all(name in other.rows for other in reports)]
    if not names:
        raise DataError(f"no image is in all of {', '.join(report.name for report in reports)}")
    for name, other in product(names, reports[1:]):
        ours, theirs = first.rows[name], other.rows[name]
        if theirs.truth != ours.truth:
            raise DataError(f"{name} has another label in {other.name} than in {first.name}")
        if ours.print and theirs.print and (int(ours.print, 16) ^ int(theirs.print, 16)).bit_count() > DECODED:
            raise DataError(f"{name} is another image in {other.name} than in {first.name}: only the same are compared")
    people = [first.people[name] for name in names]
    groups = {by: _chosen([of[name] for name in names], first, by) for by, of in first.groups.items()}
    base: Ints | None = None
    for report in reports:
        rows = [report.rows[name] for name in names]
        yield _compared(report, data, rows, base, people, groups)
        base = np.array([row.answer for row in rows]) if base is None else base


def _compared(
    report: _Read,
    data: str,
    rows: Sequence[_Row],
    base: Ints | None,
    people: Sequence[str],
    groups: dict[str, dict[str, np.ndarray]],
) -> Compared:
    truth, guesses = np.array([row.truth for row in rows]), np.array([row.answer for row in rows])
    confidence, found = np.array([row.confidence for row in rows]), guesses >= 0
    classes, everything, who = len(report.numbers["labels"]), np.arange(len(truth)), shares.numbered(people)
    right, before = guesses == truth, None if base is None else base == truth

    def f1(answers: Ints, rows: Ints) -> float:
        return macro_f1(np.maximum(answers, 0), truth, answers >= 0, rows, classes)

    f1_difference = None
    if base is not None:
        gains = np.array([f1(guesses, rows) - f1(base, rows) for rows in metrics.draws(len(truth), people)])
        chance = min(2 * (1 + min((gains <= 0).sum(), (gains >= 0).sum())) / (1 + len(gains)), 1.0)
        value = f1(guesses, everything) - f1(base, everything)
        f1_difference = Difference(value, metrics.interval(gains.tolist()), float(chance) if enough(who) else None)
    return Compared(
        **vars(_part(right, before, who, np.ones(len(truth), bool))),
        report=report.name,
        model=report.numbers["model"],
        head=report.numbers["head"],
        data=data,
        judged=len(report.rows),
        macro_f1=f1(guesses, everything),
        ece=metrics.calibration_error(confidence[found], right[found]) if found.any() else None,
        unreadable=report.numbers.get("unreadable", {}),
        macro_f1_difference=f1_difference,
        groups={
            by: {value: _part(right, before, who, chosen) for value, chosen in values.items()}
            for by, values in groups.items()
        },
    )


def _chosen(values: Sequence[str], first: _Read, by: str) -> dict[str, np.ndarray]:
    """Which images are of which group by an attribute, in the order of the first report."""
    found = np.array(values)
    return {value: found == value for value in first.numbers["subgroups"][by] if value in values}


def _part(right: np.ndarray, before: np.ndarray | None, people: Ints, chosen: np.ndarray) -> Part:
    """Of the chosen images which are right, and which were by the first report."""
    who, now = people[chosen], right[chosen]
    difference = None
    if before is not None:
        gains = now.astype(np.float64) - before[chosen]
        everyone = right.astype(np.float64) - before
        interval, chance = shares.paired(gains, shares.worth(who, shares.alikeness(everyone, people)))
        difference = Difference(float(gains.mean()), interval, chance if enough(who) else None)
    alike = shares.alikeness(right, people)
    share = float(now.mean())
    return Part(int(chosen.sum()), share, shares.wilson(share, shares.worth(who, alike)), difference)


def _corrected(compared: list[Compared]) -> list[Compared]:
    """With chances that hold for all models and data together, and of groups for all groups together."""
    models = [each.accuracy_difference for each in compared] + [each.macro_f1_difference for each in compared]
    held = _held(models) | _held([part.accuracy_difference for each in compared for part in _parts(each)])

    def of(difference: Difference | None) -> Difference | None:
        return held.get(id(difference), difference)

    return [
        replace(
            each,
            accuracy_difference=of(each.accuracy_difference),
            macro_f1_difference=of(each.macro_f1_difference),
            groups={
                by: {
                    name: replace(part, accuracy_difference=of(part.accuracy_difference))
                    for name, part in of_it.items()
                }
                for by, of_it in each.groups.items()
            },
        )
        for each in compared
    ]


def _held(differences: Sequence[Difference | None]) -> dict[int, Difference]:
    """Those that are tested, with chances that hold for all of them together, by what each was."""
    tested = {id(each): (each, each.chance) for each in differences if each is not None and each.chance is not None}
    chances = shares.holm([chance for _, chance in tested.values()])
    return {at: replace(each, chance=chance) for (at, (each, _)), chance in zip(tested.items(), chances, strict=True)}


def _parts(compared: Compared) -> Iterator[Part]:
    for groups in compared.groups.values():
        yield from groups.values()


def _taken(report: Report) -> _Read:
    answers = report.answers
    guesses = np.where(answers.found, answers.guesses, -1).tolist()
    groups = columns(answers.attributes, report.subgroups)
    said = zip(answers.truth.tolist(), guesses, answers.confidence.tolist(), answers.prints, strict=True)
    return _Read(
        report.model,
        report.to_dict(),
        dict(zip(answers.names, map(_Row._make, said), strict=True)),
        dict(zip(answers.names, answers.people, strict=True)),
        {by: dict(zip(answers.names, column.values.tolist(), strict=True)) for by, column in groups.items()},
        frozenset(name for name, copy in zip(answers.names, answers.copies, strict=True) if SEEN in copy),
    )


def _read(folder: Path) -> _Read:
    try:
        numbers = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        index = {label: position for position, label in enumerate(numbers["labels"])}
        with (folder / "answers.csv").open(newline="", encoding="utf-8") as stream:
            read = [{plain(name): plain(cell) for name, cell in row.items() if cell} for row in csv.DictReader(stream)]
        rows = {row["name"]: _row(row, index) for row in read}
        people = {row["name"]: row.get("person") or f"image {row['name']}" for row in read}
        known = dict.fromkeys(name for row in read for name in row if name.startswith(GROUP))
        groups = {name.removeprefix(GROUP): {row["name"]: row.get(name, "") for row in read} for name in known}
        _ = numbers["model"], numbers["head"], numbers["data"]["path"], numbers["data"]["split"]
        _ = [numbers["subgroups"][by] for by in groups]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{folder} is not a report: mien evaluate DATA --report {folder} writes one ({reason(error)}); "
            "to compare models themselves, say on which --data"
        ) from error
    return _Read(str(folder), numbers, rows, people, groups)


def _row(cells: Mapping[str, str], index: Mapping[str, int]) -> _Row:
    """A row of answers.csv by the places of the labels; cells that are empty there are not among them."""
    answer, confidence = index.get(cells.get("answer", ""), -1), float(cells.get("confidence", 0))
    return _Row(index[cells["label"]], answer, confidence, cells.get("print", ""))

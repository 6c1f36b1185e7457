"""Reports side by side: each against the first on the same images, with paired bootstrap intervals.

Two models judged on the same images make many of the same mistakes. Drawing images, not scores, keeps that pairing, so
that differences much smaller than either score's own interval can be told from chance. People are drawn where they are
known.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien import metrics
from mien.cells import plain
from mien.errors import DataError
from mien.metrics import Ints
from mien.report.numbers import macro_f1
from mien.wording import reason


@dataclass(frozen=True)
class Difference:
    """A score less the first report's, and its interval."""

    value: float
    interval: tuple[float, float]

    @property
    def shown(self) -> bool:
        """Whether chance alone is an unlikely explanation: the interval leaves out 0."""
        return not self.interval[0] <= 0 <= self.interval[1]


@dataclass(frozen=True)
class Compared:
    """One report among others, on the images that all of them judged.

    Args:
        report: its folder.
        model: its name.
        n: images that all reports judged.
        accuracy, macro_f1: on these.
        ece: on all of its own images.
        accuracy_difference, macro_f1_difference: from the first report; None for the first itself.
    """

    report: str
    model: str
    n: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    macro_f1: float
    ece: float
    accuracy_difference: Difference | None
    macro_f1_difference: Difference | None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class _Read:
    folder: Path
    numbers: dict[str, Any]
    rows: dict[str, tuple[int, int]]  # truth and answer by name; -1 where there was no face
    people: dict[str, str]  # by name; the name itself where nobody is known


def compare(folders: Sequence[Path]) -> list[Compared]:
    """Compare reports.

    Args:
        folders: where `mien evaluate --report` wrote them; at least two, judged in one label set.

    Raises:
        DataError: fewer than two, a folder without a report, another label set, no image in common, or an image that
            has another label in one report than in the other.
    """
    if len(folders) < 2:
        raise DataError("a comparison needs two reports at least")
    reports = [_read(folder) for folder in folders]
    first = reports[0]
    labels = first.numbers["labels"]
    for other in reports[1:]:
        if other.numbers["labels"] != labels:
            raise DataError(
                f"{other.folder} judges {', '.join(other.numbers['labels'])}, and {first.folder} {', '.join(labels)}: "
                "evaluate both with the same --labels"
            )
    names = [name for name in first.rows if all(name in other.rows for other in reports)]
    if not names:
        raise DataError(f"no image is in all of {', '.join(str(folder) for folder in folders)}")
    truth = np.array([first.rows[name][0] for name in names])
    for other in reports[1:]:
        if differing := [name for name in names if other.rows[name][0] != first.rows[name][0]]:
            raise DataError(f"{differing[0]} has another label in {other.folder} than in {first.folder}")
    guesses = [np.array([report.rows[name][1] for name in names]) for report in reports]
    people = [first.people[name] for name in names]
    return [
        _compared(report, guess, guesses[0], truth, people, len(labels))
        for report, guess in zip(reports, guesses, strict=True)
    ]


def _compared(report: _Read, guesses: Ints, base: Ints, truth: Ints, people: Sequence[str], classes: int) -> Compared:
    n, right = len(truth), guesses == truth

    def f1(answers: Ints, rows: Ints) -> float:
        return macro_f1(np.maximum(answers, 0), truth, answers >= 0, rows, classes)

    accuracy_difference = f1_difference = None
    if guesses is not base:
        gain = right.astype(float) - (base == truth)
        accuracy_difference = Difference(
            float(gain.mean()), metrics.bootstrap(lambda rows: float(gain[rows].mean()), n, people)
        )
        everything = np.arange(n)
        f1_difference = Difference(
            f1(guesses, everything) - f1(base, everything),
            metrics.bootstrap(lambda rows: f1(guesses, rows) - f1(base, rows), n, people),
        )
    return Compared(
        report=str(report.folder),
        model=report.numbers["model"],
        n=n,
        accuracy=float(right.mean()),
        accuracy_interval=metrics.bootstrap(lambda rows: float(right[rows].mean()), n, people),
        macro_f1=f1(guesses, np.arange(n)),
        ece=report.numbers["ece"],
        accuracy_difference=accuracy_difference,
        macro_f1_difference=f1_difference,
    )


def _read(folder: Path) -> _Read:
    try:
        numbers = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        index = {label: position for position, label in enumerate(numbers["labels"])}
        with (folder / "answers.csv").open(newline="", encoding="utf-8") as stream:
            read = [{name: plain(cell) for name, cell in row.items() if cell} for row in csv.DictReader(stream)]
        rows = {row["name"]: (index[row["label"]], index.get(row.get("answer", ""), -1)) for row in read}
        people = {row["name"]: row.get("person") or f"image {row['name']}" for row in read}
        _ = numbers["model"], numbers["ece"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{folder} is not a report: mien evaluate DATA --report {folder} writes one ({reason(error)})"
        ) from error
    return _Read(folder, numbers, rows, people)

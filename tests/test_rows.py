"""Comparisons across data, as one table, and what papers and programs get of it."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from judged import answered, stored
from typer.testing import CliRunner

from mien.cli.verbs import app
from mien.report.compare import Compared, compare
from mien.report.rows import COLUMNS, as_csv, as_latex, latex


def write(folder: Path, model: str, path: str, right: np.ndarray) -> Path:
    hats = [{"hat": "yes" if row % 2 else "no"} for row in range(len(right))]
    return stored(answered(right.tolist(), hats, model=model, path=path), folder)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two models on two sets of data, whose images have the same names; the second is better on one of them."""
    place = tmp_path_factory.mktemp("reports")
    half = np.arange(100) % 4 < 2
    return [
        write(place / "a1", "first", "one", half),
        write(place / "b1", "second_", "one", half | (np.arange(100) < 60)),
        write(place / "a2", "first", "two", ~half),
        write(place / "b2", "second_", "two", ~half),
    ]


@pytest.fixture(scope="module")
def compared(folders: list[Path]) -> list[Compared]:
    return compare(folders)


def test_reports_are_compared_with_those_of_the_same_data(compared: list[Compared]) -> None:
    assert [each.data for each in compared] == ["one, test", "one, test", "two, test", "two, test"]
    gains = [each.accuracy_difference for each in compared]
    assert [each and (each.value, each.shown) for each in gains] == [None, (0.3, True), None, (0.0, False)]


def test_where_no_two_reports_are_of_the_same_data_all_of_these_are_named(folders: list[Path]) -> None:
    assert [each.data for each in compare([folders[0], folders[3]])] == ["one, test and two, test"] * 2


def test_a_chance_holds_for_all_comparisons_together(folders: list[Path], compared: list[Compared]) -> None:
    alone, together = compare(folders[:2])[1].accuracy_difference, compared[1].accuracy_difference
    assert alone is not None
    assert together is not None
    assert alone.interval == together.interval
    assert alone.chance is not None
    assert together.chance is not None
    assert alone.chance < together.chance < 0.05


def test_a_row_a_report_and_a_row_a_group(compared: list[Compared]) -> None:
    rows = list(csv.DictReader(StringIO(as_csv(compared))))
    assert list(rows[0]) == list(COLUMNS)
    assert [(row["model"], row["group"], row["n"]) for row in rows[:6]] == [
        (model, group, n)
        for model in ("first", "second_")
        for group, n in (("", "100"), ("hat no", "50"), ("hat yes", "50"))
    ]
    assert (rows[0]["difference"], rows[3]["difference"], rows[3]["accuracy"]) == ("", "0.300000", "0.800000")
    assert float(rows[3]["p"]) < 0.05
    assert {row["macro_f1"] for row in rows if row["group"]} == {""}


def test_latex(compared: list[Compared]) -> None:
    lines = as_latex(compared).splitlines()
    assert (lines[0], lines[-1]) == (r"\begin{tabular}{llrrrrr}", r"\end{tabular}")
    rows = [line for line in lines if line.endswith(r"\\")][1:]
    assert [row.count("&") for row in rows] == [6] * 4
    assert rows[0].startswith("one, test & first & 100 & 50.0 (40.4 to 59.6) &  & ")
    assert rows[1].startswith(r" & second\_ & 100 & 80.0 (71.1 to 86.7) & $+$30.0* ($+$20.")
    assert lines.count(r"\midrule") == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("a_b & 5%", r"a\_b \& 5\%"),
        ("<a|b>", r"\textless{}a\textbar{}b\textgreater{}"),
        ("~^\\{}$#", r"\textasciitilde{}\textasciicircum{}\textbackslash{}\{\}\$\#"),
    ],
)
def test_text_for_latex(text: str, expected: str) -> None:
    assert latex(text) == expected


@pytest.mark.parametrize(
    ("form", "begins"), [("table", "data"), ("json", "[{"), ("csv", "data,report"), ("latex", r"\begin")]
)
def test_the_command_writes_each_form(form: str, begins: str, folders: list[Path], compared: list[Compared]) -> None:
    done = CliRunner().invoke(app, ["compare", *map(str, folders), "--format", form])
    assert done.exit_code == 0, done.output
    assert done.output.startswith(begins)
    if form == "csv":
        assert done.output == as_csv(compared)
    if form == "table":
        assert "200 images" in done.output
        assert "hat yes" in done.output

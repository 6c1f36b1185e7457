"""CSV files: no cell begins a formula, numbers stay numbers, and every text can be had back."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mien.cells import Rows, plain, safe
from mien.labels import LabelSet
from mien.prediction import Prediction
from mien.tables import csv_text


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("", ""),
        (None, None),
        (-1, -1),
        (-0.5, -0.5),
        ("a.jpg", "a.jpg"),
        ("a=b", "a=b"),
        ("-1", "-1"),
        ("+1.5e-3", "+1.5e-3"),
        ("-.5", "-.5"),
        ("=1+1", "'=1+1"),
        ("+a", "'+a"),
        ("-a.jpg", "'-a.jpg"),
        ("-1+1", "'-1+1"),
        ("@sum", "'@sum"),
        ("\ttab", "'\ttab"),
        ("\rreturn", "'\rreturn"),
        ("'=1", "''=1"),
        ("'quoted'", "'quoted'"),
    ],
)
def test_a_cell(value: Any, cell: Any) -> None:
    assert safe(value) == cell
    if isinstance(value, str):
        assert plain(cell) == value


def test_names_of_columns_are_cells_too_and_data_stay_exact() -> None:
    for exact, expected in ((False, "'=a,b\n'=1,-2\n"), (True, "=a,b\n=1,-2\n")):
        stream = io.StringIO()
        Rows(stream, ["=a", "b"], exact).write([["=1", -2]])
        assert stream.getvalue() == expected


@pytest.mark.parametrize("text", ["a\rb", "a\nb", "a\r\nb", "a\r", "\r\n", 'a"b', "a,b"])
def test_a_text_is_one_cell_whatever_it_holds(text: str) -> None:
    stream = io.StringIO(newline="")
    Rows(stream, ["a", "b"]).write([[text, 1], [2, text]])
    assert [[plain(cell) for cell in row] for row in csv.reader(io.StringIO(stream.getvalue(), newline=""))] == [
        ["a", "b"],
        [text, "1"],
        ["2", text],
    ]
    assert stream.getvalue().endswith("\n")
    assert not stream.getvalue().endswith("\r\n")


def test_the_library_and_the_command_line_write_the_same(tmp_path: Path) -> None:
    name = "=cmd|'!A0.jpg"
    (tmp_path / name).write_bytes(b"no image")
    command = [sys.executable, "-m", "mien", "predict", name, "--labels", "happy-sad", "--format", "csv"]
    printed = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path).stdout
    (row,) = csv.DictReader(io.StringIO(printed))
    assert row["source"] == f"'{name}"
    labels = LabelSet("happy-sad", ("happy", "sad"))
    assert csv_text([Prediction(name, 0, 0, error=row["error"])], labels) == printed

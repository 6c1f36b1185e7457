"""How predictions are written: table, JSON, JSON lines, CSV and parquet. Each writer takes one prediction at a time.

Faces are counted from 1 in tables, which are for people, and from 0 in data, which are for programs.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol, TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mien.cells import Rows
from mien.cli.options import Format, shown
from mien.errors import MienError
from mien.files import replacing
from mien.keeping import parquet
from mien.labels import LabelSet
from mien.prediction import Prediction, Reading, percent
from mien.tables import columns, flat_rows

BAR = 10  # characters
LIMIT = re.compile(r"\bmax_(pixels|bytes)\b")


class Writer(Protocol):
    """Takes predictions in order."""

    def __call__(self, prediction: Prediction) -> None: ...


@contextmanager
def writer(kind: Format, out: Path | None, labels: LabelSet) -> Iterator[Writer]:
    """A writer to a file, whole or not at all, or to standard output.

    Raises:
        MienError: parquet without a file, or without pyarrow.
    """
    if kind is Format.parquet and out is None:
        raise MienError("parquet cannot go to the terminal: name a file with --out")
    if out is not None and out.exists() and not out.is_file():
        raise MienError(f"{out} is not a file that could be replaced: name another with --out")
    if out is None:
        with _opened(Format.jsonl if kind is Format.json else kind, sys.stdout, labels) as write:
            yield write
    else:
        with replacing(out) as temporary:
            if kind is Format.parquet:
                with _parquet(temporary, labels) as write:
                    yield write
            else:
                with (
                    temporary.open("w", encoding="utf-8", newline="") as stream,
                    _opened(kind, stream, labels) as write,
                ):
                    yield write


def _opened(kind: Format, stream: TextIO, labels: LabelSet) -> AbstractContextManager[Writer]:
    return {Format.table: _table, Format.json: _json, Format.jsonl: _jsonl, Format.csv: _csv}[kind](stream, labels)


@contextmanager
def _json(stream: TextIO, labels: LabelSet) -> Iterator[Writer]:
    """One list, an object an image, each on its line."""
    before = "["

    def write(prediction: Prediction) -> None:
        nonlocal before
        print(before, json.dumps(prediction.to_dict()), sep="\n", end="", file=stream)
        before = ","

    yield write
    print("[]" if before == "[" else "\n]", file=stream)


@contextmanager
def _jsonl(stream: TextIO, labels: LabelSet) -> Iterator[Writer]:
    yield lambda prediction: print(json.dumps(prediction.to_dict()), file=stream, flush=True)


@contextmanager
def _csv(stream: TextIO, labels: LabelSet) -> Iterator[Writer]:
    rows = Rows(stream, columns(labels))
    yield lambda prediction: rows.write(row.values() for row in flat_rows(prediction, labels))


@contextmanager
def _parquet(path: Path, labels: LabelSet) -> Iterator[Writer]:
    with parquet(path, columns(labels)) as write:
        yield lambda prediction: write(flat_rows(prediction, labels))


@contextmanager
def _table(stream: TextIO, labels: LabelSet) -> Iterator[Writer]:
    """Rows as they come: coloured and fitted to a terminal, or plain and whole where there is none."""
    console = Console(file=stream, highlight=False)
    if not console.is_terminal:
        print(*("source", "face", "expression", "confidence", "note"), sep="\t", file=stream)
        yield lambda prediction: print(*_plain(prediction), sep="\n", file=stream, flush=True)
        return
    widths = _widths(console.width, labels)
    console.print(_grid(widths, [[Text(head, style="bold") for head in _HEADS]]))
    yield lambda prediction: console.print(_grid(widths, _pretty(prediction, widths[0])))


_HEADS = ("image", "expression", "confidence", "note")


def _plain(prediction: Prediction) -> list[str]:
    source = shown(prediction.source)
    if not prediction.faces:
        error = None if prediction.error is None else f"error: {_told(prediction.error)}"
        return ["\t".join([source, "", "", "", shown(error or _note(prediction, prediction.reasons))])]
    return [
        "\t".join([source, str(number), _label(face), f"{face.expression.confidence:.3f}", note])
        for number, face in enumerate(prediction.faces, 1)
        for note in [_note(prediction, face.expression.reasons)]
    ]


def _label(reading: Reading) -> str:
    return shown(reading.expression.label) + ("?" if reading.expression.uncertain else "")


def _told(error: str) -> str:
    """An error in the words of the command line."""
    return LIMIT.sub(r"--max-\1", error)


def _tail(text: str, width: int) -> str:
    """Text cut to a width at its start: what tells one path from the next is mostly at its end."""
    if cell_len(text) <= width:
        return text
    while cell_len(text) >= width:
        text = text[1:]
    return "…" + text


def _pretty(prediction: Prediction, source_width: int) -> list[list[Text]]:
    source = Text(_tail(shown(prediction.source), source_width))
    if prediction.error is not None:
        return [[source, Text("-", style="dim"), Text(), Text(shown(_told(prediction.error)), style="red")]]
    if not prediction.faces:
        return [[source, Text("-", style="dim"), Text(), Text(_note(prediction, prediction.reasons), style="yellow")]]
    rows = []
    for number, face in enumerate(prediction.faces, 1):
        expression = face.expression
        style = "yellow" if expression.uncertain else "green"
        filled = round(expression.confidence * BAR)
        bar = Text.assemble(
            ("━" * filled, style), ("─" * (BAR - filled), "bright_black"), f" {percent(expression.confidence):>4}"
        )
        label = Text(_label(face), style=f"bold {style}")
        first = source if number == 1 else Text(f"  face {number}", style="dim")
        rows.append([first, label, bar, Text(_note(prediction, expression.reasons), style="yellow")])
    return rows


def _note(prediction: Prediction, reasons: tuple[str, ...]) -> str:
    """Why not to rely on an answer, or why there is none; and what was odd about the file."""
    return "; ".join((*reasons, *prediction.notes))


def _widths(console: int, labels: LabelSet) -> tuple[int, int, int, int]:
    """Of the columns; fixed, so that rows printed one after the other line up."""
    emotion, bar = max(cell_len(shown(label)) for label in labels) + 2, BAR + 5
    rest = max(console - emotion - bar - 6, 20)
    source = max(min(rest * 2 // 5, 48), 10)
    return source, emotion, bar, rest - source


def _grid(widths: tuple[int, ...], rows: list[list[Text]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for width in widths:
        table.add_column(width=width, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table

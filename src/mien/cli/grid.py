"""Predictions on a terminal: rows as they come, coloured and fitted to its width. Only here are they drawn by rich."""

from __future__ import annotations

from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mien.cli.formats import label, note, told
from mien.cli.options import shown
from mien.labels import LabelSet
from mien.prediction import Prediction, percent

BAR = 10  # characters
HEADS = ("image", "expression", "confidence", "note")


class Grid:
    """Writes predictions to a terminal, below a head."""

    def __init__(self, stream: TextIO, labels: LabelSet) -> None:
        self._console = Console(file=stream, highlight=False)
        self._widths = _widths(self._console.width, labels)
        self._print([[Text(head, style="bold") for head in HEADS]])

    def __call__(self, prediction: Prediction) -> None:
        self._print(_rows(prediction, self._widths[0]))

    def _print(self, rows: list[list[Text]]) -> None:
        table = Table.grid(padding=(0, 2, 0, 0))
        for width in self._widths:
            table.add_column(width=width, overflow="fold")
        for row in rows:
            table.add_row(*row)
        self._console.print(table)


def _rows(prediction: Prediction, source_width: int) -> list[list[Text]]:
    source = Text(_tail(shown(prediction.source), source_width))
    if prediction.error is not None:
        return [[source, Text("-", style="dim"), Text(), Text(shown(told(prediction.error)), style="red")]]
    if not prediction.faces:
        return [[source, Text("-", style="dim"), Text(), Text(note(prediction, prediction.reasons), style="yellow")]]
    rows = []
    for number, face in enumerate(prediction.faces, 1):
        expression = face.expression
        style = "yellow" if expression.uncertain else "green"
        filled = round(expression.confidence * BAR)
        bar = Text.assemble(
            ("━" * filled, style), ("─" * (BAR - filled), "bright_black"), f" {percent(expression.confidence):>4}"
        )
        word = Text(label(face), style=f"bold {style}")
        first = source if number == 1 else Text(f"  face {number}", style="dim")
        rows.append([first, word, bar, Text(note(prediction, expression.reasons), style="yellow")])
    return rows


def _tail(text: str, width: int) -> str:
    """Text cut to a width at its start: what tells one path from the next is mostly at its end."""
    if cell_len(text) <= width:
        return text
    while cell_len(text) >= width:
        text = text[1:]
    return "…" + text


def _widths(console: int, labels: LabelSet) -> tuple[int, int, int, int]:
    """Of the columns; fixed, so that rows printed one after the other line up."""
    emotion, bar = max(cell_len(shown(each)) for each in labels) + 2, BAR + 5
    rest = max(console - emotion - bar - 6, 20)
    source = max(min(rest * 2 // 5, 48), 10)
    return source, emotion, bar, rest - source

"""CSV files as mien writes them: a row a line, and no cell that a spreadsheet would run as a formula.

A text that begins like a formula gets a `'` before it, which spreadsheets take for "this is text"; numbers stay as they
are. `plain` takes it off again, and gives back every text as it was.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable
from typing import Any, TextIO

FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""How formulas begin; with `'` before it as well, so that `plain` cannot take off what was there."""
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def safe(value: Any) -> Any:
    """A value as a cell: a text that begins like a formula, and is no number, gets a `'` before it."""
    if isinstance(value, str) and FORMULA.match(value) and not NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def plain(cell: str) -> str:
    """The text that `safe` made a cell of."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


class Rows:
    """Writes rows to a stream, after a line with the names of their columns.

    Args:
        stream: opened with `newline=""`, or text in memory.
        columns: names, in order.
        exact: whether texts stay as they are, in files that are no table for people but data to be read back.
    """

    def __init__(self, stream: TextIO, columns: Collection[str], exact: bool = False) -> None:
        self._cell = (lambda value: value) if exact else safe
        self._table = csv.writer(_Lines(stream))
        self.write([columns])

    def write(self, rows: Iterable[Iterable[Any]]) -> None:
        """Rows, each with a value a column."""
        self._table.writerows(map(self._cell, row) for row in rows)


class _Lines:
    """A stream whose lines end with `\\n`, of what `csv` ends with `\\r\\n`.

    Before Python 3.11.9 and 3.12.3 it quotes a `\\r` in a cell only then; and one that is not quoted parts its row.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, line: str) -> None:
        self._stream.write(line.removesuffix("\r\n") + "\n")

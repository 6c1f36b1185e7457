"""Rows of tables: CSV files with a header, by column.

The order and case of columns and blanks around cells are no matter. A table is in UTF-8; its columns are parted by
commas, or by semicolons or tabs where those of its header are. Lines are counted from 1, as text editors do.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TextIO

from mien.datasets.tree import Tree
from mien.datasets.walk import few
from mien.errors import DataError
from mien.sources import SUFFIXES
from mien.wording import reason

PARTED_BY = ",;\t"
KINDS = (".csv", ".tsv")
UNREADABLE = (OSError, UnicodeDecodeError, csv.Error)


NO_HEADER = "its first line looks like data: put the columns' names above it, such as path,label"
LONGEST_NAME = 40  # of a column, as it is told
MISSING = frozenset(("nan", "NaN", "NaT", "<NA>"))
"""How pandas and numpy write that there is no value. A group of these would be of what nobody knows."""


def header(tree: Tree, place: Path) -> tuple[str, ...]:
    """The columns of a table in lower case; none of what is no table. Raises `DataError` where that was named."""
    if place.suffix.lower() not in KINDS:
        return ()
    try:
        return read_header(tree, place)
    except DataError:
        if tree.alone:
            raise
        return ()


def read_header(tree: Tree, place: Path) -> tuple[str, ...]:
    """The columns of a table in lower case. Raises `DataError` where it is none in UTF-8."""
    try:
        with tree.text(place) as stream:
            return tuple(cell.strip().lower() for cell in next(cells_of(stream), []))
    except UNREADABLE as error:
        raise _no_table(tree, place, error) from error


def read_rows(tree: Tree, place: Path, required: tuple[str, ...] = ()) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row's line, and its cells by column.

    Empty rows are left out, a column without a name tells nothing, a missing cell is empty, as is one of `MISSING`.

    Raises:
        DataError: it is no table in UTF-8, a required column is missing, or two have one name.
    """
    file = tree.root / place
    try:
        with tree.text(place) as stream:
            lines = numbered(stream)
            named = [cell.strip() for cell in next(lines, (1, []))[1]]
            columns = [name.lower() for name in named]
            require(file, required, named)
            if twice := [column for column, n in Counter(columns).items() if column and n > 1]:
                raise DataError(f"{file}: several columns called {few(twice)}: rename all but one")
            for line, row in lines:
                if any(row):
                    padded = row + [""] * (len(columns) - len(row))
                    values = {column: said(cell) for column, cell in zip(columns, padded, strict=False) if column}
                    yield line, values
    except UNREADABLE as error:
        raise _no_table(tree, place, error) from error


def said(value: object) -> str:
    """What a cell says, without blanks around it; empty where that is nothing."""
    text = "" if value is None else str(value).strip()
    return "" if text in MISSING else text


def require(file: Path, required: tuple[str, ...], found: list[str]) -> None:
    """Raises `DataError` where a table lacks a column."""
    there = {name.lower() for name in found}
    if missing := [column for column in required if column.lower() not in there]:
        raise DataError(f"{file}: no column {', '.join(missing)}; found {found_in(found)}")


def found_in(columns: Sequence[str]) -> str:
    """The first row of a table in words, with what to do where it holds no names of columns."""
    told = few([name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}..." for name in columns], most=20)
    return told + (f"; {NO_HEADER}" if begins_with_data(columns) else "")


def begins_with_data(columns: Sequence[str]) -> bool:
    """Whether the first row of a table names an image or holds a number, which no column is named."""
    return any(name.lower().endswith(SUFFIXES) or name.replace(" ", "").isdecimal() for name in columns)


def _no_table(tree: Tree, place: Path, error: Exception) -> DataError:
    return DataError(f"{tree.root / place}: not a readable table in UTF-8 ({reason(error)})")


def cells_of(stream: TextIO) -> Iterator[list[str]]:
    """The cells of each row of an open table, its header among them."""
    return (row for _, row in numbered(stream))


def numbered(stream: TextIO, parted_by: str = "") -> Iterator[tuple[int, list[str]]]:
    """The line in which each row of an open table begins, and its cells.

    Args:
        parted_by: what parts the columns; found in the first line if empty.
    """
    first = stream.readline()
    mark = parted_by or max(PARTED_BY, key=first.count)
    rows = csv.reader(chain([first], stream), delimiter=mark, skipinitialspace=True)  # a cell in quotes may follow one
    line = 1
    for row in rows:
        if any("\0" in cell for cell in row):
            raise csv.Error(f"line {line} holds a NUL character, as files do that are in UTF-16, or no text")
        yield line, row
        line = rows.line_num + 1

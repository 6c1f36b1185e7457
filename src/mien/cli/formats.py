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

from mien.cells import Rows
from mien.cli.options import Format, shown, watched
from mien.errors import MienError
from mien.files import replacing
from mien.keeping import parquet
from mien.labels import LabelSet
from mien.prediction import Prediction, Reading
from mien.tables import columns, flat_rows

LIMIT = re.compile(r"\bmax_(pixels|bytes)\b")


class Writer(Protocol):
    """Takes predictions in order."""

    def __call__(self, prediction: Prediction) -> None: ...


@contextmanager
def writer(kind: Format, out: Path | None, labels: LabelSet) -> Iterator[Writer]:
    """A writer to a file, whole or not at all, or to standard output.

    Raises:
        MienError: parquet without a file, or without pyarrow.
        OSError: the file cannot be written.
    """
    if kind is Format.parquet and out is None:
        raise MienError("parquet cannot go to the terminal: name a file with --out")
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
    if watched(stream):
        from mien.cli.grid import Grid

        yield Grid(stream, labels)
        return
    print(*("source", "face", "expression", "confidence", "note"), sep="\t", file=stream)
    yield lambda prediction: print(*_plain(prediction), sep="\n", file=stream, flush=True)


def _plain(prediction: Prediction) -> list[str]:
    source = shown(prediction.source)
    if not prediction.faces:
        error = None if prediction.error is None else f"error: {told(prediction.error)}"
        return ["\t".join([source, "", "", "", shown(error or note(prediction, prediction.reasons))])]
    return [
        "\t".join([source, str(number), label(face), f"{face.expression.confidence:.3f}", why])
        for number, face in enumerate(prediction.faces, 1)
        for why in [note(prediction, face.expression.reasons)]
    ]


def label(reading: Reading) -> str:
    return shown(reading.expression.label) + ("?" if reading.expression.uncertain else "")


def told(error: str) -> str:
    """An error in the words of the command line."""
    return LIMIT.sub(r"--max-\1", error)


def note(prediction: Prediction, reasons: tuple[str, ...]) -> str:
    """Why not to rely on an answer, or why there is none; and what was odd about the file."""
    return "; ".join((*reasons, *prediction.notes))

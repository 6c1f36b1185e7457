"""Keeping rows: in a journal while they come, so that what was read outlives the process, and then as a file.

The journal lies beside the file that it will become: `NAME.part.jsonl`, a JSON object a row, which pandas, Polars and
DuckDB read as it is, and `NAME.part.state`, what to go on from. After a kill it holds all rows but those of the last
seconds.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO

from mien.cells import Rows
from mien.errors import MienError
from mien.files import locked, naming, replacing, write_text
from mien.tables import arrow_schema

PARQUET_ROWS = 10_000  # of a row group
PYTHON_ROWS = 500  # of them that are held as Python has them, in ten times the memory

Row = dict[str, Any]
Write = Callable[[Iterable[Row]], None]


class Journal:
    """Rows on disk, in the order in which they came.

    Args:
        out: the file that they will become.
        asked: what was asked for, as JSON takes it; a journal goes on only with what is asked for again.
        resume: whether to go on with one that is there.

    Attributes:
        state: to go on from; None from the beginning.

    Raises:
        MienError: there is one already and it is not to be gone on with, or it is of something else, or has lost rows;
            or another run writes it.
    """

    def __init__(self, out: Path, asked: Mapping[str, Any], *, resume: bool) -> None:
        self._rows = out.with_name(f"{out.name}.part.jsonl")
        self._state = out.with_name(f"{out.name}.part.state")
        self._asked = json.loads(json.dumps(asked))
        self.state: Any = None
        self._held: list[bytes] = []  # until a checkpoint, so that the file never ends within a row
        out.parent.mkdir(parents=True, exist_ok=True)
        fresh = not self._rows.exists()
        with ExitStack() as failed:
            self._stream = failed.enter_context(self._rows.open("ab"))
            if not locked(self._stream) or not self._there():
                raise MienError(f"{self._rows}: another run writes it; wait for it, or choose another file")
            if fresh:  # whoever deletes them begins anew
                self._state.unlink(missing_ok=True)
            self._stream.seek(self._stream.truncate(self._begun(resume)))
            failed.pop_all()

    def _there(self) -> bool:
        """Whether the open file is still that of this name, or another run, which has just ended, took it away."""
        return self._rows.exists() and os.path.samestat(os.fstat(self._stream.fileno()), self._rows.stat())

    def _begun(self, resume: bool) -> int:
        """How many bytes of rows there are to go on after, to which `state` belongs."""
        if not self._state.exists():
            return 0
        if not resume:
            raise MienError(f"{self._rows} holds an unfinished run: --resume goes on with it, or delete it")
        kept = json.loads(self._state.read_text(encoding="utf-8"))
        if differ := [name for name in self._asked if kept["asked"].get(name) != self._asked[name]]:
            raise MienError(f"{self._rows} was begun with another {' and '.join(differ)}: ask as then, or delete it")
        if self._rows.stat().st_size < kept["bytes"]:
            raise MienError(f"{self._rows} has lost rows that were read: delete it, to begin anew")
        self.state = kept["state"]
        return int(kept["bytes"])

    def write(self, rows: Iterable[Row]) -> None:
        """More rows; on the disk from the next checkpoint on."""
        self._held += [json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows]

    def checkpoint(self, state: Any) -> None:
        """All rows until here are to be kept, whatever comes, and it goes on from this state."""
        with naming(self._rows):
            self._stream.write(b"".join(self._held))
            self._stream.flush()
            os.fsync(self._stream.fileno())
        self._held.clear()
        kept = {"asked": self._asked, "state": state, "bytes": self._stream.tell()}
        write_text(self._state, json.dumps(kept))

    def rows(self, start: int = 0, end: float = math.inf) -> Iterator[Row]:
        """All rows until the last checkpoint, from the first; or those of a place in the file, see `places`."""
        with self._rows.open("rb") as stream:
            stream.seek(start)
            while start < end and (line := stream.readline()):
                start += len(line)
                yield json.loads(line)

    def places(self, column: str) -> dict[Any, tuple[int, int]]:
        """From which byte to which the rows of each value of a column lie, and others if they lie between."""
        found: dict[Any, tuple[int, int]] = {}
        with self._rows.open("rb") as stream:
            at = 0
            for line in stream:
                value, end = json.loads(line)[column], at + len(line)
                found[value] = found.get(value, (at, end))[0], end
                at = end
        return found

    def close(self) -> None:
        """No more rows come; without a checkpoint there is nothing to go on from, and nothing is left."""
        try:
            with naming(self._rows):
                self._stream.close()  # writes what a full disk has refused once more
        finally:
            if not self._state.exists():
                self._rows.unlink(missing_ok=True)

    def remove(self) -> None:
        """The rows are elsewhere by now."""
        self.close()
        for path in (self._state, self._rows):
            path.unlink(missing_ok=True)


def write_rows(
    path: Path, form: str, kinds: Mapping[str, str], rows: Iterable[Row], described: Mapping[str, str] | None = None
) -> None:
    """A file of rows, whole or not at all, however many there are.

    Args:
        form: `parquet`, `csv`, `jsonl`, or `json`, a list.
        kinds: what the columns hold, see `tables.Table`.
        described: what they mean, in words; parquet files hold them.

    Raises:
        MienError: parquet without PyArrow.
    """
    with replacing(path) as temporary, temporary.open("wb") as stream:
        put_rows(stream, form, kinds, rows, described)


def put_rows(
    stream: BinaryIO,
    form: str,
    kinds: Mapping[str, str],
    rows: Iterable[Row],
    described: Mapping[str, str] | None = None,
) -> None:
    """Rows into a file that is open, or in memory. Arguments and errors are those of `write_rows`."""
    if form == "parquet":
        with parquet(stream, kinds, described) as write:
            write(rows)
        return
    text = TextIOWrapper(stream, encoding="utf-8", newline="")
    lines = (json.dumps({name: row.get(name) for name in kinds}, ensure_ascii=False) for row in rows)
    if form == "csv":
        Rows(text, kinds).write([row.get(name) for name in kinds] for row in rows)
    elif form == "jsonl":
        text.writelines(f"{line}\n" for line in lines)
    else:
        before = "["
        for line in lines:
            text.write(f"{before}\n{line}")
            before = ","
        text.write("[]\n" if before == "[" else "\n]\n")
    text.detach()


@contextmanager
def parquet(
    file: Path | BinaryIO, kinds: Mapping[str, str], described: Mapping[str, str] | None = None
) -> Iterator[Write]:
    """Writes rows to a parquet file, row group by row group. Arguments and errors are those of `write_rows`."""
    schema = arrow_schema(kinds, described)
    import pyarrow as pa
    import pyarrow.parquet as pq

    held: list[Row] = []
    batches: list[pa.RecordBatch] = []
    with pq.ParquetWriter(file, schema) as writer:

        def write(rows: Iterable[Row]) -> None:
            for row in rows:
                held.append(row)
                if len(held) == PYTHON_ROWS:
                    batch()
                if len(batches) * PYTHON_ROWS >= PARQUET_ROWS:
                    flush()

        def batch() -> None:
            batches.append(pa.RecordBatch.from_pylist(held, schema))
            held.clear()

        def flush() -> None:
            writer.write_table(pa.Table.from_batches(batches, schema))
            batches.clear()

        yield write
        batch()
        flush()

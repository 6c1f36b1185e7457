"""What a part of a run reads: images listed one by one, rows of a table, or an archive; each gives small Arrow tables.

However many images there are, so few are held at once that the memory that they take does not grow.
"""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any, NamedTuple, Protocol, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from mien.batch.stores import File, is_address, opened, reading, told
from mien.errors import DataError
from mien.intake import describe
from mien.sources import LEFT_BY_SYSTEMS, SUFFIXES
from mien.tables import RENAMED

AT_ONCE, BYTES_AT_ONCE = 512, 2**20  # images in a table, and their bytes: whichever comes first
LEAST, MOST = 4, 64  # rows taken of a file, by its word on their bytes: parquet counts the bytes of what repeats once
FILE, ROW = "file", "row"
"""Columns that tell where an image of a table or an archive lies: in which file, and as which of its rows from 0 on."""

MEMBER, KEY = "image", "key"
BESIDE = ("cls", "txt", "json")
"""What WebDataset keeps beside an image in an archive, by the ending; kept as text."""

ARROW = (".arrow", ".feather", ".ipc")
Piece = TypeVar("Piece")
PLACES = pa.schema([(FILE, pa.string()), (ROW, pa.int64())])


class Group(NamedTuple):
    """Rows that lie together in a file: how many, and the columns of which the file says that no cell is empty.

    Fields of structs are columns of their own, such as `image.bytes`; of an Arrow file nothing is said.
    """

    rows: int
    full: frozenset[str]


class Source(Protocol):
    """What a part reads."""

    @property
    def image(self) -> str:
        """The column of images."""

    @property
    def schema(self) -> pa.Schema:
        """Of the tables."""

    @property
    def key(self) -> str:
        """What it is, in words: others of other files, or of files that have changed, have others."""

    def tables(self) -> Iterator[pa.Table]:
        """The images, a few at a time."""


@dataclass(frozen=True)
class Listed:
    """Images that are files, each by itself.

    Args:
        table: their places, in the column `image`, and what else is known of them.
        marks: what tells each from others of its name; as many.
        image: the name of the column.
    """

    table: pa.Table
    marks: tuple[str, ...]
    image: str

    @property
    def schema(self) -> pa.Schema:
        return self.table.schema

    @property
    def key(self) -> str:
        return repr((self.table.to_pylist(), self.marks))

    def tables(self) -> Iterator[pa.Table]:
        for start in range(0, len(self.table), AT_ONCE):
            yield self.table.slice(start, AT_ONCE)


@dataclass(frozen=True)
class Rows:
    """Rows of a parquet or an Arrow file.

    Args:
        file: the file.
        group: of rows in a parquet file, by number, in which they lie; of an Arrow file 0.
        first: row of that group.
        count: of rows.
        before: rows of the file before the group.
        image: the column of images.
        columns: that are read, of that schema.
        mark: what tells the files that the rows name from others of their names; empty where they name none.
    """

    file: File
    group: int
    first: int
    count: int
    before: int
    image: str
    columns: pa.Schema
    mark: str = ""

    @property
    def schema(self) -> pa.Schema:
        return placed(self.columns)

    @property
    def key(self) -> str:
        return repr((*self.file, self.group, self.first, self.count, self.image, self.columns.names, self.mark))

    def batches(self) -> Iterator[tuple[int, pa.RecordBatch]]:
        """The rows as they lie in the file, a few at a time, each time with the number of the first."""
        at, end = 0, self.first + self.count
        with _table_file(self.file.place) as stream:
            for batch in _batches(stream, self.file.place, self.group, self.columns.names):
                start, stop = max(self.first - at, 0), min(end - at, len(batch))
                if start < stop:
                    yield self.before + at + start, batch.slice(start, stop - start)
                at += len(batch)
                if at >= end:
                    return

    def tables(self) -> Iterator[pa.Table]:
        for some in _together(self.batches(), lambda each: (len(each[1]), each[1].nbytes)):
            taken = pa.Table.from_batches([batch for _, batch in some])
            rows = range(some[0][0], some[0][0] + len(taken))
            columns = [*taken.columns, pa.array([self.file.place] * len(taken)), pa.array(rows, pa.int64())]
            yield pa.Table.from_arrays(columns, schema=self.schema)


@dataclass(frozen=True)
class Shard:
    """The images of a tar archive, as WebDataset has them: what belongs together has one name up to its first dot.

    Args:
        file: the archive.
        beside: of `BESIDE`, what is read.
    """

    file: File
    beside: tuple[str, ...] = ()

    image = MEMBER

    @property
    def schema(self) -> pa.Schema:
        image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        texts = [(name, pa.string()) for name in (KEY, *self.beside)]
        return placed(pa.schema([(MEMBER, image), *texts]))

    @property
    def key(self) -> str:
        return repr((*self.file, self.beside))

    def tables(self) -> Iterator[pa.Table]:
        schema, row = self.schema, 0
        for some in _together(samples(self.file.place), lambda image: (1, len(image[MEMBER]["bytes"]))):
            rows = [{**image, FILE: self.file.place, ROW: row + number} for number, image in enumerate(some)]
            yield pa.Table.from_pylist(rows, schema)
            row += len(some)


def placed(columns: pa.Schema) -> pa.Schema:
    """The columns of a file, and those that tell where its rows lie; what is called as these has another name."""
    fields = [each.with_name(RENAMED + each.name) if each.name in PLACES.names else each for each in columns]
    return pa.schema([*fields, *PLACES])


def samples(place: str) -> Iterator[dict[str, Any]]:
    """The images in a tar archive, each with its name, as `intake.describe` puts it, and the texts that belong to it.

    Links have no bytes of their own: an image that is one is empty, and a text is none.

    Raises:
        DataError: it is no archive, or it is cut short.
    """
    for key, members in groupby(_members(place), lambda member: _key(member[0])):
        images: list[dict[str, Any]] = []
        texts: dict[str, str] = {KEY: describe(key)}
        for name, read in members:
            ending = name[len(key) + 1 :].lower()
            if ending in BESIDE:
                if (text := read()) is not None:
                    texts[ending] = text.decode("utf-8", "replace")
            elif PurePosixPath(name).suffix.lower() in SUFFIXES:
                images.append({MEMBER: {"bytes": read() or b"", "path": describe(name)}})
        yield from ({**texts, **image} for image in images)


def _key(name: str) -> str:
    """A member's name up to the first dot behind its folder."""
    folder, stroke, file = name.rpartition("/")
    return folder + stroke + file.partition(".")[0]


def _together(pieces: Iterable[Piece], amounts: Callable[[Piece], tuple[int, int]]) -> Iterator[list[Piece]]:
    """Pieces together, as many as are held at once.

    Args:
        pieces: of images.
        amounts: how many images a piece has, and how many bytes.
    """
    some: list[Piece] = []
    images = size = 0
    for piece in pieces:
        some.append(piece)
        count, length = amounts(piece)
        images, size = images + count, size + length
        if images >= AT_ONCE or size > BYTES_AT_ONCE:
            yield some
            some, images, size = [], 0, 0
    if some:
        yield some


def row_groups(file: File) -> tuple[pa.Schema, list[Group]]:
    """The schema of a parquet or an Arrow file, and its groups of rows; an Arrow file is one group.

    Raises:
        DataError: it is neither.
    """
    try:
        with _table_file(file.place) as stream:
            if file.place.lower().endswith(ARROW):
                with _arrow(stream) as reader:
                    return reader.schema, [Group(sum(map(len, _record_batches(reader))), frozenset())]
            found = pq.ParquetFile(stream)
            return found.schema_arrow, [_group(found.metadata.row_group(each)) for each in range(found.num_row_groups)]
    except pa.ArrowInvalid as error:
        raise DataError(f"{file.place}: cannot be read as a table: {error}") from error


def _group(told: Any) -> Group:
    columns = [told.column(number) for number in range(told.num_columns)]
    full = (each.path_in_schema for each in columns if each.is_stats_set and each.statistics.null_count == 0)
    return Group(told.num_rows, frozenset(full))


def _batches(stream: Any, place: str, group: int, columns: list[str]) -> Iterator[pa.RecordBatch]:
    if place.lower().endswith(ARROW):
        with _arrow(stream) as reader:
            for batch in _record_batches(reader):
                yield from (batch.select(columns).slice(at, MOST) for at in range(0, len(batch), MOST))
        return
    file = pq.ParquetFile(stream, buffer_size=2**20)
    told = file.metadata.row_group(group)
    rows = min(max(told.num_rows * BYTES_AT_ONCE // max(told.total_byte_size, 1), LEAST), MOST)
    for batch in file.iter_batches(rows, row_groups=[group], columns=columns, use_threads=False):
        yield batch.select(columns)


def _table_file(place: str) -> Any:
    """A file to read a table from; of an Arrow file on a disk only what is asked for ever comes into memory."""
    if place.lower().endswith(ARROW) and not is_address(place):
        return pa.memory_map(place)
    return reading(place)


def _arrow(stream: Any) -> Any:
    """Arrow has a form for files and one for streams; `datasets` writes the second."""
    try:
        return pa.ipc.open_file(stream)
    except pa.ArrowInvalid:
        stream.seek(0)
        return pa.ipc.open_stream(stream)


def _record_batches(reader: Any) -> Iterator[pa.RecordBatch]:
    if isinstance(reader, pa.ipc.RecordBatchFileReader):
        return (reader.get_batch(number) for number in range(reader.num_record_batches))
    return iter(reader)


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes | None:
    file = archive.extractfile(member) if member.isfile() else None
    return file.read() if file else None


def _members(place: str) -> Iterator[tuple[str, Callable[[], bytes | None]]]:
    """The files and links in an archive, by name, and what reads each while it is at hand; of a link nothing."""
    system, path = opened(place)
    try:
        with (
            told(place),
            system.open_input_stream(path, compression=None) as stream,
            tarfile.open(fileobj=stream, mode="r|*") as archive,
        ):
            for member in archive:
                name = PurePosixPath(member.name).name
                there = member.isfile() or member.islnk() or member.issym()
                if there and not name.startswith(".") and name.lower() not in LEFT_BY_SYSTEMS:
                    yield member.name, partial(_read, archive, member)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise DataError(f"{place}: a tar archive that is damaged or cut short: {error}") from error

"""What a run reads: files of one kind, listed and counted, become the sources of its parts, always in the same way.

The kinds are images that are files, CSV files that list them, tables that hold them (parquet, Arrow), and tar archives.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise, repeat

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from mien.batch.listing import kind_of_file, list_files
from mien.batch.sources import BESIDE, Group, Listed, Rows, Shard, Source, row_groups, samples
from mien.batch.stores import File, is_address, joined, reading
from mien.batch.table import BYTES, PATH, carried_columns, image_column, is_image
from mien.datasets.walk import few
from mien.errors import DataError
from mien.files import digest, stamp
from mien.sources import PassedOver

LISTED = "path"
TRIED = 32  # images of a table, to see whether they are there
LEAST, MOST, PARTS = 256, 4096, 256
"""Images of a part at least and at most, and the parts that a run is cut into between these."""

GROUP_PARTS = 16  # of a group of rows, of which each part passes those before it


@dataclass(frozen=True)
class Inputs:
    """What a run reads.

    Args:
        kind: in a word, for people.
        files: how many there are.
        images: how many there are; None where only reading them tells, as in archives.
        sources: the parts, in order, and how many images each has.
    """

    kind: str
    files: int
    images: int | None
    sources: tuple[tuple[Source, int | None], ...]


def find(
    words: Sequence[str],
    *,
    image: str | None = None,
    keep: Sequence[str] | None = None,
    size: int | None = None,
    passed_over: PassedOver | None = None,
) -> Inputs:
    """List what words name, and cut it into parts. The same files give the same parts.

    Args:
        words: folders, files and patterns.
        image: the column of images, of tables and lists.
        keep: columns that are carried along; all if None.
        size: images of a part, about; by the number of images if None, 256 to 4,096.
        passed_over: counts the files in folders that are not read.

    Raises:
        DataError: a word names nothing, or what cannot be read; or they name files of several kinds, or such as have no
            column that is asked for.
        StoreError: a store does not answer.
    """
    files = list_files(words, PassedOver() if passed_over is None else passed_over)
    kinds = sorted({kind_of_file(file.place) for file in files})
    if len(kinds) > 1:
        raise DataError(f"{' and '.join(kinds)} together: a run reads one kind, so make several, each with its own OUT")
    if not files:
        raise DataError("nothing to read: name folders, files or patterns")
    if kinds == ["tables"]:
        return _tables(files, image, keep, size)
    if kinds == ["lists"]:
        return _lists(files, image, keep, size)
    if image is not None:
        raise DataError(f"no column {image!r} of images: {kinds[0]} are read as they are")
    if kinds == ["archives"]:
        return _archives(files, keep)
    if keep:
        raise DataError(f"no column {', '.join(keep)} to keep: images that are files have no columns")
    table = pa.table({LISTED: pa.array([file.place for file in files], pa.string())})
    return _listed("images", files, table, LISTED, [f"{file.size} {file.changed}" for file in files], size)


def _listed(
    kind: str, files: Sequence[File], table: pa.Table, image: str, marks: Sequence[str], size: int | None
) -> Inputs:
    if not len(table):
        raise DataError(f"{files[0].place}: a table without rows")
    starts = cuts(len(table), size or _size(len(table)))
    sources = tuple(
        (Listed(table.take(pa.array(range(start, stop))), tuple(marks[start:stop]), image), stop - start)
        for start, stop in pairwise(starts)
    )
    return Inputs(kind, len(files), len(table), sources)


def _lists(files: Sequence[File], named: str | None, keep: Sequence[str] | None, size: int | None) -> Inputs:
    """CSV files: their paths are relative to their folders, their cells are kept as texts."""
    tables = [_list(file, named, keep) for file in files]
    columns = {tuple(table.schema.names) for table in tables}
    if len(columns) > 1:
        raise DataError(f"CSV files of other columns: {'; '.join(', '.join(each) for each in sorted(columns))}")
    table = pa.concat_tables(tables)
    image = table.schema.names[0]
    marks = [_mark(place) for place in table.column(image).to_pylist()]
    return _listed("lists", files, table, image, marks, size)


def _mark(place: str | None) -> str:
    """What tells a file from others of its name; empty of none, and of one in a store."""
    return "" if not place or is_address(place) else stamp(place)


def _list(file: File, image: str | None, keep: Sequence[str] | None) -> pa.Table:
    """The column of images first, then those that are kept."""
    try:
        with reading(file.place) as stream:
            head = bytes(stream.read(2**16)).partition(b"\n")[0].decode("utf-8", "replace")
            stream.seek(0)
            options = pacsv.ParseOptions(delimiter=max(",;\t", key=head.count), newlines_in_values=True)
            names = pacsv.open_csv(stream, parse_options=options).schema.names
            stream.seek(0)
            texts = pacsv.ConvertOptions(column_types={name: pa.string() for name in names}, strings_can_be_null=False)
            table = pacsv.read_csv(stream, parse_options=options, convert_options=texts)
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise DataError(f"{file.place}: not a readable table in UTF-8: {error}") from error
    column = image_column(table.schema, image)
    table = table.select([column, *carried_columns(table.schema, column, keep)])
    folder = file.place.rpartition("/")[0] if is_address(file.place) else os.path.dirname(file.place)
    listed = table.column(column).to_pylist()
    places = [each if not each or is_address(each) or os.path.isabs(each) else joined(folder, each) for each in listed]
    _check_there(file.place, places, f"paths are relative to {folder or 'this folder'}")
    return table.set_column(0, column, pa.array(places, pa.string()))


def _check_there(file: str, places: Sequence[str], advice: str) -> None:
    """Raises `DataError` where none of the first images that a table names is on this machine."""
    tried = [place for place in places[:TRIED] if place]
    if tried and not any(is_address(place) or os.path.lexists(place) for place in tried):
        raise DataError(f"{file}: its first images, {few(tried, 1)}, are not there; {advice}")


def _tables(files: Sequence[File], image: str | None, keep: Sequence[str] | None, size: int | None) -> Inputs:
    found = [(file, *row_groups(file)) for file in files]
    first = found[0][1]
    column = image_column(first, image)
    wanted = [first.field(name).remove_metadata() for name in [column, *carried_columns(first, column, keep)]]
    columns = pa.schema(wanted)
    for file, schema, _ in found:
        theirs = [schema.field(name).remove_metadata() for name in columns.names if name in schema.names]
        if pa.schema(theirs) != columns:
            raise DataError(
                f"{file.place} has other columns than {files[0].place}: name those to keep, or make two runs"
            )
    images = sum(group.rows for _, _, groups in found for group in groups)
    whole = list[tuple[Rows, Group]]()
    for file, _, groups in found:
        before = 0
        for number, group in enumerate(groups):
            if group.rows:
                whole.append((Rows(file, number, 0, group.rows, before, column, columns), group))
            before += group.rows
    if not whole:
        raise DataError(f"{files[0].place}: a table without rows")
    _check_paths(*whole[0])
    parts = list[tuple[Rows, int]]()
    for rows, group in whole:
        marks = [_mark(place) for place in _places(rows, group)]
        for start, stop in pairwise(cuts(rows.count, max(size or _size(images), -(-rows.count // GROUP_PARTS)))):
            some = marks[start:stop]
            mark = digest("\n".join(some).encode()) if any(some) else ""
            parts.append((replace(rows, first=start, count=stop - start, mark=mark), stop - start))
    return Inputs("tables", len(files), images, tuple(parts))


def _places(rows: Rows, group: Group) -> Iterator[str | None]:
    """What the cells of the column of images name, empty of an empty one; None of an image's bytes.

    Nothing at all where none names a file by the column's kind, or by what the file says of the group: bytes are not
    read before the run.
    """
    field = rows.columns.field(rows.image)
    pairs = pa.types.is_struct(field.type) and PATH in field.type.names and f"{rows.image}.{BYTES}" not in group.full
    if is_image(field.type) and not pairs:
        return
    for _, batch in replace(rows, columns=pa.schema([field])).batches():
        column = batch.column(rows.image)
        held = pc.struct_field(column, BYTES).is_valid().to_pylist() if pairs else repeat(False)
        named = pc.struct_field(column, PATH) if pairs else column
        yield from (None if there else path or "" for there, path in zip(held, named.to_pylist(), strict=False))


def _check_paths(rows: Rows, group: Group) -> None:
    """Raises `DataError` of paths of another machine, as an image folder's dataset saved without images has them."""
    places = list(islice(_places(rows, group), TRIED))
    held = "it holds no images but their paths on the machine that wrote it: write it there with the images' bytes"
    if None not in places:
        _check_there(rows.file.place, [place for place in places if place], held)


def _archives(files: Sequence[File], keep: Sequence[str] | None) -> Inputs:
    first = next(samples(files[0].place), None)
    if first is None:
        raise DataError(f"{files[0].place}: an archive without images")
    beside = tuple(name for name in BESIDE if name in first)
    if missing := [name for name in keep or () if name not in beside]:
        raise DataError(f"no column {', '.join(missing)} to keep: there are {', '.join(beside) or 'none'}")
    kept = beside if keep is None else tuple(keep)
    return Inputs("archives", len(files), None, tuple((Shard(file, kept), None) for file in files))


def cuts(count: int, size: int) -> list[int]:
    """Where parts of about one size begin, and the last one ends: `[0, 3, 5]` of 5 and 3; `[0]` of nothing."""
    parts = -(-count // size)
    return [count * number // max(parts, 1) for number in range(parts + 1)]


def _size(images: int) -> int:
    return min(max(-(-images // PARTS), LEAST), MOST)

"""One table of images read: Arrow in, Arrow out. All that runs over many images calls this one function.

Its rows are those of `mien predict --out faces.parquet` (see `mien.tables`), behind the columns of the table itself:
one a face, one for an image without faces, and one with the reason for an image that cannot be read, in the images'
order. The images' bytes are not among them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from itertools import pairwise
from typing import Any

import pyarrow as pa

from mien.batch.stores import Fetched, is_address
from mien.crops import Crop
from mien.datasets.table import PATHS, plainly
from mien.errors import DataError
from mien.intake import ImageSource
from mien.labels import LabelSet
from mien.prior import TRAINING, Prior
from mien.recognizer import Labels, Recognizer
from mien.sources import Nothing
from mien.tables import RENAMED, arrow_schema, columns, flat_rows

BYTES, PATH = "bytes", "path"
"""The fields of an image as Hugging Face's datasets have it."""

ADDRESSES = ("url", "uri", "image_url")
EMPTY = "an empty cell: no image"


class Cell(BytesIO):
    """An image's bytes that have a name."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


def read_table(
    table: pa.Table,
    recognizer: Recognizer,
    *,
    image: str | None = None,
    keep: Sequence[str] | None = None,
    labels: Labels = None,
    prior: Prior = TRAINING,
    crop: Crop = "auto",
) -> pa.Table:
    """Read the images of a table. Every image has its row, whatever is wrong with it.

    Args:
        table: with a column of images: their files' bytes, a struct of `bytes` and `path`, or paths or addresses.
        recognizer: reads them, on as many threads as it has.
        image: that column; found by its kind and its name if None (see `image_column`).
        keep: columns to carry along; all but those of bytes if None.
        labels: as `Recognizer.predict` takes them.
        prior: likewise.
        crop: likewise.

    Returns:
        Of the schema that `table_schema` gives. `source` is the path beside the bytes, or the path or address itself.

    Raises:
        DataError: there is no such column, or none to be found.
        LabelError: the model cannot speak that label set, or expect that prior.
        StoreError: an object store does not answer.
    """
    column = image_column(table.schema, image)
    spoken = recognizer.spoken(labels)
    schema = table_schema(table.schema, spoken, column, keep)
    rows: list[dict[str, Any]] = []
    places: list[int] = []
    images = _images(table.column(column))
    for place, prediction in enumerate(recognizer.stream(images, labels=spoken, prior=prior, crop=crop)):
        rows += flat_rows(prediction, spoken)
        places += [place] * (len(rows) - len(places))
    carried = _taken(table.select(carried_columns(table.schema, column, keep)), places)
    told = pa.Table.from_pylist(rows, arrow_schema(columns(spoken)))
    return pa.Table.from_arrays([*carried.columns, *told.columns], schema=schema)


def _taken(table: pa.Table, places: Sequence[int]) -> pa.Table:
    """Rows by their places, which rise; cut out in pieces, as `take` knows no texts of the kind `string_view`.

    The pieces become one, or each would go to another process with all that it was cut from.
    """
    starts = [at for at, place in enumerate(places) if at == 0 or place != places[at - 1] + 1]
    pieces = [table.slice(places[start], stop - start) for start, stop in pairwise([*starts, len(places)])]
    return pa.concat_tables([table.slice(0, 0), *pieces]).combine_chunks()


def table_schema(
    table: pa.Schema, labels: LabelSet, image: str | None = None, keep: Sequence[str] | None = None
) -> pa.Schema:
    """The schema of what `read_table` gives: the columns that are carried along, then those of rows.

    Args:
        table: the schema of the images' table.
        labels: the label set of the answers.
        image: as of `read_table`.
        keep: likewise.

    Returns:
        A column that rows have themselves, in any case, is called `input_<name>`. The metadata are those of
        `arrow_schema`.

    Raises:
        DataError: as `read_table` does, or two columns have one name.
    """
    rows = arrow_schema(columns(labels))
    kept = [table.field(name) for name in carried_columns(table, image_column(table, image), keep)]
    fields = [each.with_name(RENAMED + each.name) if each.name.lower() in rows.names else each for each in kept]
    names = [each.name for each in fields] + rows.names
    _check_names(names)
    return pa.schema([*fields, *rows], rows.metadata)


def image_column(table: pa.Schema, image: str | None = None) -> str:
    """The column that holds images.

    Args:
        table: the schema of its table.
        image: its name, where it is known.

    Returns:
        The one that is named; or else the only column of bytes, or of structs of them; or else the first one of texts
        whose name says that it holds paths or addresses.

    Raises:
        DataError: there is none, or there are several; or two columns of one name.
    """
    _check_names(table.names)
    found = [field.name for field in table if is_image(field.type)]
    named = {plainly(field.name): field.name for field in table if _is_text(field.type)}
    found = found or [named[name] for name in (*PATHS, *ADDRESSES) if name in named][:1]
    if image is not None:
        if image not in table.names or not (is_image(table.field(image).type) or image in named.values()):
            kinds = "bytes, of structs of bytes and path, of paths or of addresses"
            raise DataError(f"no column {image!r} of {kinds}: there are {_told(table)}")
        return image
    if len(found) != 1:
        several = f"several columns of images, {', '.join(found)}" if found else "no column of images"
        raise DataError(f"{several}: say which it is; there are {_told(table)}")
    return str(found[0])


def carried_columns(table: pa.Schema, image: str, keep: Sequence[str] | None = None) -> list[str]:
    """The columns that go along with the images.

    Args:
        table: the schema.
        image: the column of images.
        keep: those that are wanted; all if None, but those of bytes.

    Raises:
        DataError: one of them is not there, or holds bytes; or a text in place of names.
    """
    if isinstance(keep, str):  # whose letters would be taken for names
        raise DataError(f"columns to keep are a list of names; got the text {keep!r}")
    there = [field.name for field in table if field.name != image and not _holds_bytes(field.type)]
    if missing := [name for name in keep or () if name not in there]:
        raise DataError(f"no column {', '.join(missing)} to keep (bytes are not copied): there are {_told(table)}")
    return there if keep is None else list(keep)


def _check_names(names: Sequence[str]) -> None:
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise DataError(f"columns of the same name: {', '.join(twice)}; rename them, or name those to keep")


def is_image(kind: pa.DataType) -> bool:
    """Whether a column of this kind holds images' bytes, alone or as a field of structs."""
    return _is_bytes(kind.field(BYTES).type if pa.types.is_struct(kind) and BYTES in kind.names else kind)


def _holds_bytes(kind: pa.DataType) -> bool:
    return _is_bytes(kind) or any(_holds_bytes(kind.field(number).type) for number in range(kind.num_fields))


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind))


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _told(table: pa.Schema) -> str:
    return ", ".join(f"{field.name} ({field.type})" for field in table) or "no columns"


def _images(column: pa.ChunkedArray) -> Iterator[ImageSource]:
    """What each cell names or holds; one at a time, so that no more bytes are held than are read."""
    if pa.types.is_struct(column.type):
        yield from map(_of_struct, _values(column))
        return
    for value in _values(column):
        yield Nothing("<bytes>", EMPTY) if value is None else _of_path(value) if isinstance(value, str) else value


def _values(column: pa.ChunkedArray) -> Iterable[Any]:
    return (value.as_py() for chunk in column.chunks for value in chunk)


def _of_struct(cell: dict[str, Any] | None) -> ImageSource:
    data, path = (cell or {}).get(BYTES), (cell or {}).get(PATH)
    if data is not None:
        return data if path is None else Cell(data, path)
    return Nothing("<bytes>", EMPTY) if not path else _of_path(path)


def _of_path(place: str) -> ImageSource:
    if not place:
        return Nothing("<bytes>", EMPTY)
    return Fetched(place) if is_address(place) else place

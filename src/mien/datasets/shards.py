"""Parquet files with images in them: their rows are read at once, and an image when somebody asks for its bytes.

So a dataset may be larger than memory. Whoever goes through it in its order reads each file once, page by page, however
large its row groups are; an image out of order is looked for from the beginning of its row group.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from threading import Lock
from typing import Any

from mien.datasets.tree import Tree
from mien.errors import DataError, ImageError
from mien.wording import reason

IMAGE, BYTES = "image", "bytes"
BUFFER = 2**20  # bytes of a column that are read at once
BATCH = 2**23  # bytes of images that are kept together, about
LEAST = 16  # images kept together: threads ask for a few at once, not quite in their order
MOST = 64  # likewise, however small they are by the file's word: it counts the bytes of what repeats once
KEPT = 3  # such batches


@dataclass(frozen=True, slots=True, eq=False)
class StoredImage:
    """A source of `read_image`: the bytes of an image in a row of a parquet file."""

    shard: Shard
    row: int

    def __bytes__(self) -> bytes:
        """Raises `ImageError`: the file is damaged there, or is not as it was."""
        try:
            return self.shard.reader.image(self.shard, self.row)
        except Exception as error:
            raise ImageError(f"cannot be read from {self.shard.file.name}: {reason(error)}") from error

    @property
    def together(self) -> tuple[str, int]:
        """The file and the row group, whose images are best read one after another."""
        return str(self.shard.file), self.shard.group(self.row)


class Reader:
    """Reads the images of several files in their order; safe to call from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: deque[tuple[Shard, int, Any]] = deque(maxlen=KEPT)  # of which file, from which row on, the images
        self._group: tuple[Shard, int] | None = None  # which is being read
        self._coming: Iterator[Any] = iter(())
        self._next = 0  # the first row of the next batch

    def image(self, shard: Shard, row: int) -> bytes:
        with self._lock:
            while (found := self._found(shard, row)) is None:
                self._read_on(shard, shard.group(row), row)
            return found

    def _read_on(self, shard: Shard, group: int, row: int) -> None:
        """Read the next batch of a row group; where that begins behind a row, the first one."""
        if self._group != (shard, group) or self._next > row:
            self._coming, self._next = shard.images(group), shard.starts[group]
        self._group = None  # until it has been read well
        batch = next(self._coming, None)
        if batch is None:
            raise OSError("fewer rows than when it was opened")
        self._kept.append((shard, self._next, batch))
        self._group, self._next = (shard, group), self._next + len(batch)

    def _found(self, shard: Shard, row: int) -> bytes | None:
        for of, first, images in self._kept:
            if of is shard and first <= row < first + len(images):
                return bytes(images[row - first].as_py())
        return None


class Shard:
    """A parquet file.

    Args:
        tree: whose file it is.
        place: where it lies there.
        reader: of the images of all files of the dataset.

    Raises:
        DataError: it cannot be read.
    """

    def __init__(self, tree: Tree, place: Path, reader: Reader) -> None:
        self.file, self.reader = tree.root / place, reader
        self._tree, self._place = tree, place
        try:
            opened = self._open()
        except Exception as error:
            raise self._unreadable(error) from error
        self.columns: list[str] = opened.schema_arrow.names
        self.classes = classes(opened.schema_arrow.metadata or {})
        counts = [opened.metadata.row_group(at).num_rows for at in range(opened.metadata.num_row_groups)]
        self.starts = [0, *accumulate(counts)][: len(counts)]

    @cached_property
    def stamp(self) -> str:
        """What tells that the file was changed."""
        return self._tree.stamp(self._place)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Each row, its columns' names in lower case, and a `StoredImage` in the place of an image's bytes.

        What is no struct with bytes stays as it is. Raises `DataError`: the file is damaged.
        """
        wanted = [name for name in self.columns if name.lower() != IMAGE] if self._stored() else None
        row = 0
        try:
            for batch in self._open().iter_batches(MOST, columns=wanted, use_threads=False):
                for values in batch.to_pylist():
                    named = {name.lower(): value for name, value in values.items()}
                    image = named.get(IMAGE)
                    if wanted or (isinstance(image, dict) and isinstance(image.get(BYTES), bytes)):
                        named[IMAGE] = StoredImage(self, row)
                    yield named
                    row += 1
        except (OSError, ValueError) as error:  # as pyarrow's own are
            raise self._unreadable(error) from error

    def group(self, row: int) -> int:
        """The row group that a row is in."""
        return bisect_right(self.starts, row) - 1

    def images(self, group: int) -> Iterator[Any]:
        """The bytes of the images of a row group, in batches."""
        opened = self._open()
        (told,) = self._told(opened, group)
        each = max(told.total_uncompressed_size // max(told.num_values, 1), 1)
        batch = min(max(BATCH // each, LEAST), MOST)
        chosen = opened.iter_batches(batch, row_groups=[group], columns=[told.path_in_schema], use_threads=False)
        return (read.column(0).field(BYTES) for read in chosen)

    def _open(self) -> Any:
        import pyarrow.parquet as pq

        return pq.ParquetFile(self._tree.file(self._place), pre_buffer=False, buffer_size=BUFFER)

    def _told(self, opened: Any, group: int) -> list[Any]:
        """What a file tells of the bytes of a row group's images; nothing where that is no column of it."""
        told = opened.metadata.row_group(group)
        parts = map(told.column, range(told.num_columns))
        return [part for part in parts if part.path_in_schema.lower() == f"{IMAGE}.{BYTES}"]

    def _stored(self) -> bool:
        """Whether the file tells that every row has the bytes of an image."""
        from pyarrow.types import is_binary, is_large_binary, is_struct

        opened = self._open()
        kind = next(opened.schema_arrow.field(name).type for name in self.columns if name.lower() == IMAGE)
        inner = kind.field(BYTES).type if is_struct(kind) and kind.get_field_index(BYTES) >= 0 else None
        if inner is None or not (is_binary(inner) or is_large_binary(inner)):
            return False
        told = [self._told(opened, group) for group in range(len(self.starts))]
        known = [part.statistics for parts in told for part in parts if part.statistics]
        return len(known) == len(told) and all(each.has_null_count and not each.null_count for each in known)

    def _unreadable(self, error: Exception) -> DataError:
        return DataError(f"{self.file}: not a readable parquet file ({error})")


def classes(metadata: Mapping[bytes, bytes]) -> dict[str, tuple[str, ...]]:
    """What a column's numbers mean, where Hugging Face's datasets has written that; columns are in lower case."""
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"].items()
        named = {column.lower(): told["names"] for column, told in features if told.get("_type") == "ClassLabel"}
    except (ValueError, LookupError, AttributeError, TypeError):
        return {}
    return {column: tuple(map(str, names)) for column, names in named.items() if isinstance(names, list)}

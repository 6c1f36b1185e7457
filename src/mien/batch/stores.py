"""Where files lie: on this machine's disks, or in an object store that PyArrow or fsspec opens.

A place is a path, or an address such as `s3://bucket/folder/a.jpg`, as the store has it: nothing in it is escaped. What
a store asks for (keys, another endpoint) comes from its own environment variables.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.fs as pafs

from mien.errors import ImageError, MienError
from mien.files import replacing
from mien.intake import describe

ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://(.*)", re.DOTALL)
NATIVE = frozenset({"s3", "gs", "gcs"})
"""Stores that PyArrow opens itself; fsspec opens all others, where the package for them is installed."""

WHOLE = NATIVE | {"az", "abfs", "abfss", "hf", "memory"}
"""Stores in which a file is put in one go, and is there whole or not at all."""


class StoreError(MienError):
    """A store does not answer as it should: what is asked of it may be there, and nobody can tell."""


class DiskError(MienError):
    """A disk of this machine takes no more files, or none at all."""


class File(NamedTuple):
    """A file that was listed: its place, its size in bytes, and when it was changed, in ns; -1 where nobody knows."""

    place: str
    size: int
    changed: int


def is_address(place: str) -> bool:
    """Whether it is an address, and no path."""
    return ADDRESS.fullmatch(place) is not None


def joined(folder: str, *names: str) -> str:
    """A place below a folder's."""
    if is_address(folder):
        return "/".join((folder.rstrip("/"), *names))
    return os.path.join(folder, *names)


def opened(place: str) -> tuple[Any, str]:
    """The file system of a place, PyArrow's, and the place's path in it.

    Raises:
        StoreError: there is no such kind of store, or it cannot be reached.
    """
    found = ADDRESS.fullmatch(place)
    if found is None:
        return _local(), Path(place).absolute().as_posix()
    scheme, rest = found[1].lower(), found[2]
    if scheme == "file":
        raise StoreError(f"{describe(place)}: a file of this machine: name its path, without {scheme}://")
    with told(place):
        if scheme in NATIVE:
            bucket, _, path = rest.partition("/")
            return _native(scheme, bucket), f"{bucket}/{path}".rstrip("/")
        return _others(scheme), rest


def check_puts_whole(folder: str) -> None:
    """See that no half of a file can ever be seen in a folder. Raises `StoreError` where it may be."""
    found = ADDRESS.fullmatch(folder)
    if found is not None and found[1].lower() not in WHOLE:
        stores = ", ".join(f"{scheme}://" for scheme in sorted(WHOLE - {"memory"}))
        raise StoreError(f"{describe(folder)}: may show half a file while it is written: name a folder, or {stores}")


def files_below(folder: str) -> list[File]:
    """All files below a folder of a store, in the order of their places.

    Raises:
        FileNotFoundError: there is no such folder.
        StoreError: the store does not answer.
    """
    system, path = opened(folder)
    with told(folder):
        found = system.get_file_info(pafs.FileSelector(path, recursive=True))
    top = f"{path.strip('/')}/"  # some stores begin their paths with a stroke, whatever they are asked
    return sorted(
        File(joined(folder, each.path.lstrip("/").removeprefix(top)), each.size, _changed(each))
        for each in found
        if each.is_file
    )


def file_at(place: str) -> File | None:
    """A file, listed; None where there is none.

    Raises:
        StoreError: the store does not answer.
    """
    system, path = opened(place)
    with told(place):
        found = system.get_file_info(path)
    return File(place, found.size, _changed(found)) if found.is_file else None


@contextmanager
def reading(place: str) -> Iterator[Any]:
    """A file that can be read anywhere, PyArrow's.

    Raises:
        FileNotFoundError: it is not there.
        StoreError: the store does not answer.
    """
    system, path = opened(place)
    with told(place), system.open_input_file(path) as file:
        yield file


def put(place: str, data: bytes | pa.Buffer, aside: str) -> None:
    """Write a file that appears whole or not at all, in place of any that was there.

    Args:
        place: of the file.
        data: what it holds.
        aside: the folder on the same disk in which it is written before; stores need none.

    Raises:
        DiskError: the disk refuses it.
        StoreError: the store does.
    """
    if not is_address(place):
        written = Path(aside) / f"{secrets.token_hex(4)}.{Path(place).name}"  # two may write the same part
        try:
            with replacing(written) as temporary:
                temporary.write_bytes(data)
            Path(place).parent.mkdir(parents=True, exist_ok=True)
            written.replace(place)
        except OSError as error:
            raise DiskError(f"{describe(place)}: {error.strerror or error}") from error
        return
    system, path = opened(place)
    with told(place):
        if isinstance(system, pafs.PyFileSystem):
            system.handler.fs.makedirs(path.rpartition("/")[0], exist_ok=True)
            system.handler.fs.pipe_file(path, bytes(data))
            return
        stream = system.open_output_stream(path)
        stream.write(data)
        stream.close()  # and not where writing failed: it would put what is there


def remove(place: str) -> None:
    """Take one file of a store away.

    Raises:
        FileNotFoundError: it is not there.
        StoreError: the store refuses, or does not answer.
    """
    system, path = opened(place)
    with told(place):
        if isinstance(system, pafs.PyFileSystem):
            system.handler.fs.rm_file(path)  # PyArrow calls `rm`, to which a name with brackets is a pattern
        else:
            system.delete_file(path)


@contextmanager
def told(place: str) -> Iterator[None]:
    """What goes wrong with a store, as a `StoreError`; a file that is not there stays a `FileNotFoundError`."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (OSError, ImportError, ValueError) as error:
        if is_address(place):
            raise StoreError(f"{describe(place)}: {error}") from error
        raise


class Fetched(BytesIO):
    """An image in a store, fetched when it is read.

    Args:
        place: its address.
    """

    def __init__(self, place: str) -> None:
        super().__init__()
        self.name = describe(place)
        self._place = place
        self._stream: Any = None

    def read(self, size: int | None = -1, /) -> bytes:
        """As of any stream.

        Raises:
            ImageError: there is no such file.
            StoreError: the store does not answer: the image may be sound, and its row would be wrong for good.
        """
        try:
            with told(self._place):
                if self._stream is None:
                    system, path = opened(self._place)
                    self._stream = system.open_input_stream(path)
                data: bytes = self._stream.read(None if size == -1 else size)
                return data
        except FileNotFoundError as error:
            raise ImageError("no such file") from error


def _changed(info: Any) -> int:
    return -1 if info.mtime_ns is None else int(info.mtime_ns)


@cache
def _local() -> Any:
    return pafs.LocalFileSystem()


@cache
def _native(scheme: str, bucket: str) -> Any:
    return pafs.FileSystem.from_uri(f"{scheme}://{bucket}")[0]


@cache
def _others(scheme: str) -> Any:
    import fsspec

    return pafs.PyFileSystem(pafs.FSSpecHandler(fsspec.filesystem(scheme)))

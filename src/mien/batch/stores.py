"""Where files lie: on this machine's disks, or in an object store that PyArrow or fsspec opens.

A place is a path, or an address such as `s3://bucket/folder/a.jpg`, as the store has it: nothing in it is escaped. What
a store asks for (keys, another endpoint) comes from its own environment variables.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from typing import Any

import pyarrow.fs as pafs

from mien.errors import ImageError, MienError
from mien.intake import describe

ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://(.*)", re.DOTALL)
NATIVE = frozenset({"s3", "gs", "gcs"})
"""Stores that PyArrow opens itself; fsspec opens all others, where the package for them is installed."""


class StoreError(MienError):
    """A store does not answer as it should: what is asked of it may be there, and nobody can tell."""


def opened(place: str) -> tuple[Any, str]:
    """The file system of a place, PyArrow's, and the place's path in it.

    Raises:
        StoreError: there is no such kind of store, or it cannot be reached.
    """
    found = ADDRESS.fullmatch(place)
    if found is None:
        return _local(), os.path.abspath(place)
    scheme, rest = found[1].lower(), found[2]
    with told(place):
        if scheme in NATIVE:
            bucket, _, path = rest.partition("/")
            return _native(scheme, bucket), f"{bucket}/{path}".rstrip("/")
        return _others(scheme), rest if scheme != "file" else os.path.abspath(rest)


def is_address(place: str) -> bool:
    """Whether it is an address, and no path."""
    return ADDRESS.fullmatch(place) is not None


def joined(folder: str, *names: str) -> str:
    """A place below a folder's."""
    if is_address(folder):
        return "/".join((folder.rstrip("/"), *names))
    return os.path.join(folder, *names)


@contextmanager
def told(place: str) -> Iterator[None]:
    """What goes wrong with a store, as a `StoreError`; a file that is not there stays a `FileNotFoundError`."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (OSError, ImportError, ValueError) as error:
        raise StoreError(f"{describe(place)}: {error}") from error


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

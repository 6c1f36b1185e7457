"""Files that appear whole or not at all: written beside their place under another name, then renamed into it."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

LONGEST_STEM = 40  # characters, of up to 4 bytes; file systems take names of 255 bytes


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path in the same folder, with the same suffix; renamed to `path` when the block ends well.

    Who may read it is as for any new file, or as it was for the one that it replaces.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem[:LONGEST_STEM]}.{secrets.token_hex(8)}{path.suffix}")
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))  # less the process's umask
    try:
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        if path.exists():
            temporary.chmod(stat.S_IMODE(path.stat().st_mode))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def make_writable(folder: Path) -> None:
    """Make a folder where there is none, and see that it takes a file: before long work whose result goes there.

    Raises:
        OSError: it does not.
    """
    folder.mkdir(parents=True, exist_ok=True)
    TemporaryFile(dir=folder).close()


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all, as UTF-8."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")

"""Files that appear whole or not at all: written beside their place under another name, then renamed into it."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

LONGEST_STEM = 40  # characters, of up to 4 bytes; file systems take names of 255 bytes

UNFIT = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')
"""What a name may not hold on some system; nor may it begin or end with a dot or a blank."""

UNFINISHED = re.compile(r"\..+\.[0-9a-f]{16}\.(png|csv|jsonl)")
"""What `replacing` leaves where it is killed."""

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What a disk says that takes no more, and not of which file."""

_ALONE = threading.Lock()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path in the same folder, with the same suffix; renamed to `path` when the block ends well.

    Who may read it is as for any new file, or as it was for the one that it replaces. Where `path` is a link, the file
    that it leads to is replaced, and the link stays.

    Raises:
        OSError: it cannot be written, or is a folder, a device or a pipe; it names `path`, of a full disk too.
    """
    _check_kind(path)
    place = Path(os.path.realpath(path))
    make_folder(place.parent)
    temporary = place.with_name(f".{place.stem[:LONGEST_STEM]}.{secrets.token_hex(8)}{path.suffix}")
    try:
        with naming(path, temporary):
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))  # less the process's umask
            yield temporary
            with temporary.open("rb+") as stream:
                os.fsync(stream.fileno())
            if place.exists():
                temporary.chmod(stat.S_IMODE(place.stat().st_mode))
            temporary.replace(place)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def naming(path: Path, temporary: Path | None = None) -> Iterator[None]:
    """What goes wrong with a file, told by its name: a full disk names none, and its temporary name means nothing."""
    try:
        yield
    except OSError as error:
        unnamed = error.errno in FULL and error.filename is None
        if unnamed or (temporary is not None and error.filename == os.fspath(temporary)):
            raise _renamed(error, path) from error
        raise


def _renamed(error: OSError, path: Path) -> OSError:
    """The same of a path: a new one, as PyAV's take no other name."""
    number = error.errno or errno.EIO
    return OSError(number, os.strerror(number), os.fspath(path))


def stamp(path: str | os.PathLike[str]) -> str:
    """A file's size and when it was written: where they are others, it is not what it was. Empty of no file."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return ""
    return f"{found.st_size} {found.st_mtime_ns}"


def digest(data: bytes) -> str:
    """Tells bytes from others: the beginning of their SHA-256, 64 bits in hexadecimal."""
    return hashlib.sha256(data).hexdigest()[:16]


def check_file(path: Path) -> None:
    """See that a file can be written, new or in place of another: before long work. Nothing is left behind.

    Raises:
        OSError: it cannot; as `replacing` would.
    """
    _check_kind(path)
    check_writable(Path(os.path.realpath(path)).parent)


def _check_kind(path: Path) -> None:
    """Raises `OSError` where what is there is not replaced by a file."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "a folder is in the way of a file: choose another", str(path))
    if path.exists() and not path.is_file():
        raise FileExistsError(errno.EEXIST, "a device or a pipe is in the way of a file: choose another", str(path))


def check_writable(folder: Path) -> None:
    """See that a folder takes a file, or can be made: before long work whose result goes there. Nothing is left behind.

    Raises:
        OSError: it does not, or cannot; it names the folder, or what is in its way.
    """
    missing = [each for each in (folder, *folder.parents) if not os.path.lexists(each)]
    try:
        make_folder(folder)
        _try(folder)
    finally:
        with suppress(OSError):  # somebody else has put something there, or it was not made
            for each in missing:
                each.rmdir()


def _try(folder: Path) -> None:
    """Make a file of no name in a folder. Raises `OSError`, of the folder's name."""
    try:
        TemporaryFile(dir=folder).close()
    except OSError as error:
        raise _renamed(error, folder) from error


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One at a time in a folder that is there: of this process's threads, and but for Windows of all processes."""
    with _ALONE:
        if sys.platform == "win32":
            yield
            return
        import fcntl

        held = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield
        finally:
            os.close(held)


def locked(file: BinaryIO) -> bool:
    """Whether an open file is this process's own from now on, as long as it is open; else it is another's. Where a file
    system knows no locks, as some of clusters, it is."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(2**31 - 2)  # beyond what is read, which the lock would keep others from
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True
    return True


def make_folder(folder: Path) -> None:
    """Make a folder and those above it. Raises `OSError`, which says so where a file is in the way."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        file = next(each for each in (folder, *folder.parents) if os.path.lexists(each))
        raise NotADirectoryError(
            errno.ENOTDIR, "a file is in the way of a folder: choose another", str(file)
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all, as UTF-8."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")

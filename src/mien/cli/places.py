"""Where a verb may write: not over what it reads, not among it, and no two outputs into one file."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from mien.errors import MienError
from mien.files import check_file
from mien.intake import URL
from mien.sources import is_pattern


def check_outside(sources: Iterable[str | Path | None], out: str | Path) -> None:
    """See that a run does not read what it writes, nor the next one what this one wrote.

    Args:
        sources: what is read: folders, patterns, addresses, files; None where nothing was named.
        out: a folder, or a file.

    Raises:
        MienError: it lies among them.
    """
    if any(_reaches(source, _parts(out)) for source in _read(sources)):
        raise MienError(f"{out} lies among the sources: choose a folder outside")


def check_other(sources: Iterable[str | Path | None], out: Path) -> None:
    """See that a folder is none of those that are read, where one of them may hold it.

    Raises:
        MienError: it is one of them.
    """
    if _place(out) in map(_place, _read(sources)):
        raise MienError(f"{out}: that is what is read: choose another folder")


def check_files(outputs: Sequence[Path | None], sources: Iterable[str | Path | None]) -> None:
    """See that files can be written, before long work.

    Args:
        outputs: the files; None where one was not asked for.
        sources: files that are read, likewise.

    Raises:
        MienError: one would be written over what is read, or two over each other.
        OSError: one cannot be written.
    """
    read = set(map(_place, _read(sources)))
    written: set[str] = set()
    for path in outputs:
        if path is None:
            continue
        place = _place(path)
        if place in read:
            raise MienError(f"{path}: that is what is read: choose another name or folder")
        if place in written:
            raise MienError(f"{path}: two files would be written there: choose another name for one of them")
        written.add(place)
        check_file(path)


def _read(sources: Iterable[str | Path | None]) -> Iterator[str]:
    """What is read where these are named: they, and what an index of a dataset was made of."""
    for source in (os.fspath(named) for named in sources if named is not None):
        yield source
        if source.lower().endswith(".json") and os.path.isfile(source):
            from mien.datasets.index import led

            yield from map(os.fspath, led(Path(source)))


def _reaches(source: str, there: Sequence[str]) -> bool:
    """Whether files in a folder, of these parts, would be read where the source is named."""
    address = URL.match(source)
    pattern = glob.has_magic(source) if address else is_pattern(source)
    if not (address or pattern or os.path.isdir(source)):
        return False
    parts = _parts(source) if address else Path(source).parts
    plain = next((place for place, part in enumerate(parts) if pattern and glob.has_magic(part)), len(parts))
    top = parts[:plain] if address else _parts(Path(*parts[:plain]))
    return there[: len(top)] == top and _agree(there[len(top) :], parts[plain:])


def _agree(names: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether a pattern matches a folder of these names, one above it, or perhaps what is in it."""
    for name, part in zip(names, pattern, strict=False):
        if "**" in part:
            return True
        if not fnmatchcase(name, part):
            return False
    return True


def _parts(place: str | Path) -> Sequence[str]:
    address = os.fspath(place)
    return tuple(filter(None, address.split("/"))) if URL.match(address) else Path(place).resolve().parts


def _place(path: str | Path) -> str:
    return os.path.realpath(path)

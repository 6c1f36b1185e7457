"""Where a verb may write: not over what it reads, not among it, and no two outputs into one file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from mien.errors import MienError
from mien.files import check_file


def check_outside(sources: Iterable[str | Path], out: str | Path) -> None:
    """Raises `MienError` where a run would read what it writes, or the next one what this one wrote."""
    folders = [Path(source).resolve() for source in sources if Path(source).is_dir()]
    if any(Path(out).resolve().is_relative_to(folder) for folder in folders):
        raise MienError(f"{out} lies among the sources: choose a folder outside")


def check_files(outputs: Sequence[Path | None], sources: Iterable[str | Path | None]) -> None:
    """See that files can be written, before long work.

    Args:
        outputs: the files; None where one was not asked for.
        sources: files that are read, likewise.

    Raises:
        MienError: one would be written over what is read, or two over each other.
        OSError: one cannot be written.
    """
    read = {os.path.realpath(source) for source in sources if source is not None}
    written: set[str] = set()
    for path in outputs:
        if path is None:
            continue
        place = os.path.realpath(path)
        if place in read:
            raise MienError(f"{path}: that is what is read: choose another name")
        if place in written:
            raise MienError(f"{path}: two files would be written there: choose another name for one of them")
        written.add(place)
        check_file(path)

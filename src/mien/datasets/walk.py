"""Finding the image files below a folder, in an order that does not depend on the machine.

What is an image is told by its suffix, in any case. Hidden files are no part of a dataset, nor are those of other
kinds, which `mien data info` tells of.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from mien.errors import DataError
from mien.sources import LEFT_BY_SYSTEMS, SHADOWS, SUFFIXES


def image_files(folder: Path) -> list[Path]:
    """The image files below a folder, at any depth, relative to it and sorted. Links are followed; a folder that leads
    back into itself is entered once.

    Raises:
        DataError: a folder cannot be listed.
    """
    return sorted_out(folder)[0]


def sorted_out(folder: Path) -> tuple[list[Path], list[Path]]:
    """As `image_files`, and beside these the files that are no images by their suffix, likewise."""
    found: list[Path] = []
    _collect(folder, Path(), frozenset({os.path.realpath(folder)}), found)
    return sorted_by_kind(found)


def sorted_by_kind(files: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """The files that are images by their suffix, and the others, both sorted."""
    images, others = [], []
    for file in sorted(files):
        name = file.name.lower()
        if name.endswith(SUFFIXES):
            images.append(file)
        elif name not in LEFT_BY_SYSTEMS:
            others.append(file)
    return images, others


def no_part(place: str) -> bool:
    """Whether a place, written with `/`, is hidden or lies where file managers leave shadows."""
    parts = place.split("/")
    return any(part.startswith(".") for part in parts) or not SHADOWS.isdisjoint(parts[:-1])


def few(names: list[str], most: int = 5) -> str:
    """The first names in words, and how many more there are: `"a, b and 3 more"`; `"none"` of none."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(names[:most]) or "none") + more


def with_counts(counts: Mapping[str, int], most: int = 10) -> str:
    """Words, and how many of each there are: `"calm (6), 0 (2)"`; as `few`."""
    return few([f"{word} ({n})" for word, n in counts.items()], most)


def _collect(folder: Path, below: Path, above: frozenset[str], found: list[Path]) -> None:
    try:
        entries = list(os.scandir(folder / below))
    except OSError as error:
        raise DataError(f"{folder / below}: cannot be listed: {error.strerror}") from error
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if os.path.isdir(entry.path):  # DirEntry.is_dir raises where a link leads to itself
            real = os.path.realpath(entry.path)
            if entry.name not in SHADOWS and real not in above:
                _collect(folder, below / entry.name, above | {real}, found)
        elif os.path.isfile(entry.path) or not os.path.exists(entry.path):  # no pipes, sockets and devices
            found.append(below / entry.name)

"""From words to files: what a folder holds and what a pattern matches, on a disk or in a store, in order.

A word that names nothing is an error: a mistyped folder is no run without rows.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from fnmatch import translate
from glob import has_magic
from io import BytesIO
from itertools import takewhile
from pathlib import Path

from mien.batch.sources import ARROW
from mien.batch.stores import File, file_at, files_below, is_address, joined
from mien.datasets.rows import KINDS as LISTS
from mien.datasets.walk import no_part, sorted_out
from mien.errors import DataError
from mien.intake import describe
from mien.sources import SUFFIXES, Nothing, PassedOver, expand, is_pattern
from mien.wording import counted

TABLES = (".parquet", ".pq", *ARROW)
ARCHIVES = (".tar", ".tar.gz", ".tgz")
LANCE = ".lance"


def list_files(words: Iterable[str], passed_over: PassedOver) -> list[File]:
    """The files that words name, each once.

    Args:
        words: folders, files, and patterns such as `s3://bucket/2026/**/*.jpg`. Of a folder all images below count; or,
            where there is none, all tables and archives.
        passed_over: counts the other files in folders.

    Raises:
        DataError: a word names nothing, or what cannot be read, or a folder with images and tables.
        StoreError: a store does not answer.
    """
    return list(dict.fromkeys(file for word in words for file in _named(word, passed_over)))


def kind_of_file(place: str) -> str:
    """`"tables"`, `"archives"`, `"lists"`, or else `"images"`: told by the name's end, in any case."""
    name = place.lower()
    kinds = {"tables": TABLES, "archives": ARCHIVES, "lists": LISTS}
    return next((kind for kind, suffixes in kinds.items() if name.endswith(suffixes)), "images")


def _named(word: str, passed_over: PassedOver) -> Iterator[File]:
    """The files of a word."""
    if word.rstrip("/").lower().endswith(LANCE):
        raise DataError(f"{word}: Lance is not read: write its images as parquet")
    if is_address(word):
        yield from _in_store(word, passed_over)
    elif os.path.isdir(word):
        yield from _folder(word, passed_over)
    elif is_pattern(word):
        yield from map(_file, _images_of(word, passed_over))
    else:
        yield _file(word)


def _images_of(word: str, passed_over: PassedOver) -> Iterator[str]:
    """As `mien predict` takes a folder or a pattern."""
    for source in expand([word], BytesIO(), passed_over):
        if isinstance(source, Nothing):
            raise DataError(f"{source.name}: {source.reason}")
        yield str(source)


def _file(path: str) -> File:
    """A path on a disk; of a link that leads nowhere, for its row to say so, the size is -1."""
    try:
        path.encode()
        found = os.stat(path)
    except UnicodeEncodeError as error:
        raise DataError(f"{describe(path)}: a name that is not UTF-8, which no table can hold: rename it") from error
    except OSError as error:
        if os.path.islink(path):
            return File(path, -1, -1)
        raise DataError(f"{path}: {error.strerror or error}") from error
    return File(path, found.st_size, found.st_mtime_ns)


def _folder(folder: str, passed_over: PassedOver) -> Iterator[File]:
    """A folder's images; or, where there are none, its tables and archives."""
    over = PassedOver()
    images = [str(source) for source in expand([folder], BytesIO(), over) if not isinstance(source, Nothing)]
    others: list[str] = []
    if any(suffix in TABLES or suffix in ARCHIVES or suffix == ".gz" for suffix in over):
        found = [os.path.join(folder, place) for place in sorted_out(Path(folder))[1]]
        others = [place for place in found if place.lower().endswith((*TABLES, *ARCHIVES))]
    if images and others:
        raise DataError(
            f"{folder} holds {counted(len(images), 'image')} and {others[0]}: name those that you mean, "
            f"such as {joined(folder, '*' + os.path.splitext(others[0])[1])}"
        )
    if not images and not others:
        list(_images_of(folder, passed_over))  # which says what there is
    passed_over.update(over if images else {})
    yield from map(_file, images or others)


def _in_store(word: str, passed_over: PassedOver) -> Iterator[File]:
    """The files of an address: what a pattern matches, a file, or what lies below a folder."""
    plain = "/".join(takewhile(lambda part: not has_magic(part), word.split("/")))
    if not is_address(plain):
        raise DataError(f"{word}: a pattern begins behind the name of the bucket")
    if plain == word and (file := file_at(word)):
        yield file
        return
    try:
        files = files_below(plain)
    except FileNotFoundError as error:
        raise DataError(f"{word}: there is no such file or folder") from error
    if plain != word:
        wanted = _pattern(word)
        files = [file for file in files if wanted.fullmatch(file.place)]
    empty = True
    for file in files:
        if no_part(file.place.removeprefix(plain).lstrip("/")):
            continue
        if file.place.lower().endswith((*SUFFIXES, *TABLES, *ARCHIVES)) or (plain != word and "*" not in word[-1:]):
            empty = False
            yield file
        else:
            passed_over[os.path.splitext(file.place)[1].lower()] += 1
    if empty:
        raise DataError(f"{word}: {'no file matches this pattern' if plain != word else 'a folder without images'}")


def _pattern(word: str) -> re.Pattern[str]:
    """A pattern of places: `*`, `?` and brackets stay within a folder, `**/` goes through any number of them."""
    meaning = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = re.split(r"(\*\*/|\*\*|\*|\?|\[!?\]?[^\]/]*\])", word)
    parts = (meaning.get(piece) or (_one_of(piece) if piece.startswith("[") else re.escape(piece)) for piece in pieces)
    return re.compile("".join(parts), re.DOTALL)


def _one_of(brackets: str) -> str:
    """What brackets mean on a disk, such as `[!0-9]`, without the end that `translate` adds; never a stroke."""
    return "(?!/)" + translate(brackets)[: -len(r"\Z")]

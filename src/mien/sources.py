"""Sources: what a user names on a command line becomes images to read, one at a time.

Nothing that might be an image is passed over in silence: what cannot be read still comes out, for `read_image` to say
why. Pipes, sockets and devices are read where they are named, and not looked for in folders.
"""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import BinaryIO

from mien.image import LIMITS, ImageSource

STDIN = "-"
LEFT_BY_SYSTEMS = frozenset({"thumbs.db", "desktop.ini"})
SHADOWS = frozenset({"__MACOSX", "@eaDir"})
"""Folders that file managers leave behind, with shadows of the images in them."""


class Piped(BytesIO):
    """What came through a pipe, which can be read but once.

    Args:
        name: of the pipe.
        pipe: binary.
    """

    def __init__(self, name: str, pipe: BinaryIO) -> None:
        super().__init__(pipe.read(LIMITS.max_bytes + 1))
        self.name = name


def expand(words: Iterable[str], stdin: BinaryIO) -> Iterator[ImageSource]:
    """The images that words name.

    Args:
        words: files; folders (every file below, in the order of names, that is not hidden and was not left there by a
            system); patterns such as `*.jpg`, which may match folders; or `-` for one image from `stdin`. A word that
            names nothing, or a folder with nothing in it, comes out as it is.
        stdin: binary.
    """
    for word in words:
        if word == STDIN:
            yield Piped("<stdin>", stdin)
        elif os.path.isdir(word):
            yield from _folder(word)
        elif not os.path.lexists(word) and glob.has_magic(word):
            yield from _or_itself(word, dict.fromkeys(_matches(word)))
        else:
            yield word


def find_images(*paths: str | os.PathLike[str]) -> Iterator[ImageSource]:
    """The images in folders, for `predict` and `stream`: every file below, as `expand` names them.

    Args:
        paths: folders, files or patterns such as `*.jpg`.
    """
    return expand([os.fspath(path) for path in paths], BytesIO())


def read_again(source: ImageSource) -> ImageSource:
    """A source that can be read twice: what comes through a pipe is read now, all else is as it was."""
    try:
        if isinstance(source, str) and stat.S_ISFIFO(os.stat(source).st_mode):
            with open(source, "rb") as pipe:
                return Piped(source, pipe)
    except (OSError, ValueError):  # for `read_image` to say why
        pass
    return source


def _folder(path: str) -> Iterator[str]:
    return _or_itself(path, _files(path, frozenset({os.path.realpath(path)})))


def _or_itself(word: str, paths: Iterable[str]) -> Iterator[str]:
    empty = True
    for path in paths:
        empty = False
        yield path
    if empty:
        yield word


def _matches(pattern: str) -> Iterator[str]:
    """Files that a pattern matches, and those below the folders that it matches; some may come twice.

    A folder without files comes out itself, but not where the pattern matches whatever lies below another. Only their
    own names match `SHADOWS`.
    """
    below, named = "**" in pattern, set(pattern.split(os.sep))
    for path in sorted(glob.glob(pattern, recursive=True)):
        if not SHADOWS.isdisjoint(set(path.split(os.sep)) - named):
            continue
        if os.path.isdir(path):
            yield from _files(path, frozenset({os.path.realpath(path)})) if below else _folder(path)
        else:
            yield path


def _files(folder: str, above: frozenset[str]) -> Iterator[str]:
    """Files below a folder; a folder that cannot be listed comes out itself, one that leads back up is not entered."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        yield folder
        return
    for name in names:
        path = os.path.join(folder, name)
        if name.startswith(".") or name.lower() in LEFT_BY_SYSTEMS:
            continue
        if os.path.isdir(path):
            if name not in SHADOWS and (real := os.path.realpath(path)) not in above:
                yield from _files(path, above | {real})
        elif os.path.isfile(path) or not os.path.exists(path):
            yield path

"""Sources: what a user names on a command line becomes images to read, one at a time.

What is named comes out, for `read_image` to say why it cannot be read. In folders, images are told by their suffix, in
any case; a file without one is an image if it begins like one, and all other files are passed over and counted. Pipes,
sockets and devices are read where they are named, and not looked for in folders.
"""

from __future__ import annotations

import glob
import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import BinaryIO, NoReturn

from mien.errors import ImageError, SourceError
from mien.intake import LIMITS, URL, ImageSource, Limits

STDIN = "-"
HEIC = (".heic", ".heif")
SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".avif", ".gif", ".bmp", ".dib", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".pnm", *HEIC),
)
"""Of images, in lower case. `HEIC` needs an extra: without it such a file is told of as unreadable, not passed over."""

SIGNATURES = (
    *((0, start) for start in (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"II*\0", b"MM\0*")),
    *((4, b"ftyp" + brand) for brand in (b"avif", b"hei", b"hev", b"mif1", b"msf1")),
    (8, b"WEBP"),
)
"""Where and how images begin: those that come without a suffix."""

LEFT_BY_SYSTEMS = frozenset({"thumbs.db", "desktop.ini"})
SHADOWS = frozenset({"__MACOSX", "@eaDir"})
"""Folders that file managers leave behind, with shadows of the images in them."""

MOST_SUFFIXES = 5  # named of the files that are passed over


class Piped(BytesIO):
    """What came through a pipe, which can be read but once.

    Args:
        name: of the pipe.
        pipe: binary.
        limits: how much of it is read.
    """

    def __init__(self, name: str, pipe: BinaryIO, limits: Limits = LIMITS) -> None:
        super().__init__(pipe.read(limits.max_bytes + 1))
        self.name = name


class Nothing(BytesIO):
    """A word in which there is nothing to read; whoever reads it is told why.

    Args:
        name: the word.
        reason: why.
        others: whether there are files, of which none is an image.
    """

    def __init__(self, name: str, reason: str, *, others: bool = False) -> None:
        super().__init__()
        self.name, self.reason, self.others = name, reason, others

    def __repr__(self) -> str:
        return f"Nothing({self.name!r}, {self.reason!r})"

    def read(self, size: int | None = -1, /) -> NoReturn:
        raise ImageError(self.reason)


class PassedOver(Counter[str]):
    """Counts the files in folders that are no images by their suffix: by it, in lower case."""

    def __str__(self) -> str:
        """`"3 files that are no images: 2 .json, 1 .mov"`."""
        kinds = [f"{count} {suffix or 'without a suffix'}" for suffix, count in self.most_common(MOST_SUFFIXES)]
        others = self.total() - sum(count for _, count in self.most_common(MOST_SUFFIXES))
        few = ", ".join(kinds + [f"{others} others"] * bool(others))
        return f"{self.total()} file{'s that are no images' if self.total() != 1 else ' that is no image'}: {few}"


def expand(
    words: Iterable[str], stdin: BinaryIO, passed_over: PassedOver | None = None, limits: Limits = LIMITS
) -> Iterator[ImageSource]:
    """The images that words name.

    Args:
        words: files; folders (every image below, in the order of names, that is not hidden and was not left there by a
            system); patterns such as `*.jpg`, which may match folders, and of which those that end in `*` match
            what a folder would give; or `-` for one image from `stdin`. A word that names nothing comes out as it is,
            and one in which there is no image as `Nothing`.
        stdin: binary.
        passed_over: counts the other files in folders.
        limits: how much is read of `stdin`.
    """
    passed_over = PassedOver() if passed_over is None else passed_over
    for word in words:
        if word == STDIN:
            yield Piped("<stdin>", stdin, limits)
        elif os.path.isdir(word):
            yield from _folder(word, passed_over)
        elif is_pattern(word):
            found = dict.fromkeys(_matches(word, passed_over))
            yield from found or [Nothing(word, "no image matches this pattern")]
        else:
            yield word


def find_images(*paths: str | os.PathLike[str]) -> Iterator[ImageSource]:
    """The images in folders, for `predict` and `stream`: every image below, in the order of names, none that is hidden.

    Args:
        paths: folders, files or patterns such as `*.jpg`.

    Yields:
        Paths. What is not there comes out as well, and so does a pattern that matches nothing: whoever reads it is told
        why it is no image.

    Raises:
        SourceError: one is no path.
    """
    if wrong := [path for path in paths if not isinstance(path, str | os.PathLike)]:
        advice = ": give them one by one, find_images(*paths)" if isinstance(wrong[0], Iterable) else ""
        raise SourceError(f"expected paths of folders and files, or patterns; got {type(wrong[0]).__name__}{advice}")
    return expand([os.fspath(path) for path in paths], BytesIO())


def read_again(source: ImageSource, limits: Limits = LIMITS) -> ImageSource:
    """A source that can be read twice: what comes through a pipe is read now, all else is as it was."""
    try:
        if isinstance(source, str) and stat.S_ISFIFO(os.stat(source).st_mode):
            with open(source, "rb") as pipe:
                return Piped(source, pipe, limits)
    except (OSError, ValueError):  # for `read_image` to say why
        pass
    return source


def tops(words: Iterable[str]) -> list[str]:
    """The folders that words name, each with a separator at its end; of a pattern, the one in which it begins."""
    found = []
    for word in words:
        if os.path.isdir(word):
            found.append(os.path.join(word, ""))
        elif is_pattern(word):
            parts = word.split(os.sep)
            plain = next(place for place, part in enumerate(parts) if glob.has_magic(part))
            found.append(os.path.join(os.sep.join(parts[:plain]) or (os.sep if word.startswith(os.sep) else ""), ""))
    return found


def sub_folder(path: str, tops: Iterable[str]) -> str:
    """Where a file lies below the first of `tops` that it is below; `""` beside or outside of them."""
    for top in tops:
        if path.startswith(top):
            below = os.path.dirname(path[len(top) :])
            return "" if os.path.isabs(below) or os.pardir in below.split(os.sep) else below
    return ""


def is_pattern(word: str) -> bool:
    """Whether files are named by a pattern, and not by the name of one that is there, or an address."""
    return glob.has_magic(word) and not os.path.lexists(word) and not URL.match(word)


def _folder(path: str, passed_over: PassedOver) -> Iterator[ImageSource]:
    before, empty = PassedOver(passed_over), True
    for found in _files(path, frozenset({os.path.realpath(path)}), passed_over):
        empty = False
        yield found
    if empty:
        others = PassedOver(passed_over - before)
        are = "is" if others.total() == 1 else "are"
        there = f": there {are} {others}" if others else ""
        yield Nothing(path, f"a folder without images{there}", others=bool(others))


def _matches(pattern: str, passed_over: PassedOver) -> Iterator[ImageSource]:
    """Files that a pattern matches, and those below the folders that it matches; some may come twice.

    A folder without files comes out itself, but not where the pattern matches whatever lies below another. Only their
    own names match `SHADOWS`.
    """
    below, named = "**" in pattern, set(pattern.split(os.sep))
    whatever = set(os.path.basename(pattern)) <= {"*"}
    for path in sorted(glob.glob(pattern, recursive=True)):
        if not SHADOWS.isdisjoint(set(path.split(os.sep)) - named):
            continue
        if not os.path.isdir(path):
            if not whatever or _is_image(path, passed_over):
                yield path
        elif below:
            counted = PassedOver() if whatever else passed_over  # the pattern matches each of its files as well
            yield from _files(path, frozenset({os.path.realpath(path)}), counted)
        else:
            yield from _folder(path, passed_over)


def _files(folder: str, above: frozenset[str], passed_over: PassedOver) -> Iterator[ImageSource]:
    """Images below a folder; a folder that cannot be listed comes out itself, one that leads back up is not entered."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        yield Nothing(folder, f"a folder that cannot be listed: {error.strerror or error}")
        return
    for name in names:
        path = os.path.join(folder, name)
        if name.startswith(".") or name.lower() in LEFT_BY_SYSTEMS:
            continue
        if os.path.isdir(path):
            if name not in SHADOWS and (real := os.path.realpath(path)) not in above:
                yield from _files(path, above | {real}, passed_over)
        elif (os.path.isfile(path) or not os.path.exists(path)) and _is_image(path, passed_over):
            yield path


def _is_image(path: str, passed_over: PassedOver) -> bool:
    suffix = os.path.splitext(path)[1].lower()
    if suffix in SUFFIXES or (not suffix and _begins_like_one(path)):
        return True
    passed_over[suffix] += 1
    return False


def _begins_like_one(path: str) -> bool:
    """A file that cannot be read does as well, for `read_image` to say why."""
    try:
        with open(path, "rb") as file:
            start = file.read(16)
    except OSError:
        return True
    return any(start.startswith(signature, place) for place, signature in SIGNATURES)

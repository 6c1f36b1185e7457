"""The files of a dataset as every form sees them: those below a folder, those in a zip, or one file alone.

Their places are relative. A zip is read whole, into memory, and nothing of it is unpacked onto the disk.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath
from typing import BinaryIO, TextIO

from mien.datasets.base import SPLITS
from mien.datasets.walk import no_part, sorted_by_kind, sorted_out
from mien.errors import DataError
from mien.files import digest, stamp
from mien.intake import ImageSource
from mien.labels import canonical
from mien.wording import reason

MOST_UNPACKED = 1_000_000_000  # bytes of a zip's files together, which are held in memory


@dataclass(frozen=True)
class Tree:
    """The files of a dataset, found once.

    Args:
        path: what the user named, or the folder in it that holds everything.
        root: the folder that places are relative to.
        known: words that are labels for sure: the emotions of known sets, and what the user maps.
        images: places of the files that are images by their suffix, sorted.
        others: places of the other files, sorted.
        members: the bytes of each file, where they come from a zip.
    """

    path: Path
    root: Path
    known: frozenset[str]
    images: tuple[Path, ...]
    others: tuple[Path, ...]
    members: dict[Path, bytes] | None = None

    @property
    def alone(self) -> bool:
        """Whether the user named one file, not a folder or a zip."""
        return self.path != self.root and self.members is None

    def has(self, place: Path) -> bool:
        return (self.root / place).is_file() if self.members is None else place in self.members

    def source(self, place: Path) -> ImageSource:
        """What `read_image` takes; of a file that is not there it says so."""
        return (self.members or {}).get(place, self.root / place)

    def file(self, place: Path) -> Path | BinaryIO:
        """What libraries that take paths or binary files take."""
        return self.root / place if self.members is None else io.BytesIO(self.members[place])

    def stamp(self, place: Path) -> str:
        """What tells that a file was changed; of one in a zip, a hash of its bytes."""
        return stamp(self.root / place) if self.members is None else digest(self.members[place])

    def text(self, place: Path) -> TextIO:
        """A file of text, open, in UTF-8 with or without a mark. Raises `OSError`."""
        if self.members is None:
            return (self.root / place).open(newline="", encoding="utf-8-sig")
        return io.TextIOWrapper(io.BytesIO(self.members[place]), encoding="utf-8-sig", newline="")

    def within(self) -> Tree | None:
        """The one folder that holds everything, where there is one that is neither a split nor a label."""
        inside = self.images or self.others
        tops = {place.parts[0] for place in inside if len(place.parts) > 1}
        if len(tops) != 1 or any(len(place.parts) == 1 for place in inside):
            return None
        (top,) = tops
        if top.lower() in SPLITS or canonical(top) in self.known:
            return None

        def below(places: tuple[Path, ...]) -> tuple[Path, ...]:
            return tuple(place.relative_to(top) for place in places if place.parts[0] == top)

        if self.members is None:
            return replace(
                self,
                path=self.path / top,
                root=self.root / top,
                images=below(self.images),
                others=below(self.others),
            )
        members = {place.relative_to(top): data for place, data in self.members.items() if place.parts[0] == top}
        return replace(self, images=below(self.images), others=below(self.others), members=members)


def find_tree(path: Path, known: frozenset[str]) -> Tree:
    """The files of a dataset at a path that is there.

    Raises:
        DataError: a folder cannot be listed, or a zip is damaged, locked, too large or not to be trusted.
    """
    if path.is_dir():
        images, others = sorted_out(path)
        return Tree(path, path, known, tuple(images), tuple(others))
    if path.suffix.lower() == ".zip":
        members = _unpacked(path)
        images, others = sorted_by_kind(members)
        return Tree(path, path, known, tuple(images), tuple(others), members)
    return replace(one_file(path), known=known)


def one_file(path: Path) -> Tree:
    """A file alone, whatever it is."""
    return Tree(path, path.parent, frozenset(), (), (Path(path.name),))


def _unpacked(path: Path) -> dict[Path, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [each for each in archive.infolist() if not each.is_dir()]
            for member in members:
                if _leads_out(member.filename):
                    raise DataError(f"{path}: {member.filename!r} leads out of the zip; nothing is read of such a file")
            if (size := sum(member.file_size for member in members)) > MOST_UNPACKED:
                most = f"more than the {MOST_UNPACKED / 1e9:g} GB that are read from a zip"
                raise DataError(f"{path}: {size / 1e9:.1f} GB when unpacked, {most}: unpack it first")
            kept = [member for member in members if not no_part(member.filename)]
            return {Path(member.filename): archive.read(member) for member in kept}
    except (OSError, zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError) as error:
        raise DataError(f"{path}: not a readable zip ({reason(error)}): unpack it first") from error
    except RuntimeError as error:  # what is locked by a password
        raise DataError(f"{path}: {error}: unpack it first") from error


def _leads_out(name: str) -> bool:
    place = PureWindowsPath(name)  # which takes `/` as well
    return bool(place.anchor) or ".." in place.parts

"""An image folder: `[split/]label/*`, with a folder for each person if need be, above or below the labels.

The folders' names say each image's split, label and person. Labels are read by any of their spellings; a user's own
words are labels as well, but which of two folders is the label is told by the words of known sets.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from mien.datasets.base import Dataset, Example, own_labels, split_named
from mien.datasets.names import people_named
from mien.datasets.tree import Tree
from mien.datasets.walk import few
from mien.errors import DataError
from mien.intake import describe
from mien.labels import canonical

LAYOUT = "[split/]label/*"
TO_BE_SURE = 2  # labels of known sets, among folders that may be labels or people


def is_folder(tree: Tree) -> bool:
    return not tree.within() and any(len(_below_split(place)[1]) == 1 for place in tree.images)


def has_known_labels(tree: Tree) -> bool:
    """Whether it is such a folder, wrapped or not, with labels of known sets."""
    inner = tree.within()
    return has_known_labels(inner) if inner else is_folder(tree) and _known(tree, 0) >= TO_BE_SURE


def is_people_folder(tree: Tree) -> bool:
    return _label_level(tree) is not None


def read_folder(tree: Tree) -> Dataset:
    """A folder of label folders, or a folder of splits (`train`, `val`, `test`, ...) that hold them.

    Raises:
        DataError: an image that is in no label folder or deeper than one, or fewer than two labels.
    """
    found = [_below_split(place) for place in tree.images]
    astray = [describe(place) for place, (_, rest) in zip(tree.images, found, strict=True) if len(rest) != 1]
    if astray:
        raise DataError(f"{tree.path}: expected images as {LAYOUT}, also found {few(astray)}")
    examples = tuple(
        Example(name=describe(place.as_posix()), source=tree.source(place), split=split, label=_label(rest[0]))
        for place, (split, rest) in zip(tree.images, found, strict=True)
    )
    return people_named(_dataset(tree, "image folder", examples, ("labels: the folders' names",)))


def read_people_folder(tree: Tree) -> Dataset:
    """Label folders that hold a folder for each person, or people's folders that hold label folders.

    The label is the first folder at whose level two words of known sets stand. A person is the folder next to it: below
    it where the labels come first, else above it; of one name alone they are of nobody. Folders deeper down, such as
    sequences, say nothing.

    Raises:
        DataError: an image with no such folder above it, or fewer than two labels.
    """
    level = _label_level(tree) or 0
    person = level - 1 if level else 1
    found = [_below_split(place) for place in tree.images]
    needed = max(level, person) + 1
    people = {describe(rest[person]) for _, rest in found if len(rest) > person}
    who = "person" if len(people) > 1 else "*"
    layout = f"[split/]label/{who}/*" if not level else "[split/]" + "*/" * (level - 1) + f"{who}/label/*"
    astray = [describe(place) for place, (_, rest) in zip(tree.images, found, strict=True) if len(rest) < needed]
    if astray:
        raise DataError(f"{tree.path}: expected images as {layout}, also found {few(astray)}")
    examples = tuple(
        Example(
            name=describe(place.as_posix()),
            source=tree.source(place),
            split=split,
            label=_label(rest[level]),
            attributes={"person": describe(rest[person])} if len(people) > 1 else {},
        )
        for place, (split, rest) in zip(tree.images, found, strict=True)
    )
    side = "above" if level else "below"
    they = f"the folders {side} the labels'"
    named = f"{they}, such as {min(people)}" if len(people) > 1 else f"none, as {they} have one name, {min(people)}"
    notes = ("labels: the folders' names", f"people: {named}")
    return people_named(_dataset(tree, f"image folder {layout}", examples, notes))


def _dataset(tree: Tree, form: str, examples: tuple[Example, ...], notes: tuple[str, ...]) -> Dataset:
    splits = sorted({example.split for example in examples})
    if "all" in splits and len(splits) > 1:
        loose = sorted({Path(example.name).parts[0] for example in examples if example.split == "all"})
        splits.remove("all")
        raise DataError(f"{tree.path}: beside the splits {', '.join(splits)} there are images in {few(loose)}")
    labels = own_labels(tree.path, (example.label for example in examples))
    passed_over = tuple(describe(place.as_posix()) for place in tree.others)
    notes += ("splits: " + ("the folders' names" if splits != ["all"] else "none"),)
    return Dataset(tree.path, form, labels, examples, passed_over, notes)


def _below_split(place: Path) -> tuple[str, tuple[str, ...]]:
    """An image's split, and the folders that it is in but for that of its split."""
    folders = place.parts[:-1]
    at = next((level for level, name in enumerate(folders[:2]) if split_named(name)), None)
    if at is None:
        return "all", folders
    return split_named(folders[at]), folders[:at] + folders[at + 1 :]


def _label(folder: str) -> str:
    return canonical(describe(folder))


def _known(tree: Tree, level: int) -> int:
    """How many different words of known sets stand at a level below the splits."""
    words = Counter(_label(rest[level]) for place in tree.images if len(rest := _below_split(place)[1]) > level)
    return len(words.keys() & tree.known)


def _label_level(tree: Tree) -> int | None:
    """The level of the labels, where images lie at least two folders deep."""
    if is_folder(tree) or tree.within():
        return None
    deepest = max((len(_below_split(place)[1]) for place in tree.images), default=0)
    levels = range(deepest) if deepest > 1 else range(0)
    return next((level for level in levels if _known(tree, level) >= TO_BE_SURE), None)

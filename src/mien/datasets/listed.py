"""Datasets whose labels are in a list of their own kind: RAF-DB, and the folders that FER+'s script writes.

RAF-DB: Li, Deng & Du (CVPR 2017). FER+: Barsoum et al. (ICMI 2016), `generate_training_data.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mien.datasets.base import VOTES, Dataset, Example, own_labels
from mien.datasets.rows import UNREADABLE, numbered
from mien.datasets.tree import Tree
from mien.errors import DataError
from mien.intake import describe
from mien.labels import FERPLUS8, NUMBERS
from mien.wording import counted, reason

RAF_LISTS = ("list_patition_label.txt", "list_partition_label.txt")
"""The first is how the authors spell it."""

RAF_NAME = re.compile(r"(?P<name>(?P<split>train|test)_\d+)(?P<aligned>_aligned)?\.\w+")
RAF_LABELS = {str(number): emotion for number, emotion in enumerate(NUMBERS["RAF-DB"]) if emotion}

FERPLUS_LIST = "label.csv"
FERPLUS_SPLITS = {"fer2013train": "train", "fer2013valid": "valid", "fer2013test": "test"}


def is_raf(tree: Tree) -> bool:
    return _raf_list(tree) is not None or (bool(tree.images) and all(map(_raf_folder, tree.images)))


def read_raf(tree: Tree) -> Dataset:
    """RAF-DB's list of names and labels 1..7, with the images anywhere; or its images in folders `1` to `7`.

    Of an image that is there as it was and aligned, the aligned one is read. An image of the list that is missing is
    told of as unreadable.

    Raises:
        DataError: a line that is no name and label, or no image of the list is there.
    """
    there: dict[str, Path] = {}
    for place in tree.images:
        if (known := RAF_NAME.fullmatch(place.name)) and (known["name"] not in there or known["aligned"]):
            there[known["name"]] = place
    listed = _raf_list(tree)
    labels = _raf_labels(tree, listed) if listed else {name: place.parts[-2] for name, place in there.items()}
    if not labels.keys() & there.keys():
        raise DataError(
            f"{tree.root / (listed or '')}: none of the {counted(len(labels), 'image')} it lists is below {tree.path}, "
            "neither as train_00001.jpg nor as train_00001_aligned.jpg"
        )
    places = {name: there.get(name, Path(f"{name}.jpg")) for name in labels}
    examples = tuple(
        Example(
            name=describe(places[name].as_posix()),
            source=tree.source(places[name]),
            label=RAF_LABELS[label],
            split=name.partition("_")[0],
        )
        for name, label in labels.items()
    )
    words = own_labels(tree.path, (example.label for example in examples))
    where = describe(listed.as_posix()) if listed else "the folders 1 to 7"
    notes = (f"labels: {where}, as RAF-DB numbers them", "splits: the files' names")
    return Dataset(tree.path, "RAF-DB", words, examples, notes=notes)


def is_ferplus(tree: Tree) -> bool:
    return next(_ferplus_lists(tree), None) is not None


def read_ferplus(tree: Tree) -> Dataset:
    """Folders of images with a `label.csv` each, without a header: a name, perhaps a box, and the ten votes.

    The label is what most people chose, so that images most of them called unknown or no face have a label of none.

    Raises:
        DataError: a row that is not such, or no image that is there.
    """
    examples: list[Example] = []
    for place in _ferplus_lists(tree):
        split = FERPLUS_SPLITS.get((place.parent.name or tree.path.name).lower(), "all")
        for line, row in _rows(tree, place):
            try:
                votes = tuple(int(cell) for cell in row[-len(VOTES) :])
            except ValueError:
                votes = ()
            if len(votes) != len(VOTES) or len(row) <= len(VOTES) or not row[0]:
                raise DataError(f"{tree.root / place}, line {line}: expected a name, a box and ten votes, got {row}")
            image = place.parent / row[0]
            label = VOTES[max(range(len(votes)), key=votes.__getitem__)]
            examples.append(Example(describe(image.as_posix()), tree.source(image), label, split, votes))
    if not any(place.suffix.lower() == ".png" for place in tree.images):
        raise DataError(f"{tree.path}: {FERPLUS_LIST} lists {counted(len(examples), 'image')}, none of them there")
    notes = ("labels: FER+ votes", "splits: the folders' names")
    return Dataset(tree.path, "FER+ folders", FERPLUS8, tuple(examples), notes=notes)


def _raf_list(tree: Tree) -> Path | None:
    return next((place for place in tree.others if place.name in RAF_LISTS), None)


def _raf_folder(place: Path) -> bool:
    """Whether an image is named as RAF-DB's are and lies in a folder named by a number of its labels."""
    return bool(RAF_NAME.fullmatch(place.name)) and len(place.parts) > 1 and place.parts[-2] in RAF_LABELS


def _raf_labels(tree: Tree, place: Path) -> dict[str, str]:
    labels: dict[str, str] = {}
    for line, row in _rows(tree, place, parted_by=" "):
        match " ".join(row).split():
            case [name, label] if label in RAF_LABELS and RAF_NAME.fullmatch(name):
                labels[name.partition(".")[0]] = label
            case [_, *_]:
                expected = "a name and a label 1..7, as in `train_00001.jpg 5`"
                raise DataError(f"{tree.root / place}, line {line}: expected {expected}, got {' '.join(row)}")
    return labels


def _ferplus_lists(tree: Tree) -> Iterator[Path]:
    for place in tree.others:
        if place.name == FERPLUS_LIST and len(place.parts) < 3:
            first = next(_rows(tree, place), (1, []))[1]
            if len(first) > len(VOTES) and first[0].lower().endswith(".png") and first[-1].isdigit():
                yield place


def _rows(tree: Tree, place: Path, parted_by: str = ",") -> Iterator[tuple[int, list[str]]]:
    """The rows of a list without a header, each with its line."""
    try:
        with tree.text(place) as stream:
            lines = numbered(stream, parted_by)
            yield from ((line, [cell.strip() for cell in row]) for line, row in lines if row)
    except UNREADABLE as error:
        raise DataError(f"{tree.root / place}: not a readable list in UTF-8 ({reason(error)})") from error

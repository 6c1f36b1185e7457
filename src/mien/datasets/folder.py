"""An image folder: `[split/]label/*`, where the folders' names say each image's split and label.

Labels are read by any of their spellings; a user's own words are labels as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mien.datasets.base import SPLITS, Dataset, Example
from mien.datasets.walk import few, image_files, sorted_out
from mien.errors import DataError
from mien.image import describe
from mien.labels import LABEL_SETS, LabelSet, canonical, named_set


def is_folder(path: Path) -> bool:
    return path.is_dir() and any(_split_and_label(file) for file in image_files(path))


def read_folder(path: Path) -> Dataset:
    """A folder of label folders, or a folder of splits (`train`, `val`, `test`, ...) that hold them.

    Raises:
        DataError: an image that is in no label folder or deeper than one, or fewer than two labels.
    """
    files, others = sorted_out(path)
    places = [_split_and_label(file) for file in files]
    if astray := [describe(file) for file, place in zip(files, places, strict=True) if place is None]:
        raise DataError(f"{path}: expected images as [split/]label/*, also found {few(astray)}")
    examples = tuple(
        Example(name=describe(file.as_posix()), source=path / file, split=place[0], label=place[1])
        for file, place in zip(files, places, strict=True)
        if place
    )
    splits = sorted({example.split for example in examples})
    if "all" in splits and len(splits) > 1:
        loose = sorted({Path(example.name).parts[0] for example in examples if example.split == "all"})
        splits.remove("all")
        raise DataError(f"{path}: beside the splits {', '.join(splits)} there are images in {few(loose)}")
    labels = own_labels(path, (example.label for example in examples))
    passed_over = tuple(describe(file.as_posix()) for file in others)
    return Dataset(path, "image folder", labels, examples, passed_over)


def own_labels(path: Path, labels: Iterable[str]) -> LabelSet:
    """The known label set with exactly these emotions, or else one of these words in alphabetical order.

    Raises:
        DataError: fewer than two.
    """
    words = sorted(set(labels))
    if len(words) < 2:
        raise DataError(f"{path}: expected images of at least two labels, found {few(words)}")
    same = (known for known in LABEL_SETS.values() if set(known) == set(words))
    return next(same, None) or named_set(tuple(words))


def _split_and_label(file: Path) -> tuple[str, str] | None:
    """The split and label that an image's place says, or `None` if it says none."""
    folders = list(file.parts[:-1])
    split = SPLITS[folders.pop(0).lower()] if folders and folders[0].lower() in SPLITS else "all"
    return (split, canonical(describe(folders[0]))) if len(folders) == 1 else None

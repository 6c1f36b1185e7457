"""What a dataset is, whatever form it was found in: a tuple of examples, and the label set that its own labels speak.

Splits are named `train`, `valid` and `test`; an example whose form names no split is in `all`.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.datasets.walk import few, with_counts
from mien.errors import DataError, ImageError
from mien.image import Pixels, read_image
from mien.intake import ADDRESS, URL, ImageSource, without_secrets
from mien.labels import FERPLUS8, LABEL_SETS, LabelSet, named_set
from mien.wording import CONTROL, counted

SPLITS = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "dev": "valid",
    "development": "valid",
    "val": "valid",
    "validation": "valid",
    "publictest": "valid",
    "test": "test",
    "eval": "test",
    "evaluation": "test",
    "testing": "test",
    "privatetest": "test",
}
"""Spellings of splits found in published datasets (lower case), and the split each one means."""

AROUND = frozenset(("set", "data", "dataset", "images", "image", "imgs", "faces", "split"))
"""Words that stand beside one of these, as in AffectNet's `train_set` and `val_set`."""


def split_named(name: str) -> str:
    """The split that a folder or a cell names, such as `train`, `Val_Set` or `Test Images`; `""` if none."""
    said = "".join(word for word in re.split(r"[\s_-]+", name.lower()) if word not in AROUND)
    return SPLITS.get(said) or SPLITS.get(said.removesuffix("set"), "")


NOBODY = "none"
"""Said where people are to be named: what was taken for their names is none."""

NO_LABEL = -1
"""The target of an example that is not to be judged in a label set."""


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled image of a dataset.

    Args:
        name: a path or row that finds it again; unique in its dataset.
        source: what `read_image` takes.
        label: the dataset's own label, a canonical emotion.
        split: `train`, `valid`, `test` or `all`.
        votes: how many of ten people chose each of `VOTES`; empty where nobody was asked.
        attributes: what is known of the person (`person`, `gender`, `age`, `country`) and of the image, by column.
        group: what it stays together with beside the images of its person, such as its copies; empty where by itself.
    """

    name: str
    source: ImageSource
    label: str
    split: str = "all"
    votes: tuple[int, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    group: str = ""


VOTES = (*FERPLUS8.emotions, "unknown", "not-a-face")
"""What the columns of FER+ votes stand for."""


@dataclass(frozen=True)
class Dataset:
    """Examples and the label set of their own labels.

    Args:
        path: where it was read.
        form: the layout it was recognised by, in words.
        labels: the label set of `Example.label`.
        examples: at least one.
        passed_over: the files beside them that were not read: no images by their suffix, or in no list.
        notes: how labels, splits and people were read, and what was left out, in sentences.
        mapping: labels as the user renamed them, and `""` for those to leave out; see `open_dataset`, as `group`.
        group: where the user said that people are named.
        left_out: how many images an index leaves out (see `index`), by split.

    Raises:
        DataError: no example at all.
    """

    path: Path
    form: str
    labels: LabelSet
    examples: tuple[Example, ...]
    passed_over: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    mapping: Mapping[str, str] = field(default_factory=dict)
    group: str | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.examples:
            raise DataError(f"{self.path}: {self.form} without a single example")

    def __len__(self) -> int:
        return len(self.examples)

    @cached_property
    def splits(self) -> tuple[str, ...]:
        """The splits there are, in the order train, valid, test, all."""
        present = {example.split for example in self.examples}
        return tuple(split for split in ("train", "valid", "test", "all") if split in present)

    @cached_property
    def names_sha256(self) -> str:
        """Tells datasets apart by the names of their examples, whatever splits these are in."""
        return hashlib.sha256("\0".join(sorted(example.name for example in self.examples)).encode()).hexdigest()

    @property
    def files(self) -> tuple[Path, ...]:
        """Those of its images; none of a table or a zip that holds them."""
        return tuple(each.source for each in self.examples if isinstance(each.source, Path))

    @cached_property
    def has_votes(self) -> bool:
        return any(example.votes for example in self.examples)

    def outside(self, labels: LabelSet) -> dict[str, int]:
        """The examples' own labels that a label set lacks, and how many have each, most frequent first."""
        counts = Counter(each.label for each in self.examples if each.label not in labels)
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def split(self, name: str) -> Dataset:
        """The examples of one split. Raises `DataError`, listing the splits there are."""
        if name not in self.splits:
            raise DataError(f"{self.path}: no split {name!r}; there are {', '.join(self.splits)}")
        return replace(self, examples=tuple(example for example in self.examples if example.split == name))

    def of(self, labels: LabelSet) -> Dataset:
        """The examples whose own label is in a label set, which becomes their dataset's.

        Raises:
            DataError: no example has.
        """
        examples = tuple(each for each in self.examples if each.label in labels)
        if not examples:
            raise DataError(
                f"{self.path}: no image has a label of {labels.name} ({', '.join(labels)}); "
                f"there are {with_counts(self.outside(labels))}: say with --map what they mean"
            )
        return replace(self, labels=labels, examples=examples)

    def targets(self, labels: LabelSet) -> NDArray[np.int64]:
        """Each example's position in a label set, shape (n,); `NO_LABEL` where it is not to be judged there.

        FER+ votes decide where the set is `ferplus8` and there are votes (see `majority`); otherwise the dataset's
        own label decides, and an emotion that the set lacks is not judged.
        """
        if labels == FERPLUS8 and self.has_votes:
            return np.array([majority(example.votes) for example in self.examples], np.int64)
        index = {emotion: position for position, emotion in enumerate(labels)}
        return np.array([index.get(example.label, NO_LABEL) for example in self.examples], np.int64)

    def votes(self) -> NDArray[np.int64]:
        """Votes for each of `VOTES`, shape (n, 10); rows of zeros where nobody was asked."""
        nobody = (0,) * len(VOTES)
        return np.array([example.votes or nobody for example in self.examples], np.int64)


def majority(votes: tuple[int, ...]) -> int:
    """The official FER+ majority (Barsoum et al., 2016): a position in `ferplus8`, or `NO_LABEL`.

    Single votes are dropped as outliers; the winner needs more than half of what is left; images won by "unknown" or
    "not a face" are out.
    """
    kept = [count if count > 1 else 0 for count in votes]
    best = max(range(len(kept)), key=kept.__getitem__) if kept else 0
    if not kept or best >= len(FERPLUS8) or 2 * kept[best] <= sum(kept):
        return NO_LABEL
    return best


def load_pixels(dataset: Dataset, to_pixels: Callable[[Pixels], Pixels]) -> tuple[Dataset, Pixels, dict[str, str]]:
    """Every image of a dataset, read and brought to one size.

    Args:
        dataset: what to read.
        to_pixels: brings an image (H, W, 3) to the shape the caller wants, the same for all.

    Returns:
        The dataset without the unreadable examples; the pixels, shape (n, ...) uint8, in its order; and for each
        unreadable example's name the reason.

    Raises:
        DataError: not one example could be read.
    """
    return read_all(dataset, lambda source: to_pixels(read_image(source)))


def read_all(dataset: Dataset, read: Callable[[ImageSource], Pixels]) -> tuple[Dataset, Pixels, dict[str, str]]:
    """As `load_pixels`, with what reads a source; of an `ImageError` that it raises the message is the reason."""
    pixels: list[Pixels] = []
    readable, unreadable = read_each(dataset, read, pixels.append)
    return readable, np.stack(pixels), unreadable


def read_each(
    dataset: Dataset, read: Callable[[ImageSource], Pixels], take: Callable[[Pixels], object]
) -> tuple[Dataset, dict[str, str]]:
    """As `read_all`, but what was read is given to `take`, one by one."""
    examples, unreadable = [], {}
    for example in dataset.examples:
        try:
            pixels = read(example.source)
        except ImageError as error:
            unreadable[example.name] = str(error)
        else:
            take(pixels)
            examples.append(example)
    if not examples:
        raise nothing_read(dataset.path, unreadable)
    return replace(dataset, examples=tuple(examples)), unreadable


def nothing_read(path: Path, unreadable: Mapping[str, str]) -> DataError:
    """What is said where not one image could be read: of the first, why."""
    name, reason = next(iter(unreadable.items()))
    return DataError(f"{path}: none of {counted(len(unreadable), 'image')} could be read; the first, {name}: {reason}")


def spread(dataset: Dataset, most: int) -> Dataset:
    """At most so many examples of a dataset, evenly spread over it."""
    chosen = np.linspace(0, len(dataset) - 1, min(most, len(dataset))).round().astype(int)
    return replace(dataset, examples=tuple(dataset.examples[position] for position in chosen))


def own_labels(path: Path, labels: Iterable[str]) -> LabelSet:
    """The known label set with exactly these emotions, or else one of these words in alphabetical order.

    Raises:
        DataError: fewer than two, or one with control characters in it.
    """
    words = sorted(set(labels))
    if odd := [repr(word) for word in words if CONTROL.search(word)]:
        raise DataError(f"{path}: labels with control characters in them: {few(odd)}")
    if len(words) < 2:
        raise DataError(f"{path}: expected images of at least two labels, found {few(words)}")
    same = (known for known in LABEL_SETS.values() if set(known) == set(words))
    return next(same, None) or named_set(tuple(words))


def as_path(path: str | os.PathLike[str]) -> Path:
    """The path of a dataset. Raises `DataError` where it is none, there is nothing, or an address."""
    if not isinstance(path, str | os.PathLike):
        raise DataError(f"expected a dataset or its path, got {type(path).__name__}")
    found = Path(path)
    if begins := URL.match(os.fspath(path)):
        address = f"{begins[0]}/{os.fspath(path)[begins.end() :].removeprefix('/')}"
        raise DataError(f"{without_secrets(address)}: {ADDRESS}")
    if not found.exists():
        raise DataError(f"{found}: no such file or folder")
    return found

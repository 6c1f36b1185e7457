"""What is in a dataset, and what is wrong with it: counts, sizes, unreadable, blank and repeated images."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from mien.datasets.base import Dataset
from mien.errors import ImageError
from mien.image import read_image
from mien.labels import FERPLUS8

NO_MAJORITY = "no majority"
"""Counts the images that FER+ voters did not agree on, or that they called no face."""

COMMONEST = 5  # sizes listed


@dataclass(frozen=True)
class Info:
    """The content of a dataset.

    Args:
        path: where it was read.
        form: the layout it was recognised by.
        n: how many examples.
        labels: the dataset's own, in the order of its label set.
        counts: examples by split and own label.
        majority: by split and emotion of `ferplus8`, or `NO_MAJORITY`; empty where there are no votes.
        people: how many different people; 0 where nothing is known of them.
        sizes: the commonest (width, height, how many), commonest first.
        width: smallest and largest, px; (0, 0) where nothing could be read, as `height`.
        height: smallest and largest, px.
        unreadable: the reason by the example's name.
        passed_over: names of the files beside the images that are none by their suffix.
        blank: names of the images that are of one colour all over.
        repeated_within: by split, how many images have the very pixels of an earlier one of the same split.
        repeated_across: how many have the very pixels of an image in an earlier split (train, valid, test, all).
    """

    path: str
    form: str
    n: int
    labels: tuple[str, ...]
    counts: dict[str, dict[str, int]]
    majority: dict[str, dict[str, int]]
    people: int
    sizes: tuple[tuple[int, int, int], ...]
    width: tuple[int, int]
    height: tuple[int, int]
    unreadable: dict[str, str]
    passed_over: tuple[str, ...]
    blank: tuple[str, ...]
    repeated_within: dict[str, int]
    repeated_across: int

    def to_dict(self) -> dict[str, Any]:
        """Everything, as what JSON can hold."""
        return asdict(self)


def inspect(dataset: Dataset) -> Info:
    """Reads every image once, one at a time, and keeps a hash of each."""
    sizes: Counter[tuple[int, int]] = Counter()
    seen: dict[bytes, Counter[str]] = {}
    unreadable, blank, splits = {}, [], dataset.splits
    for example in dataset.examples:
        try:
            pixels = read_image(example.source)
        except ImageError as error:
            unreadable[example.name] = str(error)
            continue
        height, width, _ = pixels.shape
        sizes[width, height] += 1
        digest = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).digest()
        seen.setdefault(digest, Counter())[example.split] += 1
        if (pixels == pixels[0, 0]).all():
            blank.append(example.name)
    return Info(
        path=str(dataset.path),
        form=dataset.form,
        n=len(dataset),
        labels=dataset.labels.emotions,
        counts={split: _counts(dataset.split(split)) for split in splits},
        majority={split: _majority(dataset.split(split)) for split in splits} if dataset.has_votes else {},
        people=len({example.attributes["person"] for example in dataset.examples if "person" in example.attributes}),
        sizes=tuple((width, height, n) for (width, height), n in sizes.most_common(COMMONEST)),
        width=_range([width for width, _ in sizes]),
        height=_range([height for _, height in sizes]),
        unreadable=unreadable,
        passed_over=dataset.passed_over,
        blank=tuple(blank),
        repeated_within={split: sum(max(0, n[split] - 1) for n in seen.values()) for split in splits},
        repeated_across=sum(_outside_first(n, splits) for n in seen.values()),
    )


def _counts(dataset: Dataset) -> dict[str, int]:
    counts = Counter(example.label for example in dataset.examples)
    return {emotion: counts[emotion] for emotion in dataset.labels}


def _majority(dataset: Dataset) -> dict[str, int]:
    names = (*FERPLUS8, NO_MAJORITY)
    counts = Counter(names[target] for target in dataset.targets(FERPLUS8))
    return {name: counts[name] for name in names}


def _range(values: list[int]) -> tuple[int, int]:
    return min(values, default=0), max(values, default=0)


def _outside_first(by_split: Counter[str], splits: tuple[str, ...]) -> int:
    first = next(split for split in splits if by_split[split])
    return by_split.total() - by_split[first]

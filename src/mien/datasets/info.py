"""What is in a dataset, and what is wrong with it: counts, sizes, unreadable, blank and repeated images."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mien.datasets.base import Dataset
from mien.datasets.copies import Fingerprint, Leak, fingerprint, gathered, groups_of, kept_together, leaks, repeated
from mien.datasets.doubts import alike_told, folders_told, own_words, people_told
from mien.errors import ImageError
from mien.labels import FERPLUS8, NUMBERS, nearest, write_pairs
from mien.picture import open_picture

NO_MAJORITY = "no majority"
"""Counts the images that FER+ voters did not agree on, or that they called no face."""

COMMONEST = 5  # sizes listed
WHOLE = re.compile(r"\d+(\.0+)?")  # a number, as pandas writes it where other cells of its column are empty, too


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
        notes: how labels, splits and people were read, and what was left out.
        unknown: the dataset's labels that no known set has and the user did not choose, and how many images have each,
            most frequent first.
        suggested: what may be meant by those, as a mapping of them (see `read_mapping`), by the reason for it.
        warnings: what a training or a score would suffer from, in sentences.
        sizes: the commonest (width, height, how many), commonest first.
        width: smallest and largest, px; (0, 0) where nothing could be read, as `height`.
        height: smallest and largest, px.
        unreadable: the reason by the example's name.
        passed_over: names of the files that were not read: no images by their suffix, or in no list.
        blank: names of the images that are of one colour all over.
        repeated_within: by split, how many images have the very pixels of an earlier one of the same split.
        repeated_across: how many have the very pixels of an image in an earlier split (train, valid, test, all).
        leaks: by split beside `train`, how many images are copies of training images, to the pixel and nearly.
        copies: of a dataset that came without splits, how many images are copies or near copies of another.
    """

    path: str
    form: str
    n: int
    labels: tuple[str, ...]
    counts: dict[str, dict[str, int]]
    majority: dict[str, dict[str, int]]
    people: int
    notes: tuple[str, ...]
    unknown: dict[str, int]
    suggested: dict[str, str]
    warnings: tuple[str, ...]
    sizes: tuple[tuple[int, int, int], ...]
    width: tuple[int, int]
    height: tuple[int, int]
    unreadable: dict[str, str]
    passed_over: tuple[str, ...]
    blank: tuple[str, ...]
    repeated_within: dict[str, int]
    repeated_across: int
    leaks: dict[str, Leak]
    copies: int

    def to_dict(self) -> dict[str, Any]:
        """Everything, as what JSON can hold."""
        return asdict(self)


def inspect(dataset: Dataset) -> Info:
    """Reads every image once, one at a time, and keeps hashes of each."""
    sizes: Counter[tuple[int, int]] = Counter()
    seen: dict[bytes, Counter[str]] = {}
    unreadable, blank, splits = {}, [], dataset.splits
    prints = list[Fingerprint | None]()
    for example in dataset.examples:
        prints.append(None)
        try:
            picture = open_picture(example.source)
            known, pixels = fingerprint(picture), picture.pixels  # in this order: of coarse ones, as everywhere
        except ImageError as error:
            unreadable[example.name] = str(error)
            continue
        prints[-1] = known
        height, width, _ = pixels.shape
        sizes[width, height] += 1
        digest = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).digest()
        seen.setdefault(digest, Counter())[example.split] += 1
        if (pixels == pixels[0, 0]).all():
            blank.append(example.name)
    found = gathered(prints)
    together = kept_together(dataset, groups_of(dataset, found))
    counts = {split: _counts(dataset.split(split)) for split in splits}
    unknown = own_words(dataset)
    return Info(
        path=str(dataset.path),
        form=dataset.form,
        n=len(dataset),
        labels=dataset.labels.emotions,
        counts=counts,
        majority={split: _majority(dataset.split(split)) for split in splits} if dataset.has_votes else {},
        people=len({example.attributes["person"] for example in dataset.examples if "person" in example.attributes}),
        notes=dataset.notes,
        unknown=unknown,
        suggested=_suggested(unknown),
        warnings=(
            *_rare(counts),
            *_of_nobody(dataset),
            *people_told(dataset),
            *(alike_told(together) or folders_told(dataset)),
        ),
        sizes=tuple((width, height, n) for (width, height), n in sizes.most_common(COMMONEST)),
        width=_range([width for width, _ in sizes]),
        height=_range([height for _, height in sizes]),
        unreadable=unreadable,
        passed_over=dataset.passed_over,
        blank=tuple(blank),
        repeated_within={split: sum(max(0, n[split] - 1) for n in seen.values()) for split in splits},
        repeated_across=sum(_outside_first(n, splits) for n in seen.values()),
        leaks=leaks(dataset, found),
        copies=repeated(dataset, found) if splits == ("all",) else 0,
    )


def _counts(dataset: Dataset) -> dict[str, int]:
    counts = Counter(example.label for example in dataset.examples)
    return {emotion: counts[emotion] for emotion in dataset.labels}


def _majority(dataset: Dataset) -> dict[str, int]:
    names = (*FERPLUS8, NO_MAJORITY)
    counts = Counter(names[target] for target in dataset.targets(FERPLUS8))
    return {name: counts[name] for name in names}


def _suggested(unknown: Mapping[str, int]) -> dict[str, str]:
    """Mappings of unknown labels: to emotions spelled nearly so; where all are numbers, to those of known datasets."""
    if unknown and all(WHOLE.fullmatch(label) for label in unknown):
        numbers = sorted((int(label.partition(".")[0]), label) for label in unknown)
        return {
            f"as {dataset} numbers them": write_pairs({label: emotions[number] for number, label in numbers})
            for dataset, emotions in NUMBERS.items()
            if all(number < len(emotions) and emotions[number] for number, _ in numbers)
        }
    near = {label: emotion for label in unknown if (emotion := nearest(label))}
    return {"by their spelling": write_pairs(near)} if near else {}


def _rare(counts: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    """Labels without an image, with one, or without one in a split."""
    together = Counter[str]()
    for by_label in counts.values():
        together.update(by_label)
    for number, what in ((0, "no image"), (1, "one image alone")):
        if labels := [label for label, n in together.items() if n == number]:
            yield f"labels with {what}: {', '.join(labels)}"
    for split, by_label in counts.items():
        if labels := [label for label, n in by_label.items() if not n and together[label]]:
            yield f"labels without an image in {split}, though there are some elsewhere: {', '.join(labels)}"


def _of_nobody(dataset: Dataset) -> Iterator[str]:
    """Images of nobody known, where others are of somebody."""
    nobody = sum("person" not in example.attributes for example in dataset.examples)
    if 0 < nobody < len(dataset):
        yield f"images of nobody known: {nobody} of {len(dataset)}"


def _range(values: list[int]) -> tuple[int, int]:
    return min(values, default=0), max(values, default=0)


def _outside_first(by_split: Counter[str], splits: tuple[str, ...]) -> int:
    first = next(split for split in splits if by_split[split])
    return by_split.total() - by_split[first]

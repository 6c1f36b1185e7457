"""Giving a dataset the splits it lacks: stratified by label, with a person, and all copies of an image, on one side."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace

from mien.datasets.base import Dataset, Example
from mien.datasets.copies import kept_together
from mien.datasets.doubts import alike_told
from mien.errors import DataError


def divided(dataset: Dataset, *, test_share: float | None, validation_share: float, seed: int) -> Dataset:
    """The dataset with a `valid` split, and a `test` split where a share is asked for (see `with_split`).

    Where one is made, copies of an image (see `copies`) never stand on both of its sides. Then every image is read.

    Raises:
        DataError: as `with_split`.
    """
    shares = {"test": test_share, "valid": validation_share}
    missing = {name: share for name, share in shares.items() if share and name not in dataset.splits}
    if missing:
        dataset = kept_together(dataset)
    for name, share in missing.items():
        dataset = with_split(dataset, name, share, seed)
    return dataset


def with_split(dataset: Dataset, name: str, share: float, seed: int) -> Dataset:
    """The dataset with a split of that name; unchanged if it has one.

    A share of `train` is moved there, of every label alike; where there is no `train`, of `all`, whose rest becomes
    `train`. Examples with the same `person` or `group` stay together, so that their labels' shares are met as closely
    as whole groups allow. Other splits are left alone. Who is moved hangs on the seed and on names only, not on their
    order.

    Args:
        dataset: with examples in `train` or `all`.
        name: `valid` or `test`.
        share: 0..1, both excluded.
        seed: any number.

    Raises:
        DataError: an impossible share, nothing to take from, or only one image or person.
    """
    if not 0 < share < 1:
        raise DataError(f"the share for {name} lies between 0 and 1, got {share}")
    if name in dataset.splits:
        return dataset
    source = next((split for split in ("train", "all") if split in dataset.splits), None)
    if source is None:
        raise DataError(f"{dataset.path}: no train split to take {name} from, only {', '.join(dataset.splits)}")
    groups: dict[tuple[str, str], list[Example]] = {}
    for example in dataset.examples:
        if example.split == source:
            groups.setdefault(group_of(example), []).append(example)
    if len(groups) < 2:
        needed = f"{name} needs two images or two people at least, found one (copies count as one)"
        raise DataError("; ".join((f"{dataset.path}: {needed}", *alike_told(dataset))))
    moved = _chosen(groups, share, seed)
    examples = (
        replace(example, split=name if group_of(example) in moved else "train") if example.split == source else example
        for example in dataset.examples
    )
    return replace(dataset, examples=tuple(examples))


def group_of(example: Example) -> tuple[str, str]:
    """What stays together: a group, or a person's examples; those of nobody known, each by itself."""
    if example.group:
        return "group", example.group
    person = example.attributes.get("person")
    return ("person", person) if person else ("image", example.name)


def _chosen(groups: dict[tuple[str, str], list[Example]], share: float, seed: int) -> set[tuple[str, str]]:
    """Groups whose labels come closest to the share: each is taken, in random order, if it brings them nearer."""
    counts = {group: Counter(example.label for example in examples) for group, examples in groups.items()}
    totals = Counter(example.label for examples in groups.values() for example in examples)
    missing = Counter({label: min(max(1, round(share * n)), n - 1) for label, n in totals.items()})
    order = sorted(groups, key=lambda group: hashlib.sha256(repr((seed, group)).encode()).digest())

    def gain(group: tuple[str, str]) -> int:
        return sum(abs(missing[label]) - abs(missing[label] - n) for label, n in counts[group].items())

    chosen: set[tuple[str, str]] = set()
    for group in order[:-1]:
        if gain(group) > 0:
            chosen.add(group)
            missing.subtract(counts[group])
    return chosen or {max(order, key=gain)}

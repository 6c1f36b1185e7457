"""Copies and people in a dataset that make it look larger, or its scores better, than they are.

Of copies one stays: that in `test`, else in `valid`, else in `train`, so that scores stay comparable with those of
others. Where copies have several labels, none stays, for nobody knows which is right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mien.audit.suspects import Kind, Suspect
from mien.datasets.base import Dataset
from mien.datasets.copies import Fingerprints, Groups, likeness

FIRST = ("test", "valid", "train", "all")


def copied(dataset: Dataset, found: Fingerprints, groups: Groups) -> Iterator[Suspect]:
    """Suspects among copies, each image once for a conflict and once for being a copy; and people in several splits."""
    prints = dict(zip(found.rows.tolist(), found.prints, strict=True))
    conflicting, told = set[int](), set[int]()
    for exact, families in ((True, groups.exact), (False, groups.near)):
        for family in families:
            if len(family) < 2:
                continue
            keeper, *others = sorted(family, key=lambda row: (FIRST.index(dataset.examples[row].split), row))
            labels = sorted({dataset.examples[row].label for row in family})
            if len(labels) > 1:
                yield from _conflicts(dataset, sorted(set(family) - conflicting), labels, exact=exact)
                conflicting.update(family)
            for row in others:
                if row not in told:
                    score = 1.0 if exact else likeness(prints[row], prints[keeper])
                    yield _copy(dataset, row, keeper, score, exact=exact)
            told.update(others)
    yield from _people(dataset)


def _conflicts(dataset: Dataset, rows: Sequence[int], labels: Sequence[str], *, exact: bool) -> Iterator[Suspect]:
    words = f"{'copies' if exact else 'near copies'} are labelled {' and '.join(labels)}"
    for row in rows:
        yield Suspect.of(dataset.examples[row], Kind.CONFLICT, words)


def _copy(dataset: Dataset, row: int, keeper: int, score: float, *, exact: bool) -> Suspect:
    example, kept = dataset.examples[row], dataset.examples[keeper]
    how = "to the pixel" if exact else "nearly"
    if example.split != kept.split:
        return Suspect.of(example, Kind.LEAK, f"in {kept.split} as well, {how}", score, kept.name)
    return Suspect.of(example, Kind.EXACT if exact else Kind.NEAR, f"the same image, {how}", score, kept.name)


def _people(dataset: Dataset) -> Iterator[Suspect]:
    splits: dict[str, set[str]] = {}
    for example in dataset.examples:
        splits.setdefault(example.attributes.get("person", ""), set()).add(example.split)
    for example in dataset.examples:
        person = example.attributes.get("person", "")
        if person and len(splits[person]) > 1:
            where = " and ".join(each for each in reversed(FIRST) if each in splits[person])
            yield Suspect.of(example, Kind.PERSON, f"{person} is in {where}")

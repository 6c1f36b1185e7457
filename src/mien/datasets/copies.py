"""Copies: the same photo again, pixel by pixel or nearly: saved anew, resized, brightened, mirrored, or a frame later.

A fingerprint is a perceptual hash (Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010)
of 16 bytes: the signs of the 128 lowest frequencies in the cosine transform of the whole image, brought to 16 x 16 gray
pixels. A mirror image has the signs of the odd columns turned round. Two images are near copies where at most `NEAR`
signs differ: docs/copies.md says what that finds, and what it takes for a copy that is none.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.datasets.base import Dataset
from mien.errors import ImageError
from mien.intake import ImageSource
from mien.picture import FACTORS, Picture, open_picture

Prints = NDArray[np.uint8]
"""Fingerprints, shape (n, 16)."""

BYTES = 16  # of a fingerprint
NEAR = 16  # of its 128 signs
PLAIN = 32  # positive signs: fewer have images of one gray or a few stripes, and FER2013's have 36 or more
SAME, LEAST = 0.2, 3  # of the images of whoever has fewer: who shares as many that look alike is no other person
CROWD = 20  # people: images that look like those of more are plain ones
SIDE = 16  # px
FLAT = 1e-6  # of an image of one gray all waves are flat, but for rounding
BLOCK = 1_000_000  # pairs compared at once

_PLACES = sorted(np.ndindex(SIDE, SIDE), key=lambda place: (sum(place), max(place), place))[1 : 1 + 8 * BYTES]
_ROWS, _COLUMNS = (np.array(each) for each in zip(*_PLACES, strict=True))
_STEPS = np.pi / SIDE * (np.arange(SIDE) + 0.5)
_COSINES = np.cos(np.arange(SIDE)[:, None] * _STEPS)
_MIRROR = np.packbits(_COLUMNS % 2).view(np.uint64)


@dataclass(frozen=True)
class Fingerprints:
    """Of a dataset's images that can be read.

    Args:
        rows: their places in the dataset, (n,).
        prints: (n, 16).
        pixels: a hash of each image's size and pixels.
    """

    rows: NDArray[np.int64]
    prints: Prints
    pixels: tuple[bytes, ...]

    def of(self, chosen: NDArray[np.bool_]) -> Fingerprints:
        """Those of some images, by their places in the dataset, (len(dataset),)."""
        kept = chosen[self.rows]
        pixels = tuple(each for each, keep in zip(self.pixels, kept, strict=True) if keep)
        return Fingerprints(self.rows[kept], self.prints[kept], pixels)

    def written(self, n: int) -> tuple[str, ...]:
        """Of each of the dataset's n images the signs in hexadecimal; empty of one that cannot be read."""
        known = dict(zip(self.rows.tolist(), self.prints, strict=True))
        return tuple(known[row].tobytes().hex() if row in known else "" for row in range(n))


class Fingerprint(NamedTuple):
    """Of one image: its signs, (16,), and a hash of its size and pixels."""

    signs: Prints
    pixels: bytes


def fingerprint(picture: Picture) -> Fingerprint:
    """Of an image, decoded no finer than needed, or than it is: ask before others look at it closely."""
    image = picture.copy(FACTORS[0])[0].convert("RGB")
    return Fingerprint(_print(image), hashlib.sha256(repr(image.size).encode() + image.tobytes()).digest()[:8])


def gathered(found: Sequence[Fingerprint | None]) -> Fingerprints:
    """Of a dataset's images, in its order; None of those that cannot be read."""
    known = [(row, each) for row, each in enumerate(found) if each]
    prints = np.array([each.signs for _, each in known], np.uint8).reshape(-1, BYTES)
    return Fingerprints(np.array([row for row, _ in known], np.int64), prints, tuple(each.pixels for _, each in known))


def fingerprints(dataset: Dataset) -> Fingerprints:
    """Reads every image once, no finer than needed; those that cannot be read have none."""
    return gathered([_read(example.source) for example in dataset.examples])


def _read(source: ImageSource) -> Fingerprint | None:
    try:
        return fingerprint(open_picture(source))
    except ImageError:
        return None


def copied(ours: Prints, others: Prints) -> NDArray[np.bool_]:
    """Which of our images have a near copy among others, shape (len(ours),)."""
    found = np.zeros(len(ours), bool)
    for mine, _ in _pairs(ours, np.unique(others, axis=0)):
        found[mine] = True
    return found


def shared(ours: Fingerprints, others: Fingerprints) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which of our images others hold to the pixel, and which nearly; both (len(ours.rows),)."""
    there = set(others.pixels)
    exact = np.array([each in there for each in ours.pixels], bool)
    return exact, copied(ours.prints, others.prints) & ~exact


@dataclass(frozen=True)
class Leak:
    """Images of a split that stand in `train` as well: to the pixel, and nearly."""

    exact: int
    near: int


def leaks(dataset: Dataset, found: Fingerprints) -> dict[str, Leak]:
    """For each split beside `train` how many of its images are copies of training images; nothing without `train`."""
    if "train" not in dataset.splits:
        return {}
    splits = np.array([example.split for example in dataset.examples])
    train = found.of(splits == "train")
    counts = {split: shared(found.of(splits == split), train) for split in dataset.splits if split != "train"}
    return {split: Leak(int(exact.sum()), int(near.sum())) for split, (exact, near) in counts.items()}


def families(found: Fingerprints) -> NDArray[np.int64]:
    """A number for each image, the same for all that are copies of one another, also by way of a third; (n,)."""
    different, place = np.unique(found.prints, axis=0, return_inverse=True)
    roots = np.arange(len(different))
    for ours, others in _pairs(different, different):
        _join(roots, ours, others)
    return roots[place.ravel()]


@dataclass(frozen=True)
class Groups:
    """Images of a dataset that belong together, by their places in it; most are in a group of their own.

    Args:
        exact: of the same pixels.
        near: near copies, also by way of a third; exact ones among them.
    """

    exact: tuple[list[int], ...]
    near: tuple[list[int], ...]


def groups_of(dataset: Dataset, found: Fingerprints) -> Groups:
    """Which images are copies.

    Images of people who are named and are not the same are no near copies, however alike they look: one studio and one
    pose do that. Of so many images (`SAME`, `LEAST`) they do not.
    """
    alike = list(_together(families(found).tolist(), found.rows))
    people = _as_one([example.attributes.get("person") for example in dataset.examples], alike)
    near = tuple(rows for each in alike for rows in _of_one(each, people))
    return Groups(tuple(_together(found.pixels, found.rows)), near)


def repeated(dataset: Dataset, found: Fingerprints) -> int:
    """How many images of a dataset are copies or near copies of another, beyond the first; see `groups_of`."""
    return sum(len(rows) - 1 for rows in groups_of(dataset, found).near)


def kept_together(dataset: Dataset, groups: Groups | None = None) -> Dataset:
    """The dataset with its copies, and the images of a person, in groups that stay together.

    A group is called after the first of its images, in the order of names.

    Args:
        dataset: any.
        groups: its copies, where they are known; otherwise every image is read.
    """
    copies = groups or groups_of(dataset, fingerprints(dataset))
    people = [example.attributes.get("person") for example in dataset.examples]
    named = _together(filter(None, people), [row for row, person in enumerate(people) if person])
    roots = np.arange(len(dataset))
    pairs = [(rows[0], row) for rows in (*copies.exact, *named, *copies.near) for row in rows[1:]]
    _join(roots, *np.array(pairs, np.int64).reshape(-1, 2).T)
    examples = list(dataset.examples)
    for rows in _together(roots.tolist(), range(len(dataset))):
        if len(rows) > 1:
            name = min(examples[row].name for row in rows)
            for row in rows:
                examples[row] = replace(examples[row], group=name)
    return replace(dataset, examples=tuple(examples))


def likeness(one: Prints, other: Prints) -> float:
    """The share of signs, 0..1, that two fingerprints (16,) have in common, as they are or mirrored."""
    apart = _words(one[None]) ^ _words(other[None])
    differ = min(int(np.bitwise_count(apart ^ turned).sum()) for turned in (np.zeros(2, np.uint64), _MIRROR))
    return 1 - differ / (8 * BYTES)


def _as_one(people: Sequence[str | None], alike: Iterable[list[int]]) -> list[str | None]:
    """Who is on each image; those who share so many that look alike have one name. A folder of augmented images beside
    that of the originals, taken for two people, is none."""
    images = Counter(filter(None, people))
    if len(images) < 2:
        return list(people)
    shared = Counter[tuple[str, str]]()
    for rows in alike:
        known = sorted({name for row in rows if (name := people[row])})
        shared.update(combinations(known, 2) if len(known) <= CROWD else ())
    names = sorted(images)
    place, roots = {name: at for at, name in enumerate(names)}, np.arange(len(names))
    one_person = [
        (place[one], place[other])
        for (one, other), n in shared.items()
        if n >= max(LEAST, SAME * min(images[one], images[other]))
    ]
    _join(roots, *np.array(one_person, np.int64).reshape(-1, 2).T)
    return [names[roots[place[name]]] if name else None for name in people]


def _of_one(rows: list[int], people: Sequence[str | None]) -> Iterator[list[int]]:
    """Rows that look alike: all, if they can be of one person; else each person's, and those of nobody known."""
    if len({people[row] for row in rows} - {None}) < 2:
        yield rows
        return
    for person in dict.fromkeys(people[row] for row in rows):
        yield [row for row in rows if people[row] == person]


def _together(keys: Iterable[Hashable], rows: Iterable[int]) -> Iterable[list[int]]:
    """Rows in lists, one for each key."""
    found = defaultdict(list)
    for key, row in zip(keys, rows, strict=True):
        found[key].append(int(row))
    return found.values()


def _print(image: Image.Image) -> Prints:
    """The fingerprint of an RGB image."""
    gray = image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
    waves = _COSINES @ np.asarray(gray, np.float64) @ _COSINES.T
    return np.packbits(waves[_ROWS, _COLUMNS] > FLAT)


def _pairs(ours: Prints, others: Prints) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Places of ours and of others that are near copies, as they are or mirrored; a pair may come more than once.

    Fingerprints are cut into parts. Where no more than `NEAR` signs differ, some part has few that do, and fingerprints
    are looked up by that part with each such few signs turned round (multi-index hashing: Norouzi, Punjani and Fleet,
    "Fast search in Hamming space with multi-index hashing", 2012). With more fingerprints parts are longer, so that as
    few are looked at for each.
    """
    here, there = _words(ours), _words(others)
    ours_plain, theirs_plain = (np.bitwise_count(each).sum(1) < PLAIN for each in (here, there))
    for turned in (np.zeros(2, np.uint64), _MIRROR):
        for mine, theirs in _candidates(ours ^ turned.view(np.uint8), others):
            apart = np.bitwise_count(here[mine] ^ turned ^ there[theirs]).sum(1)
            told_by_few = ours_plain[mine] | theirs_plain[theirs]  # copies of a plain one have the same few signs
            near = np.where(told_by_few, (apart == 0) & ~turned.any(), apart <= NEAR)
            yield mine[near], theirs[near]


def _candidates(ours: Prints, others: Prints) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Places of ours and of others of which some part is alike: all that are near, and others."""
    length = max(np.log2(max(len(others), 1)), 8 * BYTES / (NEAR + 1))
    parts = int(8 * BYTES / length)
    mine, theirs = np.unpackbits(ours, axis=1), np.unpackbits(others, axis=1)
    for part in range(parts):
        places = np.arange(part, 8 * BYTES, parts)  # of low and high waves alike
        weights = 1 << np.arange(len(places))
        keys, known = mine[:, places] @ weights, theirs[:, places] @ weights
        order = np.argsort(known, kind="stable")
        known = known[order]
        most = NEAR // parts - (part > NEAR % parts)  # together, one below what `NEAR` signs can go beyond everywhere
        for few in range(most + 1):
            for turned in combinations(weights.tolist(), few):
                wanted = keys ^ sum(turned)
                first = np.searchsorted(known, wanted)
                yield from _spread(first, np.searchsorted(known, wanted, "right") - first, order)


def _spread(
    first: NDArray[np.int64], counts: NDArray[np.int64], order: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Pairs of a place and each of so many in `order` from the `first` on, not too many at once."""
    rows = np.flatnonzero(counts)
    blocks = np.cumsum(counts[rows]) // BLOCK
    for block in np.split(rows, np.flatnonzero(np.diff(blocks)) + 1):
        many = counts[block]
        within = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
        yield np.repeat(block, many), order[np.repeat(first[block], many) + within]


def _words(prints: Prints) -> NDArray[np.uint64]:
    """Fingerprints as two words each, (n, 2)."""
    return np.ascontiguousarray(prints).view(np.uint64)


def _join(roots: NDArray[np.int64], ours: NDArray[np.int64], others: NDArray[np.int64]) -> None:
    """Give what pairs join one root, the least of theirs, in `roots`, (n,): of each place its root's."""
    while (apart := roots[ours] != roots[others]).any():
        one, other = roots[ours[apart]], roots[others[apart]]
        np.minimum.at(roots, np.maximum(one, other), np.minimum(one, other))
        while not np.array_equal(nearer := roots[roots], roots):
            roots[:] = nearer

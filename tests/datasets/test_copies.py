"""Copies: found however they were saved, turned to their mirror image, brightened or resized; other faces are none."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawn import draw_face, write_folder
from numpy.typing import NDArray
from PIL import Image, ImageOps

from mien.datasets import Dataset, Example, divided, open_dataset
from mien.datasets.copies import (
    BYTES,
    PLAIN,
    Fingerprints,
    copied,
    families,
    fingerprints,
    groups_of,
    kept_together,
    repeated,
)
from mien.datasets.doubts import alike_told
from mien.errors import DataError
from mien.intake import ImageSource
from mien.labels import HAPPY_SAD

Gray = NDArray[np.uint8]
EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def dataset(images: Sequence[ImageSource], people: Sequence[str] = (), labels: Sequence[str] = ()) -> Dataset:
    examples = tuple(
        Example(
            f"{row:04d}",
            image,
            labels[row] if labels else ("happy", "sad")[row % 2],
            attributes={"person": people[row]} if people and people[row] else {},
        )
        for row, image in enumerate(images)
    )
    return Dataset(Path("here"), "made up", HAPPY_SAD, examples)


def faces(n: int, seed: int = 0) -> list[Gray]:
    """Photos that are hardly alike: a drawn face before a background of its own."""
    rng = np.random.default_rng(seed)
    return [photo(draw_face(EMOTIONS[row % len(EMOTIONS)], rng), rng) for row in range(n)]


def photo(face: Gray, rng: np.random.Generator) -> Gray:
    coarse = rng.integers(0, 256, (9, 9), np.uint8)
    ground = Image.fromarray(coarse).resize(face.shape, Image.Resampling.BICUBIC)
    return np.asarray(Image.blend(ground, Image.fromarray(face), 0.4))


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream)


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "the same": lambda image: image,
    "coloured": lambda image: image.convert("RGB"),
    "saved as a JPEG": lambda image: jpeg(image, 60),
    "four times as large": lambda image: image.resize((192, 192), Image.Resampling.BICUBIC),
    "large, as a JPEG that is decoded smaller": lambda image: jpeg(image.resize((900, 900)), 90),
    "two thirds": lambda image: image.resize((32, 32), Image.Resampling.BICUBIC),
    "brighter": lambda image: image.point(lambda value: min(255, round(value * 0.8 + 40))),
    "mirrored": ImageOps.mirror,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_copy_is_found_however_it_was_changed(change: Callable[[Image.Image], Image.Image]) -> None:
    images = faces(12)
    ours = fingerprints(dataset([change(Image.fromarray(image)) for image in images[:6]]))
    assert copied(ours.prints, fingerprints(dataset(images)).prints).all()
    assert not copied(ours.prints, fingerprints(dataset(images[6:])).prints).any()


def test_no_images_have_no_fingerprints() -> None:
    found = fingerprints(dataset([b"broken", b""]))
    assert (found.prints.shape, found.rows.tolist(), found.pixels) == ((0, BYTES), [], ())
    assert copied(found.prints, fingerprints(dataset(faces(2))).prints).tolist() == []
    assert copied(fingerprints(dataset(faces(2))).prints, found.prints).tolist() == [False, False]
    assert families(found).tolist() == []


def test_what_cannot_be_read_is_left_out() -> None:
    one, other = faces(2)
    found = fingerprints(dataset([b"broken", one, b"", other]))
    assert found.rows.tolist() == [1, 3]
    assert found.of(np.array([True, False, False, True])).rows.tolist() == [3]


def test_images_of_one_colour_are_copies_of_one_another() -> None:
    blank = [np.full((48, 48), gray, np.uint8) for gray in (0, 7, 100, 255)]
    assert len(set(families(fingerprints(dataset([*blank, *faces(3)]))).tolist())) == 4


def test_plain_images_are_copies_of_their_like_alone() -> None:
    """Stripes have few waves, and so has one gray: alike in all that they lack."""
    stripes = [np.repeat((np.arange(48) // wide % 2 * 255)[None], 48, 0).astype(np.uint8) for wide in (6, 12, 16)]
    plain = [np.full((48, 48), 90, np.uint8), *stripes]
    found = fingerprints(dataset(plain))
    assert len(set(families(found).tolist())) == 4
    assert not copied(found.prints[:1], found.prints[1:]).any()
    assert not copied(fingerprints(dataset(faces(6))).prints, found.prints).any()
    assert copied(fingerprints(dataset([image // 2 for image in plain])).prints, found.prints).all()


def test_whether_one_is_plain_does_not_hang_on_which_is_asked_about() -> None:
    """One sign below `PLAIN` and one above, and few that differ."""
    fewer, more = (np.packbits(np.arange(8 * BYTES) < signs)[None] for signs in (PLAIN - 1, PLAIN + 1))
    assert not copied(fewer, more).any()
    assert not copied(more, fewer).any()
    for prints in (np.concatenate([fewer, more]), np.concatenate([more, fewer])):
        assert len(set(families(Fingerprints(np.arange(2), prints, (b"0", b"1"))).tolist())) == 2


@pytest.mark.parametrize("seed", range(5))
def test_families_are_what_pairs_join_one_by_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    grown = [rng.integers(0, 256, (40, BYTES), np.uint8)]
    for _ in range(4):  # each from one of those before, so that there are chains
        flips = np.packbits(rng.random((40, 8 * BYTES)) < 0.06, axis=1)
        grown.append(np.concatenate(grown)[rng.integers(0, 40 * len(grown), 40)] ^ flips)
    prints = np.concatenate(grown)
    family = list(range(len(prints)))
    for one in range(len(prints)):
        for other in np.flatnonzero(copied(prints, prints[one : one + 1])).tolist():
            old, new = max(family[one], family[other]), min(family[one], family[other])
            family = [new if each == old else each for each in family]
    found = families(Fingerprints(np.arange(len(prints)), prints, tuple(map(bytes, prints)))).tolist()
    assert 10 < len(set(family)) < len(prints) - 50
    assert len(set(found)) == len(set(family)) == len(set(zip(found, family, strict=True)))


def test_copies_of_copies_are_one_family() -> None:
    first, *others = faces(4)
    steps = [np.clip(first.astype(int) + step, 0, 255).astype(np.uint8) for step in (0, 20, 40)]
    found = families(fingerprints(dataset([*steps, others[0], ImageOps.mirror(Image.fromarray(others[0])), others[1]])))
    assert found.tolist() == [found[0]] * 3 + [found[3]] * 2 + [found[5]]
    assert len(set(found.tolist())) == 3


def test_groups_are_of_copies_and_of_people() -> None:
    """Two photos of Ann, one of which Bob's folder holds as well: all of Ann and Bob stay together."""
    one, two, three, four = faces(4)
    made = kept_together(dataset([one, two, two, three, four, b"broken"], ["ann", "ann", "bob", "bob", "", ""]))
    assert [example.group for example in made.examples] == ["0000"] * 4 + ["", ""]
    alone = kept_together(dataset([one, two, three]))
    assert [example.group for example in alone.examples] == [""] * 3


def test_people_who_are_named_are_told_apart_however_alike_they_look() -> None:
    one, two = faces(2)
    alike = np.clip(one.astype(int) + 20, 0, 255).astype(np.uint8)
    made = kept_together(dataset([one, alike, alike // 2 + 60, two], ["ann", "bob", "", "bob"]))
    assert [example.group for example in made.examples] == ["", "0001", "", "0001"]


def augmented(n: int, images: Sequence[Gray]) -> Dataset:
    """Images in a folder, and n of them brighter in another, both taken for people."""
    brighter = [np.clip(image.astype(int) + 20, 0, 255).astype(np.uint8) for image in images[:n]]
    return dataset([*images, *brighter], ["original"] * len(images) + ["augmented"] * n)


@pytest.mark.parametrize(("n", "all_images", "together"), [(3, 3, True), (2, 2, False), (3, 15, True), (4, 16, True)])
def test_folders_of_the_same_photos_are_no_two_people(n: int, all_images: int, together: bool) -> None:
    made = augmented(n, faces(all_images))
    groups = groups_of(made, fingerprints(made))
    assert sum(len(rows) == 2 for rows in groups.near) == n * together
    told = alike_told(kept_together(made, groups))
    assert bool(told) is together
    if together:
        assert told[0].startswith("people who hold copies of one another's images: 2 (augmented, original); ")
        with pytest.raises(DataError, match=r"valid needs two images or two people at least.*say so with --group none"):
            divided(made, test_share=None, validation_share=0.2, seed=0)


def test_two_who_look_alike_in_a_few_of_many_images_are_two() -> None:
    ours, theirs = faces(16), faces(16, seed=1)
    alike = [np.clip(image.astype(int) + 20, 0, 255).astype(np.uint8) for image in ours[:3]]
    made = dataset([*ours, *alike, *theirs], ["ann"] * 16 + ["bob"] * 19)
    assert not any(len(rows) > 1 for rows in groups_of(made, fingerprints(made)).near)


def test_copies_of_a_person_are_told_though_another_looks_alike() -> None:
    one, other = faces(2)
    alike = [np.clip(one.astype(int) + step, 0, 255).astype(np.uint8) for step in (0, 20, 40)]
    made = dataset([alike[0], alike[1], alike[2], other], ["ann", "bob", "ann", "bob"])
    found = [rows for rows in groups_of(made, fingerprints(made)).near if len(rows) > 1]
    assert found == [[0, 2]]


def test_copies_beyond_the_first_are_counted() -> None:
    one, two, three = faces(3)
    alike = np.clip(one.astype(int) + 20, 0, 255).astype(np.uint8)
    made = dataset([one, alike, one, two, three, three, b"broken"])
    assert repeated(made, fingerprints(made)) == 3
    named = replace(made, examples=tuple(replace(each, attributes={"person": each.name}) for each in made.examples))
    assert repeated(named, fingerprints(named)) == 0


def test_groups_do_not_hang_on_the_order() -> None:
    images = faces(5)
    made = dataset([*images, *images[:3]])
    turned = replace(made, examples=made.examples[::-1])
    found, expected = ([(each.name, each.group) for each in kept_together(data).examples] for data in (turned, made))
    assert found[::-1] == expected


@pytest.mark.parametrize("times", [1, 4])
@pytest.mark.parametrize("test_share", [None, 0.2])
def test_no_copy_stands_on_both_sides_of_a_split(times: int, test_share: float | None) -> None:
    images = faces(30)
    saved = [jpeg(Image.fromarray(image), 80) for _ in range(times - 1) for image in images]
    labels = [("happy", "sad")[row % 2] for row in range(30)] * times
    made = divided(dataset([*images, *saved], labels=labels), test_share=test_share, validation_share=0.25, seed=3)
    assert made.splits == (("train", "valid", "test") if test_share else ("train", "valid"))
    found = fingerprints(made)
    sides = {split: np.array([example.split == split for example in made.examples]) for split in made.splits}
    for one in made.splits:
        for other in set(made.splits) - {one}:
            assert not copied(found.of(sides[one]).prints, found.of(sides[other]).prints).any()


def test_splits_that_are_there_are_left_alone(tmp_path: Path) -> None:
    data = open_dataset(write_folder(tmp_path, ("happy", "sad"), 3, splits=("train", "valid")))
    assert divided(data, test_share=None, validation_share=0.5, seed=0) is data


def test_one_photo_many_times_cannot_be_divided() -> None:
    (image,) = faces(1)
    with pytest.raises(DataError, match="copies count as one"):
        divided(dataset([image] * 20), test_share=None, validation_share=0.2, seed=0)

"""`with_split`: the same for the same seed, stratified, and nobody is on both sides."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mien.datasets import Dataset, Example, with_split
from mien.errors import DataError
from mien.labels import FER7


def dataset(*parts: tuple[str, str, str]) -> Dataset:
    """Examples from (split, label, person); no person where it is empty."""
    examples = tuple(
        Example(str(n), b"", label, split, attributes={"person": person} if person else {})
        for n, (split, label, person) in enumerate(parts)
    )
    return Dataset(Path("here"), "made up", FER7, examples)


def names(data: Dataset, split: str) -> set[str]:
    return {example.name for example in data.examples if example.split == split}


HUNDRED = [("train", "happy", "")] * 60 + [("train", "sad", "")] * 30 + [("train", "fear", "")] * 10


@pytest.mark.parametrize("share", [-0.1, 0, 1, 2, float("nan")])
def test_impossible_share_is_told(share: float) -> None:
    with pytest.raises(DataError, match="lies between 0 and 1"):
        with_split(dataset(*HUNDRED), "valid", share, 0)


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ([("test", "happy", "")], "no train split .* only test"),
        ([("train", "happy", "")], "two images or two people"),
        ([("train", "happy", "ann"), ("train", "sad", "ann")], "two images or two people"),
    ],
)
def test_nothing_to_take_is_told(parts: list[tuple[str, str, str]], told: str) -> None:
    with pytest.raises(DataError, match=told):
        with_split(dataset(*parts), "valid", 0.1, 0)


def test_a_dataset_with_validation_is_left_alone() -> None:
    data = dataset(("valid", "happy", ""), *HUNDRED)
    assert with_split(data, "valid", 0.1, 0) is data


def test_a_test_split_is_taken_before_validation() -> None:
    data = with_split(
        with_split(dataset(*[("all", label, "") for _, label, _ in HUNDRED]), "test", 0.2, 0), "valid", 0.25, 0
    )
    assert {split: len(names(data, split)) for split in data.splits} == {"train": 60, "valid": 20, "test": 20}
    assert with_split(data, "test", 0.5, 0) is data


@pytest.mark.parametrize("split", ["train", "all"])
def test_labels_are_shared_alike(split: str) -> None:
    data = dataset(*((split, label, "") for _, label, _ in HUNDRED), ("test", "sad", ""))
    result = with_split(data, "valid", 0.1, 0)
    assert result.splits == ("train", "valid", "test")
    assert Counter(example.label for example in result.split("valid").examples) == {"happy": 6, "sad": 3, "fear": 1}
    assert names(result, "test") == names(data, "test")
    assert [example.name for example in result.examples] == [example.name for example in data.examples]


def test_a_seed_decides_whatever_the_order() -> None:
    data = dataset(*HUNDRED)
    turned = Dataset(data.path, data.form, data.labels, data.examples[::-1])
    assert with_split(data, "valid", 0.1, 0) == with_split(data, "valid", 0.1, 0)
    assert names(with_split(data, "valid", 0.1, 0), "valid") == names(with_split(turned, "valid", 0.1, 0), "valid")
    assert names(with_split(data, "valid", 0.1, 0), "valid") != names(with_split(data, "valid", 0.1, 1), "valid")


def test_people_with_every_emotion_are_shared_as_images_would_be() -> None:
    people = [("all", label, f"person {n}") for n in range(20) for label in FER7]
    result = with_split(dataset(*people), "valid", 0.2, 3)
    assert Counter(example.label for example in result.split("valid").examples) == dict.fromkeys(FER7, 4)


parts = st.tuples(
    st.sampled_from(["train", "train", "test"]), st.sampled_from(FER7.emotions), st.sampled_from(["", *"abcdefgh"])
)


@given(st.lists(parts, min_size=1, max_size=60), st.floats(0.01, 0.99), st.integers())
def test_nobody_is_on_both_sides(drawn: list[tuple[str, str, str]], share: float, seed: int) -> None:
    data = dataset(*drawn)
    sources = {person or str(n) for n, (split, _, person) in enumerate(drawn) if split == "train"}
    assume(len(sources) > 1)
    result = with_split(data, "valid", share, seed)
    people = [
        {example.attributes["person"] for example in result.split(split).examples if example.attributes}
        for split in ("train", "valid")
    ]
    assert people[0].isdisjoint(people[1])
    assert names(result, "train")
    assert names(result, "valid")
    assert names(result, "train") | names(result, "valid") == names(data, "train")
    assert names(result, "test") == names(data, "test")

"""What is wrong with data is said by name, before anything is learned."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from drawn import write_folder

from mien.datasets import Dataset, Example, open_dataset
from mien.datasets.base import NO_LABEL
from mien.labels import FACE, FER7, LabelSet
from mien.training.batches.data import Split
from mien.training.batches.store import Held
from mien.training.batches.targets import Target
from mien.training.learning.doubts import doubts, doubts_of_data
from mien.training.learning.loop import train
from mien.training.recipes.recipe import Recipe

THREE = LabelSet("three", ("angry", "happy", "sad"))


def split(truth: Mapping[str, list[int]], sets: Mapping[str, LabelSet]) -> Split:
    n = max(map(len, truth.values()), default=0)
    empty = torch.zeros(n)
    targets = {name: Target(labels, 1.0, torch.zeros(n, len(labels)), empty) for name, labels in sets.items()}
    return Split(Held(torch.zeros(n, 1, 4, 4)), targets, {name: torch.tensor(each) for name, each in truth.items()})


@pytest.mark.parametrize(
    ("learned", "judged", "told"),
    [
        ([0, 1, 2] * 9, [0, 1, 2] * 9, []),
        ([0, 1, 2] * 5, [0, 1, 2] * 4, []),
        ([0, 1] * 9 + [2], [0, 1, 2] * 9, ["few images to train on: sad (1); fewer than 5 teach next to nothing"]),
        ([1] * 9 + [2] * 4, [0, 1, 2] * 9, ["few images to train on: angry (0), sad (4); fewer"]),
        ([0, 1, 2] * 9, [1] * 9 + [NO_LABEL, 0], ["no image to validate: sad; nothing tells"]),
        ([0, 1, 2] * 9, [0, 1, 2] * 3, ["9 images to validate are too few to calibrate confidence; it takes 10"]),
        (
            [0, 1],
            [0],
            ["few images to train on: angry (1), happy (1), sad (0);", "no image to validate: happy, sad;", "1 im"],
        ),
        ([0, 1, 2] * 9, [NO_LABEL], ["no image to validate: angry, happy, sad;"]),
    ],
)
def test_a_sentence_a_doubt(learned: list[int], judged: list[int], told: list[str]) -> None:
    sets = {"three": THREE}
    found = doubts(split({"three": learned}, sets), split({"three": judged}, sets))
    assert len(found) == len(told)
    for sentence, words in zip(found, told, strict=True):
        assert sentence.startswith(f"head three: {words}")


def test_each_head_has_its_own_and_what_is_no_face_none() -> None:
    sets = {"three": THREE, "fer7": FER7, FACE.name: FACE}
    enough, none = [0, 1, 2] * 9, [NO_LABEL] * 27
    found = doubts(split({"three": enough, "fer7": none}, sets), split({"three": enough}, sets))
    assert [sentence.partition(":")[0] for sentence in found] == ["head fer7"] * 2


def test_labels_that_are_left_out_are_named(tiny: Recipe, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "data", ("happy", "sad", "angry"), 16)
    for number, image in enumerate(sorted((folder / "angry").iterdir())):
        if number < 2:
            (folder / "calm").mkdir(exist_ok=True)
            image.rename(folder / "calm" / image.name)
    dataset, said = open_dataset(folder), list[str]()
    schedule = tiny.schedule.model_copy(update={"epochs": 1})
    train(
        tiny.model_copy(update={"labels": "happy-sad", "schedule": schedule}), dataset, tmp_path / "a", say=said.append
    )
    assert "warning: left out, as happy-sad lacks their labels: angry (14), calm (2)" in said
    train(tiny.model_copy(update={"schedule": schedule}), dataset, tmp_path / "b", say=said.append)
    assert any("few images to train on: calm (1); " in sentence for sentence in said)
    assert any(
        each.startswith("warning: labels of no known set, which are words of their own: calm (2); ") for each in said
    )


@pytest.mark.parametrize(
    ("words", "mapping", "told"),
    [
        ("happy sad", {}, ()),
        ("0 0 angry_face happy", {}, ("0 (2), angry_face (1)",)),
        ("calm happy", {"x": "calm"}, ()),
        ("unknown not-a-face happy sad", {}, ()),
        (
            " ".join("abcdefghijkl"),
            {},
            ("a (1), b (1), c (1), d (1), e (1), f (1), g (1), h (1), i (1), j (1) and 2 more",),
        ),
    ],
)
def test_words_of_no_known_set_are_named(
    tiny: Recipe, words: str, mapping: dict[str, str], told: tuple[str, ...]
) -> None:
    examples = tuple(Example(str(n), b"", word) for n, word in enumerate(words.split()))
    dataset = Dataset(Path(), "made up", FER7, examples, mapping=mapping)
    advice = "if some mean a known one, say so with --map; mien data info tells which may"
    assert doubts_of_data(dataset, dataset, tiny) == tuple(
        f"labels of no known set, which are words of their own: {each}; {advice}" for each in told
    )


@pytest.mark.parametrize("labels", [None, "fer7"])
@pytest.mark.parametrize(
    ("places", "told"),
    [
        ([("train", "ann"), ("train", "ann"), ("valid", "bob"), ("test", "")], ()),
        ([("train", ""), ("valid", "")], ()),
        ([("train", "ann"), ("valid", "bob"), ("test", "ann")], ("1 (ann)",)),
        ([("train", "b"), ("valid", "a"), ("valid", "b"), ("test", "a")], ("2 (a, b)",)),
    ],
)
def test_people_in_several_splits_are_told(
    tiny: Recipe, labels: str | None, places: list[tuple[str, str]], told: tuple[str, ...]
) -> None:
    examples = tuple(
        Example(str(n), b"", "happy", split, attributes={"person": person} if person else {})
        for n, (split, person) in enumerate(places)
    )
    dataset = Dataset(Path(), "made up", FER7, examples)
    assert doubts_of_data(dataset, dataset, tiny.model_copy(update={"labels": labels})) == tuple(
        f"people in more than one split: {each}; scores of people who were trained on flatter" for each in told
    )

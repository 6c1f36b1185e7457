"""Image folders: splits, labels by any spelling, and what is out of place."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from unicodedata import normalize

import pytest

from mien.datasets import open_dataset
from mien.datasets.folder import read_folder
from mien.datasets.tree import find_tree
from mien.errors import DataError
from mien.image import read_image
from mien.labels import FERPLUS8

Write = Callable[..., Path]


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ((), "at least two labels, found none"),
        (("happy/a.png",), "at least two labels, found happy"),
        (("happy/a.png", "happiness/b.png"), "at least two labels, found happy"),
        (("happy/a.png", "s\nad/b.png"), r"labels with control characters in them: 's\\nad'$"),
        (("a.png", "happy/a.png", "sad/a.png"), r"expected images as \[split/\]label/\*, also found a.png"),
        (("happy/x/a.png", "happy/a.png", "sad/a.png"), "also found happy/x/a.png"),
        (("train/a.png", "happy/a.png", "sad/a.png"), r"\[split/\]label/\*, also found train/a.png"),
        (("train/happy/a.png", "train/sad/a.png", "extra/a.png"), "beside the splits train there are images in extra"),
        ([f"{n}.png" for n in range(9)], "also found 0.png, 1.png, 2.png, 3.png, 4.png and 4 more"),
    ],
)
def test_wrong_layout_is_told(tmp_path: Path, write_image: Write, files: list[str], told: str) -> None:
    for file in files:
        write_image(file)
    with pytest.raises(DataError, match=told):
        read_folder(find_tree(tmp_path, frozenset(FERPLUS8)))


@pytest.mark.parametrize("folder", ["happy", "Anger", "suprised"])
def test_one_label_in_any_spelling_is_told_as_one(folder: str, tmp_path: Path, write_image: Write) -> None:
    write_image(f"{folder}/a.png")
    with pytest.raises(DataError, match=r"at least two labels, found (happy|angry|surprise)"):
        open_dataset(tmp_path)


@pytest.mark.parametrize(
    ("folders", "splits"),
    [
        (("train_set", "val_set"), ("train", "valid")),  # AffectNet's
        (("Train Images", "Validation Images", "Test Images"), ("train", "valid", "test")),
        (("trainset", "data-test"), ("train", "test")),
        (("images_train", "Public Test", "private-test"), ("train", "valid", "test")),
    ],
)
def test_splits_beside_other_words(
    folders: tuple[str, ...], splits: tuple[str, ...], tmp_path: Path, write_image: Write
) -> None:
    for folder in folders:
        for label in ("happy", "sad"):
            write_image(f"{folder}/{label}/a.png")
    dataset = open_dataset(tmp_path)
    assert (dataset.splits, dataset.labels.emotions) == (splits, ("happy", "sad"))
    assert not any(example.attributes for example in dataset.examples)  # these folders are nobody's


def test_letters_with_marks_are_one_label_however_they_are_written(tmp_path: Path, write_image: Write) -> None:
    for label in ("Lächeln", "Überraschung"):
        write_image(f"train/{normalize('NFD', label)}/a.png")
        write_image(f"test/{normalize('NFC', label)}/a.png")
    dataset = open_dataset(tmp_path, mapping={normalize("NFC", "lächeln"): "happy"})
    assert dataset.labels.emotions == ("happy", normalize("NFC", "überraschung"))
    assert [example.label for example in dataset.examples].count("happy") == 2


def test_a_folder_around_all_is_no_split(tmp_path: Path, write_image: Write) -> None:
    for label in ("happy", "sad"):
        write_image(f"test_images/{label}/a.png")
    assert open_dataset(tmp_path).splits == ("all",)


def test_labels_and_splits_by_any_spelling(tmp_path: Path, write_image: Write) -> None:
    for file in ("Training/Anger/b.PNG", "Training/angry/a.png", "VAL/happy/a.png", "test/Sadness/a.png"):
        write_image(file)
    dataset = open_dataset(tmp_path)
    assert dataset.form == "image folder"
    assert dataset.splits == ("train", "valid", "test")
    assert [(example.name, example.split, example.label) for example in dataset.examples] == [
        ("Training/Anger/b.PNG", "train", "angry"),
        ("Training/angry/a.png", "train", "angry"),
        ("VAL/happy/a.png", "valid", "happy"),
        ("test/Sadness/a.png", "test", "sad"),
    ]
    assert all(read_image(example.source).shape == (8, 8, 3) for example in dataset.examples)


@pytest.mark.parametrize(
    ("folders", "name", "emotions"),
    [
        ("sad happy", "happy-sad", "happy sad"),
        ("Happiness Sadness", "happy-sad", "happy sad"),
        ("neutral sad surprise happy fear disgust anger", "fer7", "angry disgust fear happy sad surprise neutral"),
        ("neutral sad surprise happy fear disgust anger contempt", "ferplus8", None),
        ("contempt sad surprise happy fear disgust anger", "ckplus7", None),
        ("happy angry", "angry-happy", "angry happy"),
        ("keen Bored", "bored-keen", "bored keen"),
    ],
)
def test_label_set(tmp_path: Path, write_image: Write, folders: str, name: str, emotions: str | None) -> None:
    for folder in folders.split():
        write_image(f"{folder}/a.png")
    dataset = open_dataset(tmp_path)
    assert dataset.labels.name == name
    assert dataset.splits == ("all",)
    assert emotions is None or list(dataset.labels) == emotions.split()


def test_other_files_are_no_part_of_it(tmp_path: Path, write_image: Write) -> None:
    for file in (
        "happy/a.png",
        "sad/a.JPG",
        "happy/.hidden.png",
        ".cache/happy/a.png",
        "__MACOSX/train/happy/a.png",
        "happy/@eaDir/a.png",
    ):
        write_image(file)
    for extra in ("happy/Thumbs.db", "sad/.DS_Store", "README.txt", "sad/notes.csv"):
        (tmp_path / extra).touch()
    (tmp_path / "models").mkdir()
    os.mkfifo(tmp_path / "sad" / "pipe.png")
    assert [example.name for example in open_dataset(tmp_path).examples] == ["happy/a.png", "sad/a.JPG"]


def test_links_are_followed_and_loops_end(tmp_path: Path, write_image: Write) -> None:
    write_image("elsewhere/happy/a.png")
    write_image("data/sad/a.png")
    data = tmp_path / "data"
    (data / "happy").symlink_to(tmp_path / "elsewhere" / "happy")
    (data / "sad" / "round").symlink_to(data)
    (data / "itself").symlink_to(data / "itself")
    (data / "sad" / "gone.png").symlink_to("nowhere.png")
    assert [example.name for example in open_dataset(data).examples] == ["happy/a.png", "sad/a.png", "sad/gone.png"]


def test_names_that_are_not_utf8(tmp_path: Path, write_image: Write) -> None:
    write_image("happy/a.png")
    write_image(os.fsdecode(b"sad/caf\xe9.png"))
    examples = open_dataset(tmp_path).examples
    assert examples[1].name == r"sad/caf\xe9.png"
    assert read_image(examples[1].source).shape == (8, 8, 3)


@pytest.mark.parametrize(("form", "labels"), [("folders", "fer7"), ("happysad", "happy-sad")])
def test_real_export(tmp_path: Path, real: Path, monkeypatch: pytest.MonkeyPatch, form: str, labels: str) -> None:
    pytest.importorskip("pyarrow")
    monkeypatch.setattr(sys, "argv", ["export.py", form, str(tmp_path), "--limit", "200"])
    runpy.run_path(str(real / "export.py"), run_name="__main__")
    dataset = open_dataset(tmp_path)
    assert dataset.labels.name == labels
    assert dataset.splits == ("train", "test")
    assert form == "happysad" or len(dataset) == 400

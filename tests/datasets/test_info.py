"""`inspect`: each fault planted in a dataset is found, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from PIL import Image

from mien.datasets import Dataset, Example, copies, inspect, open_dataset
from mien.datasets import info as infos
from mien.labels import FER7, HAPPY_SAD, named_set
from mien.picture import open_picture

Write = Callable[..., Path]


def test_nothing_readable(tmp_path: Path) -> None:
    data = Dataset(tmp_path, "made up", HAPPY_SAD, (Example("a", b"", "happy"), Example("b", b"?", "happy")))
    info = inspect(data)
    assert info.counts == {"all": {"happy": 2, "sad": 0}}
    assert (info.sizes, info.width, info.height, info.blank) == ((), (0, 0), (0, 0), ())
    assert list(info.unreadable) == ["a", "b"]
    assert info.unreadable["a"].startswith("empty")


def test_every_fault_is_found(tmp_path: Path, write_image: Write) -> None:
    write_image("train/happy/a.png", seed=1)
    write_image("train/happy/again.bmp", seed=1)
    write_image("train/sad/once_more.png", seed=1)
    write_image("valid/happy/a.png", seed=1)
    write_image("valid/sad/other.png", seed=2)
    write_image("test/sad/other.png", seed=2)
    write_image("test/sad/large.png", seed=2, side=20)
    Image.new("RGB", (9, 4), "red").save(tmp_path / "test" / "sad" / "blank.png")
    (tmp_path / "test" / "happy").mkdir()
    (tmp_path / "test" / "happy" / "text.jpg").write_text("not a photo")
    info = inspect(open_dataset(tmp_path))
    assert info.n == 9
    assert info.labels == ("happy", "sad")
    assert info.counts == {
        "train": {"happy": 2, "sad": 1},
        "valid": {"happy": 1, "sad": 1},
        "test": {"happy": 1, "sad": 3},
    }
    assert info.majority == {}
    assert info.sizes == ((8, 8, 6), (20, 20, 1), (9, 4, 1)) or info.sizes == ((8, 8, 6), (9, 4, 1), (20, 20, 1))
    assert (info.width, info.height) == ((8, 20), (4, 20))
    assert list(info.unreadable) == ["test/happy/text.jpg"]
    assert info.unreadable["test/happy/text.jpg"].startswith("not an image")
    assert info.blank == ("test/sad/blank.png",)
    assert info.repeated_within == {"train": 2, "valid": 0, "test": 0}
    assert info.repeated_across == 2
    assert json.loads(json.dumps(info.to_dict()))["sizes"][0] == [8, 8, 6]


def test_every_image_is_opened_once(tmp_path: Path, write_image: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write_image("happy/a.png", seed=1)
    write_image("sad/b.jpg", seed=2, side=700)
    write_image("sad/c.jpg", seed=2, side=700)
    data, opened = open_dataset(tmp_path), Mock(side_effect=open_picture)
    monkeypatch.setattr(infos, "open_picture", opened)
    monkeypatch.setattr(copies, "open_picture", Mock(side_effect=AssertionError))
    told = inspect(data)
    assert opened.call_count == len(data) == 3
    assert told.copies == 1


def test_files_that_are_no_images_by_their_suffix_are_told(tmp_path: Path, write_image: Write) -> None:
    write_image("happy/a.png")
    write_image("sad/b.png")
    for name in ("happy/c.jp2", "notes.txt", ".hidden", "sad/Thumbs.db"):
        (tmp_path / name).write_bytes(b"")
    info = inspect(open_dataset(tmp_path))
    assert (info.n, info.passed_over) == (2, ("happy/c.jp2", "notes.txt"))


def test_images_of_other_shapes_are_not_repeats() -> None:
    wide, high = np.zeros((2, 8), np.uint8), np.zeros((8, 2), np.uint8)
    info = inspect(Dataset(Path(), "made up", HAPPY_SAD, (Example("a", wide, "sad"), Example("b", high, "sad"))))
    assert info.repeated_within == {"all": 0}
    assert info.blank == ("a", "b")


def test_votes_and_people() -> None:
    array = np.zeros((4, 4), np.uint8)
    examples = (
        Example("a", array, "happy", "train", (0, 9, 0, 1, 0, 0, 0, 0, 0, 0), {"person": "ann"}),
        Example("b", array, "sad", "train", (5, 0, 0, 5, 0, 0, 0, 0, 0, 0), {"person": "ann"}),
        Example("c", array, "sad", "valid", (0, 0, 0, 0, 0, 0, 0, 0, 0, 9), {"person": "bea"}),
    )
    info = inspect(Dataset(Path(), "made up", FER7, examples))
    assert info.people == 2
    assert {split: {name: n for name, n in counts.items() if n} for split, counts in info.majority.items()} == {
        "train": {"happy": 1, "no majority": 1},
        "valid": {"no majority": 1},
    }


def made(*parts: tuple[str, str, str]) -> Dataset:
    """Examples from (split, label, person)."""
    examples = tuple(
        Example(str(n), np.full((2, 2), n, np.uint8), label, split, attributes={"person": person} if person else {})
        for n, (split, label, person) in enumerate(parts)
    )
    labels = tuple(sorted({label for _, label, _ in parts}))
    return Dataset(Path(), "made up", named_set(labels), examples)


@pytest.mark.parametrize(
    ("words", "unknown", "suggested"),
    [
        ("happy sad", {}, {}),
        ("suprice calm calm happy", {"calm": 2, "suprice": 1}, {"by their spelling": "suprice=surprise"}),
        ("happy unhappy unhappy", {"unhappy": 2}, {}),
        ("calm bored", {"bored": 1, "calm": 1}, {}),
        (
            "1 7 7",
            {"7": 2, "1": 1},
            {"as AffectNet numbers them": "1=happy,7=contempt", "as RAF-DB numbers them": "1=surprise,7=neutral"},
        ),
        ("8 9", {"8": 1, "9": 1}, {}),
        ("0.0 7.0", {"0.0": 1, "7.0": 1}, {"as AffectNet numbers them": "0.0=neutral,7.0=contempt"}),
        ("0.5 7", {"0.5": 1, "7": 1}, {}),
        ("hapy, sad", {"hapy,": 1}, {"by their spelling": r"hapy\,=happy"}),
    ],
)
def test_labels_of_no_known_set_are_named(words: str, unknown: dict[str, int], suggested: dict[str, str]) -> None:
    info = inspect(made(*(("all", word, "") for word in words.split())))
    assert (list(info.unknown.items()), info.suggested) == (list(unknown.items()), suggested)


@pytest.mark.parametrize(
    ("parts", "warnings"),
    [
        ([("all", "happy", ""), ("all", "happy", ""), ("all", "sad", ""), ("all", "sad", "")], []),
        ([("all", "happy", ""), ("all", "sad", ""), ("all", "sad", "")], ["labels with one image alone: happy"]),
        (
            [("train", "happy", "a"), ("train", "happy", "a"), ("train", "sad", "b"), ("valid", "sad", "b")],
            [
                "labels without an image in valid, though there are some elsewhere: happy",
                "people in more than one split: 1 (b); scores of people who were trained on flatter",
            ],
        ),
        (
            [("all", "happy", "a"), ("all", "happy", ""), ("all", "sad", "b"), ("all", "sad", "b")],
            ["images of nobody known: 1 of 4"],
        ),
    ],
)
def test_warnings(parts: list[tuple[str, str, str]], warnings: list[str]) -> None:
    assert inspect(made(*parts)).warnings == tuple(warnings)


def test_labels_of_a_set_without_an_image() -> None:
    examples = tuple(Example(str(n), b"", label) for n, label in enumerate(("happy", "happy", "sad", "sad")))
    warned = inspect(Dataset(Path(), "made up", FER7, examples)).warnings
    assert warned == ("labels with no image: angry, disgust, fear, surprise, neutral",)


def test_real_split(real: Path) -> None:
    pytest.importorskip("pyarrow")
    info = inspect(open_dataset(real / "fer2013" / "valid.parquet"))
    assert info.n == 3_589
    assert info.sizes == ((48, 48, 3_589),)
    assert info.unreadable == {}
    assert sum(info.majority["valid"].values()) - info.majority["valid"]["no majority"] == 3_199

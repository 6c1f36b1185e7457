"""Indices: what they leave of a dataset, however that was read; and that they are refused where it has changed."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from drawn import write_fer2013_csv, write_folder

from mien.datasets import open_dataset
from mien.datasets.index import check_index, write_index
from mien.errors import DataError, ImageError
from mien.image import read_image
from mien.intake import Limits


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = write_folder(tmp_path / "data", ("happy", "sad"), 3)
    (folder / "happy").rename(folder / "joie")
    return folder


def test_nothing_left_out_is_everything(data: Path, tmp_path: Path) -> None:
    write_index(tmp_path / "all.json", whole := open_dataset(data), ())
    rest = open_dataset(tmp_path / "all.json")
    assert (rest.examples, rest.labels, rest.form) == (whole.examples, whole.labels, whole.form)
    assert rest.notes[-1] == "left out by all.json: 0 images of 6"


@pytest.mark.parametrize("limits", [Limits(), Limits(max_bytes=100)], ids=["whole", "over a limit"])
def test_it_is_told_from_an_image(data: Path, tmp_path: Path, limits: Limits) -> None:
    write_index(tmp_path / "some.json", open_dataset(data), ["sad/0000.png"])
    expected = "^an index of a dataset, not an image: mien evaluate, crop, train and data info read it"
    with pytest.raises(ImageError, match=expected):
        read_image(tmp_path / "some.json", limits)


def test_mapping_and_group_are_remembered_and_others_may_follow(data: Path, tmp_path: Path) -> None:
    whole = open_dataset(data, mapping={"joie": "happy"}, group="folder:1")
    write_index(tmp_path / "some.json", whole, ["joie/0000.png"])
    rest = open_dataset(tmp_path / "some.json")
    assert {each.label for each in rest.examples} == {"happy", "sad"}
    assert {each.attributes["person"] for each in rest.examples} == {"joie", "sad"}
    assert len(rest) == 5
    again = open_dataset(tmp_path / "some.json", mapping={"sad": "angry"})
    assert (again.mapping, {each.label for each in again.examples}) == ({"sad": "angry"}, {"happy", "angry"})


def test_votes_and_splits_stay(tmp_path: Path) -> None:
    whole = open_dataset(write_fer2013_csv(tmp_path / "fer", 1, with_votes=True))
    gone, split = whole.examples[0].name, whole.examples[0].split
    write_index(tmp_path / "rest.json", whole, [gone])
    rest = open_dataset(tmp_path / "rest.json")
    kept = [(each.name, each.split, each.votes) for each in rest.examples]
    assert kept == [(each.name, each.split, each.votes) for each in whole.examples[1:]]
    assert len(rest.splits) == 3
    assert rest.has_votes
    assert rest.left_out == {split: 1}


def test_a_name_that_no_index_can_hold_is_told_before_the_work(data: Path, tmp_path: Path) -> None:
    odd = data.rename(tmp_path / os.fsdecode(b"caf\xe9"))
    with pytest.raises(DataError, match=r"^\.\./caf\\xe9: a name that is not UTF-8, which no index can hold"):
        check_index(tmp_path / "new" / "rest.json", open_dataset(odd))
    assert not (tmp_path / "new").exists()


def test_an_index_of_an_index(data: Path, tmp_path: Path) -> None:
    write_index(tmp_path / "one.json", open_dataset(data), ["sad/0000.png"])
    (tmp_path / "deep").mkdir()
    write_index(tmp_path / "deep" / "two.json", open_dataset(tmp_path / "one.json"), ["sad/0001.png"])
    assert len(open_dataset(tmp_path / "deep" / "two.json")) == 4


def test_data_and_index_may_be_moved_together(data: Path, tmp_path: Path) -> None:
    write_index(data.parent / "rest.json", open_dataset(data), ["sad/0000.png"])
    (tmp_path / "there").mkdir()
    data.rename(tmp_path / "there" / "data")
    (tmp_path / "rest.json").rename(tmp_path / "there" / "rest.json")
    assert len(open_dataset(tmp_path / "there" / "rest.json")) == 5


def test_data_that_have_changed_are_refused(data: Path, tmp_path: Path) -> None:
    write_index(tmp_path / "rest.json", open_dataset(data), ["sad/0000.png"])
    (data / "sad" / "0002.png").unlink()
    with pytest.raises(DataError, match="made of other images than are in"):
        open_dataset(tmp_path / "rest.json")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not an index of a dataset"),
        ("[1]", "not an index of a dataset"),
        ('{"data": "x"}', "by mapping, group, names_sha256, left_out"),
    ],
)
def test_what_is_no_index(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "some.json").write_text(text)
    with pytest.raises(DataError, match=re.escape(told)):
        open_dataset(tmp_path / "some.json")


def test_an_index_of_itself(data: Path, tmp_path: Path) -> None:
    write_index(path := tmp_path / "rest.json", open_dataset(data), [])
    path.write_text(json.dumps(json.loads(path.read_text()) | {"data": "rest.json"}))
    with pytest.raises(DataError, match="leads back to itself"):
        open_dataset(path)


@pytest.mark.parametrize(
    ("name", "left_out", "told"), [("rest.csv", [], "ends with .json"), ("rest.json", None, "nothing")]
)
def test_what_cannot_be_written(name: str, left_out: list[str] | None, told: str, data: Path, tmp_path: Path) -> None:
    whole = open_dataset(data)
    with pytest.raises(DataError, match=told):
        write_index(tmp_path / name, whole, [each.name for each in whole.examples] if left_out is None else left_out)
    assert not (tmp_path / name).exists()

"""People folders: attributes reach the examples, and people and folders match one to one."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mien.datasets import open_dataset
from mien.datasets.people import read_people
from mien.datasets.tree import find_tree
from mien.errors import DataError

Write = Callable[..., Path]


HEADER = ("set_id", "gender", "age", "country")


def test_attributes_and_labels(tmp_path: Path, write_image: Write, write_table: Write) -> None:
    write_table("emotions.csv", HEADER, [(0, "MALE", 31, "BR"), ("p 1", "FEMALE", "", "IN")])
    for place in ("0/Anger.png", "0/Happy.JPG", "p 1/Surprised.png"):
        write_image(f"images/{place}")
    (tmp_path / "images" / "0" / "Thumbs.db").touch()
    dataset = open_dataset(tmp_path)
    assert dataset.form == "people folder"
    assert dataset.labels.emotions == ("angry", "happy", "surprise")
    assert [(example.name, example.label, dict(example.attributes)) for example in dataset.examples] == [
        ("images/0/Anger.png", "angry", {"person": "0", "gender": "MALE", "age": "31", "country": "BR"}),
        ("images/0/Happy.JPG", "happy", {"person": "0", "gender": "MALE", "age": "31", "country": "BR"}),
        ("images/p 1/Surprised.png", "surprise", {"person": "p 1", "gender": "FEMALE", "country": "IN"}),
    ]


@pytest.mark.parametrize(
    ("header", "rows", "told"),
    [
        ((), (), "no column set_id; found none"),
        (("id", "age"), (), "no column set_id; found id, age"),
        (HEADER, (), "no row in emotions.csv for 0, 1"),
        (HEADER, ((0, "MALE"),), "no row in emotions.csv for 1"),
        (HEADER, ((0,), (1,), (2,), (3,)), "no images in images/ for 2, 3"),
        (HEADER, ((0,), (7,)), "no images in images/ for 7; no row in emotions.csv for 1"),
        (HEADER, ((0,), (1,), (1,)), "line 4: set_id 1 has two rows"),
        (HEADER, ((0,), ("", "MALE")), "a row without set_id"),
    ],
)
def test_wrong_table_is_told(
    tmp_path: Path, write_image: Write, write_table: Write, header: list[str], rows: list[object], told: str
) -> None:
    write_table("emotions.csv", header, rows)
    write_image("images/0/happy.png")
    write_image("images/1/sad.png")
    with pytest.raises(DataError, match=told):
        open_dataset(tmp_path)


@pytest.mark.parametrize("place", ["images/a.png", "images/0/more/a.png"])
def test_image_out_of_place_is_told(tmp_path: Path, write_image: Write, write_table: Write, place: str) -> None:
    write_table("emotions.csv", HEADER, [(0,)])
    write_image("images/0/happy.png")
    write_image(place)
    with pytest.raises(DataError, match=rf"expected <set_id>/<emotion>\.\*, also found {place[7:]}"):
        read_people(find_tree(tmp_path, frozenset()))


def test_a_column_without_a_name_tells_nothing(tmp_path: Path, write_image: Write, write_table: Write) -> None:
    write_table("emotions.csv", ("", "set_id", "age"), [(0, "a", 30)])
    write_image("images/a/happy.png")
    write_image("images/a/sad.png")
    assert read_people(find_tree(tmp_path, frozenset())).examples[0].attributes == {"person": "a", "age": "30"}


def test_table_that_is_no_table(tmp_path: Path, write_image: Write) -> None:
    write_image("images/0/happy.png")
    (tmp_path / "emotions.csv").write_bytes(b"set_id\n\xff\xfe\n")
    with pytest.raises(DataError, match="not a readable table in UTF-8"):
        open_dataset(tmp_path)


def test_real_export(tmp_path: Path, real: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyarrow")
    monkeypatch.setattr(sys, "argv", ["export.py", "people", str(tmp_path), "--limit", "2000"])
    runpy.run_path(str(real / "export.py"), run_name="__main__")
    dataset = open_dataset(tmp_path)
    assert dataset.labels.name == "ckplus7"
    people = {example.attributes["person"] for example in dataset.examples}
    assert len(dataset) == 7 * len(people)
    assert {"gender", "age", "country", "person"} == set(dataset.examples[0].attributes)

"""Tables of labelled images: columns by any usual name, paths from the table's folder, and what is wrong is told."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal
from unicodedata import normalize

import pytest

from mien.datasets import inspect, open_dataset
from mien.errors import DataError

Write = Callable[..., Path]


@pytest.mark.parametrize(
    ("header", "rows", "by_file", "expected"),
    [
        (("path", "label"), [("a.png", "Anger"), ("b/c.png", "happy")], True, {"all": ["angry", "happy"]}),
        (("path", "label"), [("a.png", "Anger"), ("b/c.png", "happy")], False, {"all": ["angry", "happy"]}),
        (("Image", " Emotion "), [(" a.png ", "Anger"), (r"b\c.png", "happy")], True, {"all": ["angry", "happy"]}),
        (("class", "filename"), [("sad", "c.png"), ("happy", "d.png")], True, {"all": ["sad", "happy"]}),
        (
            ("subDirectory_filePath", "face_x", "expression"),  # AffectNet's
            [("a.png", 3, 1), ("b/c.png", 4, 2)],
            False,
            {"all": ["1", "2"]},
        ),
        (
            ("file", "expression", "Usage"),
            [("a.png", "sad", "Training"), ("b/c.png", "happy", "Test set")],
            True,
            {"train": ["sad"], "test": ["happy"]},
        ),
    ],
)
def test_columns(
    tmp_path: Path,
    write_image: Write,
    write_table: Write,
    header: list[str],
    rows: list[list[str]],
    by_file: bool,
    expected: dict[str, list[str]],
) -> None:
    for place in ("a.png", "b/c.png", "b/d.png"):
        write_image(place)
    file = write_table("mine.csv", header, rows)
    dataset = open_dataset(file if by_file else tmp_path)
    assert dataset.form == "table mine.csv"
    assert {split: [each.label for each in dataset.split(split).examples] for split in dataset.splits} == expected
    assert all(Path(str(each.source)).is_file() for each in dataset.examples)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC"), ("NFC", "NFC")])
def test_letters_with_marks_are_found_however_they_are_written(
    forms: tuple[Literal["NFC", "NFD"], Literal["NFC", "NFD"]], zipped: bool, tmp_path: Path, write_image: Write
) -> None:
    """A table that was written on one system, and images that come from another."""
    listed, there = forms
    for name in ("gesichter/jürgen.png", "gesichter/zoë.png"):
        write_image(normalize(there, f"data/{name}"))
    rows = "path,label\ngesichter/jürgen.png,Lächeln\ngesichter/zoë.png,ernst\n"
    (tmp_path / "data" / "mine.csv").write_text(normalize(listed, rows), encoding="utf-8")
    if zipped:
        shutil.make_archive(str(tmp_path / "all"), "zip", tmp_path / "data")
    dataset = open_dataset(tmp_path / ("all.zip" if zipped else "data"))
    assert {example.label for example in dataset.examples} == {"lächeln", "ernst"}
    assert (inspect(dataset).unreadable, dataset.passed_over) == ({}, ())


@pytest.mark.parametrize(
    "text",
    [
        '"path" , "label" , "note"\na.png , "happy" , "one, two"\n"b.png", "sad", ""\n',
        '\ufeff"path"; "label"; "note"\r\n"a.png"; happy; "one, two"\r\n b.png ;  "sad";\r\n',
        'path\tlabel\tnote\na.png\t "happy"\tone, two\nb.png\tsad\t\n',
    ],
)
def test_blanks_before_a_cell_in_quotes(text: str, tmp_path: Path, write_image: Write) -> None:
    for place in ("a.png", "b.png"):
        write_image(place)
    (tmp_path / "mine.csv").write_bytes(text.encode())
    found = [(each.name, each.label, dict(each.attributes)) for each in open_dataset(tmp_path / "mine.csv").examples]
    assert found == [("a.png", "happy", {"note": "one, two"}), ("b.png", "sad", {})]


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (("path", "label", "label"), "several columns called label: rename all but one"),
        (("path", "label", " Label"), "several columns called label"),
        (("path", "path", "label"), "several columns called path"),
        (("path", "label", "age", "AGE"), "several columns called age"),
    ],
)
def test_two_columns_of_one_name(
    header: list[str], told: str, tmp_path: Path, write_image: Write, write_table: Write
) -> None:
    """The last would count, unseen; of those without a name none does."""
    write_image("a.png")
    rows = [["a.png", "happy", "sad", "1"][: len(header)], ["b.png", "sad", "happy", "2"][: len(header)]]
    with pytest.raises(DataError, match=told):
        open_dataset(write_table("mine.csv", header, rows))
    assert len(open_dataset(write_table("other.csv", ["path", "label", "", ""], rows))) == 2


def test_further_columns_are_attributes(tmp_path: Path, write_image: Write) -> None:
    write_image("b.png")
    (tmp_path / "mine.csv").write_bytes(
        "\ufeffpath;label;Subject;Camera;\r\na.png;happy;ann;front;1\r\n\r\nb.png;sad;;\r\nc.png;;bob;\r\n".encode()
    )
    dataset = open_dataset(tmp_path / "mine.csv")
    assert [dict(each.attributes) for each in dataset.examples] == [{"camera": "front", "person": "ann"}, {}]
    assert dataset.notes == (
        "labels: the column label",
        "splits: none",
        "people: the column subject",
        "left out: 1 row without a label",
    )


@pytest.mark.parametrize("person", ["Participant ID", "participant-id", "Subject  ID", "SET_ID"])
def test_columns_as_spreadsheets_name_them(person: str, write_image: Write, write_table: Write) -> None:
    write_image("a.png")
    rows = [("a.png", "happy", "ann", "front"), ("b.png", "sad", "bob", "side")]
    dataset = open_dataset(write_table("mine.csv", ("Image File", "Emotion", person, "Camera View"), rows))
    assert [each.name for each in dataset.examples] == ["a.png", "b.png"]
    assert dataset.examples[0].attributes == {"person": "ann", "camera view": "front"}
    assert f"people: the column {person.lower()}" in dataset.notes


def test_a_table_a_split(tmp_path: Path, write_image: Write, write_table: Write) -> None:
    write_image("images/a.png")
    for split in ("train", "val"):
        write_table(f"{split}_labels.csv", ("image", "label"), [(f"{split}.png", "sad"), ("a.png" + split, "happy")])
        write_image(f"images/{split}.png")
    dataset = open_dataset(tmp_path)
    assert dataset.passed_over == ("images/a.png",)
    assert [(each.name, each.split) for each in dataset.split("valid").examples] == [
        ("images/val.png", "valid"),
        ("images/a.pngval", "valid"),
    ]
    write_table("other.csv", ("image", "label"), [("a.png", "sad")])
    with pytest.raises(DataError, match=r"several tables, other\.csv, train_labels\.csv, val_labels\.csv: name"):
        open_dataset(tmp_path)


def test_label_folders_come_before_a_table_beside_them(tmp_path: Path, write_image: Write, write_table: Write) -> None:
    write_image("data/happy/a.png")
    write_image("data/sad/b.png")
    file = write_table("guesses.csv", ("file", "label"), [("happy/a.png", "sad"), ("sad/b.png", "happy")])
    assert open_dataset(tmp_path).form == "image folder"
    assert [each.label for each in open_dataset(file).examples] == ["sad", "happy"]


@pytest.mark.parametrize(
    ("header", "rows", "told"),
    [
        ((), (), r"no column for path and label \(path: path, image, .*; label: label, .*\); found none"),
        (("path", "x"), (), r"no column for label \(label: label, emotion, .*\); found path, x"),
        (("path", "label"), (), "at least two labels, found none"),
        (("path", "label"), [("b.png", "happy")], "its first images, b.png, are not there; paths are relative to"),
        (("path", "label"), [("a.png", "happy"), ("", "sad")], "line 3: no path"),
        (
            ("path", "label"),
            [("a.png", "happy"), ("a.png", "sad")],
            "listed more than once: a.png; keep one row an image",
        ),
        (
            ("path", "label", "split"),
            [("a.png", "happy", "later")],
            "line 2: split is train, valid or test, got 'later'",
        ),
    ],
)
def test_wrong_table_is_told(
    write_image: Write, write_table: Write, header: list[str], rows: list[list[str]], told: str
) -> None:
    write_image("a.png")
    with pytest.raises(DataError, match=told):
        open_dataset(write_table("mine.csv", header, rows))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "path,label\na.png,happy\nb.png,sa\0d\n",
            "mine.csv: not a readable table in UTF-8 (line 3 holds a NUL character",
        ),
        (
            "path,label,\0\na.png,happy\nb.png,sad\n",
            "mine.csv: not a readable table in UTF-8 (line 1 holds a NUL character",
        ),
        (
            "path,label\na.png,happy\nb.png,s\x1bad\n",
            r"mine.csv, line 3: a label with control characters in it, 's\x1bad'",
        ),
        (
            'path,label\na.png,"so\nsad"\nb.png,sad\n',
            r"mine.csv, line 2: a label with control characters in it, 'so\nsad'",
        ),
    ],
)
def test_control_characters_are_told_with_their_line(text: str, told: str, tmp_path: Path, write_image: Write) -> None:
    for place in ("a.png", "b.png"):
        write_image(place)
    (tmp_path / "mine.csv").write_bytes(text.encode())
    with pytest.raises(DataError, match=re.escape(f"/{told}")):
        open_dataset(tmp_path / "mine.csv")


def test_lines_are_counted_as_editors_do(tmp_path: Path, write_image: Write) -> None:
    write_image("a.png")
    (tmp_path / "mine.csv").write_text('path,label,split,note\na.png,sad,train,"two\nlines"\n\nb.png,happy,later,\n')
    with pytest.raises(DataError, match=r"mine\.csv, line 5: split is train, valid or test, got 'later'"):
        open_dataset(tmp_path / "mine.csv")


def test_a_table_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_bytes(b"path,label\na.png,caf\xe9\n")
    with pytest.raises(DataError, match="not a readable table in UTF-8"):
        open_dataset(tmp_path / "mine.csv")

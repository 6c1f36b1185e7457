"""What users say of their data: labels renamed or left out, and people named; what finds nothing is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mien.datasets import open_dataset, read_mapping
from mien.errors import DataError

Write = Callable[..., Path]


@pytest.mark.parametrize(
    ("text", "mapping"),
    [
        ("anger=cross", {"angry": "cross"}),
        (" Joie = happiness , triste=sad,", {"joie": "happy", "triste": "sad"}),
        ("calm=", {"calm": ""}),
        (r"so\, so=a\=b,c:\x=\\,", {"so, so": "a=b", r"c:\x": "\\"}),
    ],
)
def test_mapping(text: str, mapping: dict[str, str]) -> None:
    assert read_mapping(text) == mapping


@pytest.mark.parametrize(
    "text", ["Joie,happy\n\ncalme,\n", "From,To\nJoie,happy\ncalme,\n", "from;to\njoie;happy\ncalme;"]
)
def test_mapping_in_a_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "labels.csv").write_text("\ufeff" + text, encoding="utf-8")
    assert read_mapping(str(tmp_path / "labels.csv")) == {"joie": "happy", "calme": ""}


def test_a_mapping_in_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "words.csv").write_bytes("joie,happy\ntriste,sad\n".encode("utf-16-le"))
    with pytest.raises(
        DataError, match=r"got line 1 holds a NUL character, as files do that are in UTF-16, or no text$"
    ):
        read_mapping(str(tmp_path / "words.csv"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "expected what labels mean, as anger=angry"),
        ("Trauer", "^Trauer: expected what labels mean, as .*; got no = and no such file$"),
        (".", "got .: Is a directory$"),
        ("a=b" * 2000, "a label and what it means"),
        ("labels.csv", "expected what labels mean, as anger=angry"),
        ("a=b=c", r"a label and what it means, got \['a', 'b', 'c'\]"),
        ("a=b,c", r"got \['c'\]"),
        ("=b", "a label and what it means"),
        ("anger=x,angry=y", "'angry' is mapped to 'x' and to 'y'"),
    ],
)
def test_wrong_mapping_is_told(text: str, told: str) -> None:
    with pytest.raises(DataError, match=told):
        read_mapping(text)


@pytest.fixture
def french(tmp_path: Path, write_image: Write) -> Path:
    """A folder of French labels."""
    for place in ("joie/a.png", "joie/b.png", "triste/a.png", "calme/a.png"):
        write_image(f"data/{place}")
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("mapping", "name", "labels"),
    [
        ({}, "calme-joie-triste", "calme joie joie triste"),
        ({"Joie": "happiness", "triste": "sad", "calme": ""}, "happy-sad", "happy happy sad"),
        ({"joie": "happy"}, "calme-happy-triste", "calme happy happy triste"),
        ({"joie": "triste", "triste": "joie"}, "calme-joie-triste", "calme triste triste joie"),
    ],
)
def test_labels_are_renamed(french: Path, mapping: dict[str, str], name: str, labels: str) -> None:
    dataset = open_dataset(french, mapping=mapping)
    assert dataset.labels.name == name
    assert [each.label for each in dataset.examples] == labels.split()
    assert open_dataset(french, mapping=dataset.mapping) == dataset
    assert bool(mapping) == any(note.startswith("mapped: ") for note in dataset.notes)


def test_what_was_mapped_is_said(french: Path) -> None:
    dataset = open_dataset(french, mapping={"joie": "happy", "calme": ""})
    assert dataset.notes[-1] == "mapped: joie (2) read as happy, calme (1) left out"


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        ({"joi": "happy"}, r"no image has the label 'joi' .* \(did you mean joie\?\); there are calme, joie, triste"),
        ({"x": "happy"}, r"'x' that is to be mapped; there are"),
        ({"joie": "sad", "triste": "sad", "calme": ""}, "at least two labels, found sad"),
        ({"joie": "hap\x07py"}, r"labels with control characters in them: 'hap\\x07py'$"),
    ],
)
def test_a_mapping_that_does_not_fit_is_told(french: Path, mapping: dict[str, str], told: str) -> None:
    with pytest.raises(DataError, match=told):
        open_dataset(french, mapping=mapping)


def test_mapped_words_tell_labels_from_people(tmp_path: Path, write_image: Write) -> None:
    for place in ("joie/ann/a.png", "triste/bob/a.png"):
        write_image(place)
    with pytest.raises(DataError, match="not a dataset"):
        open_dataset(tmp_path)
    dataset = open_dataset(tmp_path, mapping={"joie": "happy", "triste": "sad"})
    assert [(each.label, each.attributes["person"]) for each in dataset.examples] == [("happy", "ann"), ("sad", "bob")]


@pytest.mark.parametrize(
    ("group", "people"),
    [
        (r"S(\d+)_", ["1", "2", "", "2"]),
        (r"^(S\d)", ["S1", "S2", "", "S2"]),
        (r"(\w+)/[^/]+$", ["happy", "happy", "happy", "sad"]),
        ("folder:1", ["train", "train", "train", "test"]),
        ("folder:-1", ["happy", "happy", "happy", "sad"]),
        (r"S(3)?_?", None),
        ("folder:3", None),
        (r"X(\d+)", None),
    ],
)
def test_people_by_place(tmp_path: Path, write_image: Write, group: str, people: list[str] | None) -> None:
    for place in ("train/happy/S1_a.png", "train/happy/S2_b.png", "train/happy/x.png", "test/sad/S2_c.png"):
        write_image(place)
    if people is None:
        with pytest.raises(
            DataError, match=r"' finds nobody, as in test/sad/S2_c.png, train/happy/S1_a.png and 2 more"
        ):
            open_dataset(tmp_path, group=group)
        return
    dataset = open_dataset(tmp_path, group=group)
    found = {each.name.rpartition("/")[2]: each.attributes.get("person", "") for each in dataset.examples}
    assert [found[name] for name in ("S1_a.png", "S2_b.png", "x.png", "S2_c.png")] == people
    assert (dataset.group, dataset.notes[-1]) == (group, f"people: by {group}")


def test_nobody_is_named(tmp_path: Path, write_image: Write, write_table: Write) -> None:
    for place in ("original/happy/a.png", "original/sad/b.png", "augmented/happy/a.png", "augmented/sad/b.png"):
        write_image(f"faces/{place}")
    assert {each.attributes["person"] for each in open_dataset(tmp_path).examples} == {"original", "augmented"}
    dataset = open_dataset(tmp_path, group="none")
    assert (dataset.group, [each.attributes for each in dataset.examples]) == ("none", [{}] * 4)
    assert dataset.notes[-1] == "people: nobody, as was asked"
    assert not any(note.startswith("people: the folders") for note in dataset.notes)
    write_image("a.png")
    rows = [("a.png", "happy", "ann"), ("b.png", "sad", "bob")]
    named = open_dataset(write_table("mine.csv", ("path", "label", "none"), rows), group="none")
    assert [each.attributes["person"] for each in named.examples] == ["ann", "bob"]


def test_people_by_column(write_image: Write, write_table: Write) -> None:
    write_image("a.png")
    rows = [("a.png", "happy", "front", "ann"), ("b.png", "sad", "", "bob")]
    file = write_table("mine.csv", ("path", "label", "Camera", "person"), rows)
    assert [each.attributes.get("person") for each in open_dataset(file).examples] == ["ann", "bob"]
    dataset = open_dataset(file, group="camera")
    assert [each.attributes.get("person") for each in dataset.examples] == ["front", None]
    assert "people: the column person" not in dataset.notes


@pytest.mark.parametrize(
    ("group", "told"),
    [
        ("age", r"'age' is neither a column \(there is none\) nor folder:1 nor a pattern"),
        ("folder:0", "is neither a column"),
        ("(a)(b)", "one pair of brackets"),
        ("(", "no regular expression"),
    ],
)
def test_a_group_that_is_none_is_told(french: Path, group: str, told: str) -> None:
    with pytest.raises(DataError, match=told):
        open_dataset(french, group=group)

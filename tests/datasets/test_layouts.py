"""Layouts as datasets come: each is recognised by looking, and how it was read is said."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mien.datasets import Dataset, inspect, open_dataset
from mien.datasets.base import NO_LABEL
from mien.errors import DataError
from mien.image import read_image
from mien.labels import FERPLUS8

Write = Callable[..., Path]


def told(dataset: Dataset) -> list[tuple[str, str, str, str]]:
    """Name, label, split and person of each example."""
    return [(each.name, each.label, each.split, each.attributes.get("person", "")) for each in dataset.examples]


# Files whose names say who and what

KDEF = ("AF01/AF01ANS.JPG", "AF01/AF01AFHL.JPG", "BM35/BM35SUFR.JPG", "BF01/BF01HAHR.JPG")


@pytest.mark.parametrize("flat", [False, True])
def test_kdef_as_it_comes(tmp_path: Path, write_image: Write, flat: bool) -> None:
    for place in KDEF:
        write_image(place.partition("/")[2] if flat else f"KDEF/{place}")
    dataset = open_dataset(tmp_path)
    assert dataset.form == "KDEF, by its files' names"
    assert [(each.label, dict(each.attributes)) for each in dataset.examples] == [
        ("fear", {"person": "F01", "gender": "female", "angle": "half left"}),
        ("angry", {"person": "F01", "gender": "female", "angle": "straight"}),
        ("happy", {"person": "F01", "gender": "female", "angle": "half right"}),
        ("surprise", {"person": "M35", "gender": "male", "angle": "full right"}),
    ]
    assert inspect(dataset).people == 2


def test_a_misspelled_name_of_kdef_is_left_out_and_told(tmp_path: Path, write_image: Write) -> None:
    for number in range(10, 20):
        write_image(f"AF{number}{'HA' if number % 2 else 'SA'}S.JPG")
    write_image("AM31H.JPG")
    dataset = open_dataset(tmp_path)
    assert len(dataset) == 10
    assert "left out, as their names do not follow KDEF's: AM31H.JPG" in dataset.notes


def test_rafd_as_it_comes(tmp_path: Path, write_image: Write) -> None:
    for name in ("Rafd090_01_Caucasian_female_contemptuous_frontal", "Rafd045_29_Moroccan_male_surprised_left"):
        write_image(f"RaFD/{name}.jpg")
    dataset = open_dataset(tmp_path)
    assert dataset.form == "RaFD, by its files' names"
    assert [(each.label, dict(each.attributes)) for each in dataset.examples] == [
        ("surprise", {"person": "29", "gender": "male", "group": "moroccan", "camera": "045", "gaze": "left"}),
        ("contempt", {"person": "01", "gender": "female", "group": "caucasian", "camera": "090", "gaze": "frontal"}),
    ]


@pytest.mark.parametrize("people", [2, 9, 10])
def test_folders_that_may_be_no_people_are_told(people: int, tmp_path: Path, write_image: Write) -> None:
    for number in range(people):
        for place in ("happy/a.png", "sad/b.png"):
            write_image(f"fold_{number}/{place}", seed=2 * number + place.startswith("sad"))
    warned = [
        each for each in inspect(open_dataset(tmp_path)).warnings if each.startswith("folders taken for people: ")
    ]
    assert len(warned) == (people < 10)
    assert not inspect(open_dataset(tmp_path, group="none")).warnings
    assert not inspect(open_dataset(tmp_path, group="folder:1")).warnings  # that they are people was said


def test_jaffe_as_it_comes(tmp_path: Path, write_image: Write) -> None:
    for place in ("KA.AN1.39.tiff", "KA.NE2.27.tiff", "YM.FE3.70.tiff"):
        write_image(f"jaffe/{place}")
    (tmp_path / "jaffe" / "README").touch()
    dataset = open_dataset(tmp_path)
    assert dataset.form == "JAFFE, by its files' names"
    assert told(dataset) == [
        ("KA.AN1.39.tiff", "angry", "all", "KA"),
        ("KA.NE2.27.tiff", "neutral", "all", "KA"),
        ("YM.FE3.70.tiff", "fear", "all", "YM"),
    ]
    assert dataset.passed_over == ("README",)


@pytest.mark.parametrize(
    ("names", "people"),
    [
        (("S005_001_00000011.png", "S010_004_00000017.png"), ["S005", "S010"]),
        (("AF01ANS.JPG", "BF01HAS.JPG"), ["F01", "F01"]),
        (("KA.AN1.39.tiff", "KM.HA1.4.tiff"), ["KA", "KM"]),
        (("a.png", "S010_004_00000017.png"), ["", ""]),
    ],
)
def test_names_in_label_folders_say_who(
    tmp_path: Path, write_image: Write, names: list[str], people: list[str]
) -> None:
    for label, name in zip(("anger", "happy"), names, strict=True):
        write_image(f"CK+48/{label}/{name}")
    dataset = open_dataset(tmp_path)
    assert dataset.form == "image folder"
    assert [person for *_, person in told(dataset)] == people


def test_a_folder_a_person_without_a_table(tmp_path: Path, write_image: Write) -> None:
    for place in ("1/Anger.jpg", "1/Happy.jpg", "2/Happy.jpg"):
        write_image(f"images/{place}")
    dataset = open_dataset(tmp_path)
    assert [(label, person) for _, label, _, person in told(dataset)] == [
        ("angry", "1"),
        ("happy", "1"),
        ("happy", "2"),
    ]


# Folders


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        (
            ("happy/ann/a.png", "sad/ann/b.png", "calm/bob/1/c.png"),
            [("calm", "all", "bob"), ("happy", "all", "ann"), ("sad", "all", "ann")],
        ),
        (
            ("ann/happy/a.png", "ann/sad/b.png", "bob/calm/c.png"),
            [("happy", "all", "ann"), ("sad", "all", "ann"), ("calm", "all", "bob")],
        ),
        (
            ("NI/Strong/P001/Anger/000.jpeg", "VL/Weak/P002/Happiness/000.jpeg"),
            [("angry", "all", "P001"), ("happy", "all", "P002")],
        ),
        (("train/happy/a/a.png", "test/sad/b/b.png"), [("sad", "test", "b"), ("happy", "train", "a")]),
        (("happy/train/a.png", "sad/test/b.png"), [("happy", "train", ""), ("sad", "test", "")]),
        (("a/b/train/happy/a.png", "a/b/val/sad/b.png"), [("happy", "train", ""), ("sad", "valid", "")]),
    ],
)
def test_folders(tmp_path: Path, write_image: Write, places: list[str], expected: list[tuple[str, ...]]) -> None:
    for place in places:
        write_image(place)
    dataset = open_dataset(tmp_path)
    assert [rest for _, *rest in told(dataset)] == [list(each) for each in expected]


@pytest.mark.parametrize(
    ("places", "form", "note"),
    [
        (
            ("happy/x/a.png", "sad/x/b.png"),
            "[split/]label/*/*",
            "none, as the folders below the labels' have one name, x",
        ),
        (("happy/x/a.png", "sad/y/b.png"), "[split/]label/person/*", "the folders below the labels', such as x"),
        (
            ("q/x/happy/a.png", "r/x/sad/b.png"),
            "[split/]*/*/label/*",
            "none, as the folders above the labels' have one name, x",
        ),
    ],
)
def test_one_name_for_all_is_no_person(
    tmp_path: Path, write_image: Write, places: list[str], form: str, note: str
) -> None:
    for place in places:
        write_image(place)
    dataset = open_dataset(tmp_path)
    assert dataset.form == f"image folder {form}"
    assert f"people: {note}" in dataset.notes
    assert {person for *_, person in told(dataset)} == ({"x", "y"} if "person" in form else {""})


def test_names_say_who_where_one_folder_does_not(tmp_path: Path, write_image: Write) -> None:
    for place in ("anger/all/S005_001_00000011.png", "happy/all/S010_004_00000017.png"):
        write_image(place)
    assert [person for *_, person in told(open_dataset(tmp_path))] == ["S005", "S010"]


@pytest.mark.parametrize(
    ("folders", "splits"),
    [("train dev eval", ("train", "valid", "test")), ("Development Evaluation", ("valid", "test"))],
)
def test_splits_by_other_names(tmp_path: Path, write_image: Write, folders: str, splits: tuple[str, ...]) -> None:
    for folder in folders.split():
        write_image(f"{folder}/happy/a.png")
        write_image(f"{folder}/sad/a.png")
    assert open_dataset(tmp_path).splits == splits


def test_a_wrapper_is_the_dataset_that_it_holds(tmp_path: Path, write_image: Write) -> None:
    for place in ("one/two/happy/a.png", "one/two/sad/b.png"):
        write_image(place)
    (tmp_path / "one" / "README.txt").touch()
    outer, inner = open_dataset(tmp_path), open_dataset(tmp_path / "one" / "two")
    assert outer == inner
    assert outer.names_sha256 == inner.names_sha256


@pytest.mark.parametrize(
    ("places", "layout"),
    [
        (("happy/ann/a.png", "sad/bob/b.png", "c.png"), r"\[split/\]label/person/\*, also found c.png"),
        (("ann/happy/a.png", "bob/sad/b.png", "c.png"), r"\[split/\]person/label/\*, also found c.png"),
    ],
)
def test_an_image_beside_peoples_folders_is_told(
    tmp_path: Path, write_image: Write, places: list[str], layout: str
) -> None:
    for place in places:
        write_image(place)
    with pytest.raises(DataError, match=layout):
        open_dataset(tmp_path)


# Lists of their own kind


@pytest.mark.parametrize("images", ["Image/aligned/{}_aligned.jpg", "aligned/{}_aligned.jpg", "Image/original/{}.jpg"])
@pytest.mark.parametrize("listed", ["EmoLabel/list_patition_label.txt", "list_partition_label.txt"])
def test_raf_db(tmp_path: Path, write_image: Write, images: str, listed: str) -> None:
    rows = {"train_00001": 5, "train_00002": 1, "test_0001": 7, "test_0002": 4}
    for name in [*rows][:3]:
        write_image("basic/" + images.format(name))
    file = tmp_path / "basic" / listed
    file.parent.mkdir(exist_ok=True)
    file.write_text("".join(f"{name}.jpg {label}\n" for name, label in rows.items()))
    dataset = open_dataset(tmp_path)
    assert dataset.form == "RAF-DB"
    assert [(each.label, each.split) for each in dataset.examples] == [
        ("sad", "train"),
        ("surprise", "train"),
        ("neutral", "test"),
        ("happy", "test"),
    ]
    assert inspect(dataset).unreadable == {"test_0002.jpg": "no such file"}


def test_raf_db_in_numbered_folders_and_the_aligned_of_two(tmp_path: Path, write_image: Write) -> None:
    for place in ("train/1/train_00001_aligned.jpg", "test/6/test_0001_aligned.jpg", "test/6/test_0001.jpg"):
        write_image(f"DATASET/{place}")
    (tmp_path / "train_labels.csv").write_text("image,label\ntrain_00001_aligned.jpg,1\n")
    assert told(open_dataset(tmp_path)) == [
        ("DATASET/test/6/test_0001_aligned.jpg", "angry", "test", ""),
        ("DATASET/train/1/train_00001_aligned.jpg", "surprise", "train", ""),
    ]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("train_00001.jpg 8", "line 1: expected a name and a label 1..7"),
        ("train_00001.jpg", "line 1: expected a name and a label 1..7"),
        ("train_00009.jpg 3", "none of the 1 image it lists is below"),
    ],
)
def test_wrong_list_of_raf_db_is_told(tmp_path: Path, write_image: Write, line: str, fault: str) -> None:
    write_image("aligned/train_00001_aligned.jpg")
    (tmp_path / "list_patition_label.txt").write_text(line)
    with pytest.raises(DataError, match=fault):
        open_dataset(tmp_path)


VOTED = (
    'fer0000000.png,"(0, 0, 48, 48)",1,9,0,0,0,0,0,0,0,0',
    "fer0000001.png,0,0,0,0,8,0,2,0,0,0",
    'fer0000002.png,"(0, 0, 48, 48)",1,1,0,0,0,0,0,0,8,0',
)


def test_ferplus_folders(tmp_path: Path, write_image: Write) -> None:
    for folder, row in zip(("FER2013Train", "FER2013Valid", "FER2013Test"), VOTED, strict=True):
        write_image(f"data/{folder}/{row[:14]}")
        (tmp_path / "data" / folder / "label.csv").write_text(row + "\n")
    dataset = open_dataset(tmp_path)
    assert (dataset.form, dataset.labels) == ("FER+ folders", FERPLUS8)
    assert [(label, split) for _, label, split, _ in told(dataset)] == [
        ("unknown", "test"),
        ("happy", "train"),
        ("angry", "valid"),
    ]
    assert dataset.targets(FERPLUS8).tolist() == [NO_LABEL, 1, 4]
    assert dataset.outside(FERPLUS8) == {"unknown": 1}
    assert open_dataset(tmp_path / "data" / "FER2013Valid").splits == ("valid",)


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        (VOTED[:1], "label.csv lists 1 image, none of them there"),
        ((VOTED[0], "fer0000001.png,1,2"), "line 2: expected a name, a box and ten votes"),
        ((VOTED[0], ",x,0,0,0,0,8,0,2,0,0,0"), "line 2: expected a name, a box and ten votes"),
    ],
)
def test_wrong_ferplus_folder_is_told(tmp_path: Path, rows: list[str], fault: str) -> None:
    (tmp_path / "label.csv").write_text("\n".join(rows))
    with pytest.raises(DataError, match=fault):
        open_dataset(tmp_path)


# Zips


def packed(folder: Path, out: Path) -> Path:
    with zipfile.ZipFile(out, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder))
    return out


def test_a_zip_is_the_dataset_that_it_holds(tmp_path: Path, write_image: Write) -> None:
    for number, place in enumerate(
        ("x/train/happy/a.png", "x/train/sad/b.png", "x/test/sad/c.png", "__MACOSX/x/a.png")
    ):
        write_image(f"data/{place}", seed=number)
    file = packed(tmp_path / "data", tmp_path / "set.zip")
    dataset, unpacked = open_dataset(file), open_dataset(tmp_path / "data" / "x")
    assert dataset.path == file
    assert told(dataset) == told(unpacked)
    for one, other in zip(dataset.examples, unpacked.examples, strict=True):
        assert (read_image(one.source) == read_image(other.source)).all()
    assert {each.name for each in tmp_path.iterdir()} == {"data", "set.zip"}


def test_a_table_in_a_zip(tmp_path: Path, write_image: Write, write_table: Write) -> None:
    write_image("data/a.png")
    write_table("data/all.csv", ("path", "label"), [("a.png", "happy"), ("gone.png", "sad")])
    dataset = open_dataset(packed(tmp_path / "data", tmp_path / "set.zip"))
    assert [label for _, label, *_ in told(dataset)] == ["happy", "sad"]
    assert list(inspect(dataset).unreadable) == ["gone.png"]


@pytest.mark.parametrize("name", ["../happy/a.png", "/happy/a.png", "C:/happy/a.png", "happy\\..\\..\\a.png"])
def test_a_zip_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr(name, b"")
    with pytest.raises(DataError, match="leads out of the zip"):
        open_dataset(tmp_path / "set.zip")


def test_a_zip_that_is_too_large_or_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("happy/a.png", bytes(20))
    monkeypatch.setattr("mien.datasets.tree.MOST_UNPACKED", 10)
    with pytest.raises(DataError, match=r"0\.0 GB when unpacked, more than the 1e-08 GB .* unpack it first"):
        open_dataset(tmp_path / "set.zip")
    (tmp_path / "none.zip").touch()
    with pytest.raises(DataError, match="not a readable zip"):
        open_dataset(tmp_path / "none.zip")

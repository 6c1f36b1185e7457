"""Corrections: what is kept of a face, what a dataset makes of it, and that deleted is deleted."""

from __future__ import annotations

import csv
import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from drawn import draw_face
from PIL import Image
from waiting import WAIT_S

from mien import corrections
from mien.corrections import COLUMNS, NOT_A_FACE, TABLE, check, forget, keep, kept, name_of
from mien.crops import cut
from mien.datasets import open_dataset
from mien.detect import BlazeFace
from mien.errors import MienError
from mien.image import Pixels
from mien.labels import FERPLUS8
from mien.photos import usual_crop
from mien.prediction import Expression
from mien.preprocess import Colour, Preprocess

SAID = Expression({"happy": 0.625, "sad": 0.375})


def crops(n: int) -> list[Pixels]:
    rng = np.random.default_rng(3)
    return [draw_face("happy", rng) for _ in range(n)]


def told(folder: Path, label: str, *faces: Pixels) -> None:
    for face in faces:
        keep(folder, face, SAID, label, "toy")


def files(folder: Path) -> list[str]:
    """Every file below a folder, hidden ones too."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def rows(folder: Path) -> list[list[str]]:
    with (folder / TABLE).open(newline="") as stream:
        return list(csv.reader(stream))


def test_where_nothing_is_kept_there_is_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    assert kept(folder) == ()
    forget(folder)
    forget(folder, ["0" * 32])
    check(folder)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".hidden").touch()
    check(tmp_path)


def test_what_is_kept_is_a_crop_and_a_line_that_a_person_can_read(tmp_path: Path) -> None:
    (crop,) = crops(1)
    face = keep(tmp_path / "kept", crop, SAID, "sad", "toy")
    assert files(tmp_path / "kept") == [TABLE, f"sad/{name_of(crop)}.png"]
    assert rows(tmp_path / "kept") == [
        list(COLUMNS),
        [face.when, f"sad/{face.name}.png", "happy", "0.625", "sad", "toy"],
    ]
    assert kept(tmp_path / "kept") == (face,)
    with Image.open(face.path) as image:
        assert image.info == {}
        assert (np.asarray(image) == crop).all()
    if os.name == "posix":
        assert (tmp_path / "kept").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("size", "colour"), [(48, "gray"), (64, "rgb"), (256, "gray")])
def test_what_is_kept_is_read_again_as_it_was(size: int, colour: Colour, astronaut: bytes, tmp_path: Path) -> None:
    preprocess, finder = Preprocess(size, colour), BlazeFace()
    (crop,) = cut(astronaut, "detect", finder, preprocess).crops
    happy, sad = keep(tmp_path, crop, SAID, "happy", "toy"), keep(tmp_path, crop[:, ::-1], SAID, "sad", "toy")
    dataset = open_dataset(tmp_path)
    assert {example.label for example in dataset.examples} == {"happy", "sad"}
    assert usual_crop(dataset).crop == "whole"
    assert (cut(happy.path, "whole", finder, preprocess).crops[0] == crop).all()
    assert (cut(sad.path, "whole", finder, preprocess).crops[0] == crop[:, ::-1]).all()


def test_a_dataset_is_read_with_the_table_beside_it(tmp_path: Path) -> None:
    one, other, third = crops(3)
    for label, crop in (("happy", one), ("sad", other), (NOT_A_FACE, third)):
        told(tmp_path, label, crop)
    dataset = open_dataset(tmp_path)
    assert (dataset.form, set(dataset.labels)) == ("image folder", {"happy", "sad", NOT_A_FACE})
    assert dataset.passed_over == (TABLE,)
    assert set(open_dataset(tmp_path, mapping={NOT_A_FACE: ""}).labels) == {"happy", "sad"}


def test_of_a_face_that_is_told_twice_the_newer_word_holds(tmp_path: Path) -> None:
    one, other = crops(2)
    told(tmp_path, "happy", one, other)
    told(tmp_path, "fear", one)
    told(tmp_path, "sad", one, one)
    assert files(tmp_path) == [f"happy/{name_of(other)}.png", TABLE, f"sad/{name_of(one)}.png"]
    assert [(each.name, each.label) for each in kept(tmp_path)] == [(name_of(other), "happy"), (name_of(one), "sad")]
    assert not (tmp_path / "fear").exists()


def test_crops_have_the_same_name_if_and_only_if_they_are_the_same() -> None:
    one, other = crops(2)
    turned = np.zeros((4, 6), np.uint8)
    assert name_of(one) == name_of(one.copy())
    assert len({name_of(each) for each in (one, other, one[:, ::-1], turned, turned.T)}) == 5


def test_deleted_is_deleted(tmp_path: Path) -> None:
    one, other, third = crops(3)
    told(tmp_path, "happy", one, other)
    told(tmp_path, "sad", third)
    forget(tmp_path, [name_of(one), name_of(third)])
    assert files(tmp_path) == [f"happy/{name_of(other)}.png", TABLE]
    assert [row[1] for row in rows(tmp_path)[1:]] == [f"happy/{name_of(other)}.png"]
    forget(tmp_path)
    assert files(tmp_path) == [TABLE]
    assert rows(tmp_path) == [list(COLUMNS)]
    assert [each for each in tmp_path.iterdir() if each.is_dir()] == []
    told(tmp_path, "sad", one)
    assert len(kept(tmp_path)) == 1


def test_what_others_put_there_stays(tmp_path: Path) -> None:
    one, other = crops(2)
    told(tmp_path, "happy", one, other)
    named_alike = tmp_path / "happy" / f"{'0' * 32}.png"
    others = [tmp_path / "notes.txt", tmp_path / "happy" / "mine.png", tmp_path / "zoo" / "lion.png", named_alike]
    for place in others:
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(b"mine")
    forget(tmp_path)
    assert files(tmp_path) == sorted([TABLE, *(place.relative_to(tmp_path).as_posix() for place in others)])
    told(tmp_path, "happy", one)
    assert [each.name for each in kept(tmp_path)] == [name_of(one)]


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(MienError, match=r"holds other files, and no kept.csv: choose a folder that is empty"):
        check(tmp_path)
    with pytest.raises(MienError, match="holds other files"):
        told(tmp_path, "happy", *crops(1))
    forget(tmp_path)
    assert files(tmp_path) == ["holiday.jpg"]


def test_a_file_in_the_way_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "kept").touch()
    with pytest.raises(OSError, match="a file is in the way of a folder"):
        check(tmp_path / "kept")
    with pytest.raises(OSError, match="exists"):
        told(tmp_path / "kept", "happy", *crops(1))
    assert files(tmp_path) == ["kept"]


HEAD = ",".join(COLUMNS)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "expected the columns when, crop"),
        (b"path,label\n1.png,happy\n", "expected the columns when, crop"),
        (f"{HEAD}\n2026-01-01,sad/x.png,happy,.5,sad,toy\n".encode(), "expected a face, got '2026-01-01,sad/x.png"),
        (f"{HEAD}\n2026-01-01,sad/{'0' * 32}.png\n".encode(), "expected a face"),
        (f"{HEAD}\n2026-01-01,sad/{'0' * 32}.png,happy,much,sad,toy\n".encode(), "could not convert"),
        (b"\xff\xfe", "can't decode"),
    ],
)
def test_a_table_that_is_broken_is_told_and_nothing_is_changed(content: bytes, why: str, tmp_path: Path) -> None:
    told(tmp_path, "happy", *crops(2))
    (tmp_path / TABLE).write_bytes(content)
    before = files(tmp_path)
    for refused in (check, kept, forget):
        with pytest.raises(MienError, match=r"kept.csv is not as mien wrote it") as error:
            refused(tmp_path)
        assert why in str(error.value)
    with pytest.raises(MienError, match=r"kept.csv is not as mien wrote it"):
        told(tmp_path, "sad", *crops(1))
    assert files(tmp_path) == before
    assert (tmp_path / TABLE).read_bytes() == content


@pytest.mark.parametrize(
    ("parted_by", "end", "mark"), [(",", "\r\n", "\ufeff"), (";", "\r\n", "\ufeff"), ("\t", "\n", "")]
)
def test_a_table_that_a_spreadsheet_wrote_anew(parted_by: str, end: str, mark: str, tmp_path: Path) -> None:
    one, other = crops(2)
    told(tmp_path, "=sum", one)
    before, table = kept(tmp_path), tmp_path / TABLE
    lines = [parted_by.join(row) for row in rows(tmp_path)]
    table.write_bytes((mark + end.join([*lines, parted_by * 5, ""])).encode())
    assert kept(tmp_path) == before
    told(tmp_path, "sad", other)
    assert kept(tmp_path)[:1] == before
    assert [len(row) for row in rows(tmp_path)] == [6, 6, 6]


def test_a_table_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    folder, outside = tmp_path / "kept", tmp_path / "outside"
    told(folder, "happy", *crops(1))
    outside.mkdir()
    (outside / f"{'0' * 32}.png").write_bytes(b"mine")
    with (folder / TABLE).open("a") as stream:
        stream.write(f"2026-01-01,../outside/{'0' * 32}.png,happy,0.5,../outside,toy\n")
    assert len(kept(folder)) == 1
    forget(folder)
    assert files(tmp_path) == ["kept/kept.csv", f"outside/{'0' * 32}.png"]


def test_a_crop_that_a_person_moves_or_takes_away(tmp_path: Path) -> None:
    one, other, third = crops(3)
    told(tmp_path, "happy", one, other)
    (tmp_path / "calm").mkdir()
    (tmp_path / "happy" / f"{name_of(one)}.png").rename(tmp_path / "calm" / f"{name_of(one)}.png")
    (tmp_path / "happy" / f"{name_of(other)}.png").unlink()
    assert [(each.name, each.label) for each in kept(tmp_path)] == [(name_of(one), "calm")]
    told(tmp_path, "sad", third)
    assert [row[1] for row in rows(tmp_path)[1:]] == [f"calm/{name_of(one)}.png", f"sad/{name_of(third)}.png"]
    forget(tmp_path)
    assert files(tmp_path) == [TABLE]


@pytest.mark.parametrize("label", ["", "a/b", "..", "a ", "train", "Test", "what?"])
def test_a_label_that_no_folder_can_have(label: str, tmp_path: Path) -> None:
    with pytest.raises(MienError, match="no folder can have the label"):
        told(tmp_path / "kept", label, *crops(1))
    assert list(tmp_path.iterdir()) == []


def test_labels_that_every_model_speaks_are_folders(tmp_path: Path) -> None:
    for label, crop in zip((*FERPLUS8, NOT_A_FACE, "=sum"), crops(10), strict=True):
        told(tmp_path, label, crop)
    assert {each.label for each in kept(tmp_path)} == {*FERPLUS8, NOT_A_FACE, "=sum"}
    assert not [cell for row in rows(tmp_path) for cell in row if cell.startswith("=")]


def test_what_a_killed_process_leaves_is_cleared_away(tmp_path: Path) -> None:
    (crop,) = crops(1)
    told(tmp_path, "happy", crop)
    left = [tmp_path / ".kept.0123456789abcdef.csv", tmp_path / "happy" / f".{name_of(crop)}.0123456789abcdef.png"]
    others = [tmp_path / ".mine.0123456789abcdef.csv", tmp_path / "happy" / ".mine.0123456789abcdef.png"]
    for place in (*left, *others):
        place.write_bytes(b"half")
    forget(tmp_path)
    assert files(tmp_path) == sorted([TABLE, *(place.relative_to(tmp_path).as_posix() for place in others)])


@pytest.mark.parametrize("where", ["table", "crop"])
def test_what_cannot_be_written_leaves_what_was_there(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = crops(2)
    told(tmp_path, "happy", one)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((corrections, "write_text", full) if where == "table" else (Image.Image, "save", full)))
    for crop in (one, other):
        with pytest.raises(OSError, match="No space left"):
            told(tmp_path, "sad", crop)
    assert files(tmp_path) == [f"happy/{name_of(one)}.png", TABLE]
    assert [(each.name, each.label) for each in kept(tmp_path)] == [(name_of(one), "happy")]


def test_two_tabs_at_once(tmp_path: Path) -> None:
    faces = crops(12)
    with ThreadPoolExecutor(6) as tabs:
        for _ in tabs.map(lambda at: told(tmp_path / "kept", FERPLUS8.emotions[at % 3], faces[at // 2]), range(24)):
            pass
    assert {each.name for each in kept(tmp_path / "kept")} == {name_of(each) for each in faces}
    assert len(files(tmp_path / "kept")) == 13
    with ThreadPoolExecutor(6) as tabs:
        list(tabs.map(lambda face: forget(tmp_path / "kept", [name_of(face)]), faces))
    assert files(tmp_path / "kept") == [TABLE]


def test_two_apps_at_once(tmp_path: Path) -> None:
    one, other = crops(20)[:10], crops(20)[10:]
    spawned = multiprocessing.get_context("spawn")
    beside = spawned.Process(target=told, args=(tmp_path, "sad", *one))
    beside.start()
    told(tmp_path, "happy", *other)
    beside.join(WAIT_S)
    assert beside.exitcode == 0
    assert len(kept(tmp_path)) == len(rows(tmp_path)) - 1 == 20

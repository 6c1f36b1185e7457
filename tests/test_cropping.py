"""Cropping: a dataset written anew as face crops, what it is told of, and a run that is killed and goes on."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from broken import little_room
from drawn import Bounds, draw_face, in_surroundings, write_folder
from PIL import Image
from typer.testing import CliRunner

from mien.cli.verbs import app
from mien.cropping import LABELS, STATE, TABLE, Row, find_sources, write_crops
from mien.crops import NO_FACE
from mien.datasets import Dataset, open_dataset
from mien.datasets.base import Example
from mien.errors import DataError, MienError
from mien.face import crop_face
from mien.image import read_image
from mien.labels import HAPPY_SAD
from mien.preprocess import Preprocess

GRAY = Preprocess()


def write_photos(out: Path, splits: tuple[str, ...] = ("train", "test"), n: int = 2) -> Path:
    """Drawn happy and sad faces in surroundings, 150 px: `[split/]label/*.png`."""
    write_folder(out, ("happy", "sad"), n, splits=splits)
    for file in out.rglob("*.png"):
        Image.fromarray(in_surroundings(np.asarray(Image.open(file)), 150, 0.5)).save(file)
    return out


def example(name: str, label: str = "happy", split: str = "all", **attributes: str) -> Example:
    return Example(name, in_surroundings(np.full((48, 48), 99, np.uint8), 150, 0.5), label, split, (), attributes)


def files(folder: Path) -> dict[str, bytes]:
    """Every file, by its place."""
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def table(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


# What is written


def test_nothing_to_crop(tmp_path: Path) -> None:
    assert write_crops([], tmp_path / "out", "auto", GRAY, detector=Bounds()) == []
    assert set(files(tmp_path / "out")) == {STATE, TABLE}


@pytest.mark.parametrize("splits", [(), ("train", "test")])
def test_a_dataset_comes_back_with_its_labels_and_splits(splits: tuple[str, ...], tmp_path: Path) -> None:
    before = open_dataset(write_photos(tmp_path / "photos", splits))
    rows = write_crops(before.examples, tmp_path / "out", "auto", GRAY, detector=Bounds())
    after = open_dataset(tmp_path / "out")
    assert [(e.name, e.label, e.split) for e in after.examples] == [(e.name, e.label, e.split) for e in before.examples]
    assert after.labels == before.labels
    for ours, theirs, row in zip(after.examples, before.examples, rows, strict=True):
        image = read_image(theirs.source)
        (face,) = Bounds().detect(image)
        assert (read_image(ours.source)[..., 0] == crop_face(Image.fromarray(image), face)).all()
        assert (row.source, row.crop, row.faces, row.reason) == (theirs.name, ours.name, 1, "")
        assert (row.x0, row.y0, row.x1, row.y1, row.score) == (*face.box_xyxy, 0.9)


def test_the_tables_rows(tmp_path: Path) -> None:
    examples = [example("a.png", "sad"), Example("b.png", np.zeros((200, 300, 3), np.uint8), "sad")]
    examples += [Example("c.png", b"", "happy"), Example("d.png", np.zeros((40, 50, 3), np.uint8), "happy", "train")]
    rows = write_crops(examples, tmp_path / "out", "auto", GRAY, detector=Bounds())
    assert [row.crop for row in rows] == ["sad/a.png", "", "", "train/happy/d.png"]
    assert [row.reason for row in rows] == ["", NO_FACE, "empty: no bytes to read", ""]
    assert [row.unreadable for row in rows] == [False, False, True, False]
    assert [(row.width, row.height) for row in rows] == [(150, 150), (300, 200), (None, None), (50, 40)]
    assert (rows[3].x0, rows[3].x1, rows[3].score) == (0, 50, 1)
    told = [{name: "" if value is None else str(value) for name, value in asdict(row).items()} for row in rows]
    assert table(tmp_path / "out" / TABLE) == told


@pytest.mark.parametrize(("preprocess", "mode"), [(Preprocess(32), "L"), (Preprocess(64, "rgb"), "RGB")])
def test_sizes_and_colours(preprocess: Preprocess, mode: str, tmp_path: Path) -> None:
    write_crops([example("a.png")], tmp_path / "out", "auto", preprocess, detector=Bounds())
    with Image.open(tmp_path / "out" / "happy" / "a.png") as image:
        assert (image.mode, image.size) == (mode, (preprocess.size,) * 2)


def test_people_and_what_is_known_of_them_are_in_a_table(tmp_path: Path) -> None:
    examples = [example("images/7/happy.jpg", person="7", age="30"), example("images/8/sad.jpg", "sad", person="8")]
    examples += [Example("images/8/happy.jpg", b"", "happy", attributes={"person": "8"})]
    write_crops(examples, tmp_path / "out", "auto", GRAY, detector=Bounds())
    assert {name for name in files(tmp_path / "out") if name.endswith(".png")} == {
        "crops/images-7-happy.png",
        "crops/images-8-sad.png",
    }
    assert table(tmp_path / "out" / LABELS) == [
        {"path": "crops/images-7-happy.png", "label": "happy", "person": "7", "age": "30"},
        {"path": "crops/images-8-sad.png", "label": "sad", "person": "8", "age": ""},
    ]
    assert [row["person"] for row in table(tmp_path / "out" / TABLE)] == ["7", "8", "8"]


def test_what_is_known_by_the_name_of_another_column_is_renamed(tmp_path: Path) -> None:
    known = {"label": "lookup", "split": "left", "path": "a/b", "emotion": "joy"}
    examples = [replace(example("a.jpg", split="train"), attributes=known)]
    write_crops(examples, tmp_path / "out", "auto", GRAY, detector=Bounds())
    (row,) = table(tmp_path / "out" / LABELS)
    assert (row["path"], row["label"], row["split"]) == ("crops/a.png", "happy", "train")
    assert [row[f"input_{name}"] for name in ("label", "split", "path")] == ["lookup", "left", "a/b"]
    assert row["emotion"] == "joy"


@pytest.mark.parametrize(
    ("examples", "places"),
    [
        ([example("a.jpg", ""), example("b/a.png", ""), example("c/A.tif", "")], ["a.png", "a-2.png", "A-3.png"]),
        ([example("train/Happy/ann/1.jpg", split="train")], ["train/happy/ann-1.png"]),
        ([example("happy/a.jpg"), example("happy/a.png")], ["happy/a.png", "happy/a-2.png"]),
        (
            [example("happy/a-2.jpg"), *[example(f"happy/a.{kind}") for kind in ("jpg", "png", "tif", "webp")]],
            ["happy/a-2.png", "happy/a.png", "happy/a-3.png", "happy/a-4.png", "happy/a-5.png"],
        ),
        ([example("train.parquet:17")], ["happy/train.parquet-17.png"]),
        ([example("../../x/.hidden.png")], ["happy/x-.hidden.png"]),
        ([example("x.png", "../up")], ["crops/x.png"]),
        ([example("x.png", "a/b"), example("y.png", "a:b")], ["crops/x.png", "crops/y.png"]),
        ([example("n" * 300 + "1.png")], ["happy/" + "n" * 59 + "1.png"]),
        ([example("...")], ["happy/image.png"]),
    ],
)
def test_places(examples: list[Example], places: list[str], tmp_path: Path) -> None:
    rows = write_crops(examples, tmp_path / "out", "auto", GRAY, detector=Bounds())
    written = [name for name in files(tmp_path) if name.endswith(".png")]
    assert sorted(written) == sorted(f"out/{row.crop}" for row in rows)
    assert [row.crop for row in rows] == places


# What is cropped


def test_a_dataset_is_found(tmp_path: Path) -> None:
    found = find_sources([str(write_photos(tmp_path / "photos"))], io.BytesIO())
    assert isinstance(found, Dataset)
    assert (found.labels, found.splits) == (HAPPY_SAD, ("train", "test"))


def test_plain_images_are_found(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", (), 1)
    happy = photos / "happy"
    for words in ([str(happy)], [str(happy / "*.png")], [str(happy / "0000.png")], [str(happy), str(happy)]):
        found = find_sources(words, io.BytesIO())
        assert isinstance(found, tuple)
        assert [(each.name, each.label, each.split) for each in found] == [(str(happy / "0000.png"), "", "all")]
    piped = find_sources(["-"], io.BytesIO(b"piped"))
    assert not isinstance(piped, Dataset)
    assert [each.name for each in piped] == ["<stdin>"]


def test_what_is_nearly_a_dataset_is_told(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", ())
    Image.new("L", (48, 48)).save(photos / "loose.png")
    with pytest.raises(DataError, match=r"loose\.png"):
        find_sources([str(photos)], io.BytesIO())
    (tmp_path / "table.csv").write_text("nothing,known\n1,2\n")
    with pytest.raises(DataError, match="no column"):
        find_sources([str(tmp_path / "table.csv")], io.BytesIO())


# A run that goes on


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    examples, asked = open_dataset(write_photos(tmp_path / "photos")).examples, list[int]()

    class Stops(Bounds):
        def detect(self, image: Any) -> Any:
            asked.append(len(asked))
            if len(asked) == 4:
                raise KeyboardInterrupt
            return super().detect(image)

    with pytest.raises(KeyboardInterrupt):
        write_crops(examples, tmp_path / "out", "auto", GRAY, detector=Stops())
    assert TABLE not in files(tmp_path / "out")
    assert len(files(tmp_path / "out")) == 1 + 3
    rows = write_crops(examples, tmp_path / "out", "auto", GRAY, detector=Stops())
    assert len(asked) == 4 + len(examples) - 3
    assert rows == write_crops(examples, tmp_path / "whole", "auto", GRAY, detector=Bounds())
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def test_what_was_cut_short_is_done_anew(tmp_path: Path) -> None:
    examples = open_dataset(write_photos(tmp_path / "photos")).examples
    write_crops(examples, tmp_path / "out", "auto", GRAY, detector=Bounds())
    whole = files(tmp_path / "out")
    state = tmp_path / "out" / STATE
    state.write_bytes(state.read_bytes()[:-20])
    (tmp_path / "out" / "test" / "sad" / ".0001.0123456789abcdef.png").write_bytes(b"half")
    (tmp_path / "out" / "train" / "happy" / "0000.png").unlink()
    write_crops(examples, tmp_path / "out", "auto", GRAY, detector=Bounds())
    now = files(tmp_path / "out")
    lines = [sorted(content.pop(STATE).splitlines()) for content in (whole, now)]
    assert lines[0] == lines[1]
    assert now == whole


def test_what_was_unreadable_or_has_changed_is_read_again(tmp_path: Path) -> None:
    photos, out = write_photos(tmp_path / "photos", ("train",)), tmp_path / "out"
    first, second = sorted((photos / "train" / "happy").iterdir())
    whole = first.read_bytes()
    first.write_bytes(whole[:200])

    def rows() -> dict[str, Row]:
        found = write_crops(open_dataset(photos).examples, out, "auto", GRAY, detector=Bounds())
        return {row.source: row for row in found if "happy" in row.source}

    (torn, other), before = rows().values(), files(out)
    assert torn.unreadable
    first.write_bytes(whole)
    Image.new("RGB", (150, 150)).save(second)
    mended, blank = rows().values()
    assert (mended.crop, blank.crop, blank.reason) == ("train/happy/0000.png", "", NO_FACE)
    assert files(out).keys() - before.keys() == {mended.crop}
    assert before.keys() - files(out).keys() == {other.crop}
    assert [row["crop"] for row in table(out / TABLE) if "happy" in row["source"]] == [mended.crop, ""]


@pytest.mark.parametrize("form", ["zip", "parquet", "zip of parquet", "csv", "stdin"])
def test_what_has_changed_in_one_file_or_pipe_is_read_again(form: str, tmp_path: Path) -> None:
    def examples(shade: int) -> Any:
        pixels = np.full((48, 48), 99, np.uint8)
        pixels[:, :24] = shade
        Image.fromarray(pixels).save(content := io.BytesIO(), "PNG")
        face, other = content.getvalue(), (tmp_path / "other.png")
        Image.new("L", (48, 48), 50).save(other)
        if form == "stdin":
            return find_sources(["-"], io.BytesIO(face))
        if form == "csv":
            rows = [f"3,{' '.join(map(str, pixels.ravel()))},Training", f"4,{' '.join(['9'] * 48**2)},Training"]
            (tmp_path / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *rows]))
            return open_dataset(tmp_path / "fer2013.csv").examples
        images = [{"bytes": data, "path": None} for data in (face, other.read_bytes())]
        held = pa.table({"image": images, "emotion": [3, 4], "usage": ["Training"] * 2})
        pq.write_table(held, tmp_path / "faces.parquet")
        if form == "parquet":
            return open_dataset(tmp_path / "faces.parquet").examples
        with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
            if form == "zip":
                archive.writestr("happy/a.png", face)
                archive.write(other, "sad/b.png")
            else:
                archive.write(tmp_path / "faces.parquet", "faces.parquet")
        return open_dataset(tmp_path / "faces.zip").examples

    def crops(out: str, shade: int) -> dict[str, bytes]:
        write_crops(examples(shade), tmp_path / out, "whole", GRAY)
        return {place: data for place, data in files(tmp_path / out).items() if place.endswith(".png")}

    before, after = crops("out", 10), crops("out", 200)
    assert before != after == crops("other", 200)


def test_a_full_disk_is_told_with_the_file_and_the_run_goes_on(tmp_path: Path) -> None:
    examples = [Example(str(number), b"broken", "happy") for number in range(10)]
    with little_room(1000), pytest.raises(OSError, match="File too large") as told:
        write_crops(examples, tmp_path / "out", "auto", GRAY, detector=Bounds())
    assert told.value.filename == str(tmp_path / "out" / STATE)
    assert len(write_crops(examples, tmp_path / "out", "auto", GRAY, detector=Bounds())) == 10


@pytest.mark.parametrize(
    ("preprocess", "crop", "names", "told"),
    [
        (Preprocess(64), "auto", "ab", "size: was 48, is 64"),
        (Preprocess(48, "rgb"), "auto", "ab", "colour: was gray, is rgb"),
        (GRAY, "whole", "ab", "crop: was auto, is whole"),
        (GRAY, "auto", "abc", "sources: was"),
    ],
)
def test_other_options_are_refused(preprocess: Preprocess, crop: Any, names: str, told: str, tmp_path: Path) -> None:
    write_crops([example("a"), example("b")], tmp_path / "out", "auto", GRAY, detector=Bounds())
    before = files(tmp_path / "out")
    with pytest.raises(MienError, match=told):
        write_crops([example(name) for name in names], tmp_path / "out", crop, preprocess, detector=Bounds())
    assert files(tmp_path / "out") == before


def test_what_is_in_the_way_stays(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(MienError, match="in the way"):
        write_crops([example("a")], tmp_path, "auto", GRAY, detector=Bounds())
    assert set(files(tmp_path)) == {"mine.txt"}


# The command


def command(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "mien", "crop", *map(str, words)]


def run(*words: str | Path, code: int = 0) -> str:
    result = subprocess.run(command(*words), check=False, capture_output=True, text=True)
    assert result.returncode == code, result.stderr
    return result.stdout + result.stderr


def test_the_command(tmp_path: Path, astronaut: bytes) -> None:
    for place in ("happy/a.jpg", "sad/b.jpg"):
        (tmp_path / "photos" / place).parent.mkdir(parents=True)
        (tmp_path / "photos" / place).write_bytes(astronaut)
    (tmp_path / "photos" / "sad" / "c.jpg").write_bytes(b"broken")
    Image.new("RGB", (300, 300)).save(tmp_path / "photos" / "sad" / "d.png")
    told = run(tmp_path / "photos", "--out", tmp_path / "out", "--size", "64", "--colour", code=1)
    assert told.startswith("image folder: 4 images; crop auto: photos: of 4 images looked at, in 2 a face takes part")
    assert "2 crops of 64 x 64 px in " in told
    assert "no face in 1, 1 unreadable; crops.csv has a row for each" in told
    assert "unreadable: sad/c.jpg: not an image" in told
    assert [e.name for e in open_dataset(tmp_path / "out").examples] == ["happy/a.png", "sad/b.png"]
    with Image.open(tmp_path / "out" / "happy" / "a.png") as image:
        assert (image.size, image.mode) == ((64, 64), "RGB")
    assert "size: was 64, is 48" in run(tmp_path / "photos", "--out", tmp_path / "out", "--colour", code=2)


def test_the_command_on_plain_images(tmp_path: Path, astronaut: bytes) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(astronaut)
    told = run(tmp_path / "photos", "--out", tmp_path / "out")
    assert told.startswith("1 source without labels; crop auto: as mien predict does\n1 crop of 48 x 48 px")
    assert set(files(tmp_path / "out")) == {"a.png", STATE, TABLE}


def test_what_is_no_image_is_counted_as_a_source(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    told = run(tmp_path / "empty", "https://x.org/a.jpg", "--out", tmp_path / "out", code=1)
    assert told.startswith("2 sources without labels; ")
    assert "0 crops of 48 x 48 px" in told


def test_stopped_it_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: Any, progress: Callable[[int, int], None], **__: Any) -> list[Row]:
        progress(2, 3)
        raise KeyboardInterrupt

    monkeypatch.setattr("mien.cropping.write_crops", stopped)
    words = ["crop", "a.jpg", "b.jpg", "c.jpg", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 130
    assert done.stderr == f"interrupted: 2 of 3 sources are done; the same command goes on with {tmp_path / 'out'}\n"


def test_people_and_words_of_ones_own_come_back_as_they_were_read(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", ())
    for file in photos.rglob("*.png"):
        file.rename(file.with_name(f"S{int(file.stem) // 2}_{file.name}"))
    (photos / "happy").rename(photos / "joie")
    run(photos, "--out", tmp_path / "out", "--crop", "whole", "--map", "joie=happy", "--group", r"(S\d+)_")
    read, again = open_dataset(photos, mapping={"joie": "happy"}, group=r"(S\d+)_"), open_dataset(tmp_path / "out")
    kept = [Counter((each.label, each.attributes["person"]) for each in data.examples) for data in (read, again)]
    assert kept[0] == kept[1]
    for option in (("--map", "a=b"), ("--group", "folder:1")):
        assert "are for datasets" in run(photos / "joie", "--out", tmp_path / "other", *option, code=2)


def test_crops_do_not_become_sources(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", ())
    assert "lies among the sources" in run(photos, "--out", photos / "crops", code=2)
    assert not (photos / "crops").exists()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal here")
def test_a_killed_run_goes_on_to_the_same_files(tmp_path: Path) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    rng = np.random.default_rng(0)
    for label in ("happy", "sad"):
        (photos / label).mkdir(parents=True)
        for number in range(100):
            Image.fromarray(draw_face(label, rng)).save(photos / label / f"{number}.png")
    state = out / STATE
    with subprocess.Popen(command(photos, "--out", out), stdout=subprocess.DEVNULL) as process:
        while process.poll() is None and (not state.exists() or state.read_bytes().count(b"\n") < 5):
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
    for file in out.rglob("[!.]*.png"):
        with Image.open(file) as image:
            image.load()  # whole
    assert state.read_bytes().count(b"\n") >= 5
    run(photos, "--out", out)
    run(photos, "--out", tmp_path / "whole")
    assert files(out) == files(tmp_path / "whole")
    assert len(open_dataset(out)) == 200
    assert json.loads(state.read_text().splitlines()[0])["crop"] == "whole"

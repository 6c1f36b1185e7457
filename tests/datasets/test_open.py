"""`open_dataset`: the most specific form first; what is none is told what was looked for and what was found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mien.datasets import open_dataset
from mien.errors import DataError

Write = Callable[..., Path]


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ((), "Found: none; images: none$"),
        (
            ("a.png",),
            r"Found: a.png; images: a.png\nImages alone have no labels: put the images in folders named by label",
        ),
        (
            ("a/x/a.png", "b/y/b.png", "b/z/2/c.png"),
            r"Found: a/, b/; images: a/x/a.png, b/y/b.png and 1 more\n"
            r"Folders of level 1: a, b; level 2: x, y, z; level 3: 2. If .*--map a=LABEL,",
        ),
        (
            ("cohn-kanade-images/S005/001/S005_001_00000011.png", "Emotion/S005/001/S005_001_00000011_emotion.txt"),
            r"Found: Emotion/, cohn-kanade-images/; images: .*\nNo form reads labels from text files beside images, "
            r"such as Emotion/S005/001/S005_001_00000011_emotion.txt: put the images in folders named by label",
        ),
        (
            ("images/x/a.png", "images/x/b.png"),
            r"\nFolders of level 1: images; level 2: x, which tell no labels apart: put the images in folders named by",
        ),
        (
            ("all/x/1/a.png", "all/y/2/b.png"),
            r"\nFolders of level 1: all; level 2: x, y; level 3: 1, 2. If .*--map x=LABEL,",
        ),
        (
            ("images/a.png", "images/b.png", "list.csv=Datei;Ausdruck\na.png;froh"),
            r"\n.*list.csv: no column for path and label \(path: path, .*; label: .*\); found datei, ausdruck\n"
            r"Folders of level 1: images, which tell no labels apart",
        ),
        (
            ("a.png", "list.csv=path,label\na.png,fr\udcf6hlich", "x/list.tsv=path\tjoy\tsadness", "y.csv=a"),
            r"\n.*list.csv: not a readable table in UTF-8 \(.*\)\n.*list.tsv: no column for label \(.*\); found path, "
            r"joy, sadness\nImages alone have no labels",
        ),
        (
            ("train/a.png", "test/b.png"),
            r"Found: test/, train/; images: test/b.png, train/a.png\nFolders of level 1: test",
        ),
    ],
)
def test_no_form_is_told(tmp_path: Path, write_image: Write, files: list[str], found: str) -> None:
    for file in files:
        if "=" in file or file.endswith(".txt"):
            name, _, text = file.partition("=")
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8", errors="surrogateescape")
        else:
            write_image(file)
    with pytest.raises(DataError, match=r"not a dataset. Looked for:\n  - people: images/.*\n  - FER2013") as told:
        open_dataset(tmp_path)
    assert told.match(found)


def test_missing_path_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file or folder"):
        open_dataset(tmp_path / "missing")


@pytest.mark.parametrize("as_path", [str, Path])
@pytest.mark.parametrize("address", ["https://x.org/d.zip", "s3://d/all.csv", "http://x.org"])
def test_an_address_is_told(address: str, as_path: Callable[[str], str | Path]) -> None:
    with pytest.raises(DataError) as told:
        open_dataset(as_path(address))
    assert (
        str(told.value)
        == f"{address}: an address, not a file: nothing is fetched from it; download it and name the file"
    )


def test_no_password_of_an_address_is_told() -> None:
    with pytest.raises(DataError, match=r"^https://\.\.\.: an address, not a file"):
        open_dataset("https://user:pa/ss@x.org/d.zip?key=b")


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("a.mp4", b"\0\0\0\x18ftypmp42", "a video, not an image: save the frames that you want as JPEG or PNG"),
        ("a.avi", b"RIFF\0\0\0\0AVI LIST", "a video, not an image: save the frames that you want as JPEG or PNG"),
        (
            "a.JPG",
            b"",
            "one image, not a dataset: mien predict reads it; to judge, put images in folders named by label",
        ),
    ],
)
def test_one_video_or_image_is_told(tmp_path: Path, name: str, data: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError) as error:
        open_dataset(tmp_path / name)
    assert str(error.value) == f"{tmp_path / name}: {told}"


@pytest.mark.parametrize("by_file", [False, True])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mine.csv", "a.png,happy\nb.png,sad\n"),
        ("fer2013.csv", "0,70 80 82 72,Training\n3,151 150 147,Training\n"),
        ("train.csv", f"0,{'70 ' * 2303}70,Training\n"),
    ],
)
def test_a_table_without_a_header_is_told(
    tmp_path: Path, write_image: Write, name: str, text: str, by_file: bool
) -> None:
    write_image("a.png")
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(DataError, match="its first line looks like data: put the columns' names above it") as told:
        open_dataset(file if by_file else tmp_path)
    assert len(str(told.value)) < 1500


def test_other_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "set.tar.gz").touch()
    with pytest.raises(DataError, match=r"(?s)Looked for:.*Found: a file of kind \.gz, an archive: unpack it first"):
        open_dataset(str(tmp_path / "set.tar.gz"))
    (tmp_path / "list.txt").touch()
    with pytest.raises(DataError, match=r"Found: a file of kind \.txt$"):
        open_dataset(tmp_path / "list.txt")


def test_people_come_before_folders_and_csv(tmp_path: Path, write_image: Write, write_table: Write) -> None:
    for place in ("images/happy.png", "images/sad.png", "happy/a.png", "sad/a.png"):
        write_image(place.replace("images/", "images/0/"))
    with pytest.raises(DataError, match=r"also found images/0/happy\.png"):
        open_dataset(tmp_path)
    write_table("emotions.csv", ["set_id"], [[0]])
    assert open_dataset(tmp_path).form == "people folder"

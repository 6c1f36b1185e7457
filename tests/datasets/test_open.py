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
        (("a.png",), r"Found: a.png; images: a.png\nImages alone have no labels: put them in folders named by label"),
        (
            ("a/x/a.png", "b/y/b.png", "b/z/2/c.png"),
            r"Found: a/, b/; images: a/x/a.png, b/y/b.png and 1 more\n"
            r"Folders of level 1: a, b; level 2: x, y, z; level 3: 2. If .*--map a=happy,",
        ),
        (
            ("train/a.png", "test/b.png"),
            r"Found: test/, train/; images: test/b.png, train/a.png\nFolders of level 1: test",
        ),
    ],
)
def test_no_form_is_told(tmp_path: Path, write_image: Write, files: list[str], found: str) -> None:
    for file in files:
        write_image(file)
    with pytest.raises(DataError, match=r"not a dataset. Looked for:\n  - people: images/.*\n  - FER2013") as told:
        open_dataset(tmp_path)
    assert told.match(found)


def test_missing_path_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file or folder"):
        open_dataset(tmp_path / "missing")


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

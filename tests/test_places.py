"""Where a verb may write: what is read stays, and is not joined by what is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from drawn import write_folder

from mien.cli.places import check_files, check_other, check_outside
from mien.datasets import open_dataset
from mien.datasets.index import write_index
from mien.errors import MienError


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`photos/`, where runs are, with a photo, and `link`, which leads there; `clean.json`, made of `again.json`, which
    was made of `photos/faces/`."""
    write_folder(tmp_path / "photos" / "faces", ("happy", "sad"), 1)
    (tmp_path / "photos" / "a.jpg").touch()
    (tmp_path / "link").symlink_to("photos")
    monkeypatch.chdir(tmp_path)
    write_index(Path("again.json"), open_dataset("photos/faces"), ())
    write_index(Path("clean.json"), open_dataset("again.json"), ())


@pytest.mark.parametrize(
    ("source", "out"),
    [
        (".", "out"),
        ("photos", "photos"),
        ("photos/", "photos/deep/out"),
        ("link", "photos/out"),
        ("photos", "link/out"),
        ("*", "photos/out"),
        ("photos/*", "photos/out"),
        ("photos/*.jpg", "photos"),
        ("photos/*/*.jpg", "photos/out"),
        ("photos/**/*.jpg", "photos/deep/out"),
        ("link/*/*.jpg", "photos/out"),
        ("s3://bucket/photos", "s3://bucket/photos/"),
        ("s3://bucket/photos/", "s3://bucket/photos/out"),
        ("s3://bucket/**/*.jpg", "s3://bucket/out"),
        ("clean.json", "photos/faces/out"),
    ],
)
def test_what_lies_among_the_sources(source: str, out: str) -> None:
    with pytest.raises(MienError, match="lies among the sources: choose a folder outside"):
        check_outside([None, "-", source], out)


@pytest.mark.parametrize(
    ("source", "out"),
    [
        ("photos", "out"),
        ("photos", "photos-marked"),
        ("photos/faces", "photos"),
        ("photos/a.jpg", "photos"),
        ("photos/*.jpg", "photos/out"),
        ("photos/f*/*.jpg", "photos/out"),
        ("photos/f*/*.jpg", "."),
        ("none", "none/out"),
        ("s3://bucket/photos", "s3://bucket/photos-read"),
        ("s3://bucket/photos", "s3://other/photos/out"),
        ("s3://bucket/*.jpg", "s3://bucket/out"),
        ("s3://bucket", "bucket/out"),
        ("clean.json", "photos/out"),
    ],
)
def test_what_lies_beside_them(source: str, out: str) -> None:
    check_outside([source], out)


@pytest.mark.parametrize(
    ("sources", "outputs", "told"),
    [
        ([], ["a.csv", "./a.csv"], "a.csv: two files would be written there"),
        (["photos/a.jpg"], [None, "link/a.jpg"], "link/a.jpg: that is what is read"),
        (["clean.json"], ["clean.json"], "clean.json: that is what is read"),
        ([None, "clean.json"], ["again.json"], "again.json: that is what is read"),
    ],
)
def test_files_that_stay(sources: list[str | None], outputs: list[str | None], told: str) -> None:
    with pytest.raises(MienError, match=told):
        check_files([None if path is None else Path(path) for path in outputs], sources)


def test_files_that_may_be_written(tmp_path: Path) -> None:
    before = set(tmp_path.rglob("*"))
    check_files([None, Path("new/a.csv"), Path("b.csv")], ["photos", "-", None, "clean.json"])
    assert set(tmp_path.rglob("*")) == before


def test_a_folder_that_is_read_is_no_place_for_another_run() -> None:
    check_other([None, "small", "photos/faces"], Path("photos"))
    with pytest.raises(MienError, match="link: that is what is read: choose another folder"):
        check_other(["small", "photos"], Path("link"))

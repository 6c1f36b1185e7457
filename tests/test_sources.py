"""Sources: what words on a command line name, in which order, and that nothing is lost."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from mien.errors import ImageError, SourceError
from mien.image import read_image
from mien.intake import LIMITS, Limits, describe
from mien.sources import PassedOver, Piped, expand, find_images, read_again, sub_folder, tops

FILES = (
    "b.jpg",
    "a.png",
    "Z.jpg",
    ".hidden.jpg",
    "Thumbs.db",
    "desktop.ini",
    "notes.txt",
    "sub/c.jpg",
    "sub/deeper/d.jpg",
    ".git/e.jpg",
    "__MACOSX/sub/c.jpg",
    "sub/@eaDir/c.jpg",
    "two words.jpg",
    "größe.jpg",
    "line\nbreak.jpg",
    "[x].jpg",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Holds FILES; the working directory."""
    for name in FILES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def expanded(*words: str, stdin: bytes = b"") -> list[str]:
    return [describe(source) for source in expand(words, BytesIO(stdin))]


BELOW = ["Z.jpg", "[x].jpg", "a.png", "b.jpg", "größe.jpg", "line\nbreak.jpg", "sub/c.jpg", "sub/deeper/d.jpg"]
BELOW += ["two words.jpg"]


def test_a_pattern_that_matches_nothing_says_so_where_it_is_printed() -> None:
    assert [repr(source) for source in find_images("*.nope")] == ["Nothing('*.nope', 'no image matches this pattern')"]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ([], []),
        (["a.png"], ["a.png"]),
        (["b.jpg", "a.png", "b.jpg"], ["b.jpg", "a.png", "b.jpg"]),
        ([".hidden.jpg"], [".hidden.jpg"]),
        (["two words.jpg", "größe.jpg", "line\nbreak.jpg"], ["two words.jpg", "größe.jpg", "line\nbreak.jpg"]),
        (["sub"], ["sub/c.jpg", "sub/deeper/d.jpg"]),
        (["sub/"], ["sub/c.jpg", "sub/deeper/d.jpg"]),
        (["."], [f"./{name}" for name in BELOW]),
        (["empty"], ["empty"]),
        (["missing.jpg"], ["missing.jpg"]),
        (["missing/"], ["missing/"]),
        ([""], [""]),
        (["*.jpg"], ["Z.jpg", "[x].jpg", "b.jpg", "größe.jpg", "line\nbreak.jpg", "two words.jpg"]),
        (["?.png"], ["a.png"]),
        (["[ab].*"], ["a.png", "b.jpg"]),
        (["[x].jpg"], ["[x].jpg"]),
        (["*.gif"], ["*.gif"]),
        (["notes.txt", "*.txt", "[nZ]*.*"], ["notes.txt", "notes.txt", "Z.jpg", "notes.txt"]),
        (["*"], [*BELOW[:4], "empty", *BELOW[4:]]),
        (["**"], BELOW),
        (["s*"], ["sub/c.jpg", "sub/deeper/d.jpg"]),
        (["**/*.jpg"], [name for name in BELOW if name.endswith(".jpg")]),
        (["sub/**"], ["sub/c.jpg", "sub/deeper/d.jpg"]),
        (["[es]*/**"], ["sub/c.jpg", "sub/deeper/d.jpg"]),
        (["e*"], ["empty"]),
        (["__MACOSX/*"], ["__MACOSX/sub/c.jpg"]),
        (["__MACOSX"], ["__MACOSX/sub/c.jpg"]),
        (["sub", "a.png"], ["sub/c.jpg", "sub/deeper/d.jpg", "a.png"]),
    ],
)
def test_expand(words: list[str], names: list[str], folder: Path) -> None:
    assert expanded(*words) == names


def test_every_word_and_every_visible_file_comes_out_or_is_counted(folder: Path) -> None:
    left = (".hidden.jpg", ".git/e.jpg", "Thumbs.db", "desktop.ini", "__MACOSX/sub/c.jpg", "sub/@eaDir/c.jpg")
    visible = {name for name in FILES if name not in left}
    assert {os.path.relpath(name, ".") for name in expanded(".")} == visible - {"notes.txt"}


SIDECARS = ["a.CR2", "a.aae", "a.json", "b.JSON", "clip.mov", "clip.mp4", "deep/x.xmp", "img.dng", "img.nef", "list"]


@pytest.mark.parametrize("word", [".", "*", "**", "**/*"])
def test_files_that_are_no_images_are_passed_over_and_counted(
    word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deep").mkdir()
    for name in SIDECARS:
        (tmp_path / name).write_bytes(b"II*\0, as raws begin, or anything")
    (tmp_path / "list").write_bytes(b"names")
    images = ["DCIM0001", "a.heic", "deep/PHOTO.JPG"]
    for name in images:
        (tmp_path / name).write_bytes(b"\xff\xd8\xff\xe0")
    monkeypatch.chdir(tmp_path)
    passed_over = PassedOver()
    found = [os.path.relpath(describe(each)) for each in expand([word], BytesIO(), passed_over)]
    assert sorted(found) == images
    assert passed_over == {
        ".aae": 1,
        ".json": 2,
        ".mov": 1,
        ".mp4": 1,
        ".xmp": 1,
        ".cr2": 1,
        ".dng": 1,
        ".nef": 1,
        "": 1,
    }
    assert [describe(each) for each in expand(SIDECARS, BytesIO(), passed_over)] == SIDECARS
    assert passed_over.total() == len(SIDECARS)


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({".json": 1}, "1 file that is no image: 1 .json"),
        ({".mov": 1, ".json": 2}, "3 files that are no images: 2 .json, 1 .mov"),
        ({"": 2}, "2 files that are no images: 2 without a suffix"),
        (dict.fromkeys("abcdefg", 1), "7 files that are no images: 1 a, 1 b, 1 c, 1 d, 1 e, 2 others"),
    ],
)
def test_what_was_passed_over_in_words(counts: dict[str, int], told: str) -> None:
    assert str(PassedOver(counts)) == told


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("empty", "a folder without images"),
        ("text", "a folder without images: there are 2 files that are no images: 1 .txt, 1 .json"),
        ("one", "a folder without images: there is 1 file that is no image: 1 .mov"),
        ("*.gif", "no image matches this pattern"),
        ("missing", "no such file"),
        ("https://example.org/a.jpg", "an address, not a file"),
        ("https://example.org/a.jpg?size=*", "an address, not a file"),
    ],
)
def test_where_there_is_nothing_to_read_it_is_said(word: str, reason: str, folder: Path) -> None:
    (folder / "text").mkdir()
    for name in ("a.txt", "b.json"):
        (folder / "text" / name).write_bytes(b"x")
    (folder / "one").mkdir()
    (folder / "one" / "a.mov").write_bytes(b"x")
    (source,) = expand([word], BytesIO(), PassedOver({".txt": 7}))
    assert describe(source) == word
    with pytest.raises(ImageError, match=f"^{reason}"):
        read_image(source)


@pytest.mark.parametrize(
    ("words", "path", "below"),
    [
        ([], "sub/c.jpg", ""),
        (["sub/c.jpg"], "sub/c.jpg", ""),
        (["sub"], "sub/c.jpg", ""),
        (["sub/"], "sub/deeper/d.jpg", "deeper"),
        (["."], "./sub/deeper/d.jpg", "sub/deeper"),
        (["empty", "sub"], "sub/deeper/d.jpg", "deeper"),
        (["**/*.jpg"], "sub/deeper/d.jpg", "sub/deeper"),
        (["sub/*/*.jpg"], "sub/deeper/d.jpg", "deeper"),
        (["*/../*.jpg"], "sub/../b.jpg", ""),
    ],
)
def test_where_a_file_lies_below_the_word_that_named_it(words: list[str], path: str, below: str, folder: Path) -> None:
    assert path in expanded(*words, path)
    assert sub_folder(path, tops(words)) == below
    absolute = [os.path.join(folder, word) for word in words]
    assert sub_folder(os.path.join(folder, path), tops(absolute)) == below


@pytest.mark.parametrize("content", [b"", b"pixels"])
def test_dash_is_standard_input(content: bytes) -> None:
    (source,) = expand(["-"], BytesIO(content))
    assert isinstance(source, Piped)
    assert describe(source) == "<stdin>"
    assert source.read() == content


def test_standard_input_is_read_no_further_than_the_limit() -> None:
    stdin = BytesIO(b"x" * (LIMITS.max_bytes + 1000))
    (source,) = expand(["-"], stdin)
    assert isinstance(source, Piped)
    assert len(source.read()) == LIMITS.max_bytes + 1
    (source,) = expand(["-"], BytesIO(b"pixels"), limits=Limits(max_bytes=2))
    assert isinstance(source, Piped)
    assert source.read() == b"pix"


def test_a_pipe_is_read_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "face.jpg"
    os.mkfifo(path)
    sender = threading.Thread(target=path.write_bytes, args=[b"pixels"])
    sender.start()
    source = read_again(str(path))
    sender.join()
    assert isinstance(source, Piped)
    assert describe(source) == str(path)
    assert (source.read(), source.seek(0), source.read()) == (b"pixels", 0, b"pixels")
    assert [read_again(name) for name in ("missing", "nul\0", str(tmp_path))] == ["missing", "nul\0", str(tmp_path)]


def test_a_second_dash_finds_nothing_left() -> None:
    first, second = expand(["-", "-"], BytesIO(b"pixels"))
    assert isinstance(first, Piped)
    assert isinstance(second, Piped)
    assert (first.read(), second.read()) == (b"pixels", b"")


def test_links_that_lead_back_up_are_not_followed(folder: Path) -> None:
    (folder / "sub" / "loop").symlink_to(folder / "sub")
    (folder / "sub" / "deeper" / "up").symlink_to("..")
    assert expanded("sub") == ["sub/c.jpg", "sub/deeper/d.jpg"]


def test_links_to_other_folders_are_followed_once(folder: Path) -> None:
    (folder / "one").mkdir()
    (folder / "one" / "link").symlink_to(folder / "sub")
    assert expanded("one") == ["one/link/c.jpg", "one/link/deeper/d.jpg"]


def test_links_to_nothing_come_out(folder: Path) -> None:
    (folder / "empty" / "gone.jpg").symlink_to("nowhere.jpg")
    (folder / "gone.jpg").symlink_to("nowhere.jpg")
    assert expanded("empty", "gone.jpg") == ["empty/gone.jpg", "gone.jpg"]


def test_pipes_are_read_where_they_are_named_and_not_looked_for(folder: Path) -> None:
    os.mkfifo(folder / "sub" / "pipe.jpg")
    assert expanded("sub") == ["sub/c.jpg", "sub/deeper/d.jpg"]
    assert expanded("sub/pipe.jpg") == ["sub/pipe.jpg"]


def test_a_folder_that_cannot_be_listed_comes_out_and_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listdir = os.listdir

    def refuse(path: str) -> list[str]:
        if path.endswith("deeper"):
            raise PermissionError(13, "Permission denied", path)
        return listdir(path)

    monkeypatch.setattr(os, "listdir", refuse)
    assert expanded("sub") == ["sub/c.jpg", "sub/deeper"]
    with pytest.raises(ImageError, match="a folder that cannot be listed: Permission denied"):
        read_image(list(expand(["sub"], BytesIO()))[1])


def test_words_are_looked_up_when_their_turn_comes(folder: Path) -> None:
    asked: list[str] = []

    def words() -> Iterator[str]:
        for word in ("a.png", "sub", "missing"):
            asked.append(word)
            yield word

    assert list(islice(expand(words(), BytesIO()), 2)) == ["a.png", "sub/c.jpg"]
    assert asked == ["a.png", "sub"]


@pytest.mark.parametrize(
    ("given", "told"),
    [(3, "got int$"), (None, "got NoneType$"), (["a.jpg"], r"got list: give them one by one, find_images\(\*paths\)")],
)
def test_what_names_no_images(given: Any, told: str) -> None:
    with pytest.raises(SourceError, match=f"expected paths of folders and files, or patterns; {told}"):
        find_images("a.jpg", given)

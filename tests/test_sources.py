"""Sources: what words on a command line name, in which order, and that nothing is lost."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from io import BytesIO
from itertools import islice
from pathlib import Path

import pytest

from mien.image import LIMITS, describe
from mien.sources import Piped, expand, read_again

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


BELOW = ["Z.jpg", "[x].jpg", "a.png", "b.jpg", "größe.jpg", "line\nbreak.jpg", "notes.txt", "sub/c.jpg"]
BELOW += ["sub/deeper/d.jpg", "two words.jpg"]


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


def test_every_word_and_every_visible_file_comes_out(folder: Path) -> None:
    left = (".hidden.jpg", ".git/e.jpg", "Thumbs.db", "desktop.ini", "__MACOSX/sub/c.jpg", "sub/@eaDir/c.jpg")
    visible = {name for name in FILES if name not in left}
    assert {os.path.relpath(name, ".") for name in expanded(".")} == visible


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


def test_a_folder_that_cannot_be_listed_comes_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listdir = os.listdir

    def refuse(path: str) -> list[str]:
        if path.endswith("deeper"):
            raise PermissionError(13, "Permission denied", path)
        return listdir(path)

    monkeypatch.setattr(os, "listdir", refuse)
    assert expanded("sub") == ["sub/c.jpg", "sub/deeper"]


def test_words_are_looked_up_when_their_turn_comes(folder: Path) -> None:
    asked: list[str] = []

    def words() -> Iterator[str]:
        for word in ("a.png", "sub", "missing"):
            asked.append(word)
            yield word

    assert list(islice(expand(words(), BytesIO()), 2)) == ["a.png", "sub/c.jpg"]
    assert asked == ["a.png", "sub"]

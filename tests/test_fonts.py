"""Fonts: what a text needs is found on the machine or written plainly, and never drawn as a box."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import pytest
from fontTools.ttLib import TTFont
from PIL import ImageFont

from mien import fonts
from mien.fonts import drawable, font_file, font_for, lacked, own_font

DEJAVU = Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"

TEXTS = ["Радость", "χαρά", "سعيد", "heureuse, fâchée", "😀", "❤️", "喜び", "행복", "खुश", "a喜b"]


@pytest.fixture
def no_fonts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine without fonts; some may be put into the folder."""
    monkeypatch.setattr(fonts, "_folders", lambda: [str(tmp_path / "missing"), str(tmp_path)])
    for cached in (fonts._font_file, fonts._system_fonts):
        cached.cache_clear()
    yield tmp_path
    for cached in (fonts._font_file, fonts._system_fonts):
        cached.cache_clear()


@pytest.mark.parametrize("text", ["", "happy", "a $ 100%\n", "~"])
def test_ascii_needs_no_font_of_the_system(text: str, no_fonts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_folders", lambda: pytest.fail("looked for fonts"))
    font = font_for(text, 20)
    assert font.getname() == own_font(20).getname()
    assert lacked(text, font) == ""
    assert drawable(text, "") == text


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_drawn_without_boxes(text: str) -> None:
    """By this machine's fonts, whichever there are."""
    font = font_for(text, 20)
    told = drawable(text, lacked(text, font))
    assert told
    assert lacked(told, font) == ""
    assert font.getlength(told) > 0


def test_a_space_is_none_that_a_font_lacks(no_fonts: Path) -> None:
    """In some fonts, as URW's, what is lacked looks as a space does: it is as wide, and empty."""
    font = TTFont(DEJAVU)
    glyphs, widths = font["glyf"], font["hmtx"]
    glyphs[".notdef"], widths[".notdef"] = glyphs["space"], widths["space"]
    font.save(no_fonts / "Empty.ttf")
    assert font_file("fâchée") == str(no_fonts / "Empty.ttf")
    assert lacked("fâchée, 喜 happy", font_for("fâchée", 20)) == "喜"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("happy", "happy"),
        ("fâchée", "fachee"),
        ("fa\u0302che", "fache"),
        ("喜び", r"\u559c\u3073"),
        ("😀", r"\U0001f600"),
        ("❤️", r"\u2764"),
        ("a\u200db", "ab"),
        ("two\u3000words\u00a0here", "two words here"),
        ("a\x07\x1b[31mb", r"a\x07\x1b[31mb"),
        ("line\nline\u2028", "line\nline\\u2028"),
        ("\udcff", r"\udcff"),
        ("①…", "1…"),
    ],
)
def test_without_a_font_it_is_written_plainly(text: str, told: str, no_fonts: Path) -> None:
    font = font_for(text, 20)
    assert font.getname() == own_font(20).getname()
    assert drawable(text, lacked(text, font)) == told
    assert lacked(told, font) == ""
    font.getmask(told.replace("\n", " "))


def test_the_font_that_lacks_least_is_taken(no_fonts: Path) -> None:
    for name in ("AA-Bold.ttf", "ZZSans.TTF", "LastResort.otf"):
        shutil.copy(DEJAVU, no_fonts / name)
    (no_fonts / "broken.ttf").write_bytes(b"\0\1\0\0 broken")
    (no_fonts / "notes.txt").write_bytes(b"no font")
    assert font_file("Радость") == font_file("Радость 喜") == str(no_fonts / "ZZSans.TTF")
    assert font_file("happy") is None
    assert font_file("喜") is None
    font = font_for("Радость 喜", 20)
    assert drawable("Радость 喜", lacked("Радость 喜", font)) == r"Радость \u559c"


def test_a_character_that_a_font_has_looks_unlike_one_that_it_lacks() -> None:
    font = ImageFont.truetype(str(DEJAVU), 20)
    assert lacked("Aé Жχس😀喜び\u3000", font) == "喜び\u3000"
    for had in "Жχس😀":
        assert bytes(font.getmask(had)) != bytes(font.getmask(fonts.NOBODYS))
    assert bytes(font.getmask("喜")) == bytes(font.getmask(fonts.NOBODYS))

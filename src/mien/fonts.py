"""Fonts: one that has the characters of a text, or else plain characters that any font has.

Whether a font has a character is told by what it draws: one that it lacks looks as one that no font has. Fonts of the
system are looked through where a text needs it, and then once.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from functools import lru_cache
from typing import cast

from PIL import ImageFont

NOBODYS = "\U0010ffff"  # no character, and never will be
SEEN_AT = 20  # px, size at which fonts are compared
LATIN = "Aa0%?"  # stands for what is written beside a label
FILES = (".ttf", ".otf", ".ttc")
LAST_RESORT = "lastresort"  # a font of macOS that has a box for every character
STYLES = ("bold", "black", "heavy", "italic", "oblique", "thin", "light", "cond", "mono", "serif", "math")
SPECIAL = ("Cc", "Cs", "Zl", "Zp")  # categories that are never drawn: control characters, halves, breaks
UNSEEN = (*SPECIAL, "Cf", "Zs")  # and those that have no look of their own
VARIATIONS = range(0xFE00, 0xFE10)  # tell emoji from text; no look either


def own_font(size: float) -> ImageFont.FreeTypeFont:
    """Pillow's own font, which has little beyond ASCII."""
    return cast(ImageFont.FreeTypeFont, ImageFont.load_default(size))


def font_for(text: str, size: float) -> ImageFont.FreeTypeFont:
    """Pillow's own font where that has all of a text, or else the font of the system that lacks least of it."""
    path = None if text.isascii() else font_file(text)
    return ImageFont.truetype(path, size) if path else own_font(size)


def font_file(text: str) -> str | None:
    """The file of the font of the system that lacks least of a text; None where Pillow's own lacks no more."""
    return _font_file("".join(sorted({each for each in _composed(text + LATIN) if not _unseen(each)})))


def lacked(text: str, font: ImageFont.FreeTypeFont) -> str:
    """The characters of a text that a font does not have, each once; never a space, which looks like them in some."""
    if text.isascii():
        return ""
    plain = font.font_variant(size=SEEN_AT, layout_engine=ImageFont.Layout.BASIC)
    nothing = _look(plain, NOBODYS)
    characters = dict.fromkeys(_composed(text).replace(" ", ""))
    several = (each for each in characters if unicodedata.category(each) not in SPECIAL)
    return "".join(each for each in several if _look(plain, each) == nothing)


def drawable(text: str, lacked: str) -> str:
    """A text of what can be drawn: a letter without its accent, or `\\u559c`, for what is lacked; lines stay."""
    return "".join(_plain(each) if each in lacked or _special(each) else each for each in _composed(text))


def _composed(text: str) -> str:
    """Letters with their accents, where these come apart."""
    return unicodedata.normalize("NFC", text)


def _plain(character: str) -> str:
    kind = unicodedata.category(character)
    if kind in ("Cf", "Mn"):
        return ""
    parts = "" if kind in SPECIAL else unicodedata.normalize("NFKD", character)
    return "".join(filter(str.isascii, parts)) or character.encode("unicode_escape").decode()


def _special(character: str) -> bool:
    return character != "\n" and unicodedata.category(character) in SPECIAL


def _unseen(character: str) -> bool:
    return unicodedata.category(character) in UNSEEN or ord(character) in VARIATIONS


def _look(font: ImageFont.FreeTypeFont, character: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(character)
    return mask.size, bytes(mask)


@lru_cache(maxsize=256)
def _font_file(needed: str) -> str | None:
    best, least = None, len(lacked(needed, own_font(SEEN_AT)))
    for path in _system_fonts():
        if not least:
            break
        try:
            lacks = len(lacked(needed, ImageFont.truetype(path, SEEN_AT)))
        except OSError:  # damaged, or of pictures in other sizes alone
            continue
        if lacks < least:
            best, least = path, lacks
    return best


@lru_cache(maxsize=1)
def _system_fonts() -> tuple[str, ...]:
    """The files of this machine's fonts, in the folders where systems keep them; upright and regular ones first."""
    found = [
        os.path.join(place, name)
        for folder in _folders()
        for place, _, names in os.walk(folder)
        for name in names
        if name.lower().endswith(FILES) and LAST_RESORT not in name.lower()
    ]
    return tuple(sorted(found, key=_preference))


def _preference(path: str) -> tuple[int, bool, str]:
    name = os.path.basename(path).lower().replace("sansserif", "sans")
    return sum(style in name for style in STYLES), "sans" not in name, path


def _folders() -> list[str]:
    home = os.path.expanduser("~")
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA", os.path.join(home, "AppData", "Local"))
        system = os.environ.get("WINDIR", r"C:\Windows")
        return [os.path.join(system, "Fonts"), os.path.join(local, "Microsoft", "Windows", "Fonts")]
    if sys.platform == "darwin":
        return ["/System/Library/Fonts", "/Library/Fonts", os.path.join(home, "Library", "Fonts")]
    data = os.environ.get("XDG_DATA_DIRS", "/usr/local/share:/usr/share").split(":")
    own = os.environ.get("XDG_DATA_HOME", os.path.join(home, ".local", "share"))
    return [*(os.path.join(place, "fonts") for place in [*data, own]), os.path.join(home, ".fonts")]

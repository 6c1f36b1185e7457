"""Languages: every text of the pages is there in each, and the right one is chosen."""

from __future__ import annotations

import io
import re
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po
from PIL import Image

from mien import languages
from mien.container import KINDS
from mien.errors import ImageError
from mien.image import read_image
from mien.intake import ImageSource, Limits
from mien.labels import LABEL_SETS
from mien.languages import (
    DOMAIN,
    LANGUAGES,
    LOCALE,
    NUMBER,
    number,
    preferred,
    said,
    sentences,
    translations,
)
from mien.picture import open_picture

ROOT = Path(__file__).parent.parent


def test_no_text_is_missing_in_any_language() -> None:
    check = [sys.executable, str(ROOT / "tools" / "translate.py"), "--check"]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT", "de"),
        ("ES-mx", "es"),
        ("fr", "en"),
        ("fr, es;q=0.3", "es"),
        ("en;q=0.4, de;q=0.8", "de"),
        ("de, es", "de"),
        ("de;q=0, es;q=0.1", "es"),
        ("*", "en"),
        ("de;q=much", "en"),
        ("de;q=nan", "en"),
        (";;,=,q", "en"),
    ],
)
def test_the_language_is_the_one_that_is_wanted_most(asked: str, language: str) -> None:
    assert preferred(asked) == language


@pytest.mark.parametrize(
    ("sentence", "german"),
    [
        ("", ""),
        ("blurred", "unscharf"),
        ("low confidence (41%, reliable from 62%)", "geringe Sicherheit (41%, verlässlich ab 62%)"),
        (
            "low confidence by fer7 labels (15%, reliable from 48%)",
            "geringe Sicherheit nach den Labels von fer7 (15%, verlässlich ab 48%)",
        ),
        (
            "low confidence by mine # 2, of 3 labels (15%, never reliable)",
            "geringe Sicherheit nach den Labels von mine # 2, of 3 (15%, nie verlässlich)",
        ),
        ("one frame of 1,000 was read", "eines von 1\u202f000 Bildern der Datei wurde gelesen"),
        (
            "a part is larger than 20,000,000 bytes, the limit",
            "ein Teil ist größer als die erlaubten 20\u202f000\u202f000 Bytes",
        ),
        ("probably an expression that fer7 lacks (60%)", "wahrscheinlich ein Ausdruck, den fer7 nicht kennt (60%)"),
        (
            "probably an expression that happy-sad lacks (93%)",
            "wahrscheinlich ein Ausdruck, den happy-sad nicht kennt (93%)",
        ),
        ("probably an expression that {set} lacks (93%)", "wahrscheinlich ein Ausdruck, den {set} nicht kennt (93%)"),
        (
            "at 0.41 s of the video, and in 1 more place, its sound is left out: damaged",
            "bei 0.41 s des Videos und an 1 weiteren Stelle fehlt der Ton: beschädigt",
        ),
        ("requests a minute: 1 at most", "Anfragen pro Minute: höchstens 1"),
        ("nobody translated this: 3,000", "nobody translated this: 3,000"),
        ("a # of one's own", "a # of one's own"),
    ],
)
def test_a_sentence_of_the_library_keeps_its_numbers(sentence: str, german: str) -> None:
    assert said(sentence, "de") == german
    assert said(sentence, "en") == sentence


def places(text: str) -> Counter[str]:
    """What other texts are put in place of, and the marks of Markdown."""
    return Counter(re.findall(r"%\(\w+\)s|%%|\{\w+\}|[#`]|\*\*", text))


def translated(language: str) -> Iterator[tuple[str, str]]:
    """Every text and what it is in a language, each form of a plural by itself."""
    catalog = read_po(io.BytesIO((LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.po").read_bytes()), language)
    for message in catalog:
        if isinstance(message.id, str):
            yield message.id, str(message.string)
        else:
            one, several = message.id
            yield from ((several if number else one, form) for number, form in enumerate(message.string or ()))


@pytest.mark.parametrize("language", LANGUAGES[1:])
@pytest.mark.parametrize("labels", [*LABEL_SETS, "mine", "mine 2"])
def test_what_a_label_set_lacks_is_told_in_each_language(labels: str, language: str) -> None:
    sentence = f"probably an expression that {labels} lacks (60%)"
    assert said(sentence, language) != sentence
    key = NUMBER.sub("#", sentence)
    assert sentences([labels], language)[key] == NUMBER.sub("#", said(sentence, language))
    assert sentences([], language)["blurred"] == said("blurred", language)


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", ["123", "1,234", "12,345", "1,234,567"]),
        ("de", ["123", "1\u202f234", "12\u202f345", "1\u202f234\u202f567"]),
        ("es", ["123", "1234", "12\u202f345", "1\u202f234\u202f567"]),
    ],
)
def test_thousands_are_apart_as_the_language_has_them(language: str, told: list[str]) -> None:
    assert [number(count, language) for count in (123, 1234, 12345, 1234567)] == told


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_placeholder_has_its_place_in_each_language(language: str) -> None:
    texts = list(translated(language))
    assert {"%(num)s photos", "Pictures a second: {frames}. From camera to answer: {ms} ms."} < {
        text for text, _ in texts
    }
    assert [pair for pair in texts if places(pair[0]) != places(pair[1])] == []


SMALL = Image.new("RGB", (60, 40), "#4682b4")


def saved(kind: str, image: Image.Image = SMALL, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def deep() -> Image.Image:
    """Gray values up to 1000 in 16 bits."""
    return Image.frombytes("I;16", (2, 1), struct.pack("<2H", 0, 1000))


TIGHT: dict[str, Any] = {"own": False}
REFUSED: dict[str, tuple[ImageSource, Limits]] = {
    "empty": (b"", Limits()),
    "no image": (b"hello", Limits()),
    "a folder": (LOCALE, Limits()),
    "no file": (LOCALE / "none.jpg", Limits()),
    "cut short, PNG": (saved("PNG")[:60], Limits()),
    "cut short, JPEG": (saved("JPEG")[:-200], Limits()),
    "text": (b"P2 1 1 255 0", Limits()),
    "bytes": (saved("PNG"), Limits(max_bytes=50, **TIGHT)),
    "pixels": (saved("PNG"), Limits(max_pixels=50, **TIGHT)),
    "memory": (saved("PNG"), Limits(max_decoded=50, **TIGHT)),
    "slow": (b"P6 2 2 99 " + bytes(12), Limits(max_slow_pixels=1, **TIGHT)),
    "scans": (saved("JPEG", progressive=True), Limits(max_scans=1, **TIGHT)),
    "segments": (saved("JPEG"), Limits(max_parts=1, **TIGHT)),
    "chunks": (saved("PNG"), Limits(max_parts=1, **TIGHT)),
    "blocks": (saved("GIF", comment="a"), Limits(max_parts=0, **TIGHT)),
    "values": (saved("TIFF"), Limits(max_parts=1, **TIGHT)),
    "gray values": (saved("TIFF", Image.new("F", (2, 2), 1e5)), Limits()),
}


@pytest.mark.parametrize(("source", "limits"), REFUSED.values(), ids=REFUSED.keys())
def test_why_an_image_cannot_be_read_is_told_in_each_language(source: ImageSource, limits: Limits) -> None:
    with pytest.raises(ImageError) as refused:
        read_image(source, limits)
    for language in LANGUAGES[1:]:
        assert said(str(refused.value), language) != str(refused.value)


@pytest.mark.parametrize("reason", sorted({reason for _, _, reason in KINDS}))
def test_every_kind_of_file_has_its_name_in_each_language(reason: str) -> None:
    assert len({said(reason, language) for language in LANGUAGES}) == len(LANGUAGES)


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (saved("GIF", save_all=True, append_images=[SMALL.rotate(90)]), "eines von 2 Bildern der Datei wurde gelesen"),
        (saved("JPEG")[:-2], "das Ende der Datei fehlt"),
        (saved("PNG", deep()), "Grauwerte bis 1000 von 65535: als 12 Bit gelesen"),
    ],
)
def test_what_is_noted_of_a_file_is_told_in_german(content: bytes, note: str) -> None:
    assert [said(each, "de") for each in open_picture(content).notes] == [note]


def test_a_language_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(languages, "LOCALE", tmp_path)
    with pytest.raises(FileNotFoundError):
        translations.__wrapped__("de")

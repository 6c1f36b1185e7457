"""Languages: every text of the pages is there in each, and the right one is chosen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mien import languages
from mien.languages import LANGUAGES, SENTENCES, preferred, said, translations

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
        ("one frame of 1,000 was read", "eines von 1,000 Bildern der Datei wurde gelesen"),
        ("probably an expression that fer7 lacks (60%)", "wahrscheinlich ein Ausdruck, den fer7 nicht kennt (60%)"),
        ("nobody translated this: 3", "nobody translated this: 3"),
        ("a # of one's own", "a # of one's own"),
    ],
)
def test_a_sentence_of_the_library_keeps_its_numbers(sentence: str, german: str) -> None:
    assert said(sentence, "de") == german
    assert said(sentence, "en") == sentence


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_sentence_has_as_many_numbers_in_each_language(language: str) -> None:
    for sentence in SENTENCES:
        assert translations(language).gettext(sentence).count("#") == sentence.count("#"), sentence


def test_a_language_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(languages, "LOCALE", tmp_path)
    with pytest.raises(FileNotFoundError):
        translations.__wrapped__("de")

"""Languages: what the pages say, in the language that a person's browser asks for.

The texts stand in English where they are used. What they are in other languages is in `locale/`, as GNU gettext keeps
it; `tools/translate.py` gathers the texts and says which are missing.
"""

from __future__ import annotations

import gettext
import re
from functools import cache
from pathlib import Path

DOMAIN = "mien"
LOCALE = Path(__file__).parent / "locale"
LANGUAGES = ("en", "de", "es")
"""Those that the pages speak; the first is that of the texts themselves."""

NOTICE = (
    "Software recognises emotions here: it reads the facial expressions of everyone in the photos and camera pictures "
    "that this service is given. It can be wrong, and it does not know what a person feels. Article 50(3) of "
    "Regulation (EU) 2024/1689, the AI Act, asks for this notice."
)
"""What people are told who meet such a system, as article 50(3) of the EU AI Act asks whoever runs one."""

READY = "on"
"""What stands for that notice in a setting; see `asked`."""

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")

SENTENCES = (
    "blurred",
    "cut by the image's edge",
    "low confidence (#%, never reliable)",
    "low confidence (#%, reliable from #%)",
    "low confidence by ferplus# labels (#%, never reliable)",
    "low confidence by ferplus# labels (#%, reliable from #%)",
    "low confidence by fer# labels (#%, never reliable)",
    "low confidence by fer# labels (#%, reliable from #%)",
    "no face was found",
    "one frame of # was read",
    "one frame of # or more was read",
    "perhaps not a face (#%)",
    "probably an expression that ferplus# lacks (#%)",
    "probably an expression that fer# lacks (#%)",
    "small face (# px, reliable from # px)",
    "turned away",
)
"""What the library says of images and faces, a `#` in place of each number; see `said`."""


def asked(notice: str) -> str:
    """The notice that a setting asks for: `READY` for ready words, nothing where it is off, and its own words else."""
    words = notice.strip()
    return {READY: READY, "off": ""}.get(words.lower(), words)


@cache
def translations(language: str) -> gettext.NullTranslations:
    """The texts in one of `LANGUAGES`.

    Raises:
        FileNotFoundError: there are none in that language.
    """
    return gettext.translation(DOMAIN, LOCALE, [language], fallback=language == LANGUAGES[0])


def preferred(asked: str) -> str:
    """The one of `LANGUAGES` that suits best.

    Args:
        asked: what a browser asks for, such as `"de-AT, en;q=0.5"` (Accept-Language, RFC 9110), or a language alone.
    """
    best, most = LANGUAGES[0], 0.0
    for each in asked.split(","):
        tag, _, weight = each.partition(";")
        language = tag.strip().lower().partition("-")[0]
        share = _weight(weight)
        if language in LANGUAGES and share > most:
            best, most = language, share
    return best


def said(sentence: str, language: str) -> str:
    """A sentence of the library in a language, its numbers kept; as it is where it has no other words."""
    if not sentence or "#" in sentence:
        return sentence
    numbers = iter(NUMBER.findall(sentence))
    told = translations(language).gettext(NUMBER.sub("#", sentence))
    return re.sub("#", lambda _: next(numbers), told)


def _weight(text: str) -> float:
    """How much a language is wanted, 0..1: what is unreadable counts as nothing."""
    name, _, value = text.strip().partition("=")
    if not name:
        return 1.0
    try:
        return float(value) if name.strip() == "q" else 0.0
    except ValueError:
        return 0.0

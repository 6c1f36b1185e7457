"""Words: every text of the app in the language that the person's browser asks for.

Each session has its own, so texts are looked up anew each time that a page is made, and never when a module is read.
Only the thread that makes a page knows whose page it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import streamlit as st

from mien import languages
from mien.draw import UNCERTAIN
from mien.languages import preferred, translations


def language() -> str:
    """One of `mien.languages.LANGUAGES`."""
    return preferred(st.context.locale or "")


def _(text: str, **values: object) -> str:
    """A text, with values in place of `%(name)s`."""
    told = translations(language()).gettext(text)
    return told % values if values else told


def ngettext(one: str, several: str, num: int, **values: object) -> str:
    """A text for one or for several; `%(num)s` is their number."""
    return translations(language()).ngettext(one, several, num) % {"num": number(num), **values}


def number(count: int) -> str:
    """A count with its thousands apart (see `languages.number`)."""
    return languages.number(count, language())


def said(sentence: str) -> str:
    """A sentence of the library (see `languages.said`)."""
    return languages.said(sentence, language())


def called(labels: Iterable[str]) -> Callable[[str], str]:
    """What `draw.annotate` is to call these emotions for this person, in whatever thread it draws."""
    told = {each: said(each) for each in labels} | {UNCERTAIN: _("not sure")}
    return lambda word: told.get(word, word)


def sentence(parts: tuple[str, ...]) -> str:
    """What the library says, one after the other, as one sentence: with a capital and a full stop."""
    told = "; ".join(said(part) for part in parts)
    return f"{told[:1].upper()}{told[1:]}."


def plain(text: str) -> str:
    """Text that Markdown leaves as it is, and that any browser can show."""
    return re.sub(r"([\\`*_{}\[\]()<>#+!|$:~-])", r"\\\1", showable(text))


def showable(text: str) -> str:
    """Text that any browser can show, whatever bytes a name has."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")

"""About: what mien can and cannot do, how to read what it says, what the law asks, and the card of the model."""

from __future__ import annotations

import re

import streamlit as st

from mien.app.settings import keep_folder
from mien.app.show import say
from mien.app.words import _
from mien.recognizer import Recognizer

BAR = re.compile(r"(?<!\\)\|")
"""What parts the cells of a table; a label may have one in it, which is told as `\\|`."""


def head() -> None:
    st.title(_("About mien"))
    for title, sentences in _sections():
        st.header(title, anchor=False)
        st.markdown("\n".join(f"- {sentence}" for sentence in sentences))
    st.header(_("The model"), anchor=False)


def show(reader: Recognizer) -> None:
    say(_("What follows is in English."))
    card, _tag, runs = reader.artifact.card.partition("<details>")
    with st.expander(_("Its card: scores, data and limits")):
        st.markdown(shown(card))
    if runs:
        with st.expander(_("Its runs: how it was trained, and what it began with")):
            st.markdown(shown(re.sub(r"<summary>.*</summary>|</details>", "", runs)))


def shown(card: str) -> str:
    """A card as it stands on a page: no links, no pictures from elsewhere however they are written, and tables that are
    wider than long turned, for narrow screens."""
    card = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", card).replace("![", r"\![")
    card = re.sub(r"(?:^\|.*\|\n)+", lambda table: _turned(table[0]), card, flags=re.MULTILINE)
    return re.sub(r"^#", "###", card, flags=re.MULTILINE)


def _turned(table: str) -> str:
    """A table in Markdown, its rows as columns if there are fewer of them, each with as many cells as its head."""
    head, *below = ([cell.strip() for cell in BAR.split(line.strip("|"))] for line in table.splitlines())
    rows = below[1:]  # without the line
    if not 0 < len(rows) < len(head) or any(len(row) != len(head) for row in rows):
        return table
    first, *others = zip(head, *rows, strict=True)
    return "".join(f"| {' | '.join(row)} |\n" for row in (first, ["---"] * len(first), *others))


def _sections() -> list[tuple[str, list[str]]]:
    return [
        (
            _("What it does"),
            [
                _("It finds the faces in a photo."),
                _("For each face, it says which word most people would choose for the **look** of that face."),
                _("It says how sure it is. Where it is not sure, it says so, and why."),
            ],
        ),
        (
            _("What it cannot do"),
            [
                _("It does not know what the person feels. Nobody can see that in a photo."),
                _("It reads small, turned, covered and blurred faces worse than clear ones."),
                _("It reads rare expressions, such as disgust and contempt, worse than common ones."),
                _("It was taught with photos from the web. It may read some groups of people worse than others."),
            ],
        ),
        (
            _("How to read the numbers"),
            [
                _("**80%** means: of 100 such answers, about 80 are the word that most people would choose."),
                _("It is not how strong the expression is."),
                _("**Not sure** means: take this answer as a guess."),
                _("On photos unlike those it was taught with, expect it to be wrong more often than it says."),
            ],
        ),
        (
            _("What happens to your photos"),
            [
                _("They stay in the memory of this machine. Nothing is saved, and nothing is sent elsewhere."),
                _("They are forgotten when you remove them, leave their page, or close it."),
                *(
                    [_("Only faces that you correct are saved, and only while you let mien keep them.")]
                    if keep_folder()
                    else []
                ),
            ],
        ),
        (
            _("What the law asks, and what we ask"),
            [
                _("Do not use it at work or in education: the European Union prohibits that (AI Act, Art. 5(1)(f))."),
                _("Tell the people whose faces you let it read. The AI Act asks for that as well (Art. 50(3))."),
                _("Do not use it for decisions about a person, for surveillance, or for a diagnosis."),
            ],
        ),
    ]

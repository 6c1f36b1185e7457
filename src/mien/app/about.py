"""About: what mien can and cannot do, and the card of the model."""

from __future__ import annotations

import re

import streamlit as st

from mien.app.settings import choose_model

WORDS = """
mien says which word most people would choose for the **look** of a face, and how sure it is. It does not know what the
person feels: nobody can see that in a photo.

- Where it is not sure, it says so, and why. Take those answers as a guess.
- Small, turned, covered and blurred faces are read worse than clear ones; rare expressions worse than common ones.
- Nothing you show it leaves this machine, and nothing is kept.
- Do not use it at work or in education to infer what people feel (it is prohibited in the European Union, AI Act
  Art. 5(1)(f)), for decisions about a person, for surveillance, or to diagnose.
"""


def show() -> None:
    st.title("About")
    st.markdown(WORDS)
    st.divider()
    reader = choose_model()
    card = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", reader.artifact.card)
    st.markdown(card.replace("![", r"\!["))  # no pictures from elsewhere, however they are written

"""What the app was started with, and what every page lets a person choose: the model and the label set."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import streamlit as st

from mien import artifact
from mien.errors import LabelError, MienError
from mien.labels import CKPLUS7, FER7, FERPLUS8, HAPPY_SAD, LabelSet
from mien.recognizer import Recognizer, cores, load

MODEL = "MIEN_APP_MODEL"
SAMPLES = "MIEN_APP_SAMPLES"

WORDS = {
    FERPLUS8.name: "eight expressions",
    FER7.name: "seven expressions",
    CKPLUS7.name: "seven, with contempt",
    HAPPY_SAD.name: "happy or sad",
}
"""Label sets in a person's words."""


def samples_folder() -> Path | None:
    """The folder of samples, if one was given at the start."""
    given = os.environ.get(SAMPLES)
    return Path(given) if given else None


@st.cache_resource(show_spinner=False)
def recognizer(model: str) -> Recognizer:
    """A model, loaded once for everyone who uses this process. Raises `ArtifactError`."""
    loaded = load(model, threads=cores())
    loaded.predict(np.zeros((256, 256, 3), np.uint8))  # the first time is slow; a person should not wait for it
    return loaded


def warm_up() -> None:
    """Load the model that the app was started with, so that the first photo does not wait for it."""
    try:
        recognizer(_first_model())
    except MienError as error:
        st.error(str(error), icon=":material/error:")
        st.stop()


def choose_model() -> Recognizer:
    """Ask for a model: one that comes with mien, or the path of any artifact."""
    known = list(dict.fromkeys((_first_model(), *artifact.names())))
    chosen = st.selectbox(
        "Model",
        known,
        key="model",
        accept_new_options=True,
        help="One that comes with mien, or the path of a folder that `mien export` made.",
    )
    try:
        return recognizer(str(chosen or known[0]))
    except MienError as error:
        st.error(str(error), icon=":material/error:")
        st.stop()


def choose_labels(reader: Recognizer) -> LabelSet:
    """Ask for a label set, among those that the model can speak."""
    able = spoken(reader)
    name = st.selectbox("Expressions", list(able), key="labels", format_func=lambda name: WORDS.get(name, name))
    return able[str(name or reader.labels.name)]


def spoken(reader: Recognizer) -> dict[str, LabelSet]:
    """The label sets that a model can answer in, by name, its own first."""
    own = {head.labels: head.label_set for head in reader.artifact.manifest.heads}
    known = {labels.name: labels for labels in (FERPLUS8, FER7, CKPLUS7, HAPPY_SAD)}
    others = {name: labels for name, labels in known.items() if name not in own and _speaks(reader, labels)}
    return own | others


def _first_model() -> str:
    return os.environ.get(MODEL) or artifact.DEFAULT


def _speaks(reader: Recognizer, labels: LabelSet) -> bool:
    try:
        reader.artifact.head_for(labels)
    except LabelError:
        return False
    return True

"""What the app was started with, and what pages let a person choose: model, label set and prior.

What is chosen is asked in the frame of all pages (see `script`), where it is remembered on every one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import streamlit as st

from mien import artifact
from mien.app.words import _, plain, said
from mien.cores import cores
from mien.crops import CROPS
from mien.draw import annotate
from mien.errors import MienError
from mien.intake import UPLOADS
from mien.labels import LabelSet
from mien.languages import NOTICE, READY, asked
from mien.prior import BALANCED, TRAINING
from mien.recognizer import Recognizer, load
from mien.wording import reason

MODEL = "MIEN_APP_MODEL"
SAMPLES = "MIEN_APP_SAMPLES"
TOLD = "MIEN_APP_NOTICE"
KEEP = "MIEN_APP_KEEP"

PHOTO_MB, VIDEO_MB = 20, 300
"""What may be uploaded, a file; in memory a video that comes in and is played takes four times as much."""


def samples_folder() -> Path | None:
    """The folder of samples, if one was given at the start."""
    given = os.environ.get(SAMPLES)
    return Path(given) if given else None


def keep_folder() -> Path | None:
    """The folder for faces that people correct, if one was given at the start; else none is ever kept."""
    given = os.environ.get(KEEP)
    return Path(given) if given else None


def notice() -> str:
    """What every page says at its top: what the app was told to, our own words where that is `on`; or nothing."""
    given = asked(os.environ.get(TOLD, ""))
    return _(NOTICE) if given == READY else given


@st.cache_resource(show_spinner=False, max_entries=4)
def _loaded(folder: Path, written: int) -> Recognizer:
    """A model, loaded once for everyone who uses this process, and again when its folder was `written` anew."""
    reader = load(folder, threads=cores(), limits=UPLOADS)
    nothing = np.zeros((480, 640, 3), np.uint8)
    for crop in CROPS:  # the first time is slow; a person should not wait for it
        annotate(nothing, reader.predict(nothing, crop=crop))
    return reader


def recognizer(model: str) -> Recognizer:
    """A model by its name or the path of its folder; or a sentence on the page, and no more of it."""
    with told():
        return _recognizer(model)


def _recognizer(model: str) -> Recognizer:
    folder = artifact.find(os.path.expanduser(model))
    manifest = folder / "model.json"
    return _loaded(folder, manifest.stat().st_mtime_ns if manifest.exists() else 0)


@contextmanager
def told(*, ends: bool = True) -> Iterator[None]:
    """What goes wrong is told on the page, which ends there, unless it has not begun yet."""
    try:
        yield
    except (MienError, OSError, RuntimeError) as error:
        st.error(plain(reason(error)), icon=":material/error:")
        if ends:
            st.stop()


def warm_up() -> None:
    """Load the model that the app was started with, so that the first photo does not wait for it."""
    recognizer(_first_model())


def choose() -> tuple[Recognizer, LabelSet, str]:
    """Ask for a model, for a label set and for a prior, side by side."""
    one, two, three = st.columns(3)
    with one:
        reader = choose_model()
    with two:
        labels = choose_labels(reader)
    with three:
        return reader, labels, choose_prior(reader, labels)


def choose_model() -> Recognizer:
    """Ask for a model: one that comes with mien, or the path of any artifact. Every page remembers one that loads: what
    does not is told, and the next page goes back to the last that did."""
    asked = st.session_state.get("model", _first_model())
    if asked == st.session_state.pop("model that failed", None):
        asked = st.session_state["model"] = st.session_state.get("model that loaded", _first_model())
    chosen = st.selectbox(
        _("Model"),
        list(dict.fromkeys((_first_model(), *artifact.names(), asked))),
        key="model",
        accept_new_options=True,
        help=_("One that comes with mien, or the path of a folder that `mien export` made."),
        persist_state="session",
    )
    with told():
        try:
            reader = _recognizer(chosen)
        except Exception:
            st.session_state["model that failed"] = chosen
            raise
    st.session_state["model that loaded"] = chosen
    return reader


def choose_labels(reader: Recognizer) -> LabelSet:
    """Ask for a label set, among those that the model can speak. Every page remembers it."""
    able = reader.artifact.label_sets
    name = st.selectbox(
        _("Expressions"),
        list(able),
        key="labels",
        format_func=lambda each: said(able[each].words),
        persist_state="session",
    )
    return able[name]


def choose_prior(reader: Recognizer, labels: LabelSet) -> str:
    """Ask how often each expression is to be expected; or that a model cannot tell is said. Every page remembers it."""
    words = {TRAINING: _("Everyday photos"), BALANCED: _("Posed faces: all expressions equally often")}
    prior = st.selectbox(
        _("Kind of photos"), list(words), key="prior", format_func=words.__getitem__, persist_state="session"
    )
    with told():
        reader.expected(prior, labels)
    return prior


def _first_model() -> str:
    return os.environ.get(MODEL) or artifact.DEFAULT

"""Samples: a folder of photos as a gallery, each answer beside the label where it is known, with a running score."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from html import escape
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mien.app.kept import correct
from mien.app.seen import Shelf, shelf
from mien.app.settings import samples_folder, told
from mien.app.show import fault, headline, photo, picture, say
from mien.app.words import _, language, ngettext, plain, said, showable
from mien.crops import Crop
from mien.datasets import Dataset
from mien.datasets.base import Example
from mien.datasets.walk import image_files
from mien.intake import describe
from mien.labels import FERPLUS8, LabelSet, canonical
from mien.photos import usual_crop
from mien.prediction import Prediction, percent
from mien.recognizer import Recognizer

A_PAGE = 12


def head() -> None:
    st.title(_("Samples"))


def show(reader: Recognizer, labels: LabelSet, prior: str, keep_in: Path | None) -> None:
    folder = samples_folder()
    with told():
        paths = [folder / name for name in image_files(folder)] if folder else []
    if not folder or not paths:
        st.error(plain(_("There is no image in %(folder)s.", folder=folder)), icon=":material/folder_off:")
        return
    crop = _crop(folder, tuple(paths), reader)
    if crop == "whole":
        say(_("These are face crops: each is read as one face."))
    pages = -(-len(paths) // A_PAGE)
    number = st.pagination(pages, key="page") if pages > 1 else 1
    shown = {path: (str(path), *_state(path), crop) for path in paths[(number - 1) * A_PAGE : number * A_PAGE]}
    keys = {path: (*state, reader.artifact.manifest.sha256) for path, state in shown.items()}
    shelf().keep(reader, crop, {key: path for path, key in keys.items()})
    score, gallery = st.empty(), st.empty()
    judged = _gallery(gallery, reader, labels, prior, keys)
    _score(score, judged, (reader.artifact.manifest.sha256, labels.name, prior))
    chosen = st.selectbox(
        _("See one in detail"),
        list(keys),
        index=None,
        format_func=lambda path: describe(path.name),
        key="closer",
        placeholder=_("Choose a photo"),
    )
    if chosen in keys:
        key = keys[chosen]
        closer = shelf().explained(key, reader, labels, prior, describe(chosen.name))
        seen = shelf().seen(key)
        st.html(photo(seen, closer, 1))
        if keep_in:
            numbers = range(1, len(closer.faces) + 1)
            correct(keep_in, seen.found.crops, closer.faces, numbers, "sample", reader.artifact.name)


def actual(path: Path, labels: LabelSet) -> str | None:
    """The label that a sample's folder is named by, if the label set has it."""
    name = canonical(path.parent.name)
    return name if name in labels else None


@st.cache_data(show_spinner=False, max_entries=4)
def _crop(folder: Path, paths: tuple[Path, ...], _reader: Recognizer) -> Crop:
    """How `mien evaluate` would take the images of this folder, labelled or not."""
    examples = tuple(Example(str(path), path, "") for path in paths)
    return usual_crop(Dataset(folder, "samples", FERPLUS8, examples), _reader.detector).crop


def _state(path: Path) -> tuple[int, int]:
    """What tells whether a file has changed."""
    try:
        state = path.stat()
    except OSError:  # gone since it was listed, which reading it will tell
        return 0, 0
    return state.st_mtime_ns, state.st_size


def _gallery(
    place: DeltaGenerator, reader: Recognizer, labels: LabelSet, prior: str, keys: Mapping[Path, Hashable]
) -> dict[str, bool]:
    """Show the samples as they are read; which of those with a label are right, by their path."""
    items, judged = list[str](), dict[str, bool]()
    for number, (path, key) in enumerate(keys.items(), 1):
        prediction = shelf().told(key, reader, labels, prior, describe(path.name))
        truth = actual(path, labels)
        items.append(_item(shelf(), key, prediction, truth, number))
        if truth is not None and prediction.error is None:
            judged[str(path)] = _right(prediction, truth)
        place.html(f"<ul class=mien-grid lang={language()}>{''.join(items)}</ul>")
    return judged


def _item(kept: Shelf, key: Hashable, prediction: Prediction, truth: str | None, number: int) -> str:
    name = f"<p class=mien-soft>{escape(showable(prediction.source))}</p>"
    if prediction.error is not None:
        return f"<li>{fault(prediction.error)}{name}</li>"
    image = picture(kept.seen(key), prediction, number, linked=False)
    answer = headline(prediction.faces[0].expression) if prediction.faces else escape(said(prediction.reasons[0]))
    verdict = ""
    if truth is not None:
        word, kind = (_("right"), "right") if _right(prediction, truth) else (_("wrong"), "wrong")
        label = escape(_("labelled %(label)s", label=said(truth)))
        verdict = f"<p><span class=mien-{kind}>{escape(word)}</span>: {label}</p>"
    return f"<li>{image}<p>{answer}</p>{verdict}{name}</li>"


def _right(prediction: Prediction, truth: str) -> bool:
    return bool(prediction.faces) and prediction.faces[0].expression.label == truth


def _score(place: DeltaGenerator, judged: dict[str, bool], asked: tuple[str, str, str]) -> None:
    """Show how many samples were right so far, on all pages that were looked at with what is asked now."""
    scores: dict[tuple[str, str, str], dict[str, bool]] = st.session_state.setdefault("judged", {})
    seen = scores.setdefault(asked, {})
    seen |= judged
    if seen:
        right = sum(seen.values())
        words = ngettext(
            "%(right)s of %(num)s right so far (%(share)s)",
            "%(right)s of %(num)s right so far (%(share)s)",
            len(seen),
            right=right,
            share=percent(right / len(seen)),
        )
        place.html(f"<p class=mien-summary role=status lang={language()}>{escape(words)}</p>")

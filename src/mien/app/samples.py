"""Samples: a folder of photos as a gallery, each answer beside the label where it is known, with a running score."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from mien.app.settings import choose, plain, samples_folder, told
from mien.app.show import annotated, show_face
from mien.datasets.walk import image_files
from mien.errors import ImageError, MienError
from mien.intake import describe
from mien.labels import LabelSet, canonical
from mien.prediction import Prediction, percent
from mien.recognizer import Recognizer

A_PAGE = 12
COLUMNS = 4
THUMBNAIL = 360  # px


def show() -> None:
    folder = samples_folder()
    st.title("Samples")
    reader, labels = choose()
    with told():
        paths = [folder / name for name in image_files(folder)] if folder else []
    if not paths:
        st.error(plain(f"There is no image in {folder}."), icon=":material/folder_off:")
        return
    pages = -(-len(paths) // A_PAGE)
    number = st.pagination(pages, key="page") if pages > 1 else 1
    shown = paths[(number - 1) * A_PAGE : number * A_PAGE]
    score = st.empty()
    answers = dict(zip(shown, reader.predict([*shown], labels=labels), strict=True))
    seen: dict[tuple[str, str, str], bool] = st.session_state.setdefault("judged", {})
    for start in range(0, len(shown), COLUMNS):
        for column, path in zip(st.columns(COLUMNS), shown[start : start + COLUMNS], strict=False):
            with column:
                truth = actual(path, labels)
                right_or_wrong = _thumbnail(path, answers[path], truth)
                if right_or_wrong is not None:
                    seen[reader.artifact.manifest.sha256, labels.name, str(path)] = right_or_wrong
    judged = [
        good
        for (model, named, _), good in seen.items()
        if (model, named) == (reader.artifact.manifest.sha256, labels.name)
    ]
    if judged:
        score.markdown(f"**{sum(judged)} of {len(judged)}** right so far ({percent(sum(judged) / len(judged))})")
    chosen = st.selectbox("Look closer", shown, index=None, format_func=lambda path: describe(path.name), key="closer")
    if chosen in answers:
        _closer(reader, chosen, labels)


def actual(path: Path, labels: LabelSet) -> str | None:
    """The label that a sample's folder is named by, if the label set has it."""
    name = canonical(path.parent.name)
    return name if name in labels else None


def _thumbnail(path: Path, prediction: Prediction, truth: str | None) -> bool | None:
    """Show one sample; whether the answer is right, or None where that is not known."""
    try:
        if prediction.error is not None:
            raise ImageError(prediction.error)
        picture = annotated(path, prediction, THUMBNAIL)
    except MienError as error:  # the file may have changed since
        st.error(plain(f"{path.name}: {error}"), icon=":material/broken_image:")
        return None
    st.image(picture, width="stretch")
    if not prediction.faces:
        st.caption(f"no face found{f', labelled {plain(truth)}' if truth else ''}")
        return None if truth is None else False
    expression = prediction.faces[0].expression
    said = f"{plain(expression.label)} {percent(expression.confidence)}"
    if truth is None:
        st.caption(said)
        return None
    right = expression.label == truth
    mark = ":green[:material/check_circle: right]" if right else ":red[:material/cancel: wrong]"
    st.caption(f"{said}  \n{mark}: labelled **{plain(truth)}**")
    return right


def _closer(reader: Recognizer, path: Path, labels: LabelSet) -> None:
    found = reader.find(path)
    (prediction,) = reader.express([found], [labels])
    if prediction.error is not None:
        st.error(plain(f"{path.name} cannot be read: {prediction.error}."), icon=":material/broken_image:")
        return
    st.image(annotated(path, prediction, 900))
    for number, (crop, reading) in enumerate(zip(found.crops, prediction.faces, strict=True)):
        show_face(crop, reading, number, len(prediction.faces))

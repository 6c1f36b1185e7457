"""Read: photos from files or the camera, each with its answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import PurePath

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from mien.app.settings import choose, plain
from mien.app.show import LARGEST, annotated, show_face
from mien.image import Pixels
from mien.labels import LabelSet
from mien.prediction import Prediction
from mien.recognizer import Recognizer
from mien.sources import HEIC, SUFFIXES
from mien.tables import csv_text


def show() -> None:
    st.title("What does this face look like?")
    st.caption("Photos stay on this machine: they are read in memory, and neither kept nor sent anywhere.")
    reader, labels = choose()
    way = st.segmented_control("From", ["Photos", "Camera"], default="Photos", key="way", label_visibility="collapsed")
    if way == "Camera":
        taken = st.camera_input("Take a photo", key="camera", label_visibility="collapsed")
        files: Sequence[UploadedFile] = [taken] if taken else []
    else:
        files = st.file_uploader("Photos", kinds(), accept_multiple_files=True, key="photos")
    answers = _answers(reader, labels, files)
    for number, (file, answer) in enumerate(zip(files, answers, strict=True)):
        _show(file, answer, number)
    if answers:
        _downloads([answer.prediction for answer in answers], labels)


def kinds() -> list[str]:
    """The suffixes of files that can be read."""
    extra = () if find_spec("pillow_heif") else HEIC
    return [suffix for suffix in SUFFIXES if suffix not in extra]


@dataclass(frozen=True)
class Answer:
    """What was read in a photo, and how that looks: a crop a face, and the photo small enough for the page."""

    prediction: Prediction
    crops: tuple[Pixels, ...] = ()
    picture: bytes = b""


def _answers(reader: Recognizer, labels: LabelSet, files: Sequence[UploadedFile]) -> list[Answer]:
    """An answer a file. The page is made anew for every click on it: what is on it already is not read again."""
    known: dict[tuple[str, ...], Answer] = st.session_state.get("answers", {})
    keys = [(file.file_id, reader.artifact.manifest.sha256, labels.name) for file in files]
    answers = {key: known.get(key) or _read(reader, labels, file) for key, file in zip(keys, files, strict=True)}
    st.session_state["answers"] = answers  # without those of photos that were taken away
    return [answers[key] for key in keys]


def _read(reader: Recognizer, labels: LabelSet, file: UploadedFile) -> Answer:
    name = PurePath(file.name).name
    found = reader.find(file.getvalue())
    prediction = replace(*reader.express([found], [labels]), source=name)
    picture = annotated(file.getvalue(), prediction, LARGEST) if prediction.error is None else b""
    return Answer(prediction, found.crops, picture)


def _show(file: UploadedFile, answer: Answer, number: int) -> None:
    prediction = answer.prediction
    st.subheader(plain(prediction.source), divider="gray", anchor=False)
    if prediction.error is not None:
        st.error(plain(f"{prediction.source} cannot be read: {prediction.error}."), icon=":material/broken_image:")
        return
    st.image(answer.picture, alt=_words(prediction))
    if prediction.notes:
        st.caption(plain("; ".join(prediction.notes).capitalize() + "."))
    if not prediction.faces:
        st.info("No face was found in this photo.", icon=":material/face_retouching_off:")
        return
    for position, (crop, reading) in enumerate(zip(answer.crops, prediction.faces, strict=True)):
        show_face(crop, reading, position, len(prediction.faces))
    st.download_button(
        "Annotated photo",
        lambda: annotated(file.getvalue(), prediction),
        file_name=f"{PurePath(prediction.source).stem}-read.jpg",
        mime="image/jpeg",
        key=f"annotated {number}",
        icon=":material/download:",
        on_click="ignore",
    )


def _downloads(predictions: list[Prediction], labels: LabelSet) -> None:
    st.divider()
    left, right, _ = st.columns([1, 1, 2])
    lines = "".join(json.dumps(prediction.to_dict()) + "\n" for prediction in predictions)
    left.download_button(
        "All as CSV",
        csv_text(predictions, labels),
        "expressions.csv",
        "text/csv",
        icon=":material/table:",
        on_click="ignore",
    )
    right.download_button(
        "All as JSON", lines, "expressions.jsonl", "application/jsonl", icon=":material/data_object:", on_click="ignore"
    )


def _words(prediction: Prediction) -> str:
    if not prediction.faces:
        return "A photo without a face that could be found"
    return "Faces, the largest first: " + ", ".join(reading.expression.label for reading in prediction.faces)

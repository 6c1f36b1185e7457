"""Read: photos from files or the camera, each with its answer as soon as it is read."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path, PurePath

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from mien.app.kept import correct
from mien.app.seen import encoded, shelf
from mien.app.settings import PHOTO_MB
from mien.app.show import photo, say, summary
from mien.app.words import _, called, ngettext
from mien.draw import annotate
from mien.labels import LabelSet
from mien.prediction import Prediction
from mien.recognizer import Recognizer
from mien.sources import HEIC, SUFFIXES
from mien.tables import csv_text


def head() -> None:
    st.title(_("What does this face look like?"))
    say(_("Your photos stay in the memory of this machine. They are forgotten when you leave this page."))


def show(reader: Recognizer, labels: LabelSet, prior: str, folder: Path | None) -> None:
    ways = {"photos": _("Choose photos"), "camera": _("Take a photo")}
    way = st.segmented_control(
        _("From"), list(ways), default="photos", key="way", format_func=ways.__getitem__, label_visibility="collapsed"
    )
    if way == "camera":
        taken = st.camera_input(ways["camera"], key="camera", label_visibility="collapsed")
        files: Sequence[UploadedFile] = [taken] if taken else []
    else:
        files = st.file_uploader(
            ways["photos"],
            kinds(),
            accept_multiple_files=True,
            key="photos",
            max_upload_size=PHOTO_MB,
            label_visibility="collapsed",
        )
    _answer(reader, labels, prior, files, folder)


def kinds() -> list[str]:
    """The suffixes of files that can be read."""
    extra = () if find_spec("pillow_heif") else HEIC
    return [suffix for suffix in SUFFIXES if suffix not in extra]


def _answer(
    reader: Recognizer, labels: LabelSet, prior: str, files: Sequence[UploadedFile], folder: Path | None
) -> None:
    """Show what each photo says, one after the other; what is on the page already is not read again. Where there is a
    folder for them, faces may be corrected."""
    keys = [(file.file_id, reader.artifact.manifest.sha256) for file in files]
    shelf().keep(reader, "auto", {key: file.getvalue() for key, file in zip(keys, files, strict=True)})
    if not files:
        return
    top, predictions = st.container(), list[Prediction]()
    state = top.empty()
    for number, (key, file) in enumerate(zip(keys, files, strict=True), 1):
        progress = _("Reading photo %(number)s of %(all)s.", number=number, all=len(files))
        if len(files) > 1:
            state.progress((number - 1) / len(files), progress)
        asked = key, reader, labels, prior, PurePath(file.name).name
        st.html(photo(shelf().seen(key), shelf().explained(*asked), number))
        predictions.append(shelf().told(*asked))
        if folder:
            crops, readings = shelf().seen(key).found.crops, predictions[-1].faces
            correct(folder, crops, readings, range(1, len(crops) + 1), f"photo {number}", reader.artifact.name)
    state.html(f"<p class=mien-summary role=status>{summary(predictions)}</p>")
    with top:
        _downloads(predictions, files, labels)


def _downloads(predictions: Sequence[Prediction], files: Sequence[UploadedFile], labels: LabelSet) -> None:
    read = [(file.getvalue(), each) for file, each in zip(files, predictions, strict=True) if each.error is None]
    lines = "".join(json.dumps(prediction.to_dict()) + "\n" for prediction in predictions)
    offered: list[tuple[str, str | Callable[[], bytes], str, str, str]] = [
        ("CSV", csv_text(predictions, labels), "expressions.csv", "text/csv", "table"),
        ("JSON", lines, "expressions.jsonl", "application/jsonl", "data_object"),
    ]
    if read:
        call = called(labels)
        words = ngettext("Marked photo", "Marked photos", len(read))
        if len(read) == 1:
            name = f"{PurePath(read[0][1].source).stem}-read.jpg"
            offered.append((words, partial(_marked, *read[0], call), name, "image/jpeg", "image"))
        else:
            offered.append((words, partial(zipped, read, call), "marked.zip", "application/zip", "photo_library"))
    with st.container(horizontal=True):
        for words, data, name, mime, icon in offered:
            st.download_button(words, data, name, mime, icon=f":material/{icon}:", on_click="ignore", key=name)


def zipped(read: Iterable[tuple[bytes, Prediction]], call: Callable[[str], str] | None = None) -> bytes:
    """Photos with their faces marked, in one file; made when a person asks for it."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number, (image, prediction) in enumerate(read, 1):
            name = f"{number:03d}-{PurePath(prediction.source).stem}.jpg"
            archive.writestr(name, _marked(image, prediction, call))
    return stream.getvalue()


def _marked(image: bytes, prediction: Prediction, call: Callable[[str], str] | None = None) -> bytes:
    return encoded(annotate(image, prediction, call), "JPEG")

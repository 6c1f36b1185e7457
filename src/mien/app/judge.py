"""Judge: a model on a labelled dataset of this machine, with a progress bar and the report."""

from __future__ import annotations

import os

import streamlit as st

from mien.app.settings import choose_model, plain, told
from mien.crops import CROPS
from mien.datasets import open_dataset
from mien.errors import MienError
from mien.evaluation import evaluate
from mien.report import Report
from mien.report.notes import notes
from mien.report.page import draw_pictures, html


def show() -> None:
    st.title("How good is it?")
    st.caption("A dataset in any form that mien knows: an image folder with a folder a label, fer2013.csv, parquet.")
    reader = choose_model()
    with st.form("judge"):
        path = st.text_input("Path of the dataset on this machine", key="dataset")
        one, two, three = st.columns(3)
        able = {"the dataset's own": None, **{each.words: each.name for each in reader.artifact.label_sets.values()}}
        labels = able[three.selectbox("Expressions", list(able), key="judged in")]
        split = one.selectbox("Split", ["the last", "train", "valid", "test", "all"], key="split")
        crop = two.selectbox("Images are", (None, *CROPS), key="crop", format_func=_crop_words)
        started = st.form_submit_button("Judge", type="primary", icon=":material/fact_check:")
    if started:
        st.session_state.pop("judged report", None)
        bar = st.progress(0.0, "Looking at the dataset")

        def show_progress(done: int, total: int) -> None:
            if 100 * done // total > 100 * (done - 1) // total:
                bar.progress(done / total, f"{done:,} of {total:,} images")

        with told():
            if not path.strip():
                raise MienError("Name a dataset first: the path of a folder or a file on this machine.")
            report = evaluate(
                reader,
                open_dataset(os.path.expanduser(path.strip())),
                split=None if split == "the last" else split,
                labels=labels,
                crop=crop,
                progress=show_progress,
            )
        bar.empty()
        pictures = draw_pictures(report)
        st.session_state["judged report"] = report, pictures, html(report, pictures)
    if "judged report" in st.session_state:
        _show_report(*st.session_state["judged report"])


def _show_report(report: Report, pictures: dict[str, bytes], page: str) -> None:
    low, high = report.accuracy_interval
    st.subheader(plain(f"{report.model}: {report.n:,} images, split {report.data['split']}"), anchor=False)
    one, two, three = st.columns(3)
    one.metric("Right", f"{report.accuracy:.1%}")
    two.metric("Macro-F1", f"{report.macro_f1:.3f}")
    three.metric("Calibration error", f"{report.ece:.3f}")
    st.caption(f"95% interval of the share right: {low:.1%} to {high:.1%}")
    st.caption(plain(f"Images taken as {_crop_words(report.data['crop'])}. Why: {report.data['crop_reason']}."))
    for note in notes(report):
        st.caption(plain(note))
    st.dataframe(
        [
            {"": name, "images": each.support}
            | {what: f"{getattr(each, what.lower()):.3f}" for what in ("precision", "recall", "F1")}
            for name, each in report.per_class.items()
        ],
        hide_index=True,
    )
    left, right = st.columns(2)
    left.image(pictures["confusion-shares.png"])
    right.image(pictures["reliability.png"])
    if "mistakes.png" in pictures:
        st.subheader("The most confident mistakes", anchor=False)
        st.image(pictures["mistakes.png"])
    for name, reason in report.unreadable.items():
        st.warning(plain(f"{name} cannot be read: {reason}"), icon=":material/broken_image:")
    st.download_button(
        "The whole report", page, "report.html", "text/html", icon=":material/download:", on_click="ignore"
    )


def _crop_words(crop: str | None) -> str:
    words = {"auto": "photos or face crops", "detect": "photos", "whole": "face crops"}
    return words[crop] if crop else "as the data ask"

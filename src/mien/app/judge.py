"""Judge: a model on a labelled dataset of this machine, with a progress bar and the report."""

from __future__ import annotations

import os

import streamlit as st

from mien.app.settings import told
from mien.app.show import say, sentence_of
from mien.app.words import _, ngettext, number, plain, said
from mien.crops import CROPS, Crop
from mien.datasets import open_dataset
from mien.errors import MienError
from mien.evaluation import evaluate
from mien.recognizer import Recognizer
from mien.report import Report
from mien.report.notes import notes
from mien.report.page import draw_pictures, html
from mien.wording import decimals, percentage

USUAL = ""
"""What is chosen where a person chooses nothing; `None` would be no choice at all, with a button to clear it."""
SPLITS = (USUAL, "train", "valid", "test", "all")


def head() -> None:
    st.title(_("How good is it?"))
    say(_("Choose photos with labels: folders named by label, fer2013.csv, or parquet. mien reads and scores them."))


def show(reader: Recognizer) -> None:
    with st.form("judge"):
        path = st.text_input(_("Path of the dataset on this machine"), key="dataset")
        one, two, three = st.columns(3)
        sets = {USUAL: _("the dataset's own")}
        sets |= {each.name: said(each.words) for each in reader.artifact.label_sets.values()}
        splits = {
            USUAL: _("the last one"),
            "train": _("train"),
            "valid": _("valid"),
            "test": _("test"),
            "all": _("all"),
        }
        split = one.selectbox(_("Split"), SPLITS, key="split", format_func=splits.__getitem__)
        crop = two.selectbox(_("Images are"), (USUAL, *CROPS), key="crop", format_func=_crop_words)
        labels = three.selectbox(_("Expressions"), list(sets), key="judged in", format_func=sets.__getitem__)
        started = st.form_submit_button(_("Judge"), type="primary", icon=":material/fact_check:")
    if started:
        st.session_state.pop("judged report", None)
        taken = next((each for each in CROPS if each == crop), None)
        report = _judge(reader, path.strip(), split or None, labels or None, taken)
        pictures = draw_pictures(report)
        st.session_state["judged report"] = report, pictures, html(report, pictures)
    if "judged report" in st.session_state:
        _show_report(*st.session_state["judged report"])


def _judge(reader: Recognizer, path: str, split: str | None, labels: str | None, crop: Crop | None) -> Report:
    """A report, with a progress bar until it is there; or what is wrong, and no more of the page."""
    bar = st.progress(0.0, _("Looking at the dataset"))

    def show_progress(done: int, total: int) -> None:
        if 100 * done // total > 100 * (done - 1) // total:
            read, images = number(done), number(total)
            bar.progress(done / total, _("%(done)s of %(all)s images", done=read, all=images))

    with told():
        if not path:
            raise MienError(_("Choose a dataset first: the path of a folder or a file on this machine."))
        dataset = open_dataset(os.path.expanduser(path))
        report = evaluate(reader, dataset, split=split, labels=labels, crop=crop, progress=show_progress)
    bar.empty()
    return report


def _show_report(report: Report, pictures: dict[str, bytes], page: str) -> None:
    low, high = map(percentage, report.accuracy_interval)
    split = said(report.data["split"])
    title = ngettext(
        "%(model)s: %(num)s image, split %(split)s",
        "%(model)s: %(num)s images, split %(split)s",
        report.n,
        model=report.model,
        split=split,
    )
    st.header(plain(title), anchor=False)
    one, two, three = st.columns(3)
    one.metric(
        _("Right"), percentage(report.accuracy), help=_("The share of images whose answer is the same as their label.")
    )
    two.metric(
        _("Macro-F1"),
        f"{report.macro_f1:.3f}",
        help=_("0 to 1: how well each expression is read. Rare ones count as much as common ones."),
    )
    three.metric(
        _("Calibration error"),
        decimals(report.ece),
        help=_("0 to 1: how far its confidence is from how often it is right. Less is better."),
    )
    say(_("95%% interval of the share right: %(low)s to %(high)s.", low=low, high=high))
    say(_("Images are taken as %(crop)s.", crop=_crop_words(report.data["crop"])))
    say(" ".join((sentence_of(report.data["crop_reason"]), *notes(report))), own=False)
    columns = {"precision": _("Precision"), "recall": _("Recall"), "F1": "F1"}
    st.table(
        [
            {_("Expression"): plain(said(name)), _("Images"): number(each.support)}
            | {words: decimals(getattr(each, what.lower())) for what, words in columns.items()}
            for name, each in report.per_class.items()
        ],
        hide_index=True,
    )
    left, right = st.columns(2)
    left.image(pictures["confusion-shares.png"], alt=_("How often each expression was read as each of the others"))
    right.image(pictures["reliability.png"], alt=_("How often answers were right, by how confident they were"))
    if "mistakes.png" in pictures:
        st.header(_("The most confident mistakes"), anchor=False)
        st.image(pictures["mistakes.png"], alt=_("Faces that were read wrong, with their labels and answers"))
    for name, reason in report.unreadable.items():
        st.warning(plain(f"{name}: {said(reason)}"), icon=":material/broken_image:")
    st.download_button(
        _("The whole report"), page, "report.html", "text/html", icon=":material/download:", on_click="ignore"
    )


def _crop_words(crop: str) -> str:
    return {
        USUAL: _("mien finds out"),
        "auto": _("photos or face crops"),
        "detect": _("photos"),
        "whole": _("face crops"),
    }[crop]

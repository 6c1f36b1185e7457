"""Video: who looked how, when. A player beside charts, a click on which shows the frame, and what it comes to."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Hashable
from functools import partial
from html import escape
from importlib.util import find_spec
from pathlib import Path, PurePath

import streamlit as st
from PIL import Image

from mien.app.chart import HIGH, PLACE, POINT, chart
from mien.app.kept import correct
from mien.app.seen import Seen, encoded
from mien.app.settings import VIDEO_MB, told
from mien.app.show import card, clock, fault, paint, picture, say, table
from mien.app.taking import downloads
from mien.app.viewing import MOST, Told, Viewing, forget, viewing
from mien.app.words import _, language, ngettext, said, sentence
from mien.crops import NO_FACE
from mien.errors import MienError
from mien.intake import describe
from mien.labels import LabelSet
from mien.prediction import Prediction, Reading, percent
from mien.recognizer import Recognizer
from mien.wording import percentage

SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".3gp", ".flv"),
    *(".wmv", ".ogv", ".mxf"),
)
PLAYED = ("video/mp4", "video/webm", "video/ogg", "video/quicktime")
"""What most browsers play."""

EVERY = {"five": 0.2, "one": 1.0, "all": None}
"""Seconds from one picture that is read to the next, by what a person chooses."""

HELD = VIDEO_MB * 1_000_000  # bytes of a file on this machine that are held, for the player
NEWEST = 8  # faces that are told while a video is read


def head() -> None:
    st.title(_("Who looked how, and when?"))
    say(_("Your video stays in the memory of this machine. It is forgotten when you leave this page."))


def show(reader: Recognizer, labels: LabelSet, prior: str, folder: Path | None) -> None:
    if any(find_spec(module) is None for module in ("av", "scipy")):
        needed = _("Videos need one more package. Install it, then start the app again:")
        st.info(f"{needed} `pip install 'mien[video]'`")
        return
    kept = _chosen(reader, labels, prior)
    if kept is None:
        forget()
        return
    left, right = st.columns(2)
    with left:
        player = st.empty()
    if not kept.ended:
        with player:
            _play(kept, 0.0)
        with right:
            _progress(kept)
        return
    with told():
        kept.check()
    with st.spinner(_("The faces are read anew.")):
        answers = kept.told(labels, prior)
    _limits(kept, answers)
    if any(moment.number is not None for moment in answers.moments):
        with left:
            moment_s = _moment(kept, answers)
        with player:
            _play(kept, moment_s)
        with right:
            readings, tracks = _frame(kept, answers, moment_s)
            if folder:
                crops = answers.at(moment_s)[0].found.crops
                correct(folder, crops, readings, tracks, f"video {kept.number}", reader.artifact.name)
        if answers.over_time.faces:
            _charts(kept, answers, moment_s)
            _numbers(answers)
            _people(kept, answers)
        downloads(kept, answers, (labels.name, prior, kept.people))


def _chosen(reader: Recognizer, labels: LabelSet, prior: str) -> Viewing | None:
    """The video that a person chose, being read or read; a new one takes the place of the one before."""
    ways = {"upload": _("Choose a video"), "path": _("A video on this machine")}
    rates = {"five": _("5 a second"), "one": _("1 a second"), "all": _("All pictures")}
    one, two = st.columns([2, 1])
    with two:
        every = st.selectbox(_("Pictures to read"), list(rates), key="every", format_func=rates.__getitem__)
    with one:
        way = st.segmented_control(
            _("From"), list(ways), default="upload", key="video from", format_func=ways.__getitem__
        )
    given = _path() if way == "path" else _upload(ways["upload"])
    if given is None:
        return None
    which, source, name = given
    key = which, reader.artifact.manifest.sha256, every
    kept = viewing()
    if kept is None or kept.key != key:
        forget()
        content = source.read_bytes() if isinstance(source, Path) and _plays(source) else source
        kept = Viewing(key, reader, content, name, labels, prior, EVERY[every])
        st.session_state["viewing"] = kept
    return kept


def _upload(words: str) -> tuple[Hashable, bytes, str] | None:
    file = st.file_uploader(words, SUFFIXES, key="video", max_upload_size=VIDEO_MB, label_visibility="collapsed")
    return (file.file_id, file.getvalue(), PurePath(file.name).name) if file else None


def _path() -> tuple[Hashable, Path, str] | None:
    """A file of this machine, as Judge takes them: the app is for who may read them."""
    given = st.text_input(_("Path of the video on this machine"), key="video path").strip()
    if not given:
        return None
    path = Path(os.path.expanduser(given))
    with told():
        if not path.is_file():
            raise MienError(_("There is no file %(path)s.", path=given))
        state = path.stat()
    return (str(path), state.st_mtime_ns, state.st_size), path, describe(path.name)


def _plays(path: Path) -> bool:
    """Whether a file is small enough to be held, for the player."""
    return path.stat().st_size <= HELD


def _play(kept: Viewing, start_s: float) -> None:
    kind = mimetypes.guess_type(kept.name)[0] or "video/mp4"
    with st.container():
        if not isinstance(kept.source, bytes):
            say(_("This file is too large for the player. All else works."))
            return
        st.video(kept.source, kind, int(start_s), alt=kept.name)
        if kind not in PLAYED:
            say(_("Many browsers cannot play this kind of file. All else works."))


@st.fragment(run_every=1.0)
def _progress(kept: Viewing) -> None:
    """How far it is, and what was read last; the page is made anew when it has ended."""
    if kept.ended:
        st.rerun()
    read = clock(kept.time_s)
    if kept.length_s:
        words = _("%(read)s of %(all)s read", read=read, all=clock(kept.length_s))
        st.progress(min(kept.time_s / kept.length_s, 1.0), words)
    else:
        st.progress(0.0, _("%(read)s read", read=read))
    st.button(_("Stop"), on_click=kept.stop, icon=":material/stop:", key="stop reading")
    cells = [
        (
            clock(row["time_s"]),
            row["track"],
            said(row["smoothed_label"]) + "?" * row["smoothed_uncertain"],
            row["smoothed_confidence"],
        )
        for row in kept.newest(NEWEST)
    ]
    if cells:
        head = (_("Time"), _("Face"), _("Expression"), _("Confidence"))
        table([head, *((time, str(track), label, percent(p)) for time, track, label, p in cells)], _("Read last"))


def _limits(kept: Viewing, answers: Told) -> None:
    """What of the video was not read, and why."""
    last = answers.moments[-1] if answers.moments else None
    if last is not None and last.prediction.error is not None:
        words = _("From %(time)s on, this video cannot be read.", time=clock(last.time_s))
        if len(answers.moments) == 1:
            words = _("This video cannot be read.")
        st.html(fault(last.prediction.error, words))
    elif not kept.whole:
        say(_("You see the video up to %(time)s. The rest was not read.", time=clock(kept.time_s)))
        if len(answers.timeline) >= MOST:
            say(_("This page keeps no more. Read fewer pictures a second, or use `mien video`."))


def _moment(kept: Viewing, answers: Told) -> float:
    """The moment that is looked at: what was clicked, or the slider says."""
    start_s, end_s = (answers.moments[0].time_s, kept.time_s)
    key = f"moment {kept.number}"
    if not start_s < end_s:
        return start_s
    if key not in st.session_state:
        faces = (row["time_s"] for row in answers.timeline.rows if row["track"] is not None)
        st.session_state[key] = min(max(next(faces, start_s), start_s), end_s)  # rows are rounded
    return float(st.slider(_("Moment, in seconds"), start_s, end_s, key=key, step=0.01))


def _frame(kept: Viewing, answers: Told, moment_s: float) -> tuple[tuple[Reading, ...], list[int]]:
    """The frame at a moment with its faces, numbered by their tracks; gives both."""
    moment, tracks = answers.at(moment_s)
    crops = tuple(encoded(Image.fromarray(crop), "PNG") for crop in moment.found.crops)
    faces = tuple(
        Reading(each.face, smoothed) for each, smoothed in zip(moment.prediction.faces, moment.smoothed, strict=True)
    )
    size = moment.prediction.width, moment.prediction.height
    shown = Prediction(kept.name, *size, faces, () if faces else (NO_FACE,))
    seen = Seen(moment.found, kept.picture(moment.time_s), crops)
    cards = "".join(
        card(crop, reading, track, len(answers.over_time.faces))
        for crop, reading, track in zip(crops, faces, tracks, strict=True)
    )
    cards = f"<ol class=mien-cards>{cards}</ol>" if faces else f"<p class=mien-none>{escape(sentence((NO_FACE,)))}</p>"
    st.html(
        f"<section class=mien-frame lang={language()}><h2>{clock(moment.time_s)}</h2>"
        f"{picture(seen, shown, 0, places=tracks)}{cards}</section>"
    )
    return faces, tracks


def _charts(kept: Viewing, answers: Told, moment_s: float) -> None:
    """A chart for each face; a click on one is the moment that is looked at."""
    st.header(_("Over time"), anchor=False)
    labels = answers.timeline.labels
    chips = "".join(
        f"<li><span class=mien-chip style='{paint(label)}'>{escape(said(label))}</span></li>" for label in labels
    )
    unsure = escape(_("Not sure"))
    chips += f"<li><span class=mien-hatched></span> {unsure}</li>"
    st.html(f"<ul class=mien-legend lang={language()}>{chips}</ul>")
    say(_("Click a chart to see that moment."))
    edges_s = answers.over_time.edges_s
    for track, (shares, uncertain) in answers.over_time.faces.items():
        row = next(row for row in answers.summary.rows if row["track"] == track)
        mostly = max(labels, key=lambda label: row[f"share_{label}"])
        words = _("Face %(number)s: mostly %(label)s", number=track, label=said(mostly))
        st.html(f"<h3 class=mien-face lang={language()}>{escape(words)}</h3>")
        key = f"chart {kept.number} {track} {kept.clicks[track]}"
        st.vega_lite_chart(
            chart(edges_s, shares, uncertain, labels, moment_s),
            height=HIGH,
            key=key,
            on_select=partial(_click, kept, track, key),
            alt=_("%(words)s. The table below has the numbers.", words=words),
        )
    if left := answers.over_time.left:
        say(ngettext("%(num)s face was seen for a shorter time.", "%(num)s faces were seen for a shorter time.", left))


def _click(kept: Viewing, track: int, key: str) -> None:
    """What was clicked on a chart becomes the moment."""
    clicked = st.session_state[key]["selection"].get(POINT)
    if clicked:
        kept.clicks[track] += 1
        st.session_state[f"moment {kept.number}"] = min(float(clicked[0][PLACE]), kept.time_s)


def _numbers(answers: Told) -> None:
    """What each face came to."""
    labels = answers.timeline.labels
    head = [_("Face"), _("Seen"), *map(said, labels), _("Changes"), _("Confidence"), _("Not sure")]
    rows = [
        [
            str(row["track"]),
            f"{row['seen_s']:.1f} s",
            *(percentage(row[f"share_{label}"], 0) for label in labels),
            str(row["changes"]),
            percent(row["confidence"]),
            percentage(row["uncertain_share"], 0),
        ]
        for row in answers.summary.rows
    ]
    st.header(_("In numbers"), anchor=False)
    say(_("The share of the time that a face showed each expression, by the answer that was most likely."))
    table([head, *rows], _("In numbers"))


def _people(kept: Viewing, answers: Told) -> None:
    """Faces that are one person's, as who knows them says."""
    tracks = sorted({row["track"] for row in answers.summary.rows})
    if len(tracks) < 2 and not kept.people:
        return
    st.header(_("Who is who"), anchor=False)
    say(_("A face that was out of sight may come back as another. Say which faces are one person's."))
    if len(tracks) > 1:
        key = f"people {kept.number} {len(kept.people)}"
        chosen = st.multiselect(
            _("Faces of one person"), tracks, key=key, format_func=str, placeholder=_("Choose two or more")
        )
        if st.button(_("Join them"), disabled=len(chosen) < 2, icon=":material/merge:", key="join"):
            try:
                kept.join(chosen)
            except MienError:
                words = _("Two of these faces are seen at one time. They are not one person's.")
                st.error(words, icon=":material/group_off:")
            else:
                st.rerun()
    if kept.people:
        joined = ", ".join(" + ".join(map(str, tracks)) for tracks in kept.people)
        say(_("Joined: %(faces)s", faces=joined))
        st.button(_("Separate all"), on_click=kept.separate, icon=":material/call_split:", key="separate")

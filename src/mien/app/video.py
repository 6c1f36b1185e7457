"""Video: who looked how, when. A player beside charts, a click on which shows the frame, and what it comes to."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Hashable, Sequence
from functools import partial
from html import escape
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path, PurePath

import streamlit as st
from PIL import Image

from mien.app.chart import HIGH, PLACE, POINT, chart
from mien.app.seen import Seen, encoded
from mien.app.settings import VIDEO_MB, choose, told
from mien.app.show import card, fault, paint, picture, say
from mien.app.viewing import MOST, Told, Viewing, forget, viewing
from mien.app.words import _, language, ngettext, said, sentence
from mien.captions import captions
from mien.crops import NO_FACE
from mien.errors import MienError
from mien.filming import film
from mien.keeping import put_rows
from mien.labels import LabelSet
from mien.prediction import Prediction, Reading, percent
from mien.recognizer import Recognizer
from mien.tables import Table
from mien.timeline import Timeline, meanings
from mien.watching import Wanted

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


def show() -> None:
    st.title(_("Who looked how, and when?"))
    say(_("Your video stays in the memory of this machine. It is forgotten when you leave this page."))
    reader, labels, prior = choose()
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
        player = st.container()
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
    if not answers.over_time.faces:
        with player:
            _play(kept, 0.0)
        if any(moment.number is not None for moment in answers.moments):
            say(sentence((NO_FACE,)), "mien-none")
        return
    moment_s = _moment(kept, answers, left)
    with player:
        _play(kept, moment_s)
    with right:
        _frame(kept, answers, moment_s)
    _charts(kept, answers, moment_s)
    _numbers(answers)
    _people(kept, answers)
    _downloads(kept, answers, (labels.name, prior, kept.people))


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
    return (str(path), state.st_mtime_ns, state.st_size), path, path.name


def _plays(path: Path) -> bool:
    """Whether a file is small enough to be held, for the player."""
    return path.stat().st_size <= HELD


def _play(kept: Viewing, start_s: float) -> None:
    if not isinstance(kept.source, bytes):
        say(_("This file is too large for the player. All else works."))
        return
    kind = mimetypes.guess_type(kept.name)[0] or "video/mp4"
    st.video(kept.source, kind, int(start_s), alt=kept.name)
    if kind not in PLAYED:
        say(_("Many browsers cannot play this kind of file. All else works."))


@st.fragment(run_every=1.0)
def _progress(kept: Viewing) -> None:
    """How far it is, and what was read last; the page is made anew when it has ended."""
    if kept.ended:
        st.rerun()
    read = _clock(kept.time_s)
    if kept.length_s:
        words = _("%(read)s of %(all)s read", read=read, all=_clock(kept.length_s))
        st.progress(min(kept.time_s / kept.length_s, 1.0), words)
    else:
        st.progress(0.0, _("%(read)s read", read=read))
    st.button(_("Stop"), on_click=kept.stop, icon=":material/stop:", key="stop reading")
    cells = [
        (_clock(row["time_s"]), row["track"], said(row["s_label"]) + "?" * row["s_uncertain"], row["s_confidence"])
        for row in kept.newest(NEWEST)
    ]
    if cells:
        head = (_("Time"), _("Face"), _("Expression"), _("Confidence"))
        _table([head, *((time, str(track), label, percent(p)) for time, track, label, p in cells)], _("Read last"))


def _limits(kept: Viewing, answers: Told) -> None:
    """What of the video was not read, and why."""
    last = answers.moments[-1] if answers.moments else None
    if last is not None and last.prediction.error is not None:
        words = _("From %(time)s on, this video cannot be read.", time=_clock(last.time_s))
        if len(answers.moments) == 1:
            words = _("This video cannot be read.")
        st.html(fault(last.prediction.error, words))
    elif not kept.whole:
        say(_("You see the video up to %(time)s. The rest was not read.", time=_clock(kept.time_s)))
        if len(answers.timeline) >= MOST:
            say(_("This page keeps no more. Read fewer pictures a second, or use `mien video`."))


def _moment(kept: Viewing, answers: Told, place: st.delta_generator.DeltaGenerator) -> float:
    """The moment that is looked at: what was clicked, or the slider says."""
    start_s, end_s = (answers.moments[0].time_s, kept.time_s)
    key = f"moment {kept.number}"
    if not start_s < end_s:
        return start_s
    first = next(row["time_s"] for row in answers.timeline.rows if row["track"] is not None)
    if key not in st.session_state:
        st.session_state[key] = first
    with place:
        return float(st.slider(_("Moment, in seconds"), start_s, end_s, key=key, step=0.01))


def _frame(kept: Viewing, answers: Told, moment_s: float) -> None:
    """The frame at a moment with its faces, numbered by their tracks."""
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
        f"<section class=mien-frame lang={language()}><h2>{_clock(moment.time_s)}</h2>"
        f"{picture(seen, shown, 0, places=tracks)}{cards}</section>"
    )


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
        key = f"chart {kept.number} {track}"
        st.vega_lite_chart(
            chart(edges_s, shares, uncertain, labels, moment_s),
            height=HIGH,
            key=key,
            on_select=partial(_click, kept, key),
            alt=_("%(words)s. The table below has the numbers.", words=words),
        )
    if left := answers.over_time.left:
        say(ngettext("%(num)s face was seen for a shorter time.", "%(num)s faces were seen for a shorter time.", left))


def _click(kept: Viewing, key: str) -> None:
    """What was clicked on a chart becomes the moment."""
    clicked = st.session_state[key]["selection"].get(POINT)
    if clicked:
        st.session_state[f"moment {kept.number}"] = float(clicked[0][PLACE])


def _numbers(answers: Told) -> None:
    """What each face came to."""
    labels = answers.timeline.labels
    head = [_("Face"), _("Seen"), *map(said, labels), _("Changes"), _("Confidence"), _("Not sure")]
    rows = [
        [
            str(row["track"]),
            f"{row['seen_s']:.1f} s",
            *(f"{row[f'share_{label}']:.0%}" for label in labels),
            str(row["changes"]),
            f"{row['confidence']:.0%}",
            f"{row['uncertain_share']:.0%}",
        ]
        for row in answers.summary.rows
    ]
    st.header(_("In numbers"), anchor=False)
    say(_("The share of the time that a face showed each expression, by the answer that was most likely."))
    _table([head, *rows], _("In numbers"))


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
        st.button(_("Separate all"), on_click=kept.separate, icon=":material/call_split:", key="separate")


def _downloads(kept: Viewing, answers: Told, asked: Hashable) -> None:
    st.header(_("Downloads"), anchor=False)
    stem = PurePath(kept.name).stem
    events = answers.events
    offered = [
        (_("Every row, as Parquet"), partial(_file, answers.timeline, "parquet"), f"{stem}.parquet", "table"),
        (_("Every row, as CSV"), partial(_file, answers.timeline, "csv"), f"{stem}.csv", "table"),
        (_("Every row, as JSON"), partial(_file, answers.timeline, "json"), f"{stem}.json", "data_object"),
        (_("Sums, as CSV"), partial(_file, answers.summary, "csv"), f"{stem}-sums.csv", "functions"),
        (_("Events, as CSV"), partial(_file, events, "csv"), f"{stem}-events.csv", "event"),
        (_("Captions (.srt)"), partial(_captions, events, ".srt"), f"{stem}.srt", "subtitles"),
        (_("Captions (.vtt)"), partial(_captions, events, ".vtt"), f"{stem}.vtt", "subtitles"),
    ]
    with st.container(horizontal=True):
        for words, data, name, icon in offered:
            st.download_button(words, data, name, icon=f":material/{icon}:", on_click="ignore", key=name)
    _copy(kept, answers, asked, f"{stem}-mien.webm")


def _copy(kept: Viewing, answers: Told, asked: Hashable, name: str) -> None:
    """A copy of the video with its faces marked, made in memory when a person asks for it."""
    icon = ":material/movie_edit:"
    if st.button(_("Make a copy with the faces marked"), icon=icon, key="make a copy"):
        out, end_s = BytesIO(), kept.length_s or kept.time_s
        bar, shown = st.progress(0.0, _("The faces are marked.")), 0.0
        with told():
            wanted = Wanted() if kept.whole else Wanted(end_s=kept.time_s)
            for frame in film(kept.source, answers.timeline.rows, out, wanted):
                if frame.time_s / end_s >= shown + 0.01:
                    shown = min(frame.time_s / end_s, 1.0)
                    bar.progress(shown, _("The faces are marked."))
        bar.empty()
        kept.copy = asked, out.getvalue()
    if kept.copy is not None and kept.copy[0] == asked:
        words = _("The marked copy (.webm)")
        st.download_button(words, kept.copy[1], name, "video/webm", icon=icon, on_click="ignore", key=name)


def _file(table: Table, form: str) -> bytes:
    stream = BytesIO()
    put_rows(stream, form, table.kinds, table.rows, meanings(table.kinds) if isinstance(table, Timeline) else None)
    return stream.getvalue()


def _captions(events: Table, ending: str) -> bytes:
    return captions(events.rows, ending).encode()


def _table(rows: Sequence[Sequence[str]], caption: str) -> None:
    """A table that moves sideways within itself, where it is wider than the screen; its first row has the names."""
    head, *others = rows
    names = "".join(f"<th scope=col>{escape(cell)}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in others)
    st.html(
        f"<div class=mien-table tabindex=0 role=region aria-label='{escape(caption)}' lang={language()}>"
        f"<table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _clock(time_s: float) -> str:
    """A time as players show it, with tenths: `1:02.5`."""
    tenths = round(10 * time_s)
    return f"{tenths // 600}:{tenths // 10 % 60:02}.{tenths % 10}"

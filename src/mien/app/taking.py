"""What a person takes along of a video: rows, sums, events, captions, and a copy with the faces marked.

All of it is made in memory, most of it when it is asked for.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial
from io import BytesIO
from pathlib import PurePath

import streamlit as st

from mien.app.settings import told
from mien.app.show import fault
from mien.app.viewing import Told, Viewing
from mien.app.words import _
from mien.captions import captions
from mien.filming import film
from mien.keeping import put_rows
from mien.tables import Table
from mien.timeline import Timeline, meanings
from mien.watching import Wanted


def downloads(kept: Viewing, answers: Told, asked: Hashable) -> None:
    """Offer files of what was read, under what was asked for."""
    st.header(_("Downloads"), anchor=False)
    stem = PurePath(kept.name).stem
    events = answers.events
    offered = [
        (_("Every row, as Parquet"), partial(filed, answers.timeline, "parquet"), f"{stem}.parquet", "table"),
        (_("Every row, as CSV"), partial(filed, answers.timeline, "csv"), f"{stem}.csv", "table"),
        (_("Every row, as JSON"), partial(filed, answers.timeline, "json"), f"{stem}.json", "data_object"),
        (_("Sums, as CSV"), partial(filed, answers.summary, "csv"), f"{stem}-sums.csv", "functions"),
        (_("Events, as CSV"), partial(filed, events, "csv"), f"{stem}-events.csv", "event"),
        (_("Captions (.srt)"), partial(captioned, events, ".srt"), f"{stem}.srt", "subtitles"),
        (_("Captions (.vtt)"), partial(captioned, events, ".vtt"), f"{stem}.vtt", "subtitles"),
    ]
    with st.container(horizontal=True):
        for words, data, name, icon in offered:
            st.download_button(words, data, name, icon=f":material/{icon}:", on_click="ignore", key=name)
    _copy(kept, answers, asked, f"{stem}-mien.webm")


def _copy(kept: Viewing, answers: Told, asked: Hashable, name: str) -> None:
    """A copy of the video with its faces marked, made in memory when a person asks for it."""
    icon = ":material/movie_edit:"
    if st.button(_("Make a copy with the faces marked"), icon=icon, key="make a copy"):
        out, notes, end_s = BytesIO(), list[str](), kept.length_s or kept.time_s
        bar, shown = st.progress(0.0, _("The faces are marked.")), 0.0
        with told():
            wanted = Wanted() if kept.whole else Wanted(end_s=kept.time_s)
            for frame in film(kept.source, answers.timeline.rows, out, wanted, notes):
                if frame.time_s >= (shown + 0.01) * end_s > 0:
                    shown = min(frame.time_s / end_s, 1.0)
                    bar.progress(shown, _("The faces are marked."))
        bar.empty()
        kept.copy = asked, out.getvalue(), notes
    if kept.copy is not None and kept.copy[0] == asked:
        for note in kept.copy[2]:
            st.html(fault(note, _("The copy lacks some of the sound.")))
        words = _("The marked copy (.webm)")
        st.download_button(words, kept.copy[1], name, "video/webm", icon=icon, on_click="ignore", key=name)


def filed(table: Table, form: str) -> bytes:
    """Rows as a file of that form, see `keeping.put_rows`."""
    stream = BytesIO()
    put_rows(stream, form, table.kinds, table.rows, meanings(table.kinds) if isinstance(table, Timeline) else None)
    return stream.getvalue()


def captioned(events: Table, ending: str) -> bytes:
    """Events as captions with that ending."""
    return captions(events.rows, ending).encode()

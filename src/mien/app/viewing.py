"""A video on a person's page: read once, in a thread that ends with the page, and told as often as the page is made.

What is kept are rows and the crops of faces, and no frames: those that are looked at are decoded anew.
"""

from __future__ import annotations

import weakref
from bisect import bisect_right
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from io import BytesIO
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Any

import streamlit as st
from PIL import Image

from mien.app.seen import LARGEST, encoded
from mien.errors import VideoError
from mien.labels import LabelSet
from mien.overview import OverTime, over_time
from mien.recognizer import Recognizer
from mien.tables import Table
from mien.timeline import Timeline, timeline_of
from mien.video import VideoSource, describe, frames
from mien.watching import Moment, Wanted, retold, watch

MOST = 30_000  # faces and empty frames of a video that are kept: 10 kB each
PARTS = 150  # of a video's time on its charts: as wide as a phone can tell apart

_numbers = count()


@dataclass(frozen=True)
class Told:
    """What is said of a video.

    Args:
        moments: in order; an error at the end, where the video broke.
        timeline: their rows, with the tracks of people who were joined.
        over_time: these on a chart.
        summary: by track.
        events: of each track.
    """

    moments: Sequence[Moment]
    timeline: Timeline
    over_time: OverTime
    summary: Table
    events: Table

    def at(self, time_s: float) -> tuple[Moment, list[int]]:
        """The frame that is shown at a time, the first one before all; and the tracks of its faces."""
        shown = [moment for moment in self.moments if moment.number is not None]
        moment = shown[max(bisect_right(shown, time_s, key=lambda each: each.time_s) - 1, 0)]
        rows = (row for row in self.timeline.rows if row["frame"] == moment.number)
        return moment, [row["track"] for row in rows if row["track"] is not None]


class Viewing:
    """A video that is read for one person; it goes on until it is stopped, or nobody holds this any more.

    Args:
        key: tells it from others, and from the same read otherwise.
        reader: reads it.
        source: its file: its path, or all of its bytes.
        name: what it is called.
        labels, prior: what is answered while it is read.
        every_s: as for `video.frames`.

    Attributes:
        number: of it among all of this process, for the names of what belongs to it on the page.
        copy: what the marked copy is of that was made last, itself, and what is to be said of it.
        clicks: on the chart of each track, after each of which it is a new one: a click where the last one was counts.
    """

    def __init__(
        self,
        key: Hashable,
        reader: Recognizer,
        source: Path | bytes,
        name: str,
        labels: LabelSet,
        prior: str,
        every_s: float | None,
    ) -> None:
        self.key, self.source, self.name, self.number = key, source, name, next(_numbers)
        self.copy: tuple[Hashable, bytes, Sequence[str]] | None = None
        self.clicks: Counter[int] = Counter()
        self._people: tuple[tuple[int, ...], ...] = ()
        self._moments: tuple[Hashable, Sequence[Moment]] | None = None
        self._told: tuple[Hashable, Told] | None = None
        self._picture: tuple[float, bytes] | None = None
        self._work = _Work(reader, source, name, labels, prior, Wanted(every_s))
        weakref.finalize(self, self._work.stopped.set)
        Thread(target=self._work.run, name="watching", daemon=True).start()

    @property
    def ended(self) -> bool:
        """Whether no more of it is read."""
        return self._work.ended.is_set()

    @property
    def whole(self) -> bool:
        """Whether it was read to its end, or to where it broke."""
        return self._work.whole

    @property
    def length_s(self) -> float | None:
        """How long it is; None where it does not say."""
        return self._work.length_s

    @property
    def time_s(self) -> float:
        """Up to when it is read."""
        return self._work.moments[-1].time_s if self._work.moments else 0.0

    @property
    def people(self) -> tuple[tuple[int, ...], ...]:
        """Tracks that were joined, in the order in which they were."""
        return self._people

    def stop(self) -> None:
        """Read no more of it."""
        self._work.stopped.set()

    def check(self) -> None:
        """Raises what went wrong while it was read, and is no fault of the video."""
        if self._work.error is not None:
            raise self._work.error

    def wait(self, seconds: float) -> bool:
        """Whether it has ended within so many seconds."""
        return self._work.ended.wait(seconds)

    def newest(self, most: int) -> list[dict[str, Any]]:
        """The rows of the faces that were read last, the newest first."""
        moments = self._work.moments[-most:]
        rows = [row for moment in moments for row in moment.rows(self._work.labels) if row["track"] is not None]
        return rows[: -most - 1 : -1]

    def told(self, labels: LabelSet, prior: str) -> Told:
        """What is said of it in a label set, expecting a prior; the faces are not looked for again."""
        asked = labels.name, prior
        if self._moments is None or self._moments[0] != asked:
            self._moments = asked, self._work.moments
            if asked != (self._work.labels.name, self._work.prior):
                self._moments = asked, list(retold(self._work.reader, self._work.moments, labels, prior))
        key, moments = (*asked, self._people), self._moments[1]
        if self._told is None or self._told[0] != key:
            timeline = timeline_of((row for moment in moments for row in moment.rows(labels)), labels)
            self._told = key, _told(moments, timeline, self._people)
        return self._told[1]

    def join(self, tracks: Iterable[int]) -> None:
        """These tracks are one person's. Raises `MienError` as `Timeline.merged` does."""
        if self._told is not None:
            self._told[1].timeline.merged(tuple(tracks))
        self._people = (*self._people, tuple(tracks))

    def separate(self) -> None:
        """All tracks are as they were found."""
        self._people = ()

    def opened(self) -> VideoSource:
        """The file from its beginning."""
        return self._work.opened()

    def picture(self, time_s: float) -> bytes:
        """A JPEG of the frame at that time, small enough for the page; empty where it cannot be had any more."""
        if self._picture is None or self._picture[0] != time_s:
            content = b""
            with suppress(VideoError), frames(self.opened(), at_s=[time_s]) as video:
                for frame in video:
                    image = Image.fromarray(frame.reduced(max(1, max(frame.width, frame.height) // LARGEST)))
                    image.thumbnail((LARGEST, LARGEST), Image.Resampling.BILINEAR)
                    content = encoded(image, "JPEG")
            self._picture = time_s, content
        return self._picture[1]


@dataclass
class _Work:
    """What the thread has of a viewing, which it must not hold."""

    reader: Recognizer
    source: Path | bytes
    name: str
    labels: LabelSet
    prior: str
    wanted: Wanted
    moments: list[Moment] = field(default_factory=list)
    stopped: Event = field(default_factory=Event)
    ended: Event = field(default_factory=Event)
    whole: bool = False
    error: Exception | None = None
    length_s: float | None = None

    def run(self) -> None:
        try:
            with suppress(VideoError):  # which those that watch it are told as a row
                self.length_s = describe(self.opened()).duration_s
            self._watch()
        except Exception as error:  # for the page to raise
            self.error = error
        finally:
            self.ended.set()

    def _watch(self) -> None:
        kept = 0
        with closing(watch(self.reader, self.opened(), self.name, self.labels, self.prior, self.wanted)) as items:
            for item in items:
                if isinstance(item, Moment):
                    self.moments.append(replace(item, looks=(), frame=None))
                    kept += max(1, len(item.tracks))
                if self.stopped.is_set() or kept >= MOST:
                    return
        self.whole = True

    def opened(self) -> VideoSource:
        return BytesIO(self.source) if isinstance(self.source, bytes) else self.source


def viewing() -> Viewing | None:
    """The video on the page of the person whose page is made."""
    kept: Viewing | None = st.session_state.get("viewing")
    return kept


def forget() -> None:
    """Keep nothing of this person's video."""
    if kept := viewing():
        kept.stop()
        del st.session_state["viewing"]


def _told(moments: Sequence[Moment], timeline: Timeline, people: Sequence[tuple[int, ...]]) -> Told:
    for tracks in people:
        timeline = timeline.merged(tracks)
    seen = over_time(timeline.rows, timeline.labels, PARTS)
    return Told(moments, timeline, seen, timeline.summary(), timeline.events())

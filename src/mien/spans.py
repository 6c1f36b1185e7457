"""Spans of time: what a timeline's rows come to, a track, a mark or an event at a time. All times are seconds.

A frame stands for the time until the next one; the last one for as long as the one before, and one alone for
`ALONE_S`. Rows are gone through once, in their order, and only sums are kept, so that they may be many.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, NamedTuple

from mien.datasets.rows import read_rows
from mien.datasets.tree import one_file
from mien.errors import FaultsError, MienError
from mien.face import is_share
from mien.tables import Table, kinds_of

Row = Mapping[str, Any]

LEAST = 0.5  # of an expression's smoothed probability, from which it is an event
BRIEF_S = 0.1  # below which it is none
BREAK_S = 0.2  # that may lie within one, if it is shorter
SLACK_S = 1e-5  # by which times are off: they are rounded, and as floats no tenths
ALONE_S = 0.001  # of a video's only frame: nobody knows for how long it is shown, and its faces count all the same

KINDS = {"mark": "string", "longest": "string", "changes": "int32", "files": "int32", "tracks": "int32"}
"""What columns hold that only these tables have, see `tables.Table`."""


class Mark(NamedTuple):
    """A part of a video: what was shown or asked then. `source` is the video's name where it is of one alone."""

    name: str
    start_s: float
    end_s: float
    source: str | None = None


def seconds(text: str) -> float:
    """A time as people write it: `90`, `1:30`, `0:01:30.5`. Raises `ValueError`."""
    try:
        parts = [float(part) for part in text.strip().split(":")]
    except ValueError:
        parts = []
    right = parts and len(parts) <= 3 and all(0 <= part < math.inf for part in parts)
    if not right or any(part >= 60 for part in parts[1:]):
        raise ValueError(f"a time is seconds, such as 90.5, or minutes and seconds as 1:30; got {text!r}")
    return math.fsum(part * 60.0**place for place, part in enumerate(reversed(parts)))


def read_marks(path: Path) -> list[Mark]:
    """Marks from a CSV file with the columns name, start and end, and file where a mark is of one video alone.

    Raises:
        DataError: it is no table in UTF-8 (see `datasets.rows`), or has not these columns.
        FaultsError: lines that are no marks; lists every one.
    """
    marks, faults = [], []
    for number, line in read_rows(one_file(path), Path(path.name), ("name", "start", "end")):
        try:
            mark = Mark(line["name"], seconds(line["start"]), seconds(line["end"]), line.get("file") or None)
            if not mark.start_s < mark.end_s:
                raise ValueError(f"it ends at {mark.end_s:g} s and begins at {mark.start_s:g} s")
            marks.append(mark)
        except ValueError as error:
            faults.append(f"line {number}: {error}")
    if faults:
        raise FaultsError(f"{path} has lines that are no marks", faults)
    return marks


class Shown(NamedTuple):
    """A frame's rows, when it is shown, and for how long."""

    source: str
    time_s: float
    lasts_s: float
    rows: list[Row]


def shown(rows: Iterable[Row]) -> Iterator[Shown]:
    """Rows by frames; a video's error is no frame."""
    for source, own in groupby(rows, lambda row: row["source"]):
        last: Shown | None = None
        for _, several in groupby((row for row in own if row["frame"] is not None), lambda row: row["frame"]):
            frame = list(several)
            if last is not None:
                last = last._replace(lasts_s=frame[0]["time_s"] - last.time_s)
                yield last
            last = Shown(source, frame[0]["time_s"], last.lasts_s if last else ALONE_S, frame)
        if last is not None:
            yield last


@dataclass
class _Sum:
    """What a track came to so far, within a mark."""

    start_s: float
    end_s: float = 0.0
    seen_s: float = 0.0
    uncertain_s: float = 0.0
    confident: float = 0.0
    changes: int = 0
    labels: dict[str, float] = field(default_factory=dict)
    means: dict[str, float] = field(default_factory=dict)
    stretch: tuple[str, float] = ("", 0.0)
    longest: tuple[str, float] = ("", 0.0)

    def add(self, row: Row, start_s: float, lasts_s: float, labels: Sequence[str]) -> None:
        label = row["smoothed_label"]
        going_on = abs(start_s - self.end_s) < 1e-6 and label == self.stretch[0]
        self.changes += bool(self.stretch[0]) and label != self.stretch[0]
        self.stretch = (label, (self.stretch[1] if going_on else 0.0) + lasts_s)
        self.longest = max(self.longest, self.stretch, key=lambda each: each[1])
        self.end_s = start_s + lasts_s
        self.seen_s += lasts_s
        self.uncertain_s += lasts_s * row["smoothed_uncertain"]
        self.confident += lasts_s * row["smoothed_confidence"]
        self.labels[label] = self.labels.get(label, 0.0) + lasts_s
        for name in labels:
            self.means[name] = self.means.get(name, 0.0) + lasts_s * row[f"s_{name}"]

    def told(self, labels: Sequence[str]) -> dict[str, Any]:
        whole = self.seen_s or 1.0
        return {
            "start_s": round(self.start_s, 3),
            "end_s": round(self.end_s, 3),
            "seen_s": round(self.seen_s, 3),
            **{f"share_{name}": round(self.labels.get(name, 0.0) / whole, 4) for name in labels},
            **{f"mean_{name}": round(self.means.get(name, 0.0) / whole, 4) for name in labels},
            "confidence": round(self.confident / whole, 4),
            "uncertain_share": round(self.uncertain_s / whole, 4),
            "changes": self.changes,
            "longest": self.longest[0] or None,
            "longest_s": round(self.longest[1], 3),
        }


def summary(rows: Iterable[Row], labels: Collection[str], marks: Sequence[Mark] = ()) -> Table:
    """What each track came to: when and for how long it was seen, shares of that time by smoothed expression, the means
    of the smoothed probabilities, mean confidence, the share that is uncertain, how often the expression changed, and
    the longest stretch of one.

    Args:
        rows: a timeline's.
        labels: its emotions.
        marks: what is counted within; all of the time if there are none. What lies within several of one name counts
            once, and those of other videos nowhere (see `of_no_video`).

    Returns:
        A row a track, those of each video by mark, as `marks` has them, and by track.

    Raises:
        MienError: these are no marks.
    """
    if not (isinstance(marks, Sequence) and all(isinstance(each, Mark) for each in marks)):
        raise MienError(f"marks are a list of mien.spans.Mark(name, start_s, end_s); got {marks!r}")
    names = tuple(labels)
    sums: dict[tuple[str, str | None, int], _Sum] = {}
    persons: dict[tuple[str, int], int | None] = {}
    for source, frames in groupby(shown(rows), lambda frame: frame.source):
        parts = _parts(marks, source) if marks else None
        for frame in frames:
            for mark, start_s, lasts_s in _within(frame, parts):
                for row in frame.rows:
                    if row["track"] is not None:
                        persons[source, row["track"]] = row.get("person")
                        sums.setdefault((source, mark, row["track"]), _Sum(start_s)).add(row, start_s, lasts_s, names)
    sources = {source: place for place, source in enumerate(dict.fromkeys(source for source, _, _ in sums))}
    places = {mark.name: place for place, mark in reversed([*enumerate(marks)])}
    ordered = sorted(sums.items(), key=lambda item: (sources[item[0][0]], places.get(item[0][1] or "", 0), item[0][2]))
    told = [
        {"source": source, "mark": mark, "track": track, "person": persons[source, track], **each.told(names)}
        for (source, mark, track), each in ordered
    ]
    empty = {"source": None, "mark": None, "track": None, "person": None, **_Sum(0.0).told(names)}
    return _table(empty, told)


def averages(summed: Table, labels: Collection[str]) -> Table:
    """The means over videos of what `summary` gave, by mark; within a video its tracks weigh as long as they were seen.

    `sd_<emotion>` is the standard deviation of the videos' `mean_<emotion>`; None of one video.
    """
    marks: dict[str | None, dict[str, list[Row]]] = {}
    for row in summed.rows:
        marks.setdefault(row["mark"], {}).setdefault(row["source"], []).append(row)
    told = [_average(mark, files, tuple(labels)) for mark, files in marks.items()]
    return _table(_average(None, {}, tuple(labels)), told)


def _average(mark: str | None, files: Mapping[str, Sequence[Row]], labels: Sequence[str]) -> dict[str, Any]:
    """A row of `averages`, of the rows of each video within a mark."""
    measures = [f"{kind}_{name}" for kind in ("share", "mean") for name in labels] + ["confidence", "uncertain_share"]
    by_file: dict[str, list[float]] = {measure: [] for measure in measures}
    for own in files.values():
        weight = sum(row["seen_s"] for row in own) or 1.0
        for measure, values in by_file.items():
            values.append(sum(row[measure] * row["seen_s"] for row in own) / weight)
    spread = {f"sd_{name}": round(stdev(by_file[f"mean_{name}"]), 4) if len(files) > 1 else None for name in labels}
    means = {measure: round(fmean(values), 4) if values else None for measure, values in by_file.items()}
    return {"mark": mark, "files": len(files), "tracks": sum(map(len, files.values())), **means, **spread}


def of_no_video(marks: Iterable[Mark], sources: Collection[str]) -> list[str]:
    """The files that marks name and that are none of these videos, by their names in rows."""
    named = dict.fromkeys(mark.source for mark in marks if not any(_is_of(mark, source) for source in sources))
    return [source for source in named if source is not None]


def _is_of(mark: Mark, source: str) -> bool:
    return mark.source in (None, source, Path(source).name)


def _parts(marks: Iterable[Mark], source: str) -> list[Mark]:
    """What marks make of a video: parts, of which no two of one name overlap or touch."""
    parts: dict[str, list[Mark]] = {}
    for mark in sorted((mark for mark in marks if _is_of(mark, source)), key=lambda mark: mark.start_s):
        own = parts.setdefault(mark.name, [])
        if own and mark.start_s <= own[-1].end_s:
            own[-1] = own[-1]._replace(end_s=max(own[-1].end_s, mark.end_s))
        else:
            own.append(mark)
    return [part for own in parts.values() for part in own]


def _within(frame: Shown, parts: Iterable[Mark] | None) -> Iterator[tuple[str | None, float, float]]:
    """The parts that a frame is in, and from when and for how long; None is all of the time."""
    if parts is None:
        yield None, frame.time_s, frame.lasts_s
        return
    for part in parts:
        start_s, end_s = max(frame.time_s, part.start_s), min(frame.time_s + frame.lasts_s, part.end_s)
        if start_s < end_s:
            yield part.name, start_s, end_s - start_s


@dataclass
class _Open:
    """An event that may go on."""

    onset_s: float
    offset_s: float
    apex_s: float
    peak: float
    area: float = 0.0
    length_s: float = 0.0


def events(rows: Iterable[Row], labels: Collection[str], least: float = LEAST) -> Table:
    """When each face showed which expression: from its onset, by its apex, to its offset, in order of the onsets.

    An expression is shown where its smoothed probability is `least` or more. What lasts less than .1 s is no event, and
    a break of less than .2 s ends none.

    Args:
        rows: a timeline's.
        labels: its emotions.
        least: 0..1; from .5 on a face shows one expression at a time.

    Raises:
        MienError: `least` is no such share.
    """
    if not is_share(least):
        raise MienError(f"least is a probability, 0..1; got {least!r}")
    told: list[dict[str, Any]] = []
    going: dict[tuple[str, int, str], _Open] = {}

    def end(before_s: float = math.inf, source: str | None = None) -> None:
        for key, each in list(going.items()):
            if key[0] != source or before_s - each.offset_s > BREAK_S - SLACK_S:
                del going[key]
                if each.offset_s - each.onset_s > BRIEF_S - SLACK_S:
                    told.append(_event(*key, each))

    for frame in shown(rows):
        end(frame.time_s, frame.source)
        for row in frame.rows:
            for name in labels if row["track"] is not None else ():
                if (share := row[f"s_{name}"]) >= least:
                    key = frame.source, row["track"], name
                    each = going.setdefault(key, _Open(frame.time_s, frame.time_s, frame.time_s, share))
                    each.offset_s = frame.time_s + frame.lasts_s
                    each.area, each.length_s = each.area + share * frame.lasts_s, each.length_s + frame.lasts_s
                    if share > each.peak:
                        each.apex_s, each.peak = frame.time_s, share
    end()
    order = {source: place for place, source in enumerate(dict.fromkeys(each["source"] for each in told))}
    told.sort(key=lambda each: (order[each["source"]], each["onset_s"], each["track"]))
    return _table(_event("", 0, "", _Open(0.0, 0.0, 0.0, 0.0)), told)


def _event(source: str, track: int, label: str, each: _Open) -> dict[str, Any]:
    mean = each.area / each.length_s if each.length_s else each.peak
    return {
        "source": source,
        "track": track,
        "label": label,
        "onset_s": round(each.onset_s, 3),
        "apex_s": round(each.apex_s, 3),
        "offset_s": round(each.offset_s, 3),
        "peak": round(each.peak, 4),
        "mean": round(mean, 4),
    }


def _table(empty: Row, rows: list[dict[str, Any]]) -> Table:
    """Rows, all with the columns of an empty one."""
    return Table({name: KINDS.get(name, kind) for name, kind in kinds_of(empty).items()}, rows)

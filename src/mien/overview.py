"""The overview of a video: from its timeline, the page that shows who looked how, with pictures at the heights.

Rows are gone through part by part and only sums are kept, so that they may be many; frames are decoded where a picture
is wanted, and no others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.draw import colour_of, css
from mien.errors import MienError, VideoError
from mien.face import Face, crop_face
from mien.report.strips import Look, Strip, page
from mien.spans import events, shown
from mien.video import VideoSource, frames
from mien.watching import Wanted
from mien.wording import counted

Row = Mapping[str, Any]

FORMS = (".png", ".pdf", ".svg")
PARTS = 1000  # of a video's time, each of which is shown as one
MOST_FACES = 12  # on a page: those that are seen longest
MOST_LOOKS = 10  # of a face
THUMB_PX = 96


def overview(
    source: VideoSource,
    rows: Iterable[Row],
    labels: Sequence[str],
    *,
    title: str,
    form: str = "png",
    wanted: Wanted = Wanted(),  # noqa: B008 - frozen
) -> bytes:
    """A page of a video.

    Args:
        source: the video.
        rows: its timeline's; gone through more than once.
        labels: its emotions.
        title: above all.
        form: `png`, `pdf` or `svg`.
        wanted: what of it the timeline is of.

    Raises:
        MienError: PyAV is missing.
    """
    seen = over_time(rows, labels)
    apart_s = float(seen.edges_s[-1] - seen.edges_s[0]) / MOST_LOOKS
    looks = _looks(source, rows, _heights(rows, tuple(seen.faces), labels, apart_s), wanted)
    strips = [
        Strip(f"face {track}", seen.edges_s, *told, [look for number, look in looks if number == track])
        for track, told in seen.faces.items()
    ]
    more = f" (the {counted(seen.left, 'face')} seen for the shortest time are left out)" if seen.left else ""
    return page(title + more, strips, {label: css(colour_of(label)) for label in labels}, form)


class OverTime(NamedTuple):
    """Who looked how, part by part of a video's time.

    Args:
        edges_s: where each part begins, and where the last one ends: (parts + 1,).
        faces: by track, the mean share of each expression in each part, (parts, expressions), NaN where it is out of
            sight; and whether most of the part is uncertain, (parts,).
        left: how many faces are left out.
    """

    edges_s: NDArray[np.float64]
    faces: dict[int, tuple[NDArray[np.float64], NDArray[np.bool_]]]
    left: int


def over_time(rows: Iterable[Row], labels: Sequence[str], parts: int = PARTS) -> OverTime:
    """A timeline in parts of one length, of the faces that are seen longest (`MOST_FACES`).

    Args:
        rows: a timeline's; gone through more than once.
        labels: its emotions.
        parts: their number.
    """
    start_s, end_s, lasting = _lengths(rows)
    tracks = sorted(sorted(lasting, key=lambda track: -lasting[track])[:MOST_FACES])
    edges = np.linspace(start_s, max(end_s, start_s + 1e-3), parts + 1)
    return OverTime(edges, _summed(rows, edges, tracks, labels), len(lasting) - len(tracks))


def check_form(path: Path) -> None:
    """Raises `MienError` where a path ends in none of `FORMS`."""
    if path.suffix.lower() not in FORMS:
        raise MienError(f"{path}: a page is written as {', '.join(FORMS)}")


def _lengths(rows: Iterable[Row]) -> tuple[float, float, dict[int, float]]:
    """When a timeline begins and ends, and for how long each track is seen."""
    start_s, end_s = np.inf, 0.0
    lasting: dict[int, float] = {}
    for frame in shown(rows):
        start_s, end_s = min(start_s, frame.time_s), frame.time_s + frame.lasts_s
        for row in frame.rows:
            if row["track"] is not None:
                lasting[row["track"]] = lasting.get(row["track"], 0.0) + frame.lasts_s
    return min(start_s, end_s), end_s, lasting


def _summed(
    rows: Iterable[Row], edges: NDArray[np.float64], tracks: Sequence[int], labels: Sequence[str]
) -> dict[int, tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    """For each track the shares of each part of the time, and whether most of it is uncertain."""
    parts = len(edges) - 1
    kept = {track: np.zeros((parts, len(labels) + 2)) for track in tracks}  # shares, uncertain, all
    for frame in shown(rows):
        first, last = np.clip(
            np.searchsorted(edges, [frame.time_s, frame.time_s + frame.lasts_s], "right") - 1, 0, parts
        )
        for row in frame.rows:
            if row["track"] in kept:
                told = [*(row[f"s_{label}"] for label in labels), float(row["smoothed_uncertain"]), 1.0]
                kept[row["track"]][first : max(last, first + 1)] += told
    with np.errstate(invalid="ignore"):
        means = {track: sums[:, :-1] / sums[:, -1:] for track, sums in kept.items()}
    return {track: (mean[:, :-1], mean[:, -1] > 0.5) for track, mean in means.items()}


def _heights(
    rows: Iterable[Row], tracks: Sequence[int], labels: Sequence[str], apart_s: float
) -> dict[tuple[int, float], str]:
    """The heights of the clearest expressions, so far apart that their pictures do not cover each other."""
    found: dict[tuple[int, float], str] = {}
    for event in sorted(events(rows, labels).rows, key=lambda event: -event["peak"]):
        track, time_s = event["track"], event["apex_s"]
        near = (abs(time_s - other) < apart_s for number, other in found if number == track)
        if track in tracks and not any(near):
            found[track, time_s] = event["label"]
    return found


def _looks(
    source: VideoSource, rows: Iterable[Row], heights: Mapping[tuple[int, float], str], wanted: Wanted
) -> list[tuple[int, Look]]:
    """The faces at these heights, in the order of time; without those that cannot be had any more."""
    boxes: dict[int, list[tuple[int, Row]]] = {}
    for row in rows:
        if row["track"] is not None and (row["track"], round(row["time_s"], 3)) in heights:
            boxes.setdefault(row["frame"], []).append((row["track"], row))
    moments = {row["time_s"] for several in boxes.values() for _, row in several}
    looks = []
    with suppress(VideoError), frames(source, at_s=moments, stream=wanted.stream, rate=wanted.rate) as video:
        for frame in video:
            for track, row in boxes.get(frame.number, ()):
                face = Face((row["x0"], row["y0"], row["x1"], row["y1"]), (), 1.0)
                image = crop_face(Image.fromarray(frame.pixels), face, THUMB_PX, gray=False)
                label = heights[track, round(row["time_s"], 3)]
                looks.append((track, Look(row["time_s"], label, Image.fromarray(image))))
    return looks

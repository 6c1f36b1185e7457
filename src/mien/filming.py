"""Filming: a copy of a video with its faces marked, from its timeline.

What is said of a face stays for a moment whatever single frames say: another expression, or a doubt, must last before
it is shown; the share is renewed twice a second; boxes glide, letters keep their size, and tags their place. What is
shown is smoothed in the timeline already.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from mien.draw import LEAST_TEXT, Said, Tag, arranged, enlargement, line_width, outline, written
from mien.errors import VideoError
from mien.files import replacing
from mien.video import Clip, Frame, VideoSource, frames
from mien.watching import Wanted

if TYPE_CHECKING:
    from mien.video.canvas import Sprite
    from mien.video.writing import Film

Row = Mapping[str, Any]

LASTS_S = 0.3  # that another expression must last to be shown
RENEWED_S = 0.5  # from one share that is shown to the next
GLIDE_S = 0.06  # in which a box goes two thirds of its way
GONE_S = 1.0  # for which what was said of a face is kept while it is out of sight
LETTERS = 0.016  # of the picture's longer side
MOST_SPRITES = 256


@dataclass
class _Face:
    """What is said of one face, and since when it could be something else."""

    said: Said
    time_s: float
    renewed_s: float
    other: tuple[str, bool] | None = None
    other_s: float = 0.0


class Readable:
    """What is said of the faces in a video, so that it can be read."""

    def __init__(self) -> None:
        self._faces: dict[int, _Face] = {}

    def said(self, time_s: float, rows: Iterable[Row]) -> list[Said]:
        """What is said of the faces of a frame, which comes after those before.

        Args:
            time_s: when it is shown.
            rows: its rows of the timeline.
        """
        self._faces = {track: face for track, face in self._faces.items() if time_s - face.time_s <= GONE_S}
        return [self._one(time_s, row) for row in rows if row["track"] is not None]

    def placed(self, rows: Iterable[Row], tags: Iterable[Tag]) -> None:
        """Where the tags of these faces were put."""
        for row, tag in zip((row for row in rows if row["track"] is not None), tags, strict=True):
            face = self._faces[row["track"]]
            face.said = replace(face.said, spot=tag.spot)

    def _one(self, time_s: float, row: Row) -> Said:
        now = Said(
            (row["x0"], row["y0"], row["x1"], row["y1"]),
            row["smoothed_label"],
            row["smoothed_confidence"],
            row["smoothed_uncertain"],
        )
        face = self._faces.get(row["track"])
        if face is None:
            self._faces[row["track"]] = _Face(now, time_s, time_s)
            return now
        share = 1 - math.exp(-(time_s - face.time_s) / GLIDE_S)
        x0, y0, x1, y1 = (a + share * (b - a) for a, b in zip(face.said.box, now.box, strict=True))
        face.said, face.time_s = replace(face.said, box=(x0, y0, x1, y1)), time_s
        told = (now.label, now.uncertain)
        if told == (face.said.label, face.said.uncertain):
            face.other = None
        elif face.other != told:
            face.other, face.other_s = told, time_s
        lasts = face.other is not None and time_s - face.other_s >= LASTS_S
        if lasts or (face.other is None and time_s - face.renewed_s >= RENEWED_S):
            face.said = replace(face.said, label=now.label, confidence=now.confidence, uncertain=now.uncertain)
            face.other, face.renewed_s = None, time_s
        return face.said


def film(
    source: str | Path | bytes,
    rows: Iterable[Row],
    out: Path | BinaryIO,
    wanted: Wanted = Wanted(),  # noqa: B008 - frozen
    notes: list[str] | None = None,
) -> Iterator[Frame]:
    """Write a copy of a video with its faces marked, frame by frame as the frames that come out are taken.

    The copy has the times of the video, from `wanted.start_s` on, and its sound, as far as that can be read. What is
    said of a frame is said until the next one of the timeline.

    Args:
        source: the video: its path, or all of the file's bytes.
        rows: its timeline's, in order.
        out: the copy, `.webm` or `.mp4`, which appears whole or not at all; or an open file that can be read, and
            becomes a `.webm`.
        wanted: from where to where, and which stream; all of its frames are drawn.
        notes: is given what is to be said of the copy when it is whole, such as that it has no sound.

    Raises:
        MienError: the name ends otherwise; PyAV is missing; it cannot be written.
        VideoError: no frame can be read. Where a video breaks off, the copy ends.
    """
    from mien.video.writing import Film, check_form

    form = ".webm"
    if isinstance(out, Path):
        check_form(out)
        form = out.suffix.lower()
    end_s = math.inf if wanted.end_s is None else wanted.end_s
    part: dict[str, Any] = {
        "start_s": wanted.start_s,
        "end_s": wanted.end_s,
        "stream": wanted.stream,
        "rate": wanted.rate,
    }
    with frames(_opened(source), **part) as video:
        first = next(video, None)
        if first is None:
            raise VideoError("holds no frame between these times")
        scale = enlargement(first.width, first.height)
        with (
            replacing(out) if isinstance(out, Path) else nullcontext(out) as file,
            Film(
                file, form, _opened(source), video.clip, first, scale=scale, start_s=wanted.start_s, end_s=end_s
            ) as copy,
        ):
            told, marker = _Told(rows), _Marker(copy)
            for frame in _readable(first, video):
                marker.write(frame, told.until(frame.number))
                yield frame
        if notes is not None:
            notes.extend(copy.notes)


class Recorder:
    """Writes what is seen live, with the faces marked, frame by frame; in a `with`, at whose end the file is whole.

    Args:
        out: `.webm` or `.mp4`.

    Raises:
        MienError: the name ends otherwise.
    """

    def __init__(self, out: Path) -> None:
        from mien.video.writing import check_form

        check_form(out)
        self._out, self._opened = out, ExitStack()
        self._marker: _Marker | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        self._opened.__exit__(*error)

    def add(self, frame: Frame, rows: Iterable[Row]) -> None:
        """A frame that is shown after those before, and its rows of the timeline."""
        if self._marker is None:
            from mien.video.writing import Film

            temporary = self._opened.enter_context(replacing(self._out))
            clip = Clip(frame.width, frame.height, None, None, frame.time_s)
            scale = enlargement(frame.width, frame.height)
            film = Film(temporary, self._out.suffix.lower(), None, clip, frame, scale=scale)
            self._marker = _Marker(self._opened.enter_context(film))
        self._marker.write(frame, list(rows))


def _opened(source: str | Path | bytes) -> VideoSource:
    """A video from its beginning, whoever else reads it."""
    return BytesIO(source) if isinstance(source, bytes) else source


def _readable(first: Frame, others: Iterator[Frame]) -> Iterator[Frame]:
    yield first
    with suppress(VideoError):  # told of when the timeline was read
        yield from others


class _Told:
    """What a timeline says, frame by frame."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._frames = groupby((row for row in rows if row["frame"] is not None), lambda row: int(row["frame"]))
        self._now: list[Row] = []
        self._next = self._following()

    def until(self, number: int) -> list[Row]:
        """The rows of a frame, or of the last one before it that has any."""
        while self._next is not None and self._next[0] <= number:
            self._now = self._next[1]
            self._next = self._following()
        return self._now

    def _following(self) -> tuple[int, list[Row]] | None:
        number, several = next(self._frames, (None, ()))
        return None if number is None else (number, list(several))


class _Marker:
    """Draws what is said of the frames of a video, and writes them."""

    def __init__(self, film: Film) -> None:
        self._film, self._readable = film, Readable()
        self._letters = max(LEAST_TEXT, LETTERS * max(film.width, film.height))
        self._sprites: dict[tuple[Any, ...], Sprite] = {}

    def write(self, frame: Frame, rows: Sequence[Row]) -> None:
        canvas = self._film.canvas(frame)
        width, height = self._film.width, self._film.height
        across, down = width / frame.width, height / frame.height
        said = [
            replace(each, box=(each.box[0] * across, each.box[1] * down, each.box[2] * across, each.box[3] * down))
            for each in self._readable.said(frame.time_s, rows)
        ]
        tags, font = arranged(said, width, height, self._letters)
        self._readable.placed(rows, tags)
        line = line_width(font.size)
        for tag in tags:
            for rect, colour in outline(tag, line):
                canvas.fill(rect, colour)
        for tag in tags:
            left, top, right, bottom = tag.rect
            key = tag.lines, tag.colour, font.size, right - left, bottom - top
            if key not in self._sprites:
                if len(self._sprites) >= MOST_SPRITES:
                    self._sprites.clear()
                self._sprites[key] = canvas.drawn(written(tag, font))
            canvas.paste(self._sprites[key], left, top)
        self._film.write(canvas, frame)

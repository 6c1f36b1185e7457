"""The timeline of a video: a row a face a frame, one for a frame without a face, and one for where it broke.

In memory with `read_video`, for a clip; on disk as it comes with `Recording`, for hours.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mien import __version__, spans
from mien.errors import MienError
from mien.files import stamp
from mien.keeping import Journal, write_rows
from mien.labels import LabelSet
from mien.memory import give_back
from mien.prior import TRAINING, Prior
from mien.recognizer import Model, Recognizer, opened
from mien.sources import find_images, is_pattern
from mien.spans import LEAST, Mark
from mien.tables import Table
from mien.tracks import People
from mien.video import VideoSource
from mien.video.stills import RATE
from mien.watching import Moment, Wanted, described, moment_columns, watch


@dataclass(frozen=True, repr=False)
class Timeline(Table):
    """A video's rows: one a face a frame, and one for a frame without a face. docs/video.md has the columns.

    `polars.DataFrame(timeline)` and `pyarrow.table(timeline)` take it as it is.

    Args:
        kinds: what each column holds, by name, as Arrow calls it.
        rows: the values by column; what does not apply is None.
        labels: the emotions that the rows speak of.
    """

    labels: tuple[str, ...] = ()

    def summary(self, marks: Sequence[Mark] = ()) -> Table:
        """What each track came to, a row a track, or a row a track a mark; docs/video.md says what is summed up.

        Args:
            marks: what is counted within (see `spans.Mark`); all of the time if there are none.

        Raises:
            MienError: these are no marks.
        """
        return spans.summary(self.rows, self.labels, marks)

    def events(self, least: float = LEAST) -> Table:
        """When each face showed which expression: a row an event, times in seconds, in order of the onsets.

        Args:
            least: smoothed probability from which on an expression is shown, 0..1; from .5 on a face shows one at a
                time.

        Raises:
            MienError: `least` is no such share.
        """
        return spans.events(self.rows, self.labels, least)

    def merged(self, *people: Collection[int]) -> Timeline:
        """The same, where tracks that are one person's have the lowest of their numbers.

        What was smoothed stays as it is.

        Args:
            people: for each person all of their tracks.

        Raises:
            MienError: there is no such track, it is two people's, or two tracks of a person are seen at one time.
        """
        known = {row["track"] for row in self.rows} - {None}
        numbers: dict[int, int] = {}
        for tracks in people:
            if not isinstance(tracks, Collection):
                raise MienError(f"each person is a list of their tracks, as merged([1, 2]); got {tracks!r}")
            for track in tracks:
                if not isinstance(track, Hashable) or track not in known:
                    told = ", ".join(map(str, sorted(known))) or "none"
                    raise MienError(f"there is no track {track}: the tracks are {told}")
                if numbers.setdefault(track, min(tracks)) != min(tracks):
                    raise MienError(f"track {track} is two people's: name all tracks of a person together")
        for frame in spans.shown(self.rows):
            seen: dict[int, int] = {}
            for track in (row["track"] for row in frame.rows if row["track"] in numbers):
                if (other := seen.setdefault(numbers[track], track)) != track:
                    raise MienError(f"tracks {other} and {track} are both seen at {frame.time_s:.2f} s: two people's")
        rows = [{**row, "track": numbers.get(row["track"], row["track"])} for row in self.rows]
        return replace(self, rows=rows)


def read_video(
    source: VideoSource,
    *,
    model: Model = None,
    labels: str | LabelSet | None = None,
    prior: Prior = TRAINING,
    every_s: float | None = None,
    start_s: float = 0.0,
    end_s: float | None = None,
    stream: int | None = None,
    rate: float = RATE,
    strict: bool = False,
) -> Timeline:
    """Read a video from one end to the other.

    Args:
        source: a path, or a binary file.
        model: a recognizer, or as for `load`.
        labels: as for `Recognizer.predict`.
        prior: likewise.
        every_s: seconds from one frame to the next; all frames if None.
        start_s: no frame that is shown earlier.
        end_s: no frame that is shown then or later.
        stream: which of the file's video streams, from 0; the one with the largest pictures if None.
        rate: frames a second, of images in a folder.
        strict: whether a video that cannot be read to its end is an error, and not a row with one.

    Returns:
        Its rows, in order of time.

    Raises:
        ArtifactError: as `load` does.
        LabelError: the model cannot speak that label set, or expect that prior.
        MienError: PyAV or SciPy is missing: `pip install 'mien[video]'`; times or a rate that cannot be; or, if
            `strict`, the video cannot be read.
    """
    recognizer = opened(model)
    spoken = recognizer.spoken(labels)
    watched = recognizer.watch(
        source, labels=spoken, prior=prior, every_s=every_s, start_s=start_s, end_s=end_s, stream=stream, rate=rate
    )
    timeline = timeline_of(watched, spoken)
    if strict and timeline.rows and (error := timeline.rows[-1]["error"]):
        raise MienError(f"{timeline.rows[-1]['source']}: {error}")
    return timeline


def timeline_of(rows: Iterable[dict[str, Any]], labels: LabelSet) -> Timeline:
    """Rows that were watched, as a timeline."""
    return Timeline(moment_columns(labels), list(rows), tuple(labels))


class Recording:
    """The timelines of videos, one after the other, kept on disk as they come (see `keeping.Journal`).

    Args:
        recognizer: reads them.
        sources: paths, no two alike.
        out: the file that it becomes.
        labels: the label set to answer in.
        prior: as for `Recognizer.predict`.
        wanted: which frames.
        merge_people: whether a column `person` is to hold the lowest track of those that may be one person's.
        resume: whether to go on with what an earlier process began.

    Raises:
        MienError: as for `Journal`.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        sources: Sequence[str],
        out: Path,
        *,
        labels: LabelSet,
        prior: Prior = TRAINING,
        wanted: Wanted = Wanted(),  # noqa: B008 - frozen
        merge_people: bool = False,
        resume: bool = False,
    ) -> None:
        self._recognizer, self._sources, self._out = recognizer, sources, out
        self._labels, self._prior, self._wanted = labels, prior, wanted
        asked = {
            "videos": [str(Path(source).absolute()) for source in sources],
            "content of them": [_content(source) for source in sources],
            "version of mien": __version__,
            "model": recognizer.artifact.identity,
            "labels": list(labels),
            "prior": prior if isinstance(prior, str) else dict(prior),
            "frames": asdict(wanted),
            "people": merge_people,
        }
        self._journal = Journal(out, asked, resume=resume)
        state = self._journal.state or {"done": 0, "video": None, "album": None, "persons": {}}
        self._done: int = state["done"]
        self._video: Mapping[str, Any] | None = state["video"]
        self._album = People(state["album"]) if merge_people else None
        self._persons: dict[str, dict[str, int]] = state["persons"]
        self._places: dict[str, tuple[int, int]] | None = None  # of each video's rows, once somebody asks

    @property
    def begun(self) -> tuple[int, float]:
        """How many videos are read already, and up to which second the next one is."""
        return self._done, self._video["time_s"] if self._video else 0.0

    def moments(self) -> Iterator[Moment]:
        """All moments that are not on disk yet, on their way there."""
        for source in self._sources[self._done :]:
            name = described(source)
            for item in watch(self._recognizer, source, name, self._labels, self._prior, self._wanted, self._video):
                if isinstance(item, Moment):
                    self._journal.write(item.rows(self._labels))
                    if self._album is not None:
                        for track, look in zip(item.tracks, item.looks, strict=True):
                            self._album.add(item.time_s, track, look)
                    yield item
                else:
                    self._video = item.state
                    self._checkpoint()
            give_back()  # what frames took
            self._done, self._video = self._done + 1, None
            if self._album is not None:
                self._persons[name] = {str(track): person for track, person in self._album.joined().items()}
                self._album = People()
            self._checkpoint()

    def rows(self) -> Iterator[dict[str, Any]]:
        """All rows on disk, with the persons, if those were asked for."""
        return self._told(self._journal.rows())

    def rows_of(self, source: str) -> Iterator[dict[str, Any]]:
        """Those of one video, by its name in them; the others are passed over unread from the second time on."""
        if self._places is None:
            self._places = self._journal.places("source")
        rows = self._journal.rows(*self._places.get(source, (0, 0)))
        return self._told(row for row in rows if row["source"] == source)

    def _told(self, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for row in rows:
            if self._album is not None:
                row["person"] = self._persons.get(row["source"], {}).get(str(row["track"]))
            yield row

    def write(self, form: str) -> None:
        """Make the rows the file; `form` as for `keeping.write_rows`."""
        kinds = moment_columns(self._labels) | ({"person": "int32"} if self._album is not None else {})
        write_rows(self._out, form, kinds, self.rows(), meanings(kinds))

    def close(self) -> None:
        """Leave the journal for another process to go on with."""
        self._journal.close()

    def remove(self) -> None:
        """The rows are a file by now, or nobody wants them."""
        self._journal.remove()

    def _checkpoint(self) -> None:
        self._places = None
        album = self._album.state if self._album is not None else None
        self._journal.checkpoint({"done": self._done, "video": self._video, "album": album, "persons": self._persons})


def _content(source: str) -> str:
    """A hash by which a video's file, or the images of a folder or a pattern, are what they were."""
    digest = hashlib.sha256()
    for each in find_images(source) if os.path.isdir(source) or is_pattern(source) else [source]:
        if isinstance(each, str):
            digest.update(f"{os.path.basename(each)!a} {stamp(each)}\n".encode())
    return digest.hexdigest()


MEANINGS = {
    "source": "the video",
    "time_s": "when the frame is shown, s of a player's clock; of an error, when the video broke",
    "frame": "the frame's number in the video, from 0; none of an error",
    "track": "the face's number, the same in every frame; none where no face was found",
    "person": "the lowest track of those that may be one person's, a suggestion",
    "width": "of the frame, px",
    "height": "of the frame, px",
    "face": "the face's number in the frame, from 0, the largest first",
    "x0": "left edge of the face's box, px",
    "y0": "upper edge of the face's box, px",
    "x1": "right edge of the face's box, px",
    "y1": "lower edge of the face's box, px",
    "score": "the detector's confidence that this is a face, 0..1",
    "label": "the most probable expression in this frame alone",
    "confidence": "its probability, 0..1",
    "uncertain": "whether there are reasons not to rely on it",
    "reasons": "these reasons; or why there is no face",
    "not_a_face": "share of people who would see no face, 0..1",
    "notes": "what is to be said of how the frame was read",
    "error": "why the video could not be read from this time on",
    "smoothed_label": "the most probable expression, smoothed over time",
    "smoothed_confidence": "its smoothed probability, 0..1",
    "smoothed_uncertain": "whether there are reasons not to rely on it",
}
"""What the columns of a timeline mean, with their units."""


def meanings(names: Iterable[str]) -> dict[str, str]:
    """What columns mean, those for each emotion too."""
    kinds = {
        "p_": "probability that most people would say {} of this frame, 0..1",
        "v_": "share of people who would say {} of this frame, 0..1",
        "s_": "probability of {}, smoothed over time, 0..1",
    }
    return {name: MEANINGS.get(name) or kinds[name[:2]].format(name[2:]) for name in names}

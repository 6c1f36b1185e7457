"""Watching: from a video to what is to be seen in each of its frames: who, and with which expression.

Frames are decoded in one thread, made pictures in another, their faces found and cut out in a third and read in a
fourth, each a little ahead of the next. What comes out, in constant memory, are moments, one a frame, and now and then
a checkpoint.
"""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import asdict, dataclass, field, replace
from time import monotonic
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

from mien.answers import Found
from mien.artifact import Artifact
from mien.cores import beforehand
from mien.detect import Detector
from mien.errors import VideoError
from mien.following import Following, Seen
from mien.intake import Limits, describe
from mien.labels import LabelSet
from mien.looks import Look, look_of
from mien.prediction import SHARE_DIGITS, Expression, Prediction
from mien.preprocess import Preprocess
from mien.prior import TRAINING, Prior
from mien.shots import Cuts, viewed
from mien.smoothing import CAMERA_SIGMA_S, REACH_S, Smooth, smoothed
from mien.tables import flat_rows, kinds_of
from mien.tracks import LOST_S, Tracks
from mien.video import Frame, VideoSource, frames
from mien.video.stills import RATE

AHEAD = 4  # frames that each thread is ahead of the next, at most
FRAMES, FACES = 8, 16  # frames that go through the network together, fewer where these have so many faces
BETWEEN_S = 0.5  # for which whoever is half hidden may have another number
CHECKPOINT_S = 2.0  # of work from one checkpoint to the next, at least
TIME_DIGITS = 6

T = TypeVar("T")


class Reader(Protocol):
    """What finds the faces and reads them: a `Recognizer`."""

    artifact: Artifact
    detector: Detector
    preprocess: Preprocess
    limits: Limits

    def express(self, found: Sequence[Found], labels: Sequence[LabelSet], prior: Prior = ...) -> list[Prediction]: ...


@dataclass(frozen=True)
class Wanted:
    """Which frames of a video are wanted, see `video.frames`."""

    every_s: float | None = None
    start_s: float = 0.0
    end_s: float | None = None
    stream: int | None = None
    rate: float = RATE


@dataclass(frozen=True)
class Moment:
    """A frame that was read.

    Args:
        time_s: of the frame (see `Frame`); or when the video broke, where the prediction is an error.
        number: of the frame; None of an error.
        prediction: what was read in it, as in a photo.
        tracks: the number of each face, see `Tracks`.
        smoothed: the expression of each face, smoothed over time; its reasons are the frame's, but for confidence.
        looks: of each face, see `look_of`.
        frame: the frame itself, where a `Glance` was what read it: a video's are not held for a second.
        found: its faces and their crops, to be read anew; or why there are none any more.
    """

    time_s: float
    number: int | None
    prediction: Prediction
    tracks: tuple[int, ...] = ()
    smoothed: tuple[Expression, ...] = ()
    looks: tuple[Look, ...] = field(default=(), repr=False, compare=False)
    frame: Frame | None = field(default=None, repr=False, compare=False)
    found: Found = field(default=Found(""), repr=False, compare=False)

    def rows(self, labels: Iterable[str]) -> list[dict[str, Any]]:
        """As flat rows, one a face, or one where there is none; see `moment_columns`."""
        labels = tuple(labels)
        flat = flat_rows(self.prediction, labels)
        return [
            _row(self, row, track, smoothed, labels)
            for row, track, smoothed in zip(flat, self.tracks or (None,), self.smoothed or (None,), strict=True)
        ]


class Checkpoint(NamedTuple):
    """All moments until here are out; `watch` goes on after them from this state, as JSON takes it."""

    state: dict[str, Any]


def moment_columns(labels: Iterable[str]) -> dict[str, str]:
    """What a row's columns hold (see `tables.Table`), by name and in order.

    They are those of images (see `tables.columns`), with the time in seconds, the frame's number and the track in
    front; and behind, the smoothed expression: `s_<emotion>`, and `smoothed_label`, `smoothed_confidence` and
    `smoothed_uncertain`, as no emotion can be called.
    """
    empty = Moment(0.0, None, Prediction("", 0, 0, error="")).rows(tuple(labels))[0]
    return kinds_of(empty)


def watch(
    reader: Reader,
    source: VideoSource,
    name: str,
    labels: LabelSet,
    prior: Prior = TRAINING,
    wanted: Wanted = Wanted(),
    state: Mapping[str, Any] | None = None,
) -> Generator[Moment | Checkpoint]:
    """Read a video.

    Args:
        reader: finds and reads the faces, of frames within its limits.
        source: see `video.frames`.
        name: of the source, in its predictions.
        labels: the label set to answer in, one that the reader speaks.
        prior: as for `Recognizer.predict`.
        wanted: which frames.
        state: of a checkpoint to go on from, of the same video and with the same arguments.

    Yields:
        Moments in order, a second behind what is decoded, and checkpoints. What cannot be read of a damaged video
        is a last moment with an error.
    """
    given = _Frames(source, wanted, state, reader.limits)
    views = beforehand(viewed(beforehand(given, AHEAD)), AHEAD)
    seen = Following(reader.detector, state and state["following"])(views)
    cut_out = beforehand(_cut_out(reader, seen, name), AHEAD)
    read = _read(reader, cut_out, Tracks(state and state["tracks"], BETWEEN_S), labels, prior)
    threshold = reader.artifact.head_for(labels).threshold
    yield from _smoothed(read, Smooth(state and state["smooth"]), labels, threshold, REACH_S + BETWEEN_S)
    if given.error is not None:
        broken = Found(name, error=str(given.error))
        yield Moment(given.error.time_s, None, Prediction(name, 0, 0, error=broken.error), found=broken)


def retold(reader: Reader, moments: Iterable[Moment], labels: LabelSet, prior: Prior = TRAINING) -> Iterator[Moment]:
    """Moments of a video in another label set, or expecting another prior, with the faces and tracks that they have.

    Args:
        reader: the one that watched.
        moments: from the first.
        labels, prior: as for `watch`.
    """

    def read() -> Iterator[Moment]:
        for several in _together(moments, lambda each: each.found.crops):
            predictions = reader.express([each.found for each in several], [labels] * len(several), prior)
            yield from (replace(each, prediction=told) for each, told in zip(several, predictions, strict=True))

    smoothed = _smoothed(read(), Smooth(), labels, reader.artifact.head_for(labels).threshold)
    return (item for item in smoothed if isinstance(item, Moment))


def described(source: VideoSource) -> str:
    """A video's name in its rows: its path, or that of an open file, as `intake.describe` tells it."""
    name = source if isinstance(source, str | os.PathLike) else getattr(source, "name", "")
    return describe(os.fsdecode(name)) if isinstance(name, str | bytes | os.PathLike) and name else "video"


class Glance:
    """Reads single frames at once, each smoothed with those before it: for a camera, of which the newest frame wins.

    Where it had broken off for longer than a face may be out of sight, no track goes on.

    Args:
        reader, name, labels, prior: as for `watch`.
        cuts: whether there may be some, as in a broadcast: faces get new numbers a tenth of a second after each.
    """

    def __init__(
        self, reader: Reader, name: str, labels: LabelSet, prior: Prior = TRAINING, *, cuts: bool = False
    ) -> None:
        self._reader, self._name, self._labels, self._prior = reader, name, labels, prior
        self._tracks, self._smooth = Tracks(), Smooth(sigma_s=CAMERA_SIGMA_S)
        self._threshold = reader.artifact.head_for(labels).threshold
        self._following = Following(reader.detector)
        self._cuts = Cuts() if cuts else None
        self._time_s, self._gap_s = -math.inf, math.inf

    def __call__(self, frame: Frame) -> Moment:
        """The moment of a frame that is shown after those before."""
        gap_s = frame.time_s - self._time_s
        broken = gap_s > LOST_S + 2 * self._gap_s  # else frames come seldom
        self._time_s, self._gap_s = frame.time_s, min(gap_s, 2 * self._gap_s + 0.1)
        view = next(viewed([frame]))
        if self._cuts is not None and (began_s := self._cuts(view)) is not None:
            self._tracks.cut(began_s)
        seen = [Seen(view, self._following.newest(view.picture, view.time_s), cut=broken)]
        cut_out = _cut_out(self._reader, seen, self._name)
        moments = _read(self._reader, cut_out, self._tracks, self._labels, self._prior)
        smoothed = _smoothed(moments, self._smooth, self._labels, self._threshold, 0.0)
        return next(replace(each, frame=frame) for each in smoothed if isinstance(each, Moment))


class _Frames:
    """The frames of a video, from a checkpoint on; what breaks it is kept for when all of them are through.

    Attributes:
        error: what broke it.
    """

    def __init__(self, source: VideoSource, wanted: Wanted, state: Mapping[str, Any] | None, limits: Limits) -> None:
        self._source, self._wanted, self._state, self._limits = source, wanted, state, limits
        self.error: VideoError | None = None

    def __iter__(self) -> Iterator[Frame]:
        wanted, start_s, least = self._wanted, self._wanted.start_s, 0
        if self._state is not None:
            start_s, least = self._state["time_s"], self._state["number"]
            if wanted.every_s:  # at the same moments as before
                start_s = wanted.start_s + (start_s - wanted.start_s) // wanted.every_s * wanted.every_s
        try:
            asked = {**asdict(wanted), "start_s": start_s}
            with frames(self._source, **asked, limits=self._limits) as video:
                yield from (frame for frame in video if frame.number >= least)
        except VideoError as error:
            self.error = error


class _Between(NamedTuple):
    """Tracks that turn out to be others', see `Tracks.between`: all of their moments wait still, and all near them."""

    numbers: Mapping[int, int]

    def renamed(self, item: Moment | Checkpoint) -> Moment | Checkpoint:
        """A moment with the numbers that its faces have after all."""
        if isinstance(item, Checkpoint):
            return item
        return replace(item, tracks=tuple(self.numbers.get(track, track) for track in item.tracks))


class _CutOut(NamedTuple):
    """Of a frame what is read: its faces, cut out, so that its own pixels can go; and as `Seen` has it."""

    time_s: float
    number: int
    found: Found
    cut: bool
    state: dict[str, Any] | None


def _cut_out(reader: Reader, seen: Iterable[Seen], name: str) -> Iterator[_CutOut]:
    for (frame, picture, _), faces, cut, state in seen:
        crops = tuple(reader.preprocess.face(picture, face) for face in faces)
        yield _CutOut(frame.time_s, frame.number, Found(name, picture.size, faces, crops), cut, state)


def _read(
    reader: Reader, frames: Iterable[_CutOut], tracks: Tracks, labels: LabelSet, prior: Prior
) -> Iterator[Moment | Checkpoint | _Between]:
    """Faces read and put on their tracks."""
    told = monotonic()
    for several in _together(frames, lambda each: each.found.faces):
        predictions = reader.express([each.found for each in several], [labels] * len(several), prior)
        for (time_s, number, found, cut, state), prediction in zip(several, predictions, strict=True):
            if cut:
                tracks.cut(time_s)
            looks = tuple(look_of(crop) for crop in found.crops)
            numbers = tracks.update(time_s, found.faces, looks)
            if tracks.between:
                yield _Between(tracks.between)
            yield Moment(time_s, number, prediction, numbers, (), looks, found=found)
            if state is not None and monotonic() - told > CHECKPOINT_S:
                told = monotonic()
                yield Checkpoint({"time_s": time_s, "number": number, "following": state, "tracks": tracks.state})


def _together(items: Iterable[T], faces: Callable[[T], Sized]) -> Iterator[list[T]]:
    """Frames that are read at once: of many faces few, for the threads before wait meanwhile."""
    several, many = list[T](), 0
    for item in items:
        several.append(item)
        many += len(faces(item))
        if many >= FACES or len(several) == FRAMES:
            yield several
            several, many = [], 0
    if several:
        yield several


def _smoothed(
    items: Iterable[Moment | Checkpoint | _Between],
    smooth: Smooth,
    labels: LabelSet,
    threshold: float,
    ahead_s: float = REACH_S,
) -> Iterator[Moment | Checkpoint]:
    """Moments with their smoothed expressions, for which those up to `ahead_s` later are waited for."""
    waiting: deque[Moment | Checkpoint] = deque()

    def ready(until_s: float) -> Iterator[Moment | Checkpoint]:
        while waiting and (isinstance(waiting[0], Checkpoint) or waiting[0].time_s <= until_s):
            item = waiting.popleft()
            if isinstance(item, Moment):
                smooth.forget(item.time_s)
                item = replace(item, smoothed=tuple(_mixed(item, smooth, labels, threshold)))
            yield item

    for item in items:
        if isinstance(item, Moment):
            for reading, track in zip(item.prediction.faces, item.tracks, strict=True):
                smooth.add(item.time_s, track, np.array([reading.expression.probabilities[name] for name in labels]))
            waiting.append(item)
            yield from ready(item.time_s - ahead_s)
        elif isinstance(item, Checkpoint):
            waiting.append(Checkpoint({**item.state, "smooth": smooth.state}))
        else:
            for track, other in sorted(item.numbers.items()):
                smooth.join(track, other)
            for at, each in enumerate(waiting):
                waiting[at] = item.renamed(each)
    yield from ready(float("inf"))


def _mixed(moment: Moment, smooth: Smooth, labels: LabelSet, threshold: float) -> Iterator[Expression]:
    for reading, track in zip(moment.prediction.faces, moment.tracks, strict=True):
        shares = smooth.at(moment.time_s, track).tolist()
        yield smoothed(reading.expression, dict(zip(labels, shares, strict=True)), threshold)


def _row(
    moment: Moment, flat: dict[str, Any], track: int | None, smoothed: Expression | None, labels: Sequence[str]
) -> dict[str, Any]:
    shares = smoothed.probabilities if smoothed else {}
    return {
        "source": flat.pop("source"),
        "time_s": round(moment.time_s, TIME_DIGITS),
        "frame": moment.number,
        "track": track,
        **flat,
        **{f"s_{name}": round(shares[name], SHARE_DIGITS) if shares else None for name in labels},
        "smoothed_label": smoothed.label if smoothed else None,
        "smoothed_confidence": round(smoothed.confidence, SHARE_DIGITS) if smoothed else None,
        "smoothed_uncertain": smoothed.uncertain if smoothed else None,
    }

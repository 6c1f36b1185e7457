"""Reading a video: its packets one by one, each frame with its time, and what is wrong with the file told at the end.

A packet that does not decode loses its frames and no others; frames that nobody asked for are not decoded, where no
other needs them.
"""

from __future__ import annotations

import math
import os
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack
from io import UnsupportedOperation
from typing import BinaryIO, Protocol, Self, SupportsFloat, SupportsIndex, TypeAlias

from mien.errors import MienError, SourceError, VideoError
from mien.intake import ADDRESS, LIMITS, URL, Limits
from mien.sources import SIGNATURES, is_pattern
from mien.video.frame import SLACK, Clip, Frame
from mien.video.moments import Moments
from mien.video.stills import RATE, animated, is_animation, listed
from mien.wording import reason

VideoSource: TypeAlias = "str | os.PathLike[str] | BinaryIO"
"""A file: its path, or itself, open."""

START = 64  # bytes that tell a kind of file


class Reader(Protocol):
    """What a file is read by, whatever its kind."""

    clip: Clip

    @property
    def notes(self) -> tuple[str, ...]: ...
    def frames(self, moments: Moments) -> Iterator[Frame]: ...
    def check(self) -> None: ...


def describe(source: VideoSource, *, stream: int | None = None, rate: float = RATE, limits: Limits = LIMITS) -> Clip:
    """What is known of a video before it is read. Arguments and errors are those of `frames`."""
    with frames(source, stream=stream, rate=rate, limits=limits) as video:
        return video.clip


def frames(
    source: VideoSource,
    *,
    every_s: float | None = None,
    at_s: Iterable[float] | None = None,
    start_s: float = 0.0,
    end_s: float | None = None,
    stream: int | None = None,
    rate: float = RATE,
    limits: Limits = LIMITS,
) -> Frames:
    """The frames of a video, one by one; of as many minutes as it has, a few are held at once.

    Args:
        source: a file's path, or a binary file; or the path of a folder of images, or a pattern such as `run/*.png`,
            whose images come in the order of the numbers in their names.
        every_s: seconds from one frame to the next: the first frame at or after each of these moments; all if None.
        at_s: moments instead, in any order: the first frame at or after each of them, each frame once.
        start_s: no frame that is shown earlier.
        end_s: no frame that is shown then or later.
        stream: which of the file's video streams, from 0; the one with the largest pictures if None.
        rate: frames a second, of images in a folder.
        limits: how big a frame may be; and of what Pillow decodes, a file.

    Raises:
        VideoError: nothing can be read; while frames are read: the file is damaged or ends early. All frames that can
            be read have come before; `time_s` says when it broke.
        SourceError: the source can be no video, whatever it holds.
        MienError: PyAV is not installed, or an argument is out of range.
    """
    _check_kinds({"every_s": every_s, "start_s": start_s, "end_s": end_s}, rate, stream)
    if every_s is not None and not every_s > 0:
        raise MienError(f"every_s is a number of seconds above 0, or None for all frames; got {every_s}")
    if not 0 < rate < math.inf:
        raise MienError(f"rate is a number of frames a second above 0; got {rate}")
    if end_s is not None and not end_s > start_s:
        raise MienError(f"end_s lies after start_s; got {start_s:g} and {end_s:g}")
    with ExitStack() as opened:
        reader = _reader(source, stream, rate, limits, opened)
        moments = Moments(every_s, at_s, start_s)
        return Frames(reader, opened.pop_all(), moments, math.inf if end_s is None else end_s)


def _check_kinds(times: Mapping[str, object], rate: object, stream: object) -> None:
    """Raises `MienError` where what should be a number is none."""
    for name, value in times.items():
        if (value is not None or name == "start_s") and not isinstance(value, SupportsFloat):
            raise MienError(f"{name} is a number of seconds; got {value!r}")
    if not isinstance(rate, SupportsFloat):
        raise MienError(f"rate is a number of frames a second above 0; got {rate!r}")
    if stream is not None and not isinstance(stream, SupportsIndex):
        raise MienError(f"stream is the number of one of the file's video streams, from 0; got {stream!r}")


class Frames(Iterator[Frame]):
    """The frames that were asked for; made by `frames`. Close it, or use it in a `with`.

    Attributes:
        clip: what is known of the video from the beginning.
    """

    def __init__(self, reader: Reader, opened: ExitStack, moments: Moments, end_s: float) -> None:
        self._moments, self._end_s = moments, end_s
        self._reader, self._opened = reader, opened
        self.clip = reader.clip
        self._wanted = self._select()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Frame:
        return next(self._wanted)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of how the video was read so far; complete when its last frame is out."""
        return self._reader.notes

    def close(self) -> None:
        """Close the file; no more frames come."""
        self._wanted.close()
        self._opened.close()

    def _select(self) -> Generator[Frame]:
        for frame in self._reader.frames(self._moments):
            if frame.time_s >= self._end_s - SLACK:
                break
            if self._moments.wants(frame.time_s):
                self._moments.serve(frame.time_s)
                yield frame
                if self._moments.over:
                    break
        self._reader.check()


def _reader(source: VideoSource, stream: int | None, rate: float, limits: Limits, opened: ExitStack) -> Reader:
    """What reads a source; what was opened for it is left to `opened`."""
    if isinstance(source, str | os.PathLike):
        path = os.fsdecode(source)
        if os.path.isdir(path) or is_pattern(path):
            return listed(path, rate, limits)
        try:
            source = opened.enter_context(open(path, "rb"))  # noqa: SIM115 - closed with the others
        except FileNotFoundError as error:
            raise VideoError(ADDRESS if URL.match(path) else "no such file") from error
        except (OSError, ValueError) as error:
            raise VideoError(f"cannot be read: {reason(error)}") from error
    start = _start(source)
    if not start:
        raise VideoError("empty: no bytes to read")
    if is_animation(start):
        return animated(source, limits)
    try:
        from mien.video.decoder import Decoder, SizeError
        from mien.video.opening import opened as container_of
    except ModuleNotFoundError as error:
        raise MienError(f"video needs more than is installed ({error.name}): pip install 'mien[video]'") from None
    try:
        decoder = Decoder(container_of(source, limits), stream, limits)
    except SizeError:
        raise
    except VideoError as error:
        if any(start.startswith(signature, place) for place, signature in SIGNATURES):
            raise VideoError("an image, not a video: `mien predict` reads it; or a damaged one") from error
        raise
    opened.callback(decoder.close)
    return decoder


def _start(file: BinaryIO) -> bytes:
    """How a file begins, wherever it stands; it is left at its beginning."""
    try:
        file.seek(0)
        start = file.read(START)
        file.seek(0)
    except (AttributeError, UnsupportedOperation) as error:
        kind = type(file).__name__
        raise SourceError(f"expected a path, or a binary file that can be read anew; got {kind}") from error
    except OSError as error:
        raise VideoError(f"cannot be read: {reason(error)}") from error
    if not isinstance(start, bytes):
        raise SourceError(f"expected a file opened in binary mode, open(path, 'rb'); got {type(file).__name__}")
    return start

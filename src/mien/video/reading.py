"""Reading a video: its packets one by one, each frame with its time, and what is wrong with the file told at the end.

A packet that does not decode loses its frames and no others; the packets of whole groups of frames that nobody asked
for are not decoded at all.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from typing import BinaryIO, Protocol, Self, TypeAlias, cast

from mien.errors import MienError, VideoError
from mien.intake import LIMITS, Limits
from mien.video.frame import Clip, Frame
from mien.wording import reason

VideoSource: TypeAlias = "str | os.PathLike[str] | BinaryIO"
"""A file: its path, or itself, open."""

SLACK = 1e-6  # s, by which a frame may come before the moment that it is asked for


class _Reader(Protocol):
    """What a file is read by, whatever its kind."""

    clip: Clip

    @property
    def notes(self) -> tuple[str, ...]: ...
    def frames(self) -> Iterator[Frame]: ...
    def skip_to(self, time_s: float, every_s: float) -> None: ...
    def check(self) -> None: ...
    def close(self) -> None: ...


def describe(source: VideoSource, *, stream: int | None = None, limits: Limits = LIMITS) -> Clip:
    """What is known of a video before it is read. Arguments and errors are those of `frames`."""
    with frames(source, stream=stream, limits=limits) as video:
        return video.clip


def frames(
    source: VideoSource,
    *,
    every_s: float | None = None,
    start_s: float = 0.0,
    end_s: float | None = None,
    stream: int | None = None,
    limits: Limits = LIMITS,
) -> Frames:
    """The frames of a video, one by one; of as many minutes as it has, a few are held at once.

    Args:
        source: a file's path, or a binary file, read from where it stands.
        every_s: seconds from one frame to the next: the first frame at or after each of these moments; all if None.
        start_s: no frame that is shown earlier.
        end_s: no frame that is shown then or later.
        stream: which of the file's video streams, from 0; the one with the largest pictures if None.
        limits: how big a frame may be.

    Raises:
        VideoError: nothing can be read; while frames are read: the file is damaged or ends early. All frames that can
            be read have come before; `time_s` says when it broke.
        MienError: PyAV is not installed, or an argument is out of range.
    """
    if every_s is not None and not every_s > 0:
        raise MienError(f"every_s is a number of seconds above 0, or None for all frames; got {every_s}")
    if end_s is not None and not end_s > start_s:
        raise MienError(f"end_s lies after start_s; got {start_s:g} and {end_s:g}")
    return Frames(source, every_s or 0.0, start_s, float("inf") if end_s is None else end_s, stream, limits)


class Frames(Iterator[Frame]):
    """The frames that were asked for; made by `frames`. Close it, or use it in a `with`.

    Attributes:
        clip: what is known of the video from the beginning.
    """

    def __init__(
        self,
        source: VideoSource,
        every_s: float,
        start_s: float,
        end_s: float,
        stream: int | None,
        limits: Limits,
    ) -> None:
        self._every_s, self._start_s, self._end_s = every_s, start_s, end_s
        with ExitStack() as opened:
            self._reader = _reader(source, stream, limits, opened)
            self._opened = opened.pop_all()
        self.clip = self._reader.clip
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
        target = self._start_s
        self._reader.skip_to(target, self._every_s)
        for frame in self._reader.frames():
            if frame.time_s >= self._end_s - SLACK:
                break
            if frame.time_s >= target - SLACK:
                yield frame
                if self._every_s:
                    passed = int((frame.time_s + SLACK - self._start_s) // self._every_s)
                    target = self._start_s + (passed + 1) * self._every_s
                    self._reader.skip_to(target, self._every_s)
        self._reader.check()


def _reader(source: VideoSource, stream: int | None, limits: Limits, opened: ExitStack) -> _Reader:
    """What reads a source; what was opened for it is left to `opened`."""
    file = source
    if isinstance(source, str | os.PathLike):
        try:
            file = opened.enter_context(open(source, "rb"))  # noqa: SIM115 - it is
        except FileNotFoundError as error:
            raise VideoError("no such file") from error
        except IsADirectoryError as error:
            raise VideoError("a folder, not a video") from error
        except (OSError, ValueError) as error:
            raise VideoError(f"cannot be read: {reason(error)}") from error
    try:
        from mien.video.decoder import Decoder
    except ModuleNotFoundError as error:
        raise MienError(f"video needs more than is installed ({error.name}): pip install 'mien[video]'") from None
    decoder = Decoder(cast(BinaryIO, file), stream, limits)
    opened.callback(decoder.close)
    return decoder

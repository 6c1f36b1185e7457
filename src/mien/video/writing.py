"""Writing a video: frames at their times, and the sound of the one that it is a copy of, as far as that goes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Self, cast

import av
from av.error import FFmpegError
from av.video.stream import VideoStream

from mien.cores import cores
from mien.errors import MienError
from mien.video.canvas import Canvas, Easel, matrix_for, tagged
from mien.video.frame import Clip, Frame
from mien.video.opening import words_of
from mien.video.reading import VideoSource
from mien.video.sound import Sound

TICK = Fraction(1, 90_000)
USUAL = 25.0  # frames a second, where nobody knows

FORMS = {
    ".webm": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "7", "crf": "30", "b": "0", "row-mt": "1"}),
    ".mp4": ("libx264", {"preset": "veryfast", "crf": "20"}),
}
"""By the ending of a file's name: what codes its pictures, and how. Both are played by browsers."""


class Film:
    """A video that is being written, in a `with`; its file is whole when that ends well.

    Args:
        file: to be written: its path, or itself, open.
        form: one of `FORMS`.
        source: the video whose sound it gets; None if it is to have none.
        clip: what is known of it.
        first: the first frame: others become as large.
        scale: how many times larger it is than the frames.
        start_s: what is 0 in it.
        end_s: where its sound ends.

    Raises:
        MienError: it cannot be written; of its methods as well.
        OSError: nor where it is to be.
    """

    def __init__(
        self,
        file: Path | BinaryIO,
        form: str,
        source: VideoSource | None,
        clip: Clip,
        first: Frame,
        *,
        scale: int = 1,
        start_s: float = 0.0,
        end_s: float = float("inf"),
    ) -> None:
        self.width, self.height = (-(-side * scale // 2) * 2 for side in (first.width, first.height))
        self.matrix = matrix_for(first)
        self._easel = Easel(self.width, self.height, self.matrix)
        self._start_s, self._last, self._zeros = start_s, -1, first.zeros
        options = {"movflags": "+faststart"} if form == ".mp4" else {}
        self._sound: Sound | None = None
        with _told():
            self._container = av.open(file, "w", format=form[1:], options=options)
            if source is not None:
                self._sound = Sound(source, first.zeros[0], self._container, form[1:], start_s, end_s)
            codec, settings = FORMS[form]
            frames_s = Fraction(clip.rate or USUAL).limit_denominator(1001)
            self._video = cast(VideoStream, self._container.add_stream(codec, rate=frames_s, options=dict(settings)))
        self._video.width, self._video.height, self._video.pix_fmt = self.width, self.height, "yuv420p"
        context = self._video.codec_context
        context.time_base, context.thread_count = TICK, cores()
        context.color_range, context.colorspace = 1, tagged(self.matrix)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                with _told():
                    self._container.mux(self._video.encode(None))
                    if self._sound is not None:
                        self._sound.finish(self._zeros)
        finally:
            if self._sound is not None:
                self._sound.close()
            with _told() if kind is None else suppress(FFmpegError):  # what went wrong first is what is told
                self._container.close()

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of it, as sentences; complete when the `with` has ended."""
        return self._sound.notes if self._sound is not None else ()

    def canvas(self, frame: Frame) -> Canvas:
        """The frame, to be drawn on."""
        return self._easel.canvas(frame)

    def write(self, canvas: Canvas, frame: Frame) -> None:
        """Add a frame as it was drawn on, shown later than those before."""
        coded = canvas.frame
        self._last = max(round((frame.time_s - self._start_s) / TICK), self._last + 1)
        self._zeros = frame.zeros
        coded.pts, coded.time_base = self._last, TICK
        with _told():
            self._container.mux(self._video.encode(coded))
            if self._sound is not None:
                self._sound.write(frame.time_s, self._zeros)


@contextmanager
def _told() -> Iterator[None]:
    """What goes wrong in FFmpeg, as errors of ours; those of disks are Python's as well."""
    try:
        yield
    except FFmpegError as error:
        if isinstance(error, OSError):
            raise
        raise MienError(f"the copy cannot be written ({words_of(error)})") from error


def check_form(path: Path) -> None:
    """Raises `MienError` where a path ends in none of `FORMS`."""
    if path.suffix.lower() not in FORMS:
        raise MienError(f"{path}: a video is written as {' or '.join(FORMS)}")

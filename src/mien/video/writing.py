"""Writing a video: frames at their times, and the sound of the one that it is a copy of, as it is where that fits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Self, cast

import av
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

from mien.cores import cores
from mien.errors import MienError
from mien.video.canvas import Canvas, Easel, matrix_for, tagged
from mien.video.frame import Clip, Frame
from mien.video.reading import VideoSource

TICK = Fraction(1, 90_000)
USUAL = 25.0  # frames a second, where nobody knows

FORMS = {
    ".webm": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "7", "crf": "30", "b": "0", "row-mt": "1"}),
    ".mp4": ("libx264", {"preset": "veryfast", "crf": "20"}),
}
"""By the ending of a file's name: what codes its pictures, and how. Both are played by browsers."""

SOUNDS = {".webm": ("opus", "vorbis"), ".mp4": ("aac", "mp3", "opus", "flac")}
"""Codings of sound that browsers play in them, the first of which others are recoded to."""

CODERS = {"opus": "libopus", "aac": "aac"}
SOUND_RATE = 48_000  # samples a second, of what is recoded


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
        self._start_s, self._last = start_s, -1
        options = {"movflags": "+faststart"} if form == ".mp4" else {}
        self._container = av.open(file, "w", format=form[1:], options=options)
        self._sound = _Sound(source, clip.zero_s, self._container, form, start_s, end_s) if source is not None else None
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
                self._container.mux(self._video.encode(None))
                if self._sound is not None:
                    self._sound.write(float("inf"))
        finally:
            if self._sound is not None:
                self._sound.close()
            self._container.close()

    def canvas(self, frame: Frame) -> Canvas:
        """The frame, to be drawn on."""
        return self._easel.canvas(frame)

    def write(self, canvas: Canvas, time_s: float) -> None:
        """Add a frame, shown later than those before."""
        coded = canvas.frame
        self._last = max(round((time_s - self._start_s) / TICK), self._last + 1)
        coded.pts, coded.time_base = self._last, TICK
        self._container.mux(self._video.encode(coded))
        if self._sound is not None:
            self._sound.write(time_s)


class _Sound:
    """The sound of a video on its way into another."""

    def __init__(
        self, source: VideoSource, zero_s: float, container: OutputContainer, form: str, start_s: float, end_s: float
    ) -> None:
        self._container, self._zero_s, self._start_s, self._end_s = container, zero_s, start_s, end_s
        self._from = _heard(source)
        self._ahead: Packet[AudioStream] | None = None
        self._packets: Iterator[Packet[AudioStream]] = iter(())
        self._resampler: AudioResampler | None = None
        if self._from is None or not self._from.streams.audio:
            return
        stream = self._from.streams.audio[0]
        fitting = SOUNDS[form]
        if stream.codec_context.name.removeprefix("lib") in fitting or stream.codec_context.codec.name in fitting:
            self._to = container.add_stream_from_template(stream)
        else:
            self._to = cast(AudioStream, container.add_stream(CODERS[fitting[0]], rate=SOUND_RATE, layout="stereo"))
            self._resampler = AudioResampler("s16" if fitting[0] == "opus" else "fltp", "stereo", SOUND_RATE)
        self._packets = self._from.demux(stream)

    def write(self, until_s: float) -> None:
        """All sound up to that time."""
        while True:
            try:
                packet = self._ahead or next(self._packets, None)
            except FFmpegError:  # where the pictures end as well, and that is told of them
                packet = None
            if packet is None:
                self._packets = iter(())
                return
            self._ahead = packet
            time_s = self._time_of(packet)
            if time_s is not None and time_s > min(until_s, self._end_s):
                if time_s > self._end_s:
                    self._packets, self._ahead = iter(()), None
                return
            self._ahead = None
            if self._resampler is not None:
                self._recode(packet)
            elif time_s is not None and packet.size and time_s >= self._start_s:
                self._shift(packet)
                packet.stream = self._to
                self._container.mux(packet)

    def close(self) -> None:
        if self._from is not None:
            self._from.close()

    def _time_of(self, packet: Packet[AudioStream]) -> float | None:
        start = packet.dts if packet.pts is None else packet.pts
        return None if start is None else float(start * packet.time_base) - self._zero_s

    def _shift(self, packet: Packet[AudioStream]) -> None:
        by = round((self._zero_s + self._start_s) / packet.time_base)
        packet.pts = None if packet.pts is None else packet.pts - by
        packet.dts = None if packet.dts is None else packet.dts - by

    def _recode(self, packet: Packet[AudioStream]) -> None:
        """What is left in the coder comes out after the last packet, which is empty."""
        assert self._resampler is not None
        frames = packet.decode()
        for frame in [*frames, *([None] if not packet.size else [])]:
            for part in self._resampler.resample(frame):
                if part.pts is not None and part.time_base:
                    part.pts -= round((self._zero_s + self._start_s) / part.time_base)
                    if part.pts < 0:
                        continue
                self._container.mux(self._to.encode(part))
        if not packet.size:
            self._container.mux(self._to.encode(None))


def _heard(source: VideoSource) -> InputContainer | None:
    """A video, to be listened to; None of what FFmpeg does not open, which is silent."""
    try:
        file = f"file:{os.fsdecode(source)}" if isinstance(source, str | os.PathLike) else source
        return av.open(file, "r", metadata_errors="replace")
    except FFmpegError:
        return None


def check_form(path: Path) -> None:
    """Raises `MienError` where a path ends in none of `FORMS`."""
    if path.suffix.lower() not in FORMS:
        raise MienError(f"{path}: a video is written as {' or '.join(FORMS)}")

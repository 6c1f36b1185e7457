"""The sound of a video on its way into another: copied as it is where that fits, and else coded anew.

It keeps to the clock of the pictures, also where that begins anew. What cannot be read or written is left out and told;
the pictures are there whatever becomes of it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from io import BytesIO
from typing import cast

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.packet import Packet

from mien.errors import VideoError
from mien.intake import LIMITS
from mien.video.clock import JUMP_S
from mien.video.opening import opened, packets_of
from mien.video.reading import VideoSource
from mien.wording import counted

SOUNDS = {"webm": ("opus", "vorbis"), "mp4": ("aac", "mp3", "opus", "flac")}
"""Codings of sound that browsers play in files of a form, the first of which others are recoded to."""

CODERS = {"opus": "libopus", "aac": "aac"}
RATE = 48_000  # samples a second, of what is recoded
WAITS_S = 10.0  # for pictures whose clock begins anew as well
OVERLAP_S = 0.1  # of what comes twice where a clock begins anew: so much is no loss
UNSAID = (errno.EPERM, errno.EAGAIN)  # what FFmpeg's coders and files say of themselves, and no disk does


class Sound:
    """The sound of a video, written into another as far as it goes.

    Args:
        source: the video.
        zero_s: what its clock shows where that of a player is 0, see `Frame`.
        container: what it is written into; nothing else has been yet.
        form: of that, `webm` or `mp4`.
        start_s: what is 0 in it.
        end_s: where it ends.
    """

    def __init__(
        self, source: VideoSource, zero_s: float, container: OutputContainer, form: str, start_s: float, end_s: float
    ) -> None:
        self._container, self._start_s, self._end_s = container, start_s, end_s
        self._opened = ExitStack()
        self._ahead: Packet[AudioStream] | None = None
        self._packets: Iterator[Packet[AudioStream]] = iter(())
        self._zero, self._zero_s = 0, zero_s  # which of the pictures' zeros is the sound's, and itself
        self._last_s = self._next_s = -float("inf")  # when the last packet begins and ends
        self._lost: list[tuple[float, str]] = []  # where, and why, each time that it begins
        self._well = self._any = False
        self._unread = False
        self._coder: _Coder | None = None
        try:
            self._begin(source, form)
        except BaseException:
            self.close()
            raise

    def _begin(self, source: VideoSource, form: str) -> None:
        container = self._listened(source)
        streams = container.streams.audio if container is not None else ()
        stream = next((each for each in streams if each.codec_context is not None), None)
        if container is None or stream is None:
            self._unread = bool(streams)
            return
        if _fits(stream, form):
            self._to = self._container.add_stream_from_template(stream)
        else:
            first = SOUNDS[form][0]
            self._to = cast(AudioStream, self._container.add_stream(CODERS[first], rate=RATE, layout="stereo"))
            self._coder = _Coder(stream, self._to, "s16" if first == "opus" else "fltp")
        self._packets = cast("Iterator[Packet[AudioStream]]", packets_of(container, stream))

    def _listened(self, source: VideoSource) -> InputContainer | None:
        """The video once more; None of images in a folder and of what only Pillow opens, which are silent."""
        try:
            if isinstance(source, str | os.PathLike):
                source = self._opened.enter_context(open(source, "rb"))  # noqa: SIM115 - closed with the container
            container = opened(source, LIMITS)
        except (OSError, VideoError):
            return None
        self._opened.callback(container.close)
        return container

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of it so far, as sentences: what was left out, on the clock of the video."""
        if self._unread:
            return ("its sound is left out: coded in a way that this FFmpeg does not decode",)
        if not self._lost:
            return ()
        (time_s, words), *others = self._lost
        if not self._any:
            return (f"its sound is left out: {words}",)
        more = f", and in {counted(len(others), 'more place')}" if others else ""
        return (f"at {time_s:.2f} s of the video{more}, its sound is left out: {words}",)

    def write(self, until_s: float, zeros: Sequence[float]) -> None:
        """All sound up to that time of the pictures, with the zeros of their clock until then, see `Frame`."""
        while (packet := self._ahead or self._following()) is not None:
            self._ahead = packet
            start = packet.dts if packet.pts is None else packet.pts
            own_s = self._next_s + self._zero_s if start is None else float(start * packet.time_base)
            if self._last_s - (own_s - self._zero_s) > JUMP_S and not self._begins_anew(own_s, until_s, zeros):
                return
            time_s = own_s - self._zero_s
            if time_s > self._end_s:
                self._finish()
                return
            if time_s > until_s:
                return
            self._ahead = None
            self._write(packet, time_s)

    def finish(self, zeros: Sequence[float]) -> None:
        """All that is left."""
        self.write(float("inf"), zeros)
        self._finish()

    def close(self) -> None:
        self._opened.close()

    def _following(self) -> Packet[AudioStream] | None:
        try:
            packet = next(self._packets, None)
        except FFmpegError:  # where the pictures end as well, and that is told of them
            packet = None
        if packet is None:
            self._finish()
        return packet

    def _begins_anew(self, own_s: float, until_s: float, zeros: Sequence[float]) -> bool:
        """Whether it is known where the sound goes on after its clock was put back: with the pictures, or, where theirs
        goes on for long, with what comes next."""
        later = range(self._zero + 1, len(zeros))
        found = next((at for at in later if own_s - zeros[at] > self._last_s - JUMP_S), None)
        if found is not None:
            self._zero, self._zero_s = found, zeros[found]
        elif until_s - self._last_s > WAITS_S:
            self._zero_s = own_s - self._next_s
        return self._last_s - (own_s - self._zero_s) <= JUMP_S

    def _write(self, packet: Packet[AudioStream], time_s: float) -> None:
        late_s, last_s = self._last_s - time_s, self._last_s
        self._last_s, self._next_s = max(time_s, last_s), time_s + float((packet.duration or 0) * packet.time_base)
        if late_s >= 0:
            if late_s > OVERLAP_S:
                self._leave_out(time_s, "its times run backwards")
            return
        coder = self._coder
        if coder is not None:
            self._keep(time_s, lambda: coder(packet, self._zero_s + self._start_s))
        elif time_s >= self._start_s:
            self._keep(time_s, lambda: [self._moved(packet, time_s)])

    def _keep(self, time_s: float, coded: Callable[[], list[Packet[AudioStream]]]) -> None:
        """Write what can be coded and written."""
        try:
            for packet in coded():
                self._container.mux(packet)
                self._any = True
            self._well = True
        except (FFmpegError, ValueError) as error:
            if isinstance(error, OSError) and error.errno not in UNSAID:
                raise
            self._leave_out(time_s, "damaged")

    def _moved(self, packet: Packet[AudioStream], time_s: float) -> Packet[AudioStream]:
        """A packet at its time in the copy."""
        at = round((time_s - self._start_s) / packet.time_base)
        packet.pts, packet.dts, packet.stream = at, at, self._to
        return packet

    def _leave_out(self, time_s: float, words: str) -> None:
        if time_s < self._start_s:
            return
        if self._well or not self._lost:
            self._lost.append((time_s, words))
        self._well = False

    def _finish(self) -> None:
        """No more comes; what is left in the coder comes out."""
        self._packets, self._ahead = iter(()), None
        coder, self._coder = self._coder, None
        if coder is not None:
            self._keep(max(self._last_s, 0.0), coder.rest)


class _Coder:
    """Codes sound anew, from whatever it changes to on its way.

    Args:
        stream: whose packets come.
        to: the stream that they become.
        samples: what its coder takes, by FFmpeg's name.
    """

    def __init__(self, stream: AudioStream, to: AudioStream, samples: str) -> None:
        self._from, self._to, self._samples = stream, to, samples
        self._kind: tuple[str, str, int] | None = None  # of what the resampler takes
        self._resampler: AudioResampler | None = None
        self._next = 0  # samples, of what comes next
        self._shift_s = 0.0

    def __call__(self, packet: Packet[AudioStream], shift_s: float) -> list[Packet[AudioStream]]:
        """What comes of a packet whose clock shows `shift_s` at the beginning of the copy."""
        self._shift_s = shift_s
        return [part for frame in packet.decode() for part in self._coded(frame)]

    def rest(self) -> list[Packet[AudioStream]]:
        """What is still on its way."""
        coded = [part for frame in self._from.codec_context.decode(None) for part in self._coded(frame)]
        return [*coded, *self._encoded(self._drained()), *self._to.encode(None)]

    def _coded(self, frame: AudioFrame) -> list[Packet[AudioStream]]:
        kind = frame.format.name, frame.layout.name, frame.sample_rate
        before = self._drained() if kind != self._kind else []
        if self._resampler is None:
            self._resampler, self._kind = AudioResampler(self._samples, "stereo", RATE), kind
        if frame.pts is not None and frame.time_base:
            frame.pts -= round(self._shift_s / frame.time_base)
        return self._encoded([*before, *self._resampler.resample(frame)])

    def _drained(self) -> list[AudioFrame]:
        """What the resampler holds still; then there is none."""
        resampler, self._resampler = self._resampler, None
        return [part for part in resampler.resample(None) if part is not None] if resampler is not None else []

    def _encoded(self, parts: Sequence[AudioFrame]) -> list[Packet[AudioStream]]:
        """Nothing before the beginning of the copy, and nothing twice."""
        coded: list[Packet[AudioStream]] = []
        for part in parts:
            at = self._next if part.pts is None or not part.time_base else round(part.pts * part.time_base * RATE)
            if at >= 0 and at + part.samples // 2 >= self._next:
                part.pts, part.time_base, self._next = at, Fraction(1, RATE), at + part.samples
                coded += self._to.encode(part)
        return coded


def _fits(stream: AudioStream, form: str) -> bool:
    """Whether a stream can be in a file of that form as it is, which only writing one's beginning tells."""
    if stream.codec_context.codec.canonical_name not in SOUNDS[form]:
        return False
    try:
        with av.open(BytesIO(), "w", format=form) as trial:
            trial.add_stream_from_template(stream)
            trial.start_encoding()
    except (FFmpegError, ValueError):
        return False
    return True

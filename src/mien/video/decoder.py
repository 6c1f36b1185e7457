"""A video stream through PyAV: packets in, frames out, and what is wrong with the file.

A packet that does not decode costs its own frames and no others. Packets of frames that nobody asked for are held back
until it is known whether a later one needs them; where a keyframe comes first they are dropped. Else FFmpeg is told to
pass over those to which no other frame refers. Where times run backwards all is decoded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from errno import EINVAL
from fractions import Fraction
from functools import partial
from itertools import chain
from typing import cast

from av.codec.context import Flags, ThreadType
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mien.cores import cores
from mien.errors import VideoError
from mien.intake import Limits
from mien.video.clock import RAW, Clock
from mien.video.frame import Clip, Frame
from mien.video.moments import Moments
from mien.video.opening import decoding, packets_of, words_of
from mien.video.passing import Passing
from mien.video.pixels import Painter, tell_matrix, turn_of
from mien.wording import counted

STILL = Disposition.attached_pic | Disposition.timed_thumbnails
DECLARING = {"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "flv"}
"""Containers whose duration is declared and not estimated from what is there."""

SHAPELESS = {"mpegts", "mpeg", *RAW}
"""Containers that leave it to the frames what shape a pixel has."""

ROUNDED = 128
"""Px by which FFmpeg may take a frame's sides for longer before it compares. It is given twice the limit and a little:
frames at the limit are to be read, and larger ones that it decodes are refused by their own size."""

EARLY_S = 0.5  # by which a file may end before the duration that it declares
MOST_THREADS = 8
MOST_HELD = 2**25  # bytes of packets that are held back


class SizeError(VideoError):
    """A video's frames are larger than they may be."""


class Decoder:
    """One video stream of a file, or of what is like one.

    Args:
        container: open; the decoder closes it.
        stream: which of its video streams; the one with the largest pictures if None.
        limits: how big a frame may be.
        threads: that decode; two more than there are cores if None, as they wait now and then. With one, a frame comes
            out as soon as it can.

    Raises:
        SizeError: its frames are larger than they may be.
        VideoError: no frame can be read.
    """

    def __init__(
        self, container: InputContainer, stream: int | None, limits: Limits, threads: int | None = None
    ) -> None:
        self._limits, self._container = limits, container
        try:
            self._stream = self._chosen(stream)
            self._start(threads or min(cores() + 2, MOST_THREADS))
        except BaseException:
            self._container.close()
            raise

    def _start(self, threads: int) -> None:
        if too_large := self._too_large(self._stream.codec_context.width, self._stream.codec_context.height):
            raise SizeError(too_large)
        self._context = context = decoding(self._stream)
        self._own = self._stream.codec_context if self._stream.codec_context is not context else None
        for each in filter(None, (context, self._own)):
            each.options = {"max_pixels": str(2 * self._limits.max_pixels + ROUNDED**2)}
        context.thread_type, context.thread_count = ThreadType.AUTO, threads
        self._clock = Clock(self._container, self._stream)
        context.flags |= Flags.unaligned  # else columns that are cropped at the left stay
        self._painter = self._painting(self._stream.sample_aspect_ratio)
        self._passing = Passing(context.name, self._clock)
        self._number = 0
        self._jump: int | None = None  # the first frame after some that were dropped
        self._jumping = self._pending = self._finished = False
        self._broken: tuple[float, str] | None = None
        self._places = 0
        frames = self._frames()
        first = next(frames, None)
        if first is None:
            self.check()
            raise VideoError("damaged or cut short: none of its frames can be read")
        self._all = chain([first], frames)
        self.clip = Clip(
            first.width,
            first.height,
            self._clock.duration_s,
            float(self._clock.rate) if self._clock.rate else None,
            first.time_s,
            self.notes,
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of how the file was read so far."""
        return self._remarks + self._clock.notes

    def frames(self, moments: Moments) -> Iterator[Frame]:
        """All frames in their order, but for some that are not wanted."""
        self._passing.moments = moments
        return self._all

    def check(self) -> None:
        """Raises `VideoError` where the file was damaged, or has ended too early."""
        if self._broken is not None:
            time_s, words = self._broken
            more = f", and in {counted(self._places - 1, 'more place')}" if self._places > 1 else ""
            raise VideoError(f"at {time_s:.2f} s{more}: {words}", time_s)
        declared = self._clock.duration_s
        if not self._finished or declared is None or self._container.format.name not in DECLARING:
            return
        if self._clock.end_s < declared - EARLY_S:
            end = f"ends at {self._clock.end_s:.2f} s of the {declared:.2f} s that it declares"
            raise VideoError(f"cut short: {end}", self._clock.end_s)

    def close(self) -> None:
        self._container.close()

    def _chosen(self, number: int | None) -> VideoStream:
        streams = [each for each in self._container.streams.video if not each.disposition & STILL]
        if not streams:
            raise VideoError("holds sound and no video" if self._container.streams.audio else "holds no video")
        if number is not None and not 0 <= number < len(streams):
            there = counted(len(streams), "video stream")
            raise VideoError(f"has no video stream {number}: it has {there}, counted from 0")
        sizes = [each.width * each.height if each.codec_context else 0 for each in streams]
        taken = sizes.index(max(sizes)) if number is None else number
        if streams[taken].codec_context is None:
            raise VideoError("its pictures are coded in a way that this FFmpeg does not decode")
        self._remarks = (f"video stream {taken} of {len(streams)} was read",) * (len(streams) > 1)
        return streams[taken]

    def _frames(self) -> Iterator[Frame]:
        """All that is decoded, as frames."""
        for frame in self._decoded():
            if frame.pts is not None and self._jump is not None:
                if frame.pts < self._jump:  # it needed what was dropped
                    continue
                self._jump = None
            self._number += self._passing.came(frame)
            time_s = self._clock.time_of(frame)
            told = tell_matrix(frame, self._context.name)
            aspect = self._context.sample_aspect_ratio
            if self._container.format.name in SHAPELESS and aspect != self._painter.aspect:
                self._painter = self._painting(aspect)
            width, height = self._painter.size(frame)
            if frame.is_corrupt:
                self._hurt(time_s, "a frame is damaged")
            elif too_large := self._too_large(width, height):
                self._hurt(time_s, too_large)
            elif not told:
                self._hurt(time_s, f"its colours are coded in a way that is not read (matrix {frame.colorspace})")
            else:
                make = partial(self._painter.paint, frame)
                yield Frame(time_s, self._number, width, height, make, frame, self._clock.zeros)
            self._number += 1

    def _painting(self, aspect: Fraction | None) -> Painter:
        """What paints pixels of a shape; one byte in four of raw AVI is unused, which FFmpeg takes for alpha."""
        return Painter(aspect, opaque=(self._container.format.name, self._context.name) == ("avi", "rawvideo"))

    def _decoded(self) -> Iterator[VideoFrame]:
        """What comes out of the decoder for all packets that are needed."""
        held: list[tuple[Packet[VideoStream], bool]] = []
        size = 0
        for packet in self._packets():
            steady = self._passing.steady(packet)
            wanted = not steady or self._broken is not None or self._passing.may_be_wanted(packet)
            if packet.is_keyframe and held and not wanted and self._passing.in_groups:
                yield from self._drop(packet for packet, _ in held)
                held, size = [], 0
            held.append((packet, wanted))
            size += packet.size
            if wanted or size > MOST_HELD:
                for each, asked in held:
                    yield from self._decode(each, asked or not steady)
                held, size = [], 0
        yield from self._drop(packet for packet, _ in held)
        self._finished = True

    def _drop(self, packets: Iterable[Packet[VideoStream]]) -> Iterator[VideoFrame]:
        """Pass over packets; the next one that is decoded is a keyframe."""
        for packet in packets:
            self._passing.left_out(packet)
        if self._pending:
            yield from self._flush()
            self._context.flush_buffers()
        self._jumping = True

    def _decode(self, packet: Packet[VideoStream], wanted: bool) -> list[VideoFrame]:
        if self._jumping:
            self._jump, self._jumping = packet.pts, False
        if self._passing.restless:  # a time that is earlier says nothing
            self._jump = None
        early = self._jump is not None and packet.pts is not None and packet.pts < self._jump
        passing = self._passing.singly and not wanted
        if early or passing:
            self._passing.left_out(packet)
        if not early:
            self._passing.gave(packet)
        self._context.skip_frame = "NONREF" if passing else "DEFAULT"
        self._clock.gave(packet)
        time_s = self._clock.time_of_packet(packet)
        self._pending = True
        try:
            if self._own is not None:  # whose frames say how they are turned
                told, self._own = [*self._own.decode(packet), *self._own.decode(None)], None
                self._painter.turn = next(map(turn_of, told), None)
            return self._context.decode(packet)
        except FFmpegError as error:
            if not early:
                self._hurt(time_s, self._damaged(error))
            return []

    def _flush(self) -> list[VideoFrame]:
        """The frames that the decoder still has."""
        self._pending = False
        try:
            return self._context.decode(None)
        except FFmpegError as error:  # with many threads those of the first frames come here, too
            self._hurt(None, self._damaged(error))
            return []

    def _packets(self) -> Iterator[Packet[VideoStream]]:
        """The stream's packets with something in them, up to where the file ends or breaks."""
        packets = packets_of(self._container)  # of all streams, any of which may last as long as the file
        while True:
            try:
                packet = next(packets, None)
            except FFmpegError as error:
                self._hurt(None, f"damaged ({words_of(error)})")
                return
            if packet is None:
                return
            self._clock.saw(packet)
            if packet.stream_index == self._stream.index:
                yield cast("Packet[VideoStream]", packet)

    def _too_large(self, width: int, height: int) -> str:
        """What is said of frames that are larger than they may be."""
        most = self._limits.max_pixels
        if width * height <= most:
            return ""
        over = f"frames of {width} x {height} pixels, over the limit of {most / 1e6:g} million"
        return over + self._limits.advice("max_pixels")

    def _damaged(self, error: FFmpegError) -> str:
        """What is said of a frame that does not decode; FFmpeg tells no size of the first one where it is too large."""
        if too_large := self._too_large(self._context.width, self._context.height):
            return too_large
        words = f"damaged ({words_of(error)})"
        if self._context.width or error.errno != EINVAL:
            return words
        most = f"{self._limits.max_pixels / 1e6:g} million pixels"
        return f"{words}, or over the limit of {most}{self._limits.advice('max_pixels')}"

    def _hurt(self, time_s: float | None, words: str) -> None:
        self._broken = self._broken or (self._clock.next_s() if time_s is None else time_s, words)
        self._places += 1

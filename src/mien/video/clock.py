"""When frames are shown, in seconds of a player's clock: 0 is where the file begins, with sound or with a picture.

Where a file gives no times, or such that run backwards, frames are counted by its rate, and that is said.
"""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from math import inf

from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

USUAL = Fraction(25)  # frames a second, where a file does not say
RAW = ("h264", "hevc", "mjpeg", "m4v", "mpegvideo", "obu")  # files without times, for which FFmpeg makes some up
GUESSED = ("avi", "mpeg", "asf")  # whose packets' times FFmpeg makes up in part, or has in the order of decoding
JUMP_S = 1.0  # by which a clock goes back where a new recording begins

COUNTED = "its frames have no times: counted at {rate:g} frames a second"
BACKWARDS = "the times of some frames run backwards: these are taken as shown right after the one before"
NEXT = 1 / 8  # of a frame, from one frame to another that is shown right after it


class Clock:
    """The times of one stream's frames, which rise.

    Attributes:
        rate: frames a second, on average, or None.
        zeros: where the player's clock is 0 on the file's own, from the first packet on; and anew each time that the
            file's own begins anew.
        end_s: where the last packet ends that was seen, of any stream.
        last_s: when the last frame that came out of the decoder is shown; -inf before the first.
        notes: what is to be said of the times, as sentences.
    """

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self.rate = _rate(container, stream)
        self.end_s = 0.0
        self.last_s = -inf
        self.notes: tuple[str, ...] = ()
        self._step_s = float(1 / (self.rate or USUAL))
        self._tick = Fraction(stream.time_base or 1)
        self._in_order = container.format.name == "avi"  # whose times are those of decoding
        self._decoding: deque[int] = deque()
        self._origin = _origin(container, stream)
        self._duration = _duration(container, stream)
        self._declares_end = container.format.name == "matroska,webm"
        self._counts = container.format.name in RAW
        self._guesses = container.format.name in GUESSED
        self._shifts = [0.0]
        self._zeros: tuple[float, ...] = ()
        self._made_of: tuple[Fraction | None, int] = (None, 0)

    def saw(self, packet: Packet[Stream]) -> None:
        """A packet of any stream has come out of the file."""
        start = packet.dts if packet.pts is None else packet.pts
        if start is None or not packet.time_base:
            return
        if self._origin is None:
            self._origin = max(start * packet.time_base, Fraction(0))
        end = (start + (packet.duration or 0)) * packet.time_base - self._origin
        self.end_s = max(self.end_s, float(end))

    @property
    def zeros(self) -> tuple[float, ...]:
        if (made_of := (self._origin, len(self._shifts))) != self._made_of:  # a tuple a jump, and not a frame
            self._made_of = made_of
            self._zeros = tuple(float(self._origin or 0) - shift_s for shift_s in self._shifts)
        return self._zeros

    @property
    def duration_s(self) -> float | None:
        """Of the file, as it is declared, or None."""
        duration = self._duration - (self._origin or 0) * self._declares_end
        return float(duration) if duration > 0 else None

    def gave(self, packet: Packet[VideoStream]) -> None:
        """A packet goes into the decoder."""
        if self._in_order and packet.dts is not None:
            self._decoding.append(packet.dts)

    def time_of_packet(self, packet: Packet[VideoStream]) -> float | None:
        """When a packet's frame is shown, if that can be told before it is decoded."""
        if self._guesses or self._counts or packet.pts is None:
            return None
        return float(packet.pts * self._tick - (self._origin or 0)) + self._shifts[-1]

    def time_of(self, frame: VideoFrame) -> float:
        """When the next frame that came out of the decoder is shown."""
        ticks = None if self._counts else frame.pts
        if self._in_order:
            ticks = self._decoding.popleft() if self._decoding else None
        if ticks is None:
            self._note(COUNTED.format(rate=float(self.rate or USUAL)))
            time_s = self.next_s()
        else:
            time_s = float(ticks * self._tick - (self._origin or 0)) + self._shifts[-1]
        if time_s <= self.last_s:
            self._note(BACKWARDS)
            if self.last_s - time_s > JUMP_S:
                self._shifts.append(self._shifts[-1] + self.next_s() - time_s)
                time_s = self.next_s()
            else:
                time_s = self.last_s + NEXT * self._step_s
        self.last_s = time_s
        return time_s

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes += (note,)

    def next_s(self) -> float:
        """When a frame is to be expected after the last one that came out of the decoder."""
        return 0.0 if self.last_s == -inf else self.last_s + self._step_s


def _rate(container: InputContainer, stream: VideoStream) -> Fraction | None:
    """Frames a second: as the frames themselves say where FFmpeg makes up times, at 25 a second, for want of others."""
    average, guessed = stream.average_rate, stream.guessed_rate
    if container.format.name in RAW:
        return stream.codec_context.framerate or average
    ticks = 1 / Fraction(stream.time_base or 1)  # of the clock, which no camera is as fast as
    return guessed if average == ticks and guessed and guessed < average else average or guessed or None


def _origin(container: InputContainer, stream: VideoStream) -> Fraction | None:
    """Where a player's clock is 0, on the file's clock, in seconds; None where the first packet is to tell.

    Sound may begin before 0, with what its coder needs to set in; players do not count that.
    """
    if stream.start_time is None or container.start_time is None:
        return None
    begins = stream.start_time * Fraction(stream.time_base or 1)
    return min(begins, max(Fraction(container.start_time, 10**6), Fraction(0)))


def _duration(container: InputContainer, stream: VideoStream) -> Fraction:
    """What the file declares, or 0; FFmpeg cuts that of an AVI to what is there, but not its count of frames."""
    duration = Fraction(container.duration or 0, 10**6)
    if container.format.name == "avi" and stream.average_rate:
        return max(duration, stream.frames / stream.average_rate)
    return duration

"""Which packets of a video need not be decoded: those whose frames nobody asked for and no other frame needs.

A packet's own words decide, and what the frames before it have shown of them: times that run backwards, and keyframes
that are none, say nothing. Frames that do not come out are counted all the same.
"""

from __future__ import annotations

from heapq import heappop, heappush
from math import inf

from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mien.video.clock import Clock
from mien.video.moments import Moments

CODERS = {"h264", "hevc", "mpeg4", "mpeg1video", "mpeg2video"}
"""Decoders that pass over frames to which no other refers; in their files a packet is a frame, or a field of one."""

VP8 = {"vp8", "libvpx"}
SHOWN = 0x10  # in the first byte of a VP8 frame that is not only there for others to refer to (RFC 6386, 9.1)


class Passing:
    """Looks at a stream's packets, one by one and in their order, and at the frames that come of them.

    Args:
        coder: that decodes them, by FFmpeg's name.
        clock: the stream's.

    Attributes:
        moments: whose frames are wanted; all frames until that is set.
        singly: whether the decoder may be told to pass over a frame to which no other refers.
        restless: whether times have run backwards, or one came twice.
    """

    def __init__(self, coder: str, clock: Clock) -> None:
        self.moments = Moments()
        self.singly, self.restless = coder in CODERS, False
        self._coder, self._clock = coder, clock
        self._dts: int | None = None  # of the last packet that has one
        self._pts: set[int] = set()  # of packets whose frames may be shown later than that one's
        self._given: dict[float, float] = {}  # by moment, the earliest frame at or after it that the decoder was given
        self._keys: set[int | None] = set()  # the times of keyframes that are in the decoder
        self._anew = 0.0  # how many came out as such; -inf once one did not
        self._passed: list[int] = []  # a heap of the times of frames that were passed over, and are not counted yet
        self._latest: int | None = None  # the time of the last frame that came out

    @property
    def in_groups(self) -> bool:
        """Whether all packets before a keyframe can be left out, as keyframes have been such so far."""
        return self._anew > 1

    def steady(self, packet: Packet[VideoStream]) -> bool:
        """Whether times have risen so far, and this packet's is known; else it hangs on the frames before it."""
        if packet.dts is not None:
            self.restless |= self._dts is not None and packet.dts < self._dts
            self._dts = packet.dts
            self._pts = {pts for pts in self._pts if pts >= packet.dts}
        if packet.pts is not None:
            self.restless |= packet.pts in self._pts
            self._pts.add(packet.pts)
        return not self.restless and self._clock.time_of_packet(packet) is not None

    def may_be_wanted(self, packet: Packet[VideoStream]) -> bool:
        """Whether a packet's frame may be the first one at or after a moment, of those that the decoder is given."""
        time_s = self._clock.time_of_packet(packet)
        if time_s is None or time_s <= self._clock.last_s or self._clock.notes:
            return True
        if self._hidden(packet):
            return False
        moment = self.moments.reached(time_s)
        if moment == -inf or time_s >= self._given.get(moment, inf):
            return False
        gone = self.moments.reached(self._clock.last_s)
        self._given = {each: first_s for each, first_s in self._given.items() if each >= gone} | {moment: time_s}
        return True

    def gave(self, packet: Packet[VideoStream]) -> None:
        """The decoder is given a packet, whose frame comes out where it is one by itself."""
        if packet.is_keyframe:
            self._keys.add(packet.pts)

    def left_out(self, packet: Packet[VideoStream]) -> None:
        """A packet's frame does not come out, and is counted."""
        if packet.pts is not None and not self._hidden(packet):
            heappush(self._passed, packet.pts)

    def came(self, frame: VideoFrame) -> int:
        """A frame came out: how many before it did not.

        What the file calls a keyframe may be none: from there on H.264 is refreshed piece by piece. Of interlaced
        frames half a one may stand in a packet of its own; and after a gap FFmpeg leaves out some of MPEG-4.
        """
        if frame.pts in self._keys:
            self._keys.remove(frame.pts)
            self._anew += 1 if frame.key_frame else -inf
        if frame.interlaced_frame:
            self.singly = False
            self._anew -= inf if self._coder == "mpeg4" else 0
        return 0 if frame.pts is None else self._count_before(frame.pts)

    def _count_before(self, pts: int) -> int:
        count, anew = 0, self._latest is not None and pts < self._latest
        while self._passed and (anew or self._passed[0] <= pts):
            count += heappop(self._passed) != pts
        self._latest = pts
        return count

    def _hidden(self, packet: Packet[VideoStream]) -> bool:
        """Whether a packet's frame is only there for others to refer to."""
        return packet.is_discard or (self._coder in VP8 and not memoryview(packet)[0] & SHOWN)

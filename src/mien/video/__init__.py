"""Video: frames with the time at which they are shown, upright and in the colours that were meant, in constant memory.

Time is in seconds of a player's clock: 0 is where the file begins, which need not be where its pictures do. What can
be read of a damaged file is given, and then the error that says when it broke.
"""

from __future__ import annotations

from mien.video.frame import Clip, Frame
from mien.video.reading import Frames, VideoSource, describe, frames

__all__ = ["Clip", "Frame", "Frames", "VideoSource", "describe", "frames"]

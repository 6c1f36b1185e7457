"""What a video gives: frames, whose pixels are made when they are first asked for, and what is known of the whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from mien.image import Pixels
from mien.picture import Picture, first_factor

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

SLACK = 1e-6  # s, by which a frame may come before the moment that it is asked for


@dataclass(frozen=True)
class Clip:
    """A video before it is read.

    Args:
        width: in px, of its first frame as it is shown: upright, and with square pixels.
        height: likewise.
        duration_s: as the file declares it; None where it does not.
        rate: frames a second, on average; None where nobody knows.
        start_s: when its first frame is shown.
        notes: what is to be said of how it is read, as sentences; most often none.
    """

    width: int
    height: int
    duration_s: float | None
    rate: float | None
    start_s: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Frame:
    """One frame of a video.

    It may be kept, at the price of its memory: one that is given to another thread is that thread's.

    Args:
        time_s: when it is shown; rises from frame to frame.
        number: which of the video's frames it is, from 0.
        width: in px, as it is shown.
        height: likewise.
        make: its pixels, so many times smaller.
        coded: the frame as PyAV decoded it, not upright, if it did.
        zeros: what the file's own clock shows where that of a player is 0; the last of them now, those before it until
            the file's own began anew.
    """

    time_s: float
    number: int
    width: int
    height: int
    make: Callable[[int], Pixels] = field(repr=False, compare=False)
    coded: VideoFrame | None = field(default=None, repr=False, compare=False)
    zeros: tuple[float, ...] = field(default=(0.0,), repr=False, compare=False)

    @classmethod
    def of(cls, time_s: float, number: int, pixels: Pixels) -> Frame:
        """A frame whose pixels are there already."""
        height, width = pixels.shape[:2]

        return cls(time_s, number, width, height, partial(reduced, pixels))

    @cached_property
    def pixels(self) -> Pixels:
        """The whole frame: (H, W, 3), RGB uint8, upright, contiguous, read-only."""
        return self.make(1)

    @property
    def picture(self) -> Picture:
        """The frame as a picture, which is made no finer than needed."""
        size = self.width, self.height
        factor = first_factor(*size)

        def again(factor: int) -> Image.Image:
            return Image.fromarray(self.make(factor))  # and not `pixels`: a large one would be held beside it

        return Picture(size, Image.fromarray(self.reduced(factor)), factor, again)

    def reduced(self, factor: int) -> Pixels:
        """A copy so many times smaller, its sides rounded up; made in less time than the whole."""
        return self.pixels if factor == 1 else self.make(factor)


def reduced(pixels: Pixels, factor: int) -> Pixels:
    """An image so many times smaller, its sides rounded up."""
    return pixels if factor == 1 else np.asarray(Image.fromarray(pixels).reduce(factor))

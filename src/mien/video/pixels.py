"""A decoded frame becomes RGB as it is meant to be seen: its matrix, range and curve, square pixels, and upright.

A frame says how its colours are coded; where it does not, frames of 720 rows or 1280 columns and more are BT.709 and
others and VP9's BT.601, as in Chromium. Gray is of limited range where it says so, which FFmpeg does not heed. HLG and
PQ, what phones film by default, become what a plain screen shows. A whole frame is within a level of the exact colours
(through `gbrp`, which FFmpeg makes exactly in a sixth of the time that it takes for `rgb24`), a smaller copy within
three.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from contextlib import suppress
from fractions import Fraction
from threading import Lock
from typing import cast

import numpy as np
from av.buffer import Buffer
from av.sidedata.sidedata import SideDataContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, ColorTrc, Interpolation, VideoReformatter
from numpy.typing import NDArray
from PIL import Image

from mien.image import Pixels
from mien.picture import SIDEWAYS
from mien.video.frame import reduced

BT709, UNSPECIFIED, RESERVED, BT601 = 1, 2, 3, 6  # AVCOL_SPC
READ = (0, BT709, 4, 5, BT601, 7, 9)  # those whose colours FFmpeg converts: all but YCgCo and its like
ALWAYS_601 = ("vp8", "vp9", "libvpx", "libvpx-vp9")  # codecs whose frames without a tag browsers take so
HD_ROWS, HD_COLUMNS = 720, 1280
HDR = (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67)
GRAY = re.compile(r"gray(\d+[lb]e)?")  # formats of luma alone
RGBA = 4  # channels
WIDEST = 4  # times that a pixel may be wider than high, or higher than wide; more is a mistake in the file

Turn = Image.Transpose | None

TURNS: dict[tuple[int, int, int, int], Turn] = {
    (1, 0, 0, 1): None,
    (-1, 0, 0, 1): Image.Transpose.FLIP_LEFT_RIGHT,
    (-1, 0, 0, -1): Image.Transpose.ROTATE_180,
    (1, 0, 0, -1): Image.Transpose.FLIP_TOP_BOTTOM,
    (0, 1, 1, 0): Image.Transpose.TRANSPOSE,
    (0, 1, -1, 0): Image.Transpose.ROTATE_270,
    (0, -1, -1, 0): Image.Transpose.TRANSVERSE,
    (0, -1, 1, 0): Image.Transpose.ROTATE_90,
}
"""A display matrix's (a, b, c, d), where x becomes ax + cy and y becomes bx + dy, and what does so to an image."""


class Painter:
    """Makes frames of one video RGB; what it has set up for one frame serves the next. Several threads may use it.

    Args:
        aspect: how many times a pixel is wider than high; None where that is not told.
        opaque: whether what FFmpeg takes for alpha is none.

    Attributes:
        aspect: as it was told.
        turn: what makes upright the frames that do not say it themselves.
    """

    def __init__(self, aspect: Fraction | None, opaque: bool = False) -> None:
        self.aspect, self._opaque = aspect, opaque
        self._wider = aspect if aspect and 1 / WIDEST <= aspect <= WIDEST else Fraction(1)
        self.turn: Turn = None
        self._lock = Lock()  # a frame's tags are changed while it is converted
        self._gray = VideoReformatter()
        self._reformatters: dict[tuple[str, str, int], VideoReformatter] = {}

    def paint(self, frame: VideoFrame, factor: int = 1) -> Pixels:
        """A frame's pixels, upright, read-only.

        Args:
            frame: decoded.
            factor: how many times smaller.
        """
        with self._lock:
            array = self._rgb(frame, factor).to_ndarray().astype(np.uint8, copy=False)
        if array.shape[2] == RGBA:
            array = _on_white(array)
        if frame.color_trc in HDR:
            array = reduced(array, factor)
        turn = self._turn_of(frame)
        if turn is not None:
            array = np.asarray(Image.fromarray(array).transpose(turn))
        pixels = np.ascontiguousarray(array)
        pixels.flags.writeable = False
        return pixels

    def _rgb(self, frame: VideoFrame, factor: int) -> VideoFrame:
        """A frame in RGB, or RGBA where parts may be clear; HDR as a whole, for its tables take seconds to make."""
        width, height = self._square(frame)
        frame = ranged(frame, self._gray)
        told: dict[str, int] = {}
        if frame.color_trc in HDR:
            told |= {"dst_color_trc": ColorTrc.IEC61966_2_1, "dst_color_primaries": ColorPrimaries.BT709}
            factor = 1
        clear = may_be_clear(frame) and not self._opaque
        exact = factor == 1 and not clear and frame.color_trc not in HDR

        def to(form: str, source: VideoFrame, **told: int) -> VideoFrame:
            kept = self._reformatters.setdefault((source.format.name, form, factor), VideoReformatter())
            how = (Interpolation.BILINEAR if factor == 1 else Interpolation.AREA) | Interpolation.ACCURATE_RND
            size = -(-width // factor), -(-height // factor)
            return kept.reformat(source, *size, form, interpolation=how, threads=1, **told)

        if exact and not frame.format.is_rgb:
            return to("rgb24", to("gbrp", frame, **told))
        return to("rgba" if clear else "rgb24", frame, **told)

    def size(self, frame: VideoFrame) -> tuple[int, int]:
        """A frame's width and height as it is shown."""
        width, height = self._square(frame)
        return (height, width) if self._turn_of(frame) in SIDEWAYS else (width, height)

    def _turn_of(self, frame: VideoFrame) -> Turn:
        told = turn_of(frame)
        return self.turn if told is None else told

    def _square(self, frame: VideoFrame) -> tuple[int, int]:
        """Its width and height with square pixels, not yet upright."""
        return max(1, round(frame.width * self._wider)), frame.height


class _Beside(SideDataContainer):
    """What lies beside a frame's pixels, up to the first that PyAV has no name for, at which it raises.

    A matrix lies before those, such as EXIF. `frame.side_data` would keep the frame until garbage is collected.
    """

    def __init__(self, frame: VideoFrame) -> None:
        with suppress(ValueError):
            super().__init__(frame)  # type: ignore[call-arg]


def may_be_clear(frame: VideoFrame) -> bool:
    """Whether a frame may have clear parts, by its format: palettes have them, of which FFmpeg does not say so."""
    return any(part.is_alpha for part in frame.format.components) or frame.format.name == "pal8"


def turn_of(frame: VideoFrame) -> Turn:
    """What makes a frame upright: the turn or mirroring by right angles that comes closest to its display matrix."""
    matrix = cast("Mapping[str, Buffer]", _Beside(frame)).get("DISPLAYMATRIX")
    if matrix is None:
        return None
    a, b, _, c, d = struct.unpack_from("=5i", bytes(matrix))
    return TURNS[max(TURNS, key=lambda turn: a * turn[0] + b * turn[1] + c * turn[2] + d * turn[3])]


def tell_matrix(frame: VideoFrame, codec: str) -> bool:
    """Have a frame say how its colours are coded, where it does not; whether they can be read.

    Args:
        frame: as it was decoded.
        codec: by FFmpeg's name.
    """
    if frame.format.is_rgb:
        return True
    if frame.colorspace in (UNSPECIFIED, RESERVED):
        large = frame.height >= HD_ROWS or frame.width >= HD_COLUMNS
        frame.colorspace = BT709 if large and codec not in ALWAYS_601 else BT601
    return frame.colorspace in READ or GRAY.fullmatch(frame.format.name) is not None


def ranged(frame: VideoFrame, reformatter: VideoReformatter) -> VideoFrame:
    """A frame whose range FFmpeg heeds: itself, or for gray of limited range, which it takes for full, the same in YUV.

    Args:
        frame: as it was decoded.
        reformatter: kept for this from one frame to the next.
    """
    if frame.color_range != ColorRange.MPEG or not GRAY.fullmatch(frame.format.name):
        return frame
    form = frame.format.name.replace("gray", "yuv420p")
    yuv = reformatter.reformat(frame, format=form, threads=1, dst_color_range=ColorRange.JPEG)  # as it takes the gray
    yuv.color_range = ColorRange.MPEG
    return yuv


def _on_white(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    image = Image.fromarray(rgba)
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image)
    return np.asarray(white)

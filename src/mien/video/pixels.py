"""A decoded frame becomes RGB as it is meant to be seen: its matrix, range and curve, square pixels, and upright.

A frame says how its colours are coded; where it does not, frames of 720 rows or 1280 columns and more are BT.709 and
others BT.601, as in browsers. HLG and PQ, what phones film by default, are converted to what a plain screen shows.
"""

from __future__ import annotations

from fractions import Fraction
from threading import Lock

import numpy as np
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, Colorspace, ColorTrc, Interpolation, VideoReformatter
from PIL import Image

from mien.image import Pixels

UNSPECIFIED = 2  # AVCOL_SPC_UNSPECIFIED
HD_ROWS, HD_COLUMNS = 720, 1280
HDR = (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67)
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

SIDEWAYS = {
    Image.Transpose.TRANSPOSE,
    Image.Transpose.TRANSVERSE,
    Image.Transpose.ROTATE_90,
    Image.Transpose.ROTATE_270,
}


class Painter:
    """Makes frames of one video RGB; what it has set up for one frame serves the next. Several threads may use it.

    Args:
        aspect: how many times a pixel is wider than high; None where that is not told.
    """

    def __init__(self, aspect: Fraction | None) -> None:
        self._aspect = aspect if aspect and 1 / WIDEST <= aspect <= WIDEST else Fraction(1)
        self._lock = Lock()  # a frame's tags are changed while it is converted
        self._reformatters: dict[int, VideoReformatter] = {}

    def paint(self, frame: VideoFrame, factor: int = 1) -> Pixels:
        """A frame's pixels, upright, read-only.

        Args:
            frame: decoded.
            factor: how many times smaller.
        """
        width, height = self._square(frame)
        alpha = any(part.is_alpha for part in frame.format.components) or frame.format.name == "pal8"
        with self._lock:
            rgb = self._reformatters.setdefault(factor, VideoReformatter()).reformat(
                frame,
                -(-width // factor),
                -(-height // factor),
                "rgba" if alpha else "rgb24",
                **_colours(frame),
                interpolation=(Interpolation.BILINEAR if factor == 1 else Interpolation.AREA)
                | Interpolation.ACCURATE_RND
                | Interpolation.FULL_CHR_H_INT,
                threads=1,
            )
        array = rgb.to_ndarray().astype(np.uint8, copy=False)
        turn = turn_of(frame)
        if alpha:
            array = _on_white(array)
        if turn is not None:
            array = np.asarray(Image.fromarray(array).transpose(turn))
        pixels = np.ascontiguousarray(array)
        pixels.flags.writeable = False
        return pixels

    def size(self, frame: VideoFrame) -> tuple[int, int]:
        """A frame's width and height as it is shown."""
        width, height = self._square(frame)
        return (height, width) if turn_of(frame) in SIDEWAYS else (width, height)

    def _square(self, frame: VideoFrame) -> tuple[int, int]:
        """Its width and height with square pixels, not yet upright."""
        return max(1, round(frame.width * self._aspect)), frame.height


def turn_of(frame: VideoFrame) -> Turn:
    """What makes a frame upright: the turn or mirroring by right angles that comes closest to its display matrix."""
    matrix = frame.side_data.get(Type.DISPLAYMATRIX)
    if matrix is None:
        return None
    a, b, _, c, d = (float(each) for each in np.frombuffer(matrix, np.int32)[:5])
    return TURNS[max(TURNS, key=lambda turn: a * turn[0] + b * turn[1] + c * turn[2] + d * turn[3])]


def _colours(frame: VideoFrame) -> dict[str, int]:
    """How a frame's colours are coded, where that is not what its tags say, and what they are to become."""
    told: dict[str, int] = {}
    if frame.colorspace == UNSPECIFIED:
        large = frame.height >= HD_ROWS or frame.width >= HD_COLUMNS
        told["src_colorspace"] = Colorspace.ITU709 if large else Colorspace.ITU601
    if frame.color_trc in HDR:
        told |= {"dst_color_trc": ColorTrc.IEC61966_2_1, "dst_color_primaries": ColorPrimaries.BT709}
    return told


def _on_white(rgba: Pixels) -> Pixels:
    image = Image.fromarray(rgba)
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image)
    return np.asarray(white)

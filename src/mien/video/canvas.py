"""A frame to draw on before it is coded: 8-bit YUV 4:2:0, so that all that is not drawn on stays as it was decoded."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray
from PIL import Image

from mien.picture import SIDEWAYS
from mien.video.frame import Frame
from mien.video.pixels import BT709, HDR, Turn, may_be_clear, ranged, turn_of

Plane = NDArray[np.uint8]
Rect = tuple[int, int, int, int]

WEIGHTS = {Colorspace.ITU601: (0.299, 0.114), Colorspace.ITU709: (0.2126, 0.0722)}
"""What red and blue weigh in luma."""

BT601 = (4, 5, 6)  # AVCOL_SPC_FCC, BT470BG, SMPTE170M
TURNED = {
    Image.Transpose.FLIP_LEFT_RIGHT: lambda plane: plane[:, ::-1],
    Image.Transpose.ROTATE_180: lambda plane: plane[::-1, ::-1],
    Image.Transpose.FLIP_TOP_BOTTOM: lambda plane: plane[::-1],
    Image.Transpose.TRANSPOSE: lambda plane: plane.T,
    Image.Transpose.ROTATE_270: lambda plane: np.rot90(plane, -1),
    Image.Transpose.TRANSVERSE: lambda plane: plane[::-1, ::-1].T,
    Image.Transpose.ROTATE_90: lambda plane: np.rot90(plane),
}


class Sprite(NamedTuple):
    """A picture in a canvas's colours: luma (H, W), and blue and red difference (H / 2, W / 2), sides rounded up."""

    y: Plane
    u: Plane
    v: Plane


class Canvas:
    """A frame's planes, to be drawn on.

    Args:
        frame: 8-bit YUV 4:2:0 of limited range and even sides, nobody else's.
        matrix: how its colours are coded, BT.601 or BT.709.
    """

    def __init__(self, frame: VideoFrame, matrix: Colorspace) -> None:
        self.frame, self.matrix = frame, matrix
        frame.color_range, frame.colorspace = ColorRange.MPEG, tagged(matrix)
        self._planes = planes_of(frame)

    def fill(self, rect: Rect, colour: tuple[int, int, int]) -> None:
        """A rectangle of one colour; x1 and y1 are beyond its last px."""
        x0, y0, x1, y1 = rect
        y, u, v = _shade(colour, self.matrix)
        self._planes.y[y0:y1, x0:x1] = y
        for plane, value in ((self._planes.u, u), (self._planes.v, v)):
            plane[y0 // 2 : -(-y1 // 2), x0 // 2 : -(-x1 // 2)] = value

    def drawn(self, picture: Image.Image) -> Sprite:
        """A picture in RGB, to be pasted, as often as wanted."""
        return sprite(np.asarray(picture), self.matrix)

    def paste(self, drawn: Sprite, left: int, top: int) -> None:
        """A picture at a place, moved to even px."""
        for plane, part, step in zip(self._planes, drawn, (1, 2, 2), strict=True):
            y, x = top // 2 * 2 // step, left // 2 * 2 // step
            room = plane[y : y + part.shape[0], x : x + part.shape[1]]
            room[:] = part[: room.shape[0], : room.shape[1]]


class Easel:
    """Makes the frames of one video canvases of one size.

    Args:
        width: of the canvases, even.
        height: likewise.
        matrix: of their colours, see `matrix_for`.
    """

    def __init__(self, width: int, height: int, matrix: Colorspace) -> None:
        self._size, self._matrix = (width, height), matrix
        self._reformatter, self._gray = VideoReformatter(), VideoReformatter()

    def canvas(self, frame: Frame) -> Canvas:
        """A canvas with the frame on it, upright."""
        coded, turn = frame.coded, None
        if coded is None or coded.color_trc in HDR or may_be_clear(coded):
            coded = VideoFrame.from_ndarray(frame.pixels, "rgb24")
        else:
            turn = turn_of(coded)
            coded = ranged(coded, self._gray)
        plain = self._plain(coded, turn)
        if turn is None and plain is not coded:
            return Canvas(plain, self._matrix)
        own = VideoFrame(*self._size, "yuv420p")
        for plane, source in zip(planes_of(own), planes_of(plain), strict=True):
            plane[:] = source if turn is None else TURNED[turn](source)
        return Canvas(own, self._matrix)

    def _plain(self, coded: VideoFrame, turn: Turn) -> VideoFrame:
        """A frame in the canvases' format and size, not yet turned; itself where it is so already."""
        width, height = self._size
        if turn in SIDEWAYS:
            width, height = height, width
        fits = (coded.format.name, coded.width, coded.height) == ("yuv420p", width, height)
        if fits and coded.color_range != ColorRange.JPEG and same_matrix(coded, self._matrix):
            return coded
        colours = {"dst_colorspace": self._matrix, "dst_color_range": ColorRange.MPEG}
        return self._reformatter.reformat(coded, width, height, "yuv420p", threads=1, **colours)


def planes_of(frame: VideoFrame) -> Sprite:
    """The planes of a frame in 8-bit YUV 4:2:0, to be read and written."""
    planes = []
    for plane, step in zip(frame.planes, (1, 2, 2), strict=True):
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        planes.append(rows[: -(-frame.height // step), : -(-frame.width // step)])
    return Sprite(*planes)


def same_matrix(coded: VideoFrame, matrix: Colorspace) -> bool:
    """Whether a frame's colours are coded so."""
    return coded.colorspace in (BT601 if matrix == Colorspace.ITU601 else (BT709,))


@cache
def _shade(colour: tuple[int, int, int], matrix: Colorspace) -> tuple[int, int, int]:
    y, u, v = sprite(np.array([[colour]], np.uint8), matrix)
    return int(y[0, 0]), int(u[0, 0]), int(v[0, 0])


def matrix_for(frame: Frame) -> Colorspace:
    """How the colours of a copy are coded: BT.601 where those of the frame are, and else BT.709."""
    coded = frame.coded
    return Colorspace.ITU601 if coded is not None and coded.colorspace in BT601 else Colorspace.ITU709


def tagged(matrix: Colorspace) -> int:
    """As coders name it."""
    return 1 if matrix == Colorspace.ITU709 else 6


def sprite(rgb: NDArray[np.uint8], matrix: Colorspace) -> Sprite:
    """A picture (H, W, 3) in the colours of canvases."""
    red, blue = WEIGHTS[matrix]
    r, g, b = (rgb[..., channel] / 255 for channel in range(3))
    luma = red * r + (1 - red - blue) * g + blue * b
    y = 16 + 219 * luma
    u, v = (128 + 224 * each for each in ((b - luma) / (2 - 2 * blue), (r - luma) / (2 - 2 * red)))
    height, width = luma.shape
    even = (0, height % 2), (0, width % 2)
    u, v = (np.pad(each, even, "edge").reshape(-(-height // 2), 2, -(-width // 2), 2).mean((1, 3)) for each in (u, v))
    return Sprite(*(np.round(each).astype(np.uint8) for each in (y, u, v)))

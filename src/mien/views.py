"""Views: which squares of an image a detector looks at, and what a network sees of one."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.picture import Picture

BORDER = 0.5  # around the image in the look for close-ups, on each edge, in image sides
LONG = 4  # times as long as wide; beyond, an image is cut into squares
MOST_SQUARES = 64  # of a long image; a longer one has them larger, so that none takes long
QUARTER = 9 / 16  # side of a window's quarters, in its sides: they overlap, so that one of them holds a tiny face whole
GAP = 2  # a view is made from a copy at least so many times as large, where the photo has the pixels
ROUGH = 1.3  # the same of a glance, and close up: as fine as the face's crop has to be

Floats = NDArray[np.float32]


class Window(NamedTuple):
    """A square of the image that one look sees, in px; it may reach past the image's edges."""

    x: float
    y: float
    side: float

    def grown(self, border: float) -> Window:
        """The window with a border of that many sides on each edge."""
        return Window(self.x - border * self.side, self.y - border * self.side, self.side * (1 + 2 * border))

    def quarters(self) -> list[Window]:
        """Four windows, one in each corner, that overlap a little."""
        side = self.side * QUARTER
        ends = (0.0, self.side - side)
        return [Window(self.x + x, self.y + y, side) for y in ends for x in ends]

    def holds(self, row: Floats) -> bool:
        """Whether the middle of a face's box lies in the window."""
        x, y = (row[:2] + row[2:4]) / 2
        return bool(self.x <= x < self.x + self.side and self.y <= y < self.y + self.side)


class View(NamedTuple):
    """How a network is shown a window.

    Args:
        px: the window's side in the view.
        step: what the view's sides are multiples of; below `px`, it has no more black beside the image than need be.
        gap: how many times as large as the view what it is made from is at least, where the photo has the pixels.
        over: whether it is upside down.
    """

    px: int
    step: int
    gap: float = GAP
    over: bool = False

    @property
    def inverted(self) -> View:
        return self._replace(over=True)


def view_of(picture: Picture, window: Window, view: View) -> tuple[NDArray[np.uint8], Floats, Floats]:
    """What a network sees of a window, upright: (1, height, width, 3) in 0..255 with black outside the image.

    Returns:
        The pixels, and `scale` and `offset` (x, y) with which view = image * scale + offset.
    """
    px, step = view.px, view.step
    corner = np.array([window.x, window.y])
    low, high = np.maximum(corner, 0), np.minimum(corner + window.side, picture.size)
    start = np.minimum(np.rint((low - corner) * px / window.side), px - 1)
    size = np.clip(np.rint((high - low) * px / window.side), 1, px - start)
    sides = np.ceil(size / step) * step
    start = np.minimum(start, sides - size)
    copy, factor = picture.copy(max(1, int(window.side / px / view.gap)))
    box = (*low / factor, *high / factor)
    part = copy.resize((int(size[0]), int(size[1])), Image.Resampling.BILINEAR, box, view.gap)
    canvas = Image.new("RGB", (int(sides[0]), int(sides[1])))
    canvas.paste(part, (int(start[0]), int(start[1])))
    scale = size / (high - low)
    return np.asarray(canvas)[np.newaxis], scale.astype(np.float32), (start - low * scale).astype(np.float32)


def around(row: Floats, sides: float) -> Window:
    """A square with a face in the middle, so many of its box's longer sides long."""
    (x0, y0), (x1, y1) = row[:2], row[2:4]
    side = float(max(x1 - x0, y1 - y0)) * sides
    return Window(float(x0 + x1 - side) / 2, float(y0 + y1 - side) / 2, side)


def squares_of(size: tuple[int, int]) -> tuple[list[Window], list[Window]]:
    """The squares that an image is looked at in, and what the short-range network sees of it: they have a border.

    A long image is wholly shown by squares one beside the other, as wide as it is, and looked at with their borders.
    """
    width, height = size
    length, short = max(width, height), min(width, height)
    if length <= LONG * short:
        whole = Window((width - length) / 2, (height - length) / 2, length)
        return [whole], [whole.grown(BORDER)]
    count = min(math.ceil(length / short), MOST_SQUARES)
    side = max(float(short), length / count)
    starts = np.linspace(0, length - side, count).tolist()
    across = (short - side) / 2
    along = [Window(start, across, side) if width > height else Window(across, start, side) for start in starts]
    bordered = [window.grown(BORDER) for window in along]
    return bordered, bordered

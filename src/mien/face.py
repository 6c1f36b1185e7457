"""Faces: where one is in an image, and the crop that the network sees.

Coordinates are float pixels (x, y) in the upright image, origin at its upper left corner; boxes are (x0, y0, x1, y1).
"Left" and "right" are the image's left and right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.errors import MienError

Point = tuple[float, float]
Box = tuple[float, float, float, float]

# How FER2013 frames a face (docs/detector.md): the crop's side, in landmarks' RMS distances from their mean or in box
# sides, and by how many sides its centre lies above the landmarks' mean or the box's centre.
SIDE_BY_LANDMARKS, LIFT_BY_LANDMARKS = 3.50, 0.012
SIDE_BY_BOX, LIFT_BY_BOX = 1.16, 0.07

FINE = 1.25  # px of an image, at least, for one of a crop's, where the photo has them (docs/performance.md)


@dataclass(frozen=True)
class Face:
    """One face in an image.

    Args:
        box_xyxy: (x0, y0, x1, y1) in px of the upright image, x0 < x1 and y0 < y1; may reach past its edges.
        landmarks_xy: six points in px likewise: left eye, right eye, nose tip, mouth centre, left ear, right ear, where
            left is the image's left; or empty, if the detector gives none (the face is then cropped without alignment).
        score: the detector's confidence that this is a face, 0..1.

    Raises:
        MienError: the box, the number of landmarks or the score is no such one.
    """

    box_xyxy: Box
    landmarks_xy: tuple[Point, ...]
    score: float

    def __post_init__(self) -> None:
        if not _is_box(self.box_xyxy):
            raise MienError(f"a face's box is (x0, y0, x1, y1) with x0 < x1 and y0 < y1, got {self.box_xyxy!r}")
        points = _points(self.landmarks_xy)
        if points not in (0, 6):
            got = repr(self.landmarks_xy) if points is None else points
            raise MienError(f"a face has six landmarks (x, y) or none, got {got}")
        if not is_share(self.score):
            raise MienError(f"a face's score is within 0..1, got {self.score!r}")

    def __repr__(self) -> str:
        box = ", ".join(f"{edge:.0f}" for edge in self.box_xyxy)
        return f"Face(({box}), score {self.score:.2f})"

    @property
    def centre_xy(self) -> Point:
        """The middle of its box, in px."""
        x0, y0, x1, y1 = self.box_xyxy
        return (x0 + x1) / 2, (y0 + y1) / 2

    @property
    def side(self) -> float:
        """The shorter side of its box, in px."""
        x0, y0, x1, y1 = self.box_xyxy
        return min(x1 - x0, y1 - y0)

    def clipped(self, width: int, height: int) -> Face:
        """The same face with no more of its box than an image of that size shows, in px.

        Raises:
            MienError: that is nothing.
        """
        x0, y0, x1, y1 = self.box_xyxy
        box = max(x0, 0.0), max(y0, 0.0), min(x1, float(width)), min(y1, float(height))
        if not (box[0] < box[2] and box[1] < box[3]):
            raise MienError(f"a face lies in its image; got the box {self.box_xyxy} in one of {width} x {height} px")
        return self if box == self.box_xyxy else replace(self, box_xyxy=box)

    def reduced(self, factor: float) -> Face:
        """The same face in a copy of the image that is so many times smaller."""
        x0, y0, x1, y1 = (value / factor for value in self.box_xyxy)
        return Face((x0, y0, x1, y1), tuple((x / factor, y / factor) for x, y in self.landmarks_xy), self.score)


@dataclass(frozen=True)
class Square:
    """The part of an image that becomes a crop.

    Args:
        centre_xy: in image px.
        side: in image px, > 0.
        roll: degrees by which the square is turned clockwise in the image.
    """

    centre_xy: Point
    side: float
    roll: float


def _is_box(given: Any) -> bool:
    try:
        x0, y0, x1, y1 = given
        return bool(x1 - x0 > 0 and y1 - y0 > 0)
    except (TypeError, ValueError):  # no four, or no numbers
        return False


def _points(given: Any) -> int | None:
    """How many points (x, y) these are; None where they are no points, or are gone once they were looked at."""
    if not isinstance(given, Sequence):
        return None
    try:
        return len([math.hypot(x, y) for x, y in given])
    except (TypeError, ValueError):
        return None


def is_share(given: Any) -> bool:
    """Whether this is a number of 0..1."""
    try:
        return bool(0 <= given <= 1)
    except (TypeError, ValueError):
        return False


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, 0..1."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0.0) * max(height, 0.0)
    areas = ((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in (a, b))
    return shared / (sum(areas) - shared)


def _mean(values: Sequence[float]) -> float:
    """Without `statistics`, which takes longer to load than this file."""
    return math.fsum(values) / len(values)


def framing(face: Face) -> Square:
    """Where FER2013 would frame a face: level, by its landmarks, or by its box if it has none."""
    roll = roll_degrees(face)
    if face.landmarks_xy:
        x, y = map(_mean, zip(*face.landmarks_xy, strict=True))
        side = SIDE_BY_LANDMARKS * math.sqrt(_mean([(px - x) ** 2 + (py - y) ** 2 for px, py in face.landmarks_xy]))
        lift = LIFT_BY_LANDMARKS * side
    else:
        x0, y0, x1, y1 = face.box_xyxy
        x, y = face.centre_xy
        side = SIDE_BY_BOX * math.sqrt((x1 - x0) * (y1 - y0))
        lift = LIFT_BY_BOX * side
    turned = math.radians(roll)
    return Square((x + lift * math.sin(turned), y - lift * math.cos(turned)), max(side, 1.0), roll)


@lru_cache(maxsize=64)  # crops are mostly of one size
def whole_face(width: int, height: int) -> Face:
    """An image that is itself a face crop, as a face."""
    return Face((0.0, 0.0, float(width), float(height)), (), 1.0)


def reduction(face: Face, size: int = 48) -> int:
    """How many times smaller an image may be for a face's crop: `FINE` of its pixels stay for one of the crop's.

    Args:
        face: in the image.
        size: the crop's side in px.
    """
    return max(1, int(framing(face).side / (FINE * size)))


def crop_face(
    image: Image.Image,
    face: Face,
    size: int = 48,
    *,
    gray: bool = True,
    quick: bool = False,
) -> NDArray[np.uint8]:
    """Cut a face out, level and framed as FER2013 frames faces.

    Args:
        image: RGB or gray, upright.
        face: a face in that image.
        size: the crop's side in px.
        gray: as ITU-R 601 has it; else in the image's colours.
        quick: whether it is to be shown alone, not read: a little softer, in a fraction of the time.

    Returns:
        (size, size), or (size, size, 3); beyond the image's edge the edge is repeated.
    """
    square = framing(face)
    fine = 1 if quick else 2  # region px, or more, per crop px, where the image has them
    step = max(1, int(square.side / (fine * size)))
    region, (left, top) = _region(image, square, step, gray)
    scale = square.side / step / size  # region px per crop px, below 4
    over = max(1, round(scale))
    turned = math.radians(square.roll)
    cos, sin = math.cos(turned) * scale / over, math.sin(turned) * scale / over
    x, y = (square.centre_xy[0] - left) / step, (square.centre_xy[1] - top) / step
    half = size * over / 2
    matrix = (cos, -sin, x - half * (cos - sin), sin, cos, y - half * (sin + cos))
    between = Image.Resampling.BILINEAR if quick else Image.Resampling.BICUBIC
    large = region.transform((size * over, size * over), Image.Transform.AFFINE, matrix, between)
    return np.array(large.reduce(over))


def whole_crop(image: NDArray[np.uint8] | Image.Image, size: int = 48, *, gray: bool = True) -> NDArray[np.uint8]:
    """Take an image that is itself a face crop as the crop.

    Args:
        image: RGB or gray; (H, W, 3) if an array.
        size: the crop's side in px.
        gray: as ITU-R 601 has it; else in the image's colours.

    Returns:
        (size, size), or (size, size, 3); the image's own pixels where it has that size already.
    """
    whole = _in(image if isinstance(image, Image.Image) else Image.fromarray(image), gray)
    if whole.size != (size, size):
        whole = whole.resize((size, size), Image.Resampling.BICUBIC, reducing_gap=3.0)
    return np.array(whole)


def roll_degrees(face: Face) -> float:
    """How far the head leans: degrees clockwise in the image, -180..180; 0 without landmarks.

    The line of the eyes tells, and the line from between them to the mouth, which stays long in a turned head.
    """
    if not face.landmarks_xy:
        return 0.0
    (lx, ly), (rx, ry), _, (mx, my) = face.landmarks_xy[:4]
    down_x, down_y = mx - (lx + rx) / 2, my - (ly + ry) / 2
    return math.degrees(math.atan2(ry - ly - down_x, rx - lx + down_y))


def turn(face: Face) -> float:
    """How far the head is turned aside: 0 frontal to 1 profile; 0 without landmarks.

    It is where the nose lies between the ears: 0 midway, 1 at one of them.
    """
    if not face.landmarks_xy:
        return 0.0
    roll = math.radians(roll_degrees(face))
    along = [x * math.cos(roll) + y * math.sin(roll) for x, y in face.landmarks_xy]
    nose, left, right = along[2], along[4], along[5]
    half = max((right - left) / 2, 1e-6)
    return min(abs(nose - (left + right) / 2) / half, 1.0)


def sharpness(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Fine detail in crops, relative to their contrast: in FER2013 about 0.8, below 0.2 is blurred.

    A crop larger than FER2013's 48 px is judged at that size.

    Args:
        crops: (n, size, size), or (n, size, size, 3).

    Returns:
        Shape (n,).
    """
    if not len(crops):
        return np.empty(0, np.float32)
    gray = small_gray(crops, min(crops.shape[1], 48)).astype(np.int16)
    flat, edges = gray.ravel(), 4 * gray  # all rows as one: at their ends are no neighbours, and no edges are taken
    for step in (1, gray.shape[2]):
        edges.ravel()[step:] -= flat[:-step]
        edges.ravel()[:-step] -= flat[step:]
    return np.asarray(_spread(edges[:, 1:-1, 1:-1]) / np.maximum(_spread(gray), 1))


def _spread(images: NDArray[np.int16]) -> NDArray[np.float32]:
    """The standard deviation of each, in a third of the time that `std` takes over two axes."""
    values = images.astype(np.float32).reshape(len(images), -1)
    count = values.shape[1]
    values -= (values @ np.ones(count, np.float32) / count)[:, np.newaxis]
    return np.asarray(np.sqrt(np.vecdot(values, values) / count))


def small_gray(crops: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Crops in gray, of another size if need be, (n, side, side).

    Args:
        crops: (n, size, size), or (n, size, size, 3).
        side: in px.
    """
    if crops.ndim == 3 and crops.shape[1] == side:
        return crops
    wholes = [Image.fromarray(crop).convert("L") for crop in crops]
    if crops.shape[1] != side:
        wholes = [each.resize((side, side), Image.Resampling.BICUBIC, reducing_gap=3.0) for each in wholes]
    return np.stack([np.asarray(each) for each in wholes]) if wholes else np.empty((0, side, side), np.uint8)


def _region(image: Image.Image, square: Square, step: int, gray: bool) -> tuple[Image.Image, Point]:
    """The upright surroundings of a square, reduced by `step`, the image's edge repeated; and their corner."""
    reach = square.side * math.sqrt(0.5) + 2 * step
    spans, indices, corner = [], [], []
    for centre, length in zip(square.centre_xy, image.size, strict=True):
        low, high = math.floor(centre - reach), math.ceil(centre + reach)
        start = min(max(low, 0), length - 1)
        stop = min(max(high, start + 1), length)
        first, last = (low - start) // step, -((start - high) // step)
        spans.append((start, stop))
        indices.append(np.clip(np.arange(first, last), 0, -((start - stop) // step) - 1))
        corner.append(float(start + first * step))
    columns, rows = indices
    (x0, x1), (y0, y1) = spans
    region = _in(image.reduce(step, (x0, y0, x1, y1)), gray)
    if region.size == (len(columns), len(rows)):  # all of it lies in the image
        return region, (corner[0], corner[1])
    return Image.fromarray(np.asarray(region)[np.ix_(rows, columns)]), (corner[0], corner[1])


def _in(image: Image.Image, gray: bool) -> Image.Image:
    """An image in gray or in RGB; itself where it is so already."""
    mode = "L" if gray else "RGB"
    return image if image.mode == mode else image.convert(mode)

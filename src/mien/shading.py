"""Shading: explanations laid over the faces they are of: orange where something speaks for the answer, blue where it
speaks against.

A face was turned level and cut out to be read; its explanation goes the same way back.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.draw import ANY_SIZE, annotate
from mien.face import Face, framing
from mien.image import Pixels, read_image
from mien.intake import ImageSource
from mien.prediction import Explanation, Prediction

FOR, AGAINST = (230, 97, 0), (0, 110, 220)
LEAST = 0.01  # of confidence: less is not worth a colour
DENSEST = 0.85  # how much of the photo the colour covers where most is lost
SIDE = 96  # px of a layer: colours change slowly


def shaded(image: ImageSource, prediction: Prediction) -> Image.Image:
    """A copy of the image with its faces marked, as `draw.annotate` does, and shaded where they have explanations.

    Args:
        image: the one that was read (see `annotate`).
        prediction: its faces, in px of that image.

    Returns:
        RGB, as `annotate`.

    Raises:
        ImageError, MienError: as `annotate` does.
    """
    picture = Image.fromarray(read_image(image, ANY_SIZE))
    for reading in prediction.faces:
        if reading.expression.explanation:
            lay(layer(reading.expression.explanation), picture, reading.face)
    return annotate(picture, prediction)


def values(explanation: Explanation, side: int) -> NDArray[np.float64]:
    """What is lost at each pixel of a crop, (side, side): between the middles of parts by how near they are."""
    at, middles = (np.arange(side) + 0.5) / side, explanation.middles
    rows = np.array([np.interp(at, middles, row) for row in explanation.lost])
    return np.array([np.interp(at, middles, column) for column in rows.T]).T


def layer(explanation: Explanation, side: int = SIDE) -> Image.Image:
    """What to lay over a crop, RGBA: the denser the more is lost, by the part that counts most."""
    lost = values(explanation, side)
    most = max(LEAST, *(abs(each) for row in explanation.lost for each in row))
    pixels: Pixels = np.where((lost > 0)[..., np.newaxis], (*FOR, 0), (*AGAINST, 0)).astype(np.uint8)
    pixels[..., 3] = np.round(255 * DENSEST * np.abs(lost) / most)
    return Image.fromarray(pixels)


def lay(over: Image.Image, picture: Image.Image, face: Face) -> None:
    """Lay what covers a crop over the part of the picture that it was cut from.

    Args:
        over: RGBA, square.
        picture: RGB, upright; is changed.
        face: in that picture.
    """
    width, height = picture.size
    a, b, c, d, e, f = _back(face, picture.size, over.width)
    ends = np.linalg.inv([[a, b], [d, e]]) @ (np.array([[0, 1, 0, 1], [0, 0, 1, 1]]) * over.width - [[c], [f]])
    (left, top), (right, bottom) = ends.min(1), ends.max(1)
    x0, y0 = max(0, math.floor(left)), max(0, math.floor(top))
    x1, y1 = min(width, math.ceil(right)), min(height, math.ceil(bottom))
    if x0 >= x1 or y0 >= y1:
        return
    matrix = (a, b, c + a * x0 + b * y0, d, e, f + d * x0 + e * y0)
    turned = over.transform((x1 - x0, y1 - y0), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    picture.paste(turned.convert("RGB"), (x0, y0), turned.getchannel("A"))


def _back(face: Face, size: tuple[int, int], side: int) -> tuple[float, float, float, float, float, float]:
    """Where a point (x, y) of a picture lies in a face's crop: (a x + b y + c, d x + e y + f), as Pillow has it.

    An image without landmarks that is one face was taken whole (see `face.whole_face`).
    """
    if not face.landmarks_xy and face.box_xyxy == (0, 0, *size):
        return side / size[0], 0.0, 0.0, 0.0, side / size[1], 0.0
    square = framing(face)
    (x, y), turned, scale = square.centre_xy, math.radians(square.roll), side / square.side
    cos, sin = math.cos(turned) * scale, math.sin(turned) * scale
    return cos, sin, side / 2 - cos * x - sin * y, -sin, cos, side / 2 + sin * x - cos * y

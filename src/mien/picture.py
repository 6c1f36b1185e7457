"""Pictures: images that are decoded no finer than needed.

A large JPEG is decoded at a half, a quarter or an eighth of its size at first, which libjpeg does while it undoes the
cosine transform, in less time; whoever needs finer pixels, for a small face, has it decoded again, as fine as that
takes. All else, and a JPEG below twice `LEAST`, is whole from the beginning.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from PIL import Image

from mien.bounds import RGB
from mien.container import remarks, small_gray
from mien.errors import ImageError, RoomError
from mien.image import SHRINKS, UPRIGHT, Pixels, decoded, opened, pixels_of, read_image, turn_of, whole_of
from mien.intake import LIMITS, ImageSource, Limits, encoded, known
from mien.memory import make_room
from mien.quiet import quiet_pillow

LEAST = 384  # px, longer side of a first copy: enough for the detector to look at the image
FACTORS = (8, 4, 2)
CHANNELS = 3  # bytes of a pixel in an array
SIDEWAYS = {UPRIGHT[orientation] for orientation in (5, 6, 7, 8)}


class Picture:
    """An image, decoded no finer than was asked for so far.

    Args:
        size: width and height of the image.
        first: the image, upright and RGB, or gray if it is (`colour.MODES`); or a smaller copy.
        factor: how many times smaller `first` is, its sides rounded up. Where an image is mirrored or turned and this
            does not divide its sides, the copy lies aside by less than one of its pixels.
        again: decodes the image so many times smaller, 4, 2 or 1, where `first` is smaller still.
        notes: what is to be said of how it was read, as sentences; most often none.
    """

    def __init__(
        self,
        size: tuple[int, int],
        first: Image.Image,
        factor: int,
        again: Callable[[int], Image.Image],
        notes: tuple[str, ...] = (),
    ) -> None:
        self.size, self.notes = size, notes
        self._image, self._factor, self._again = first, factor, again

    @classmethod
    def of(cls, image: Image.Image, notes: tuple[str, ...] = ()) -> Picture:
        """An image that is decoded already, as `first`."""
        return cls(image.size, image, 1, lambda _: image, notes)

    def copy(self, most: int) -> tuple[Image.Image, int]:
        """The image at most so many times smaller, or as fine as there is room for, and how many times smaller it is.

        Raises:
            ImageError: finer pixels are needed, and cannot be had from the file.
        """
        factor = next((factor for factor in FACTORS if factor <= most), 1)
        while factor < self._factor:
            try:
                self._image, self._factor = self._again(factor), factor
            except RoomError:
                factor *= 2
        return self._image, self._factor

    @property
    def pixels(self) -> Pixels:
        """The whole image as an array: (H, W, 3), uint8, read-only.

        Raises:
            ImageError: it cannot be had from the file, or there is no room for it.
        """
        whole, factor = self.copy(1)
        if factor > 1:
            raise RoomError("takes too much memory as a whole: save it smaller")
        make_room(self.size[0] * self.size[1] * (RGB + CHANNELS))
        return pixels_of(whole)


def open_picture(source: ImageSource, limits: Limits = LIMITS, *, whole: bool = False) -> Picture:
    """One picture, whatever it comes as. Arguments and errors are those of `read_image`.

    Args:
        whole: whether it is needed whole in any case.
    """
    source = known(source)
    if isinstance(source, np.ndarray):
        pixels = read_image(source, limits)
        make_room(pixels.size // CHANNELS * RGB)
        return Picture.of(Image.fromarray(pixels))
    with quiet_pillow():
        if isinstance(source, Image.Image):
            return Picture.of(*decoded(source, limits))
        data = encoded(source, limits)
        small = small_gray(data, min(limits.max_pixels, limits.max_decoded))
        if small is not None:
            make_room(small.width * small.height, small.width * small.height)
            return Picture.of(small)
        image = opened(data, limits)
        width, height = image.size
        factor = first_factor(width, height) if image.format in SHRINKS and not whole else 1
        if factor == 1:
            return Picture.of(*whole_of(image, data, limits))
        try:
            first, notes = decoded(image, limits, factor, data)
        except ImageError:  # damaged, or a JPEG without losses, which does not shrink
            return Picture.of(*whole_of(opened(data, limits), data, limits))
        size = (height, width) if turn_of(image) in SIDEWAYS else (width, height)
    return Picture(size, first, factor, partial(_again, data, limits), notes + remarks(data, image))


def _again(data: bytes, limits: Limits, factor: int) -> Image.Image:
    with quiet_pillow():
        return decoded(opened(data, limits), limits, factor).image


def first_factor(width: int, height: int) -> int:
    """How many times smaller the first copy of a JPEG is."""
    fitting = (factor for factor in FACTORS if max(width, height) >= factor * LEAST and min(width, height) >= factor)
    return next(fitting, 1)

"""Colour: an image of any mode that Pillow decodes becomes RGB, 8 bits deep, with alpha laid on white."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.errors import ImageError

BITS, PHOTOMETRIC = 258, 262  # tags of a TIFF
WHITE_IS_ZERO = 0  # what the second of them may say

DEPTHS = {8: 255, 12: 4095, 16: 65535}
"""Bits that gray integers may have, whatever holds them, and the highest value of each."""

FLOATS = (1, 255, 65535)
"""The highest values of gray floats."""

BEYOND = 0.1  # of their range by which floats may leave it


def rgb(image: Image.Image, tags: Mapping[int, Any]) -> tuple[Image.Image, tuple[str, ...]]:
    """A decoded image as RGB, and what is to be said of that.

    Alpha that is 0 everywhere is no alpha: some programs leave that byte of a pixel empty.

    Args:
        image: of any mode.
        tags: of a TIFF, or none.

    Raises:
        ImageError: its gray values are out of range.
    """
    notes: tuple[str, ...] = ()
    if image.mode.startswith(("I", "F")):
        clear = image.info.get("transparency")
        values = np.asarray(image)
        gray, notes = _eight_bits(values, tags)
        if isinstance(clear, int):
            gray[values == clear] = 255
        image = Image.fromarray(gray)
    elif image.has_transparency_data:
        rgba = image.convert("RGBA")
        alpha = rgba.getchannel("A")
        if alpha.getextrema() == (0, 0):
            return rgba.convert("RGB"), notes
        image = Image.new("RGB", image.size, "white")
        image.paste(rgba, mask=alpha)
    return image if image.mode == "RGB" else image.convert("RGB"), notes


def _eight_bits(values: NDArray[Any], tags: Mapping[int, Any]) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Gray values scaled to 0..255, and what is to be said of that.

    Their own highest tells where white is: integers are of the least of `DEPTHS` that holds them, since cameras and
    scanners write 12 bits into 16; floats reach the least of `FLOATS`, or a tenth beyond, as those of resampled images
    do. A TIFF's tags may tell of 12 bits, or that 0 is white; Pillow leaves both as they are.
    """
    low, high = float(values.min()), float(values.max())
    floats = values.dtype.kind == "f"
    tops, beyond = (FLOATS, BEYOND) if floats else (tuple(DEPTHS.values()), 0.0)
    told = tags.get(BITS) == (12,)
    if told:
        tops = (DEPTHS[12],)
    top = next((each for each in tops if high <= each * (1 + beyond)), tops[-1])
    if not -top * beyond <= low <= high <= top * (1 + beyond):
        raise ImageError(f"gray values from {low:g} to {high:g}: expected 0..{top}")
    gray = (values.clip(0, top) * np.float32(255 / top) + np.float32(0.5)).astype(np.uint8)
    if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:
        gray = 255 - gray
    bits = next((bits for bits, most in DEPTHS.items() if most == top), 0)
    guessed = not (floats or told) and values.dtype.itemsize == 2 and high > 0 and bits < 16
    return gray, (f"gray values up to {high:g} of 65535: read as {bits} bits",) if guessed else ()

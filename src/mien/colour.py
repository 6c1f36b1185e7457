"""Colour: an image of any mode that Pillow decodes becomes RGB or gray, 8 bits deep, with alpha laid on white."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from mien.errors import ImageError

MODES = ("RGB", "L")
"""Pillow's modes of what images become; gray ones stay gray, in a quarter of the memory."""

BITS, PHOTOMETRIC = 258, 262  # tags of a TIFF
WHITE_IS_ZERO = 0  # what the second of them may say

DEPTHS = {8: 255, 12: 4095, 16: 65535}
"""Bits that gray integers may have, whatever holds them, and the highest value of each."""

FLOATS = (1, 255, 65535)
"""The highest values of gray floats."""

BEYOND = 0.1  # of their range by which floats may leave it

CLEAR = ("PNG", "WEBP", "AVIF", "GIF")
"""Kinds of files, as Pillow calls them, that have alpha only where somebody wants it."""

NOTHING_SEEN = "clear everywhere: read as white"

STRIP = 2**18  # pixels that are looked at together


def plain(image: Image.Image, tags: Mapping[int, Any]) -> tuple[Image.Image, tuple[str, ...]]:
    """A decoded image as RGB, or as it is where it is gray in 8 bits (`MODES`), and what is to be said of that.

    Alpha that is 0 everywhere is heeded in files of the kinds that `CLEAR` names, of which browsers show nothing then.
    Else it is no alpha: some programs leave that byte of a pixel empty. Beside the image and the result no more than
    some rows are held.

    Args:
        image: of any mode.
        tags: of a TIFF, or none.

    Raises:
        ImageError: its gray values are out of range.
    """
    notes: tuple[str, ...] = ()
    read: Callable[[Image.Image], Image.Image]
    if image.mode.startswith(("I", "F")):
        top, notes = _white(image, tags)
        clear, inverse = image.info.get("transparency"), tags.get(PHOTOMETRIC) == WHITE_IS_ZERO
        read = partial(_eight_bits, top=top, inverse=inverse, clear=clear if isinstance(clear, int) else None)
    elif image.has_transparency_data:
        seen, meant = any(_seen(rows) for _, rows in _strips(image)), image.format in CLEAR
        read = _on_white if seen or meant else _opaque
        notes = (NOTHING_SEEN,) if meant and not seen else ()
    else:
        return image if image.mode in MODES else image.convert("RGB"), notes
    whole = Image.new("RGB", image.size)
    for top_row, rows in _strips(image):
        whole.paste(read(rows), (0, top_row))
    return whole, notes


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """An image row by row, some at once: the number of the first, and they."""
    step = max(1, STRIP // image.width)
    for top in range(0, image.height, step):
        yield top, image.crop((0, top, image.width, min(top + step, image.height)))


def _seen(rows: Image.Image) -> bool:
    """Whether any of an image with transparency is to be seen."""
    return _rgba(rows).getchannel("A").getextrema() != (0, 0)


def _white(image: Image.Image, tags: Mapping[int, Any]) -> tuple[int, tuple[str, ...]]:
    """Which gray value is white, and what is to be said of that.

    Their own highest tells: integers are of the least of `DEPTHS` that holds them, since cameras and scanners write 12
    bits into 16; floats reach the least of `FLOATS`, or a tenth beyond, as those of resampled images do. A TIFF's tags
    may tell of 12 bits, or that 0 is white; Pillow leaves both as they are.
    """
    ends = [(values.min(), values.max()) for values in (np.asarray(rows) for _, rows in _strips(image))]
    low, high = float(np.min(ends)), float(np.max(ends))
    floats = image.mode == "F"
    tops, beyond = (FLOATS, BEYOND) if floats else (tuple(DEPTHS.values()), 0.0)
    told = tags.get(BITS) == (12,)
    if told:
        tops = (DEPTHS[12],)
    top = next((each for each in tops if high <= each * (1 + beyond)), tops[-1])
    if not -top * beyond <= low <= high <= top * (1 + beyond):
        raise ImageError(f"gray values from {low:g} to {high:g}: expected 0..{top}")
    bits = next((bits for bits, most in DEPTHS.items() if most == top), 0)
    guessed = not told and image.mode.startswith("I;16") and high > 0 and bits < 16
    return top, (f"gray values up to {high:g} of 65535: read as {bits} bits",) if guessed else ()


def _eight_bits(rows: Image.Image, top: int, inverse: bool, clear: int | None) -> Image.Image:
    """Gray values scaled to 0..255, and white where they are `clear`."""
    values = np.asarray(rows)
    gray = (values.clip(0, top) * np.float32(255 / top) + np.float32(0.5)).astype(np.uint8)
    if inverse:
        gray = 255 - gray
    if clear is not None:
        gray[values == clear] = 255
    return Image.fromarray(gray)


def _rgba(rows: Image.Image) -> Image.Image:
    """Colours and alpha; gray that is multiplied by its alpha is to be had by way of plain gray alone."""
    return (rows.convert("LA") if rows.mode == "La" else rows).convert("RGBA")


def _on_white(rows: Image.Image) -> Image.Image:
    rgba = _rgba(rows)
    white = Image.new("RGB", rows.size, "white")
    white.paste(rgba, mask=rgba.getchannel("A"))
    return white


def _opaque(rows: Image.Image) -> Image.Image:
    return _rgba(rows).convert("RGB")

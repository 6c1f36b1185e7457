"""Images: whatever comes in becomes one thing, once: RGB uint8 (H, W, 3), upright, contiguous, read-only.

Colours are taken as sRGB: an embedded profile is not applied, since that takes longer than the decoding itself.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from mien.bounds import check_file, check_pieces, held, kept, own
from mien.colour import plain
from mien.container import (
    ANIMATED,
    DAMAGE,
    REDUCED,
    SUBFILE,
    apart,
    deepen_transparency,
    endings,
    heed_alpha,
    identified,
    jpeg_end,
    named,
    readable,
    remarks,
    show_first,
)
from mien.errors import ImageError, RoomError
from mien.gaps import fewer_pieces, lacking, may_lack
from mien.intake import LIMITS, Encoded, ImageSource, Limits, describe, encoded, known
from mien.memory import make_room
from mien.quiet import quiet_pillow

Pixels: TypeAlias = NDArray[np.uint8]
"""An image: shape (H, W, 3), RGB uint8, upright, C-contiguous, sRGB."""


SHRINKS = ("JPEG", "MPO")
"""Formats that can be decoded at a half, a quarter or an eighth of their size, in less time."""

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation, and what makes the image upright."""

ORIENTATION = 0x0112  # EXIF's tag, and a TIFF's
EXIF = ("exif", "Raw profile type exif")
"""Where Pillow keeps a file's EXIF block: of a PNG it may be a text."""

DAMAGED = "damaged or cut short"
CLOSED = "a closed image: read it before it is closed, or give its path"
LACKING = f"{DAMAGED}: some of its pixels are not there"
STRIP = 256  # rows of an image that are compared at once
TILE_WIDTH, TILE_HEIGHT = 322, 323  # tags of a TIFF


class Decoded(NamedTuple):
    """An image, RGB or gray (`colour.MODES`) and upright, and what is to be said of how it was read."""

    image: Image.Image
    notes: tuple[str, ...] = ()


def read_image(source: ImageSource, limits: Limits = LIMITS) -> Pixels:
    """One image, whatever it comes as.

    EXIF rotation is applied, alpha laid on white, 16 bits scaled to 8 (see `mien.colour`); of an animation or of pages
    the first is read, and of a Pillow image the current one. A JPEG that lacks nothing but its end mark is read.

    Args:
        source: a path; a file's bytes; a binary stream, read from where it stands; a Pillow image; or an array or what
            NumPy takes for one, uint8, (H, W, 3) in RGB order or gray as (H, W) or (H, W, 1).
        limits: how big it may be.

    Returns:
        Shape (H, W, 3), RGB uint8, upright, contiguous, read-only. It shares the memory of a contiguous RGB array.

    Raises:
        SourceError: it is none of these; the message says what would be.
        ImageError: it cannot be read; the message is the reason, without the source, which is added as a note.
    """
    source = known(source)
    try:
        pixels = _read(source, limits)
    except ImageError as error:
        error.add_note(f"source: {describe(source)}")
        raise
    pixels.flags.writeable = False
    return pixels


def _read(source: Encoded | Image.Image | NDArray[np.uint8], limits: Limits) -> Pixels:
    if isinstance(source, np.ndarray):
        return _from_array(source, limits)
    with quiet_pillow():
        if isinstance(source, Image.Image):
            return pixels_of(decoded(source, limits).image)
        data = encoded(source, limits)
        return pixels_of(whole_of(opened(data, limits), data, limits).image)


def opened(data: bytes, limits: Limits) -> Image.Image:
    """The image in a file's bytes, its header read and its pixels not yet. Raises `ImageError`."""
    check_file(data, limits)
    try:
        image = identified(data)
        heed_alpha(image, data)
        if getattr(image, "tag_v2", {}).get(SUBFILE, 0) & REDUCED:
            raise ImageError("a TIFF that begins with a preview, as camera raws do: save it as JPEG or PNG")
        return image
    except Image.DecompressionBombError as error:
        raise _too_many(limits) from error
    except UnidentifiedImageError as error:
        raise ImageError(named(data) or f"not an image of a supported kind ({readable()})") from error
    except DAMAGE as error:
        raise _damaged(error) from error


def whole_of(image: Image.Image, data: bytes, limits: Limits) -> Decoded:
    """A file's image as `decoded` gives it, and what is to be said of the file. Raises `ImageError`.

    Args:
        image: as `opened` gives it.
        data: the file's bytes.
        limits: how big it may be.
    """
    _check_size(image.width, image.height, limits)
    remarked = remarks(data, image)
    try:
        whole, notes = decoded(image, limits, data=data)
    except ImageError:
        unended = _agreed(endings(data), limits)
        if unended is None:
            raise
        whole, notes = unended
    return Decoded(whole, notes + remarked)


def _agreed(ended: tuple[bytes, ...], limits: Limits) -> Decoded | None:
    """The image of a JPEG that has all of its pixels, by its `endings`; or None."""
    prints = set()
    read = None
    try:
        for each in ended:
            read = None  # before the next takes as much memory
            read = decoded(opened(each, limits), limits)
            prints.add(_print(read.image))
    except ImageError:
        return None
    return read if len(prints) == 1 else None


def _check_gaps(data: bytes, image: Image.Image, upright: Image.Image, limits: Limits, factor: int) -> None:
    """Refuse a file's image, decoded and upright, for which there were not pixels enough."""
    ended = endings(data[: jpeg_end(data)]) if may_lack(image) else ()
    for noisy in ended[1:]:  # the first is the file
        if _print(decoded(opened(noisy, limits), limits, factor).image) != _print(upright):
            raise ImageError(LACKING)
    if lacking(data, image):
        raise ImageError(LACKING)


def _print(image: Image.Image) -> str:
    """What tells an image from others, taken without a copy of it."""
    sha = hashlib.sha256()
    for top in range(0, image.height, STRIP):
        sha.update(image.crop((0, top, image.width, min(top + STRIP, image.height))).tobytes())
    return sha.hexdigest()


def decoded(image: Image.Image, limits: Limits, factor: int = 1, data: bytes | None = None) -> Decoded:
    """A Pillow image as `read_image` reads it, upright, RGB or gray (`colour.MODES`). Raises `ImageError`.

    Args:
        image: open.
        limits: how big it may be.
        factor: 2, 4 or 8 decodes an image of `SHRINKS` so many times smaller, its sides rounded up.
        data: the bytes of its file, where it is to be looked whether they hold all of it.
    """
    _check_size(image.width, image.height, limits)
    check_pieces(image, limits)
    if fewer_pieces(image):
        raise ImageError(LACKING)
    pixels = image.width * image.height
    _hold(held(image, factor), pixels, limits)
    closed = _is_closed(image)  # now, since decoders close files as well
    try:
        deepen_transparency(image)
        turned = turn_of(image) is not None  # which Pillow decodes a PNG for
        if turned:
            _hold(held(image, factor, turned=True), pixels, limits)
        if factor > 1:
            image.draft(None, (image.width // factor, image.height // factor))
        tags = dict(getattr(image, "tag_v2", {}))
        _check_size(tags.get(TILE_WIDTH, 1), tags.get(TILE_HEIGHT, 1), limits)  # decoded whole, however small the image
        image.load()
        if data is not None and apart(image) and ANIMATED in data:
            _hold(3 * held(image, turned=turned), pixels, limits)
            show_first(image)
        made, notes = plain(image, tags)
        made = _on_canvas(made, image)
        turn = turn_of(image) if turned else None  # none of a TIFF, which Pillow has made upright
        upright = made if turn is None else made.transpose(turn)
        make_room(upright.width * upright.height * (own(upright) + kept(upright)))
        if data is not None:
            _check_gaps(data, image, upright, limits, factor)
        return Decoded(upright, notes)
    except MemoryError as error:
        raise ImageError("not enough memory to decode it") from error
    except DAMAGE as error:
        raise (ImageError(CLOSED) if closed else _damaged(error)) from error
    except Image.DecompressionBombError as error:
        raise _too_many(limits) from error


def _is_closed(image: Image.Image) -> bool:
    """Whether neither an image's pixels are there nor its file, as behind the `with` that opened it."""
    file = getattr(image, "fp", None)
    try:
        there = image.im is not None
    except (AssertionError, ValueError):  # of one that was only opened, and of one that was closed
        there = False
    return not there and (file is None or getattr(file, "closed", False))


def _on_canvas(made: Image.Image, image: Image.Image) -> Image.Image:
    """An image as it was made of another; where the first frame of a GIF is a part of it, or of a PNG's animation that
    its first picture is none of, the rest is clear, so white.

    There Pillow has put one colour. Where there is more, the image was changed after it was opened, as `thumbnail`
    does, and what it says of its frame holds no longer.
    """
    begins = image.format in ("GIF", "PNG") and image.tell() == apart(image)
    first = getattr(image, "dispose_extent", None) if begins else None
    width, height = image.size
    left, top, right, bottom = first or (0, 0, width, height)
    beside = (0, 0, width, top), (0, bottom, width, height), (0, top, left, bottom), (right, top, width, bottom)
    clear = [(x0, y0, x1, y1) for x0, y0, x1, y1 in beside if x0 < x1 and y0 < y1]
    seen = [image.crop(box).getcolors(1) for box in clear]  # None of several
    if not all(seen) or len({colour for found in seen for _, colour in found or ()}) > 1:
        return made
    if clear and made is image:
        made = image.copy()
    for box in clear:
        made.paste("white", box)
    return made


def _hold(size: int, pixels: int, limits: Limits) -> None:
    if size > limits.max_decoded:
        most = f"{limits.max_decoded / 1e6:.0f}"
        raise RoomError(f"takes {size / 1e6:.0f} MB of memory, over the limit of {most}: save it smaller or as JPEG")
    make_room(size, pixels)


def pixels_of(image: Image.Image) -> Pixels:
    """An image, RGB or gray, as an array: (H, W, 3), read-only. Raises `ImageError`."""
    try:
        pixels = np.asarray(image)
        if pixels.ndim == 2:
            pixels = np.repeat(pixels[..., np.newaxis], 3, axis=2)
        pixels.flags.writeable = False
        return pixels
    except MemoryError as error:
        raise ImageError("not enough memory to decode it") from error


def _too_many(limits: Limits) -> ImageError:
    """What is said of an image that Pillow itself refuses for its size."""
    least = min(limits.max_pixels, 2 * (Image.MAX_IMAGE_PIXELS or limits.max_pixels))
    return ImageError(f"more than {least / 1e6:g} million pixels, the limit")


def _from_array(array: NDArray[np.uint8], limits: Limits) -> Pixels:
    if not array.size:
        raise ImageError(f"empty: an array of shape {array.shape}")
    height, width = array.shape[:2]
    _check_size(width, height, limits)
    if array.shape[2:] != (3,):
        return np.repeat(np.asarray(array).reshape(height, width, 1), 3, axis=2)
    return np.ascontiguousarray(array).view()


def _check_size(width: int, height: int, limits: Limits) -> None:
    if not width or not height:
        raise ImageError(f"empty: {width} x {height} pixels")
    if width * height > limits.max_pixels:
        most = f"{limits.max_pixels / 1e6:g} million"
        raise ImageError(f"{width} x {height} pixels, over the limit of {most}{limits.advice('max_pixels')}")


def turn_of(image: Image.Image) -> Image.Transpose | None:
    """What makes an image upright, as its EXIF orientation asks; a damaged EXIF block asks nothing.

    A TIFF's tags are its EXIF. XMP, which browsers do not heed, asks nothing, whatever the format: Pillow takes its
    word where EXIF has none, and it is often that of before the image was turned. A TIFF, which Pillow turns while it
    decodes it, is told so. Of a PNG the block may stand behind the pixels, which are decoded for it: what is wrong with
    them is raised.
    """
    if image.format == "PNG":
        image.load()
    try:
        if (tags := getattr(image, "tag_v2", None)) is None:
            bare = Image.Image()
            bare.info = {name: image.info[name] for name in EXIF if name in image.info}
            return UPRIGHT.get(bare.getexif().get(ORIENTATION, 1))
        exif, told = image.getexif(), tags.get(ORIENTATION, 1)
        if exif.get(ORIENTATION, told) != told:
            exif[ORIENTATION] = told
        return UPRIGHT.get(told)
    except DAMAGE:
        return None


def _damaged(error: BaseException) -> ImageError:
    """With the decoder's words where it has some for the file; a number that is none, or a key, are its own affair."""
    words = str(error) if isinstance(error, OSError | SyntaxError) else ""
    return ImageError(": ".join(filter(None, (DAMAGED, words))))

"""Images: whatever comes in becomes one thing, once: RGB uint8 (H, W, 3), upright, contiguous, read-only.

Colours are taken as sRGB: an embedded profile is not applied, since that takes longer than the decoding itself.
"""

from __future__ import annotations

import io
import os
import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from mien.errors import ImageError
from mien.memory import make_room
from mien.quiet import quiet_pillow

Pixels: TypeAlias = NDArray[np.uint8]
"""An image: shape (H, W, 3), RGB uint8, upright, C-contiguous, sRGB."""

ImageSource: TypeAlias = "str | os.PathLike[str] | bytes | BinaryIO | Image.Image | NDArray[Any]"
"""What `read_image` takes."""

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "PPM")
"""What is read, by Pillow's names; JPEG includes MPO. Formats that run code or carry documents are left out."""

HEIF = (b"ftyphei", b"ftyphev", b"ftypmif1", b"ftypmsf1")
"""How files of an extra format begin, from their fifth byte on: HEIC, which iPhones write."""

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

RAW = "a camera raw: save it as JPEG or PNG"
VIDEO = "a video, not an image: save the frames that you want as JPEG or PNG"
ARCHIVE = "an archive, not an image: unpack it and name its folder"

KINDS = (
    (0, b"\xff\xd8\xff", "a JPEG that is damaged or cut short"),
    (0, b"\x89PNG", "a PNG that is damaged or cut short"),
    (0, b"GIF8", "a GIF that is damaged or cut short"),
    (8, b"WEBP", "a WebP that is damaged or cut short"),
    (4, b"ftypavif", "an AVIF that is damaged or cut short"),
    (0, b"II*\0", "a TIFF that is damaged, cut short or of an unsupported kind"),
    (0, b"MM\0*", "a TIFF that is damaged, cut short or of an unsupported kind"),
    (4, b"ftyphei", "a HEIC that is damaged or cut short"),
    (4, b"ftyphev", "a HEIC that is damaged or cut short"),
    (4, b"ftypmif1", "a HEIC or AVIF that is damaged or cut short"),
    (4, b"ftypmsf1", "a HEIC or AVIF that is damaged or cut short"),
    (4, b"ftypcrx", RAW),
    (0, b"FUJIFILMCCD-RAW", RAW),
    (0, b"IIRO", RAW),
    (0, b"IIU\0", RAW),
    (4, b"ftyp", VIDEO),
    (4, b"moov", VIDEO),
    (0, b"\x1aE\xdf\xa3", VIDEO),
    (8, b"AVI ", VIDEO),
    (0, b"\0\0\1\xba", VIDEO),
    (0, b"0&\xb2u\x8ef\xcf\x11", VIDEO),
    (0, b"PK\3\4", ARCHIVE),
    (0, b"PK\5\6", ARCHIVE),
    (0, b"Rar!", ARCHIVE),
    (0, b"7z\xbc\xaf\x27\x1c", ARCHIVE),
    (0, b"\x1f\x8b", ARCHIVE),
    (257, b"ustar", ARCHIVE),
    (0, b"%PDF", "PDF is not supported: save the page as JPEG or PNG"),
    (0, b"%!PS", "PostScript is not supported: save it as JPEG or PNG"),
    (0, b"8BPS", "Photoshop files are not supported: save it as JPEG or PNG"),
)
"""Offset and signature of files that Pillow turned down, and what to say of them."""

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
"""How addresses begin; letters of drives are single. A `Path` has one of the two strokes."""

DAMAGE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
)
"""What Pillow's readers raise on damaged files."""

BEYOND = 0.1  # of their range by which floats may leave it
CHUNK = 2**20  # bytes asked of a stream at once

SUBFILE, BITS, PHOTOMETRIC, TILE_WIDTH, TILE_HEIGHT = 254, 258, 262, 322, 323  # tags of a TIFF
REDUCED, WHITE_IS_ZERO = 1, 0  # what the first and the third of them may say


@dataclass(frozen=True)
class Limits:
    """How big an image may be; refused beyond that, before it is decoded.

    Args:
        max_bytes: encoded size.
        max_pixels: width times height. Pillow's own limit (`Image.MAX_IMAGE_PIXELS`, doubled: 179 million) also holds.
    """

    max_bytes: int = 20_000_000
    max_pixels: int = 50_000_000


LIMITS = Limits()


def read_image(source: ImageSource, limits: Limits = LIMITS) -> Pixels:
    """One image, whatever it comes as.

    EXIF rotation is applied, alpha laid on white, 16 bits scaled to 8; of an animation the first frame is read, and of
    a Pillow image the current one.

    Args:
        source: a path; a file's bytes; a binary stream, read from where it stands; a Pillow image; or an array, uint8,
            (H, W, 3) in RGB order or gray as (H, W) or (H, W, 1).
        limits: how big it may be.

    Returns:
        Shape (H, W, 3), RGB uint8, upright, contiguous, read-only. It shares the memory of a contiguous RGB array.

    Raises:
        ImageError: it cannot be read; the message is the reason, without the source, which is added as a note.
    """
    try:
        pixels = _read(source, limits)
    except ImageError as error:
        error.add_note(f"source: {describe(source)}")
        raise
    pixels.flags.writeable = False
    return pixels


def describe(source: ImageSource) -> str:
    """What to call a source in results: its path as given (bytes that are not text as `\\xff`), or its kind."""
    if isinstance(source, str | os.PathLike):
        try:
            return os.fsencode(source).decode("utf-8", "backslashreplace")
        except UnicodeEncodeError:  # no path of any file system's
            return os.fspath(source).encode("utf-8", "backslashreplace").decode()
    if isinstance(source, bytes):
        return "<bytes>"
    if isinstance(source, Image.Image):
        return "<image>"
    if isinstance(source, np.ndarray):
        return "<array>"
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else "<file>"


def _read(source: ImageSource, limits: Limits) -> Pixels:
    if isinstance(source, np.ndarray):
        return _from_array(source, limits)
    with quiet_pillow():
        image = source if isinstance(source, Image.Image) else opened(encoded(source, limits), limits)
        return pixels_of(decoded(image, limits))


def encoded(source: ImageSource, limits: Limits) -> bytes:
    """The bytes of a path, a stream or bytes: at least one and at most `limits.max_bytes`. Raises `ImageError`."""
    try:
        if isinstance(source, bytes):
            data = source
        elif isinstance(source, str | os.PathLike):
            with open(source, "rb", buffering=0) as stream:
                data = _drain(stream, limits.max_bytes + 1)
        elif hasattr(source, "read"):
            data = _drain(source, limits.max_bytes + 1)
        else:
            kind = type(source).__name__
            raise ImageError(f"expected a path, bytes, a binary file, a Pillow image or an array, got {kind}")
    except FileNotFoundError as error:
        linked = isinstance(source, str | os.PathLike) and os.path.islink(source)
        if isinstance(source, str | os.PathLike) and URL.match(os.fsdecode(source)):
            raise ImageError(
                "an address, not a file: mien opens no connections; download it and name the file"
            ) from error
        raise ImageError("a link to a file that is not there" if linked else "no such file") from error
    except IsADirectoryError as error:
        raise ImageError("a folder, not an image") from error
    except OSError as error:
        raise ImageError(f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ImageError(f"cannot be read: {error}") from error
    if len(data) > limits.max_bytes:
        told = _named(data)
        raise ImageError(told if told in (VIDEO, ARCHIVE) else f"more than {limits.max_bytes / 1e6:g} MB, the limit")
    if not data:
        raise ImageError("empty: no bytes to read")
    return data


def _drain(stream: Any, size: int) -> bytes:
    """Up to `size` bytes from where a stream stands."""
    chunks, left = [], size
    while left > 0:
        chunk = stream.read(min(left, CHUNK))
        if not isinstance(chunk, bytes):
            raise ImageError(f"expected a file opened in binary mode; reading it gave {type(chunk).__name__}")
        if not chunk:
            break
        chunks.append(chunk)
        left -= len(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def opened(data: bytes, limits: Limits) -> Image.Image:
    """The image in a file's bytes, its header read and its pixels not yet. Raises `ImageError`."""
    try:
        image = _identified(data)
        if getattr(image, "tag_v2", {}).get(SUBFILE, 0) & REDUCED:
            raise ImageError("a TIFF that begins with a preview, as camera raws do: save it as JPEG or PNG")
        return image
    except Image.DecompressionBombError as error:
        raise _too_many(limits) from error
    except UnidentifiedImageError as error:
        raise ImageError(_named(data) or f"not an image of a supported kind ({', '.join(FORMATS)})") from error
    except DAMAGE as error:
        raise ImageError(f"damaged or cut short: {_reason(error)}") from error


def _named(data: bytes) -> str | None:
    """What a file's bytes are by their signature, as a reason for not reading them."""
    return next((reason for at, signature, reason in KINDS if data.startswith(signature, at)), None)


def _identified(data: bytes) -> Image.Image:
    """The image in a file's bytes, by the formats that Pillow reads, or else by that of iPhone photos."""
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        if not data[4:12].startswith(HEIF):
            raise
    try:
        from pillow_heif import register_heif_opener
    except ModuleNotFoundError:
        reason = "reading HEIC needs pillow-heif: pip install 'mien[heic]', or save it as JPEG or PNG"
        raise ImageError(reason) from None
    register_heif_opener()
    return Image.open(io.BytesIO(data), formats=("HEIF",))


def decoded(image: Image.Image, limits: Limits, factor: int = 1) -> Image.Image:
    """A Pillow image as `read_image` gives it: RGB and upright. Raises `ImageError`.

    Args:
        image: open.
        limits: how big it may be.
        factor: 2, 4 or 8 decodes an image of `SHRINKS` so many times smaller, its sides rounded up.
    """
    _check_size(image.width, image.height, limits)
    whole = factor == 1 or "progressive" in image.info  # which libjpeg holds whole, whatever it makes of it
    make_room(image.width * image.height // (1 if whole else factor**2))
    try:
        if factor > 1:
            image.draft(None, (image.width // factor, image.height // factor))
        tags = dict(getattr(image, "tag_v2", {}))
        _check_size(tags.get(TILE_WIDTH, 1), tags.get(TILE_HEIGHT, 1), limits)  # decoded whole, however small the image
        image.load()
        return _rgb(_upright(image), tags)
    except MemoryError as error:
        raise ImageError("not enough memory to decode it") from error
    except DAMAGE as error:
        raise ImageError(f"damaged or cut short: {_reason(error)}") from error
    except Image.DecompressionBombError as error:
        raise _too_many(limits) from error


def pixels_of(image: Image.Image) -> Pixels:
    """An RGB image as an array, read-only. Raises `ImageError`."""
    try:
        return np.asarray(image)
    except MemoryError as error:
        raise ImageError("not enough memory to decode it") from error


def _too_many(limits: Limits) -> ImageError:
    """What is said of an image that Pillow itself refuses for its size."""
    least = min(limits.max_pixels, 2 * (Image.MAX_IMAGE_PIXELS or limits.max_pixels))
    return ImageError(f"more than {least / 1e6:g} million pixels, the limit")


def _from_array(array: NDArray[Any], limits: Limits) -> Pixels:
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or array.shape[2:] not in ((), (1,), (3,)):
        raise ImageError(f"expected uint8 (H, W, 3) in RGB order or (H, W), got {array.dtype} {array.shape}")
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
        raise ImageError(f"{width} x {height} pixels, over the limit of {limits.max_pixels / 1e6:g} million")


def turn_of(image: Image.Image) -> Image.Transpose | None:
    """What makes an image upright, as its EXIF orientation asks; a damaged EXIF block asks nothing."""
    try:
        return UPRIGHT.get(image.getexif().get(0x0112, 1))
    except DAMAGE:
        return None


def _upright(image: Image.Image) -> Image.Image:
    turn = turn_of(image)
    return image if turn is None else image.transpose(turn)


def _rgb(image: Image.Image, tags: Mapping[int, Any]) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        image = Image.fromarray(_eight_bits(np.asarray(image), tags))
    elif image.has_transparency_data:
        rgba = image.convert("RGBA")
        image = Image.new("RGB", image.size, "white")
        image.paste(rgba, mask=rgba.getchannel("A"))
    return image if image.mode == "RGB" else image.convert("RGB")


def _eight_bits(values: NDArray[Any], tags: Mapping[int, Any]) -> NDArray[np.uint8]:
    """Gray values scaled to 0..255: those of 16 bits from 0..65535; others from 0..255 or 0..65535, floats from 0..1 as
    well, by their highest. Floats may go a tenth beyond, as those of resampled images do.

    A TIFF's tags may tell of 12 bits, or that 0 is white; Pillow leaves both as they are.
    """
    low, high = float(values.min()), float(values.max())
    tops: tuple[int, ...]
    tops, beyond = (4095 if tags.get(BITS) == (12,) else 65535,), 0.0
    if values.dtype.kind == "f":
        tops, beyond = (1, 255, 65535), BEYOND
    elif values.dtype.itemsize > 2:
        tops = (255, 65535)
    top = next((each for each in tops if high <= each * (1 + beyond)), tops[-1])
    if not -top * beyond <= low <= high <= top * (1 + beyond):
        raise ImageError(f"gray values from {low:g} to {high:g}: expected 0..{top}")
    gray = (values.clip(0, top) * np.float32(255 / top) + np.float32(0.5)).astype(np.uint8)
    return 255 - gray if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO else gray


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__

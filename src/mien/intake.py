"""What may be given as an image, how big it may be, and the bytes of a file.

A source is a path, a file's bytes, a binary stream, a Pillow image, an array, or what NumPy takes for one. What can be
no image raises `SourceError`, the caller's mistake; a file that cannot be read raises `ImageError`.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal, Protocol, SupportsBytes, SupportsIndex, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.container import ARCHIVE, INDEX, TABLE, VIDEO, named
from mien.errors import ImageError, MienError, SourceError

CHUNK = 2**20  # bytes asked of a stream at once
CHANNELS = (1, 3)
BINARY = "expected a file opened in binary mode, open(path, 'rb')"

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
"""How addresses begin; letters of drives are single. A `Path` has one of the two strokes."""

ADDRESS = "an address, not a file: nothing is fetched from it; download it and name the file"


STREAMED = "https?|rtsps?|rtmps?|rtp|udp|tcp|srt"
PARTS = re.compile(
    rf"(?P<begins>[a-z][a-z0-9+.-]+:/{{1,2}}|(?:{STREAMED})//)(?P<keeper>[^/?#]*@)?(?P<machine>[^/?#]*)(?P<rest>.*)",
    re.DOTALL | re.IGNORECASE,
)
"""An address, perhaps with a user's name and a password, of which somebody may have left out the colon."""

NUMBERED = re.compile(r"(localhost|\d+\.[\d.]+|\[[0-9a-f:.]+\])(:\d+)?", re.IGNORECASE)
"""A machine that is no name, perhaps with a port."""


def is_doubtful(source: str) -> bool:
    """Whether this is an address of which nobody can tell where a password ends: signs in it that part an address were
    to be escaped, and an `@` comes after one of them."""
    found = PARTS.fullmatch(source)
    if found is None or "@" not in found["rest"] or (not found["keeper"] and NUMBERED.fullmatch(found["machine"])):
        return False
    return ":" in source[found.end("begins") : source.rindex("@")]


def without_secrets(source: str) -> str:
    """An address without user, password, and what is behind a `?` or `#`; all else as it is. Where it is doubtful what
    these are, only its beginning is told."""
    found = PARTS.fullmatch(source)
    if found is None:
        return source
    told = "..." if is_doubtful(source) else found["machine"] + re.split("[?#]", found["rest"])[0]
    return found["begins"] + told


class GivesArray(Protocol):
    """Anything that NumPy takes for an array, such as a tensor in main memory."""

    def __array__(self, *args: Any, **kwargs: Any) -> NDArray[Any]: ...


Encoded: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO"
"""A file: its path, its bytes, or itself, open."""

ImageSource: TypeAlias = "Encoded | SupportsBytes | Image.Image | NDArray[Any] | GivesArray"
"""What `read_image` takes. What gives its bytes, by `__bytes__`, is asked for them each time that it is read."""


@dataclass(frozen=True)
class Limits:
    """How big an image may be; refused beyond that, before it is decoded.

    Args:
        max_bytes: encoded size.
        max_pixels: width times height. Pillow's own limit (`Image.MAX_IMAGE_PIXELS`, doubled: 179 million) holds for
            WebP and TIFF as well.
        max_scans: of a JPEG, each of which goes over the whole image; progressive ones have about 10.
        max_parts: segments of a JPEG, chunks of a PNG, blocks before a GIF's image, values in a TIFF's directories.
        max_slow_pixels: of what Pillow decodes pixel by pixel in Python: PPM of unusual depth, BMP of run lengths.
        max_decoded: bytes that an image and its decoder may hold at once (see `bounds.held`); large JPEGs are read at a
            half of their size or less where the whole would hold more.
        own: whether who is refused may raise them, and is told so; not where others set them, as a service does.

    Raises:
        MienError: one is no whole number of 0 or more.
    """

    max_bytes: int = 200_000_000
    max_pixels: int = 200_000_000
    max_scans: int = 100
    max_parts: int = 250_000
    max_slow_pixels: int = 1_000_000
    max_decoded: int = 2**62
    own: bool = True

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not isinstance(value, SupportsIndex) or value.__index__() < 0:
                raise MienError(f"{name} is a whole number of 0 or more, got {value!r}")

    def advice(self, name: str) -> str:
        """The end of a refusal by one of them: how to raise it, or nothing."""
        return f": raise {name}" if self.own else ""


LIMITS = Limits()
"""Of one's own files: today's phones take photos of 200 megapixels."""

UPLOADS = Limits(max_bytes=20_000_000, max_pixels=50_000_000, own=False)
"""Of what others send."""


THOUSANDS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
SIZES = {
    "bytes": (re.compile(r"(\d[\d_]{0,17}(?:\.\d+)?) ?([kmg]?)(?:b|bytes?)?", re.IGNORECASE), "20MB or 20000000"),
    "pixels": (
        re.compile(r"(\d[\d_]{0,17}(?:\.\d+)?) ?([kmg]?)(?:p|px|pixels?)?", re.IGNORECASE),
        "200MP or 200000000",
    ),
}
"""How sizes are written, and examples."""


def read_size(text: str | int, of: Literal["bytes", "pixels"]) -> int:
    """A size of bytes or pixels, above 0, from text such as 20MB or 50MP; numbers stay as they are.

    Raises:
        ValueError: it is none; says what would be.
    """
    pattern, such_as = SIZES[of]
    found = pattern.fullmatch(str(text).strip())
    size = int(float(found[1]) * THOUSANDS[found[2].lower()]) if found else 0
    if size < 1:
        raise ValueError(f"expected a size such as {such_as}, got {text!r}")
    return size


def describe(source: ImageSource) -> str:
    """What to call a source in results: its path as given (bytes that are not text as `\\xff`), or its kind."""
    if isinstance(source, str | os.PathLike):
        try:
            return os.fsencode(source).decode("utf-8", "backslashreplace")
        except UnicodeEncodeError:  # no path of any file system's
            return os.fspath(source).encode("utf-8", "backslashreplace").decode()
    if isinstance(source, bytes | bytearray | memoryview):
        return "<bytes>"
    if isinstance(source, Image.Image):
        return "<image>"
    if hasattr(source, "__array__"):
        return "<array>"
    if hasattr(source, "__bytes__"):
        return "<bytes>"
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else "<file>"


def known(source: ImageSource) -> Encoded | Image.Image | NDArray[np.uint8]:
    """A source as one of the few kinds there are: what gives an array becomes it.

    Raises:
        SourceError: it is no image, whatever it holds.
        ImageError: its bytes, which it would give, cannot be read.
    """
    if isinstance(source, str | os.PathLike | bytes | bytearray | memoryview | Image.Image):
        return source
    kind = type(source).__name__
    if hasattr(source, "__array__") or hasattr(source, "__array_interface__"):
        try:
            array = np.asarray(source)
        except (TypeError, ValueError, RuntimeError) as error:
            raise SourceError(f"expected an image, got {kind}, which gives no array: {error}") from error
        if array.dtype != np.uint8 or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in CHANNELS):
            expected = "expected uint8 (H, W, 3) in RGB order or gray (H, W)"
            raise SourceError(f"{expected}, got {kind}, {array.dtype} {array.shape}{_advice(array, source)}")
        return array
    if hasattr(source, "__bytes__"):  # asking by the protocol takes a twentieth of what a face crop takes
        return bytes(source)
    if hasattr(source, "read"):
        return source
    raise SourceError(f"expected a path, bytes, a binary file, a Pillow image or an array, got {kind}")


def _advice(array: NDArray[Any], source: object) -> str:
    """What makes an image of an array, or of what gave it, whose own methods may be others."""
    if array.dtype.kind not in "biuf":
        return ": for several images give a list of them"
    steps = {
        "array = numpy.asarray(image)": not isinstance(source, np.ndarray),
        "4 dimensions: give a list of images, list(array)": array.ndim == 4,
        "channels first: array.transpose(1, 2, 0)": array.ndim == 3 and array.shape[0] in CHANNELS,
        "a channel too many: array[..., :3] leaves out alpha": array.ndim == 3 and array.shape[-1] == 4,
        "a mask: 255 * array.astype('uint8')": array.dtype.kind == "b",
        "floats: (255 * array).astype('uint8') if they are 0..1": array.dtype.kind == "f",
        "integers: array.astype('uint8') if they are 0..255": array.dtype.kind in "iu" and array.dtype != np.uint8,
    }
    return "".join(f"; {step}" for step, needed in steps.items() if needed)


def encoded(source: Encoded, limits: Limits) -> bytes:
    """The bytes of a path, a stream or bytes: at least one and at most `limits.max_bytes`. Raises `ImageError`."""
    try:
        if isinstance(source, bytes | bytearray | memoryview):
            data = bytes(source)
        elif isinstance(source, str | os.PathLike):
            with open(source, "rb", buffering=0) as stream:
                data = _drain(stream, limits.max_bytes + 1)
        else:
            data = _drain(source, limits.max_bytes + 1)
    except FileNotFoundError as error:
        linked = isinstance(source, str | os.PathLike) and os.path.islink(source)
        if isinstance(source, str | os.PathLike) and URL.match(os.fsdecode(source)):
            raise ImageError(ADDRESS) from error
        raise ImageError("a link to a file that is not there" if linked else "no such file") from error
    except IsADirectoryError as error:
        raise ImageError("a folder, not an image") from error
    except OSError as error:
        raise ImageError(f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ImageError(f"cannot be read: {error}") from error
    if len(data) > limits.max_bytes:
        told, most = named(data), f"more than {limits.max_bytes / 1e6:g} MB, the limit{limits.advice('max_bytes')}"
        raise ImageError(told if told in (VIDEO, ARCHIVE, TABLE, INDEX) else most)
    if not data:
        raise ImageError("empty: no bytes to read")
    return data


def _drain(stream: Any, size: int) -> bytes:
    """Up to `size` bytes from where a stream stands."""
    chunks, left = [], size
    while left > 0:
        try:
            chunk = stream.read(min(left, CHUNK))
        except UnicodeDecodeError as error:
            raise SourceError(f"{BINARY}; this one reads text") from error
        if not isinstance(chunk, bytes):
            raise SourceError(f"{BINARY}; reading it gave {type(chunk).__name__}")
        if not chunk:
            break
        chunks.append(chunk)
        left -= len(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)

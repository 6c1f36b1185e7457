"""Images of no use: twelve kinds of broken files, and what makes files of images; and disks that take no more."""

from __future__ import annotations

import resource
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image


def photo(width: int = 200, height: int = 120) -> Image.Image:
    """A photo in RGB, of that size."""
    with Image.open(Path(skimage.data.__file__).parent / "astronaut.png") as whole:
        return whole.convert("RGB").crop((100, 0, 400, 180)).resize((width, height))


@contextmanager
def little_room(size: int) -> Iterator[None]:
    """No file may be larger than so many bytes: as on a full disk, but for the error's number."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    """An image's file."""
    stream = BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def encoded(pixels: NDArray[np.uint8], form: str = "PNG", **options: Any) -> bytes:
    """The file of an image, (H, W, 3) uint8."""
    return saved(Image.fromarray(pixels), form, **options)


def broken(png: bytes) -> dict[str, bytes]:
    """Files that are no images any more, or never were, by what is wrong with them.

    Args:
        png: one that is whole.
    """
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    jpeg = encoded(noise, "JPEG")
    header = b"IHDR" + (2**20).to_bytes(4) * 2 + b"\x08\x00\x00\x00\x00"
    return {
        "empty": b"",
        "text": b"these are words",
        "zeros": bytes(1000),
        "cut header": png[:20],
        "half a PNG": png[: len(png) // 2],
        "half a JPEG": jpeg[: len(jpeg) // 2],
        "no such depth": png[:24] + b"\x03" + png[25:],
        "bomb": png[:8] + (13).to_bytes(4) + header + zlib.crc32(header).to_bytes(4) + png[33:],
        "page": b"<!DOCTYPE html><html>404</html>",
        "archive": b"PK\x03\x04" + bytes(100),
        "video": b"\0\0\0\x18ftypisom" + bytes(100),
        "gif": b"GIF89a" + bytes(20),
    }

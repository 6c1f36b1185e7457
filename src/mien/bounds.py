"""Bounds: what a file makes its decoder do, counted before it does it, so that no small file takes long.

A limit of bytes and one of pixels do not bound a decoder's time: a few bytes may ask for one more pass over all pixels,
or for one more copy of what stands in the file once. Such things are counted here, each in time linear in the file's
bytes.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from itertools import islice

from PIL import Image

from mien.colour import MODES
from mien.container import colours
from mien.errors import ImageError
from mien.intake import Limits

PLAIN = re.compile(rb"P[123][\s#]")
TIFF = (b"II*\0", b"MM\0*", b"MM*\0", b"II\0*", b"II+\0")  # as Pillow takes them, mixed up as well
PNG_START, GIF_START, JPEG_START = b"\x89PNG\r\n\x1a\n", b"GIF8", b"\xff\xd8\xff"

MARKER = re.compile(rb"\xff([^\0\xff])")
BARE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length
SCAN, END = 0xDA, 0xD9
EXIF = b"Exif\0\0"

DIRECTORIES = 1000  # of a TIFF; more are not read
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}  # bytes, by type
SINGLE = frozenset({1, 2, 6, 7})  # types whose values stay one string of bytes

RGB = 4  # bytes in which Pillow holds a pixel
BY_MODE = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2, "I;16N": 2}  # of others it is 4 as well
DECODING = {"WEBP": 13, "AVIF": 6, "HEIF": 4, "TIFF": 4}  # bytes a pixel beside it: canvases, layers, a copy, a strip
KEPT = {"WEBP": 9, "AVIF": 5}  # bytes of these that stay as long as the image does

SLOW = 128  # bytes for which a pixel counts that is decoded in Python: it takes as long as the pixels of so many

COVERED = 16  # times that the strips or tiles of an image may cover it: once a channel, if these lie apart


def check_file(data: bytes, limits: Limits) -> None:
    """Refuse a file whose decoding is not bounded by its size; its pixels are left to `check_pieces`.

    Raises:
        ImageError: it has more scans or parts than `limits` allow, or is of a kind without any bound.
    """
    if PLAIN.match(data):
        raise ImageError("a bitmap in plain text (P1, P2 or P3), which takes too long: save it as PNG, or as P4 to P6")
    if data.startswith(JPEG_START):
        _check_jpeg(data, limits)
    elif data.startswith(PNG_START):
        _check_parts(_count(_chunks(data), limits.max_parts), "chunks", limits)
    elif data.startswith(GIF_START):
        _check_parts(_count(_blocks(data), limits.max_parts), "blocks before its image", limits)
    elif data.startswith(TIFF):
        _check_tiff(data, limits)


def held(image: Image.Image, factor: int = 1, *, turned: bool = False) -> int:
    """How many bytes an image holds at most while it is decoded and becomes RGB or gray, its decoder counted in.

    Measured with `benchmarks/abuse.py`.

    Args:
        image: open, its pixels not yet decoded.
        factor: how many times smaller it is decoded.
        turned: whether it has to be made upright.
    """
    pixels = -(-image.width // factor) * -(-image.height // factor)
    decoding = pixels * DECODING.get(image.format or "", 0)
    if "progressive" in image.info:  # libjpeg holds every coefficient, in two bytes, whatever it makes of them
        layers = [across * down for _, across, down, _ in getattr(image, "layer", [])]
        decoding = 2 * image.width * image.height * sum(layers) // max(layers, default=1)
    if in_python(image):
        decoding = pixels * SLOW
    copies = RGB * ((image.mode not in MODES or image.has_transparency_data) + turned)
    return pixels * own(image) + max(decoding, pixels * (copies + kept(image)))


def own(image: Image.Image) -> int:
    """Bytes in which Pillow holds a pixel of an image."""
    return BY_MODE.get(image.mode, RGB)


def kept(image: Image.Image) -> int:
    """Bytes a pixel that the decoder of an image holds as long as the image is there."""
    return KEPT.get(image.format or "", 0)


def in_python(image: Image.Image) -> bool:
    """Whether the decoder of an image that is open is written in Python, and slow."""
    return any(piece[0] in Image.DECODERS for piece in getattr(image, "tile", []))


def check_pieces(image: Image.Image, limits: Limits) -> None:
    """Refuse an image whose pixels a decoder written in Python makes, or of whose pieces many lie on one another.

    Args:
        image: open, its pixels not yet decoded.
        limits: how big it may be.

    Raises:
        ImageError: it is one of these.
    """
    pieces = getattr(image, "tile", [])
    pixels = image.width * image.height
    if pixels > limits.max_slow_pixels and in_python(image):
        most = f"{limits.max_slow_pixels / 1e6:g} million"
        raise ImageError(
            f"{pixels / 1e6:.3g} million pixels of a kind that is slow to read, over {most}: save it as PNG"
        )
    covered = sum((right - left) * (lower - upper) for _, (left, upper, right, lower), *_ in pieces)
    if covered > COVERED * pixels:
        raise ImageError("strips or tiles that cover the image again and again: save it as PNG")


def _count(things: Iterator[int], most: int) -> int:
    """How many there are, counted no further than one above `most`."""
    return sum(1 for _ in islice(things, most + 1))


def _check_parts(parts: int, what: str, limits: Limits) -> None:
    if parts > limits.max_parts:
        raise ImageError(f"more than {limits.max_parts:,} {what}, the limit: save it anew")


def _check_jpeg(data: bytes, limits: Limits) -> None:
    """Segments before the first scan are read one by one; all scans, each over the whole image."""
    at = parts = exif = 0
    while (found := MARKER.search(data, at)) and found[1][0] not in (SCAN, END):
        at = found.end()
        if found[1][0] in BARE:
            continue
        exif += data.startswith(EXIF, at + 2)
        parts += 1
        _check_parts(parts + exif**2, "segments", limits)  # Pillow appends each block of EXIF to those before it
        at += max(int.from_bytes(data[at : at + 2]), 2)
    if data.count(bytes((0xFF, SCAN))) <= limits.max_scans:  # no need to tell scans from what looks alike
        return
    if _count(_scans(data), limits.max_scans) > limits.max_scans:
        raise ImageError(f"more than {limits.max_scans} scans, the limit: save it anew")


def _check_tiff(data: bytes, limits: Limits) -> None:
    """Each value of a directory is looked at, and what two of them name is held twice."""
    values = claimed = 0
    for kind, count in _entries(data):
        if kind not in SIZES:  # skipped
            continue
        values += 1 if kind in SINGLE else count
        claimed += SIZES[kind] * count
        _check_parts(values, "values in its directories", limits)
        if claimed > 2 * len(data):  # a page may share some with another
            raise ImageError("directories that hold more than the file does: save it as PNG")


def _scans(data: bytes) -> Iterator[int]:
    """Where a JPEG's scans begin, up to its end; those of a thumbnail within a segment are none."""
    at = 0
    while (found := MARKER.search(data, at)) and found[1][0] != END:
        at = found.end()
        if found[1][0] == SCAN:
            yield at
        if found[1][0] not in BARE:
            at += max(int.from_bytes(data[at : at + 2]), 2)


def _chunks(data: bytes) -> Iterator[int]:
    """Where a PNG's chunks begin."""
    at = len(PNG_START)
    while at + 8 <= len(data):
        yield at
        at += 12 + int.from_bytes(data[at : at + 4])


def _blocks(data: bytes) -> Iterator[int]:
    """Where the blocks before a GIF's first image begin."""
    at, within = 13 + colours(data[10]) if len(data) > 10 else len(data), False
    while at < len(data):
        kind = data[at]
        if within:
            yield at
            at, within = at + kind + 1, kind > 0
        elif kind in (0x2C, 0x3B):
            return
        else:
            at, within = (at + 2, True) if kind == 0x21 else (at + 1, False)


def _entries(data: bytes) -> Iterator[tuple[int, int]]:
    """Type and number of values of each entry of a TIFF's directories, each directory once."""
    order, long = ("<" if data[:1] == b"I" else ">"), data[2] == 43
    counted, entry, offset = (order + each for each in (("Q", "HHQ8x", "Q") if long else ("H", "HHI4x", "I")))
    seen: set[int] = set()
    try:
        (at,) = struct.unpack_from(offset, data, 8 if long else 4)
        while at and at not in seen and len(seen) < DIRECTORIES:
            seen.add(at)
            (count,) = struct.unpack_from(counted, data, at)
            at += struct.calcsize(counted)
            for _ in range(count):
                _, kind, values = struct.unpack_from(entry, data, at)
                yield kind, values
                at += struct.calcsize(entry)
            (at,) = struct.unpack_from(offset, data, at)
    except struct.error:  # the file ends before, as it does for whoever decodes it
        return

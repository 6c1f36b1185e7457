"""Gaps: whether a decoder that raised nothing had all of an image's pixels.

What a PNG or a TIFF lacks Pillow leaves at 0, what a JPEG lacks libjpeg at the middle of its range. Few images end like
that, so most are known for whole by their last pixel.
"""

from __future__ import annotations

import struct
import zlib

from PIL import Image

from mien.container import ANIMATED, JPEG_END

PNG_START = 8  # bytes before the first chunk
PNG_HEADER = struct.Struct(">8xBBxxB")  # depth, kind of colours, whether interlaced
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of a pixel, by the kind of colours
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Of an interlaced PNG: first column and row, and the steps to the next ones."""
STEP = 2**16  # bytes that are inflated at once

SAMPLES_A_PIXEL, PLANES, APART = 277, 284, 2  # tags of a TIFF, and what the second says of samples that lie apart
COMPRESSION, JPEG = 259, 7
PLACES, LENGTHS = (273, 324), (279, 325)  # of strips, of tiles
MIDDLE = {127, 128}  # of a JPEG's samples, of which CMYK's are the other way round


def lacking(data: bytes, image: Image.Image) -> bool:
    """Whether a PNG or a TIFF lacks pixels.

    Args:
        data: the file's bytes.
        image: the one in it, decoded.
    """
    if image.format == "PNG":
        turned = image.tell() > 0  # to the first of an animation that the file's own picture is none of
        left, top, right, bottom = image.dispose_extent if turned else (0, 0, *image.size)  # type: ignore[attr-defined]
        packed, intact = _packed(data, ANIMATED if turned else b"IDAT")
        doubtful = not intact or "interlace" in image.info or not any(_last(image))
        return doubtful and _inflates_to_less(packed, _size(data, right - left, bottom - top), intact)
    if image.format == "TIFF" and getattr(image, "tag_v2", {}).get(COMPRESSION) == JPEG:
        return _jpeg_pieces_lack(data, image)
    return False


def fewer_pieces(image: Image.Image) -> bool:
    """Whether a TIFF without compression, open but not yet decoded, has fewer strips or tiles than it is made of."""
    pieces = getattr(image, "tile", ())
    if image.format != "TIFF" or not pieces or any(piece[0] != "raw" for piece in pieces):
        return False
    tags = getattr(image, "tag_v2", {})
    planes = tags.get(SAMPLES_A_PIXEL, 1) if tags.get(PLANES) == APART else 1
    covered = sum((right - left) * (lower - upper) for _, (left, upper, right, lower), *_ in pieces)
    return covered < planes * image.width * image.height or not all(place for _, _, place, _ in pieces)


def may_lack(image: Image.Image) -> bool:
    """Whether a JPEG, decoded, ends as one does that lacks pixels."""
    return image.format in ("JPEG", "MPO") and MIDDLE.issuperset(_last(image))


def _last(image: Image.Image) -> tuple[float, ...]:
    pixel = image.getpixel((image.width - 1, image.height - 1))
    return pixel if isinstance(pixel, tuple) else (pixel or 0,)


def _packed(data: bytes, kind: bytes) -> tuple[list[memoryview], bool]:
    """A PNG's compressed pixels, in the first chunks of a kind, and whether they are as they were written, by their
    checksums. Before an animation's they have a number."""
    numbered = 4 * (kind == ANIMATED)
    view, parts, at, intact = memoryview(data), [], PNG_START, True
    while at + 8 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4])
        if data[at + 4 : at + 8] == kind:
            parts.append(view[at + 8 + numbered : end])
            intact = intact and zlib.crc32(view[at + 4 : end]) == int.from_bytes(data[end : end + 4])
        elif parts:
            break
        at = end + 4
    return parts, intact


def _size(data: bytes, width: int, height: int) -> int:
    """Bytes of so many of a PNG's pixels, each row with one before it."""
    depth, kind, interlaced = PNG_HEADER.unpack_from(data, 16)
    sides = [(width, height)]
    if interlaced:
        sides = [(-(-(width - x) // across), -(-(height - y) // down)) for x, y, across, down in PASSES]
    return sum((1 + -(-across * depth * SAMPLES[kind] // 8)) * down for across, down in sides if across > 0 < down)


def _inflates_to_less(parts: list[memoryview], size: int, intact: bool) -> bool:
    """Whether compressed bytes hold fewer than `size`; or, where they are not intact, others than were written."""
    stream, left = zlib.decompressobj(), size
    try:
        for part in parts:
            rest: bytes | memoryview = part
            while rest and left >= 0 and not stream.eof:
                left -= len(stream.decompress(rest, STEP))
                rest = stream.unconsumed_tail
    except zlib.error:
        return True
    return left > 0 or (not intact and left < 0)


def _jpeg_pieces_lack(data: bytes, image: Image.Image) -> bool:
    """Whether a strip or tile of a TIFF is a JPEG without its end."""
    tags = image.tag_v2  # type: ignore[attr-defined]
    places, lengths = (next((tags[tag] for tag in both if tag in tags), ()) for both in (PLACES, LENGTHS))
    ends = (at + length for at, length in zip(places, lengths, strict=False))
    return not all(data[max(end - 16, 0) : end].rstrip(b"\0").endswith(JPEG_END) for end in ends)

"""Files whose form is whole, and whose pixels are not: none is read as gray or black where something is missing."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from broken import photo, saved
from PIL import Image

from mien.errors import ImageError
from mien.image import opened, read_image
from mien.intake import Limits
from mien.picture import open_picture

CUT = r"^damaged or cut short"
MISSING = CUT + r": (some of its pixels are not there|image file is truncated)"
PARTS = (0.3, 0.6, 0.9)
KINDS = {"L": 0, "RGB": 2, "RGBA": 6}


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(image: Image.Image, part: float = 1.0, *, interlaced: bool = False, pieces: int = 1) -> bytes:
    """A PNG that is well formed, of as many of an image's first rows, in the order in which they are stored."""
    pixels = np.asarray(image)
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    layers = [pixels[y::down, x::across] for x, y, across, down in passes] if interlaced else [pixels]
    rows = [b"\0" + row.tobytes() for layer in layers if layer.size for row in layer]
    packed = zlib.compress(b"".join(rows[: int(len(rows) * part)]))
    step = -(-len(packed) // pieces)
    header = struct.pack(">IIBBBBB", *image.size, 8, KINDS[image.mode], 0, 0, interlaced)
    body = b"".join(chunk(b"IDAT", packed[at : at + step]) for at in range(0, len(packed), step))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


def refused(data: bytes) -> None:
    for read in (read_image, open_picture):
        with pytest.raises(ImageError, match=MISSING):
            read(data)


def read_whole(data: bytes) -> np.ndarray:
    picture = open_picture(data)
    assert picture.notes == ()
    np.testing.assert_array_equal(picture.pixels, read_image(data))
    return read_image(data)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("size", [(200, 120), (48, 48), (5, 3), (1, 9), (301, 219)])
@pytest.mark.parametrize("mode", KINDS)
def test_a_png_of_too_few_rows_is_not_read(mode: str, size: tuple[int, int], interlaced: bool) -> None:
    image = photo(*size).convert(mode)
    image.putpixel((size[0] - 1, size[1] - 1), (0,) * len(image.getbands()) if mode != "L" else 0)
    expected = np.asarray(image.convert("RGB"))
    pixels = read_whole(png(image, interlaced=interlaced, pieces=3))
    np.testing.assert_array_equal(pixels[:, :-1], expected[:, :-1])
    for part in (*PARTS, 0.999):
        for pieces in (1, 3):
            refused(png(image, part, interlaced=interlaced, pieces=pieces))


def test_a_png_whose_end_was_never_written_is_not_read() -> None:
    """As a download leaves it for whose file room was made before it came."""
    for mode in KINDS:
        data = png(photo().convert(mode))
        for part in PARTS:
            kept = data[: int(len(data) * part)]
            with pytest.raises(ImageError, match=CUT):
                read_image(kept + bytes(len(data) - len(kept)))


def test_a_png_whose_checksum_alone_is_wrong_is_read() -> None:
    for mode in KINDS:
        data = png(photo().convert(mode))
        wrong = data[:-16] + b"none" + data[-12:]
        np.testing.assert_array_equal(read_whole(wrong), read_image(data))


@pytest.mark.parametrize("colour", [(0, 0, 0), (128, 128, 128), (127, 127, 127)])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF"])
def test_images_that_end_as_those_do_that_lack_pixels_are_read(format: str, colour: tuple[int, int, int]) -> None:
    for size in ((200, 120), (800, 420)):
        image = Image.new("RGB", size, colour)
        image.paste(photo(100, 60))
        for each in (image, image.convert("L")):
            assert np.abs(read_whole(saved(each, format))[-1, -1].astype(int) - colour).max() <= 1


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_that_ends_in_gray_is_decoded_once_more_and_no_oftener(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    times: list[bytes] = []

    def counted(data: bytes, limits: Limits) -> Image.Image:
        times.append(data)
        return opened(data, limits)

    monkeypatch.setattr("mien.image.opened", counted)
    gray = Image.new(mode, (200, 120), 128 if mode == "L" else (128,) * len(mode))
    for image, expected in ((photo().convert(mode), 1), (gray, 2)):
        times.clear()
        read_image(saved(image, "JPEG"))
        assert len(times) == expected


def with_end(data: bytes, part: float) -> bytes:
    """A JPEG whose last scan ends early, its end mark behind it."""
    at = data.rindex(b"\xff\xda")
    at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return data[: at + int((len(data) - 2 - at) * part)].rstrip(b"\xff") + b"\xff\xd9"


@pytest.mark.parametrize("size", [(200, 120), (197, 113), (800, 420)])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"restart_marker_blocks": 7}, {"quality": 100, "subsampling": 0}])
def test_a_jpeg_that_ends_early_is_not_read_though_it_has_its_end_mark(
    options: dict[str, Any], mode: str, size: tuple[int, int]
) -> None:
    data = saved(photo(*size).convert(mode), "JPEG", **options)
    assert with_end(data, 1) == data
    read_whole(data)
    for part in PARTS:
        refused(with_end(data, part))
        refused(with_end(data, part) + b"\0\0\0\x18ftypmp42")


def with_strips(data: bytes, change: Callable[[int, list[int]], list[int]]) -> bytes:
    """A TIFF whose lists of strips are changed: of where they are (273), and of their lengths (279)."""
    (at,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, at)
    changed = bytearray(data)
    for entry in range(at + 2, at + 2 + 12 * entries, 12):
        tag, kind, count = struct.unpack_from("<HHI", data, entry)
        if tag in (273, 279):
            letter = {3: "H", 4: "I"}[kind]
            (place,) = struct.unpack_from("<I", data, entry + 8)
            values = change(tag, list(struct.unpack_from(f"<{count}{letter}", data, place)))
            struct.pack_into("<I", changed, entry + 4, len(values))
            struct.pack_into(f"<{len(values)}{letter}", changed, place, *values)
    return bytes(changed)


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"])
@pytest.mark.parametrize("keep", [7, 14])
def test_a_tiff_that_lacks_strips_is_not_read(keep: int, compression: str | None) -> None:
    data = saved(photo(), "TIFF", tiffinfo={278: 8}, strip_size=4800, compression=compression)  # 15 strips
    read_whole(data)
    lacking = {
        "not named": lambda tag, values: values[:keep],
        "never written": lambda tag, values: [*values[:keep], *[0] * (15 - keep)],
    }
    for change in lacking.values():
        with pytest.raises(ImageError, match=CUT):
            read_image(with_strips(data, change))


def test_a_tiff_whose_strips_are_jpegs_that_end_early_is_not_read() -> None:
    data = saved(photo(), "TIFF", strip_size=4800, compression="jpeg")

    def shorter(part: float, tag: int, values: list[int]) -> list[int]:
        return [int(each * part) for each in values] if tag == 279 else values

    for part in PARTS:
        refused(with_strips(data, partial(shorter, part)))

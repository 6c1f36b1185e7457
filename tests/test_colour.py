"""Colours of every depth: what is clear, what is white, and what the values mean."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mien.colour import CLEAR, NOTHING_SEEN
from mien.image import read_image
from mien.picture import open_picture

RAMP = np.arange(0, 256, 4, dtype=np.uint8)[None].repeat(8, 0)
"""Gray, 8 high and 64 wide, dark at the left."""


def saved(image: Image.Image, format: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def png(depth: int, colour: int, row: bytes, clear: tuple[int, ...] = ()) -> bytes:
    """Four by four pixels, of which those of the colour `clear` are transparent."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, depth, colour, 0, 0, 0))
    transparent = chunk(b"tRNS", struct.pack(f">{len(clear)}H", *clear)) if clear else b""
    return (
        b"\x89PNG\r\n\x1a\n"
        + header
        + transparent
        + chunk(b"IDAT", zlib.compress((b"\0" + row) * 4))
        + chunk(b"IEND", b"")
    )


def bmp(alpha: int, upside_down: bool = False) -> bytes:
    """Four by four pixels of (200, 20, 10) in 32 bits, with masks for red, green, blue and alpha."""
    header = struct.pack("<IiiHHIIiiII", 56, 4, -4 if upside_down else 4, 1, 32, 3, 64, 0, 0, 0, 0)
    header += struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    start = 14 + len(header)
    return b"BM" + struct.pack("<IHHI", start + 64, 0, 0, start) + header + bytes((10, 20, 200, alpha)) * 16


def deep(*values: int) -> bytes:
    return struct.pack(f">{len(values)}H", *values)


@pytest.mark.parametrize(
    ("source", "left", "right"),
    [
        (png(16, 0, deep(1000, 1000, 60000, 60000), (1000,)), 255, 233),
        (png(16, 0, deep(1000, 1000, 60000, 60000), (1001,)), 4, 233),
        (png(16, 2, deep(*[1000, 2000, 3000] * 2, *[60000] * 6), (1000, 2000, 3000)), 255, 234),
        (png(8, 0, bytes((10, 10, 200, 200)), (10,)), 255, 200),
        (png(4, 0, bytes((0x55, 0x00)), (5,)), 255, 0),
        (png(2, 0, bytes((0b01011010,)), (1,)), 255, 170),
        (png(1, 0, bytes((0b11001111,)), (0,)), 255, 255),
        (png(1, 0, bytes((0b00110000,)), (1,)), 0, 255),
        (png(16, 4, deep(1000, 0, 1000, 0, 60000, 65535, 60000, 65535)), 255, 234),
        (png(8, 4, bytes((10, 0, 10, 0, 200, 255, 200, 255))), 255, 200),
    ],
)
def test_a_transparent_colour_of_any_depth_is_white(source: bytes, left: int, right: int) -> None:
    expected = [[left] * 3, [right] * 3]
    assert read_image(source)[0, ::2].tolist() == expected
    opened = Image.open(io.BytesIO(source))  # by somebody else; decoded where it is read first
    for _ in range(2):
        assert read_image(opened)[0, ::2].tolist() == expected


@pytest.mark.parametrize("upside_down", [False, True])
@pytest.mark.parametrize("alpha", [0, 255])
def test_alpha_that_nobody_wrote_is_none(alpha: int, upside_down: bool) -> None:
    data = bmp(alpha, upside_down)
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.mode == "RGBA"
    assert (read_image(data) == (200, 20, 10)).all()


@pytest.mark.parametrize(("multiplied", "gray"), [(False, 159), (True, 191)])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_colours_of_a_tiff_may_be_multiplied_by_alpha(mode: str, multiplied: bool, gray: int) -> None:
    data = saved(Image.new("LA", (4, 4), (64, 128)).convert(mode), "TIFF")
    told = struct.pack("<HHI", 338, 3, 1)  # what the last of a pixel's values is
    assert data.count(told + b"\2") == 1
    data = data.replace(told + b"\2", told + bytes([2 - multiplied]))
    assert (read_image(data) == gray).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("format", ["TIFF", "pillow"])
def test_a_fourth_byte_that_may_be_none_hides_nothing(format: str, mode: str) -> None:
    image = Image.new("RGBA", (4, 4), (90, 90, 90, 0)).convert(mode)
    assert (read_image(image if format == "pillow" else saved(image, format)) == 90).all()


@pytest.mark.parametrize("opened", [False, True])
@pytest.mark.parametrize("format", CLEAR)
def test_an_image_that_is_clear_everywhere_is_white_as_in_browsers(format: str, opened: bool) -> None:
    options = {"WEBP": {"lossless": True, "exact": True}}.get(format, {})
    image = Image.new("RGBA", (32, 32), (90, 90, 90, 0))
    for alpha, notes in ((0, (NOTHING_SEEN,)), (255, ())):
        image.paste((90, 90, 90, alpha), (0, 0, 32, 16))
        data = saved(image, format, **options)
        picture = open_picture(Image.open(io.BytesIO(data)) if opened else data)
        assert (picture.pixels[24:] == 255).all()
        assert picture.notes == notes


@pytest.mark.parametrize("format", ["TIFF", "PNG", "pillow"])
@pytest.mark.parametrize(
    ("top", "bits", "notes"),
    [
        (65535, 16, ()),
        (4096, 16, ()),
        (4095, 12, ("gray values up to 4095 of 65535: read as 12 bits",)),
        (2500, 12, ("gray values up to 2500 of 65535: read as 12 bits",)),
        (252, 8, ("gray values up to 252 of 65535: read as 8 bits",)),
        (0, 8, ()),
    ],
)
def test_the_highest_value_tells_how_many_bits_there_are(
    format: str, top: int, bits: int, notes: tuple[str, ...]
) -> None:
    values = (RAMP.astype(np.float64) / 252 * top).round().astype(np.uint16)
    image = Image.fromarray(values)
    picture = open_picture(image if format == "pillow" else saved(image, format))
    np.testing.assert_allclose(picture.pixels[..., 0], values * (255 / (2**bits - 1)), atol=0.51)
    assert picture.notes == notes


def test_wide_integers_are_of_as_few_bits_as_hold_them() -> None:
    for top, most in ((255, 255), (256, 4095), (4096, 65535)):
        image = Image.fromarray(np.array([[0, top]], np.int32))
        assert read_image(image)[0, 1, 0] == round(top * 255 / most)

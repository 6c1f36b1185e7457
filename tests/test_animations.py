"""Animations: of each the picture that browsers show first, on white where it leaves something open.

What is expected here is what Chromium 156 draws.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence

import numpy as np
import pytest
from broken import saved
from PIL import Image

from mien.errors import ImageError
from mien.image import read_image
from mien.picture import open_picture
from mien.video import frames

SIDE, AT, PART = 40, 10, 20  # px: of the canvas, and where a small picture lies on it
RED, GREEN, WHITE = (220, 30, 30), (30, 200, 30), (255, 255, 255)


def plain(colour: tuple[int, int, int], side: int = SIDE, alpha: int | None = None) -> Image.Image:
    image = Image.new("RGB", (side, side), colour)
    if alpha is not None:
        image.putalpha(alpha)
    return image


def webp(*pictures: Image.Image, alpha: bool = False) -> bytes:
    """Pictures one after another, small ones in the middle; whether the header tells of alpha."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)

    def three(*numbers: int) -> bytes:
        return b"".join(number.to_bytes(3, "little") for number in numbers)

    body = chunk(b"VP8X", bytes((2 | 16 * alpha, 0, 0, 0)) + three(SIDE - 1, SIDE - 1)) + chunk(b"ANIM", bytes(6))
    for picture in pictures:
        at = (SIDE - picture.width) // 2
        place = three(at // 2, at // 2, picture.width - 1, picture.height - 1, 1000)
        body += chunk(b"ANMF", place + b"\0" + saved(picture, "WEBP", lossless=True, exact=True)[12:])
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def apng(own: Image.Image, *pictures: Image.Image, apart: bool = False, rows: int = SIDE) -> bytes:
    """A file's own picture and those of its animation, to which the first belongs unless it is `apart`; of each of the
    others so many rows at most."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    def packed(picture: Image.Image, rows: int = SIDE) -> bytes:
        return zlib.compress(b"".join(b"\0" + row.tobytes() for row in np.asarray(picture)[:rows]))

    def control(number: int, picture: Image.Image) -> bytes:
        at = (SIDE - picture.width) // 2
        return chunk(b"fcTL", struct.pack(">5I2H2B", number, *picture.size, at, at, 1, 1, 0, 1))

    header = struct.pack(">2I5B", SIDE, SIDE, 8, 6 if own.mode == "RGBA" else 2, 0, 0, 0)
    content = chunk(b"acTL", struct.pack(">II", len(pictures) + (not apart), 0))
    content += (b"" if apart else control(0, own)) + chunk(b"IDAT", packed(own))
    for number, picture in enumerate(pictures):
        first = 2 * number + (not apart)
        content += control(first, picture)
        content += chunk(b"fdAT", struct.pack(">I", first + 1) + packed(picture, rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + content + chunk(b"IEND", b"")


def gif(*pictures: Image.Image) -> bytes:
    stream = io.BytesIO()
    pictures[0].save(stream, "GIF", save_all=True, append_images=pictures[1:], duration=1000, disposal=2)
    return stream.getvalue()


LATER, CLEAR = plain(GREEN), plain(RED, alpha=0)
SMALL = plain(RED, PART)
TWO = Image.fromarray(np.repeat(np.linspace(0, 255, SIDE, dtype=np.uint8), SIDE * 3).reshape(SIDE, SIDE, 3))


@pytest.mark.parametrize(
    ("data", "middle", "corner"),
    [
        (webp(plain(RED), LATER), RED, RED),
        (webp(SMALL, LATER), RED, WHITE),
        (webp(SMALL), RED, WHITE),
        (webp(plain(RED, PART, 255), LATER, alpha=True), RED, WHITE),
        (webp(CLEAR, LATER, alpha=True), WHITE, WHITE),
        (apng(plain(RED), LATER), RED, RED),
        (apng(TWO, plain(RED), LATER, apart=True), RED, RED),
        (apng(TWO, SMALL, LATER, apart=True), RED, WHITE),
        (apng(TWO.convert("RGBA"), plain(RED, PART, 255), apart=True), RED, WHITE),
        (apng(TWO.convert("RGBA"), CLEAR, apart=True), WHITE, WHITE),
        (apng(CLEAR, plain(GREEN, alpha=255)), WHITE, WHITE),
        (gif(plain(RED), LATER), RED, RED),
        (gif(CLEAR, LATER), WHITE, WHITE),
    ],
)
def test_the_first_picture_is_that_of_browsers(data: bytes, middle: Sequence[int], corner: Sequence[int]) -> None:
    for pixels in (read_image(data), open_picture(data).pixels):
        assert pixels.shape == (SIDE, SIDE, 3)
        assert np.abs(pixels[SIDE // 2, SIDE // 2].astype(int) - middle).max() <= 1
        assert np.abs(pixels[1, 1].astype(int) - corner).max() <= 1
        assert np.abs(pixels[-1, -1].astype(int) - corner).max() <= 1


def test_the_first_picture_of_a_film_is_too() -> None:
    first = next(iter(frames(io.BytesIO(webp(SMALL, LATER))))).pixels
    assert (first[1, 1].tolist(), first[SIDE // 2, SIDE // 2].tolist()) == ([*WHITE], [*RED])


def test_a_picture_beside_an_animation_without_pictures_is_read() -> None:
    assert (read_image(apng(TWO, apart=True)) == np.asarray(TWO)).all()


def test_the_current_picture_of_an_open_animation_keeps_what_lies_beside_its_changes() -> None:
    with Image.open(io.BytesIO(apng(LATER, SMALL))) as image:
        image.seek(1)
        pixels = read_image(image)
    assert (pixels[1, 1].tolist(), pixels[SIDE // 2, SIDE // 2].tolist()) == ([*GREEN], [*RED])


@pytest.mark.parametrize("picture", [plain(RED), SMALL])
def test_an_animation_whose_first_picture_lacks_pixels_is_not_read(picture: Image.Image) -> None:
    with pytest.raises(ImageError, match="some of its pixels are not there"):
        read_image(apng(TWO, picture, LATER, apart=True, rows=PART // 2))

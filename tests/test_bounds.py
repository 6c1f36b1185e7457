"""Bounds: what would keep a decoder long is refused before it is decoded, by limits that real files stay far below."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

import mien
from mien.bounds import check_file, check_pieces
from mien.errors import ImageError
from mien.image import read_image
from mien.intake import LIMITS, Limits
from mien.picture import open_picture

PHOTO = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8))


def saved(kind: str, image: Image.Image = PHOTO, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def jpeg_between(segments: bytes) -> bytes:
    """A JPEG with more segments before its first scan."""
    data = saved("JPEG")
    return data[:2] + segments + data[2:]


def png_of_chunks() -> bytes:
    """A PNG with four texts, which are seven chunks with its header, its pixels and its end."""
    texts = PngImagePlugin.PngInfo()
    for number in range(4):
        texts.add_text(f"t{number}", "text")
    return saved("PNG", pnginfo=texts)


def tiff(entries: list[tuple[int, int, int, int]], end: bytes = b"") -> bytes:
    """A TIFF of one directory: tag, type, number of values, and what they are or where."""
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries))
    return head + b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4) + end


def gray_strips(count: int, rows: int) -> bytes:
    """A TIFF of 10 x 10 gray pixels whose strips are all the same bytes."""
    tags = [(256, 3, 1, 10), (257, 3, 1, 10), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    at = 8 + 2 + 12 * (len(tags) + 3) + 4
    strips = [(273, 4, count, at), (278, 3, 1, rows), (279, 4, count, at + 4 * count)]
    arrays = struct.pack(f"<{count}I", *[at + 8 * count] * count) + struct.pack(f"<{count}I", *[10 * rows] * count)
    return tiff(tags + strips, arrays + bytes(100))


REFUSED: dict[str, tuple[bytes, dict[str, int], str]] = {
    "plain bits": (b"P1 2 1\n0 1\n", {}, "plain text"),
    "plain gray": (b"P2\n1 1 255\n0\n", {}, "plain text"),
    "plain colours": (b"P3#\n1 1 255\n0 0 0\n", {}, "plain text"),
    "scans": (saved("JPEG", progressive=True), {"max_scans": 9}, "more than 9 scans, the limit"),
    "segments": (jpeg_between(b"\xff\xfe\0\x02" * 30), {"max_parts": 37}, "more than 37 segments"),
    "segments with bytes between": (
        jpeg_between(b"\xff\xff\xfe\0\x02" * 30),
        {"max_parts": 37},
        "more than 37 segments",
    ),
    "blocks of EXIF": (jpeg_between(b"\xff\xe1\0\x08Exif\0\0" * 5), {"max_parts": 37}, "more than 37 segments"),
    "chunks": (png_of_chunks(), {"max_parts": 6}, "more than 6 chunks"),
    "blocks": (saved("GIF", comment=b"c" * 1000), {"max_parts": 4}, "more than 4 blocks before its image"),
    "values": (gray_strips(3, 4), {"max_parts": 11}, "more than 11 values in its directories"),
    "bytes held twice": (tiff([(700 + number, 7, 60, 0) for number in range(5)]), {}, "more than the file does"),
    "depths of no kind": (b"P5 8 8 100\n" + bytes(64), {"max_slow_pixels": 63}, "slow to read"),
}
"""Files that are refused, the limits they pass if those of every day are too high for them, and what is said."""


def limits(lowered: dict[str, int], more: int = 0) -> Limits:
    """The usual limits, some of them lowered, but by so much less."""
    return replace(LIMITS, **{name: value + more for name, value in lowered.items()})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("read", [read_image, open_picture])
def test_refused_before_decoding(name: str, read: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def decodes(*_: Any) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decodes)
    data, lowered, reason = REFUSED[name]
    with pytest.raises(ImageError, match=reason):
        read(data, limits(lowered))


@pytest.mark.parametrize("name", [name for name, (_, lowered, _) in REFUSED.items() if lowered])
def test_one_more_is_allowed(name: str) -> None:
    data, lowered, _ = REFUSED[name]
    assert read_image(data, limits(lowered, 1)).size


def test_the_recognizer_tells() -> None:
    assert "plain text" in (mien.load().predict(REFUSED["plain bits"][0]).error or "")
    told = mien.load(limits=Limits(max_scans=9)).predict(REFUSED["scans"][0]).error
    assert told == "more than 9 scans, the limit: save it anew"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"P4 8 1\n\xff",
        b"GIF89a",
        b"II*\0",
        tiff([]),
        tiff([(256, 99, 2**32 - 1, 0)] * 2)[:30],
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xe0",
        b"\x89PNG\r\n\x1a\n\0\0",
    ],
)
def test_what_ends_early_is_left_to_its_decoder(data: bytes) -> None:
    check_file(data, LIMITS)


def test_a_directory_that_names_itself_is_counted_once() -> None:
    data = tiff([(256, 3, 1, 10)])
    check_file(data[:-4] + struct.pack("<I", 8), replace(LIMITS, max_parts=1))


def test_scans_of_a_thumbnail_or_behind_the_end_are_none() -> None:
    thumbnail = saved("JPEG", PHOTO.resize((8, 8)), progressive=True)
    within = jpeg_between(b"\xff\xe1" + struct.pack(">H", 2 + len(thumbnail)) + thumbnail)
    for data in (within, saved("JPEG") + thumbnail):
        assert read_image(data, replace(LIMITS, max_scans=1)).shape == (40, 60, 3)


def test_a_progressive_jpeg_with_restarts_is_counted_right() -> None:
    data = saved("JPEG", progressive=True, restart_marker_blocks=1)
    assert data.count(b"\xff\xd0") > 10
    assert read_image(data, replace(LIMITS, max_scans=10)).size
    with pytest.raises(ImageError, match="scans"):
        read_image(data, replace(LIMITS, max_scans=9))


def test_an_image_that_others_opened_is_checked() -> None:
    slow = Image.open(io.BytesIO(REFUSED["depths of no kind"][0]))
    with pytest.raises(
        ImageError, match=r"6.4e-05 million pixels of a kind that is slow to read, over 6.3e-05 million"
    ):
        check_pieces(slow, replace(LIMITS, max_slow_pixels=63))
    check_pieces(Image.new("L", (2000, 2000)), LIMITS)


def test_strips_cover_an_image_once_and_not_again_and_again() -> None:
    assert not read_image(gray_strips(3, 4)).any()
    image = Image.open(io.BytesIO(gray_strips(1, 10)))
    image.tile *= 16  # as newer Pillow does not make them
    check_pieces(image, LIMITS)
    image.tile += image.tile[:1]
    with pytest.raises(ImageError, match="again and again"):
        check_pieces(image, LIMITS)


@pytest.mark.parametrize("head", [b"", b"\xff\xda\0\3\1"])
def test_a_long_run_of_fill_bytes_is_passed_over_once(head: bytes) -> None:
    """Were it looked at from each of its bytes anew, this would take minutes."""
    with pytest.raises(ImageError):
        open_picture(b"\xff\xd8\xff\xe0\0\4ab" + head + b"\xff" * 400_000 + b"\0")

"""Files: what lacks only its end is read and says so, what lacks more is not; and one frame of several says so."""

from __future__ import annotations

import io
import struct
import zlib
from importlib.machinery import ModuleSpec
from typing import Any

import numpy as np
import pytest
from broken import photo, saved
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from mien import container
from mien.container import MOST_FRAMES, endings, small_gray
from mien.errors import ImageError
from mien.image import read_image
from mien.languages import FAULTS
from mien.picture import open_picture

CUT = "damaged or cut short"
ENDLESS = ("the file's end is missing",)


KINDS: list[dict[str, Any]] = [
    {},
    {"progressive": True},
    {"quality": 100, "subsampling": 0},
    {"restart_marker_blocks": 3},
    {"restart_marker_rows": 1, "progressive": True},
    {"exif": b"Exif\0\0" + saved(photo(60, 40), "JPEG")},
]


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", KINDS, ids=lambda kind: "-".join(kind) or "plain")
@pytest.mark.parametrize("size", [(200, 120), (197, 113), (800, 420)])
def test_a_jpeg_without_its_end_mark_is_read(options: dict[str, Any], mode: str, size: tuple[int, int]) -> None:
    data = saved(photo(*size).convert(mode), "JPEG", **options)
    expected = read_image(data)
    assert open_picture(data).notes == ()
    for left in (data[:-1], data[:-2], data[:-2] + b"\xff\xff"):
        picture = open_picture(left)
        assert picture.notes == ENDLESS
        np.testing.assert_array_equal(picture.pixels, expected)
        np.testing.assert_array_equal(read_image(left), expected)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("options", KINDS, ids=lambda kind: "-".join(kind) or "plain")
def test_a_jpeg_that_lacks_more_is_not_read(options: dict[str, Any], mode: str) -> None:
    """Wherever it is cut: within a block, between blocks, at a restart's mark, and between scans."""
    data = saved(photo().convert(mode), "JPEG", **options)
    scans = [at for at in range(len(data)) if data[at : at + 2] == b"\xff\xda"]
    marks = [
        at + off for at in range(len(data)) if 0xD0 <= data[at] <= 0xD7 and data[at - 1] == 0xFF for off in (-1, 1)
    ]
    rng = np.random.default_rng(0)
    for cut in (*scans, *marks, *range(len(data) - 12, len(data) - 3), *rng.integers(scans[0] + 12, len(data) - 3, 30)):
        for read in (read_image, open_picture):
            with pytest.raises(ImageError, match=CUT):
                read(data[:cut])


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xda", b"\xff\xd8\xff\xda\0\3\1", b"\x89PNG"])
def test_what_is_no_jpeg_has_no_endings(data: bytes) -> None:
    assert endings(data) == ()


def test_a_rotated_jpeg_without_its_end_mark_is_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(photo(), "JPEG", exif=exif)
    np.testing.assert_array_equal(read_image(data[:-2]), read_image(data))


@pytest.mark.parametrize(("format", "few"), [("PNG", 1), ("PNG", 12), ("GIF", 1), ("GIF", 2)])
def test_other_files_that_lack_only_their_end(format: str, few: int) -> None:
    data = saved(photo(), format)
    assert open_picture(data).notes == ()
    assert open_picture(data + b"more").notes == ()
    assert open_picture(data[:-few]).notes == ENDLESS
    np.testing.assert_array_equal(read_image(data[:-few]), read_image(data))
    with pytest.raises(ImageError, match=CUT):
        read_image(data[: len(data) // 2])


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
@pytest.mark.parametrize("count", [1, 2, 12])
def test_one_frame_of_several_is_said(format: str, count: int) -> None:
    frames = [Image.new("RGB", (64, 48), (20 * at, 90, 200)) for at in range(count)]
    data = saved(frames[0], format, save_all=True, append_images=frames[1:])
    picture = open_picture(data)
    assert picture.notes == ((f"one frame of {count} was read",) if count > 1 else ())
    assert np.abs(picture.pixels.astype(int) - (0, 90, 200)).max() < 9
    assert open_picture(Image.open(io.BytesIO(data))).notes == ()  # whoever opened it chose the frame


@pytest.mark.parametrize("palettes", [False, True])
def test_frames_of_a_gif_are_those_that_pillow_counts(palettes: bool) -> None:
    rng = np.random.default_rng(0)
    frames = [Image.fromarray(rng.integers(0, 256, (30, 40, 3), np.uint8)) for _ in range(5)]
    frames = [frame.quantize(16 if palettes else 256) for frame in frames]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], comment=b"x" * 700, disposal=2)
    assert getattr(Image.open(io.BytesIO(data)), "n_frames", 1) == 5
    assert open_picture(data).notes == ("one frame of 5 was read",)


def test_a_photo_with_another_behind_it_is_whole() -> None:
    """Phones write a preview or a depth map behind the photo."""
    data = saved(photo(), "MPO", save_all=True, append_images=[photo(50, 30)])
    assert open_picture(data).notes == ()


@pytest.mark.parametrize("progressive", [False, True])
def test_a_photo_with_a_video_behind_it_is_whole(progressive: bool) -> None:
    """Phones append one, whose bytes may look like a JPEG's marks; a thumbnail before the photo has real ones."""
    exif = b"Exif\0\0" + saved(photo(16, 12), "JPEG")
    data = saved(photo(), "JPEG", progressive=progressive, exif=exif)
    for video in (b"", b"\0\0\0\x18ftypmp42", b"\0\xff\xda\0\x0c\1", b"\xff\xd9\xff\xda"):
        assert open_picture(data + video).notes == ()
    assert open_picture(data[:-2]).notes == ENDLESS


def test_previews_are_no_pages() -> None:
    whole, preview = (struct.pack("<HHII", 254, 4, 1, kind) for kind in (0, 1))
    data = saved(photo(), "TIFF", save_all=True, append_images=[photo(50, 30)] * 2, tiffinfo={254: 0})
    assert open_picture(data).notes == ("one frame of 3 was read",)
    head, _, tail = data.rpartition(whole)
    data = head + preview + tail
    assert open_picture(data).notes == ("one frame of 2 was read",)
    assert open_picture(data.replace(whole, preview).replace(preview, whole, 1)).notes == ()


def test_frames_are_counted_no_longer_than_that_takes_long() -> None:
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\2\2\x4c\1\0"
    start = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes((0, 0, 0, 255, 255, 255))
    assert open_picture(start + frame * 30 + b";").notes == ("one frame of 30 was read",)
    assert open_picture(start + frame * 3000 + b";").notes == (f"one frame of {MOST_FRAMES} or more was read",)
    blocks = b"!\xfe" + b"\1x" * 2_000_000 + b"\0"
    assert open_picture(start + frame + blocks + frame + b";").notes == ()


def described() -> PngInfo:
    info = PngInfo()
    info.add_text("Title", "a face")
    return info


def gray(width: int = 48, height: int = 40) -> Image.Image:
    """With none of what the file that it is of tells beside its pixels."""
    return Image.fromarray(np.asarray(photo(width, height).convert("L")))


GRAY = saved(gray(), "PNG")
FLAT = b"IHDR" + bytes(4) + GRAY[20:29]

OTHER_FILES = {
    "nothing": b"",
    "cut in its header": GRAY[:30],
    "cut in its pixels": GRAY[:200],
    "without its end": GRAY[:-12],
    "with bytes behind its end": GRAY + b"\0",
    "with a wrong checksum of its header": GRAY[:29] + bytes(4) + GRAY[33:],
    "with half of its pixels": GRAY[:33] + struct.pack(">I", 600) + GRAY[37:641] + GRAY[-16:],
    "without width": GRAY[:12] + FLAT + struct.pack(">I", zlib.crc32(FLAT)) + GRAY[33:],
    "of text": saved(gray(), "PNG", pnginfo=described()),
    "of colours": saved(Image.fromarray(np.asarray(photo())), "PNG"),
    "of 16 bits": saved(Image.fromarray(np.zeros((40, 48), np.uint16)), "PNG"),
    "large": saved(gray(300, 300), "PNG"),
    "a JPEG": saved(gray(), "JPEG"),
}


@pytest.mark.parametrize("level", [0, 1, 9])
@pytest.mark.parametrize("size", [(1, 1), (48, 40), (200, 250)])
def test_a_small_gray_png_is_what_pillow_makes_of_it(size: tuple[int, int], level: int) -> None:
    data = saved(gray(*size), "PNG", compress_level=level)
    read = small_gray(data, size[0] * size[1])
    assert read is not None
    assert (read.mode, read.size) == ("L", size)
    with Image.open(io.BytesIO(data)) as expected:
        assert read.tobytes() == expected.tobytes()
    assert small_gray(data, size[0] * size[1] - 1) is None


@pytest.mark.parametrize("data", OTHER_FILES.values(), ids=OTHER_FILES)
def test_other_files_are_not_read_as_a_small_gray_png(data: bytes) -> None:
    assert small_gray(data, 10**6) is None


@pytest.mark.parametrize("extra", [True, False])
def test_heic_is_named_where_it_is_read(extra: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways have translations."""
    monkeypatch.setattr(container, "find_spec", lambda name: ModuleSpec(name, None) if extra else None)
    told = "JPEG, PNG, WEBP, AVIF, GIF, BMP, TIFF, PPM" + ", HEIC" * extra
    with pytest.raises(ImageError, match=rf"^not an image of a supported kind \({told}\)") as caught:
        read_image(b"hello")
    assert str(caught.value) in FAULTS

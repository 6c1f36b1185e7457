"""`read_image`: every kind of good and bad input that the design names."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import sys
import threading
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from mien.errors import ImageError, MienError, SourceError
from mien.image import CLOSED, read_image
from mien.intake import LIMITS, UPLOADS, Limits, describe, without_secrets
from mien.picture import open_picture

RAMP = np.arange(0, 256, 4, dtype=np.uint8)[None].repeat(48, 0)
"""Gray, 48 high and 64 wide, dark at the left."""

FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "PPM")


def photo() -> Image.Image:
    """48 high, 64 wide: red, green over blue, white in quarters."""
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[:24, :32], pixels[:24, 32:], pixels[24:, :32], pixels[24:, 32:] = (
        (255, 0, 0),
        (0, 255, 0),
        (0, 0, 255),
        (255, 255, 255),
    )
    return Image.fromarray(pixels)


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def png(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    """A PNG written by hand, for what Pillow does not write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def tiff(width: int, height: int, bits: int, data: bytes, white_is_zero: bool = False, reduced: bool = False) -> bytes:
    """A gray TIFF written by hand, likewise."""
    tags = [(254, int(reduced)), (256, width), (257, height), (258, bits), (259, 1), (262, int(not white_is_zero))]
    tags += [(273, 8 + 2 + 12 * 10 + 4), (277, 1), (278, height), (279, len(data))]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + data


def packed_12(gray: np.ndarray) -> bytes:
    """Two pixels of 12 bits in three bytes; 255 becomes 4095."""
    wide = (gray.astype(np.uint16) * 257 >> 4).reshape(-1, 2)
    return (
        np.stack([wide[:, 0] >> 4, (wide[:, 0] & 15) << 4 | wide[:, 1] >> 8, wide[:, 1] & 255], 1)
        .astype("u1")
        .tobytes()
    )


JPEG = encoded(photo(), "JPEG", quality=95, subsampling=0)
PNG = encoded(Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)), "PNG")


def quarters(pixels: np.ndarray) -> list[list[int]]:
    """The colours in the middle of the four quarters: upper left, upper right, lower left, lower right."""
    height, width = pixels.shape[:2]
    return [pixels[y, x].tolist() for y in (height // 4, -height // 4) for x in (width // 4, -width // 4)]


def assert_photo(pixels: np.ndarray, tolerance: int = 8) -> None:
    assert pixels.shape == (48, 64, 3)
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert not pixels.flags.writeable
    np.testing.assert_allclose(quarters(pixels), quarters(np.asarray(photo())), atol=tolerance)


class Unhelpful(io.RawIOBase):
    """A stream that gives few bytes at a time, as a pipe may."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.given = 0

    def read(self, size: int = -1) -> bytes:
        few = self.data[self.given : self.given + min(size, 1000)]
        self.given += len(few)
        return few


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (b"", "empty"),
        (io.BytesIO(), "empty"),
        (np.empty((0, 4, 3), np.uint8), "empty"),
        (b"hello", "not an image of a supported kind"),
        (b"%PDF-1.7\n", "PDF is not supported"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "a HEIC|damaged or cut short"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "a video"),
        (b"PAR1\x15\x04", "a table, not an image: mien evaluate and mien data info read those that are datasets"),
        (b"emotion,pixels,Usage\n0,70 80 82,Training\n", "a table, not an image: mien evaluate"),
        ("\ufeff;image path;label\r\n0;a.png;sad\r\n".encode(), "a table, not an image: mien evaluate"),
        (b"a/b.png\tsad\n", "a table, not an image: mien evaluate"),
        (b'{\n "data": "faces",\n "names": []\n}\n', "not an image of a supported kind"),
        (b"<svg width='1,2'>\n", "not an image of a supported kind"),
        (b"one word\n,\n", "not an image of a supported kind"),
        (encoded(photo(), "ICO"), "not an image of a supported kind"),
        (encoded(photo(), "PDF"), "PDF is not supported"),
        (encoded(photo(), "EPS"), "PostScript is not supported"),
        (JPEG[:20], "a JPEG that is damaged or cut short"),
        (JPEG[: len(JPEG) // 2], "damaged or cut short: .*[Tt]runcated"),
        (PNG[: len(PNG) // 2], "damaged or cut short: .*[Tt]runcated"),
        (b"P6\n2O 20\n255\n" + bytes(1200), "^damaged or cut short(?!:)"),
        (PNG.replace(b"IDATx", b"IDAT\x87"), "damaged or cut short: broken data stream"),
        (PNG[:20], "a PNG that is damaged|damaged or cut short"),
        (PNG.replace(b"IDAT", b"IDXX"), "damaged or cut short"),
        (encoded(photo(), "GIF")[:30], "a GIF|damaged or cut short"),
        (encoded(photo(), "WEBP")[:-20], "a WebP|damaged or cut short"),
        (encoded(photo(), "AVIF")[:-20], "an AVIF|damaged or cut short"),
        (encoded(photo(), "TIFF")[:200], "a TIFF|damaged or cut short"),
        (encoded(photo(), "BMP")[:200], "damaged or cut short"),
        ("no\0such", "cannot be read: embedded null"),
        ("x" * 5000, "cannot be read: File name too long"),
        (Image.new("F", (4, 4), float("nan")), "gray values from nan"),
        (Image.new("I", (4, 4), -1), "gray values from -1 to -1"),
        (Image.new("F", (4, 4), -0.2), "gray values from -0.2 to -0.2: expected 0..1"),
        (Image.new("F", (4, 4), 80000), "gray values from 80000 to 80000: expected 0..65535"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 99 else type(value).__name__,
)
def test_bad_source_is_told(source: Any, reason: str) -> None:
    with pytest.raises(ImageError, match=reason) as told:
        read_image(source)
    assert told.value.__notes__ == [f"source: {describe(source)}"]


class Gives:
    """What gives an array, or says why it does not."""

    def __init__(self, array: np.ndarray | str) -> None:
        self.array = array

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        if isinstance(self.array, str):
            raise TypeError(self.array)
        return self.array


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (None, "expected a path, bytes, a binary file, a Pillow image or an array, got NoneType"),
        (7, "got int"),
        ({}, "got dict"),
        ([1, 2], "got list"),
        (iter(["a.jpg"]), "got list_iterator"),
        (io.StringIO("text"), r"opened in binary mode, open\(path, 'rb'\); reading it gave str"),
        (
            np.zeros((4, 4, 3)),
            r"expected uint8 \(H, W, 3\) in RGB order or gray \(H, W\), got ndarray, float64 \(4, 4, 3\); floats: "
            r"\(255 \* array\)\.astype\('uint8'\) if they are 0\.\.1$",
        ),
        (np.zeros((4, 4, 3), np.int64), r"got ndarray, int64 .*; integers: array\.astype\('uint8'\)"),
        (np.zeros((4, 4), bool), r"got ndarray, bool .*; a mask: 255 \* array\.astype"),
        (np.zeros((4, 4, 4), np.uint8), r"got ndarray, uint8 \(4, 4, 4\); a channel too many: array\[\.\.\., :3\]"),
        (np.zeros((4, 4, 2), np.uint8), r"got ndarray, uint8 \(4, 4, 2\)$"),
        (np.zeros((3, 5, 6), np.uint8), r"channels first: array\.transpose\(1, 2, 0\)$"),
        (np.zeros((3, 5, 6), np.float32), r"channels first: .*; floats: "),
        (np.zeros(4, np.uint8), r"got ndarray, uint8 \(4,\)$"),
        (np.zeros((1, 4, 4, 3), np.uint8), "4 dimensions: give a list of images"),
        (np.array(["a.jpg", "b.jpg"], object), r"got ndarray, object \(2,\): for several images give a list"),
        (np.int64(7), r"got int64, int64 \(\)"),
        (Gives(np.zeros((4, 4))), "got Gives, float64"),
        (Gives("it lies on another device"), "got Gives, which gives no array: it lies on another device"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 99 else type(value).__name__,
)
def test_what_can_be_no_image_is_the_callers_mistake(source: Any, told: str) -> None:
    assert issubclass(SourceError, TypeError)
    assert not issubclass(SourceError, ImageError)
    for read in (read_image, open_picture):
        with pytest.raises(SourceError, match=told):
            read(source)


def test_pandas_and_torch() -> None:
    pandas, torch = pytest.importorskip("pandas"), pytest.importorskip("torch")
    with pytest.raises(SourceError, match=r"got Series, .*: for several images give a list of them"):
        read_image(pandas.Series(["a.jpg", "b.jpg"], name="a.jpg"))
    with pytest.raises(
        SourceError, match=r"got Tensor, float32 .*\); array = numpy\.asarray\(image\); channels first: .*; floats: "
    ):
        read_image(torch.zeros(3, 48, 64))
    with pytest.raises(SourceError, match=r"got Tensor, which gives no array: Can't call numpy"):
        read_image(torch.zeros(48, 64, 3, requires_grad=True))
    assert_photo(read_image(torch.from_numpy(np.asarray(photo()).copy())))


def test_bad_path_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.jpg").write_text("not a photo")
    (tmp_path / "link.jpg").symlink_to("gone.jpg")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    for name, reason in {
        "missing.jpg": "^no such file\\n",
        "": "^a folder, not an image\\n",
        "empty.png": "^empty",
        "text.jpg": "^not an image",
        "link.jpg": "^a link to a file that is not there\\n",
        "loop.jpg": "^cannot be read: Too many levels",
        "text.jpg/x": "^cannot be read: Not a directory",
    }.items():
        with pytest.raises(ImageError, match=reason):
            read_image(tmp_path / name)
        with pytest.raises(ImageError, match=reason):
            read_image(str(tmp_path / name))


VIDEO = "^a video, not an image: save the frames"
ARCHIVE = "^an archive, not an image: unpack it"


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (b"\0\0\0\x18ftypqt  ", VIDEO),
        (b"\0\0\0\x18moov", VIDEO),
        (b"RIFF1234AVI ", VIDEO),
        (b"\x1aE\xdf\xa3", VIDEO),
        (b"PK\3\4", ARCHIVE),
        (b"\x1f\x8b\x08", ARCHIVE),
        (b"7z\xbc\xaf\x27\x1c", ARCHIVE),
        (bytes(257) + b"ustar", ARCHIVE),
        (b"\0\0\0\x18ftypcrx ", "^a camera raw"),
        (b"FUJIFILMCCD-RAW ", "^a camera raw"),
    ],
)
def test_other_kinds_of_files_say_what_to_do(start: bytes, reason: str) -> None:
    with pytest.raises(ImageError, match=reason):
        read_image(start + bytes(300))
    if reason in (VIDEO, ARCHIVE):  # they are large, and a larger limit would be no help
        with pytest.raises(ImageError, match=reason):
            read_image(start + bytes(300), Limits(max_bytes=len(start) + 100))


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("", ""),
        ("a@b:c.jpg", "a@b:c.jpg"),
        ("C:/a:b@c.jpg", "C:/a:b@c.jpg"),
        ("clips/a:b@c.mp4", "clips/a:b@c.mp4"),
        ("rtsp://host:554/a", "rtsp://host:554/a"),
        ("rtsp://host/a?key=b#c", "rtsp://host/a"),
        ("rtsp://user@host/a", "rtsp://host/a"),
        ("RTSP://user:pass@host/a", "RTSP://host/a"),
        ("rtsp://user:p@ss@host/a", "rtsp://host/a"),
        ("rtsp://user:pa/ss@host/a", "rtsp://..."),
        ("rtsp://user:pa?ss@host/a", "rtsp://..."),
        ("rtsp://user:pa#s@s@host/a", "rtsp://..."),
        ("rtsp://user:12/34@host/a?key=b", "rtsp://..."),
        ("rtsp://us/er:pass@host/a", "rtsp://..."),
        ("rtsp://1234:56/78@host/a", "rtsp://..."),
        ("videos//me@home.mp4", "videos//me@home.mp4"),
        ("rtsp:/user:pass@host/a", "rtsp:/host/a"),
        ("rtsp//user:pass@host/a", "rtsp//host/a"),
        ("http://host/@user/live", "http://host/@user/live"),
        ("http://10.0.0.7:80/a@b:c", "http://10.0.0.7:80/a@b:c"),
        ("http://[::1]/a@b:c", "http://[::1]/a@b:c"),
        ("http://user:pass@10.0.0.7:80/a@b", "http://..."),
        ("http://host:8080/live/@cam1.m3u8", "http://..."),
        ("http://host/live/@cam:1", "http://host/live/@cam:1"),
    ],
)
def test_no_password_of_an_address_is_told(source: str, told: str) -> None:
    assert without_secrets(source) == told


@pytest.mark.parametrize("address", ["https://example.org/a.jpg", "s3://bucket/a.jpg", "FTP://example.org/a.jpg"])
def test_an_address_is_told_from_a_file(address: str) -> None:
    for source in (address, Path(address)):
        with pytest.raises(ImageError, match="an address, not a file: nothing is fetched from it"):
            read_image(source)
    with pytest.raises(ImageError, match="no such file"):
        read_image("C:/photos/a.jpg")


def test_a_preview_is_not_taken_for_the_photo() -> None:
    with pytest.raises(ImageError, match="begins with a preview, as camera raws do"):
        read_image(tiff(64, 48, 8, RAMP.tobytes(), reduced=True))


def test_a_path_that_no_file_system_has_is_told() -> None:
    with pytest.raises(ImageError, match="cannot be read"):
        read_image("\ud800.jpg")
    assert describe("\ud800.jpg") == "\\ud800.jpg"


@pytest.mark.parametrize("format", FORMATS)
def test_pillows_own_limit_is_that_of_others(format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(photo(), format)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    if format in ("WEBP", "TIFF"):  # whose readers look at it themselves
        with pytest.raises(ImageError, match=r"more than 0\.002 million pixels"):
            read_image(data)
    else:
        assert read_image(data).shape == (48, 64, 3)
    assert Image.MAX_IMAGE_PIXELS == 1000


def test_closed_file_is_told() -> None:
    stream = io.BytesIO(PNG)
    stream.close()
    with pytest.raises(ImageError, match="closed file"):
        read_image(stream)


def test_a_file_opened_as_text_is_the_callers_mistake(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    with path.open(encoding="utf-8") as stream, pytest.raises(SourceError, match="opened in binary mode"):
        read_image(cast("Any", stream))


@pytest.mark.parametrize("format", FORMATS)
def test_a_closed_pillow_image_is_told(format: str, tmp_path: Path) -> None:
    """It is not damaged: what was opened in a `with`, and kept, or whose file was."""
    path = tmp_path / "a"
    path.write_bytes(encoded(photo(), format))
    with Image.open(path) as left:
        pass
    with path.open("rb") as file:
        without = Image.open(file)
    over = Image.open(path)
    over.load()
    over.close()
    for image in (left, without, over):
        try:
            assert read_image(image).shape == (48, 64, 3)  # of formats that are decoded in memory
        except ImageError as error:
            assert str(error) == CLOSED  # noqa: PT017 - either is right


def test_stream_is_read_from_where_it_stands() -> None:
    stream = io.BytesIO(b"head" + JPEG)
    stream.seek(4)
    assert_photo(read_image(stream))
    with pytest.raises(ImageError, match="empty"):
        read_image(stream)


def test_stream_that_gives_little_at_a_time() -> None:
    assert_photo(read_image(Unhelpful(JPEG)))  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [0, 1, 10**6])
def test_too_many_bytes_are_refused_at_the_limit(tmp_path: Path, size: int) -> None:
    limits = Limits(max_bytes=2_500_000)
    data = PNG + bytes(limits.max_bytes - len(PNG) + size)
    path = tmp_path / "big.png"
    path.write_bytes(data)
    stream = io.BytesIO(data)
    if not size:
        assert all(read_image(source, limits).shape == (48, 64, 3) for source in (data, path, stream))
        return
    for source in (data, path, stream):
        with pytest.raises(ImageError, match=r"more than 2\.5 MB, the limit: raise max_bytes"):
            read_image(source, limits)
    assert stream.tell() == limits.max_bytes + 1


@pytest.mark.parametrize(
    ("width", "height", "told"),
    [
        (60_000, 60_000, "60000 x 60000 pixels, over the limit of 200 million: raise max_pixels"),
        (20_000, 10_001, "20000 x 10001 .* limit of 200 million"),
    ],
)
def test_pixel_bomb_is_refused_before_decoding(width: int, height: int, told: str) -> None:
    header = png(width, height, 8, 2, b"nothing")
    for read in (read_image, open_picture):
        with pytest.raises(ImageError, match=told):
            read(header)


@pytest.mark.parametrize("data", [png(100, 50, 8, 2, b"nothing"), bytes(5000)])
def test_who_cannot_raise_a_limit_is_not_told_to(data: bytes) -> None:
    for own in (True, False):
        with pytest.raises(ImageError, match="limit") as caught:
            read_image(data, Limits(4000, 4000, own=own))
        assert ("raise max_" in str(caught.value)) == own


def test_limits_of_ones_own_files_and_of_uploads() -> None:
    assert (LIMITS.own, UPLOADS.own) == (True, False)
    assert (LIMITS.max_bytes, LIMITS.max_pixels) == (200_000_000, 200_000_000)
    assert (UPLOADS.max_bytes, UPLOADS.max_pixels) == (20_000_000, 50_000_000)


def test_tile_beyond_the_limit_is_refused_however_small_the_image() -> None:
    tiled = encoded(photo(), "TIFF", tiffinfo={65_000: 10_000, 65_001: 6_000})
    for own, tag in ((65_000, 322), (65_001, 323)):
        tiled = tiled.replace(struct.pack("<H", own), struct.pack("<H", tag))
    with pytest.raises(ImageError, match="10000 x 6000 pixels, over the limit"):
        read_image(tiled, UPLOADS)


@pytest.mark.parametrize("value", [-1, 2e7, "20MB", None])
def test_limits_are_whole_numbers(value: Any) -> None:
    with pytest.raises(MienError, match="max_bytes is a whole number of 0 or more, got"):
        Limits(max_bytes=value)


def test_limits_hold_for_images_and_arrays() -> None:
    limits = Limits(max_pixels=100)
    for source in (np.zeros((11, 10), np.uint8), Image.new("L", (11, 10)), PNG):
        with pytest.raises(ImageError, match=r"pixels, over the limit of 0\.0001 million"):
            read_image(source, limits)
    assert read_image(np.zeros((10, 10), np.uint8), limits).shape == (10, 10, 3)
    assert Image.MAX_IMAGE_PIXELS == 89_478_485


@pytest.mark.parametrize("format", FORMATS)
def test_formats(format: str, tmp_path: Path) -> None:
    data = encoded(photo(), format)
    path = tmp_path / "photo"
    path.write_bytes(data)
    alike = (bytearray(data), memoryview(data), Gives(np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))))
    sources = (data, *alike, path, str(path), io.BytesIO(data), Image.open(io.BytesIO(data)))
    for source in sources:
        assert_photo(read_image(source), tolerance=0 if format in ("PNG", "BMP", "TIFF", "PPM") else 60)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
@pytest.mark.parametrize(
    ("orientation", "stored"),
    [
        (1, lambda upright: upright),
        (2, lambda upright: upright[:, ::-1]),
        (3, lambda upright: upright[::-1, ::-1]),
        (4, lambda upright: upright[::-1]),
        (5, lambda upright: upright.transpose(1, 0, 2)),
        (6, lambda upright: np.rot90(upright, 1)),
        (7, lambda upright: upright[::-1, ::-1].transpose(1, 0, 2)),
        (8, lambda upright: np.rot90(upright, -1)),
    ],
)
def test_exif_rotation(format: str, orientation: int, stored: Any) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(np.ascontiguousarray(stored(np.asarray(photo()))))
    assert_photo(read_image(encoded(image, format, exif=exif)), tolerance=60)
    if format == "TIFF":
        assert_photo(read_image(encoded(image, format, exif=exif, compression="tiff_lzw")), tolerance=0)


@pytest.mark.parametrize("software", ["", "one that has turned the pixels"])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_an_orientation_in_xmp_alone_asks_nothing(format: str, software: str) -> None:
    """Browsers show such a photo as it lies, see tests/web/test_page_in_browser.py."""
    exif, texts = Image.Exif(), PngInfo()
    if software:
        exif[0x0131] = software
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    texts.add_itxt("XML:com.adobe.xmp", xmp.decode())
    if format == "TIFF":
        exif[0x02BC] = xmp
    data = encoded(photo(), format, exif=exif if len(exif) else b"", xmp=xmp, pnginfo=texts)
    assert Image.open(io.BytesIO(data)).getexif()[0x0112] == 6
    assert_photo(read_image(data), tolerance=60)
    assert_photo(read_image(Image.open(io.BytesIO(data))), tolerance=60)


@pytest.mark.parametrize(
    "exif",
    [b"Exif\0\0", b"Exif\0\0nonsense", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12"],
)
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_corrupt_exif_asks_nothing(format: str, exif: bytes) -> None:
    assert_photo(read_image(encoded(photo(), format, exif=exif)), tolerance=60)


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_impossible_orientation_asks_nothing(value: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = value
    assert_photo(read_image(encoded(photo(), "JPEG", exif=exif)), tolerance=60)


def deep_rows(gray_or_rgb: np.ndarray) -> bytes:
    """8-bit pixels as the unfiltered rows of a 16-bit PNG, each value times 257."""
    return b"".join(b"\0" + (row.astype(">u2") * 257).astype(">u2").tobytes() for row in gray_or_rgb)


@pytest.mark.parametrize(
    "source",
    [
        encoded(photo().convert("CMYK"), "JPEG", quality=95),  # written inverted, as Adobe does
        encoded(photo().convert("CMYK"), "TIFF"),
        photo().convert("CMYK"),
        encoded(photo().convert("YCbCr"), "TIFF"),
        photo().convert("HSV"),
        photo().convert("RGBA"),
        photo().convert("RGBX"),
        photo().quantize(8),
        encoded(photo().quantize(8), "PNG"),
        encoded(photo().quantize(8), "BMP"),
        np.asarray(photo()),
        np.asfortranarray(np.asarray(photo())),
        np.asarray(photo())[:, :, ::-1].copy()[:, :, ::-1],
        png(64, 48, 16, 2, deep_rows(np.asarray(photo()))),
        np.asarray(photo()).view(np.ma.MaskedArray),
    ],
)
def test_colours(source: Any) -> None:
    assert_photo(read_image(source), tolerance=16)


@pytest.mark.parametrize(
    ("source", "tolerance"),
    [
        (RAMP, 0),
        (RAMP[..., None], 0),
        (Image.fromarray(RAMP), 0),
        (encoded(Image.fromarray(RAMP), "PNG"), 0),
        (encoded(Image.fromarray(RAMP), "JPEG", quality=95), 3),
        (encoded(Image.fromarray(RAMP).convert("LA"), "PNG"), 0),
        (Image.fromarray(RAMP.astype(np.uint16) * 257), 0),
        (encoded(Image.fromarray(RAMP.astype(np.uint16) * 257), "PNG"), 0),
        (encoded(Image.fromarray(RAMP.astype(np.uint16) * 257), "TIFF"), 0),
        (encoded(Image.fromarray(RAMP.astype(np.uint16) * 257), "TIFF", compression="tiff_lzw"), 0),
        (encoded(Image.fromarray(RAMP.astype(np.uint16) * 257), "PPM"), 0),
        (png(64, 48, 16, 0, deep_rows(RAMP)), 0),
        (png(64, 48, 16, 4, deep_rows(np.dstack([RAMP, np.full_like(RAMP, 255)]))), 1),
        (Image.fromarray(RAMP.astype(">u2") * np.array(257, ">u2")), 0),
        (Image.fromarray(RAMP.astype(np.int32) * 257), 0),
        (Image.fromarray(RAMP.astype(np.float32)), 0),
        (Image.fromarray(RAMP.astype(np.float32) / 255), 0),
        (encoded(Image.fromarray(RAMP.astype(np.float32) / 255), "TIFF"), 0),
        (Image.fromarray((RAMP.astype(np.float32) * 1.04 - 5) / 255), 6),
        (Image.fromarray(RAMP.astype(np.float32) * 1.04 - 5), 6),
        (Image.fromarray(RAMP.astype(np.int32)), 0),
        (encoded(Image.fromarray(RAMP.astype(np.float32) * 257), "TIFF"), 0),
        (tiff(64, 48, 8, RAMP.tobytes()), 0),
        (tiff(64, 48, 8, (255 - RAMP).tobytes(), white_is_zero=True), 0),
        (tiff(64, 48, 12, packed_12(RAMP)), 1),
        (tiff(64, 48, 16, (RAMP.astype("<u2") * 257).tobytes()), 0),
        (tiff(64, 48, 16, ((255 - RAMP).astype("<u2") * 257).tobytes(), white_is_zero=True), 0),
    ],
)
def test_gray_keeps_its_range(source: Any, tolerance: int) -> None:
    pixels = read_image(source)
    assert pixels.shape == (48, 64, 3)
    assert pixels.dtype == np.uint8
    np.testing.assert_allclose(pixels, RAMP[..., None].repeat(3, 2), atol=tolerance)


def test_one_bit() -> None:
    bits = Image.fromarray(RAMP > 99)
    for source in (bits, encoded(bits, "PNG"), encoded(bits, "TIFF", compression="group4"), encoded(bits, "PPM")):
        np.testing.assert_array_equal(read_image(source), (RAMP > 99)[..., None].repeat(3, 2) * 255)


def half_clear(mode: str) -> Image.Image:
    """Black, clear at the left."""
    alpha = np.zeros((48, 64), np.uint8)
    alpha[:, 32:] = 255
    image = Image.new("LA" if mode == "LA" else "RGBA", (64, 48))
    image.putalpha(Image.fromarray(alpha))
    return image if mode in ("LA", "RGBA") else image.convert(mode)


def clear_palette() -> Image.Image:
    image = Image.fromarray(np.array([[0] * 32 + [1] * 32] * 48, np.uint8), "L").convert("P")
    image.putpalette([255, 0, 0, 0, 0, 0])
    return image


@pytest.mark.parametrize(
    "source",
    [
        half_clear("RGBA"),
        half_clear("RGBa"),
        half_clear("LA"),
        half_clear("LA").convert("La"),
        encoded(half_clear("RGBA"), "PNG"),
        encoded(half_clear("LA"), "PNG"),
        encoded(half_clear("RGBA"), "WEBP", lossless=True),
        encoded(half_clear("RGBA"), "TIFF"),
        encoded(half_clear("RGBA"), "GIF"),
        encoded(clear_palette(), "PNG", transparency=0),
        encoded(clear_palette(), "PNG", transparency=b"\0\xff"),
        encoded(clear_palette(), "GIF", transparency=0),
        encoded(clear_palette().convert("RGB"), "PNG", transparency=(255, 0, 0)),
    ],
)
def test_alpha_is_laid_on_white(source: Any) -> None:
    assert quarters(read_image(source)) == [[255] * 3, [0] * 3] * 2


def test_half_transparent_is_half_white() -> None:
    assert read_image(Image.new("RGBA", (1, 1), (0, 0, 0, 127))).tolist() == [[[128, 128, 128]]]


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF", "MPO", "AVIF"])
def test_first_frame_of_an_animation(format: str) -> None:
    data = encoded(photo(), format, save_all=True, append_images=[Image.new("RGB", (64, 48))] * 2)
    assert_photo(read_image(data), tolerance=60)


def part_of_its_screen(frame: Image.Image) -> bytes:
    """A GIF of 16 x 12 whose only frame, of 8 x 6, begins at 3, 2."""
    data = encoded(frame, "GIF", optimize=False)
    at = data.index(b",\0\0\0\0" + struct.pack("<HH", 8, 6))
    return data[:6] + struct.pack("<HH", 16, 12) + data[10 : at + 1] + struct.pack("<HH", 3, 2) + data[at + 5 :]


@pytest.mark.parametrize("mode", ["L", "P"])
def test_beside_a_first_frame_that_is_a_part_of_its_gif_it_is_white(mode: str) -> None:
    frame = Image.new("L", (8, 6), 40) if mode == "L" else Image.new("RGB", (8, 6), (200, 40, 40)).quantize()
    data = part_of_its_screen(frame)
    pixels = read_image(data).copy()
    assert np.abs(pixels[2:8, 3:11].astype(int) - (40 if mode == "L" else (200, 40, 40))).max() <= 4
    pixels[2:8, 3:11] = 255
    assert pixels.shape == (12, 16, 3)
    assert pixels.min() == 255
    opened = Image.open(io.BytesIO(data))
    for _ in range(2):
        assert (read_image(opened) == read_image(data)).all()
    assert opened.getpixel((0, 0)) != 255  # and what somebody else has opened is as it was


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image.thumbnail((8, 8)),
        lambda image: image.paste(40, (0, 0, 16, 5)),
        lambda image: image.paste(40, (0, 0, 16, 2)),  # all that is above the frame
    ],
)
def test_a_gif_that_was_changed_since_it_was_opened_is_as_it_is(change: Callable[[Image.Image], None]) -> None:
    image = Image.open(io.BytesIO(part_of_its_screen(Image.new("L", (8, 6), 40))))
    change(image)
    assert (read_image(image) == np.asarray(image.convert("RGB"))).all()


def test_current_frame_of_an_open_animation() -> None:
    image = Image.open(io.BytesIO(encoded(photo(), "GIF", save_all=True, append_images=[Image.new("RGB", (64, 48))])))
    image.seek(1)
    assert not read_image(image).any()


def test_an_image_is_read_though_the_working_directory_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    file = io.BytesIO()
    Image.new("RGB", (30, 20), "red").save(file, "JPEG")
    assert read_image(file.getvalue()).shape == (20, 30, 3)


def test_array_is_shared_and_left_as_it_was() -> None:
    array = np.asarray(photo()).copy()
    pixels = read_image(array)
    assert np.shares_memory(pixels, array)
    assert array.flags.writeable
    assert not pixels.flags.writeable


def test_profile_is_not_applied_and_a_broken_one_does_no_harm() -> None:
    assert_photo(read_image(encoded(photo(), "PNG", icc_profile=b"no profile")), tolerance=0)


def test_name_that_is_not_utf8(tmp_path: Path) -> None:
    path = os.path.join(os.fsencode(tmp_path), b"caf\xe9.png")
    with open(path, "wb") as stream:
        stream.write(PNG)
    name = os.fsdecode(path)
    assert read_image(name).shape == (48, 64, 3)
    assert describe(name) == f"{tmp_path}/caf\\xe9.png"
    describe(name).encode("utf-8")


def test_describe(tmp_path: Path) -> None:
    path = tmp_path / "café.png"
    path.write_bytes(PNG)
    with path.open("rb") as stream, open(os.devnull, "rb", buffering=0) as device:
        for source, words in (
            ("a.png", "a.png"),
            (Path("a/b.png"), "a/b.png"),
            (path, str(path)),
            (stream, str(path)),
            (device, os.devnull),
            (PNG, "<bytes>"),
            (memoryview(PNG), "<bytes>"),
            (Gives(RAMP), "<array>"),
            (io.BytesIO(PNG), "<file>"),
            (photo(), "<image>"),
            (RAMP, "<array>"),
        ):
            assert describe(source) == words


def test_pillows_warnings_stay_inside() -> None:
    """A header that makes Pillow warn: silent in `read_image`, and the filters are as before."""
    header = png(10_000, 9_000, 8, 2, b"")
    with pytest.warns(Image.DecompressionBombWarning):
        Image.open(io.BytesIO(header))
    before = list(warnings.filters)
    with pytest.raises(ImageError, match="limit"):
        read_image(header, UPLOADS)
    assert warnings.filters == before


def test_threads_leave_the_warning_filters_as_they_were() -> None:
    before = list(warnings.filters)
    shapes: list[tuple[int, ...]] = []

    def read() -> None:
        shapes.extend(read_image(PNG).shape for _ in range(50))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shapes == [(48, 64, 3)] * 400
    assert warnings.filters == before


@pytest.mark.parametrize("format", FORMATS)
def test_damaged_bytes_give_pixels_or_the_one_error(format: str) -> None:
    rng = np.random.default_rng(0)
    data = np.frombuffer(encoded(photo(), format), np.uint8)
    for _ in range(150):
        damaged = data.copy()
        where = rng.integers(0, min(len(data), int(rng.choice([40, 300, len(data)]))), int(rng.choice([1, 2, 10])))
        damaged[where] = rng.integers(0, 256, len(where))
        with contextlib.suppress(ImageError):
            assert read_image(damaged.tobytes(), Limits(max_pixels=10**6)).dtype == np.uint8


def test_heic_is_read_where_its_extra_is_installed() -> None:
    from pillow_heif import from_pillow

    stream = io.BytesIO()
    image = Image.new("RGB", (96, 64), (200, 40, 90))
    image.paste((10, 220, 60), (48, 0, 96, 64))
    from_pillow(image).save(stream, quality=95)
    pixels = read_image(stream.getvalue())
    assert pixels.shape == (64, 96, 3)
    assert np.abs(pixels.astype(int) - np.asarray(image)).mean() < 4
    with pytest.raises(ImageError, match=r"a HEIC|damaged or cut short"):
        read_image(stream.getvalue()[:200])


def test_an_avif_by_another_brand_needs_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    avif = encoded(photo(), "AVIF")
    assert avif[4:12] == b"ftypavif"
    assert read_image(avif[:8] + b"mif1" + avif[12:]).shape == (48, 64, 3)


def test_heic_without_its_extra_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ImageError, match=r"pip install 'mien\[heic\]', or save it as JPEG or PNG"):
        read_image(b"\0\0\0\x18ftypheic" + bytes(30))

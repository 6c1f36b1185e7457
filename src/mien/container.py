"""Containers: which kind of image a file's bytes are, how many it holds, and whether its end is there."""

from __future__ import annotations

import io
import re
import struct
import zlib
from contextlib import suppress
from importlib.util import find_spec

from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import Disposal, PngImageFile

from mien.errors import ImageError

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "PPM")
"""What is read, by Pillow's names; JPEG includes MPO. Formats that run code or carry documents are left out."""

HEIF = (b"ftyphei", b"ftyphev", b"ftypmif1", b"ftypmsf1")
"""How files of an extra format begin, from their fifth byte on: HEIC, which iPhones write."""

RAW = "a camera raw: save it as JPEG or PNG"
VIDEO = "a video, not an image: save the frames that you want as JPEG or PNG"
ARCHIVE = "an archive, not an image: unpack it and name its folder"
TABLE = "a table, not an image: mien evaluate and mien data info read those that are datasets"
INDEX = "an index of a dataset, not an image: mien evaluate, crop, train and data info read it"

HEADER = re.compile(rb"(?:\xef\xbb\xbf)?[\w ./\"-]*(?:[,;\t][\w ./\"-]*)+\r?\n")
"""How tables begin: words parted as `datasets.rows` parts them."""

LONGEST_HEADER = 4096  # bytes

INDEX_BEGINS, INDEX_HOLDS = re.compile(rb'\s*\{\s*"data"\s*:'), b'"names_sha256"'
"""How indices begin, which `datasets.index` writes, and a name that is in each."""

KINDS = (
    (0, b"\xff\xd8\xff", "a JPEG that is damaged or cut short"),
    (0, b"\x89PNG", "a PNG that is damaged or cut short"),
    (0, b"GIF8", "a GIF that is damaged or cut short"),
    (8, b"WEBP", "a WebP that is damaged or cut short"),
    (4, b"ftypavif", "an AVIF that is damaged or cut short"),
    (0, b"II*\0", "a TIFF that is damaged, cut short or of an unsupported kind"),
    (0, b"MM\0*", "a TIFF that is damaged, cut short or of an unsupported kind"),
    (4, b"ftyphei", "a HEIC that is damaged or cut short"),
    (4, b"ftyphev", "a HEIC that is damaged or cut short"),
    (4, b"ftypmif1", "a HEIC or AVIF that is damaged or cut short"),
    (4, b"ftypmsf1", "a HEIC or AVIF that is damaged or cut short"),
    (4, b"ftypcrx", RAW),
    (0, b"FUJIFILMCCD-RAW", RAW),
    (0, b"IIRO", RAW),
    (0, b"IIU\0", RAW),
    (4, b"ftyp", VIDEO),
    (4, b"moov", VIDEO),
    (0, b"\x1aE\xdf\xa3", VIDEO),
    (8, b"AVI ", VIDEO),
    (0, b"\0\0\1\xba", VIDEO),
    (0, b"0&\xb2u\x8ef\xcf\x11", VIDEO),
    (0, b"PK\3\4", ARCHIVE),
    (0, b"PK\5\6", ARCHIVE),
    (0, b"Rar!", ARCHIVE),
    (0, b"7z\xbc\xaf\x27\x1c", ARCHIVE),
    (0, b"\x1f\x8b", ARCHIVE),
    (257, b"ustar", ARCHIVE),
    (0, b"PAR1", TABLE),
    (0, b"%PDF", "PDF is not supported: save the page as JPEG or PNG"),
    (0, b"%!PS", "PostScript is not supported: save it as JPEG or PNG"),
    (0, b"8BPS", "Photoshop files are not supported: save it as JPEG or PNG"),
)
"""Offset and signature of files that Pillow turned down, and what to say of them."""

DAMAGE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
)
"""What Pillow's readers raise on damaged files."""

NO_END = "the file's end is missing"

EXTENDED, MOVES = b"VP8X", 2  # a WebP's header with flags, and the one of animations
SUBFILE, REDUCED = 254, 1  # a TIFF's tag that tells of a preview, and the bit that does
MOST_FRAMES, MOST_BLOCKS = 1000, 1_000_000  # counted in a file, so that none takes long

DEPTHS_OF_PNG = {"1": 1, "L;2": 2, "L;4": 4, "RGB;16B": 16}
"""Bits of a sample in a PNG, by what Pillow calls its pixels, where a transparent colour is left in that depth."""

PNG_HEAD = struct.Struct(">16sII5sII4s")  # up to the first chunk's name: IHDR, width, height, kind, sum; length, name
GRAY_START, GRAY_KIND = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\x08\0\0\0\0"
SMALL = 2**16  # pixels
ANIMATED = b"fdAT"  # what a PNG's chunks are called that hold pictures of an animation
PNG_END = b"IEND\xaeB`\x82"
JPEG_SCAN, JPEG_END = b"\xff\xda", b"\xff\xd9"
NOISE = b"\xa5\x5a" * 8 + b"".join(b"\xff%c" % mark + b"\xa5\x5a" * 8 for mark in range(0xD0, 0xD8))
"""What follows a JPEG's last byte if it is tried whether that makes a difference: bits, of which the first is 1 since
decoders put zeros there, and every mark of a restart, since at one of these they skip bits."""

FRAME_HEADERS = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})  # SOF: sequential or progressive
AFTER_SCAN = re.compile(rb"\xff[^\0\xd0-\xd7\xff]")  # the next marker that does not belong to its data


def identified(data: bytes) -> Image.Image:
    """The image in a file's bytes, by the formats that Pillow reads, or else by that of iPhone photos.

    This is `Image.open` without its limit for pixels, which belongs to the whole process. Raises what Pillow raises,
    and `ImageError` where an extra is missing.
    """
    Image.preinit()
    image = next((image for name in FORMATS if (image := _as(name, data)) is not None), None)
    if image is not None:
        return image
    if not data[4:12].startswith(HEIF):
        raise UnidentifiedImageError
    try:
        from pillow_heif import register_heif_opener
    except ModuleNotFoundError:
        reason = "reading HEIC needs pillow-heif: pip install 'mien[heic]', or save it as JPEG or PNG"
        raise ImageError(reason) from None
    register_heif_opener()
    image = _as("HEIF", data)
    if image is None:
        raise UnidentifiedImageError
    return image


def readable() -> str:
    """The formats that `identified` reads, in words: HEIC among them where its extra is there."""
    return ", ".join((*FORMATS, *(["HEIC"] if find_spec("pillow_heif") else [])))


def _as(name: str, data: bytes) -> Image.Image | None:
    """The image in a file's bytes if it is of one format."""
    if name not in Image.OPEN:
        Image.init()
    factory, accepts = Image.OPEN.get(name, (None, None))
    try:
        if factory is None or (accepts and accepts(data[:16]) is not True):
            return None
        image = factory(io.BytesIO(data), "")
    except (SyntaxError, IndexError, TypeError, struct.error):
        return None
    return image


def small_gray(data: bytes, most: int) -> Image.Image | None:
    """The image of a small PNG that is 8-bit gray in one chunk and nothing else, as face crops mostly are, decoded.

    It is what Pillow makes of the file in steps, which take it several times as long as the pixels. None of all other
    files, damaged ones among them.

    Args:
        data: the file's bytes.
        most: pixels that it may have.
    """
    if len(data) < PNG_HEAD.size:
        return None
    start, width, height, kind, checksum, length, name = PNG_HEAD.unpack_from(data)
    end = PNG_HEAD.size + length
    if (start, kind, name) != (GRAY_START, GRAY_KIND, b"IDAT") or not 0 < width * height <= min(most, SMALL):
        return None
    if data[end + 4 :] != bytes(4) + PNG_END or zlib.crc32(data[12:29]) != checksum:
        return None
    if zlib.crc32(memoryview(data)[PNG_HEAD.size - 4 : end]) != int.from_bytes(data[end : end + 4]):
        return None
    size, pixels = (width + 1) * height, memoryview(data)[PNG_HEAD.size : end]
    with suppress(ValueError, zlib.error):
        image = Image.frombytes("L", (width, height), pixels, "zip", "L")
        if image.getpixel((width - 1, height - 1)) or len(zlib.decompressobj().decompress(pixels, size)) == size:
            return image  # what is missing is 0
    return None


def deepen_transparency(image: Image.Image) -> None:
    """A PNG's transparent colour in the depth that Pillow decodes it to, where Pillow leaves it in the file's.

    Nothing is done to one that is decoded already: it tells its file's depth no more.
    """
    clear = image.info.get("transparency")
    tile = next(iter(getattr(image, "tile", ())), None) if image.format == "PNG" else None
    depth = DEPTHS_OF_PNG.get(tile.args, 8) if tile else 8
    if isinstance(clear, tuple) and depth == 16:
        image.info["transparency"] = tuple(value >> 8 for value in clear)
    elif isinstance(clear, int) and depth < 8:
        image.info["transparency"] = min(clear * 255 // (2**depth - 1), 255)


def heed_alpha(image: Image.Image, data: bytes) -> None:
    """Keep the alpha of an animated WebP whose header tells of none.

    What its first frame leaves open is clear, and Pillow has it black.

    Args:
        image: open but not yet decoded.
        data: the file's bytes.
    """
    if image.format == "WEBP" and image.mode == "RGB" and data[12:16] == EXTENDED and data[20] & MOVES:
        image.rawmode = image._mode = "RGBA"  # type: ignore[attr-defined]


def apart(image: Image.Image) -> bool:
    """Whether a PNG's own picture is none of its animation, but for viewers that show none."""
    return isinstance(image, PngImageFile) and image.default_image


def show_first(image: Image.Image) -> None:
    """Turn a decoded PNG from its own picture to its animation's first one, which Pillow would lay over the other."""
    assert isinstance(image, PngImageFile)
    image.dispose_op, image.dispose_extent = Disposal.OP_BACKGROUND, (0, 0, *image.size)
    image.seek(1)
    image.load()


def remarks(data: bytes, image: Image.Image) -> tuple[str, ...]:
    """What is to be said of a file of which one image is read, though it can be.

    Args:
        data: the file's bytes.
        image: the one in it, its pixels not yet decoded.
    """
    frames, ended = getattr(image, "n_frames", 1) if image.format not in ("GIF", "TIFF", "MPO") else 1, True
    if image.format == "GIF":
        frames, ended = _gif(data)
    elif image.format == "TIFF" and getattr(image, "is_animated", False):
        frames = _pages(data)
    elif image.format == "PNG":
        ended = data.rfind(PNG_END) > 0
    elif image.format in ("JPEG", "MPO"):
        ended = data.endswith(JPEG_END) or jpeg_end(data) is not None
    few = f"{frames}" if frames < MOST_FRAMES else f"{MOST_FRAMES} or more"
    return (f"one frame of {few} was read",) * (frames > 1) + (NO_END,) * (not ended)


def jpeg_end(data: bytes) -> int | None:
    """Where a JPEG's end mark is, whatever is behind it: a phone's video has bytes that look like marks."""
    at = 2
    while found := AFTER_SCAN.search(data, at):
        at = found.end()
        if data[at - 1] == JPEG_END[1]:
            return found.start()
        at += int.from_bytes(data[at : at + 2])
    return None


def _gif(data: bytes) -> tuple[int, bool]:
    """How many frames a GIF has, and whether its end is there."""
    frames, within = 0, False
    at = 13 + colours(data[10])
    for _ in range(MOST_BLOCKS):
        if at >= len(data):
            return frames, False
        kind = data[at]
        if within:  # a chain of blocks, each with its length before it, up to an empty one
            at, within = at + kind + 1, kind > 0
        elif kind == 0x3B or frames == MOST_FRAMES:
            break
        elif kind == 0x2C and at + 9 < len(data):
            frames, at, within = frames + 1, at + 11 + colours(data[at + 9]), True
        else:
            at, within = (at + 2, True) if kind == 0x21 else (at + 1, False)
    return frames, True


def colours(flags: int) -> int:
    """Bytes of a GIF's table of colours."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _pages(data: bytes) -> int:
    """How many pages a TIFF has, without their previews."""
    image, pages = identified(data), 0
    try:
        for number in range(MOST_FRAMES):
            image.seek(number)
            pages += not getattr(image, "tag_v2", {}).get(SUBFILE, 0) & REDUCED
    except DAMAGE:  # the last page is behind
        pass
    return pages


def endings(data: bytes) -> tuple[bytes, ...]:
    """A JPEG that may lack its end mark alone: with the mark, and with noise before it; nothing for others.

    If its pixels are all there, both are the same image.
    """
    scan = data.rstrip(b"\xff")
    return (scan + JPEG_END, scan + NOISE + JPEG_END) if _ends_in_last_scan(scan) else ()


def _ends_in_last_scan(data: bytes) -> bool:
    """Whether a JPEG's bytes end within a scan after which no coefficient lacks a bit."""
    missing: dict[int, set[int]] = {}
    at = 2
    try:
        while data[at] == 0xFF:
            kind, size = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
            body = data[at + 4 : at + 2 + size]
            at += 2 + size
            if kind in FRAME_HEADERS:
                missing = {body[6 + 3 * i]: set(range(64)) for i in range(body[5])}
            if kind == JPEG_SCAN[1]:
                first, last, bits = body[-3:]
                for component in body[1:-3:2]:
                    if not bits & 15:
                        missing[component] -= set(range(first, last + 1))
                marker = AFTER_SCAN.search(data, at)
                if marker is None:
                    return bool(missing) and not any(missing.values())
                at = marker.end() - 2
    except (LookupError, ValueError):
        pass
    return False


def named(data: bytes) -> str | None:
    """What a file's bytes are by their signature, as a reason for not reading them."""
    told = next((reason for at, signature, reason in KINDS if data.startswith(signature, at)), None)
    if told is None and INDEX_BEGINS.match(data) and INDEX_HOLDS in data:
        return INDEX
    return told or (TABLE if HEADER.match(data[:LONGEST_HEADER]) else None)

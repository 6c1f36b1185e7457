"""Drawing: a copy of an image on which each face has a box and a tag, readable on any photo.

A box is drawn around the face, never on it: solid, or dashed where the expression is uncertain, in the emotion's colour
between two lines of its ink, so that one of the two stands out from whatever lies beneath. The tag is filled with the
colour and written in the ink: black or white, whichever contrasts more (WCAG 2: always above 4.5).
"""

from __future__ import annotations

import math
import statistics
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mien.errors import ImageError, MienError
from mien.fonts import drawable, font_for, lacked
from mien.image import read_image
from mien.intake import ImageSource, Limits
from mien.prediction import Prediction, percent

Colour = tuple[int, int, int]
Rect = tuple[int, int, int, int]
"""(x0, y0, x1, y1) in px; x1 and y1 are beyond the last pixel."""

BLACK, WHITE = (0, 0, 0), (255, 255, 255)

# Okabe and Ito's colours, which any colour vision tells apart, and a gray.
PALETTE: dict[str, Colour] = {
    "angry": (213, 94, 0),
    "contempt": (230, 159, 0),
    "disgust": (0, 158, 115),
    "fear": (204, 121, 167),
    "happy": (240, 228, 66),
    "neutral": (221, 221, 221),
    "sad": (0, 114, 178),
    "surprise": (86, 180, 233),
}

LEAST_SIDE, GREATEST_SIDE = 320, 4000  # px: a smaller picture is enlarged, but not beyond
LEAST_TEXT, SMALLEST_TEXT = 14, 6  # px: what is legible; what is still drawn where even that finds no room
LONGEST_LABEL = 40  # characters
STAYS = 2.0  # what it is worth that a tag stays where it was: as much as to cover a fifth of another box
ELLIPSIS = "…"
UNCERTAIN = "uncertain"
MOST = 2**62
ANY_SIZE = Limits(MOST, MOST, MOST, MOST, MOST, MOST)  # whoever read the image has judged its size


@dataclass(frozen=True)
class Said:
    """What is said of one face.

    Args:
        box: around the face, (x0, y0, x1, y1) in px of the picture.
        label: of the expression.
        confidence: 0..1.
        uncertain: whether it should not be relied on.
        spot: where its tag was before, on a moving picture (see `Tag`): it stays there unless it covers others.
        word: what the label is called; the label itself if empty.
        doubt: what stands below it where it is uncertain.
    """

    box: tuple[float, float, float, float]
    label: str
    confidence: float
    uncertain: bool
    spot: int | None = None
    word: str = ""
    doubt: str = UNCERTAIN


@dataclass(frozen=True)
class Tag:
    """What is said of one face, and where.

    Args:
        rect: where the tag lies in the picture.
        box: the box that the tag belongs to.
        lines: of text, from the top.
        colour: of the tag and the box.
        uncertain: whether the box is dashed.
        spot: which of the places around its box the tag has.
    """

    rect: Rect
    box: Rect
    lines: tuple[str, ...]
    colour: Colour
    uncertain: bool
    spot: int = 0


def annotate(image: ImageSource, prediction: Prediction, words: Callable[[str], str] | None = None) -> Image.Image:
    """Draw what was read on a copy of the image.

    Args:
        image: the one that was read: a path, bytes, a binary file (at its beginning again), a Pillow image or an RGB
            uint8 array (H, W, 3).
        prediction: its faces, in px of that image.
        words: what an emotion, or `UNCERTAIN`, is called; as it is if None.

    Returns:
        RGB; the image's size, or a whole multiple of it where the image is too small to write on.

    Raises:
        ImageError: the image cannot be read, or could not be when it was predicted.
        MienError: the prediction is of an image of another size, or is none.
    """
    if not isinstance(prediction, Prediction):
        raise MienError(f"expected the image's Prediction, got {type(prediction).__name__}")
    if prediction.error is not None:
        raise ImageError(f"nothing was read that could be drawn: {prediction.source}: {prediction.error}")
    pixels = read_image(image, ANY_SIZE)
    height, width = pixels.shape[:2]
    if (prediction.width, prediction.height) != (width, height):
        raise MienError(f"expected an image of {prediction.width} x {prediction.height} px, got {width} x {height}")
    scale = enlargement(width, height)
    picture = Image.fromarray(pixels).resize((width * scale, height * scale), Image.Resampling.BICUBIC)
    tags, font = lay_out(prediction, scale, words)
    draw = ImageDraw.Draw(picture)
    line = line_width(font.size)
    for rect, colour in (piece for tag in tags for piece in outline(tag, line)):
        x0, y0, x1, y1 = rect
        draw.rectangle((x0, y0, x1 - 1, y1 - 1), colour)
    for tag in tags:
        picture.paste(written(tag, font), tag.rect[:2])
    return picture


def enlargement(width: int, height: int) -> int:
    """How many times an image is enlarged, to be written on."""
    return max(1, min(math.ceil(LEAST_SIDE / min(width, height)), GREATEST_SIDE // max(width, height)))


def colour_of(label: str) -> Colour:
    """An emotion's colour: always the same one."""
    return PALETTE.get(label) or list(PALETTE.values())[zlib.crc32(label.encode(errors="surrogatepass")) % len(PALETTE)]


def css(colour: Colour) -> str:
    """A colour as browsers and Matplotlib take it: `"#d55e00"`."""
    return f"#{bytes(colour).hex()}"


def ink_on(colour: Colour) -> Colour:
    """Black or white, whichever is read more easily on a colour."""
    return max(BLACK, WHITE, key=lambda ink: contrast(ink, colour))


def contrast(one: Colour, other: Colour) -> float:
    """The contrast ratio of two colours by WCAG 2: 1..21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def lay_out(
    prediction: Prediction, scale: int = 1, words: Callable[[str], str] | None = None
) -> tuple[list[Tag], ImageFont.FreeTypeFont]:
    """Every face's tag, clear of each other where there is room, and the font they are written in.

    Args:
        prediction: faces in px of its image.
        scale: how many times the picture is larger than the image.
        words: see `annotate`.
    """
    said = []
    for face, told in ((reading.face, reading.expression) for reading in prediction.faces):
        x0, y0, x1, y1 = (edge * scale for edge in face.box_xyxy)
        word, doubt = (words(told.label), words(UNCERTAIN)) if words else ("", UNCERTAIN)
        said.append(Said((x0, y0, x1, y1), told.label, told.confidence, told.uncertain, None, word, doubt))
    return arranged(said, prediction.width * scale, prediction.height * scale)


def arranged(
    said: Sequence[Said], width: int, height: int, text_px: float | None = None
) -> tuple[list[Tag], ImageFont.FreeTypeFont]:
    """As `lay_out`, of what is said of faces in a picture of that size.

    Args:
        text_px: how large it is written; as suits the faces if None.
    """
    faces = [tuple(round(edge) for edge in each.box) for each in said]
    labels = "".join((each.word or each.label) + each.doubt for each in said)
    font = font_for(labels, LEAST_TEXT)
    lacks = "" if labels.isascii() else lacked(labels + ELLIPSIS, font)
    texts = [_lines(each, lacks) for each in said]
    sides = [min(x1 - x0, y1 - y0) for x0, y0, x1, y1 in faces]
    font = _sized(font, (width, height), sides, texts, text_px)
    line = line_width(font.size)
    boxes = [_around((x0, y0, x1, y1), line, (width, height)) for x0, y0, x1, y1 in faces]
    tags: list[Tag] = []
    for each, box, text in zip(said, boxes, texts, strict=True):
        others = [other for other in boxes if other is not box]
        placed = [tag.rect for tag in tags]
        spot, rect = _place(_size(text, font), box, placed, others, (width, height), each.spot)
        tags.append(Tag(rect, box, text, colour_of(each.label), each.uncertain, spot))
    return tags, font


def _lines(said: Said, lacks: str) -> tuple[str, ...]:
    told = drawable(" ".join((said.word or said.label).split()), lacks)
    told = told if len(told) <= LONGEST_LABEL else told[: LONGEST_LABEL - 1] + drawable(ELLIPSIS, lacks)
    if said.uncertain:
        return f"{told}? {percent(said.confidence)}", drawable(said.doubt, lacks)
    return (f"{told} {percent(said.confidence)}",)


def _sized(
    font: ImageFont.FreeTypeFont,
    picture: tuple[int, int],
    sides: Sequence[int],
    texts: Iterable[tuple[str, ...]],
    text_px: float | None,
) -> ImageFont.FreeTypeFont:
    """One size for all: a fifth of the usual face, within what suits the picture, and no wider or taller than it."""
    longer = max(picture)
    least, most = max(LEAST_TEXT, 0.012 * longer), 9 + 0.018 * longer
    wanted = text_px or max(least, min(most, 0.2 * statistics.median(sides or [0])))
    font = font.font_variant(size=wanted)
    for width, height in (_size(text, font) for text in texts):
        wanted = min(wanted, 0.98 * font.size * min(picture[0] / width, picture[1] / height))
    return font.font_variant(size=max(SMALLEST_TEXT, math.floor(wanted)))


def _size(lines: Sequence[str], font: ImageFont.FreeTypeFont) -> tuple[int, int]:
    """A tag's width and height."""
    widest = max(font.getlength(line) for line in lines)
    return math.ceil(widest + 0.7 * font.size), math.ceil((1.15 * len(lines) + 0.15) * font.size)


def line_width(text: float) -> int:
    """Of the lines around a face, in px, for a size of letters."""
    return max(1, round(text / 8))


def _around(face: Rect, line: int, picture: tuple[int, int]) -> Rect:
    """The outer edge of a box whose lines enclose a face, kept in the picture."""
    reach = 2 * line
    x0, x1 = (min(max(x, 0), picture[0]) for x in (face[0] - reach, face[2] + reach))
    y0, y1 = (min(max(y, 0), picture[1]) for y in (face[1] - reach, face[3] + reach))
    x0, y0 = min(x0, picture[0] - 1), min(y0, picture[1] - 1)
    return x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)


def _place(
    size: tuple[int, int],
    box: Rect,
    tags: Sequence[Rect],
    boxes: Sequence[Rect],
    picture: tuple[int, int],
    before: int | None,
) -> tuple[int, Rect]:
    """Where a tag goes, and which of the spots that is: over its box if that is free, else around it, else where it
    covers least; on a moving picture where it was, while that covers little more."""
    (w, h), (x0, y0, x1, y1) = size, box
    across, down = (x0, x1 - w, (x0 + x1 - w) // 2), (y0, y1 - h, (y0 + y1 - h) // 2)
    corners = [
        *((x, y0 - h) for x in across),
        *((x, y1) for x in across),
        *((x, y) for x in (x1, x0 - w) for y in down),
        *((x, y) for y in (y0, y1 - h) for x in across),
        *((x, y) for y in (y0 - 2 * h, y1 + h) for x in across),
    ]
    rects = []
    for x, y in corners:
        left, top = max(0, min(x, picture[0] - w)), max(0, min(y, picture[1] - h))
        rects.append((left, top, left + w, top + h))

    def cost(spot: int) -> float:
        rect = rects[spot]
        covered = 100 * _covered(rect, tags) + 10 * _covered(rect, boxes) + 3 * _covered(rect, [box])
        return covered / (w * h) + rects.index(rect) / len(rects) - STAYS * (spot == before)

    spot = min(range(len(rects)), key=cost)
    return spot, rects[spot]


def _covered(rect: Rect, others: Iterable[Rect]) -> int:
    """How much of other rectangles one covers, px."""
    x0, y0, x1, y1 = rect
    return sum(max(0, min(x1, c) - max(x0, a)) * max(0, min(y1, d) - max(y0, b)) for a, b, c, d in others)


def outline(tag: Tag, line: int) -> list[tuple[Rect, Colour]]:
    """The box around a face as rectangles with their colours, those on top last.

    Args:
        line: half of the width of its sides, in px.
    """
    x0, y0, x1, y1 = tag.box
    edge = max(1, line // 3)
    ends = [
        (x0, y0, x1, y0 + 2 * line),
        (x0, y1 - 2 * line, x1, y1),
        (x0, y0, x0 + 2 * line, y1),
        (x1 - 2 * line, y0, x1, y1),
    ]
    pieces = [piece for end in ends for piece in (_dashes(end, 8 * line) if tag.uncertain else [end])]
    inner = [(a + edge, b + edge, c - edge, d - edge) for a, b, c, d in pieces]
    coloured = [(piece, ink_on(tag.colour)) for piece in pieces] + [(piece, tag.colour) for piece in inner]
    return [(rect, colour) for rect, colour in coloured if rect[0] < rect[2] and rect[1] < rect[3]]


def _dashes(side: Rect, length: int) -> list[Rect]:
    """A side of a box cut into dashes and gaps of about the same length, with a dash at either end."""
    x0, y0, x1, y1 = side
    count = 2 * max(1, round((max(x1 - x0, y1 - y0) / length - 1) / 2)) + 1
    xs, ys = np.linspace(x0, x1, count + 1), np.linspace(y0, y1, count + 1)
    if x1 - x0 > y1 - y0:
        return [(round(xs[i]), y0, round(xs[i + 1]), y1) for i in range(0, count, 2)]
    return [(x0, round(ys[i]), x1, round(ys[i + 1])) for i in range(0, count, 2)]


def written(tag: Tag, font: ImageFont.FreeTypeFont) -> Image.Image:
    """A tag as a picture of its own."""
    width, height = tag.rect[2] - tag.rect[0], tag.rect[3] - tag.rect[1]
    picture = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(picture)
    ink = ink_on(tag.colour)
    draw.rectangle((0, 0, width - 1, height - 1), tag.colour, ink, max(1, line_width(font.size) // 3))
    for i, text in enumerate(tag.lines):
        middle = height * (2 * i + 1) / (2 * len(tag.lines))
        draw.text((width / 2, middle), text, ink, font, anchor="mm")
    return picture


def _luminance(colour: Colour) -> float:
    """Relative luminance by WCAG 2: 0..1."""
    parts = [v / 255 for v in colour]
    r, g, b = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b

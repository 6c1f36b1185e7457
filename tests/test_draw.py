"""`annotate`: only boxes and tags change, and whatever the photo, they can be read."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mien.draw import (
    BLACK,
    LEAST_SIDE,
    LONGEST_LABEL,
    PALETTE,
    WHITE,
    Colour,
    Rect,
    annotate,
    colour_of,
    contrast,
    ink_on,
    lay_out,
)
from mien.errors import ImageError, MienError
from mien.face import Face
from mien.fonts import lacked
from mien.labels import FER7, FERPLUS8
from mien.prediction import Expression, Prediction, Reading

Box = tuple[float, float, float, float]


def noise(width: int, height: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def prediction(width: int, height: int, *boxes: Box, label: str = "happy", uncertain: bool = False) -> Prediction:
    expression = Expression({label: 0.97, "other": 0.03}, ("blurred",) if uncertain else ())
    return Prediction("a.jpg", width, height, tuple(Reading(Face(box, (), 0.9), expression) for box in boxes))


def overlap(one: Rect, other: Rect) -> bool:
    return max(one[0], other[0]) < min(one[2], other[2]) and max(one[1], other[1]) < min(one[3], other[3])


def inside(rect: Rect, width: int, height: int) -> bool:
    return 0 <= rect[0] < rect[2] <= width and 0 <= rect[1] < rect[3] <= height


def test_no_face_leaves_the_image_as_it_is() -> None:
    image = noise(640, 480)
    assert (np.asarray(annotate(image, prediction(640, 480))) == image).all()


def test_pixels_outside_and_on_the_face_are_unchanged() -> None:
    image = noise(640, 480)
    original = image.copy()
    told = prediction(640, 480, (200, 150, 350, 320))
    drawn = np.asarray(annotate(image, told))
    (tag,), _ = lay_out(told)
    changed = (drawn != original).any(axis=2)
    for x0, y0, x1, y1 in (tag.rect, tag.box):
        assert changed[y0:y1, x0:x1].any()
        changed[y0:y1, x0:x1] = False
    assert not changed.any()
    assert (drawn[150:320, 200:350] == original[150:320, 200:350]).all()
    assert (image == original).all()


@pytest.mark.parametrize(("uncertain", "lines"), [(False, ("contento 97%",)), (True, ("contento? 97%", "dudoso"))])
def test_words_of_another_language(uncertain: bool, lines: tuple[str, ...]) -> None:
    """An emotion keeps its colour, whatever it is called."""
    words = {"happy": "contento", "uncertain": "dudoso"}  # in letters that any font has
    (tag,), _ = lay_out(prediction(640, 480, (200, 150, 350, 320), uncertain=uncertain), words=words.__getitem__)
    assert (tag.lines, tag.colour) == (lines, PALETTE["happy"])


def test_read_only_images_are_drawn_on() -> None:
    image = noise(640, 480)
    image.flags.writeable = False
    assert annotate(image, prediction(640, 480, (200, 150, 350, 320))).size == (640, 480)


def test_another_image_is_refused() -> None:
    with pytest.raises(MienError, match="640 x 480 px, got 480 x 640"):
        annotate(noise(480, 640), prediction(640, 480))


def test_an_image_that_was_not_read_is_told_with_its_reason() -> None:
    with pytest.raises(ImageError, match=r"nothing was read that could be drawn: a\.jpg: no such file"):
        annotate(noise(640, 480), Prediction("a.jpg", 0, 0, error="no such file"))


@pytest.mark.parametrize(
    "box",
    [
        (0, 0, 640, 480),
        (-40, -30, 60, 70),
        (580, -30, 700, 70),
        (-40, 420, 60, 500),
        (580, 420, 700, 500),
        (300, -20, 400, 80),
        (300, 400, 400, 500),
        (-20, 200, 80, 300),
        (560, 200, 660, 300),
        (700, 500, 800, 600),
        (320, 240, 321, 241),
    ],
)
@pytest.mark.parametrize("uncertain", [False, True])
def test_tags_and_boxes_stay_inside(box: Box, uncertain: bool) -> None:
    told = prediction(640, 480, box, label="surprise", uncertain=uncertain)
    (tag,), _ = lay_out(told)
    assert inside(tag.rect, 640, 480)
    assert inside(tag.box, 640, 480)
    assert annotate(noise(640, 480), told).size == (640, 480)


@pytest.mark.parametrize("colour", [*PALETTE.values(), BLACK, WHITE, (119, 119, 119), (255, 0, 0)])
def test_text_contrasts_with_its_tag(colour: Colour) -> None:
    assert contrast(ink_on(colour), colour) >= 4.5


def test_contrast_is_that_of_wcag() -> None:
    assert contrast(BLACK, WHITE) == contrast(WHITE, BLACK) == pytest.approx(21)
    assert contrast((119, 119, 119), WHITE) == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_boxes_stand_out_on_any_ground(level: int) -> None:
    ground: Colour = (level, level, level)
    assert all(max(contrast(colour, ground), contrast(ink_on(colour), ground)) >= 2 for colour in PALETTE.values())


def test_each_emotion_has_its_colour() -> None:
    assert set(PALETTE) == {*FER7, *FERPLUS8}
    assert len(set(PALETTE.values())) == len(PALETTE)
    assert colour_of("bored") == colour_of("bored") in PALETTE.values()


@pytest.mark.parametrize(
    ("size", "drawn"),
    [
        ((48, 48), (336, 336)),
        ((100, 48), (700, 336)),
        ((320, 4000), (320, 4000)),
        ((1, 1), (320, 320)),
        ((1, 5000), (1, 5000)),
    ],
)
def test_small_images_are_enlarged_to_be_written_on(size: tuple[int, int], drawn: tuple[int, int]) -> None:
    width, height = size
    told = prediction(width, height, (0, 0, width, height), label="surprise", uncertain=True)
    picture = annotate(noise(width, height), told)
    assert picture.size == drawn
    if width > 1:
        assert min(picture.size) >= LEAST_SIDE
        (tag,), font = lay_out(told, picture.width // width)
        assert inside(tag.rect, *picture.size)
        assert font.size >= 14


@pytest.mark.parametrize(("width", "least"), [(640, 14), (2000, 24), (8000, 90)])
def test_text_grows_with_the_image(width: int, least: int) -> None:
    height = width * 3 // 4
    _, font = lay_out(prediction(width, height, (0.4 * width, 0.4 * width, 0.41 * width, 0.41 * width)))
    assert least <= font.size <= 0.03 * width


SCRIPTS = ["Радость", "χαρά", "喜び", "سعيد", "😀", "खुश " * 30, "a\x07b", "\udcff"]


@pytest.mark.parametrize(
    "label", ["happy", "a feeling that takes rather many words to be told " * 3, "two\nlines", "", *SCRIPTS]
)
def test_any_label_fits(label: str) -> None:
    told = prediction(640, 480, (200, 150, 350, 320), label=label)
    (tag,), _ = lay_out(told)
    assert inside(tag.rect, 640, 480)
    assert annotate(noise(640, 480), told).size == (640, 480)


@pytest.mark.parametrize("label", SCRIPTS)
def test_labels_of_any_script_are_written_without_boxes(label: str) -> None:
    (tag,), font = lay_out(prediction(640, 480, (200, 150, 350, 320), label=label))
    assert lacked("".join(tag.lines), font) == ""
    assert len(tag.lines[0]) <= LONGEST_LABEL + 5
    assert not any(line.startswith(" ") for line in tag.lines)


def test_tags_in_a_crowd_are_clear_of_each_other_and_of_faces() -> None:
    boxes = [(x, y, x + 90.0, y + 90.0) for y in range(40, 1000, 160) for x in range(40, 1400, 150)]
    tags, _ = lay_out(prediction(1600, 1200, *boxes, label="surprise"))
    assert len(tags) == len(boxes)
    assert not any(overlap(a.rect, b.rect) for a, b in combinations(tags, 2))
    assert not any(overlap(a.rect, b.box) for a in tags for b in tags)


def test_faces_that_touch_have_tags_apart() -> None:
    tags, _ = lay_out(prediction(1000, 700, *[(300.0 + 60 * i, 300, 390 + 60 * i, 390) for i in range(5)]))
    assert not any(overlap(a.rect, b.rect) for a, b in combinations(tags, 2))


def test_an_uncertain_face_looks_different() -> None:
    image = np.full((480, 640, 3), 128, np.uint8)
    box = (200.0, 150.0, 350.0, 320.0)
    sure, unsure = (prediction(640, 480, box, uncertain=uncertain) for uncertain in (False, True))
    (solid,), _ = lay_out(sure)
    (dashed,), _ = lay_out(unsure)
    assert solid.lines == ("happy 97%",)
    assert dashed.lines == ("happy? 97%", "uncertain")
    x0, y0, _, y1 = dashed.box
    edges = [np.asarray(annotate(image, told))[y0 + 1 : y1 - 1, x0 + 2] for told in (sure, unsure)]
    bare = [(edge == 128).all(axis=1).mean() for edge in edges]
    assert bare[0] == 0
    assert 0.3 < bare[1] < 0.6


def test_the_tag_is_written_on() -> None:
    told = prediction(640, 480, (200, 150, 350, 320))
    (tag,), _ = lay_out(told)
    x0, y0, x1, y1 = tag.rect
    pixels = np.asarray(annotate(noise(640, 480), told))[y0 + 2 : y1 - 2, x0 + 2 : x1 - 2]
    assert (pixels == PALETTE["happy"]).all(axis=2).mean() > 0.5
    assert 0.02 < (pixels == BLACK).all(axis=2).mean() < 0.4
    assert isinstance(annotate(noise(640, 480), told), Image.Image)


@pytest.mark.parametrize("given", [None, 3, []])
def test_what_is_no_prediction_is_not_drawn(given: Any) -> None:
    with pytest.raises(MienError, match=f"expected the image's Prediction, got {type(given).__name__}"):
        annotate("is not looked at", given)

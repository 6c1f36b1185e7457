"""Shading: what counts in a crop is coloured where it lies on the photo."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image

from mien.errors import MienError
from mien.face import Face, Point, crop_face, whole_crop, whole_face
from mien.prediction import Explanation, Expression, Prediction, Reading
from mien.shading import AGAINST, DENSEST, FOR, lay, layer, shaded, values

LANDMARKS = ((-20, -20), (20, -20), (0, 5), (0, 25), (-45, -10), (45, -10))  # of a level face, from its middle


def explanation(row: int, column: int, lost: float = 0.5, parts: int = 3) -> Explanation:
    """One part counts, the others do not."""
    rows = np.zeros((parts, parts))
    rows[row, column] = lost
    return Explanation("cam" if parts == 3 else "occlusion", tuple(map(tuple, rows.tolist())))


def face(x: float, y: float, roll: float) -> Face:
    """Around a point, turned clockwise by so many degrees."""
    cos, sin = math.cos(math.radians(roll)), math.sin(math.radians(roll))
    points: list[Point] = [(x + cos * dx - sin * dy, y + sin * dx + cos * dy) for dx, dy in LANDMARKS]
    return Face((x - 50, y - 50, x + 50, y + 50), tuple(points), 0.9)


def test_between_parts_it_is_between_what_they_are() -> None:
    told = Explanation("cam", ((0.0, 0.3), (0.6, 0.9)))
    expected = [[0, 0.1, 0.2, 0.3], [0.2, 0.3, 0.4, 0.5], [0.4, 0.5, 0.6, 0.7], [0.6, 0.7, 0.8, 0.9]]
    assert values(told, 6)[1:5, 1:5][[0, 1, 2, 3]] == pytest.approx(np.array(expected), abs=0.01)
    assert values(told, 2).tolist() == [[0.0, 0.3], [0.6, 0.9]]
    hidden = explanation(0, 6, parts=7)
    assert values(hidden, 4) == pytest.approx(np.array([[0, 0, 0, 0.5], *[[0] * 4] * 3]))


@pytest.mark.parametrize(("lost", "colour"), [(0.5, FOR), (-0.5, AGAINST), (0.0, AGAINST)])
def test_what_speaks_for_an_answer_is_orange_and_what_speaks_against_it_blue(
    lost: float, colour: tuple[int, int, int]
) -> None:
    pixels = np.asarray(layer(explanation(0, 0, lost), 96))
    assert tuple(pixels[0, 0]) == (*colour, round(255 * DENSEST) if lost else 0)
    assert not pixels[60:, 60:, 3].any()


def test_what_hardly_counts_is_hardly_coloured() -> None:
    assert np.asarray(layer(explanation(0, 0, 0.001)))[0, 0, 3] == pytest.approx(255 * DENSEST / 10, abs=1)


@pytest.mark.parametrize("roll", [0, 30, -90, 180])
@pytest.mark.parametrize(("x", "y"), [(200, 150), (30, 150), (390, 20)])
def test_it_lies_where_the_crop_was_cut(x: float, y: float, roll: float) -> None:
    photo = Image.new("RGB", (400, 300), "white")
    there = face(x, y, roll)
    lay(layer(explanation(0, 1)), photo, there)
    cut = crop_face(photo, there, 48, gray=False).astype(int)
    assert (cut < 255).any()
    if there.clipped(400, 300) == there:  # beyond the edge, the edge is repeated
        orange = (cut[..., 0] - cut[..., 2]) > 100
        rows, columns = np.nonzero(orange)
        assert rows.max() < 20
        assert columns.min() > 12
        assert columns.max() < 36
        assert orange[2:10, 20:28].all()


def test_a_face_outside_the_photo_changes_nothing() -> None:
    photo = Image.new("RGB", (100, 100), "white")
    lay(layer(explanation(1, 1)), photo, face(400, 400, 0))
    assert (np.asarray(photo) == 255).all()


def test_an_image_that_is_one_face_is_coloured_as_a_whole() -> None:
    photo = Image.new("RGB", (400, 200), "white")
    lay(layer(explanation(2, 2)), photo, whole_face(400, 200))
    crop = whole_crop(photo, 48, gray=False).astype(int)
    orange = (crop[..., 0] - crop[..., 2]) > 100
    assert orange[36:, 36:].all()
    assert not orange[:24].any()
    assert not orange[:, :24].any()


def test_copies_are_marked_and_shaded() -> None:
    photo = np.full((400, 400, 3), 255, np.uint8)
    expression = Expression({"happy": 0.9, "sad": 0.1}, explanation=explanation(1, 1))
    one = Prediction("a", 400, 400, (Reading(face(200, 200, 0), expression),))
    drawn = np.asarray(shaded(photo, one)).astype(int)
    assert drawn.shape == photo.shape
    assert (drawn[200, 200, 0] - drawn[200, 200, 2]) > 100
    assert (photo == 255).all()
    plain = Prediction("a", 400, 400, (Reading(face(200, 200, 0), Expression({"happy": 0.9, "sad": 0.1})),))
    assert (np.asarray(shaded(photo, plain))[200, 200] == 255).all()
    with pytest.raises(MienError, match="expected an image of 400 x 400 px"):
        shaded(photo[:300], one)

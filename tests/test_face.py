import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from mien.errors import MienError
from mien.face import Box, Face, crop_face, framing, overlap, roll_degrees, sharpness, turn, whole_crop

POINTS = ((-20.0, -15.0), (20.0, -15.0), (0.0, 5.0), (0.0, 25.0), (-40.0, -8.0), (40.0, -8.0))


def drawn(x: float = 100, y: float = 100, roll: float = 0, scale: float = 1) -> Face:
    """A face of six landmarks about (x, y), rolled clockwise."""
    cos, sin = math.cos(math.radians(roll)) * scale, math.sin(math.radians(roll)) * scale
    points = tuple((x + px * cos - py * sin, y + px * sin + py * cos) for px, py in POINTS)
    half = 45 * scale
    return Face((x - half, y - half, x + half, y + half), points, 0.9)


def smooth(width: int, height: int) -> NDArray[np.uint8]:
    """A photo without sharp edges, so that resampling changes little."""
    seed = np.random.default_rng(0).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(seed).resize((width, height), Image.Resampling.BICUBIC))


def cut(image: NDArray[np.uint8], face: Face, size: int = 48, *, gray: bool = True) -> NDArray[np.uint8]:
    return crop_face(Image.fromarray(image), face, size, gray=gray)


def difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(np.abs(a.astype(float) - b.astype(float)).mean())


@pytest.mark.parametrize(
    ("box", "points", "score", "match"),
    [
        ((1, 0, 1, 2), (), 0.5, "x0 < x1"),
        ((0, 2, 1, 1), (), 0.5, "y0 < y1"),
        ((0, 0, float("nan"), 1), (), 0.5, "x0 < x1"),
        ((0, 0, 1, 1), ((0, 0),), 0.5, r"six landmarks \(x, y\) or none, got 1$"),
        ((0, 0, 1, 1), (), 1.5, "score"),
        (3, (), 0.5, r"x0 < x1 and y0 < y1, got 3$"),
        ((0, 0, 1), (), 0.5, r"x0 < x1 and y0 < y1, got \(0, 0, 1\)$"),
        ((0, 0, 1, "2"), (), 0.5, "x0 < x1"),
        ("0123", (), 0.5, "x0 < x1"),
        ((0, 0, 1, 1), zip(range(6), range(6), strict=True), 0.5, "six landmarks"),
        ((0, 0, 1, 1), 3, 0.5, r"six landmarks \(x, y\) or none, got 3$"),
        ((0, 0, 1, 1), (1, 2, 3, 4, 5, 6), 0.5, r"six landmarks \(x, y\) or none, got \(1, 2, 3, 4, 5, 6\)$"),
        ((0, 0, 1, 1), ((0, 0, 1),) * 6, 0.5, "six landmarks"),
        ((0, 0, 1, 1), (("0", "0"),) * 6, 0.5, "six landmarks"),
        ((0, 0, 1, 1), (), None, r"score is within 0..1, got None$"),
        ((0, 0, 1, 1), (), "1", r"score is within 0..1, got '1'$"),
    ],
)
def test_impossible_faces_are_refused(box: Any, points: Any, score: Any, match: str) -> None:
    with pytest.raises(MienError, match=match):
        Face(box, points, score)


@pytest.mark.parametrize(
    ("box", "shown"),
    [
        ((1, 2, 3, 4), (1, 2, 3, 4)),
        ((0, 0, 64, 48), (0, 0, 64, 48)),
        ((-3.5, -0.1, 64.2, 90), (0, 0, 64, 48)),
        ((63.5, 47.5, 70, 50), (63.5, 47.5, 64, 48)),
    ],
)
def test_a_box_ends_where_the_image_does(
    box: tuple[float, float, float, float], shown: tuple[float, float, float, float]
) -> None:
    points = ((-9.0, 5.0),) * 6
    assert Face(box, points, 0.5).clipped(64, 48) == Face(shown, points, 0.5)


@pytest.mark.parametrize("box", [(-9, 1, 0, 5), (64, 1, 70, 5), (1, -9, 5, -1), (1, 48, 5, 60)])
def test_a_face_outside_its_image_is_refused(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(MienError, match=r"lies in its image; got the box .* in one of 64 x 48 px"):
        Face(box, (), 0.5).clipped(64, 48)


@pytest.mark.parametrize("roll", [-170, -90, -30, 0, 10, 45, 90])
def test_roll_is_read_from_the_landmarks(roll: float) -> None:
    assert roll_degrees(drawn(roll=roll)) == pytest.approx(roll)


def test_a_face_without_landmarks_is_upright_and_frontal() -> None:
    face = Face((0, 0, 10, 10), (), 1)
    assert roll_degrees(face) == turn(face) == 0


@pytest.mark.parametrize("roll", [0, 40])
@pytest.mark.parametrize(("shift", "expected"), [(0, 0), (20, 0.5), (-20, 0.5), (40, 1), (70, 1)])
def test_turn_is_where_the_nose_lies_between_the_ears(shift: float, expected: float, roll: float) -> None:
    face = drawn(roll=roll)
    points = list(face.landmarks_xy)
    along = math.radians(roll)
    points[2] = (points[2][0] + shift * math.cos(along), points[2][1] + shift * math.sin(along))
    assert turn(Face(face.box_xyxy, tuple(points), 1)) == pytest.approx(expected, abs=0.06)


def test_turn_is_1_when_the_ears_meet() -> None:
    assert turn(Face((0, 0, 1, 1), ((0, 0), (0, 0), (1, 1), (0, 2), (0, 0), (0, 0)), 1)) == 1


def test_framing_moves_and_scales_with_the_face() -> None:
    one, other = framing(drawn(100, 100)), framing(drawn(300, 50, scale=2))
    assert other.side == pytest.approx(2 * one.side)
    assert other.centre_xy[0] == pytest.approx(300)
    assert other.centre_xy[1] - 50 == pytest.approx(2 * (one.centre_xy[1] - 100))


@pytest.mark.parametrize("size", [32, 48, 64])
def test_crop_is_gray_of_the_size_asked(size: int) -> None:
    crop = cut(smooth(200, 200), drawn(), size)
    assert crop.shape == (size, size)
    assert crop.dtype == np.uint8
    assert crop.flags.writeable


def test_gray_is_itu_r_601() -> None:
    image = np.full((200, 200, 3), (200, 100, 50), dtype=np.uint8)
    assert np.unique(cut(image, drawn())).tolist() == [round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)]


def test_a_coloured_crop_is_each_channels_gray_crop() -> None:
    image, face = smooth(200, 200), drawn(roll=20)
    crop = cut(image, face, gray=False)
    assert crop.shape == (48, 48, 3)
    for channel in range(3):
        alone = np.repeat(image[..., channel : channel + 1], 3, axis=2)
        assert difference(crop[..., channel], cut(alone, face)) <= 1
    assert whole_crop(image, 200, gray=False).tolist() == image.tolist()


@pytest.mark.parametrize("scale", [0.2, 0.5, 0.9, 2.3, 5.0])
def test_upright_crop_is_the_framed_part_of_the_image(scale: float) -> None:
    image = smooth(round(200 * scale), round(200 * scale))
    face = drawn(100 * scale, 100 * scale, scale=scale)
    square = framing(face)
    x, y = square.centre_xy
    half = square.side / 2
    part = Image.fromarray(image).convert("L").resize((48, 48), box=(x - half, y - half, x + half, y + half))
    assert difference(cut(image, face), np.asarray(part)) < 2


@pytest.mark.parametrize("roll", [-120, -30, 15, 60])
def test_a_rolled_face_gives_the_upright_crop(roll: float) -> None:
    image = smooth(400, 400)
    rolled = np.asarray(Image.fromarray(image).rotate(-roll, Image.Resampling.BICUBIC))
    upright = cut(image, drawn(200, 200))
    assert difference(cut(rolled, drawn(200, 200, roll=roll)), upright) < 2


def test_a_large_face_does_not_alias() -> None:
    stripes = np.zeros((2000, 2000, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    assert cut(stripes, drawn(1000, 1000, scale=15)).std() < 3


@pytest.mark.parametrize(("x", "y"), [(0, 100), (200, 100), (100, 0), (100, 200), (0, 0), (10_000, 100), (100, -1e6)])
def test_beyond_the_image_its_edge_is_repeated(x: float, y: float) -> None:
    white = np.full((200, 200, 3), 255, dtype=np.uint8)
    assert cut(white, drawn(x, y)).min() == 255


@pytest.mark.parametrize("shape", [(1, 1), (10, 4000), (4000, 10)])
@pytest.mark.parametrize("scale", [0.001, 1, 100])
def test_odd_sizes_are_cropped_all_the_same(shape: tuple[int, int], scale: float) -> None:
    image = np.full((*shape, 3), 7, dtype=np.uint8)
    assert (cut(image, drawn(scale=scale)) == 7).all()


def test_a_face_without_landmarks_is_cropped_by_its_box() -> None:
    image = smooth(200, 200)
    face = drawn()
    assert difference(cut(image, face), cut(image, Face(face.box_xyxy, (), 1))) < 25


def test_a_whole_image_of_the_size_asked_keeps_its_pixels() -> None:
    gray = np.random.default_rng(0).integers(0, 256, (48, 48), dtype=np.uint8)
    assert (whole_crop(np.repeat(gray[..., None], 3, axis=2)) == gray).all()


@pytest.mark.parametrize("shape", [(1, 1), (10, 4000), (96, 96), (30, 20), (2000, 1500)])
def test_a_whole_image_of_any_size_becomes_a_crop(shape: tuple[int, int]) -> None:
    crop = whole_crop(np.full((*shape, 3), 9, dtype=np.uint8))
    assert crop.shape == (48, 48)
    assert (crop == 9).all()


@pytest.mark.parametrize("shape", [(48, 48), (96, 96), (96, 96, 3)])
def test_no_crops_have_no_sharpness(shape: tuple[int, ...]) -> None:
    assert sharpness(np.zeros((0, *shape), np.uint8)).shape == (0,)


def test_sharpness_is_judged_at_one_size_and_in_gray() -> None:
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (48, 48), np.uint8)
    large = np.asarray(Image.fromarray(small).resize((192, 192), Image.Resampling.BICUBIC))
    assert sharpness(large[None]) == pytest.approx(sharpness(small[None]), rel=0.3)
    assert sharpness(np.repeat(small[None, ..., None], 3, axis=3)) == pytest.approx(sharpness(small[None]))


@pytest.mark.parametrize(("low", "high"), [(0, 256), (120, 136), (250, 256), (0, 3)])
@pytest.mark.parametrize("size", [12, 48])
def test_sharpness_is_edges_by_contrast(low: int, high: int, size: int) -> None:
    crops = np.random.default_rng(0).integers(low, high, (5, size, size)).astype(np.uint8)
    for crop, told in zip(crops.astype(float), sharpness(crops), strict=True):
        around = crop[:-2, 1:-1] + crop[2:, 1:-1] + crop[1:-1, :-2] + crop[1:-1, 2:]
        assert told == pytest.approx((4 * crop[1:-1, 1:-1] - around).std() / max(crop.std(), 1), rel=1e-4)


def test_sharpness_falls_with_blur_and_not_with_contrast() -> None:
    sharp = np.random.default_rng(0).integers(0, 200, (48, 48), dtype=np.uint8)
    blurred = np.asarray(Image.fromarray(sharp).filter(ImageFilter.GaussianBlur(3)))
    soft, fine, dark, flat = sharpness(np.stack([blurred, sharp, sharp // 2, np.zeros_like(sharp)]))
    assert soft < 0.3 < 0.7 < fine
    assert dark == pytest.approx(fine, rel=0.02)
    assert flat == 0


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((0, 0, 1, 1), (0, 0, 1, 1), 1),
        ((0, 0, 2, 1), (1, 0, 3, 1), 1 / 3),
        ((0, 0, 1, 1), (1, 0, 2, 1), 0),
        ((0, 0, 1, 1), (5, 5, 6, 6), 0),
    ],
)
def test_overlap(a: Box, b: Box, expected: float) -> None:
    assert overlap(a, b) == pytest.approx(expected)

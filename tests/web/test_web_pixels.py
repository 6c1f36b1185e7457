"""Pixels in the browser are Pillow's, to the last bit."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from asking import Ask, Pixels
from PIL import Image
from PIL.Image import Resampling, Transform

from mien.face import Face, crop_face, sharpness, whole_crop

FILTERS = {"bilinear": Resampling.BILINEAR, "bicubic": Resampling.BICUBIC}
LANDMARKS = ((70.0, 60.0), (104.0, 66.0), (88.0, 84.0), (84.0, 100.0), (56.0, 64.0), (122.0, 76.0))


def noise(width: int, height: int, coloured: bool = True) -> Pixels:
    """Smooth here, rough there, with the ends of the range."""
    rng = np.random.default_rng(width + height)
    shape = (height, width, 3) if coloured else (height, width)
    rough = rng.integers(0, 256, shape)
    smooth = np.linspace(0, 255, width)[None, :, None] if coloured else np.linspace(0, 255, width)[None]
    return np.where(np.arange(height).reshape(-1, *[1] * (len(shape) - 1)) % 7 < 3, rough, smooth).astype(np.uint8)


def test_gray(ask: Ask) -> None:
    image = noise(31, 17)
    np.testing.assert_array_equal(ask("gray", image), np.asarray(Image.fromarray(image).convert("L")))


@pytest.mark.parametrize("factors", [(1, 1), (2, 2), (3, 3), (1, 4), (5, 2), (9, 7), (40, 3)])
@pytest.mark.parametrize("coloured", [False, True])
def test_reduced(ask: Ask, factors: tuple[int, int], coloured: bool) -> None:
    image = noise(41, 29, coloured)
    np.testing.assert_array_equal(ask("reduce", image, *factors), np.asarray(Image.fromarray(image).reduce(factors)))


@pytest.mark.parametrize("kind", FILTERS)
@pytest.mark.parametrize(
    ("size", "box", "gap"),
    [
        ((41, 29), (0, 0, 41, 29), None),
        ((48, 48), (0, 0, 41, 29), None),
        ((41, 12), (0, 0, 41, 29), None),
        ((10, 7), (0, 0, 41, 29), 2.0),
        ((7, 5), (0.3, 2.7, 39.9, 28.1), 1.3),
        ((64, 64), (10.25, 3.5, 20.75, 14.0), 2.0),
        ((3, 3), (1.7, 0.2, 40.6, 29), 3.0),
    ],
)
def test_resized(ask: Ask, kind: str, size: tuple[int, int], box: tuple[float, ...], gap: float | None) -> None:
    image = noise(41, 29)
    theirs = Image.fromarray(image).resize(size, FILTERS[kind], box, gap)  # type: ignore[arg-type]
    np.testing.assert_array_equal(ask("resize", image, *size, kind, box, gap or 1e9), np.asarray(theirs))


@pytest.mark.parametrize("matrix", [(1, 0, 0, 0, 1, 0), (0.9, -0.4, 12.3, 0.4, 0.9, -2.8), (1.7, 0.1, -9, 0, 1.6, 3)])
@pytest.mark.parametrize("coloured", [False, True])
def test_transformed(ask: Ask, matrix: tuple[float, ...], coloured: bool) -> None:
    image = noise(41, 29, coloured)
    theirs = Image.fromarray(image).transform((32, 32), Transform.AFFINE, matrix, Resampling.BICUBIC)
    np.testing.assert_array_equal(ask("transform", image, 32, matrix), np.asarray(theirs))


@pytest.mark.parametrize(
    "face",
    [
        Face((60, 50, 110, 110), (), 1.0),
        Face((60, 50, 110, 110), LANDMARKS, 1.0),
        Face((-30, -20, 40, 50), (), 0.7),
        Face((150, 100, 240, 190), tuple((x + 80, y + 40) for x, y in LANDMARKS), 0.7),
        Face((90, 70, 96, 76), (), 0.7),
        Face((0, 0, 200, 150), tuple((3 * x - 160, 3 * y - 160) for x, y in LANDMARKS), 0.9),
    ],
)
@pytest.mark.parametrize(("size", "coloured"), [(48, False), (24, True)])
def test_cropped(ask: Ask, face: Face, size: int, coloured: bool) -> None:
    image = noise(200, 150)
    theirs = crop_face(Image.fromarray(image), face, size, gray=not coloured)
    mine = ask("crop", image, as_told(face), size, coloured)
    assert (mine != theirs).mean() < 1e-3  # what lies between two levels may fall to either, by the last bit of a sine
    assert np.abs(mine.astype(int) - theirs).max() <= 1


@pytest.mark.parametrize("size", [(48, 48), (30, 47), (300, 200)])
@pytest.mark.parametrize("coloured", [False, True])
def test_whole(ask: Ask, size: tuple[int, int], coloured: bool) -> None:
    image = noise(*size)
    np.testing.assert_array_equal(ask("whole", image, 48, coloured), whole_crop(image, gray=not coloured))


@pytest.mark.parametrize(
    "image", [np.zeros((48, 48), np.uint8), noise(48, 48, False), noise(40, 40, False), noise(64, 64)]
)
def test_sharpness(ask: Ask, image: Pixels) -> None:
    assert math.isclose(ask("sharpness", image), sharpness(image[np.newaxis])[0], rel_tol=1e-4)


def as_told(face: Face) -> dict[str, Any]:
    told = dataclasses.asdict(face)
    return {"box": told["box_xyxy"], "landmarks": told["landmarks_xy"], "score": told["score"]}

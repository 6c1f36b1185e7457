"""Preprocess: crops and the network's input, the same for training and inference."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mien.errors import ImageError
from mien.face import Face, crop_face
from mien.picture import Picture
from mien.preprocess import Colour, Preprocess


def noise(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize(("count", "size"), [(0, 48), (1, 48), (3, 48), (2, 64)])
def test_tensor(count: int, size: int) -> None:
    crops = noise(count, size, size)
    batch = Preprocess(size).tensor(list(crops))
    assert batch.shape == (count, 1, size, size)
    assert batch.dtype == np.uint8
    assert (batch[:, 0] == crops).all()
    assert (Preprocess(size).tensor(crops) == batch).all()
    assert (Preprocess(size).batch(list(crops)) == crops).all()


@pytest.mark.parametrize(
    ("crops", "colour", "told"),
    [
        (noise(1, 47, 47), "gray", "crops are uint8 of shape (48, 48), got uint8 of shape (47, 47)"),
        (noise(4, 24, 24), "gray", "(24, 24)"),
        (noise(1, 96, 96), "gray", "(96, 96)"),
        (noise(48, 48), "gray", "(48,)"),
        (noise(2, 48, 48, 3), "gray", "(48, 48, 3)"),
        (noise(2, 3, 48, 48), "rgb", "crops are uint8 of shape (48, 48, 3), got uint8 of shape (3, 48, 48)"),
        ([noise(48, 48), noise(40, 40)], "gray", "(40, 40)"),
        (noise(2, 48, 48) / 255, "gray", "float64"),
        (noise(2, 48, 48).astype(np.int64), "gray", "int64"),
    ],
)
def test_tensor_refuses_crops_of_another_form(crops: Any, colour: Colour, told: str) -> None:
    with pytest.raises(ImageError, match=re.escape(told)):
        Preprocess(48, colour).tensor(crops)


def test_coloured_crops_are_channels_of_one_batch() -> None:
    crops = noise(3, 32, 32, 3)
    batch = Preprocess(32, "rgb").tensor(list(crops))
    assert batch.shape == (3, 3, 32, 32)
    assert (batch.transpose(0, 2, 3, 1) == crops).all()
    assert Preprocess(32, "rgb").tensor([]).shape == (0, 3, 32, 32)
    image = noise(32, 32, 3)
    assert (Preprocess(32, "rgb").whole(image) == image).all()


def test_whole_keeps_the_pixels_of_an_image_of_its_size() -> None:
    gray = noise(48, 48)
    assert (Preprocess(48).whole(np.repeat(gray[..., None], 3, axis=2)) == gray).all()


@pytest.mark.parametrize(("width", "height"), [(1, 1), (48, 64), (200, 100)])
def test_whole_fits_any_image(width: int, height: int) -> None:
    crop = Preprocess(32).whole(np.full((height, width, 3), 77, np.uint8))
    assert crop.shape == (32, 32)
    assert (crop == 77).all()


def test_colour_becomes_luma() -> None:
    red = np.zeros((48, 48, 3), np.uint8)
    red[..., 0] = 255
    assert (Preprocess(48).whole(red) == round(255 * 0.299)).all()


def test_face_is_cropped_as_face_does() -> None:
    image, face = Image.fromarray(noise(120, 90, 3)), Face((20, 30, 70, 80), (), 0.9)
    assert (Preprocess(40).face(Picture.of(image), face) == crop_face(image, face, 40)).all()


def test_face_crop_shows_the_face() -> None:
    image = np.zeros((200, 200, 3), np.uint8)
    image[60:140, 50:130] = 255
    crop = Preprocess(48).face(Picture.of(Image.fromarray(image)), Face((50, 60, 130, 140), (), 1.0))
    assert crop[24, 24] == 255
    assert crop[0, 0] == 0
    assert crop.mean() > 128


@pytest.mark.parametrize("given", [None, 3])
def test_what_is_no_crops(given: Any) -> None:
    with pytest.raises(ImageError, match=rf"uint8 arrays of shape \(48, 48\), several .*; got {type(given).__name__}"):
        Preprocess(48).batch(given)

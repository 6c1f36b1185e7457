"""Looks: a face is alike itself, whatever the light, and where half of it is hidden."""

from __future__ import annotations

import numpy as np
import pytest

from mien.image import Pixels
from mien.looks import likeness, look_of

ACROSS, DOWN = np.meshgrid(np.arange(48), np.arange(48))
CROP = (70 + 25 * np.sin(ACROSS / 4) + 25 * np.cos(DOWN / 5)).astype(np.uint8)
OTHER = (70 + 50 * np.sin(ACROSS * DOWN / 150)).astype(np.uint8)
HIDDEN = np.where(ACROSS < 24, 90, CROP).astype(np.uint8)


@pytest.mark.parametrize("crop", [CROP, CROP * 2, CROP // 2 + 90, np.repeat(CROP[..., None], 3, 2)])
def test_a_look_is_that_of_the_face_whatever_the_light(crop: Pixels) -> None:
    look = look_of(crop)
    assert look.gray.shape == (144,)
    assert np.linalg.norm(look.gray) == pytest.approx(1)
    assert look.gray @ look_of(CROP).gray > 0.99
    assert likeness(look.small, look_of(CROP).small) > 0.9


def test_another_face_looks_otherwise() -> None:
    assert look_of(CROP).gray @ look_of(OTHER).gray < 0.5
    assert likeness(look_of(CROP).small, look_of(OTHER).small) < 0.5


def test_half_a_face_is_enough() -> None:
    assert likeness(look_of(CROP).small, look_of(HIDDEN).small) > 0.95
    assert likeness(look_of(OTHER).small, look_of(HIDDEN).small) < 0.5


def test_a_crop_that_lies_a_little_aside_is_as_alike() -> None:
    beside = look_of(np.roll(CROP, (2, -2), (0, 1))).small
    assert likeness(look_of(CROP).small, beside) > 0.95


def test_larger_crops_are_made_small() -> None:
    large = np.repeat(np.repeat(CROP, 2, 0), 2, 1)
    assert look_of(large).small == look_of(CROP).small


def test_of_what_a_flash_made_white_nothing_is_known() -> None:
    flashed = look_of(np.clip(OTHER.astype(int) * 3 + 60, 0, 255).astype(np.uint8))
    assert likeness(look_of(CROP).small, flashed.small) == 1


def test_of_what_has_no_edges_nothing_is_known() -> None:
    flat = look_of(np.full((48, 48), 90, np.uint8)).small
    assert likeness(flat, flat) == likeness(flat, look_of(CROP).small) == 1


def test_of_noise_in_the_dark_nothing_is_known() -> None:
    dark = look_of(np.random.default_rng(0).integers(0, 3, (48, 48), np.uint8)).small
    assert likeness(dark, look_of(CROP).small) == 1

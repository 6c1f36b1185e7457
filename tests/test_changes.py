"""Changes of a face: each changes what it says, where it says, and nothing else."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.changes import CHANGES, LANDMARKS, _encoded, _lab, _linear, _rgb, places
from mien.face import Face, framing, whole_face

Pixels = NDArray[np.uint8]
SIDE = 96
WHOLE = whole_face(SIDE, SIDE)


STRAIGHT = Face((0, 0, SIDE, SIDE), tuple((SIDE * x, SIDE * y) for x, y in LANDMARKS), 1.0)
SKIN = (178, 126, 101)


def plain(colour: tuple[int, int, int] = SKIN, side: int = SIDE) -> Pixels:
    return np.full((side, side, 3), colour, np.uint8)


def typology(colour: Pixels) -> float:
    """The individual typology angle of one colour, in degrees."""
    lightness, _, yellow = _lab(_linear(colour))
    return float(np.degrees(np.arctan2(lightness - 50, yellow)))


def middle(photo: Pixels) -> Pixels:
    """A pixel of the cheek."""
    return np.asarray(photo[round(0.6 * SIDE), round(0.32 * SIDE)])


def test_landmarks_of_a_whole_crop_are_framed_as_that_crop() -> None:
    square = framing(Face((0, 0, 1, 1), LANDMARKS, 1.0))
    assert square.side == pytest.approx(1, abs=0.01)
    assert square.centre_xy == pytest.approx((0.5, 0.5), abs=0.02)


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (48, 48), (60, 90)])
def test_any_photo_stays_a_photo(name: str, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (*shape, 3), np.uint8)
    photo.flags.writeable = False
    for face in (whole_face(shape[1], shape[0]), Face((-3, -3, 2, 2), (), 1.0)):
        changed = CHANGES[name](photo, face)
        assert (changed.shape, changed.dtype) == (photo.shape, photo.dtype)


@pytest.mark.parametrize("name", [name for name in CHANGES if name != "blur"])
def test_gray_stays_gray_and_something_changes(name: str) -> None:
    gray = np.repeat(np.random.default_rng(0).integers(60, 200, (48, 48, 1), np.uint8), 3, 2)
    changed = CHANGES[name](gray, whole_face(48, 48))
    assert (changed == changed[..., :1]).all()
    assert (changed != gray).mean() > 0.02


@pytest.mark.parametrize(("name", "times"), [("brighter", 2.0), ("darker", 0.5)])
def test_light_is_twice_as_much_or_half(name: str, times: float) -> None:
    photo = plain((100, 60, 30))
    assert _linear(CHANGES[name](photo, WHOLE))[0, 0] == pytest.approx(times * _linear(photo)[0, 0], rel=0.04)


@pytest.mark.parametrize(("name", "degrees"), [("lighter skin", 30), ("darker skin", -30)])
def test_skin_is_turned_in_cielab_and_what_is_around_stays(name: str, degrees: float) -> None:
    photo = plain()
    changed = CHANGES[name](photo, STRAIGHT)
    assert typology(middle(changed)) - typology(middle(photo)) == pytest.approx(degrees, abs=2)
    assert (changed[0, 0] == photo[0, 0]).all()
    eye, mouth = (tuple(round(SIDE * at) for at in LANDMARKS[place])[::-1] for place in (0, 3))
    assert (changed[eye] == photo[eye]).all()
    assert (changed[mouth] == photo[mouth]).all()


@pytest.mark.parametrize(("name", "colour"), [("darker skin", (60, 38, 28)), ("lighter skin", (244, 214, 196))])
def test_skin_goes_no_further_than_skin_does(name: str, colour: tuple[int, int, int]) -> None:
    """What is at the end of it stays brown, or pale, and does not turn back."""
    before, after = plain(colour)[0, 0].astype(int), middle(CHANGES[name](plain(colour), STRAIGHT)).astype(int)
    assert after[0] >= after[1] >= after[2]
    assert (after - before).sum() * (1 if name == "lighter skin" else -1) >= 0
    assert abs(after - before).max() < 40


def test_gray_skin_gets_lighter_or_darker() -> None:
    photo = plain((140, 140, 140))
    lighter, darker = (middle(CHANGES[name](photo, WHOLE))[0] for name in ("lighter skin", "darker skin"))
    assert darker < 130 < 150 < lighter


def test_glasses_are_on_the_eyes_and_a_beard_is_below_them() -> None:
    photo = plain()
    for name, height in (("glasses", 0.4), ("dark glasses", 0.4), ("a beard", 0.85)):
        rows = np.flatnonzero((CHANGES[name](photo, WHOLE) != photo).any((1, 2)))
        assert rows.mean() / SIDE == pytest.approx(height, abs=0.06)


def test_what_is_worn_turns_with_the_face() -> None:
    photo = plain()
    turned = Face((0, 0, SIDE, SIDE), tuple((SIDE - 1 - y, x) for x, y in STRAIGHT.landmarks_xy), 1.0)
    worn = CHANGES["glasses"](photo, STRAIGHT)
    assert (CHANGES["glasses"](photo, turned) == np.rot90(worn, -1)).mean() > 0.99


def test_a_box_alone_says_where_the_face_is() -> None:
    """As large a face elsewhere in a larger photo is painted alike."""
    face = Face((40, 60, 100, 120), (), 1.0)
    along, below, _ = places(plain(side=200), face)
    square = framing(face)
    eye = np.unravel_index((np.hypot(along + 0.5, below)).argmin(), along.shape)
    assert eye[1] == pytest.approx(square.centre_xy[0] + (LANDMARKS[0][0] - 0.5) * square.side, abs=1)
    assert eye[0] == pytest.approx(square.centre_xy[1] + (LANDMARKS[0][1] - 0.5) * square.side, abs=1)


@pytest.mark.parametrize("angle", [0.0, 0.5, -1.2])
@pytest.mark.parametrize("corner", [(60, 50), (-20, 10), (150, 130), (400, 10)])
def test_what_is_around_a_face_is_all_that_is_changed(
    corner: tuple[int, int], angle: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (170, 200, 3), np.uint8)
    turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    x, y, *others = (float(at) for at in (*corner, corner[0] + 50, corner[1] + 50))
    landmarks = tuple((float(px), float(py)) for px, py in 50 * np.array(LANDMARKS) @ turned.T + corner)
    for face in (Face((x, y, others[0], others[1]), landmarks, 1.0), Face((x, y, others[0], others[1]), (), 1.0)):
        near = {name: change(photo, face) for name, change in CHANGES.items()}
        with monkeypatch.context() as patch:
            patch.setattr("mien.changes._near", lambda photo, face: (slice(0, 170), slice(0, 200)))
            for name, change in CHANGES.items():
                assert (change(photo, face) == near[name]).all()


@pytest.mark.parametrize("name", CHANGES)
def test_a_large_photo_takes_little_more_than_its_copy(name: str) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (2000, 3000, 3), np.uint8)
    tracemalloc.start()
    try:
        CHANGES[name](photo, Face((900, 600, 1100, 800), (), 1.0))
        assert tracemalloc.get_traced_memory()[1] < 3 * photo.nbytes
    finally:
        tracemalloc.stop()


def test_light_is_exactly_that_of_each_level() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    assert (CHANGES["brighter"](photo, WHOLE) == _encoded(2 * _linear(photo))).all()
    assert (CHANGES["darker"](photo, WHOLE) == _encoded(_linear(photo) / 2)).all()


def test_blur_is_of_the_faces_own_size() -> None:
    def edge(side: int) -> float:
        photo = np.repeat((np.arange(side) >= side // 2).astype(np.uint8)[None, :, None] * 255, side, 0).repeat(3, 2)
        changed = CHANGES["blur"](photo, whole_face(side, side))
        return float(((changed[0, :, 0] > 20) & (changed[0, :, 0] < 235)).sum()) / side

    assert edge(48) == pytest.approx(edge(480), abs=0.03)


@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (198, 150, 125), (10, 200, 90)])
def test_colours_come_back_and_white_is_white(colour: tuple[int, int, int]) -> None:
    light = _linear(np.array(colour, np.uint8))
    assert (_encoded(_rgb(*_lab(light))) == np.array(colour)).all()


def test_cielab_is_that_of_a_library() -> None:
    from skimage.color import rgb2lab

    colours = np.random.default_rng(0).integers(0, 256, (50, 3), np.uint8)
    theirs = rgb2lab(colours[None])[0]
    assert np.array([_lab(_linear(each)) for each in colours]) == pytest.approx(theirs, abs=0.2)

"""Faces read again once they are changed: a toy whose answer hangs on the light, in crops and in photos."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from drawn import Bounds, draw_face, in_surroundings
from numpy.typing import NDArray
from PIL import Image

import mien
from mien import Prediction
from mien.changes import CHANGES
from mien.errors import DataError
from mien.face import Face, whole_face
from mien.labels import HAPPY_SAD
from mien.prediction import Expression, Reading
from mien.stress import changed

Pixels = NDArray[np.uint8]


def by_light(photos: Iterable[Pixels]) -> Iterator[Prediction]:
    """A reader to which a light photo is happy; of a black one it sees no face."""
    for photo in photos:
        height, width = photo.shape[:2]
        light = float(photo.mean()) / 255
        expression = Expression(dict(zip(HAPPY_SAD, (light, 1 - light), strict=True)))
        faces = (Reading(whole_face(width, height), expression),) if photo.any() else ()
        yield Prediction("<array>", width, height, faces)


def grays(*values: int) -> list[Pixels]:
    return [np.full((48, 48, 3), value, np.uint8) for value in values]


def test_nothing_to_change() -> None:
    for sources, most in (([], 5), (grays(90, 200), 0), (grays(0), 5)):
        found = changed(by_light, sources, np.zeros(len(sources), np.int64), most)
        assert list(found) == list(CHANGES)
        assert not any(each.asked.any() for each in found.values())


def test_what_moves_and_by_how_much() -> None:
    """Twice the light lifts a gray of 100 over the middle, half of it takes 150 below; 240 and 20 stay."""
    steps: list[tuple[int, int]] = []
    found = changed(
        by_light, grays(100, 0, 150, 240, 20), np.array([0, 0, 0, 0, 1]), 5, progress=lambda *each: steps.append(each)
    )
    assert {
        name: np.flatnonzero(each.moved).tolist()
        for name, each in found.items()
        if name in ("brighter", "darker", "blur")
    } == {
        "brighter": [0],
        "darker": [2],
        "blur": [],
    }
    assert all(each.asked.tolist() == each.found.tolist() == [True, False, True, True, True] for each in found.values())
    assert found["brighter"].right.tolist() == [True, False, True, True, True]
    assert found["blur"].drift.max() < 0.01
    assert found["brighter"].drift[0] == pytest.approx(137 / 255 - 100 / 255, abs=0.01)
    assert steps[-1] == (5 + 4 * len(CHANGES),) * 2
    assert [done for done, _ in steps] == list(range(1, len(steps) + 1))


def test_a_few_are_spread_over_all() -> None:
    found = changed(by_light, grays(*range(1, 101)), np.zeros(100, np.int64), 4)
    assert np.flatnonzero(found["blur"].asked).tolist() == [0, 33, 66, 99]


def test_a_face_that_is_lost_has_moved_and_another_one_is_no_stand_in() -> None:
    other = Face((0, 0, 10, 10), (), 0.9)

    def turns(photos: Iterable[Pixels]) -> Iterator[Prediction]:
        """Once the photo is changed, there is only a face in its corner."""
        for photo in photos:
            mine = Face((20, 20, 48, 48), (), 0.9) if (photo == 100).all() else other
            yield Prediction("<array>", 48, 48, (Reading(mine, Expression({"happy": 0.9, "sad": 0.1})),))

    found = changed(turns, grays(100), np.array([0]), 1)
    assert (found["darker"].found[0], found["darker"].moved[0], found["darker"].right[0]) == (False, True, False)
    assert found["darker"].drift[0] == 1
    assert (found["blur"].found[0], found["blur"].moved[0]) == (True, False)


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn faces in photos, and their table with the light of each."""
    folder, rng, lines = tmp_path_factory.mktemp("faces"), np.random.default_rng(0), ["path,label,hat,light"]
    for number in range(24):
        label = HAPPY_SAD.emotions[number % 2]
        Image.fromarray(in_surroundings(draw_face(label, rng), 200, 0.5)).save(folder / f"{number}.png")
        lines.append(f"{number}.png,{label},{'yes' if number % 3 else 'no'},{number}")
    (folder / "table.csv").write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="module")
def recognizer(toy: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> mien.Recognizer:
    return mien.load(toy(tmp_path_factory.mktemp("toys") / "two", {"happy-sad": ("happy", "sad")}), detector=Bounds())


def test_evaluate_changes_faces_and_makes_groups(recognizer: mien.Recognizer, faces: Path) -> None:
    report = mien.evaluate(recognizer, faces, by=["hat"], stress=6, crop="detect")
    assert {value: group.n for value, group in report.subgroups["hat"].items()} == {"no": 8, "yes": 16}
    assert {name: each.n for name, each in report.changed.items()} == dict.fromkeys(CHANGES, 6)
    assert report.subgroups["hat"]["yes"].measures["moved by blur"].n < 6
    plain = mien.evaluate(recognizer, faces, crop="detect")
    assert (list(plain.subgroups), plain.changed) == (["hat", "light"], {})


def test_a_column_that_is_not_there_is_told_before_anything_is_read(recognizer: mien.Recognizer, faces: Path) -> None:
    def read(done: int, total: int) -> None:
        raise AssertionError("something was read")

    with pytest.raises(DataError, match="no image tells its 'sex'; there are hat, light"):
        mien.evaluate(recognizer, faces, by=["sex"], progress=read)

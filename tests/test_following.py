"""Following: faces in every frame, with few looks, and none lost."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from filmed import Pixels
from PIL import Image
from walking import HAPPY, SIDE, Blocks, drawn

from mien.detect import BlazeFace
from mien.face import framing
from mien.following import Following, Seen
from mien.shots import viewed
from mien.video import Frame

Where = Callable[[int], Sequence[float]]


def frames(pixels: Sequence[Pixels], rate: float = 25.0) -> list[Frame]:
    return [Frame.of(number / rate, number, each) for number, each in enumerate(pixels)]


def walk(where: Where, count: int, rate: float = 25.0) -> list[Frame]:
    """Frames in which blocks stand at these places."""
    return frames([drawn([(x, HAPPY) for x in where(number)]) for number in range(count)], rate)


def followed(given: Sequence[Frame]) -> tuple[list[Seen], int]:
    detector = Blocks()
    return list(Following(detector)(viewed(given))), detector.looks


def lefts(seen: Seen) -> list[float]:
    return sorted(face.box_xyxy[0] for face in seen.faces)


def test_no_frames() -> None:
    assert followed([]) == ([], 0)


@pytest.mark.parametrize("count", [1, 2, 5, 6, 40])
def test_every_frame_comes_out_once_in_order(count: int) -> None:
    seen, _ = followed(walk(lambda number: [20 + number], count))
    assert [each.view.frame.number for each in seen] == list(range(count))
    assert not any(each.cut for each in seen)


@pytest.mark.parametrize(
    ("where", "most_looks"),
    [
        (lambda number: [], 16),
        (lambda number: [40.0], 16),
        (lambda number: [5 + number, 130 - 0.6 * number], 20),  # steady
        (lambda number: [60 + 30 * np.sin(number / 12)], 30),  # to and fro
        (lambda number: [60 + abs(number - 27)], 22),  # turns round at once
        (lambda number: [40.0, 100.0] if 17 <= number < 38 else [40.0], 22),  # one comes, and goes
        (lambda number: [20.0 if number < 33 else 120.0], 22),  # one goes, another is elsewhere
    ],
)
def test_nobody_is_lost_between_two_looks(where: Where, most_looks: int) -> None:
    seen, looks = followed(walk(where, 60))
    for number, each in enumerate(seen):
        assert lefts(each) == pytest.approx(sorted(where(number)), abs=0.13 * SIDE), number
    assert looks <= most_looks


def test_where_frames_are_few_each_is_looked_at() -> None:
    seen, looks = followed(walk(lambda number: [(37 * number) % 120], 12, rate=5.0))
    assert looks == 12
    assert [lefts(each) for each in seen] == [[(37 * number) % 120] for number in range(12)]


def test_the_faces_of_a_shot_end_with_it() -> None:
    shot = [drawn([(20, HAPPY)])] * 13 + [drawn([(90, HAPPY)], paper=120)] * 10
    seen, _ = followed(frames(shot))
    assert [number for number, each in enumerate(seen) if each.cut] == [13]
    assert [lefts(each) for each in seen] == [[20.0]] * 13 + [[90.0]] * 10


def test_it_goes_on_from_any_key_frame() -> None:
    given = walk(lambda number: [60 + 30 * np.sin(number / 6), 120.0][: 1 + (number > 20)], 50)
    whole, _ = followed(given)
    kept = [each for each in whole if each.state is not None]
    assert len(kept) > 5
    for each in kept[:-1]:
        at = each.view.frame.number
        state = json.loads(json.dumps(each.state))
        rest = list(Following(Blocks(), state)(viewed(given[at:])))
        assert [own.faces for own in rest] == [own.faces for own in whole[at + 1 :]]


def test_blazeface_finds_in_few_looks_what_it_finds_in_many(astronaut: bytes) -> None:
    photo = Image.open(io.BytesIO(astronaut))
    moved = [np.asarray(photo.crop((x, 0, x + 400, 300))) for x in range(0, 48, 3)]
    detector = BlazeFace()
    seen = list(Following(detector)(viewed(frames(moved))))
    for each, pixels in zip(seen, moved, strict=True):
        (there,), (here,) = detector.detect(pixels), each.faces
        away = np.subtract(framing(there).centre_xy, framing(here).centre_xy) / framing(there).side
        assert np.abs(away).max() < 0.06

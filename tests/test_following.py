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
from mien.face import Face, framing
from mien.following import Following, Seen
from mien.picture import Picture
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


@pytest.mark.parametrize(
    "paper",
    [
        lambda at: 0,
        lambda at: 200 * (at == 12),
        lambda at: 200 * (at in (12, 13)),
        lambda at: 200 * (at in (12, 24)),
        lambda at: 90 * (at > 12),
        lambda at: 200 if at == 12 else 90 * (at > 12),
    ],
    ids=["one shot", "a flash", "a longer one", "two", "a cut", "a cut by way of a flash"],
)
@pytest.mark.parametrize("later", [0, 1, 2, 3])
def test_it_goes_on_from_any_key_frame(paper: Callable[[int], int], later: int) -> None:
    blocks = [[(x, HAPPY) for x in [60 + 30 * np.sin(at / 6), 120.0][: 1 + (at > 20)]] for at in range(50)]
    given = frames([drawn(each, paper(at - later)) for at, each in enumerate(blocks)])
    whole, _ = followed(given)
    kept = [each for each in whole if each.state is not None]
    assert len(kept) > 5
    for each in kept[:-1]:
        at = each.view.frame.number
        state = json.loads(json.dumps(each.state))
        rest = list(Following(Blocks(), state)(viewed(given[at:])))
        assert [(own.faces, own.cut) for own in rest] == [(own.faces, own.cut) for own in whole[at + 1 :]]


def test_blazeface_finds_in_few_looks_what_it_finds_in_many(astronaut: bytes) -> None:
    photo = Image.open(io.BytesIO(astronaut))
    moved = [np.asarray(photo.crop((x, 0, x + 400, 300))) for x in range(0, 48, 3)]
    detector = BlazeFace()
    seen = list(Following(detector)(viewed(frames(moved))))
    for each, pixels in zip(seen, moved, strict=True):
        (there,), (here,) = detector.detect(pixels), each.faces
        away = np.subtract(framing(there).centre_xy, framing(here).centre_xy) / framing(there).side
        assert np.abs(away).max() < 0.06


class Counting(BlazeFace):
    """Counts searches of whole frames."""

    searches = 0

    def search(self, picture: Picture, known: Sequence[Face] = ()) -> list[Face]:
        self.searches += 1
        return super().search(picture, known)


def seen_live(given: Sequence[Image.Image], rate: float = 25.0) -> tuple[list[tuple[Face, ...]], Counting]:
    detector = Counting()
    following = Following(detector)
    return [following.newest(Picture.of(each), at / rate) for at, each in enumerate(given)], detector


@pytest.fixture(scope="module")
def photo(astronaut: bytes) -> Image.Image:
    return Image.open(io.BytesIO(astronaut)).convert("RGB")


def test_a_cameras_face_is_followed_without_a_search_in_each_frame(photo: Image.Image) -> None:
    moved = [photo.crop((2 * at, at, 2 * at + 400, at + 300)) for at in range(25)]
    seen, detector = seen_live(moved)
    searches = detector.searches
    assert seen[0] == tuple(detector.detect(np.asarray(moved[0])))  # as in a photo
    for faces, image in zip(seen, moved, strict=True):
        (there,), (here,) = detector.detect(np.asarray(image)), faces
        away = np.subtract(framing(there).centre_xy, framing(here).centre_xy) / framing(there).side
        assert np.abs(away).max() < 0.06
    assert searches == 5  # every .2 s


def test_who_comes_before_a_camera_is_seen_at_the_next_look(photo: Image.Image) -> None:
    here, nobody = photo.crop((0, 0, 400, 300)), Image.new("RGB", (400, 300), "gray")
    seen, _ = seen_live([nobody] * 6 + [here] * 5)
    assert [len(faces) for faces in seen[:6]] == [0] * 6
    assert [len(faces) for faces in seen[10:]] == [1]


def test_who_jumps_before_a_camera_is_looked_for_at_once(photo: Image.Image) -> None:
    here, there = photo.crop((0, 0, 400, 300)), photo.crop((150, 0, 512, 300))
    seen, detector = seen_live([here, here, there, there])
    assert detector.searches == 2
    (before,), (after,) = seen[1], seen[2]
    assert before.box_xyxy[0] - after.box_xyxy[0] == pytest.approx(150, abs=6)


def test_who_leaves_a_camera_is_gone_at_once(photo: Image.Image) -> None:
    here, nobody = photo.crop((0, 0, 400, 300)), Image.new("RGB", (400, 300), "gray")
    seen, detector = seen_live([here, here, nobody, nobody, nobody, here])
    assert [len(faces) for faces in seen] == [1, 1, 0, 0, 0, 1]
    assert detector.searches == 2  # at first, and when the face was missing; it came back where it had been


def test_upside_down_before_a_camera_is_as_upside_down_in_a_photo(photo: Image.Image) -> None:
    turned = photo.crop((0, 0, 400, 300)).rotate(180)
    seen, detector = seen_live([turned] * 4)
    (photographed,) = detector.detect(np.asarray(turned))
    for (face,) in seen:
        assert np.subtract(face.landmarks_xy, photographed.landmarks_xy) == pytest.approx(0, abs=8)


def test_of_a_camera_it_goes_on_from_any_frame(photo: Image.Image) -> None:
    moved = [Picture.of(photo.crop((3 * at, 0, 3 * at + 400, 300))) for at in range(8)]
    whole, state = Following(BlazeFace()), None
    for at, picture in enumerate(moved):
        part = Following(BlazeFace(), state)
        assert part.newest(picture, at / 10) == whole.newest(picture, at / 10)
        state = json.loads(json.dumps(part.state))


def test_a_crowd_that_has_left_a_camera_is_forgotten(photo: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = [Face((x, y, x + 20, y + 20), ((x + 10, y + 10),) * 6, 1.0) for x in range(0, 400, 40) for y in (0, 40, 80)]
    monkeypatch.setattr(BlazeFace, "search", lambda *_: crowd)
    monkeypatch.setattr(BlazeFace, "near", lambda *_: [])
    following = Following(BlazeFace())
    assert len(following.newest(Picture.of(photo), 0.0)) == 30
    monkeypatch.setattr(BlazeFace, "search", lambda *_: [])
    following.newest(Picture.of(photo), 0.1)
    assert len(following.state["known"]) == 16


class Blind(BlazeFace):
    """A detector of one's own that is made from ours."""

    def detect(self, image: Pixels) -> list[Face]:
        return []


def test_a_detector_made_from_ours_has_its_own_way(photo: Image.Image) -> None:
    following = Following(Blind())
    assert following.newest(Picture.of(photo), 0.0) == ()
    given = frames([np.asarray(photo)] * 3)
    assert [seen.faces for seen in Following(Blind())(viewed(given))] == [()] * 3


def test_another_detector_is_asked_for_each_frame_of_a_camera() -> None:
    detector = Blocks()
    following = Following(detector)
    for at in range(5):
        (face,) = following.newest(Picture.of(Image.fromarray(drawn([(30 + at, HAPPY)]))), at / 100)
        assert face.box_xyxy[0] == 30 + at
    assert detector.looks == 5

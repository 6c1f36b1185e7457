"""Tracks: a face keeps its number, and no other face gets it."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest

from mien.face import Face
from mien.image import Pixels
from mien.looks import Look, look_of, unit
from mien.tracks import People, Tracks

STEP_S = 0.04


def crop(kind: float) -> Pixels:
    """The crop of a face; the more two kinds differ, the less alike they are."""
    across, down = np.meshgrid(np.arange(48), np.arange(48))
    waves = np.sin(across / 5 + kind) + np.cos(down / 6 - kind) + np.sin((across + down) / 7 + 2 * kind)
    return np.asarray(120 + 35 * waves, np.uint8)


def look(kind: float) -> Look:
    return look_of(crop(kind))


A, B = look(0.0), look(1.2)
HALF_HIDDEN = look_of(np.hstack([np.full((48, 24), 90, np.uint8), crop(0.0)[:, 24:]]))


def face(x: float, y: float = 100.0, side: float = 50.0) -> Face:
    return Face((x - side / 2, y - side / 2, x + side / 2, y + side / 2), (), 0.9)


Frame = Sequence[tuple[Face, Look]]


def tracked(frames: Sequence[Frame], tracks: Tracks | None = None, step_s: float = STEP_S) -> list[tuple[int, ...]]:
    tracks = tracks or Tracks()
    return [
        tracks.update(number * step_s, [each for each, _ in frame], [own for _, own in frame])
        for number, frame in enumerate(frames)
    ]


def test_nothing() -> None:
    assert tracked([]) == []
    assert tracked([[], []]) == [(), ()]


def test_two_who_cross_keep_their_numbers() -> None:
    frames = [[(face(100 + 8 * at, 100), A), (face(500 - 8 * at, 130), B)][:: 1 if at % 2 else -1] for at in range(50)]
    numbers = tracked(frames)
    assert {each[:: 1 if at % 2 else -1] for at, each in enumerate(numbers)} == {numbers[1]}


def hidden(frames: int, after: Frame) -> list[Frame]:
    return [[(face(200 + 2 * at), A)] for at in range(10)] + [[] for _ in range(frames)] + [after]


@pytest.mark.parametrize(
    ("frames", "after", "same"),
    [
        (3, (face(225), A), True),  # a blink of the detector
        (24, (face(240), A), True),  # nearly a second
        (24, (face(225), HALF_HIDDEN), True),  # half hidden still, where it was
        (1, (face(222), look(0.3)), True),  # with another expression
        (0, (face(220), B), False),  # another, in the next frame
        (1, (face(222), B), False),  # another, where it was
        (24, (face(225), B), False),
        (40, (face(240), A), False),  # too long
        (24, (face(330), B), False),  # another, who comes in elsewhere
        (24, (face(240, side=200.0), A), False),  # another size
        (3, (face(420), A), False),  # too far for the time
    ],
)
def test_out_of_sight(frames: int, after: tuple[Face, Look], same: bool) -> None:
    numbers = tracked(hidden(frames, [after]))
    assert (numbers[-1] == numbers[0]) is same


def test_of_two_who_come_back_each_is_known_by_the_look() -> None:
    together = [[(face(200), A), (face(260), B)]] * 5
    apart = [[(face(205), B), (face(255), A)]]
    assert tracked([*together, *[[]] * 12, *apart])[-1] == (1, 0)


def test_a_cut_ends_all_tracks_and_no_number_comes_twice() -> None:
    tracks = Tracks()

    def shown(shot: int) -> list[tuple[int, ...]]:
        tracks.cut(shot)
        return [tracks.update(shot + at * STEP_S, [face(100), face(300)], [A, B]) for at in range(3)]

    seen = [each for shot in range(4) for each in shown(shot)]
    assert seen == [(2 * shot, 2 * shot + 1) for shot in range(4) for _ in range(3)]


def test_who_is_hidden_for_a_frame_by_another_keeps_the_number() -> None:
    told = tracked([[(face(200), A)]] * 9 + [[(face(200), B)]] + [[(face(200), A)]] * 3)
    assert [number for (number,) in told] == [0] * 9 + [1] + [0] * 3


@pytest.mark.parametrize(
    ("meanwhile", "back", "between"),
    [
        ([[(face(200), B)]] * 1, [(face(202), A)], {1: 0}),
        ([[(face(200), B)]] * 12, [(face(205), A)], {1: 0}),
        ([[(face(200), B)]] * 14, [(face(205), A)], {}),  # too long
        ([[(face(200), B)], [], [(face(200), look(2.5))]], [(face(202), A)], {1: 0, 2: 0}),
        ([[(face(200), B), (face(230), look(2.5))]] * 6, [(face(200), A)], {}),  # two at once
        ([[(face(260), B)]] * 6, [(face(205), A)], {}),  # elsewhere
        ([[(face(200 + 5 * at), B)] for at in range(6)], [(face(196), A), (face(230), B)], {}),  # there still
        ([[(face(200), B)]] * 6, [(face(200), look(2.5))], {}),  # a third one
    ],
)
def test_who_was_half_hidden_for_a_moment_had_the_number(
    meanwhile: list[Frame], back: Frame, between: dict[int, int]
) -> None:
    tracks = Tracks(between_s=0.5)
    tracked([[(face(200), A)]] * 9 + meanwhile + [back], tracks)
    assert tracks.between == between


def test_who_changes_bit_by_bit_keeps_the_number() -> None:
    assert set(tracked([[(face(200), look(at / 20))] for at in range(40)])) == {(0,)}


def test_frames_that_come_seldom_say_nothing_of_a_swap() -> None:
    assert set(tracked([[(face(200), A)], [(face(200), B)], [(face(200), A)]], step_s=2.0)) == {(0,)}


def test_a_cut_that_is_told_late_ends_what_was_before_it() -> None:
    tracks = Tracks()
    for at in range(4):
        tracks.update(at * STEP_S, [face(100), face(300)][: 1 + (at > 1)], [A, A][: 1 + (at > 1)])
    tracks.cut(2 * STEP_S)
    assert tracks.update(4 * STEP_S, [face(100), face(300)], [A, A]) == (2, 1)


def test_few_frames_a_second() -> None:
    frames = [[(face(100 + 30 * at), A), (face(400 - 30 * at, 250), B)] for at in range(6)]
    assert set(tracked(frames, step_s=1.0)) == {(0, 1)}
    assert set(tracked(frames, step_s=10.0)) == {(0, 1)}


def test_what_has_no_look() -> None:
    flat = look_of(np.full((48, 48), 90, np.uint8))
    assert not flat.gray.any()
    assert set(tracked([[(face(100), flat)]] * 3)) == {(0,)}


BLACK, WHITE = look_of(np.zeros((48, 48), np.uint8)), look_of(np.clip(crop(0.0) * 2.0, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("hides", [BLACK, WHITE])
@pytest.mark.parametrize("frames", [1, 12])
def test_what_tells_nothing_lets_nobody_else_go_on(hides: Look, frames: int) -> None:
    def through(after: Look) -> list[tuple[int, ...]]:
        return tracked([[(face(200), A)]] * 9 + [[(face(200), hides)]] * frames + [[(face(200), after)]] * 9)

    assert set(through(A)) == {(0,)}
    assert through(B) == [(0,)] * (9 + frames) + [(1,)] * 9


def test_who_begins_in_the_dark_is_known_in_the_light() -> None:
    told = tracked([[(face(200), BLACK)]] * 3 + [[(face(200), A)]] * 3 + [[(face(200), B)]] * 3)
    assert told == [(0,)] * 6 + [(1,)] * 3


def test_it_goes_on_from_its_state() -> None:
    frames = hidden(5, [(face(230), A), (face(400), B)])
    whole = tracked(frames)
    tracks = Tracks()
    begun = tracked(frames[:8], tracks)
    again = Tracks(json.loads(json.dumps(tracks.state)))
    times = range(8, len(frames))
    rest = [again.update(at * STEP_S, [f for f, _ in frames[at]], [own for _, own in frames[at]]) for at in times]
    assert begun + rest == whole


def test_people_are_the_same_from_any_state() -> None:
    """Each look counts as it is, however often the sums are put aside."""
    rng = np.random.default_rng(0)
    whole, again = People(), People()
    for at in range(60):
        own = Look(unit(A.gray + rng.normal(size=144) * 0.04), A.small)
        whole.add(at, at // 2, own)
        again = People(json.loads(json.dumps(again.state)))
        again.add(at, at // 2, own)
    assert again.state == whole.state
    assert again.joined() == whole.joined()


def people(*seen: tuple[int, float, float, Look]) -> People:
    album = People()
    for track, start_s, end_s, own in seen:
        album.add(start_s, track, own)
        album.add(end_s, track, own)
    return album


@pytest.mark.parametrize(
    ("seen", "joined"),
    [
        ([], {}),
        ([(0, 0, 1, A)], {0: 0}),
        ([(0, 0, 1, A), (1, 2, 3, B), (2, 4, 5, A)], {0: 0, 1: 1, 2: 0}),
        ([(0, 0, 1, A), (1, 0.5, 3, A)], {0: 0, 1: 1}),  # both at once
        ([(0, 0, 1, A), (1, 0.5, 3, A), (2, 4, 5, look(0.05))], {0: 0, 1: 1, 2: 0}),
        ([(3, 0, 1, A), (5, 2, 3, A), (7, 4, 5, A)], {3: 3, 5: 3, 7: 3}),
    ],
)
def test_people(seen: list[tuple[int, float, float, Look]], joined: dict[int, int]) -> None:
    album = people(*seen)
    assert album.joined() == joined
    assert People(json.loads(json.dumps(album.state))).joined() == joined

"""Shots: a cut is told, and neither a flash nor black nor what moves or fades."""

from __future__ import annotations

import numpy as np
import pytest
from walking import HAPPY, drawn

from mien.image import Pixels
from mien.shots import Cuts, shots, viewed
from mien.video import Frame


@pytest.mark.parametrize(
    ("papers", "cuts"),
    [
        ([], []),
        ([0], []),
        ([0, 0, 0], []),
        ([0, 0, 200, 0, 0], []),  # a flash
        ([0, 0, 200, 250, 0, 0], []),
        ([60, 60, 200, 200, 200, 60, 60], [2, 5]),  # too long for one
        ([200, 200] + [0] * 12 + [200, 200], []),  # black is no shot
        ([200, 200] + [8] * 12 + [90, 90], [14]),  # but there may be another one after it
        ([*range(200, -1, -10), 0, 0, 0, 40], []),  # faded out and in
        ([0, 0, 200, 200], [2]),
        ([0, 0, 200, 150, 150, 150], [2, 3]),
        ([0, 0, 200, 0, 90, 90], [4]),
        ([0, 0, 200], [2]),
        ([0, 0, 200, 200, 90, 90], [2, 4]),
        ([0, 10, 20, 30, 40, 50, 60, 70], []),  # a fade
    ],
)
def test_cuts(papers: list[int], cuts: list[int]) -> None:
    given = [Frame.of(at / 25, at, drawn([], paper)) for at, paper in enumerate(papers)]
    told = [shown.cut for shown in shots(viewed(given))]
    assert len(told) == len(papers)
    assert [number for number, cut in enumerate(told) if cut] == cuts


@pytest.mark.parametrize(
    ("papers", "flashes"),
    [
        ([60, 60, 200, 200], []),
        ([60, 60, 200, 60, 60], [2]),
        ([60, 60, 200, 250, 60, 60], [2, 3]),
        ([60, 60, 200, 200, 200, 60, 60], []),
        ([60, 60, 200, 90, 90], [2]),  # and a cut
        ([200, 200, 0, 8, 0, 200], [2, 3, 4]),  # black
    ],
)
def test_flashes(papers: list[int], flashes: list[int]) -> None:
    given = [Frame.of(at / 25, at, drawn([], paper)) for at, paper in enumerate(papers)]
    assert [shown.view.frame.number for shown in shots(viewed(given)) if shown.flash] == flashes


@pytest.mark.parametrize(("rate", "most"), [(2, 1), (10, 1), (25, 2), (60, 5), (120, 11)])
def test_a_flash_is_as_long_at_any_rate(rate: int, most: int) -> None:
    for length, cuts in ((most, 0), (most + 1, 2)):
        for start in range(1, 9):
            papers = [60] * start + [200] * length + [60] * 2
            given = [Frame.of(at / rate, at, drawn([], paper)) for at, paper in enumerate(papers)]
            assert sum(shown.cut for shown in shots(viewed(given))) == cuts


@pytest.mark.parametrize(
    ("papers", "rate", "cuts"),
    [
        ([], 25, []),
        ([60, 60, 60], 25, []),
        ([60, 60] + [200] * 6, 25, [(5, 2)]),
        ([60, 60, 200, 200, 60, 60, 60, 60], 25, []),  # a flash
        ([60, 60, 200, 250, 60, 60, 60, 60], 25, []),
        ([60, 60] + [200] * 5 + [60] * 5, 25, [(5, 2), (10, 7)]),
        ([60, 60, 200] + [90] * 5, 25, [(6, 3)]),  # by way of a flash
        ([60, 70, 80, 90, 100, 110], 25, []),  # a fade
        ([60, 60] + [200] * 4, 5, [(3, 2)]),  # with the next frame, where these come seldom
        ([60, 60, 200, 60, 60], 5, []),
        ([60] * 5 + [200] * 14, 100, [(15, 5)]),
        ([200] * 2 + [0] * 12 + [200] * 6, 25, []),  # black is no shot
        ([200] * 2 + [0] * 12 + [90] * 6, 25, [(17, 14)]),
        ([200] * 2 + [90] + [0] * 12 + [90] + [200] * 5, 25, []),  # between two flashes
    ],
)
def test_cuts_of_what_cannot_wait(papers: list[int], rate: int, cuts: list[tuple[int, int]]) -> None:
    tell = Cuts()
    views = viewed(Frame.of(at / rate, at, drawn([], paper)) for at, paper in enumerate(papers))
    told = [(number, began_s) for number, view in enumerate(views) if (began_s := tell(view)) is not None]
    assert told == [(number, began / rate) for number, began in cuts]


def test_what_moves_is_no_cut() -> None:
    given = [Frame.of(at / 25, at, drawn([(30 * (at % 4), HAPPY), (120, HAPPY)])) for at in range(20)]
    assert not any(shown.cut for shown in shots(viewed(given)))
    assert [each for each in map(Cuts(), viewed(given)) if each is not None] == []


def room(light: float, shown: int = 0) -> Pixels:
    """A wall with a picture on it, another one by number, in so much light, 0..1."""
    wall = drawn([], 220).copy()
    high, wide = wall.shape[:2]
    wall[high // 4 : high * 3 // 4, wide * shown // 4 : wide * (shown + 1) // 4] = (90, 30, 120)
    return (wall * light).astype(np.uint8)


@pytest.mark.parametrize(
    ("rooms", "cuts"),
    [
        ([(1.0, 0)] * 4 + [(0.4, 0)] * 8, 0),  # a light goes off
        ([(0.4, 0)] * 4 + [(1.0, 0)] * 8, 0),
        ([(light / 8, 0) for light in range(8, 1, -1)], 0),  # a fade in few frames
        ([(1.0, 0)] * 4 + [(0.4, 2)] * 8, 1),  # another picture
    ],
)
def test_more_light_is_no_cut(rooms: list[tuple[float, int]], cuts: int) -> None:
    given = [Frame.of(at / 25, at, room(*each)) for at, each in enumerate(rooms)]
    assert sum(each.cut for each in shots(viewed(given))) == cuts
    assert sum(each is not None for each in map(Cuts(), viewed(given))) == cuts

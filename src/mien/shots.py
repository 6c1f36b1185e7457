"""Shots: where in a video another one begins. A cut changes pixels and colours at once, and for longer than a flash.

A light that goes on or off is none, and black is no shot: what comes after it is compared with what was before. Of
fades and dissolves none is told. What is read live cannot wait: there a cut is told of once it can be no flash.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.picture import FACTORS, Picture
from mien.video import Frame

GRID = (36, 64)  # pixels of a frame by which a cut is told
CUT, CHANGED = 22.0, 0.18  # their mean difference in levels, and the share that changes its colour, of two shots
SAME_PICTURE = 0.95  # correlation of their pixels, from which one is the other in more light, or in less
FLASH = 0.6  # of that difference, below which the frame after is of the shot before: a flash, and no cut
BLACK, LEFT = 32, 0.005  # of black at most this share of values is above that level: grain, a sender's mark
FLASH_S = 0.095  # that a flash takes at most, where it takes more than a frame; at usual rates no frame is so far off


Thumb = NDArray[np.int16]


class View(NamedTuple):
    """A frame, as a picture that is made no finer than needed, and some of its pixels (36, 64, 3)."""

    frame: Frame
    picture: Picture
    thumb: Thumb

    @property
    def time_s(self) -> float:
        return self.frame.time_s


def viewed(frames: Iterable[Frame]) -> Iterator[View]:
    """Frames as they are looked at."""
    for frame in frames:
        picture = frame.picture
        yield View(frame, picture, _thumb(picture.copy(max(FACTORS))[0]))


class Shown(NamedTuple):
    """A frame, whether another shot begins with it, and whether it is of a flash, or black: the shot goes on behind."""

    view: View
    cut: bool = False
    flash: bool = False


def shots(views: Iterable[View]) -> Iterator[Shown]:
    """Frames, each with its part in their shots. What comes of those after one that is no flash hangs on it alone."""
    before: View | None = None
    held: deque[View] = deque()  # from one on that differs from the frame before: a cut, or a flash
    for view in chain(views, [None]):
        if view is not None:
            held.append(view)
        while held:
            first = held[0]
            if before is not None and _black(first.thumb):
                yield Shown(held.popleft(), flash=True)
                continue
            if before is None or not _other_shot(before.thumb, first.thumb):
                before = held.popleft()
                yield Shown(before)
                continue
            if length := _flash(before, held):
                for _ in range(length):
                    yield Shown(held.popleft(), flash=True)
            elif view is not None and (len(held) == 1 or view.time_s - first.time_s < FLASH_S):
                break
            else:
                before = held.popleft()
                yield Shown(before, cut=True)


class Cuts:
    """Tells of frames that cannot be waited for, each as it comes, where another shot has begun."""

    def __init__(self) -> None:
        self._before: Thumb | None = None  # of the shot's last frame
        self._odd: tuple[float, Thumb] | None = None  # the first frame, and when, of a cut, or of a flash

    def __call__(self, view: View) -> float | None:
        """When another shot began, where this frame tells that one did: it comes a tenth of a second later, or more."""
        now, before, odd = view.thumb, self._before, self._odd
        if before is not None and _black(now):
            self._odd = None
            return None
        if before is None or not _other_shot(before, now):
            self._before, self._odd = now, None
        elif odd is None or _differ(before, now) < FLASH * _differ(before, odd[1]):
            self._odd = view.time_s, now
        elif view.time_s - odd[0] >= FLASH_S:
            self._before, self._odd = now, None
            return odd[0]
        return None


def _thumb(image: Image.Image) -> Thumb:
    """Some of a frame's pixels, spread evenly, (36, 64, 3)."""
    return np.asarray(image.resize(GRID[::-1], Image.Resampling.NEAREST), np.int16)


def _differ(a: Thumb, b: Thumb) -> float:
    return float(np.abs(a - b).mean())


def _flash(before: View, held: Sequence[View]) -> int:
    """How many of the frames after another are a flash, behind which its shot goes on; 0 if none is known to be."""
    first, *later = held
    if later and _differ(before.thumb, later[0].thumb) < FLASH * _differ(before.thumb, first.thumb):
        return 1
    ends = (at for at, each in enumerate(later[1:], 2) if each.time_s - first.time_s < FLASH_S)
    return next((at for at in ends if not _other_shot(before.thumb, held[at].thumb)), 0)


def _other_shot(a: Thumb, b: Thumb) -> bool:
    """Whether frames differ in their places and in their colours as well: what moves has the colours it had, and where
    a light goes on, or a picture fades, all keeps its place."""
    if _differ(a, b) < CUT or _correlation(a, b) > SAME_PICTURE:
        return False
    counts = [np.bincount((each // 64 @ (16, 4, 1)).ravel(), minlength=64) / math.prod(GRID) for each in (a, b)]
    return float(np.abs(counts[0] - counts[1]).sum() / 2) > CHANGED


def _black(thumb: Thumb) -> bool:
    """Whether a frame shows nothing."""
    return float((thumb > BLACK).mean()) <= LEFT


def _correlation(a: Thumb, b: Thumb) -> float:
    """Of the levels of two frames, -1..1; 0 where one of them has but one level."""
    one, other = (each.ravel() - each.mean() for each in (a, b))
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / length if length > 0 else 0.0

"""Tracks: which faces in the frames of a video are one person's, by a number that no other face gets.

A face goes on a track where that one is expected, by its place, its speed, and its look; a track that was lost is taken
up again for a second, by its look. A cut between two shots ends all tracks. Times are seconds, places px of the frame.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from mien.errors import MienError
from mien.face import Face
from mien.looks import Floats, Look, likeness, tells_nothing, unit

LOST_S = 1.0  # for which a face that is out of sight keeps its number
COAST_S = 0.5  # for which it is expected to move on as it did
REACH, REACH_S = 0.6, 2.0  # sides of a face from where it is expected, at once, and more for each second out of sight
GROWTH, GROWTH_S = 0.4, 0.8  # by how much its side may change, as a natural logarithm, likewise
LOOK = 1.5  # what a wholly other look weighs, in reaches
SAME_LOOK, AWAY = 0.6, 0.8  # likeness that a lost face needs so many sides away; nearer, less: it may be half hidden
ONE_PERSON = 0.9  # likeness from which two tracks may be one person's (docs/video.md)
SPEED_S, LOOK_S = 0.15, 0.5  # after which a track's speed and look are half what was seen since
GOES_ON, COMES_BACK = 0.85, 0.95  # likeness of looks below which such a face is looked at more closely
SAME_FACE = 0.86  # `likeness` to one of a track's crops, below which another person stands where it was
SAME_FACE_S = 0.08  # less than that for each second out of sight, in which a head turns
CROPS, APART_S = 4, 0.2  # crops of a track that are kept, and from one to the next
IMPOSSIBLE = 1e6


@dataclass(frozen=True)
class Track:
    """What is known of a face when it was last seen.

    Args:
        number: from 0, in the order in which faces appear.
        since_s: when it was first seen.
        time_s: when it was last seen.
        square: x and y of the box's centre, and its side, px.
        speed: x and y, px a second.
        look: see `Look.gray`, the mean of what was seen, of length 1.
        crops: see `Look.small`, with their times, the last seen first; none that tells nothing, as in a black frame.
    """

    number: int
    since_s: float
    time_s: float
    square: tuple[float, float, float]
    speed: tuple[float, float]
    look: tuple[float, ...]
    crops: tuple[tuple[float, bytes], ...]


class Tracks:
    """Gives faces their tracks, frame by frame.

    Args:
        state: of one that is to be gone on with, from `state`.
        between_s: how long numbers are waited for, in which some may turn out to be another's.

    Attributes:
        between: tracks no older than that which the last frame shows to be another's, whose it is, by number: whoever
            stood there, half hidden, is whole again.

    Raises:
        MienError: SciPy is missing.
    """

    def __init__(self, state: Mapping[str, Any] | None = None, between_s: float = 0.0) -> None:
        self.between: dict[int, int] = {}
        self._between_s = between_s
        try:
            from scipy.optimize import linear_sum_assignment
        except ModuleNotFoundError:
            raise MienError("tracks need SciPy: pip install 'mien[video]'") from None
        self._assigned = linear_sum_assignment
        state = state or {"next": 0, "time_s": None, "tracks": []}
        self._next: int = state["next"]
        self._time_s: float | None = state["time_s"]
        self._tracks = [
            Track(
                each["number"],
                each["since_s"],
                each["time_s"],
                (*each["square"],),
                (*each["speed"],),
                (*each["look"],),
                tuple((time_s, bytes.fromhex(crop)) for time_s, crop in each["crops"]),
            )
            for each in state["tracks"]
        ]

    @property
    def state(self) -> dict[str, Any]:
        """All that `Tracks` goes on from, as JSON takes it."""
        tracks = [
            {**vars(each), "crops": [(time_s, crop.hex()) for time_s, crop in each.crops]} for each in self._tracks
        ]
        return {"next": self._next, "time_s": self._time_s, "tracks": tracks}

    def cut(self, time_s: float) -> None:
        """A new shot began at this time: no track goes on that is older."""
        self._tracks = [track for track in self._tracks if track.since_s >= time_s]

    def update(self, time_s: float, faces: Sequence[Face], looks: Sequence[Look]) -> tuple[int, ...]:
        """The track of each face of the next frame.

        Args:
            time_s: of the frame; not before the last one's.
            faces: in it.
            looks: of each (see `look_of`).
        """
        since = 0.0 if self._time_s is None else time_s - self._time_s
        known = [track for track in self._tracks if time_s - track.time_s <= LOST_S + since]
        squares = [_square(face) for face in faces]
        going_on = self._matched(known, time_s, squares, looks) if known and squares else {}
        now = []
        for at, (square, look) in enumerate(zip(squares, looks, strict=True)):
            before = going_on.get(at)
            if before is None:
                crops = _crops((), time_s, look)
                track = Track(self._next, time_s, time_s, square, (0.0, 0.0), tuple(look.gray.tolist()), crops)
                self._next += 1
            else:
                track = _seen(before, time_s, square, look)
            now.append(track)
        kept = {track.number for track in now}
        gone = [track for track in known if track.number not in kept]
        self.between = {
            other.number: before.number
            for at, before in going_on.items()
            for other in _meanwhile(before, now[at], gone, time_s - self._between_s)
        }
        self._tracks = now + [track for track in gone if track.number not in self.between]
        self._time_s = time_s
        return tuple(track.number for track in now)

    def _matched(
        self,
        known: Sequence[Track],
        time_s: float,
        squares: Sequence[tuple[float, float, float]],
        looks: Sequence[Look],
    ) -> dict[int, Track]:
        """The track of each face that has one, by its place among the faces."""
        costs = _costs(known, time_s, np.array(squares), looks, self._time_s or 0.0)
        rows, columns = self._assigned(costs)
        pairs = zip(rows.tolist(), columns.tolist(), strict=True)
        return {column: known[row] for row, column in pairs if costs[row, column] < IMPOSSIBLE}


class People:
    """Which tracks of a video may be one person's, by their looks: a suggestion, and never who it is.

    The most alike are joined first, and those that are seen at one time never.

    Args:
        state: of one that is to be gone on with, from `state`.
    """

    def __init__(self, state: Mapping[str, Any] | None = None) -> None:
        kept = (state or {}).items()
        self._sums = {int(track): np.frombuffer(bytes.fromhex(each["sum"]), np.float32) for track, each in kept}
        self._spans: dict[int, tuple[float, float]] = {int(track): (*each["span"],) for track, each in kept}

    @property
    def state(self) -> dict[str, Any]:
        """All that `People` goes on from, as JSON takes it."""
        return {
            str(track): {"sum": total.tobytes().hex(), "span": self._spans[track]}
            for track, total in self._sums.items()
        }

    def add(self, time_s: float, track: int, look: Look) -> None:
        """What a track looked like at a time."""
        self._sums[track] = self._sums.get(track, np.float32(0.0)) + look.gray.astype(np.float32)
        self._spans[track] = self._spans.get(track, (time_s,))[0], time_s

    def joined(self) -> dict[int, int]:
        """For each track the lowest number of those that may be the same person's."""
        numbers = sorted(self._sums)
        if not numbers:
            return {}
        looks = np.array([unit(self._sums[number].astype(np.float64)) for number in numbers])
        begun, ended = np.array([self._spans[number] for number in numbers]).T
        apart = ended[:, None] < begun
        apart |= apart.T
        groups = {at: [at] for at in range(len(numbers))}
        means, alike = looks.copy(), np.where(apart, looks @ looks.T, -1.0)
        while alike.flat[most := int(alike.argmax())] > ONE_PERSON:
            first, second = divmod(most, len(numbers))
            groups[first] += groups.pop(second)
            means[first] = unit(looks[groups[first]].sum(0))
            apart[first] &= apart[second]
            apart[second] = False
            for each in (first, second):
                apart[:, each] = apart[each]
                alike[each] = alike[:, each] = np.where(apart[each], means @ means[each], -1.0)
        return {numbers[at]: numbers[first] for first, group in groups.items() for at in group}


def _costs(known: Sequence[Track], time_s: float, squares: Floats, looks: Sequence[Look], last_s: float) -> Floats:
    """What it costs to take each face (n) for each track (tracks, n); `IMPOSSIBLE` where it can be none."""
    unseen = np.array([time_s - track.time_s for track in known])[:, None]
    lost = np.array([track.time_s < last_s for track in known])[:, None]
    before = np.array([track.square for track in known])
    speeds = np.array([track.speed for track in known])
    expected = before[:, :2] + speeds * np.minimum(unseen, COAST_S)
    sides = np.sqrt(before[:, 2:] * squares[None, :, 2])
    away = np.linalg.norm(expected[:, None] - squares[None, :, :2], axis=2) / sides
    growth = np.abs(np.log(squares[None, :, 2] / before[:, 2:]))
    alike = np.array([track.look for track in known]) @ np.array([look.gray for look in looks]).T
    reach = REACH + REACH_S * unseen
    costs = away / reach + LOOK * (1 - alike)
    other = lost & (alike < SAME_LOOK * np.minimum(away / AWAY, 1))
    impossible = (away > reach) | (growth > GROWTH + GROWTH_S * unseen) | other | ~np.isfinite(costs)
    doubtful = (alike < np.where(lost, COMES_BACK, GOES_ON)) & (unseen <= LOST_S + 1e-6) & ~impossible
    for track, face in np.argwhere(doubtful).tolist():
        impossible[track, face] = not _may_be(known[track], time_s, looks[face])
    return np.where(impossible, IMPOSSIBLE, costs)


def _may_be(track: Track, time_s: float, look: Look) -> bool:
    """Whether a face that is now where a track was may be the same person's."""
    least = SAME_FACE - SAME_FACE_S * (time_s - track.time_s)
    return not track.crops or any(likeness(crop, look.small) >= least for _, crop in track.crops)


def _meanwhile(before: Track, now: Track, gone: Sequence[Track], since_s: float) -> list[Track]:
    """Tracks that were last seen where one is back, and began after it was lost; none where two were there at once."""
    near = AWAY * now.square[2]
    found = [
        other
        for other in gone
        if before.time_s < other.since_s >= since_s and math.dist(other.square[:2], now.square[:2]) < near
    ]
    apart = all(a.time_s < b.since_s or b.time_s < a.since_s for a, b in combinations(found, 2))
    return found if apart else []


def _seen(track: Track, time_s: float, square: tuple[float, float, float], look: Look) -> Track:
    """A track that goes on."""
    since = time_s - track.time_s
    speed = track.speed
    if since > 0:
        new = ((now - then) / since for now, then in zip(square[:2], track.square[:2], strict=True))
        kept = 0.5 ** (since / SPEED_S)
        x, y = (kept * old + (1 - kept) * each for old, each in zip(track.speed, new, strict=True))
        speed = (x, y)
    kept = 0.5 ** (since / LOOK_S)
    mixed = unit(kept * np.array(track.look) + (1 - kept) * look.gray)
    crops = _crops(track.crops, time_s, look)
    return replace(track, time_s=time_s, square=square, speed=speed, look=tuple(mixed.tolist()), crops=crops)


def _crops(before: tuple[tuple[float, bytes], ...], time_s: float, look: Look) -> tuple[tuple[float, bytes], ...]:
    """A track's crops with the next one."""
    if tells_nothing(look.small):
        return before
    apart = len(before) < 2 or before[0][0] - before[1][0] >= APART_S
    return ((time_s, look.small), *(before if apart else before[1:]))[:CROPS]


def _square(face: Face) -> tuple[float, float, float]:
    x0, y0, x1, y1 = face.box_xyxy
    return *face.centre_xy, float(np.sqrt((x1 - x0) * (y1 - y0)))

"""Following: the faces in every frame of a video, with as few looks as lose none (docs/video.md has the figures).

Faces are looked for in some frames, six a second or more, the key frames: with one look at the whole frame, made
small, for faces that come in, and one close look at each face where it is expected; and once a second, and after each
cut, as in photos. Where all faces moved on from one key frame to the next as steadily as before, they lie between;
elsewhere the frame in the middle is looked at too, and so on. Of a video that has fewer frames, all are key frames.

Of a camera the newest frame is read at once, and none lies between. So each gets the close looks, and the whole is
looked at as often as in a video, or where a face is missing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from mien.detect import BlazeFace, Detector, blaze_of
from mien.face import Face, overlap
from mien.picture import Picture
from mien.shots import Shown, View, shots

KEY_S = 0.17  # between two key frames at most
MOST = 8  # frames from one key frame to the next
WHOLE_S = 1.0  # between two searches as in photos
QUICK_PX = 511  # longer side at most of the copy that is looked at in between; the detector does not take it apart
LOST_S = 1.0  # for which a face is looked for where it was
STEADY = 0.12  # sides of a face, by which it may be away from where it was expected
SAME = 0.3  # intersection over union above which two boxes are one face
MOVED = 1.0  # sides, by which a face moves at most from one key frame to the next
GROWN = 1.5  # times, by which it grows at most
CROWD = 16  # faces before a camera, beyond which those that are out of sight are forgotten


class Seen(NamedTuple):
    """A frame, the faces in it, the largest first, whether a new shot begins with it, and, of key frames that are no
    flash, what `Following` can be gone on with after it."""

    view: View
    faces: tuple[Face, ...]
    cut: bool
    state: dict[str, Any] | None = None


@dataclass(frozen=True)
class Known:
    """A face as it was last found: when, and how fast its box's centre moves, px a second."""

    face: Face
    time_s: float
    speed: tuple[float, float] = (0.0, 0.0)

    def at(self, time_s: float) -> Face:
        """Where it is expected."""
        since = time_s - self.time_s
        return _moved(self.face, self.speed[0] * since, self.speed[1] * since)


class Following:
    """Finds the faces in the frames of a video, or of a camera.

    Args:
        detector: finds them.
        state: to go on from: of a camera, from `state`; of a video, from the `Seen` of a key frame, which comes first.
    """

    def __init__(self, detector: Detector, state: Mapping[str, Any] | None = None) -> None:
        self._detector, self._blaze = detector, blaze_of(detector)
        self._known = [_known(each) for each in state["known"]] if state else []
        self._whole_s: float = state["whole_s"] if state else -math.inf
        self._looked_s: float = state["looked_s"] if state else -math.inf
        self._begun = state is not None

    def __call__(self, views: Iterable[View]) -> Iterator[Seen]:
        """The frames with their faces, in order."""
        key: View | None = None
        faces, held = list[Face](), list[Shown]()
        for shown in shots(views):
            view, cut, _ = shown
            if key is None and self._begun:
                key, faces = view, self._seen_at(view)
                continue
            if key is None or cut:
                if key is not None and held:
                    yield from self._until(key, faces, held)
                self._known, held = [], []
                key, faces = view, self._found(view.picture, view.time_s, [], whole=True)
                self._learn(faces, view.time_s)
                yield Seen(view, _largest_first(faces), cut, self.state)
                continue
            held.append(shown)
            if len(held) == MOST or view.time_s - key.time_s + _gap(key, held) > KEY_S:
                yield from self._until(key, faces, held)
                key, faces, held = view, self._seen_at(view), []
        if key is not None and held:
            yield from self._until(key, faces, held)

    def newest(self, picture: Picture, time_s: float) -> tuple[Face, ...]:
        """The faces of a camera's newest frame, the largest first.

        Args:
            picture: the frame.
            time_s: when it was taken; not before the one before.

        Raises:
            ImageError: as `Picture.copy`.
        """
        if self._blaze is None:
            return _largest_first(self._detector.detect(picture.pixels))
        found = self._near(picture, [known.at(time_s) for known in self._known])
        missing = len(found) < sum(known.time_s >= self._looked_s for known in self._known)
        if missing or time_s - self._looked_s >= KEY_S:
            whole = time_s - self._whole_s >= WHOLE_S
            others = self._others(picture, time_s, found, whole=whole)
            found += others if whole else [self._closely(picture, face) for face in others]
        self._learn(found, time_s)
        self._known = self._known[: max(len(found), CROWD)]
        return _largest_first(found)

    @property
    def state(self) -> dict[str, Any]:
        """What another goes on from, as JSON takes it."""
        known = [(*_numbers(each.face), each.time_s, *each.speed) for each in self._known]
        return {"known": known, "whole_s": self._whole_s, "looked_s": self._looked_s}

    def _until(self, key: View, before: list[Face], held: list[Shown]) -> list[Seen]:
        """The frames after a key frame, of which the last becomes the next one."""
        last, _, flash = held[-1]
        expected = [known.at(last.time_s) for known in self._known]
        now = self._found(last.picture, last.time_s, expected, whole=last.time_s - self._whole_s >= WHOLE_S)
        steady = _steady([known.at(last.time_s) for known in self._known if known.time_s == key.time_s], now)
        views = [key, *(shown.view for shown in held)]
        found: list[list[Face]] = [before, *([] for _ in held[:-1]), now]
        self._fill(views, found, 0, len(held), steady)
        self._learn(now, last.time_s)
        seen = [Seen(view, _largest_first(faces), False) for view, faces in zip(views[1:], found[1:], strict=True)]
        return [*seen[:-1], seen[-1]._replace(state=None if flash else self.state)]

    def _fill(self, views: list[View], found: list[list[Face]], low: int, high: int, steady: bool) -> None:
        """The faces of the frames between two whose faces are known."""
        if high - low < 2:
            return
        pairs = _pairs(found[low], found[high])
        whole = len(pairs) == len(found[low]) == len(found[high])
        times = [view.time_s for view in views]

        def between(at: int) -> list[Face]:
            share = (times[at] - times[low]) / max(times[high] - times[low], 1e-9)
            return [_between(found[low][a], found[high][b], share) for a, b in pairs]

        if whole and steady:
            for at in range(low + 1, high):
                found[at] = between(at)
            return
        middle = (low + high) // 2
        alone = [face for at, face in enumerate(found[low]) if at not in {a for a, _ in pairs}]
        alone += [face for at, face in enumerate(found[high]) if at not in {b for _, b in pairs}]
        expected = between(middle)
        view = views[middle]
        found[middle] = self._found(view.picture, view.time_s, expected + alone, whole=False)
        steady = whole and _steady(expected, found[middle])
        self._fill(views, found, low, middle, steady)
        self._fill(views, found, middle, high, steady)

    def _found(self, picture: Picture, time_s: float, expected: Sequence[Face], *, whole: bool) -> list[Face]:
        """The faces in a frame.

        Args:
            expected: where they may be.
            whole: whether all of it is searched as finely as photos are.
        """
        found = self._near(picture, expected)
        others = self._others(picture, time_s, found, whole=whole)
        return found + [self._closely(picture, face) for face in others]

    def _near(self, picture: Picture, expected: Sequence[Face]) -> list[Face]:
        """The faces where they are expected."""
        if self._blaze is None:
            return []
        inside = [face for face in expected if _inside(face, picture.size)]
        return [face for face in self._blaze.near(picture, inside) if _inside(face, picture.size)]

    def _others(self, picture: Picture, time_s: float, found: Sequence[Face], *, whole: bool) -> list[Face]:
        """The faces beside those that were found where they were expected; `whole` as for `_found`."""
        self._looked_s = time_s
        self._whole_s = time_s if whole else self._whole_s
        if self._blaze is None:
            return self._detector.detect(picture.pixels)
        others = self._blaze.search(picture, found) if whole else _quick(self._blaze, picture, found)
        fresh = (face for face in others if not any(_same(face, each) for each in found))
        return [face for face in fresh if _inside(face, picture.size)]

    def _closely(self, picture: Picture, face: Face) -> Face:
        """A face as a close look shows it, or as it is."""
        if self._blaze is None:
            return face
        return next((each for each in self._blaze.near(picture, [face]) if _same(face, each)), face)

    def _seen_at(self, key: View) -> list[Face]:
        return [known.face for known in self._known if known.time_s == key.time_s]

    def _learn(self, now: Sequence[Face], time_s: float) -> None:
        """Take down where faces were found, and how fast they are."""
        pairs = {b: self._known[a] for a, b in _pairs([known.at(time_s) for known in self._known], now)}
        lost = [known for known in self._known if known not in pairs.values() and time_s - known.time_s < LOST_S]
        self._known = [_anew(pairs.get(at), face, time_s) for at, face in enumerate(now)] + lost


def _quick(detector: BlazeFace, picture: Picture, known: Sequence[Face]) -> list[Face]:
    """The larger faces of a picture, and smaller ones that its look at the whole hints at."""
    longer = max(picture.size)
    image, factor = picture.copy(-(-longer // QUICK_PX))
    further = -(-max(image.size) // QUICK_PX)
    whole = Picture.of(image.reduce(further) if further > 1 else image)
    found = detector.search(whole, [face.reduced(factor * further) for face in known])
    return [face.reduced(1 / (factor * further)) for face in found]


def _gap(key: View, held: Sequence[Shown]) -> float:
    """Seconds from one frame to the next."""
    return (held[-1].view.time_s - key.time_s) / len(held)


def _pairs(before: Sequence[Face], after: Sequence[Face]) -> list[tuple[int, int]]:
    """Places of the faces that may be the same, the nearest first; each in one pair at most."""
    near_ones = sorted(
        (away, a, b)
        for a, first in enumerate(before)
        for b, second in enumerate(after)
        if (away := _away(first, second)) < MOVED and 1 / GROWN < first.side / second.side < GROWN
    )
    pairs: list[tuple[int, int]] = []
    for _, a, b in near_ones:
        if all(a != other[0] and b != other[1] for other in pairs):
            pairs.append((a, b))
    return pairs


def _steady(expected: Sequence[Face], found: Sequence[Face]) -> bool:
    """Whether each face was found where it was expected."""
    pairs = _pairs(expected, found)
    return len(pairs) == len(expected) == len(found) and all(_away(expected[a], found[b]) < STEADY for a, b in pairs)


def _anew(before: Known | None, face: Face, time_s: float) -> Known:
    if before is None or time_s <= before.time_s:
        return Known(face, time_s)
    since = time_s - before.time_s
    (x, y), (x_before, y_before) = face.centre_xy, before.face.centre_xy
    return Known(face, time_s, ((x - x_before) / since, (y - y_before) / since))


def _between(a: Face, b: Face, share: float) -> Face:
    """A face that is on its way from one place to another."""

    def mixed(first: float, second: float) -> float:
        return first + (second - first) * share

    x0, y0, x1, y1 = map(mixed, a.box_xyxy, b.box_xyxy)
    points = zip(a.landmarks_xy, b.landmarks_xy, strict=False)
    landmarks = tuple((mixed(p[0], q[0]), mixed(p[1], q[1])) for p, q in points)
    return Face((x0, y0, x1, y1), landmarks, mixed(a.score, b.score))


def _moved(face: Face, x: float, y: float) -> Face:
    x0, y0, x1, y1 = face.box_xyxy
    return Face((x0 + x, y0 + y, x1 + x, y1 + y), tuple((a + x, b + y) for a, b in face.landmarks_xy), face.score)


def _away(a: Face, b: Face) -> float:
    """How far the centres of two faces are from each other, in sides."""
    return math.dist(a.centre_xy, b.centre_xy) / max(a.side, b.side)


def _same(a: Face, b: Face) -> bool:
    """Whether two boxes are one face."""
    return overlap(a.box_xyxy, b.box_xyxy) > SAME


def _inside(face: Face, size: tuple[int, int]) -> bool:
    """Whether the middle of a face is in an image of this width and height."""
    return all(0 <= at < length for at, length in zip(face.centre_xy, size, strict=True))


def _largest_first(faces: Iterable[Face]) -> tuple[Face, ...]:
    return tuple(sorted(faces, key=lambda face: -face.side))


def _numbers(face: Face) -> list[Any]:
    return [list(face.box_xyxy), [list(point) for point in face.landmarks_xy], face.score]


def _known(values: Sequence[Any]) -> Known:
    """What `Following.state` took down of a face."""
    (x0, y0, x1, y1), points, score, time_s, *speed = values
    return Known(Face((x0, y0, x1, y1), tuple((x, y) for x, y in points), score), time_s, (speed[0], speed[1]))

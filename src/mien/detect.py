"""Finding faces: the `Detector` protocol, and BlazeFace (Google MediaPipe) on ONNX Runtime.

BlazeFace is two networks that look at a square window of the image: the full-range one sees faces from a tenth to a
half of the window's side, the short-range one from a third to the whole. The rule, measured in docs/detector.md:

1. The full-range network looks at the whole image. One that is more than four times as long as it is wide is cut into
   squares for that, which overlap by half and are twice as wide as it is.
2. It found nothing, or a face above half of the image's side: the short-range network looks at the image with a border
   of half its side all round, which those squares have already.
3. All faces are above an eighth of a window's side: what the first look faintly took for a smaller one is looked at
   close up, since somebody may stand farther off.
4. Nothing was found but perhaps a large face of little score, or there is one below an eighth of a window's side: the
   full-range network glances at the window, which it sees twice as large, and believes less: whatever may be a face is
   looked at once more, close up, by the short-range network too if need be, and has its score and landmarks from
   there. Where faces prove to be tiny, it glances at their quarter of the window, and so on down.
5. The networks take many a face that stands on its head for an upright one, its mouth for eyes, but are unsure of it:
   the short-range network looks at an unsure face once more, as it is and upside down. Where there is still nothing,
   both look at the whole image upside down; it stands on its head if they are sure of a face there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache, partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.errors import MienError
from mien.face import Face
from mien.packaged import weights
from mien.picture import Picture
from mien.runtime import Session
from mien.views import ROUGH, View, Window, around, squares_of, view_of

Floats = NDArray[np.float32]
Cells = tuple[tuple[int, int], ...]

FULL_RANGE = "blazeface_full_range.onnx", "86600e9ee5fcaaa34ee35f80c582a5dec50dcc004596f3caa744d933ade4bd63"
SHORT_RANGE = "blazeface_short_range.onnx", "502a708aeb89736c63bc373a636d440b889d4f7caf591fdfa33e1c3dd7d3d8c4"
FULL_CELLS: Cells = ((4, 1),)
SHORT_CELLS: Cells = ((8, 2), (16, 6))
LARGE, SMALL = 1 / 2, 1 / 8  # a face's box in sides of the window
LEAST_PX = 512  # side of the smallest window that is glanced at
PERHAPS = 0.1  # score of what is looked at close up after a glance
HINT = 0.15  # likewise after the look at the whole, beside larger faces
MOST = 256  # so many of a window, the likeliest: what a picture of a thousand eyes costs has an end
CLOSE = 0.4  # a face's box in sides of the window in which it is looked at close up
PLAIN, TINY = 1 / 20, 1 / 48  # of a glance: boxes that need no look close up if sure; that may have smaller ones beside
MIN_SCORE = 0.62  # of a face
UNSURE = 0.85  # below this score a face is looked at upside down, and a photo that is upside down has none
SURER = 0.8  # score that the short-range network gives to what the other does not take for a face close up
DOUBTFUL = 0.7  # below this score a large face hides no small ones
AROUND = 0.5  # what is looked at then: the face and so much around it on each edge, in its sides
INVERTED = 0.05  # by how much the score must then be higher
SAME_FACE = 0.3  # intersection over union above which two boxes are one face


class Detector(Protocol):
    """Anything that finds faces."""

    def detect(self, image: NDArray[np.uint8]) -> list[Face]:
        """Find the faces in an image.

        Args:
            image: RGB uint8, (H, W, 3), upright.

        Returns:
            The faces, in px of the image, the largest box first; empty when there is none.
        """
        ...


def check_detector(detector: object) -> None:
    """Raises `MienError` of what finds no faces, a class in place of one of its kind, too; None is allowed."""
    if isinstance(detector, type):
        raise MienError(f"expected a detector, got the class {detector.__name__}: give {detector.__name__}()")
    if detector is not None and not callable(getattr(detector, "detect", None)):
        needed = "a detector has a method detect(image) that gives mien.Face, as mien.Detector says"
        raise MienError(f"{needed}; got {type(detector).__name__}")


class BlazeFace:
    """BlazeFace on the CPU. It may be used by several threads at once.

    Args:
        min_score: lowest score of a face, 0..1.

    Raises:
        DetectorError: the packaged weights are missing or damaged.
    """

    def __init__(self, min_score: float = MIN_SCORE) -> None:
        self._full = _Network(*FULL_RANGE, cells=FULL_CELLS)
        self._short = _Network(*SHORT_RANGE, cells=SHORT_CELLS, seldom=True)
        self._least = min_score

    def detect(self, image: NDArray[np.uint8]) -> list[Face]:
        """Find the faces in an image.

        Args:
            image: RGB, (H, W, 3), upright.

        Returns:
            The faces, the largest box first; empty when there is none.
        """
        return self.search(Picture.of(Image.fromarray(image)))

    def search(self, picture: Picture, known: Sequence[Face] = ()) -> list[Face]:
        """As `detect`, from as small copies of an image as will do.

        Args:
            picture: the image.
            known: faces in it, of which no more is wanted: what is found there is not looked at once more.

        Raises:
            ImageError: as `Picture.copy`.
        """
        squares, bordered = squares_of(picture.size)
        whole = WHOLE if len(squares) == 1 else SQUARE
        side = squares[0].side
        seen = [self._full.seen(picture, each, whole, min(HINT, self._least)) for each in squares]
        rows = self._whole([_blended(each[each[:, 16] >= self._least]) for each in seen], picture, squares)
        alone = len(rows) == 0
        if alone or _sides(rows).max() > LARGE * side:
            rows = _distinct(np.concatenate([rows, self._looks(self._short, SHORT, picture, bordered)]))
            alone = alone and bool((rows[:, 16] < DOUBTFUL).all())
        settled = np.array([face.box_xyxy for face in known], np.float32).reshape(-1, 4)
        if not alone and _sides(rows).min() >= SMALL * side:
            there = np.concatenate([rows[:, :4], settled])
            hints = _far(np.concatenate(list(map(_blended, seen))), there, SMALL * side, picture.size)
            rows = _distinct(np.concatenate([rows, *(self._close(each, picture) for each in hints)]))
        if alone or _sides(rows).min() < SMALL * side:
            rows = self._glances(picture, squares, rows)
        if not len(rows):
            full = self._looks(self._full, whole.inverted, picture, squares)
            short = self._looks(self._short, SHORT.inverted, picture, bordered)
            rows = _distinct(np.concatenate([full, short]))
            rows = rows if (rows[:, 16] >= UNSURE).any() else rows[:0]
        rows = rows[np.argsort(-_sides(rows), kind="stable")]
        doubtful = [row[16] < UNSURE and not (_overlaps(row, settled) > SAME_FACE).any() for row in rows]
        return [_face(self._righted(row, picture) if again else row) for row, again in zip(rows, doubtful, strict=True)]

    def filling(self, picture: Picture) -> list[Face]:
        """Of what `search` finds the faces that fill the image, or most of it: by one look, a quarter of the work.

        Raises:
            ImageError: as `Picture.copy`.
        """
        rows = self._looks(self._short, SHORT, picture, squares_of(picture.size)[1])
        return [_face(row) for row in rows[np.argsort(-_sides(rows), kind="stable")]]

    def near(self, picture: Picture, faces: Iterable[Face]) -> list[Face]:
        """What a close look at each place where a face is expected shows, each face once: one look for each.

        Args:
            picture: as for `search`.
            faces: as large as those that are expected, and there.
        """
        found = np.empty((0, 17), np.float32)
        for face in faces:
            window = around(np.array(face.box_xyxy, np.float32), 1 / CLOSE)
            for row in self._full.look(picture, window, CLOSE_UP, self._least):
                if not (_overlaps(row, found) > SAME_FACE).any():
                    found = np.concatenate([found, row[np.newaxis]])
        return [_face(row) for row in found]

    def _looks(self, network: _Network, view: View, picture: Picture, windows: list[Window]) -> Floats:
        """Faces in any of several windows, each once and whole."""
        rows = [network.look(picture, each, view, self._least) for each in windows]
        return self._whole(rows, picture, windows)

    def _whole(self, rows: Sequence[Floats], picture: Picture, windows: Sequence[Window]) -> Floats:
        """Of the faces of each window those that are whole, each once."""
        if len(windows) == 1:
            return rows[0]
        uncut = [_uncut(some, each, picture.size) for some, each in zip(rows, windows, strict=True)]
        return _distinct(np.concatenate(uncut))

    def _glances(self, picture: Picture, windows: list[Window], rows: Floats) -> Floats:
        """Faces in windows, and in the quarters of every window that shows tiny ones, beside those found before."""
        settled = rows[_sides(rows) >= SMALL * windows[0].side]
        while windows and windows[0].side >= LEAST_PX:
            quarters: dict[Window, None] = {}
            for window in windows:
                perhaps = self._full.look(picture, window, GLANCE, PERHAPS)[:MOST]
                perhaps = perhaps[_inside(perhaps, picture.size)]
                for row in settled:
                    perhaps = perhaps[_overlaps(row, perhaps) <= SAME_FACE]
                perhaps = perhaps[_sides(perhaps).argsort(kind="stable")]  # the smallest decides how fine copies are
                plain = (perhaps[:, 16] >= max(UNSURE, self._least)) & (_sides(perhaps) >= PLAIN * window.side)
                close = (self._close(row, picture) for row in perhaps[~plain])
                settled = _distinct(np.concatenate([settled, perhaps[plain], *close]))
                tiny = settled[_sides(settled) < TINY * window.side]
                quarters |= dict.fromkeys(each for each in window.quarters() if any(map(each.holds, tiny)))
            windows = list(quarters)
        return _distinct(np.concatenate([rows, settled]))

    def _close(self, row: Floats, picture: Picture) -> Floats:
        """What may be a face, as the one network sees it close up, or else the other, which is to be surer: one row.

        There is none where neither sees a face, and the glance was not sure enough.
        """
        least = self._least
        rows = self._full.look(picture, around(row, 1 / CLOSE), CLOSE_UP, least)
        if not (_overlaps(row, rows) > SAME_FACE).any():
            rows = self._short.look(picture, around(row, 1 + 2 * AROUND), SHORT, max(SURER, least))
        rows = np.concatenate([rows[_overlaps(row, rows) > SAME_FACE][:1], row[np.newaxis]])
        return rows[rows[:, 16] >= least][:1]

    def _righted(self, row: Floats, picture: Picture) -> Floats:
        """A face as it looks from above, where it is more of a face from there; otherwise as it is."""
        window = around(row, 1 + 2 * AROUND)
        upright, inverted = (self._short.look(picture, window, view, self._least) for view in (SHORT, SHORT.inverted))
        best, other = _surest(row, upright), _surest(row, inverted)
        return other if other[16] > best[16] + INVERTED else row


WHOLE, SQUARE, SHORT = View(192, 32), View(192, 192), View(128, 128)
GLANCE, CLOSE_UP = View(384, 32, ROUGH), View(96, 96, ROUGH)


def blaze_of(detector: Detector) -> BlazeFace | None:
    """A detector whose other methods may stand for its `detect`, since that is BlazeFace's own; else None."""
    return detector if isinstance(detector, BlazeFace) and type(detector).detect is BlazeFace.detect else None


class _Network:
    """One of the two networks, and how its output reads.

    Args:
        name: of the packaged ONNX file.
        sha256: of that file.
        cells: what its output rows refer to: sides of cells in px of the input, and how many rows each cell has.
        seldom: whether many photos do without it.
    """

    def __init__(self, name: str, sha256: str, *, cells: Cells, seldom: bool = False) -> None:
        self._session = Session(partial(weights, name, sha256), seldom)
        self._cells = cells

    def look(self, picture: Picture, window: Window, view: View, least: float) -> Floats:
        """Faces in one window that have the least score or more, the surest first, as `seen` gives them."""
        return _blended(self.seen(picture, window, view, least))

    def seen(self, picture: Picture, window: Window, view: View, least: float) -> Floats:
        """Whatever has the least score or more in one window, a face many times.

        Returns:
            Rows (n, 17) of box and six landmarks (image px, x and y in turn) and score.
        """
        pixels, scale, offset = view_of(picture, window, view)
        height, width = pixels.shape[1:3]
        if view.over:
            pixels, scale, offset = np.ascontiguousarray(pixels[:, ::-1, ::-1]), -scale, (width, height) - offset
        raw, logits = self._session.here.run(None, {"input": pixels})
        scores = 1 / (1 + np.exp(-np.clip(logits[0, :, 0], -80, 80)))
        sure = scores >= least
        points = raw[0, sure].reshape(-1, 8, 2)  # centre, size, six landmarks
        points[:, [0, 2, 3, 4, 5, 6, 7]] += _centres(width, height, self._cells)[sure, None]
        half = points[:, 1] / 2
        points[:, 0], points[:, 1] = points[:, 0] - half, points[:, 0] + half
        points = (points - offset) / scale
        points[:, :2].sort(axis=1)  # upside down, the box's first corner is its last
        rows = np.column_stack([points.reshape(-1, 16), scores[sure]])
        return rows[_sides(rows) > 0]


@cache
def _centres(width: int, height: int, cells: Cells) -> Floats:
    """Centres (n, 2) of the cells of an input, row by row, each as often as it has output rows, in px."""
    grids = []
    for side, rows in cells:
        x, y = np.meshgrid(*(np.arange(side / 2, length, side, dtype=np.float32) for length in (width, height)))
        grids.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), rows, axis=0))
    return np.concatenate(grids)


def _uncut(rows: Floats, window: Window, size: tuple[int, int]) -> Floats:
    """The rows whose box no edge of the window cuts, other than where the image ends as well."""
    corner = np.array([window.x, window.y])
    low = (rows[:, :2] >= corner) | (corner <= 0)
    high = (rows[:, 2:4] <= corner + window.side) | (corner + window.side >= size)
    return rows[(low & high).all(axis=1)]


def _inside(rows: Floats, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Which rows' boxes have their middle in the image, (n,)."""
    middles = (rows[:, :2] + rows[:, 2:4]) / 2
    return np.asarray(((middles > 0) & (middles < size)).all(axis=1))


def _far(rows: Floats, boxes: Floats, most: float, size: tuple[int, int]) -> Floats:
    """What may be a face below a side, outside the boxes (n, 4) of known ones; the likeliest, the smallest first."""
    rows = rows[_inside(rows, size) & (_sides(rows) < most)]
    middles = (rows[:, :2] + rows[:, 2:4]) / 2
    for box in boxes:
        apart = ((middles < box[:2]) | (middles > box[2:])).any(axis=1)
        rows, middles = rows[apart], middles[apart]
    rows = rows[np.argsort(-rows[:, 16], kind="stable")][:MOST]
    return rows[np.argsort(_sides(rows), kind="stable")]


def _blended(rows: Floats) -> Floats:
    """Non-maximum suppression within one look: candidates that overlap become their mean, weighted by score."""
    rows = rows[np.argsort(-rows[:, 16], kind="stable")]
    faces = []
    while len(rows):
        same = _overlaps(rows[0], rows) > SAME_FACE
        weights = rows[same, 16:]
        faces.append(np.append((rows[same, :16] * weights).sum(axis=0) / weights.sum(), rows[0, 16]))
        rows = rows[~same]
    return np.array(faces, dtype=np.float32).reshape(-1, 17)


def _distinct(rows: Floats) -> Floats:
    """Non-maximum suppression between looks: of faces that overlap the one with the highest score stays."""
    rows = rows[np.argsort(-rows[:, 16], kind="stable")]
    kept: list[Floats] = []
    while len(rows):
        kept.append(rows[0])
        rows = rows[_overlaps(rows[0], rows) <= SAME_FACE]
    return np.array(kept, dtype=np.float32).reshape(-1, 17)


def _overlaps(row: Floats, rows: Floats) -> Floats:
    """Intersection over union (n,) of one box with each of `rows`."""
    low, high = np.maximum(row[:2], rows[:, :2]), np.minimum(row[2:4], rows[:, 2:4])
    shared = np.prod(np.maximum(high - low, 0), axis=1)
    union = np.prod(row[2:4] - row[:2]) + np.prod(rows[:, 2:4] - rows[:, :2], axis=1) - shared
    return np.asarray(shared / union, dtype=np.float32)


def _surest(row: Floats, rows: Floats) -> Floats:
    """The row with the highest score among those that show the same face as `row`; a row of zeros if there is none."""
    same = rows[_overlaps(row, rows) > SAME_FACE]
    return same[same[:, 16].argmax()] if len(same) else np.zeros_like(row)


def _sides(rows: Floats) -> Floats:
    """The boxes' shorter sides (n,)."""
    return np.asarray((rows[:, 2:4] - rows[:, :2]).min(axis=1), dtype=np.float32)


def _face(row: Floats) -> Face:
    x0, y0, x1, y1, *points, score = (float(number) for number in row)
    return Face((x0, y0, x1, y1), tuple(zip(points[::2], points[1::2], strict=True)), min(score, 1.0))

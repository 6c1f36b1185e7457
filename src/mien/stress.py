"""A counterfactual test: the same faces read again with one thing changed (see `changes`), and how far answers move."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from mien.changes import CHANGES, Change
from mien.face import Face
from mien.image import Pixels, read_image
from mien.intake import LIMITS, ImageSource, Limits
from mien.metrics import Floats, Ints
from mien.prediction import Prediction, Reading
from mien.report import Changed


class _Before(NamedTuple):
    """A face as it is: the place of its image, where it is, and what was said of it."""

    row: int
    face: Face
    shares: Floats


def changed(
    read: Callable[[Iterable[Pixels]], Iterable[Prediction]],
    sources: Sequence[ImageSource],
    truth: Ints,
    most: int,
    limits: Limits = LIMITS,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Changed]:
    """What a model says of images once their faces are changed, by change.

    Args:
        read: a model's `stream`, that answers in one label set and raises what is wrong with an image; the face that
            counts is the largest.
        sources: of the images, all readable.
        truth: the place of each one's label in the label set, (n,).
        most: images at most that are changed, evenly spread; each is read anew for each change, and once as it is.
        limits: how big an image may be.
        progress: called with the readings done and their number.

    Raises:
        ImageError: an image cannot be read any more.
    """
    rows = np.unique(np.linspace(0, len(sources) - 1, min(most, len(sources))).round().astype(int)).tolist()
    done, total = 0, len(rows) * (1 + len(CHANGES))

    def readings(change: Change | None, faces: Iterable[tuple[int, Face | None]]) -> Iterator[Prediction]:
        nonlocal done
        photos = ((read_image(sources[row], limits), face) for row, face in faces)
        pixels = (change(photo, face) if change and face else photo for photo, face in photos)
        for prediction in read(pixels):
            done += 1
            progress(done, total)
            yield prediction

    before = [
        _Before(row, found.faces[0].face, _shares(found.faces[0]))
        for row, found in zip(rows, readings(None, [(row, None) for row in rows]), strict=True)
        if found.faces
    ]
    total = len(rows) + len(before) * len(CHANGES)
    faces = [(each.row, each.face) for each in before]
    return {name: _changed(before, list(readings(change, faces)), truth) for name, change in CHANGES.items()}


def _changed(before: Sequence[_Before], after: Sequence[Prediction], truth: Ints) -> Changed:
    n = len(truth)
    asked, found, moved, right = (np.zeros(n, bool) for _ in range(4))
    drift = np.zeros(n)
    for old, prediction in zip(before, after, strict=True):
        asked[old.row] = moved[old.row] = True
        drift[old.row] = 1.0
        if reading := _same(old.face, prediction.faces):
            shares = _shares(reading)
            found[old.row], moved[old.row] = True, shares.argmax() != old.shares.argmax()
            right[old.row] = shares.argmax() == truth[old.row]
            drift[old.row] = np.abs(shares - old.shares).sum() / 2
    return Changed(asked, found, moved, right, drift)


def _same(face: Face, readings: Sequence[Reading]) -> Reading | None:
    """The one that is of the same face: its middle lies in that one's box."""
    x0, y0, x1, y1 = face.box_xyxy
    for reading in readings:
        left, top, right, bottom = reading.face.box_xyxy
        if x0 <= (left + right) / 2 <= x1 and y0 <= (top + bottom) / 2 <= y1:
            return reading
    return None


def _shares(reading: Reading) -> Floats:
    return np.array(list(reading.expression.probabilities.values()))

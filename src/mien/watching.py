"""Watching: from a video to what is to be seen in each of its frames, who, and with which expression.

Frames are decoded in one thread, faces found in another, and read in a third, each a little ahead of the next. What
comes out are moments, one a frame, in constant memory, and now and then a checkpoint, from which all can be gone on with.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any, NamedTuple, Protocol

import numpy as np
from PIL import Image

from mien.answers import Found
from mien.artifact import Artifact
from mien.cores import beforehand
from mien.detect import Detector
from mien.face import Face, framing
from mien.following import Following, Seen
from mien.image import Pixels
from mien.intake import describe
from mien.labels import LabelSet
from mien.picture import Picture
from mien.prediction import LOW, Expression, Prediction, unsure
from mien.preprocess import Preprocess
from mien.prior import TRAINING, Prior
from mien.smoothing import REACH_S, Smooth
from mien.tables import columns, flat_rows
from mien.tracks import Tracks, look_of
from mien.video import Frame, Frames, VideoError, VideoSource

AHEAD = 8  # frames that each thread is ahead of the next, at most
TOGETHER = 8  # frames whose faces go through the network together
CHECKPOINT_S = 2.0  # of work between two checkpoints, at least


class Reader(Protocol):
    """What reads the faces: a `Recognizer`."""

    artifact: Artifact
    detector: Detector
    preprocess: Preprocess

    def express(self, found: Sequence[Found], labels: Sequence[LabelSet], prior: Prior = ...) -> list[Prediction]: ...


@dataclass(frozen=True)
class Moment:
    """A frame, read.

    Args:
        time_s: of the frame (see `Frame`).
        number: of the frame.
        prediction: what was read in it, as in a photo.
        tracks: of each face of the prediction.
        smoothed: the expression of each, smoothed over time; its reasons are those of the frame, but for confidence.
        looks: of each (see `look_of`).
        frame: the frame itself, where it was asked for.
    """

    time_s: float
    number: int
    prediction: Prediction
    tracks: tuple[int, ...] = ()
    smoothed: tuple[Expression, ...] = ()
    looks: tuple[Any, ...] = field(default=(), repr=False)
    frame: Frame | None = field(default=None, repr=False)

    def rows(self, labels: LabelSet, source: str) -> list[dict[str, Any]]:
        """The moment as flat rows, one a face, or one where there is none."""
        flat = flat_rows(self.prediction, labels)
        tracks: Iterable[int | None] = self.tracks or (None,)
        smoothed: Iterable[Expression | None] = self.smoothed or (None,)
        return [
            _row(self.time_s, self.number, track, row, expression, labels)
            for track, row, expression in zip(tracks, flat, smoothed, strict=True)
        ]

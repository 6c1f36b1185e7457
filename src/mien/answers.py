"""From what a network says of the faces in an image to a prediction: chances, votes, and reasons to doubt them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.artifact import HeadInfo
from mien.crops import NO_FACE
from mien.face import Face, sharpness, turn
from mien.image import Pixels
from mien.labels import FACE, LabelSet
from mien.metrics import softmax
from mien.prediction import Expression, Prediction, Reading, percent, unsure

SMALL_FACE = 24  # px, side of the box; half of what the network sees
BLURRED = 0.2  # sharpness, see `face.sharpness`
TURNED = 0.9  # turn, see `face.turn`
NOT_A_FACE = 0.5  # share of people who would say so


@dataclass(frozen=True)
class Found:
    """An image that was read: its width and height, its faces with their crops, and what is to be said of how it was
    read; or why it was not. A face's box may reach past the image's edges."""

    source: str
    size: tuple[int, int] = (0, 0)
    faces: tuple[Face, ...] = ()
    crops: tuple[Pixels, ...] = ()
    error: str | None = None
    notes: tuple[str, ...] = ()


class Answer(NamedTuple):
    """Of one face: chances by emotion, what the label set keeps of the head's own, whether it is no face, and votes."""

    shares: list[float]
    kept: float
    not_a_face: float | None
    votes: list[float] | None


def answers(logits: Mapping[str, NDArray[np.float32]], head: HeadInfo, labels: LabelSet) -> list[Answer]:
    """What logits say in a label set, face by face.

    Args:
        logits: (n, emotions) by head, see `Network.logits`.
        head: the one that answers.
        labels: the set to answer in, of the head's emotions.
    """
    own, votes = head.probabilities(logits[head.labels]), head.votes(logits[head.labels])
    spoken = head.label_set.project(own, labels)
    voted = [None] * len(own) if votes is None else head.label_set.project(votes, labels).tolist()
    kept = own.take([head.label_set.index(emotion) for emotion in labels], 1).sum(1)
    nobody = softmax(logits[FACE.name])[:, 1].tolist() if FACE.name in logits else [None] * len(own)
    return [Answer(*each) for each in zip(spoken.tolist(), kept.tolist(), nobody, voted, strict=True)]


def predicted(found: Found, told: Sequence[Answer], head: HeadInfo, labels: LabelSet) -> Prediction:
    """What was read in an image, by what was answered for its faces."""
    readings = tuple(
        Reading(
            face.clipped(*found.size),
            Expression(
                dict(zip(labels, answer.shares, strict=True)),
                tuple(_reasons(face, found.size, crop, answer, head, labels)),
                answer.not_a_face,
                dict(zip(labels, answer.votes, strict=True)) if answer.votes else None,
            ),
        )
        for face, crop, answer in zip(found.faces, found.crops, told, strict=True)
    )
    reasons = () if readings or found.error else (NO_FACE,)
    return Prediction(found.source, *found.size, readings, reasons, found.error, found.notes)


def _reasons(
    face: Face, size: tuple[int, int], crop: Pixels, answer: Answer, head: HeadInfo, labels: LabelSet
) -> Iterator[str]:
    """Why an answer should not be relied on; `size` is that of the image."""
    if answer.not_a_face is not None and answer.not_a_face >= NOT_A_FACE:
        yield f"perhaps not a face ({percent(answer.not_a_face)})"
    if answer.kept < 0.5:
        yield f"probably an expression that {labels.name} lacks ({percent(1 - answer.kept)})"
    yield from unsure(max(answer.shares), head.threshold)
    x0, y0, x1, y1 = face.box_xyxy
    if min(x1 - x0, y1 - y0) < SMALL_FACE:
        yield f"small face ({math.floor(min(x1 - x0, y1 - y0))} px, reliable from {SMALL_FACE} px)"
    if sharpness(crop) < BLURRED:
        yield "blurred"
    if turn(face) > TURNED:
        yield "turned away"
    if any(not 0 <= at <= length for point in face.landmarks_xy[:4] for at, length in zip(point, size, strict=True)):
        yield "cut by the image's edge"

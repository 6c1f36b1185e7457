"""From what a network says of the faces in an image to a prediction: chances, votes, and reasons to doubt them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.artifact import Artifact
from mien.crops import NO_FACE
from mien.face import Face, turn
from mien.heads import HeadInfo
from mien.image import Pixels
from mien.labels import FACE, LabelSet
from mien.metrics import Floats, Ints, softmax
from mien.prediction import Expression, Prediction, Reading, Shares, percent, unsure

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


class Seen(NamedTuple):
    """What a crop is like: see `face.sharpness` and `covers.Covers`."""

    sharpness: float
    hidden: str | None = None


class Answer(NamedTuple):
    """Of one face: chances by emotion, what the label set keeps of the head's own, the chance of the answer in another
    head's opinion (infinite where it has none), whether it is no face, and votes."""

    shares: list[float]
    kept: float
    second: float
    not_a_face: float | None
    votes: list[float] | None


def answers(
    logits: Mapping[str, NDArray[np.float32]],
    model: Artifact,
    labels: LabelSet,
    shares: Mapping[str, float] | None = None,
) -> list[Answer]:
    """What logits say in a label set, face by face.

    Args:
        logits: (n, emotions) by head, see `Network.logits`.
        model: whose head for the label set answers.
        labels: the set to answer in.
        shares: how often each of its emotions is expected; None where as in training. Votes stay as they are.

    Raises:
        LabelError: the model cannot speak the label set, or expect anything else than its training.
    """
    head = model.head_for(labels)
    own, votes = head.probabilities(logits[head.labels], shares), head.votes(logits[head.labels])
    spoken = head.label_set.project(own, labels)
    voted = [None] * len(own) if votes is None else head.label_set.project(votes, labels).tolist()
    kept = own.take([head.label_set.index(emotion) for emotion in labels], 1).sum(1).tolist()
    nobody = softmax(logits[FACE.name])[:, 1].tolist() if FACE.name in logits else [None] * len(own)
    asked = model.second(head)
    seconds = opinions(logits[asked.labels], asked, spoken, labels, shares).tolist() if asked else [math.inf] * len(own)
    return [Answer(*each) for each in zip(spoken.tolist(), kept, seconds, nobody, voted, strict=True)]


def opinions(
    logits: NDArray[np.floating],
    asked: HeadInfo,
    spoken: Floats,
    labels: LabelSet,
    shares: Mapping[str, float] | None = None,
) -> Floats:
    """The chance that a head gives to each answer of another, among the emotions that both know, (n,).

    It is infinite where the head does not know the answer.

    Args:
        logits: of the head that is asked, (n, emotions).
        spoken: what the other says, (n, len(labels)); its most probable emotion is the answer.
        labels: the set that it says it in.
        shares: how often each of its emotions is expected; None where as in training.
    """
    places = _places(labels.emotions, asked.label_set.emotions)
    known, guesses = places[places >= 0], places[spoken.argmax(1)]
    if len(known) < 2:
        return np.full(len(spoken), math.inf)
    chances = asked.probabilities(logits, shares)
    theirs = chances[np.arange(len(spoken)), guesses] / chances[:, known].sum(1)
    return np.where(guesses >= 0, theirs, math.inf)


@cache
def _places(emotions: tuple[str, ...], among: tuple[str, ...]) -> Ints:
    """Where each emotion stands among others; -1 where it does not."""
    return np.array([among.index(emotion) if emotion in among else -1 for emotion in emotions])


def predicted(
    found: Found, told: Sequence[Answer], seen: Sequence[Seen], head: HeadInfo, labels: LabelSet
) -> Prediction:
    """What was read in an image, by what was answered for its faces and what their crops are like."""
    readings = tuple(
        Reading(
            face.clipped(*found.size),
            Expression(
                Shares(zip(labels.emotions, answer.shares, strict=True)),
                tuple(_reasons(face, found.size, look, answer, head, labels)),
                answer.not_a_face,
                Shares(zip(labels.emotions, answer.votes, strict=True)) if answer.votes else None,
            ),
        )
        for face, look, answer in zip(found.faces, seen, told, strict=True)
    )
    reasons = () if readings or found.error else (NO_FACE,)
    return Prediction(found.source, *found.size, readings, reasons, found.error, found.notes)


def _reasons(
    face: Face, size: tuple[int, int], look: Seen, answer: Answer, head: HeadInfo, labels: LabelSet
) -> Iterator[str]:
    """Why an answer should not be relied on; `size` is that of the image."""
    if answer.not_a_face is not None and answer.not_a_face >= NOT_A_FACE:
        yield f"perhaps not a face ({percent(answer.not_a_face)})"
    if answer.kept < 0.5:
        yield f"probably an expression that {labels.name} lacks ({percent(1 - answer.kept)})"
    yield from unsure(max(answer.shares), head.threshold)
    if head.second:
        yield from unsure(answer.second, head.second.threshold, head.second.labels)
    yield from spoilt(face, size, look)


def spoilt(face: Face, size: tuple[int, int], look: Seen) -> Iterator[str]:
    """What spoils the look of a face, whatever is asked of it; `size` is that of the image, `look` its crop's."""
    if face.side < SMALL_FACE:
        yield f"small face ({math.floor(face.side)} px, reliable from {SMALL_FACE} px)"
    if look.sharpness < BLURRED:
        yield "blurred"  # and what may hide a part of it cannot be told
    elif look.hidden:
        yield look.hidden
    if turn(face) > TURNED:
        yield "turned away"
    if any(not 0 <= at <= length for point in face.landmarks_xy[:4] for at, length in zip(point, size, strict=True)):
        yield "cut by the image's edge"

"""The recognizer: an artifact and a detector that read expressions in images.

Images go through one by one, faces through the network in batches; what a face gets does not hang on its neighbours.
"""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from time import thread_time
from typing import Any, Literal, NamedTuple, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from mien import artifact as artifacts
from mien.artifact import Artifact, HeadInfo
from mien.detect import BlazeFace, Detector
from mien.errors import ImageError, MienError, SourceError
from mien.face import Face, sharpness, turn, whole_face
from mien.image import LIMITS, ImageSource, Limits, Pixels, describe
from mien.labels import FACE, LabelSet, label_set
from mien.memory import keep_memory
from mien.metrics import softmax
from mien.network import Network
from mien.picture import Picture, open_picture
from mien.prediction import Expression, Prediction, Reading, percent, unsure
from mien.preprocess import Preprocess

Crop = Literal["auto", "detect", "whole"]
Labels = str | LabelSet | None
CROPS: tuple[Crop, ...] = ("auto", "detect", "whole")

CROP_SIDE = 96  # px; an image with no shorter side and no face found is taken for a face crop
SMALL_FACE = 24  # px, side of the box; half of what the network sees
BLURRED = 0.2  # sharpness, see `face.sharpness`
TURNED = 0.9  # turn, see `face.turn`
NOT_A_FACE = 0.5  # share of people who would say so
CHUNK = 16  # images at most whose faces go through the network together
CHUNK_S = 0.03  # as many as a processor works on for so long: large photos one by one, so that threads end together

NO_FACE = "no face was found"

S = TypeVar("S")
T = TypeVar("T")


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


class Recognizer:
    """Reads expressions in images.

    Args:
        artifact: the model.
        detector: finds the faces; BlazeFace if None.
        threads: images read at once, each with its faces; or batches of crops, where there are crops alone.
        limits: how big an image may be.

    Raises:
        ArtifactError: the network is not what the manifest names (see `Network`).
        DetectorError: the detector's weights are missing or damaged.
    """

    def __init__(
        self, artifact: Artifact, detector: Detector | None = None, threads: int = 1, limits: Limits = LIMITS
    ) -> None:
        self.artifact = artifact
        self.detector = detector or BlazeFace()
        self._blaze = self.detector if type(self.detector) is BlazeFace else None
        self.preprocess = Preprocess(artifact.manifest.size, artifact.manifest.colour)
        self.labels = artifact.manifest.heads[0].label_set
        self._limits = limits
        self._network = Network(artifact)
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    @overload
    def predict(
        self, source: list[Any] | tuple[Any, ...], *, labels: Labels = ..., crop: Crop = ...
    ) -> list[Prediction]: ...
    @overload
    def predict(self, source: ImageSource, *, labels: Labels = ..., crop: Crop = ...) -> Prediction: ...
    def predict(
        self, source: ImageSource | list[Any] | tuple[Any, ...], *, labels: Labels = None, crop: Crop = "auto"
    ) -> Prediction | list[Prediction]:
        """Read one image, or several.

        Args:
            source: a path, bytes, a binary file, a Pillow image or an RGB uint8 array (H, W, 3), see `read_image`; or a
                list or tuple of these.
            labels: the label set to answer in, or its name; the model's own if None.
            crop: `detect` reads the faces that are found; `whole` takes the image as one face; `auto` detects, and
                takes an image with a side of at most 96 px as one face if none is found.

        Returns:
            A prediction, or a list of them. An image that cannot be read is a prediction with an error.

        Raises:
            LabelError: the model cannot speak that label set.
            SourceError: a source is none of these.
        """
        if isinstance(source, list | tuple):
            return list(self.stream(source, labels=labels, crop=crop))
        return next(self.stream([source], labels=labels, crop=crop))

    def stream(
        self, sources: Iterable[ImageSource], *, labels: Labels = None, crop: Crop = "auto"
    ) -> Iterator[Prediction]:
        """Read any number of images, in their order. Arguments are those of `predict`.

        At most 16 sources for each thread, and 16 more, are taken before their predictions come out (one by one at
        first), so an array that comes in must not change until its prediction is out.
        """
        spoken = self.spoken(labels)
        if crop not in CROPS:
            raise MienError(f"crop is one of {', '.join(CROPS)}; got {crop!r}")
        return self._stream(sources, spoken, crop)

    def _stream(self, sources: Iterable[ImageSource], labels: LabelSet, crop: Crop) -> Iterator[Prediction]:
        iterator, size = iter(enumerate(sources)), 1

        def read(chunk: list[tuple[int, ImageSource]]) -> list[Prediction]:
            nonlocal size
            began = thread_time()
            predictions = self.express([self._find(*source, crop) for source in chunk], [labels] * len(chunk))
            size = max(1, min(CHUNK, int(len(chunk) * CHUNK_S / max(thread_time() - began, 1e-6))))
            return predictions

        for predictions in self._ahead(read, iter(lambda: list(islice(iterator, size)), [])):
            yield from predictions

    def _ahead(self, step: Callable[[S], T], items: Iterable[S]) -> Iterator[T]:
        """Results in order; with threads, of a few items beyond the one that is asked for.

        A thread does all that an item needs, for two that decode small images at once wait for each other; while one is
        in a network, another decodes.
        """
        if self._pool is None:
            yield from map(step, items)
            return
        waiting: deque[Future[T]] = deque()
        try:
            for item in items:
                waiting.append(self._pool.submit(step, item))
                while waiting and (len(waiting) > self._threads or waiting[0].done()):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for each in waiting:
                each.cancel()

    def _find(self, number: int, source: ImageSource, crop: Crop) -> Found:
        """As `find`, for the source of that number."""
        try:
            return self.find(source, crop)
        except SourceError as error:
            raise SourceError(f"source {number}: {error}") from error

    def find(self, source: ImageSource, crop: Crop = "auto") -> Found:
        """The first half of `predict`: read an image and find its faces. Safe to call from several threads.

        Raises:
            SourceError: the source can be no image.
        """
        name = describe(source)
        try:
            picture = open_picture(source, self._limits, whole=crop == "whole" or self._blaze is None)
            faces = [] if crop == "whole" else self._faces(picture)
            if crop == "whole" or (crop == "auto" and not faces and min(picture.size) <= CROP_SIDE):
                crops: tuple[Pixels, ...] = (self.preprocess.whole(picture.pixels),)
                return Found(name, picture.size, (whole_face(*picture.size),), crops, notes=picture.notes)
            crops = tuple(self.preprocess.face(picture, face) for face in faces)
        except ImageError as error:
            return Found(name, error=str(error))
        return Found(name, picture.size, tuple(faces), crops, notes=picture.notes)

    def _faces(self, picture: Picture) -> list[Face]:
        """Detectors of others are given the whole image."""
        return self._blaze.search(picture) if self._blaze else self.detector.detect(picture.pixels)

    def express(self, found: Sequence[Found], labels: Sequence[LabelSet]) -> list[Prediction]:
        """The second half of `predict`: read the faces of any number of images, all in one go.

        Args:
            found: what `find` gave.
            labels: for each of them, the label set to answer in, from `spoken`.
        """
        pixels = self.preprocess.tensor([crop for each in found for crop in each.crops])
        logits = self._network.logits(pixels)
        answers = {spoken: self._answers(logits, spoken) for spoken in set(labels)}
        predictions, at = [], 0
        for each, spoken in zip(found, labels, strict=True):
            end = at + len(each.crops)
            predictions.append(_prediction(each, self._expressions(each, answers[spoken][at:end], spoken)))
            at = end
        return predictions

    def logits(self, crops: Sequence[Pixels] | Pixels) -> dict[str, NDArray[np.float32]]:
        """What the network says of crops (see `Preprocess`): logits by head, shape (n, emotions).

        Where the model tells what is no face, that is one head more, `face`.
        """
        return self._network.logits(self.preprocess.tensor(crops), self._ahead)

    def features(self, crops: Sequence[Pixels] | Pixels) -> NDArray[np.float32]:
        """The network's last feature map of crops (see `Preprocess`), shape (n, values, height, width).

        Its mean over height and width describes an expression in numbers: for search, for clusters, or for a
        classifier of one's own.

        Raises:
            MienError: the model has none: it flattens its features, or an older mien exported it.
        """
        return self._network.features(self.preprocess.tensor(crops), self._ahead)

    def probabilities(self, crops: Sequence[Pixels] | Pixels, labels: Labels = None) -> NDArray[np.float64]:
        """Calibrated probabilities of crops (see `Preprocess`) over a label set, shape (n, len(labels)).

        Raises:
            ImageError: the crops are not as the model takes them.
        """
        spoken = self.spoken(labels)
        head = self.artifact.head_for(spoken)
        return head.label_set.project(head.probabilities(self.logits(crops)[head.labels]), spoken)

    def spoken(self, labels: str | LabelSet | None) -> LabelSet:
        """The label set that answers are in when this one is asked for.

        Args:
            labels: a label set or its name; the model's own if None.

        Raises:
            LabelError: there is no such set, or the model cannot speak it.
        """
        if labels is None:
            return self.labels
        own = {head.labels: head.label_set for head in self.artifact.manifest.heads}
        wanted = labels if isinstance(labels, LabelSet) else own.get(labels) or label_set(labels)
        self.artifact.head_for(wanted)
        return wanted

    def _answers(self, logits: Mapping[str, NDArray[np.float32]], labels: LabelSet) -> list[_Answer]:
        """What logits say in a label set, face by face."""
        head = self.artifact.head_for(labels)
        own, votes = head.probabilities(logits[head.labels]), head.votes(logits[head.labels])
        spoken = head.label_set.project(own, labels)
        voted = [None] * len(own) if votes is None else head.label_set.project(votes, labels).tolist()
        kept = own.take([head.label_set.index(emotion) for emotion in labels], 1).sum(1)
        nobody = softmax(logits[FACE.name])[:, 1].tolist() if FACE.name in logits else [None] * len(own)
        return [_Answer(*each) for each in zip(spoken.tolist(), kept.tolist(), nobody, voted, strict=True)]

    def _expressions(self, found: Found, answers: Sequence[_Answer], labels: LabelSet) -> list[Expression]:
        head = self.artifact.head_for(labels)
        return [
            Expression(
                dict(zip(labels, answer.shares, strict=True)),
                tuple(_reasons(face, found.size, crop, answer, head, labels)),
                answer.not_a_face,
                dict(zip(labels, answer.votes, strict=True)) if answer.votes else None,
            )
            for face, crop, answer in zip(found.faces, found.crops, answers, strict=True)
        ]


class _Answer(NamedTuple):
    """Of one face: chances by emotion, what the label set keeps of the head's own, whether it is no face, and votes."""

    shares: list[float]
    kept: float
    not_a_face: float | None
    votes: list[float] | None


def cores() -> int:
    """The CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load(
    name_or_path: str | os.PathLike[str] | None = None,
    *,
    detector: Detector | None = None,
    threads: int = 1,
    limits: Limits = LIMITS,
) -> Recognizer:
    """A recognizer. The process keeps some freed memory for the next photo (see `memory.keep_memory`).

    Args:
        name_or_path: a model that comes with mien (see `mien models`), or an artifact's folder; the default if None.
        detector: finds the faces; BlazeFace if None.
        threads: see `Recognizer`.
        limits: how big an image may be.

    Raises:
        ArtifactError: there is no such model, or it is incomplete, altered or too new; lists every fault.
    """
    keep_memory()
    return Recognizer(artifacts.read(artifacts.find(name_or_path)), detector, threads, limits)


def _reasons(
    face: Face, size: tuple[int, int], crop: Pixels, answer: _Answer, head: HeadInfo, labels: LabelSet
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


def _prediction(read: Found, expressions: list[Expression]) -> Prediction:
    faces = (face.clipped(*read.size) for face in read.faces)
    readings = tuple(Reading(*pair) for pair in zip(faces, expressions, strict=True))
    reasons = () if readings or read.error else (NO_FACE,)
    return Prediction(read.source, *read.size, readings, reasons, read.error, read.notes)

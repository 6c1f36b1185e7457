"""The recognizer: an artifact and a detector that read expressions in images.

Images go through one by one, faces through the network in batches; what a face gets does not hang on its neighbours.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from copy import copy
from itertools import islice
from threading import Lock
from time import thread_time
from typing import TYPE_CHECKING, Any, SupportsIndex, Union, overload

import numpy as np
from numpy.typing import NDArray

from mien import artifact as artifacts
from mien.answers import Found, Seen, answers, predicted
from mien.artifact import Artifact
from mien.cores import ahead
from mien.covers import Covers
from mien.crops import Crop, check_crop, cut
from mien.detect import BlazeFace, Detector, check_detector
from mien.errors import ImageError, LabelError, MienError, SourceError
from mien.face import sharpness, whole_face
from mien.image import Pixels
from mien.intake import LIMITS, ImageSource, Limits, describe
from mien.labels import LabelSet, label_set
from mien.memory import bounded, keep_memory
from mien.network import Network
from mien.prediction import Prediction
from mien.preprocess import Preprocess
from mien.prior import TRAINING, Prior, shares_of
from mien.quiet import quiet_pillow

if TYPE_CHECKING:
    from mien.video import VideoSource

Labels = str | LabelSet | None
Said = tuple[dict[str, NDArray[np.float32]], list[str | None]]

Model = Union["Recognizer", str, os.PathLike[str], None]
"""A recognizer, or what `load` takes: a name, a folder, or None, the default."""

CHUNK = 64  # images at most whose faces go through the network together
CHUNK_S = 0.04  # as many as a processor works on for so long: large photos one by one, so that threads end together


class Recognizer:
    """Reads expressions in images.

    It may be used by several threads, after a fork, and in other processes that get it pickled: it is then opened there
    by the name or the path of its model, whose files must be the same.

    Args:
        artifact: the model; or its name or folder, as in `load`.
        detector: finds the faces; BlazeFace if None.
        threads: images read at once, each with its faces; or batches of crops, where there are crops alone. However
            many there are, they wait for each other where the pixels they hold would be too many (see `memory.Room`).
        limits: how big an image may be, or a frame of a video.

    Raises:
        ArtifactError: there is no such model, or the network is not what the manifest names (see `Network`).
        DetectorError: weights that come with mien, the detector's or those of what sees covers, are missing or damaged.
        MienError: threads are fewer than 1, or these are no limits, or no detector.
    """

    def __init__(
        self,
        artifact: Artifact | str | os.PathLike[str],
        detector: Detector | None = None,
        threads: int = 1,
        limits: Limits = LIMITS,
    ) -> None:
        if not isinstance(threads, SupportsIndex) or threads.__index__() < 1:
            raise MienError(f"threads is a whole number of 1 or more, got {threads!r}")
        if not isinstance(limits, Limits):
            raise MienError(f"limits are mien.Limits(max_pixels=..., ...), got {type(limits).__name__}")
        check_detector(detector)
        self.artifact = artifact if isinstance(artifact, Artifact) else artifacts.read(artifacts.find(artifact))
        self.detector = BlazeFace() if detector is None else detector
        self.preprocess = Preprocess(self.artifact.manifest.size, self.artifact.manifest.colour)
        self.labels = self.artifact.heads[0].label_set
        self.limits = limits
        self._network, self._covers = Network(self.artifact), Covers()
        self._threads = threads

    def __repr__(self) -> str:
        threads = f", {self._threads} threads" if self._threads > 1 else ""
        return f"Recognizer({self.artifact.name}, {type(self.detector).__name__}{threads})"

    def __setstate__(self, state: dict[str, Any]) -> None:
        keep_memory()  # as in the process that it comes from
        self.__dict__.update(state)

    @overload
    def predict(  # type: ignore[overload-overlap] # a path is an iterable too, but one source
        self, source: ImageSource, *, labels: Labels = ..., prior: Prior = ..., crop: Crop = ..., strict: bool = ...
    ) -> Prediction: ...
    @overload
    def predict(
        self, source: Iterable[Any], *, labels: Labels = ..., prior: Prior = ..., crop: Crop = ..., strict: bool = ...
    ) -> list[Prediction]: ...
    def predict(
        self, source: Any, *, labels: Labels = None, prior: Prior = TRAINING, crop: Crop = "auto", strict: bool = False
    ) -> Prediction | list[Prediction]:
        """Read one image, or several.

        Args:
            source: a path, bytes, a binary file, a Pillow image or an RGB uint8 array (H, W, 3), see `read_image`;
                or a list of these, a generator, or any other iterable, such as `find_images` of a folder.
            labels: the label set to answer in, or its name; the model's own if None.
            prior: how often each of its emotions is to be expected (see `Prior`); as in training if not given.
            crop: `detect` reads the faces that are found; `whole` takes the image as one face; `auto` detects, and
                takes an image with a side of at most 96 px as one face if none is found.
            strict: whether an image that cannot be read is an error.

        Returns:
            A prediction, or a list of them. An image that cannot be read is a prediction with an error.

        Raises:
            LabelError: the model cannot speak that label set, or expect that prior.
            ImageError: if `strict`, an image cannot be read; the message begins with its source.
            SourceError: a source is none of these.
            MienError: there is no such crop.
        """
        if not _is_one(source):
            return list(self.stream(source, labels=labels, prior=prior, crop=crop, strict=strict))
        spoken = self._asked(labels, prior, crop)
        return _checked(self.express([self.find(source, crop)], [spoken], prior)[0], strict)

    def stream(
        self,
        sources: Iterable[ImageSource],
        *,
        labels: Labels = None,
        prior: Prior = TRAINING,
        crop: Crop = "auto",
        strict: bool = False,
    ) -> Iterator[Prediction]:
        """Read any number of images, in their order. Arguments and errors are those of `predict`.

        At most 64 sources for each thread, and 64 more, are taken before their predictions come out (one by one at
        first), so an array that comes in must not change until its prediction is out.
        """
        if _is_one(sources):
            raise MienError(f"`stream` takes several images, and `predict` one as well; got {type(sources).__name__}")
        if isinstance(sources, Mapping):
            raise SourceError(f"expected images, got {type(sources).__name__}: give its keys() or its values()")
        return self._stream(sources, self._asked(labels, prior, crop), prior, crop, strict)

    def watch(
        self,
        source: VideoSource,
        *,
        labels: Labels = None,
        prior: Prior = TRAINING,
        every_s: float | None = None,
        start_s: float = 0.0,
        end_s: float | None = None,
        stream: int | None = None,
        rate: float = 25.0,
    ) -> Iterator[dict[str, Any]]:
        """Read a video, row by row: one a face a frame, and one for a frame without a face (docs/video.md).

        Args:
            source: a path, or a binary file.
            labels: as for `predict`.
            prior: likewise.
            every_s: seconds from one frame to the next; all frames if None.
            start_s: no frame that is shown earlier.
            end_s: no frame that is shown then or later.
            stream: which of the file's video streams, from 0; the one with the largest pictures if None.
            rate: frames a second, of images in a folder.

        Yields:
            The values by column, see `watching.moment_columns`. What cannot be read is a last row with an error.

        Raises:
            LabelError: as `predict` does.
            MienError: PyAV or SciPy is missing: `pip install 'mien[video]'`; or times or a rate that cannot be.
        """
        from mien.watching import Moment, Wanted, described, watch

        spoken = self._asked(labels, prior, "detect")
        moments = watch(self, source, described(source), spoken, prior, Wanted(every_s, start_s, end_s, stream, rate))
        return (row for moment in moments if isinstance(moment, Moment) for row in moment.rows(spoken))

    def _asked(self, labels: Labels, prior: Prior, crop: Crop) -> LabelSet:
        """The label set to answer in, where what is asked for can be had."""
        spoken = self.spoken(labels)
        self.expected(prior, spoken)
        check_crop(crop)
        return spoken

    def _stream(
        self, sources: Iterable[ImageSource], labels: LabelSet, prior: Prior, crop: Crop, strict: bool
    ) -> Iterator[Prediction]:
        iterator, size, lock = iter(enumerate(sources)), 1, Lock()

        def read(chunk: list[tuple[int, ImageSource]]) -> list[Prediction]:
            nonlocal size
            began = thread_time()
            turn = lock if 2 * len(chunk) > CHUNK else nullcontext()  # small ones are mostly Python's work
            with turn, quiet_pillow():  # once, and not for each image
                found = [self._find(*source, crop) for source in chunk]
                crops = self._crops(found)
            said = self._said(crops)
            with turn:
                predictions = self._told(found, crops, said, [labels] * len(chunk), prior)
            size = max(1, min(CHUNK, int(len(chunk) * CHUNK_S / max(thread_time() - began, 1e-6))))
            return predictions

        for predictions in ahead(read, iter(lambda: list(islice(iterator, size)), []), self._threads):
            for prediction in predictions:
                yield _checked(prediction, strict)

    def _find(self, number: int, source: ImageSource, crop: Crop) -> Found:
        """As `find`, for the source of that number."""
        try:
            return self.find(source, crop)
        except SourceError as error:
            raise SourceError(f"source {number}: {error}") from error

    def find(self, source: ImageSource, crop: Crop = "auto") -> Found:
        """The first half of `predict`: read an image and find its faces. Safe to call from several threads.

        Returns:
            Its size, its faces and their crops, or an error (see `answers.Found`).

        Raises:
            MienError: there is no such crop.
            SourceError: the source can be no image.
        """
        check_crop(crop)
        name = describe(source)
        try:
            with bounded(_bytes(source, self.limits)):
                found = cut(source, crop, self.detector, self.preprocess, self.limits)
        except ImageError as error:
            return Found(name, error=str(error))
        return Found(name, found.size, found.faces, found.crops, notes=found.notes)

    def express(self, found: Sequence[Found], labels: Sequence[LabelSet], prior: Prior = TRAINING) -> list[Prediction]:
        """The second half of `predict`: read the faces of any number of images, all in one go.

        Args:
            found: what `find` gave.
            labels: for each of them, the label set to answer in, from `spoken`.
            prior: as for `expected`, of all of them.

        Returns:
            A prediction an image.

        Raises:
            LabelError: as `expected` does.
            MienError: `found` is something else, or there are more or fewer label sets.
        """
        _check_found(found, labels)
        crops = self._crops(found)
        return self._told(found, crops, self._said(crops), labels, prior)

    def express_with_features(
        self, found: Sequence[Found], labels: Sequence[LabelSet], prior: Prior = TRAINING
    ) -> tuple[list[Prediction], NDArray[np.float32]]:
        """As `express`, and by the same run of the network the `features` of all faces. Raises as these."""
        _check_found(found, labels)
        crops = self._crops(found)
        logits, features = self.logits_and_features(crops)
        return self._told(found, crops, (logits, self._covers(crops)), labels, prior), features

    def _crops(self, found: Sequence[Found]) -> Pixels:
        """The crops of all faces, one after the other."""
        return self.preprocess.batch([crop for each in found for crop in each.crops])

    def _said(self, crops: Pixels) -> Said:
        """What the networks say of crops: logits by head, and what is hidden of each."""
        return self._network.logits(self.preprocess.tensor(crops)), self._covers(crops)

    def _told(
        self, found: Sequence[Found], crops: Pixels, said: Said, labels: Sequence[LabelSet], prior: Prior
    ) -> list[Prediction]:
        """What was said of the crops of images, as `express` gives it."""
        logits, hidden = said
        seen = list(map(Seen, sharpness(crops).tolist(), hidden))
        heads = {spoken: self.artifact.head_for(spoken) for spoken in set(labels)}
        told = {spoken: answers(logits, self.artifact, spoken, self.expected(prior, spoken)) for spoken in heads}
        predictions, at = [], 0
        for each, spoken in zip(found, labels, strict=True):
            end = at + len(each.crops)
            predictions.append(predicted(each, told[spoken][at:end], seen[at:end], heads[spoken], spoken))
            at = end
        return predictions

    def predict_crops(
        self, crops: Sequence[Pixels] | Pixels, *, labels: Labels = None, prior: Prior = TRAINING
    ) -> list[Prediction]:
        """Read face crops that are in memory already, such as those of a dataset; each is one whole face.

        Args:
            crops: see `Preprocess`; best as one array, (n, size, size) uint8, for there is nothing to be joined then.
            labels: as for `predict`.
            prior: likewise.

        Returns:
            A prediction a crop.

        Raises:
            ImageError: the crops are not as the model takes them.
            LabelError: as `predict` does.
        """
        spoken, batch = self._asked(labels, prior, "whole"), self.preprocess.batch(crops)
        size = self.preprocess.size, self.preprocess.size
        faces = (whole_face(*size),)

        def read(at: int) -> list[Prediction]:
            part = batch[at : at + CHUNK]
            found = [Found("<array>", size, faces, (crop,)) for crop in part]
            return self._told(found, part, self._said(part), [spoken] * len(part), prior)

        chunks = ahead(read, range(0, len(batch), CHUNK), self._threads)
        return [prediction for predictions in chunks for prediction in predictions]

    def logits(self, crops: Sequence[Pixels] | Pixels) -> dict[str, NDArray[np.float32]]:
        """What the network says of crops (see `Preprocess`): logits by head, shape (n, emotions).

        Where the model tells what is no face, that is one head more, `face`.

        Raises:
            ImageError: the crops are not as the model takes them.
        """
        return self._network.logits(self.preprocess.tensor(crops), self._threads)

    def features(self, crops: Sequence[Pixels] | Pixels) -> NDArray[np.float32]:
        """The network's last feature map of crops (see `Preprocess`), shape (n, values, height, width).

        Its mean over height and width describes an expression in numbers: for search, for clusters, or for a
        classifier of one's own.

        Raises:
            ImageError: the crops are not as the model takes them.
            MienError: the model has none: it flattens its features, or an older mien exported it.
        """
        return self.logits_and_features(crops)[1]

    def logits_and_features(
        self, crops: Sequence[Pixels] | Pixels
    ) -> tuple[dict[str, NDArray[np.float32]], NDArray[np.float32]]:
        """Both `logits` and `features` of crops, by one run of the network. Raises as `features`."""
        return self._network.logits_and_features(self.preprocess.tensor(crops), self._threads)

    def probabilities(
        self, crops: Sequence[Pixels] | Pixels, labels: Labels = None, prior: Prior = TRAINING
    ) -> NDArray[np.float64]:
        """Calibrated probabilities of crops (see `Preprocess`) over a label set, shape (n, len(labels)).

        Raises:
            ImageError: the crops are not as the model takes them.
            LabelError: as `predict` does.
        """
        spoken = self.spoken(labels)
        head, shares = self.artifact.head_for(spoken), self.expected(prior, spoken)
        return head.label_set.project(head.probabilities(self.logits(crops)[head.labels], shares), spoken)

    def expected(self, prior: Prior, labels: LabelSet) -> dict[str, float] | None:
        """The share of each emotion that answers in a label set expect, together 1; None for the mix of training.

        Args:
            labels: from `spoken`.

        Raises:
            LabelError: that is no prior for the label set, or no label set; or the model does not know what it was
                trained on.
        """
        if not isinstance(labels, LabelSet):
            raise LabelError(f"expected a label set, from `spoken`; got {labels!r}")
        shares = shares_of(prior, labels)
        if shares is not None:
            self.artifact.head_for(labels).weights(shares)
        return shares

    def speaking(self, head: str) -> Recognizer:
        """The same reader, that answers by one of its heads alone; they share the network.

        Raises:
            LabelError: there is no such head; the message lists those there are.
        """
        other = copy(self)
        other.artifact = self.artifact.speaking(head)
        other.labels = other.artifact.heads[0].label_set
        return other

    def spoken(self, labels: str | LabelSet | None) -> LabelSet:
        """The label set that answers are in when this one is asked for.

        Args:
            labels: a label set or its name; the model's own if None.

        Raises:
            LabelError: there is no such set, or the model cannot speak it.
        """
        if labels is None:
            return self.labels
        if not isinstance(labels, str | LabelSet):
            kind = type(labels).__name__
            raise LabelError(f"expected a label set, its name, or mien.LabelSet(name, emotions); got {kind}")
        own = {head.labels: head.label_set for head in self.artifact.manifest.heads}
        wanted = (
            labels if isinstance(labels, LabelSet) else own.get(labels) or label_set(labels, self.artifact.label_sets)
        )
        self.artifact.head_for(wanted)
        return wanted


def load(
    name_or_path: str | os.PathLike[str] | None = None,
    *,
    detector: Detector | None = None,
    threads: int = 1,
    limits: Limits = LIMITS,
) -> Recognizer:
    """A `Recognizer`. The process keeps some freed memory for the next photo (see `memory.keep_memory`).

    Args:
        name_or_path: a model that comes with mien (see `mien models`), or an artifact's folder; the default if None.
        detector: finds the faces; BlazeFace if None.
        threads: see `Recognizer`.
        limits: how big an image may be, or a frame of a video.

    Raises:
        ArtifactError: there is no such model, or it is incomplete, altered or too new; lists every fault.
        DetectorError: as `Recognizer` does.
        MienError: likewise.
    """
    keep_memory()
    return Recognizer(artifacts.find(name_or_path), detector, threads, limits)


def opened(model: Model) -> Recognizer:
    """A recognizer as it is, or what `load` makes of a name, a path or None. Raises as `load`."""
    return model if isinstance(model, Recognizer) else load(model)


def _is_one(source: Any) -> bool:
    """Whether this is one image, and no iterable of images; what is neither is one mistake."""
    one = (str, bytes, bytearray, memoryview, os.PathLike)
    iterable = isinstance(source, Iterable)
    return not iterable or isinstance(source, one) or hasattr(source, "read") or hasattr(source, "__array__")


def _check_found(found: Any, labels: Any) -> None:
    """Raises `MienError` where these are not images that were read, and a label set for each."""
    if not (isinstance(found, Sequence) and all(isinstance(each, Found) for each in found)):
        raise MienError(f"found is a list of what `find` gave; got {found!r}")
    if not (isinstance(labels, Sequence) and all(isinstance(each, LabelSet) for each in labels)):
        raise MienError(f"labels is a list of label sets, from `spoken`; got {labels!r}")
    if len(labels) != len(found):
        raise MienError(f"labels has a label set for each of what `find` gave; got {len(labels)} for {len(found)}")


def _checked(prediction: Prediction, strict: bool) -> Prediction:
    if strict and prediction.error is not None:
        raise ImageError(f"{prediction.source}: {prediction.error}")
    return prediction


def _bytes(source: ImageSource, limits: Limits) -> int:
    """How many bytes of a file will be read; 0 of what is in memory already, or cannot be told."""
    try:
        return min(os.stat(source).st_size, limits.max_bytes) if isinstance(source, str | os.PathLike) else 0
    except (OSError, ValueError):  # for `open_picture` to say why
        return 0

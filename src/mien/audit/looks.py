"""One look at every image of a dataset: whether it can be read and shows one face, well framed, and what the network
makes of that face.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.answers import BLURRED, Seen, spoilt
from mien.cores import ahead
from mien.crops import Crop, cut
from mien.datasets.base import Dataset
from mien.datasets.copies import Fingerprint, Fingerprints, fingerprint, gathered
from mien.detect import Detector, blaze_of
from mien.errors import ImageError
from mien.face import Face, framing, sharpness, whole_face
from mien.image import Pixels
from mien.intake import ImageSource
from mien.memory import bounded
from mien.picture import Picture, open_picture
from mien.preprocess import Preprocess
from mien.recognizer import Recognizer

CHUNK = 32  # images that go through the network together

SECOND = 0.5  # of the largest face's side; a smaller one beside it is a passer-by
LEAST, LARGEST = 0.6, 1.5  # of a face crop's side, what the frame of its face takes in 99% of FER2013's (see `framing`)
ASIDE = 0.2  # of that side: the middles of both are no further apart in 99%

Values = NDArray[np.float32]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Look:
    """What was seen of an image.

    Args:
        unreadable: why it cannot be read; empty if it can.
        blank: whether it is of one colour all over.
        faced: whether there is a face, or a face crop, that is not blank.
        second: how large the second face is beside the largest, 0..1; 0 without one.
        spoilt: what is wrong with the frame or the look of the largest.
    """

    unreadable: str = ""
    blank: bool = False
    faced: bool = False
    second: float = 0.0
    spoilt: tuple[str, ...] = ()


@dataclass(frozen=True)
class Looks:
    """What was seen of a dataset's images.

    Args:
        images: each, in the dataset's order.
        rows: places of those with a face, (n,).
        features: of these faces, the mean of the network's last feature map, (n, values).
        logits: of these faces by head, (n, emotions).
    """

    images: tuple[Look, ...]
    rows: NDArray[np.int64]
    features: Values
    logits: Mapping[str, Values]


def look(
    recognizer: Recognizer, dataset: Dataset, crop: Crop, threads: int, progress: Progress
) -> tuple[Looks, Fingerprints]:
    """Looks at every image once, on so many threads; and takes the fingerprints of those that can be read.

    Raises:
        MienError: the model gives no features (see `Recognizer.features`).
    """

    def read(start: int) -> tuple[list[_Seen], dict[str, Values], Values]:
        seen = [_look(recognizer, each.source, crop) for each in dataset.examples[start : start + CHUNK]]
        crops = [each.crop for each in seen if each.crop is not None]
        logits, features = recognizer.logits_and_features(crops)
        return seen, logits, features.mean((2, 3))

    images, prints = list[Look](), list[Fingerprint | None]()
    features, logits = list[Values](), list[dict[str, Values]]()
    for seen, said, found in ahead(read, range(0, len(dataset), CHUNK), threads):
        images += [each.look for each in seen]
        prints += [each.fingerprint for each in seen]
        features.append(found)
        logits.append(said)
        progress(len(images), len(dataset))
    rows = np.flatnonzero([image.faced for image in images])
    heads = {head: np.concatenate([each[head] for each in logits]) for head in logits[0]}
    return Looks(tuple(images), rows, np.concatenate(features), heads), gathered(prints)


class _Seen(NamedTuple):
    """What was seen of an image, its fingerprint, and the crop of its largest face."""

    look: Look
    fingerprint: Fingerprint | None = None
    crop: Pixels | None = None


def _look(recognizer: Recognizer, source: ImageSource, crop: Crop) -> _Seen:
    """What is seen of an image, or why it cannot be read."""
    try:
        with bounded(0):  # its file is little beside its pixels
            picture = open_picture(source, recognizer.limits)
            known = fingerprint(picture)
            return _of_picture(recognizer, picture, crop)._replace(fingerprint=known)
    except ImageError as error:
        return _Seen(Look(unreadable=str(error)))


def _of_picture(recognizer: Recognizer, picture: Picture, crop: Crop) -> _Seen:
    """As `_look`, without the fingerprint. Raises `ImageError` where finer pixels cannot be read."""
    detector, preprocess = recognizer.detector, recognizer.preprocess
    found = cut(picture, crop, detector, preprocess)
    if not found.crops:
        (pixels,) = cut(picture, "whole", detector, preprocess).crops
        return _Seen(Look(blank=_blank(pixels)))
    pixels = found.crops[0]
    if _blank(pixels):
        return _Seen(Look(blank=True))
    whole = found.faces == (whole_face(*found.size),)
    faces = _in_crop(detector, preprocess, picture) if crop == "whole" else () if whole else found.faces
    second = faces[1].side / faces[0].side if len(faces) > 1 else 0.0
    (sharp,) = sharpness(pixels[np.newaxis]).tolist()
    told = _spoilt_crop(faces, found.size, sharp) if whole else spoilt(found.faces[0], found.size, Seen(sharp))
    return _Seen(Look(faced=True, second=second if second >= SECOND else 0.0, spoilt=tuple(told)), crop=pixels)


def _in_crop(detector: Detector, preprocess: Preprocess, picture: Picture) -> tuple[Face, ...]:
    """The faces in a face crop. Where one look shows a face that is well framed, no others are looked for."""
    if blaze := blaze_of(detector):
        faces = tuple(blaze.filling(picture))
        if not any(_framed(faces, picture.size)):
            return faces
    return cut(picture, "detect", detector, preprocess).faces


def _spoilt_crop(faces: Sequence[Face], size: tuple[int, int], sharp: float) -> Iterator[str]:
    """What is wrong with a face crop, by its size, the faces that were found in it, and how sharp it is."""
    yield from _framed(faces, size)
    if sharp < BLURRED:
        yield "blurred"


def _framed(faces: Sequence[Face], size: tuple[int, int]) -> Iterator[str]:
    """What is wrong with its frame."""
    if not faces:
        yield "the detector finds no face"
        return
    frame, longer = framing(faces[0]), max(size)
    if not LEAST <= frame.side / longer <= LARGEST:
        yield f"its face takes {frame.side / longer:.0%} of the frame"
    if max(abs(at - length / 2) for at, length in zip(frame.centre_xy, size, strict=True)) > ASIDE * longer:
        yield "its face lies aside"


def _blank(crop: Pixels) -> bool:
    return bool((crop == crop[0, 0]).all())

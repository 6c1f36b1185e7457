"""One look at every image of a dataset: whether it can be read and shows one face, well framed, and what the network
makes of that face.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.answers import BLURRED, Found, Seen, spoilt
from mien.cores import ahead
from mien.crops import Crop
from mien.datasets.base import Dataset
from mien.face import Face, framing, sharpness, whole_face
from mien.image import Pixels
from mien.intake import ImageSource
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


def look(recognizer: Recognizer, dataset: Dataset, crop: Crop, threads: int, progress: Progress) -> Looks:
    """Looks at every image, on so many threads.

    Raises:
        MienError: the model gives no features (see `Recognizer.features`).
    """

    def read(start: int) -> tuple[list[Look], Values, dict[str, Values]]:
        seen = [_look(recognizer, each.source, crop) for each in dataset.examples[start : start + CHUNK]]
        crops = [pixels for image, pixels in seen if pixels is not None and image.faced]
        features = recognizer.features(crops).mean((2, 3))
        return [image for image, _ in seen], features, recognizer.logits(crops)

    images, features, logits = list[Look](), list[Values](), list[dict[str, Values]]()
    for seen, found, said in ahead(read, range(0, len(dataset), CHUNK), threads):
        images += seen
        features.append(found)
        logits.append(said)
        progress(len(images), len(dataset))
    rows = np.flatnonzero([image.faced for image in images])
    heads = {head: np.concatenate([each[head] for each in logits]) for head in logits[0]}
    return Looks(tuple(images), rows, np.concatenate(features), heads)


def _look(recognizer: Recognizer, source: ImageSource, crop: Crop) -> tuple[Look, Pixels | None]:
    """What was seen of an image, and the crop of its largest face."""
    found = recognizer.find(source, crop)
    if found.error is not None:
        return Look(unreadable=found.error), None
    if not found.crops:
        (pixels,) = recognizer.find(source, "whole").crops
        return Look(blank=_blank(pixels)), None
    if _blank(found.crops[0]):
        return Look(blank=True), None
    whole = found.faces == (whole_face(*found.size),)
    faces = recognizer.find(source, "detect").faces if crop == "whole" else () if whole else found.faces
    second = _side(faces[1]) / _side(faces[0]) if len(faces) > 1 else 0.0
    (sharp,) = sharpness(found.crops[0][np.newaxis]).tolist()
    told = _framed(found, faces, sharp) if whole else spoilt(found.faces[0], found.size, Seen(sharp))
    return Look(faced=True, second=second if second >= SECOND else 0.0, spoilt=tuple(told)), found.crops[0]


def _framed(found: Found, faces: Sequence[Face], sharp: float) -> Iterator[str]:
    """What is wrong with a face crop, by the faces that were found in it, and how sharp it is."""
    if not faces:
        yield "the detector finds no face"
    else:
        frame, longer = framing(faces[0]), max(found.size)
        if not LEAST <= frame.side / longer <= LARGEST:
            yield f"its face takes {frame.side / longer:.0%} of the frame"
        middle = [length / 2 for length in found.size]
        if max(abs(at - by) for at, by in zip(frame.centre_xy, middle, strict=True)) > ASIDE * longer:
            yield "its face lies aside"
    if sharp < BLURRED:
        yield "blurred"


def _blank(crop: Pixels) -> bool:
    return bool((crop == crop[0, 0]).all())


def _side(face: Face) -> float:
    x0, y0, x1, y1 = face.box_xyxy
    return min(x1 - x0, y1 - y0)

"""Photos or face crops: which of them a dataset's images are, how they are cropped for that, and their crops.

How the frame of a face crop is told from that of a photo was measured: docs/crops.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from mien.crops import CROP_SIDE, CROPS, NO_FACE, Crop, check_crop, cut
from mien.datasets.base import Dataset, read_all, spread
from mien.detect import BlazeFace, Detector
from mien.errors import ImageError
from mien.face import framing
from mien.image import Pixels
from mien.intake import ImageSource
from mien.picture import LEAST, Picture, open_picture
from mien.preprocess import Preprocess
from mien.wording import counted

FILLS = 0.85  # of the longer side: a face whose crop takes as much fills the frame
SAMPLE = 64  # images looked at

CROP_WORDS: Mapping[Crop, str] = {
    "auto": "the largest face found in each, and small ones whole",
    "detect": "the largest face found in each",
    "whole": "each whole, as a face crop",
}
"""What is taken of a dataset's images."""


@dataclass(frozen=True)
class CropChoice:
    """How a dataset's images are cropped, and why."""

    crop: Crop
    reason: str


def load_crops(
    dataset: Dataset, preprocess: Preprocess, crop: Crop, detector: Detector | None = None
) -> tuple[Dataset, Pixels, dict[str, str]]:
    """Of every image of a dataset the face that counts, the largest.

    Args:
        dataset: what to read.
        preprocess: how crops are.
        crop: see `cut`.
        detector: finds the faces; BlazeFace if None.

    Returns:
        As `load_pixels`; an image in which no face was found is left out as an unreadable one is.

    Raises:
        DataError: there is not one crop.
    """
    return read_all(dataset, crop_reader(preprocess, crop, detector))


def crop_reader(
    preprocess: Preprocess, crop: Crop, detector: Detector | None = None
) -> Callable[[ImageSource], Pixels]:
    """What reads the crop of a source's largest face; it raises `ImageError`, also where there is none.

    Arguments are those of `load_crops`.
    """
    finder = detector or BlazeFace()

    def largest(source: ImageSource) -> Pixels:
        found = cut(source, crop, finder, preprocess, most=1)
        if not found.crops:
            raise ImageError(f"{NO_FACE} (crop {crop})")
        return found.crops[0]

    return largest


def choose_crop(crop: Crop | None, dataset: Dataset, detector: Detector | None = None) -> CropChoice:
    """The crop that was asked for, or else the usual one (see `usual_crop`). Raises `MienError`: there is no such."""
    if crop is None:
        return usual_crop(dataset, detector)
    check_crop(crop)
    return CropChoice(crop, "as asked for")


def trained_crop(data: Mapping[str, Any]) -> Crop:
    """The crop that a run or a model was trained with, by what it tells of its data; older ones took images whole."""
    return next(crop for crop in CROPS if crop == data.get("crop", "whole"))


def usual_crop(dataset: Dataset, detector: Detector | None = None, sample: int = SAMPLE) -> CropChoice:
    """`whole` for a dataset of face crops and `auto` for one of photos, by most of a few images.

    An image is a face crop where its shorter side has at most 96 px, or where the face fills the frame: what would be
    cut out for it is 0.85 of the longer side or more. A photo without a face is a photo.

    Args:
        dataset: of which a few images are looked at, evenly spread, and each no finer than 384 px.
        detector: finds the faces; BlazeFace if None.
        sample: how many images.
    """
    shares, small, unread = list[float](), 0, 0
    finder: Detector | None = detector
    for example in spread(dataset, sample).examples:
        try:
            picture = open_picture(example.source)
            if min(picture.size) <= CROP_SIDE:
                small += 1
            else:
                finder = finder or BlazeFace()
                shares.append(_share(picture, finder))
        except ImageError:
            unread += 1
    filled, part = [each for each in shares if each >= FILLS], [each for each in shares if 0 < each < FILLS]
    none = len(shares) - len(filled) - len(part)
    crops, photos = small + len(filled), len(part) + none
    seen = [
        (small, f"{small} {'is' if small == 1 else 'are'} small ({CROP_SIDE} px at most)"),
        (len(filled), f"in {len(filled)} a face fills the frame"),
        (len(part), f"in {len(part)} a face takes part of the frame (usually {median(part or [0]):.0%} of its side)"),
        (none, f"in {none} no face was found"),
        (unread, f"{unread} cannot be read"),
    ]
    told = f"of {counted(crops + photos + unread, 'image')} looked at, " + ", ".join(
        words for count, words in seen if count
    )
    return CropChoice("whole", f"face crops: {told}") if crops > photos else CropChoice("auto", f"photos: {told}")


def _share(picture: Picture, detector: Detector) -> float:
    """How much of an image's longer side the crop of its largest face would take; 0 where no face is found."""
    image = picture.copy(max(1, max(picture.size) // LEAST))[0].convert("RGB")
    image.thumbnail((LEAST, LEAST))
    faces = detector.detect(np.asarray(image))
    return framing(faces[0]).side / max(image.size) if faces else 0.0

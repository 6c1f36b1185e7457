"""Crops: from an image to the faces in it, cut out as a network sees them. Reading, judging and training share it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from mien.detect import Detector, blaze_of
from mien.errors import MienError
from mien.face import Face, whole_face
from mien.image import Pixels
from mien.intake import LIMITS, ImageSource, Limits
from mien.picture import Picture, open_picture
from mien.preprocess import Preprocess

Crop = Literal["auto", "detect", "whole"]
CROPS: tuple[Crop, ...] = ("auto", "detect", "whole")

CROP_SIDE = 96  # px; an image whose shorter side is no longer is taken for a face crop, if no face is found

NO_FACE = "no face was found"


def check_crop(crop: object) -> None:
    """Raises `MienError` where there is no such crop."""
    if not (isinstance(crop, str) and crop in CROPS):
        raise MienError(f"crop is one of {', '.join(CROPS)}; got {crop!r}")


class Cut(NamedTuple):
    """What an image gave: its width and height, its faces, the largest first, their crops, and notes on the file."""

    size: tuple[int, int]
    faces: tuple[Face, ...]
    crops: tuple[Pixels, ...]
    notes: tuple[str, ...]


def cut(
    source: ImageSource | Picture,
    crop: Crop,
    detector: Detector,
    preprocess: Preprocess,
    limits: Limits = LIMITS,
    most: int | None = None,
) -> Cut:
    """Read an image, find its faces, and cut them out.

    Args:
        source: what `read_image` takes, or a picture that is open already.
        crop: `detect` takes the faces that are found; `whole` the image as one face; `auto` detects, and takes an image
            with a side of at most 96 px as one face if none is found.
        detector: finds the faces.
        preprocess: how crops are.
        limits: how big the image may be.
        most: how many faces are wanted, the largest; all if None.

    Raises:
        ImageError: the image cannot be read.
    """
    blaze = blaze_of(detector)  # detectors of others are given the whole image
    whole = crop == "whole" or blaze is None
    picture = source if isinstance(source, Picture) else open_picture(source, limits, whole=whole)
    faces: list[Face] = []
    if crop != "whole":
        faces = blaze.search(picture) if blaze else detector.detect(picture.pixels)
    if crop == "whole" or (crop == "auto" and not faces and min(picture.size) <= CROP_SIDE):
        return Cut(picture.size, (whole_face(*picture.size),), (preprocess.whole(picture.copy(1)[0]),), picture.notes)
    return cut_out(picture, faces[:most], preprocess)


def cut_out(picture: Picture, faces: Sequence[Face], preprocess: Preprocess) -> Cut:
    """Cut faces out of an image.

    Args:
        faces: the largest first.
        preprocess: how crops are.

    Raises:
        ImageError: as `Picture.copy`.
    """
    crops = tuple(preprocess.face(picture, face) for face in faces)
    return Cut(picture.size, tuple(faces), crops, picture.notes)

"""A photo and its faces as pages show them: small, upright, unmarked, as JPEG."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import NamedTuple

from PIL import Image

from mien.face import Face, crop_face, whole_crop
from mien.image import Pixels
from mien.picture import Picture

LEAST, MOST = 640, 1280  # px, longer side of a photo that is shown: where it has so many, and where it has more
SIDE = 112  # px, of a face
QUALITY = 85


class Shown(NamedTuple):
    """JPEG files: the photo, its longer side at most 1280 px, and each face as it was read, 112 px, in their order."""

    picture: bytes = b""
    crops: tuple[bytes, ...] = ()


def show(picture: Picture, faces: Sequence[Face]) -> Shown:
    """A photo that was read, from a copy no finer than need be.

    Raises:
        ImageError: as `Picture.copy`.
    """
    copy, factor = picture.copy(max(1, max(picture.size) // LEAST))
    crops = tuple(_jpeg(Image.fromarray(_crop(copy, face, factor))) for face in faces)
    return Shown(_jpeg(copy.reduce(-(-max(copy.size) // MOST))), crops)


def _crop(copy: Image.Image, face: Face, factor: int) -> Pixels:
    if face.landmarks_xy:
        return crop_face(copy, face.reduced(factor), SIDE, gray=False)
    return whole_crop(copy, SIDE, gray=False)  # an image that was taken as one face


def _jpeg(image: Image.Image) -> bytes:
    stream = BytesIO()
    image.save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()

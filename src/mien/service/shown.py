"""A photo and its faces as pages show them: small, upright, unmarked, as JPEG.

They are made from the copy that was read, as coarse as it is: a finer one would take as long as reading it did.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import NamedTuple

from PIL import Image

from mien.face import Face, crop_face, whole_crop
from mien.image import Pixels
from mien.picture import FACTORS, Picture

MOST = 1280  # px, longer side of a photo that is shown
SIDE = 112  # px, of a face
QUALITY = 85


class Shown(NamedTuple):
    """JPEG files: the photo, its longer side at most 1280 px, and each face as it was read, 112 px, in their order."""

    picture: bytes = b""
    crops: tuple[bytes, ...] = ()


def show(picture: Picture, faces: Sequence[Face]) -> Shown:
    """A photo that was read, and its faces."""
    copy, factor = picture.copy(max(FACTORS))
    crops = (_jpeg(Image.fromarray(_crop(copy, face.reduced(factor)))) for face in faces)
    smaller = -(-max(copy.size) // MOST)
    return Shown(_jpeg(copy.reduce(smaller) if smaller > 1 else copy), tuple(crops))


def _crop(image: Image.Image, face: Face) -> Pixels:
    if face.landmarks_xy:
        return crop_face(image, face, SIDE, gray=False, quick=True)
    return whole_crop(image, SIDE, gray=False)  # one that was taken as a face


def _jpeg(image: Image.Image) -> bytes:
    stream = BytesIO()
    image.save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()

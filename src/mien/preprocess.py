"""From an image to the network's input: the one copy that training and inference share.

Networks take pixels as they are, uint8 0..255, and hold their own normalisation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mien.face import Face, crop_face, whole_crop
from mien.image import Pixels


@dataclass(frozen=True)
class Preprocess:
    """Crops of one size.

    Args:
        size: side of the square gray crop in px.
    """

    size: int = 48

    def face(self, image: Pixels, face: Face) -> Pixels:
        """The crop of a face in an image (H, W, 3), shape (size, size); see `face.crop_face`."""
        return crop_face(image, face, self.size)

    def whole(self, image: Pixels) -> Pixels:
        """The crop of an image (H, W, 3) that is itself a face crop, shape (size, size)."""
        return whole_crop(image, self.size)

    def tensor(self, crops: Sequence[Pixels] | Pixels) -> Pixels:
        """Crops as one batch, shape (n, 1, size, size) uint8; n may be 0."""
        return np.asarray(crops, np.uint8).reshape(len(crops), 1, self.size, self.size)

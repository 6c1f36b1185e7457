"""From an image to the network's input: the one copy that training and inference share.

Networks take pixels as they are, uint8 0..255, and hold their own normalisation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from mien.errors import ImageError
from mien.face import Face, crop_face, reduction, whole_crop
from mien.image import Pixels
from mien.picture import Picture

Colour = Literal["gray", "rgb"]


@dataclass(frozen=True)
class Preprocess:
    """Crops of one size and colour: (size, size) if gray, else (size, size, 3).

    Args:
        size: side of the square crop in px.
        colour: `gray` or `rgb`.
    """

    size: int = 48
    colour: Colour = "gray"

    def face(self, picture: Picture, face: Face) -> Pixels:
        """The crop of a face in a picture; see `face.crop_face`. Raises as `Picture.copy`."""
        image, factor = picture.copy(reduction(face, self.size))
        return crop_face(image, face.reduced(factor), self.size, gray=self.colour == "gray")

    def whole(self, image: Pixels | Image.Image) -> Pixels:
        """The crop of an image that is itself a face crop; see `face.whole_crop`."""
        return whole_crop(image, self.size, gray=self.colour == "gray")

    def batch(self, crops: Iterable[Pixels] | Pixels) -> Pixels:
        """Crops one after the other, shape (n, size, size) or (n, size, size, 3) uint8; n may be 0.

        Raises:
            ImageError: they are no arrays of uint8, or of another shape.
        """
        shape = (self.size, self.size) if self.colour == "gray" else (self.size, self.size, 3)
        if not isinstance(crops, Iterable):
            raise ImageError(f"crops are uint8 arrays of shape {shape}, several of them; got {type(crops).__name__}")
        given = crops if isinstance(crops, np.ndarray) else list(crops)
        for crop in given[:1] if isinstance(given, np.ndarray) else given:
            if not isinstance(crop, np.ndarray):
                raise ImageError(f"crops are uint8 arrays of shape {shape}, got {type(crop).__name__}")
            if crop.dtype != np.uint8 or crop.shape != shape:
                raise ImageError(f"crops are uint8 of shape {shape}, got {crop.dtype} of shape {crop.shape}")
        return np.asarray(given, np.uint8).reshape(-1, *shape)

    def tensor(self, crops: Sequence[Pixels] | Pixels) -> Pixels:
        """Crops as the network takes them, shape (n, 1 or 3, size, size) uint8. Raises as `batch`."""
        batch = self.batch(crops)
        return np.ascontiguousarray(batch[:, np.newaxis] if batch.ndim == 3 else batch.transpose(0, 3, 1, 2))

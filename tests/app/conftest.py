"""One real photo that any installation has: scikit-image's astronaut, who is happy."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from skimage import data as images


@pytest.fixture(scope="session")
def astronaut() -> bytes:
    """The photo as a JPEG, 512 x 512 px."""
    stream = BytesIO()
    pixels = np.asarray(images.astronaut())  # type: ignore[no-untyped-call]
    Image.fromarray(pixels).save(stream, "JPEG", quality=95)
    return stream.getvalue()

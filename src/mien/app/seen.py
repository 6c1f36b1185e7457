"""What is on a person's page: each image read once, however often the page is made anew, and gone with its place on it.

Images are read ahead by threads that all pages share, in the order they stand in. What a face looks like is asked
again for every label set and prior, once; its photo is not.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from io import BytesIO

import streamlit as st
from PIL import Image

from mien.answers import Found
from mien.cores import cores
from mien.crops import Crop
from mien.errors import ImageError
from mien.explain import explain_all
from mien.intake import UPLOADS, ImageSource
from mien.labels import LabelSet
from mien.memory import bounded
from mien.picture import open_picture
from mien.prediction import Prediction
from mien.recognizer import Recognizer

LARGEST = 1000  # px, longer side of a photo on the page; a quarter of what many phones take, which is quick to have
QUALITY = 85


@dataclass(frozen=True)
class Seen:
    """An image that was read.

    Args:
        found: its faces, or why it could not be read.
        picture: a JPEG of it, small enough for the page; empty where it cannot be shown.
        crops: a PNG of what the network sees of each face.
    """

    found: Found
    picture: bytes = b""
    crops: tuple[bytes, ...] = ()


class Shelf:
    """What was read for one person, by whatever tells an image, its model and its crop apart."""

    def __init__(self) -> None:
        self._seen: dict[Hashable, Future[Seen]] = {}
        self._told: dict[tuple[Hashable, str, str], Prediction] = {}
        self._explained: dict[tuple[Hashable, str, str], Prediction] = {}

    def keep(self, reader: Recognizer, crop: Crop, images: Mapping[Hashable, ImageSource]) -> None:
        """Begin to read the images that are new, and forget all others."""
        for key in self._seen.keys() - images.keys():
            self._seen.pop(key).cancel()
        self._told = {of: told for of, told in self._told.items() if of[0] in images}
        self._explained = {of: told for of, told in self._explained.items() if of[0] in images}
        for key, image in images.items():
            if key not in self._seen:
                self._seen[key] = _threads().submit(look, reader, image, crop)

    def seen(self, key: Hashable) -> Seen:
        """An image that is kept, as soon as it is read."""
        return self._seen[key].result()

    def told(self, key: Hashable, reader: Recognizer, labels: LabelSet, prior: str, name: str) -> Prediction:
        """What is said of an image that is kept, in a label set, expecting a prior, under a name."""
        asked = key, labels.name, prior
        if asked not in self._told:
            (prediction,) = reader.express([self.seen(key).found], [labels], prior)
            self._told[asked] = replace(prediction, source=name)
        return self._told[asked]

    def explained(self, key: Hashable, reader: Recognizer, labels: LabelSet, prior: str, name: str) -> Prediction:
        """As `told`, with what each answer hangs on."""
        asked, told = (key, labels.name, prior), self.told(key, reader, labels, prior, name)
        if asked not in self._explained:
            self._explained[asked] = explain_all(reader, self.seen(key).found, told, labels, prior)
        return self._explained[asked]

    def clear(self) -> None:
        """Forget all images."""
        while self._seen:
            self._seen.popitem()[1].cancel()
        self._told.clear()
        self._explained.clear()

    def __len__(self) -> int:
        return len(self._seen)


def shelf() -> Shelf:
    """That of the person whose page is made."""
    kept: Shelf = st.session_state.setdefault("shelf", Shelf())
    return kept


def forget() -> None:
    """Keep nothing of what this person's pages showed."""
    shelf().clear()


def look(reader: Recognizer, image: ImageSource, crop: Crop) -> Seen:
    """Read an image, and make it small enough for the page."""
    found = reader.find(image, crop)
    if found.error is not None:
        return Seen(found)
    try:
        picture = _small(image, found.size)
    except ImageError:  # its faces were found in a smaller copy than its file can give
        picture = b""
    return Seen(found, picture, tuple(encoded(Image.fromarray(each), "PNG") for each in found.crops))


def _small(image: ImageSource, size: tuple[int, int]) -> bytes:
    with bounded(0):
        picture = open_picture(image, UPLOADS).copy(max(1, max(size) // LARGEST))[0].copy()
    picture.thumbnail((LARGEST, LARGEST), Image.Resampling.BILINEAR)
    return encoded(picture, "JPEG")


def encoded(picture: Image.Image, form: str) -> bytes:
    """A picture as the bytes of a file, JPEG or PNG."""
    stream = BytesIO()
    picture.save(stream, form, quality=QUALITY)
    return stream.getvalue()


@st.cache_resource(show_spinner=False)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(cores(), "reading")

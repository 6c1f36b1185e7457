"""One reader of expressions in its own environment, where `peers.py` runs this file (for Node there is `reader.cjs`).

    python reader.py READER [PHOTO]

It reads a photo and ends, or answers each line of JSON, `{"path", "crop"}`, with one: `{"word", "faces", "ms"}`. A word
is the reader's own, of the largest face where it finds several, null where it finds none. Times are the processor's, so
that what else runs on the machine counts little: of a crop once it is decoded, of a photo with its decoding. What the
libraries print goes to stderr.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
Said = list[tuple[float, str]]
"""The faces of a photo: how large each is, and its word."""

os.environ |= {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1"}


class Reader(Protocol):
    """A library, as its manual says it is used."""

    def crop(self, pixels: Pixels) -> str:
        """The word for a face crop, RGB (H, W, 3)."""
        ...

    def photo(self, path: str) -> Said:
        """The faces in an image file."""
        ...


class Mien:
    def __init__(self, labels: str | None = None) -> None:
        import mien

        self._model, self._labels = mien.load(), labels

    def crop(self, pixels: Pixels) -> str:
        (reading,) = self._model.predict(pixels, labels=self._labels, crop="whole").faces
        return reading.expression.label

    def photo(self, path: str) -> Said:
        faces = self._model.predict(path, labels=self._labels).faces
        return [(area(each.face.box_xyxy), each.expression.label) for each in faces]


class Fer:
    """Crops are brought to its network as `detect_emotions` does it: 64 x 64 px, -1 to 1."""

    def __init__(self) -> None:
        from fer.fer import FER  # type: ignore[import-not-found]

        self._model = FER()
        self._names = list(FER._get_labels().values())

    def crop(self, pixels: Pixels) -> str:
        import cv2  # type: ignore[import-not-found]

        large = cv2.resize(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), (64, 64)).astype(np.float32)
        scores = self._model._classify_emotions(((large / 255 - 0.5) * 2)[np.newaxis])
        return str(self._names[int(np.argmax(scores[0]))])

    def photo(self, path: str) -> Said:
        import cv2

        found = self._model.detect_emotions(cv2.imread(path))
        return [(float(np.prod(each["box"][2:])), most(each["emotions"])) for each in found]


class Facex:
    def __init__(self) -> None:
        import facex  # type: ignore[import-not-found]

        self._model = facex.EmotionClassifier(str(Path(facex.__file__).parent / "assets" / "model_optimized.tflite"))

    def crop(self, pixels: Pixels) -> str:
        return most(self._model.detect_emotion(np.asarray(Image.fromarray(pixels).convert("L"))))

    def photo(self, path: str) -> Said:
        import cv2

        return [
            (float(np.prod(each["bbox"][2:])), most(each["emot"])) for each in self._model.predict(cv2.imread(path))
        ]


class Facemood:
    """Its one function reads the camera. This does with an image what that does with a frame: it looks for no face."""

    _NAMES = ("Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise", "Neutral")

    def __init__(self) -> None:
        import facemood  # type: ignore[import-not-found]
        import tensorflow  # type: ignore[import-untyped]

        weights = Path(facemood.__file__).parent / "model__version1.0.0__.h5"
        self._model = tensorflow.keras.models.load_model(weights)

    def crop(self, pixels: Pixels) -> str:
        frame = np.asarray(Image.fromarray(pixels).resize((170, 170))) / 255.0
        return self._NAMES[int(np.argmax(self._model.predict(frame[np.newaxis], verbose=0)))]

    def photo(self, path: str) -> Said:
        with Image.open(path) as image:
            return [(1, self.crop(np.asarray(image.convert("RGB"))))]


class PyEmotion:
    """Of several faces it tells one, the last that it found."""

    def __init__(self) -> None:
        from PyEmotion import DetectFace  # type: ignore[import-not-found]

        self._model = DetectFace(device="cpu", gpu_id=0)

    def crop(self, pixels: Pixels) -> str:
        return str(self._model._predict(np.array(Image.fromarray(pixels).convert("L"))))

    def photo(self, path: str) -> Said:
        import cv2

        _, word = self._model.predict_emotion(cv2.imread(path))
        return [] if word == "NoFace" else [(1, word)]


READERS: dict[str, Callable[[], Reader]] = {
    "mien": Mien,
    "mien-fer7": lambda: Mien("fer7"),
    "fer": Fer,
    "facex": Facex,
    "facemood": Facemood,
    "PyEmotion": PyEmotion,
}


def main() -> None:
    name, *given = sys.argv[1:]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {random.choice(sorted(os.sched_getaffinity(0)))})
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    reader: Reader = READERS[name]()
    for path in given:
        reader.photo(path)
    if not given:
        for line in sys.stdin:
            print(json.dumps(answer(reader, **json.loads(line))), file=answers)


def answer(reader: Reader, path: str, crop: bool) -> dict[str, Any]:
    if crop:
        with Image.open(path) as image:
            pixels = np.array(image.convert("RGB"))
        begun = time.process_time()
        said: Said = [(1, reader.crop(pixels))]
    else:
        begun = time.process_time()
        said = reader.photo(path)
    ms = 1000 * (time.process_time() - begun)
    return {"word": max(said)[1] if said else None, "faces": len(said), "ms": ms}


def area(box_xyxy: tuple[float, float, float, float]) -> float:
    left, top, right, bottom = box_xyxy
    return (right - left) * (bottom - top)


def most(scores: dict[str, float]) -> str:
    return max(scores, key=lambda word: scores[word])


if __name__ == "__main__":
    main()

"""One library under test, in its own environment: `peers.py` runs this file there. Prints JSON.

    python subject.py mien|fer|fer-float32 crops CROPS.npy | photos PHOTO... | cold PHOTO

Everything is on one core. Crops are (n, 48, 48) uint8; an answer is the name of the most probable emotion.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

BATCH = 64
SECONDS = 3.0  # for each figure

os.environ |= {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}


class Subject(Protocol):
    """A library, as its manual says it is used."""

    def read(self, crops: NDArray[np.uint8]) -> list[dict[str, str]]:
        """The most probable emotion of each crop, by label set."""
        ...

    def network(self, crops: NDArray[np.uint8]) -> Callable[[], Any]:
        """The network alone, ready to run on crops that are prepared already."""
        ...

    def photo(self, path: str) -> int:
        """Read a photo file; the number of faces found."""
        ...


class Mien:
    def __init__(self) -> None:
        import mien

        self._model = mien.load()

    def read(self, crops: NDArray[np.uint8]) -> list[dict[str, str]]:
        logits = self._model.logits(crops)
        heads = self._model.artifact.manifest.heads
        said = {head.labels: head.probabilities(logits[head.labels]).argmax(1) for head in heads}
        return [{head.labels: head.emotions[said[head.labels][row]] for head in heads} for row in range(len(crops))]

    def network(self, crops: NDArray[np.uint8]) -> Callable[[], Any]:
        from mien.network import Network

        network, pixels = Network(self._model.artifact), self._model.preprocess.tensor(crops)
        return lambda: network.run(pixels)

    def photo(self, path: str) -> int:
        return len(self._model.predict(path).faces)


class Fer:
    def __init__(self, small: bool) -> None:
        from fer.fer import FER  # type: ignore[import-not-found]

        self._model = FER(use_tflite=small)
        self._names = list(FER._get_labels().values())

    def _prepared(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        import cv2  # type: ignore[import-not-found]

        large = np.stack([cv2.resize(crop, (64, 64)) for crop in crops]).astype(np.float32)
        return np.asarray((large / 255 - 0.5) * 2, np.float32)

    def read(self, crops: NDArray[np.uint8]) -> list[dict[str, str]]:
        scores = np.concatenate(
            [np.asarray(self._model._classify_emotions(self._batch(part))) for part in batches(crops)]
        )
        return [{"fer7": self._names[position]} for position in scores.argmax(1)]

    def _batch(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        prepared = self._prepared(crops)
        return prepared if self._model.use_tflite else prepared[..., np.newaxis]

    def network(self, crops: NDArray[np.uint8]) -> Callable[[], Any]:
        prepared = self._batch(crops)
        return lambda: self._model._classify_emotions(prepared)

    def photo(self, path: str) -> int:
        import cv2

        return len(self._model.detect_emotions(cv2.imread(path)))


def main() -> None:
    name, job, *given = sys.argv[1:]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    subject: Subject = Mien() if name == "mien" else Fer(small=name == "fer")
    match job:
        case "cold":
            told: Any = subject.photo(given[0])
        case "photos":
            told = {path: {"faces": subject.photo(path), "ms": ms(partial(subject.photo, path))} for path in given}
        case "crops":
            crops = np.load(given[0])
            told = {
                "answers": subject.read(crops),
                "network, one face": ms(subject.network(crops[:1])),
                "network, 64 faces": ms(subject.network(crops[:BATCH])) / BATCH,
                "a crop's answer, one face": ms(lambda: subject.read(crops[:1])),
                "a crop's answer, 64 faces": ms(lambda: subject.read(crops[:BATCH])) / BATCH,
            }
        case _:
            sys.exit(f"no job {job!r}")
    print(json.dumps(told))


def batches(crops: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    return [crops[at : at + BATCH] for at in range(0, len(crops), BATCH)]


def ms(step: Callable[[], Any]) -> float:
    """Median milliseconds."""
    step()
    times, ends = list[float](), time.perf_counter() + SECONDS
    while time.perf_counter() < ends or len(times) < 3:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


if __name__ == "__main__":
    main()

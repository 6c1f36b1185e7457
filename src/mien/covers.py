"""What hides a part of a face: masks, dark glasses, hands, hair, half of a face in the dark; by a small network.

It looks at crops alone, whatever model reads them. `tools/train_covers.py` trains it, on FER2013's training images over
which such things are drawn; `benchmarks/covered.py` prints how often it notices others (docs/robustness.md).
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from mien.face import small_gray
from mien.metrics import softmax
from mien.packaged import weights
from mien.prediction import percent
from mien.runtime import Session

PARTS = ("clear", "eyes", "mouth", "half")
WORDS = {"eyes": "eyes covered", "mouth": "mouth covered", "half": "half of the face covered"}
SIDE = 48  # px of what it sees
BATCH = 64  # faces in one run
WEIGHTS = "covers.onnx", "70078817662824ab80c946bf6b1126cb9c49d24821ceeb24a285159997de7e03"
LIMIT = 0.608  # chance of a cover from which it counts: one in fifty of held-out training images as they come has it


class Covers:
    """Tells what of a face is hidden. It may be used by several threads at once.

    Raises:
        DetectorError: the packaged weights are missing or damaged.
    """

    def __init__(self) -> None:
        self._session = Session(partial(weights, *WEIGHTS))

    def __call__(self, crops: NDArray[np.uint8]) -> list[str | None]:
        """What is hidden of each face, in words with its chance, such as `eyes covered (93%)`; None of clear ones.

        Args:
            crops: (n, size, size) gray, or (n, size, size, 3) RGB.
        """
        chances = self.chances(crops)
        parts = chances[:, 1:].argmax(1) + 1
        return [
            f"{WORDS[PARTS[part]]} ({percent(hidden)})" if hidden >= LIMIT else None
            for part, hidden in zip(parts.tolist(), (1 - chances[:, 0]).tolist(), strict=True)
        ]

    def chances(self, crops: NDArray[np.uint8]) -> NDArray[np.float64]:
        """The chance of each of `PARTS`, (n, 4). Crops are as above."""
        seen = small_gray(crops, SIDE)[:, np.newaxis]
        batches = [seen[at : at + BATCH] for at in range(0, len(seen), BATCH)]
        logits = [self._session.here.run(None, {"pixels": batch})[0] for batch in batches]
        return softmax(np.concatenate([np.empty((0, len(PARTS)), np.float32), *logits]))

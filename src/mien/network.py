"""The network of an artifact, in ONNX Runtime: pixels in, logits and features out; on one thread a run.

Logits of heads that listen to others are told as they are then (see `heads.Stacking`).

What a face gets does not hang on its neighbours in a batch.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.artifact import FEATURES, INPUT, OUTPUT, Artifact
from mien.cores import ahead
from mien.errors import ArtifactError, MienError
from mien.heads import stacked
from mien.image import Pixels
from mien.runtime import Session

BATCH = 32  # faces in one run

Floats = NDArray[np.float32]


class Network:
    """An artifact's network; safe to call from several threads.

    Args:
        artifact: the model.
        listening: whether heads that listen to others do so; else logits are what the network says by itself.

    Raises:
        ArtifactError: the file cannot be loaded, or has not the inputs and outputs that the manifest names.
    """

    def __init__(self, artifact: Artifact, *, listening: bool = True) -> None:
        manifest = artifact.manifest
        self._name, self._heads = artifact.name, manifest.heads if listening else ()
        self._widths = {head: len(emotions) for head, emotions in manifest.outputs.items()}
        subject = f"{artifact.folder} is not a usable model"
        try:
            self._session = Session(partial(getattr, artifact, "onnx"))
        except Exception as error:
            raise ArtifactError(subject, [f"model.onnx cannot be loaded: {error}"]) from error
        if faults := self._faults(manifest.channels, manifest.size):
            raise ArtifactError(subject, faults)

    def run(self, pixels: Pixels, *more: str) -> list[Floats]:
        """What the file says of a batch (n, channels, size, size) uint8: logits (n, emotions) by head; what is more."""
        outputs = [*(OUTPUT + head for head in self._widths), *more]
        told: list[Floats] = self._session.here.run(outputs, {INPUT: pixels})
        return told

    def logits(self, pixels: Pixels, threads: int = 1) -> dict[str, Floats]:
        """Logits by head, (n, emotions), of any number of crops (n, channels, size, size) uint8; n may be 0."""
        empty = [np.empty((0, width), np.float32) for width in self._widths.values()]
        batches = ahead(self.run, _batches(pixels), threads)
        told = map(np.concatenate, zip(empty, *batches, strict=True))
        return stacked(self._heads, dict(zip(self._widths, told, strict=True)))

    def logits_and_features(self, pixels: Pixels, threads: int = 1) -> tuple[dict[str, Floats], Floats]:
        """As `logits`, and by the same run the last feature map, (n, values, height, width).

        Raises:
            MienError: the model has none.
        """
        if FEATURES not in (output.name for output in self._session.here.get_outputs()):
            raise MienError(f"model {self._name!r} gives no feature map")
        batches = ahead(lambda batch: self.run(batch, FEATURES), _batches(pixels) or [pixels], threads)
        *logits, features = map(np.concatenate, zip(*batches, strict=True))
        return stacked(self._heads, dict(zip(self._widths, logits, strict=True))), features

    def _faults(self, channels: int, size: int) -> list[str]:
        """How the file differs from what the manifest promises."""
        inputs = {each.name: _form(each) for each in self._session.here.get_inputs()}
        outputs = {each.name: _form(each) for each in self._session.here.get_outputs()}
        faults = []
        taken = {INPUT: f"tensor(uint8) [n, {channels}, {size}, {size}]"}
        if inputs != taken:
            faults.append(f"model.onnx takes {inputs}, model.json promises {taken}")
        promised = {OUTPUT + head: f"tensor(float) [n, {width}]" for head, width in self._widths.items()}
        if any(outputs.get(name) != form for name, form in promised.items()):
            faults.append(f"model.onnx gives {outputs}, model.json promises {promised}")
        return faults


def _form(node: Any) -> str:
    """Type and shape of an input or output; the batch is `n` where it may be of any size."""
    batch, *rest = node.shape or ["scalar"]
    shown = ["n" if isinstance(batch, str | None) else batch, *rest]
    return f"{node.type} [{', '.join(map(str, shown))}]"


def _batches(pixels: Pixels) -> list[Pixels]:
    return [pixels[at : at + BATCH] for at in range(0, len(pixels), BATCH)]

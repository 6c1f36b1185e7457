"""Quantisation: a network whose products are of 8-bit integers, a quarter as big and about three times as fast.

Activations are unsigned and weights signed with a scale a channel: ONNX Runtime is slow with any other pairing. Weights
use 7 of their 8 bits, because processors without VNNI add two products in 16 bits. The ranges of activations are means
over batches, so that no single image decides them.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.artifact import INPUT
from mien.image import Pixels

BATCH = 64


def quantise(onnx: bytes, samples: Pixels) -> bytes:
    """A network in 8-bit integers (static, quantise-dequantise form).

    Args:
        onnx: the network in float32.
        samples: (n, channels, size, size) uint8, images like those it will see; their activations set the ranges.
    """
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Batches(CalibrationDataReader):  # type: ignore[misc]
        """The samples, as the quantiser asks for them."""

        def __init__(self) -> None:
            self._left: Iterator[Pixels] = iter([samples[at : at + BATCH] for at in range(0, len(samples), BATCH)])

        def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
            batch = next(self._left, None)
            return None if batch is None else {INPUT: batch}

    with tempfile.TemporaryDirectory() as folder:
        plain, prepared, small = (Path(folder) / name for name in ("plain.onnx", "prepared.onnx", "small.onnx"))
        plain.write_bytes(onnx)
        quant_pre_process(str(plain), str(prepared), skip_symbolic_shape=True)
        level = logging.getLogger().level
        logging.getLogger().setLevel(logging.ERROR)  # it recommends what has just been done
        try:
            quantize_static(
                str(prepared),
                str(small),
                Batches(),
                per_channel=True,
                reduce_range=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                extra_options={"CalibMovingAverage": True},
            )
        finally:
            logging.getLogger().setLevel(level)
        return small.read_bytes()

"""Quantisation: a network whose products are of 8-bit integers, a quarter as big and about three times as fast.

Activations are unsigned and weights signed with a scale a channel: ONNX Runtime is slow with any other pairing. Weights
use 7 of their 8 bits, because processors without VNNI add two products in 16 bits. The ranges of activations are means
over batches, so that no single image decides them. Logits are not rounded, and pixels are 8-bit integers already: where
a network measures them from a whole number, they enter as they are.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mien.artifact import INPUT
from mien.files import naming
from mien.image import Pixels

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

BATCH = 64
_MOVES = ("Reshape", "Transpose")


def quantise(onnx: bytes, samples: Pixels) -> bytes:
    """A network in 8-bit integers (static, quantise-dequantise form).

    Args:
        onnx: the network in float32.
        samples: (n, channels, size, size) uint8, images like those it will see; their activations set the ranges.
    """
    import onnx as package
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Batches(CalibrationDataReader):  # type: ignore[misc]
        """The samples, as the quantiser asks for them."""

        def __init__(self) -> None:
            self._left: Iterator[Pixels] = iter([samples[at : at + BATCH] for at in range(0, len(samples), BATCH)])

        def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
            batch = next(self._left, None)
            return None if batch is None else {INPUT: batch}

    with tempfile.TemporaryDirectory() as folder, naming(Path(folder)):
        plain, prepared, small = (Path(folder) / name for name in ("plain.onnx", "prepared.onnx", "small.onnx"))
        plain.write_bytes(onnx)
        quant_pre_process(str(plain), str(prepared), skip_symbolic_shape=True)
        graph = package.load(prepared).graph
        entry = _entry(graph)
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
                nodes_to_exclude=[node.name for node in graph.node if node.op_type == "Concat"],  # a sigmoid's logits
                extra_options={
                    "CalibMovingAverage": True,
                    "OpTypesToExcludeOutputQuantization": ["Gemm"],
                    "TensorQuantOverrides": {entry.tensor: [entry.numbers]} if entry else {},
                },
            )
        finally:
            logging.getLogger().setLevel(level)
        model = package.load(small)
        if entry:
            _enter(model.graph, entry)
        return bytes(model.SerializeToString())


@dataclass(frozen=True)
class _Entry:
    """How pixels come to the first layer that is quantised, where rounding changes none of them.

    Args:
        tensor: what that layer takes.
        nodes: names of those that make floats of pixels, and measure these: `(pixels - zero_point) * scale`.
        numbers: `scale` and `zero_point`.
    """

    tensor: str
    nodes: tuple[str, ...]
    numbers: dict[str, NDArray[Any]]


def _entry(graph: GraphProto) -> _Entry | None:
    """The entry of a network in float32; None where pixels do not come as whole numbers to it."""
    from onnx.numpy_helper import to_array

    constants = {each.name: to_array(each) for each in graph.initializer}
    zero, scale, tensor, nodes = 0.0, 1.0, INPUT, list[str]()
    while len(users := _users(graph, tensor)) == 1 and users[0].op_type in ("Cast", "Sub", "Div", *_MOVES):
        (node,) = users
        if node.op_type == "Sub":
            zero = float(constants[node.input[1]])
        if node.op_type == "Div":
            scale = 1 / float(constants[node.input[1]])
        if node.op_type not in _MOVES:
            nodes.append(node.name)
        (tensor,) = node.output
    if not zero.is_integer() or not 0 <= zero <= 255 or "Conv" not in [node.op_type for node in users]:
        return None
    return _Entry(tensor, tuple(nodes), {"scale": np.array(scale, np.float32), "zero_point": np.array(zero, np.uint8)})


def _enter(graph: GraphProto, entry: _Entry) -> None:
    """Let pixels come in as they are: what is left out would give each of them its own number."""
    (rounding,) = (node for node in _users(graph, entry.tensor) if node.op_type == "QuantizeLinear")
    left_out = {node.output[0]: node.input[0] for node in graph.node if node.name in entry.nodes}
    left_out[rounding.output[0]] = rounding.input[0]
    kept = [node for node in graph.node if node.output[0] not in left_out]
    for node in kept:
        for place, tensor in enumerate(node.input):
            while tensor in left_out:
                tensor = left_out[tensor]
            node.input[place] = tensor
    del graph.node[:]
    del graph.value_info[:]  # notes of what was floats
    graph.node.extend(kept)


def _users(graph: GraphProto, tensor: str) -> list[NodeProto]:
    return [node for node in graph.node if tensor in node.input]

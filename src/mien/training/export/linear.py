"""What the heads of a network are: their weights and biases, read out of its ONNX file as it computes with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.artifact import FEATURES, OUTPUT

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

Floats = NDArray[np.float32]


def head_weights(onnx: bytes, heads: Mapping[str, int]) -> bytes:
    """The content of an artifact's `heads.bin` (see `artifact`); empty where the network gives no feature map.

    Args:
        onnx: one network, whose heads are linear in the mean of the map that it gives.
        heads: how many emotions each has, in the manifest's order.
    """
    from onnx import load_from_string

    graph = load_from_string(onnx).graph
    if FEATURES not in [output.name for output in graph.output]:
        return b""
    return (
        np.vstack([_head(graph, OUTPUT + name, emotions) for name, emotions in heads.items()]).astype("<f4").tobytes()
    )


def _head(graph: GraphProto, output: str, emotions: int) -> Floats:
    """(emotions, values + 1): weights and biases of one head."""
    gemm = _before(graph, output, "Gemm")
    transposed = any(attribute.name == "transB" and attribute.i for attribute in gemm.attribute)
    weights, *biases = (_constant(graph, name) for name in gemm.input[1:])
    rows = weights if transposed else weights.T
    rows = np.column_stack([rows, biases[0] if biases else np.zeros(len(rows))])  # the exporter leaves out zeros
    return np.pad(rows, ((emotions - len(rows), 0), (0, 0)))  # one logit for two emotions is the second's


def _before(graph: GraphProto, tensor: str, kind: str) -> NodeProto:
    """The last node of a kind that a tensor comes from."""
    made: dict[str, NodeProto] = {output: node for node in graph.node for output in node.output}
    while made[tensor].op_type != kind:
        tensor = next(name for name in reversed(made[tensor].input) if name in made)
    return made[tensor]


def _constant(graph: GraphProto, name: str) -> Floats:
    """The value of a tensor that does not hang on the pixels: as it is in the file, or of 8-bit integers."""
    from onnx.numpy_helper import to_array

    values = {tensor.name: to_array(tensor) for tensor in graph.initializer}
    if name in values:
        return np.asarray(values[name], np.float32)
    (node,) = (node for node in graph.node if name in node.output)
    whole, scale, zero = (values[each].astype(np.float32) for each in node.input)
    if scale.ndim:  # one an emotion
        axis = next(attribute.i for attribute in node.attribute if attribute.name == "axis")
        scale, zero = (np.moveaxis(each.reshape(-1, *[1] * (whole.ndim - 1)), 0, axis) for each in (scale, zero))
    return np.asarray((whole - zero) * scale, np.float32)

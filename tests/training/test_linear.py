"""What heads are, read out of ONNX files as exporters and quantisers write them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from onnx import NodeProto, TensorProto, helper, numpy_helper

from mien.training.export.linear import head_weights

WEIGHTS = np.array([[1, -2], [3, 4], [0, 5]], np.float32)
BIAS = np.array([0.5, 0, -1], np.float32)
ROWS = [[1, -2, 0.5], [3, 4, 0], [0, 5, -1]]


def file(nodes: Sequence[NodeProto], tensors: dict[str, np.ndarray], *outputs: str) -> bytes:
    """A network with a head, `logits_moods`, behind `nodes` that take `mean`."""
    made = [
        helper.make_node("Cast", ["pixels"], ["features"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["features", "axes"], ["mean"], keepdims=0),
        *nodes,
    ]
    constants = {"axes": np.array([2, 3])} | tensors
    graph = helper.make_graph(
        made,
        "head",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", 2, 3, 3])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return bytes(helper.make_model(graph).SerializeToString())


def gemm(output: str, transposed: int) -> NodeProto:
    return helper.make_node("Gemm", ["mean", "weights", "bias"], [output], transB=transposed)


AS_EXPORTED = gemm("logits_moods", 1)
INTEGERS = helper.make_node("DequantizeLinear", ["whole", "scale", "zero"], ["weights"], axis=0)
EACH = {
    "whole": np.array([[2, -4], [3, 4], [0, 10]], np.int8),
    "scale": np.array([0.5, 1, 0.5], np.float32),
    "zero": np.zeros(3, np.int8),
}
ALL = {
    "whole": np.array([[3, -3], [7, 9], [1, 11]], np.int8),
    "scale": np.array(0.5, np.float32),
    "zero": np.array(1, np.int8),
}
ONE = {"weights": WEIGHTS[1:2], "bias": BIAS[1:2], "nothing": np.zeros((1, 1), np.float32)}
JOINED = helper.make_node("Concat", ["zero", "second"], ["logits_moods"], axis=1)
ZERO = helper.make_node("Mul", ["second", "nothing"], ["zero"])


@pytest.mark.parametrize(
    ("nodes", "tensors", "rows"),
    [
        ([AS_EXPORTED], {"weights": WEIGHTS, "bias": BIAS}, ROWS),
        ([gemm("logits_moods", 0)], {"weights": WEIGHTS.T, "bias": BIAS}, ROWS),
        ([INTEGERS, AS_EXPORTED], EACH | {"bias": BIAS}, ROWS),
        ([INTEGERS, AS_EXPORTED], ALL | {"bias": BIAS}, ROWS),
        ([gemm("second", 1), ZERO, JOINED], ONE, [[0, 0, 0], [3, 4, 0]]),
    ],
    ids=["as exported", "the other way round", "integers by emotion", "integers", "one logit for two"],
)
def test_heads_are_read(nodes: Sequence[NodeProto], tensors: dict[str, np.ndarray], rows: list[list[float]]) -> None:
    content = head_weights(file(nodes, tensors, "logits_moods", "features"), {"moods": len(rows)})
    assert np.frombuffer(content, "<f4").reshape(len(rows), -1).tolist() == rows


def test_without_a_map_there_is_nothing_to_tell() -> None:
    flat = file([AS_EXPORTED], {"weights": WEIGHTS, "bias": BIAS}, "logits_moods")
    assert head_weights(flat, {"moods": 3}) == b""

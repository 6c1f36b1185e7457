#!/usr/bin/env bash
# Subject:  OpenCV 5.0.0 (`cv2.dnn`) and OpenVINO 2026.4.1, ONNX networks that make their picture smaller by Resize
# Guess:    Answers are ONNX Runtime's, or the network is refused, as OpenCV refuses `axes` and a kept aspect ratio.
# Happens:  `antialias=1` is passed over by both, in silence: the picture is sampled as without it, linear and cubic, by sizes and by
#           scales. What is noise on a face of 224 pixels stays noise at 48: fine stripes become bands. OpenCV also takes
#           the two sizes' ratio for the scale: where a half of 47 pixels is 23, all moves the further right the more, by a pixel at
#           the edge; of 224 by 0.214 four. Enlarging, and halves of even sizes, are right.
# Source:   https://onnx.ai/onnx/operators/onnx__Resize.html (`antialias`, and which scale holds);
#           https://github.com/openvinotoolkit/openvino/issues/35893, open (cubic alone)
# Matters:  Resize with `antialias` is there so that a network can bring its own preprocessing, as Pillow did it in training: what it
#           reads is then another picture, as though it was resized by `cv2.resize`. mien's networks are given faces of their size, which
#           Pillow has made (src/mien/face.py); where they resize, they enlarge.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export ORT_DISABLE_TELEMETRY=1
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check opencv-python-headless==5.0.0.93 openvino==2026.4.1 onnx==1.23.2 \
  onnxruntime==1.31.1 numpy==2.4.6 || { echo "not checked: no package"; exit 2; }
cd "$work"
"$work/env/bin/python" - <<'PY'
import sys

import cv2
import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper, numpy_helper

print("OpenCV", cv2.__version__, "- OpenVINO", openvino.__version__, "- ONNX Runtime", onnxruntime.__version__)


def resize(before, after, scale=None, **how):
    """A network of one layer, by the new size or by a scale."""
    named = "sizes" if scale is None else "scales"
    asked = np.array([1, 1, after, after]) if scale is None else np.array([1, 1, scale, scale], np.float32)
    node = helper.make_node("Resize", ["in", "", "", "sizes"] if scale is None else ["in", "", "scales"], ["out"], **how)
    sides = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, side, side]) for name, side in (("in", before), ("out", after))
    ]
    model = helper.make_model(
        helper.make_graph([node], "network", sides[:1], sides[1:], [numpy_helper.from_array(asked, named)]),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
    )
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def by_onnxruntime(model, picture):
    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, {"in": picture})[0]


def by_opencv(model, picture):
    network = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
    network.setInput(picture)
    return network.forward()


def by_openvino(model, picture):
    with open("network.onnx", "wb") as file:
        file.write(model)
    network = openvino.Core().compile_model("network.onnx", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return network(picture, share_inputs=False)[0]


def off(one, other):
    return float(np.abs(one - other).max())


OTHERS = {"OpenCV": by_opencv, "OpenVINO": by_openvino}
noise = np.random.default_rng(0).random((224, 224), np.float32) * 255
same = True
for before, after in ((112, 48), (224, 48), (48, 96)):
    picture = np.ascontiguousarray(noise[None, None, :before, :before])
    for mode in ("linear", "cubic"):
        smooth, plain = (resize(before, after, mode=mode, antialias=antialias) for antialias in (1, 0))
        right, sampled = by_onnxruntime(smooth, picture), by_onnxruntime(plain, picture)
        told = []
        for name, answer in OTHERS.items():
            found = answer(smooth, picture)
            told.append(f"{name} {found.std():.0f}, off by {off(found, right):.0f}")
            same &= off(found, sampled) < 0.1 and off(answer(plain, picture), sampled) < 0.1
            same &= off(found, right) > 60 if after < before else off(found, right) < 0.1
        print(f"{before} to {after}, {mode}: the noise of {picture.std():.0f} is then {right.std():.0f}; by {'; by '.join(told)}")
stripes = np.tile((np.arange(224) % 2 * 255).astype(np.float32), (224, 1))[None, None]
for scale in (None, 48 / 224):
    model = resize(224, 48, scale, mode="linear", antialias=1)
    contrast = [float(np.ptp(answer(model, stripes)[0, 0, 24, 2:-2])) for answer in (by_onnxruntime, *OTHERS.values())]
    print(f"stripes, by {'sizes' if scale is None else 'scales'}: contrast {', '.join(f'{each:.0f}' for each in contrast)}")
    same &= contrast[0] < 60 < 150 < min(contrast[1:])
for before, scale, moved in ((47, 0.5, 1), (49, 0.5, 1), (48, 0.5, 0), (224, 0.214, 4)):
    ramp = np.tile(np.arange(before, dtype=np.float32), (before, 1))[None, None]
    after = int(before * scale)
    for mode in ("linear", "cubic"):
        model = resize(before, after, scale, mode=mode)
        ours, *theirs = (float(answer(model, ramp)[0, 0, after // 2, -2]) for answer in (by_onnxruntime, *OTHERS.values()))
        print(f"{before} by {scale}, {mode}: the last but one sees {ours:.1f}; by OpenCV {theirs[0]:.1f}, by OpenVINO {theirs[1]:.1f}")
        same &= abs(theirs[0] - ours - moved) < 0.3 and abs(theirs[1] - ours) < 0.01
refused = 0
for how in ({"axes": [2, 3]}, {"axes": [2, 3], "keep_aspect_ratio_policy": "not_larger"}):
    node = helper.make_node("Resize", ["in", "", "", "sizes"], ["out"], mode="linear", **how)
    sides = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, side, side]) for name, side in (("in", 112), ("out", 48))]
    graph = helper.make_graph([node], "network", sides[:1], sides[1:], [numpy_helper.from_array(np.array([48, 48]), "sizes")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    try:
        by_opencv(model.SerializeToString(), noise[None, None, :112, :112].copy())
    except cv2.error:
        refused += 1
print(f"OpenCV: {refused} of 2 networks with axes refused")
same &= refused == 2
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

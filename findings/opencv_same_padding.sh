#!/usr/bin/env bash
# Subject:  OpenCV 5.0.0, `cv2.dnn` of ONNX networks that pad by `auto_pad`, as converters from TensorFlow write it
# Guess:    Answers are ONNX Runtime's, but for the last digits, as they are with pads that are written out.
# Happens:  Above and at the left it always pads half of what the kernel has beyond one, whatever the picture's size, the strides and the
#           name: 1 for 3 x 3. That is right where strides are 1 and the kernel is odd. With strides of 2 and even sizes SAME_UPPER is to pad
#           nothing there: all that a layer sees moves by a pixel, after four layers by 15, in silence, and patches of 4 x 4 by 4, at
#           which nothing is padded, move too. So do both kinds of pooling. Pads that are written out are right.
# Source:   https://onnx.ai/onnx/operators/onnx__Conv.html (`auto_pad`: "In case the padding is an odd number, the extra padding is added
#           at the end for `SAME_UPPER` and at the beginning for `SAME_LOWER`"); https://github.com/opencv/opencv/pull/23319, merged
#           ("wrong generally but only fixed specifically for CANN for now")
# Matters:  Networks that find faces and points on them come from TensorFlow: marks move, and labels change, while the file is sound. Of
#           mien's networks the finders of faces have SAME_UPPER, for pooling by 2 x 2 alone, which OpenCV does right
#           (src/mien/assets/blazeface_short_range.onnx); all other pads are written out.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export ORT_DISABLE_TELEMETRY=1
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check opencv-python-headless==5.0.0.93 onnx==1.23.2 onnxruntime==1.31.1 numpy==2.4.6 ||
  { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import sys

import cv2
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

print("OpenCV", cv2.__version__, "- ONNX Runtime", onnxruntime.__version__)
rng = np.random.default_rng(0)


def layers(kind, size, side, stride, count=1, **pad):
    """A network of one channel that has so many layers of a kind."""
    mean = numpy_helper.from_array(np.full((1, 1, side, side), 1 / side**2, np.float32), "mean")
    weights = [mean] if kind == "Conv" else []
    names = ["in", *(f"at{number}" for number in range(1, count)), "out"]
    after = -(-size // stride**count)
    sides = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, length, length])
        for name, length in (("in", size), ("out", after))
    ]
    how = {"kernel_shape": [side] * 2, "strides": [stride] * 2, **pad}
    given = [each.name for each in weights]
    nodes = [helper.make_node(kind, [before, *given], [made], **how) for before, made in zip(names, names[1:])]
    model = helper.make_model(
        helper.make_graph(nodes, "network", sides[:1], sides[1:], weights),
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


def pads(size, side, stride, told):
    """What the standard says: rows before and behind."""
    rows = max((-(-size // stride) - 1) * stride + side - size, 0)
    less, more = rows // 2, rows - rows // 2
    return (less, more) if told == "SAME_UPPER" else (more, less)


CASES = (
    # size, side, stride, where OpenCV is off
    (48, 3, 1, set()),
    (47, 3, 2, set()),
    (48, 3, 2, {"SAME_UPPER"}),
    (48, 5, 2, {"SAME_UPPER"}),
    (48, 2, 1, {"SAME_LOWER"}),
    (48, 2, 2, set()),
    (48, 4, 4, {"SAME_UPPER", "SAME_LOWER"}),
)
same = True
for size, side, stride, wrong in CASES:
    for told in ("SAME_UPPER", "SAME_LOWER"):
        first, last = pads(size, side, stride, told)
        off = []
        for kind in ("Conv", "MaxPool", "AveragePool"):
            picture = rng.random((1, 1, size, size), np.float32)
            model = layers(kind, size, side, stride, auto_pad=told)
            written = layers(kind, size, side, stride, pads=[first, first, last, last])
            right = by_onnxruntime(model, picture)
            for answer in (by_onnxruntime(written, picture), by_opencv(written, picture)):
                same &= np.allclose(answer, right, atol=1e-5)
            off.append(float(np.abs(by_opencv(model, picture) - right).max()))
        print(
            f"{size} pixels, {side} x {side} by {stride}, {told}, {first} before and {last} behind: "
            f"off by {', '.join(f'{each:.2f}' for each in off)}"
        )
        same &= min(off) > 0.05 if told in wrong else max(off) < 1e-4

ramp = np.tile(np.arange(128, dtype=np.float32), (128, 1))[None, None]
for count in (1, 2, 3, 4):
    model = layers("Conv", 128, 3, 2, count, auto_pad="SAME_UPPER")
    middle = 64 >> count
    ours, theirs = (float(answer(model, ramp)[0, 0, middle, middle]) for answer in (by_onnxruntime, by_opencv))
    print(f"{count} layers: the middle sees pixel {ours:.2f}; by OpenCV {theirs:.2f}")
    same &= abs(ours - theirs - (2**count - 1)) < 0.01
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

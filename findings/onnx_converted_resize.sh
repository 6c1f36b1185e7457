#!/usr/bin/env bash
# Subject:  onnx 1.23.2, `version_converter.convert_version` of a network that enlarges by Resize of opset 10, or by Upsample
# Guess:    The network answers as before, or the conversion raises, as it does where an operator has no successor.
# Happens:  A new Resize takes pixels by their centres where nothing else is said, an old one by their corners, and nothing else is said:
#           what is enlarged linearly moves to the right and down, by half a pixel of the new size where that is twice the old one, by three
#           and a half where it is eight times. The checker passes it, ONNX Runtime runs it, and no warning comes. Enlarged twofold by
#           "nearest" it stays as it is.
# Source:   https://github.com/onnx/onnx/issues/8480, open (Resize); https://onnx.ai/onnx/operators/onnx__Resize.html (opset 11's default
#           is "half_pixel"); https://onnx.ai/onnx/api/version_converter.html
# Matters:  Networks that mark faces, or their parts, in maps enlarge coarse ones: marks move, and all else looks sound. mien's own are
#           exported at one opset and never converted (src/mien/training/learning/member.py: `OPSET`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export ORT_DISABLE_TELEMETRY=1
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check onnx==1.23.2 onnxruntime==1.31.1 numpy==2.4.6 ||
  { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper, version_converter

print("onnx", onnx.__version__, "- ONNX Runtime", onnxruntime.__version__)
LINE = np.array([[[[0, 10, 20, 30]]]], np.float32)
DOT = np.eye(1, 8, 3, dtype=np.float32)[None, None]


def network(kind, mode, opset, times=2, width=4):
    """One that makes a line so many times as long."""
    scales = numpy_helper.from_array(np.array([1, 1, 1, times], np.float32), "scales")
    shapes = {"in": [1, 1, 1, width], "out": [1, 1, 1, width * times]}
    sides = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    nodes = [helper.make_node(kind, ["in", "scales"], ["out"], mode=mode)]
    graph = helper.make_graph(nodes, "network", sides[:1], sides[1:], [scales])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def answer(model, line=LINE):
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"in": line})[0].ravel().tolist()


CORNERS = [0, 5, 10, 15, 20, 25, 30, 30]
CENTRES = [0, 2.5, 7.5, 12.5, 17.5, 22.5, 27.5, 30]
TWICE = [0, 0, 10, 10, 20, 20, 30, 30]
same = True
for kind, mode, opset, before, after in (
    ("Resize", "linear", 10, CORNERS, CENTRES),
    ("Upsample", "linear", 9, CORNERS, CENTRES),
    ("Resize", "nearest", 10, TWICE, TWICE),
):
    model = network(kind, mode, opset)
    print(f"{kind}, {mode}, opset {opset}: {answer(model)}")
    same &= answer(model) == before
    for newer in (11, 18, 21):
        converted = version_converter.convert_version(model, newer)
        resize = next(node for node in converted.graph.node if node.op_type == "Resize")
        told = [attribute.name for attribute in resize.attribute]
        print(f"  converted to {newer}: {answer(converted)}; it tells {', '.join(told)}")
        same &= answer(converted) == after and told == ["mode"]
for times, moved in ((2, 0.5), (8, 3.5)):
    model = network("Resize", "linear", 10, times, DOT.size)
    lines = [np.array(answer(each, DOT)) for each in (model, version_converter.convert_version(model, 18))]
    before, after = (float(line @ np.arange(len(line)) / line.sum()) for line in lines)
    print(f"a dot, {times} times as large: at {before:g}, converted at {after:g}")
    same &= round(after - before, 3) == moved
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

#!/usr/bin/env bash
# Subject:  onnx 1.23.2, its `ReferenceEvaluator` and batch normalisation before opset 14, in a network in use
# Guess:    It answers as the standard says, and each image by itself: that is what a reference is for.
# Happens:  In opsets 9 to 13 it normalises by nine parts of the mean and variance that the network has learned and one of those of the
#           images that it is given just now, as if it were being trained. What an image comes to depends on those beside it, and is up to a
#           sixth of a standard deviation off here. In opsets 7 and 8 it raises; from 14 on it is right, as ONNX Runtime is with all of them.
# Source:   https://github.com/onnx/onnx/pull/8442, open; https://onnx.ai/onnx/operators/text_diff_BatchNormalization_9_14.html (one output:
#           the network is in use); https://github.com/onnx/onnx/issues/5799, closed (whether it is right)
# Matters:  Exporters wrote these opsets for years. Who takes the reference for the truth calls ONNX Runtime wrong, or a network that he has
#           converted. mien asks it for constants alone (src/mien/training/learning/start.py: `_CONSTANT`), and compares networks
#           with PyTorch.
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
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

print("onnx", onnx.__version__, "- ONNX Runtime", onnxruntime.__version__)
images = np.random.default_rng(0).normal(3, 2, (4, 1, 8, 8)).astype(np.float32)
LEARNED = {"scale": 1, "bias": 0, "mean": 0, "variance": 4}
sides = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["images", 1, 8, 8]) for name in ("pixels", "out")]
right = images / np.sqrt(4 + 1e-5)


def network(opset):
    weights = [numpy_helper.from_array(np.array([value], np.float32), name) for name, value in LEARNED.items()]
    nodes = [helper.make_node("BatchNormalization", ["pixels", *LEARNED], ["out"])]
    graph = helper.make_graph(nodes, "network", sides[:1], sides[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def off(answers):
    """How far the furthest pixel is from what the standard says."""
    return round(float(np.abs(answers - right[: len(answers)]).max()), 3)


def by_reference(model, given):
    try:
        return ReferenceEvaluator(model).run(None, {"pixels": given})[0]
    except TypeError as error:
        return error


same = True
for opset in (8, 9, 13, 14, 15):
    model = network(opset)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    runtime = off(session.run(None, {"pixels": images})[0])
    together, alone = by_reference(model, images), by_reference(model, images[:1])
    same &= runtime < 1e-3
    if isinstance(together, TypeError):
        print(f"opset {opset}: ONNX Runtime is off by {runtime}; the reference raises {str(together)[:60]} ...")
        same &= opset == 8
        continue
    apart = round(float(np.abs(together[:1] - alone).max()), 3)
    print(f"opset {opset}: ONNX Runtime is off by {runtime}, the reference by {off(together)}; an image alone or beside others: {apart}")
    same &= (off(together) > 0.1 and apart > 0.01) if opset < 14 else (off(together) < 1e-3 and apart < 1e-3)
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

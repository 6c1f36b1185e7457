#!/usr/bin/env bash
# Subject:  ONNX Runtime 1.31.1, `quantize_static` with the extra options `CalibMaxIntermediateOutputs` and `CalibMovingAverageConstant`
# Guess:    As its documentation says: the first "will produce the same result as all computing with None, but is more memory efficient",
#           and the second is the "constant smoothing factor" of `CalibMovingAverage`.
# Happens:  With the first, each full lot of batches is thrown away before it is looked at. The ranges are those of what is left over
#           at the end: of eight batches and lots of three the last two. Where nothing is left over, "No data is collected". The second
#           changes nothing: the average is the plain mean of the batches.
# Source:   https://github.com/microsoft/onnxruntime/pull/20226, closed and not merged: "compute_data not run";
#           https://github.com/microsoft/onnxruntime/pull/17029 (the option), https://github.com/microsoft/onnxruntime/pull/10753 (the
#           average, an exponential one)
# Matters:  The ranges of a network's activations are learned from thousands of faces, and memory runs out: with the option they are
#           those of the last few, and a network that clips all others looks sound. mien's networks take the mean of all batches,
#           as they are, without either (src/mien/training/networks/quantise.py).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export ORT_DISABLE_TELEMETRY=1
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check onnxruntime==1.31.1 onnx==1.23.2 numpy==2.4.6 ||
    { echo "not checked: no package"; exit 2; }
cd "$work"
env/bin/python - <<'PY'
import logging
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

sides = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["faces", 1, 2, 2]) for name in ("pixels", "logits")]
weight = numpy_helper.from_array(np.ones((1, 1, 1, 1), np.float32), "weight")
nodes = [helper.make_node("Conv", ["pixels", "weight"], ["logits"], name="conv")]
graph = helper.make_graph(nodes, "network", sides[:1], sides[1:], [weight])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), "plain.onnx")
logging.getLogger().setLevel(logging.ERROR)


class Batches(CalibrationDataReader):
    """Batches of pixels of these values."""

    def __init__(self, values):
        self._left = iter(values)

    def get_next(self):
        value = next(self._left, None)
        return None if value is None else {"pixels": np.full((1, 1, 2, 2), value, np.float32)}


def most(values, **options):
    """The largest pixel that the network takes once it has seen such batches; or the error."""
    try:
        quantize_static(
            "plain.onnx", "small.onnx", Batches(values), activation_type=QuantType.QUInt8, extra_options=options
        )
    except ValueError as error:
        return str(error)
    scales = {each.name: numpy_helper.to_array(each) for each in onnx.load("small.onnx").graph.initializer}
    return round(float(scales["pixels_scale"]) * 255, 3)


print("ONNX Runtime", onnxruntime.__version__)
SEEN = [9, 1, 1, 1, 1, 1, 1, 2]
AVERAGE = {"CalibMovingAverage": True}
cases = {
    "all at once": (most(SEEN), 9),
    "in lots of 3": (most(SEEN, CalibMaxIntermediateOutputs=3), 2),
    "in lots of 5": (most(SEEN, CalibMaxIntermediateOutputs=5), 2),
    "in lots of 4": (most(SEEN, CalibMaxIntermediateOutputs=4), "No data is collected."),
    "average": (most(SEEN, **AVERAGE), sum(SEEN) / 8),
    "average, constant 0.5": (most(SEEN, **AVERAGE, CalibMovingAverageConstant=0.5), sum(SEEN) / 8),
    "average, constant 1": (most(SEEN, **AVERAGE, CalibMovingAverageConstant=1.0), sum(SEEN) / 8),
    "average, in lots of 3": (most(SEEN, **AVERAGE, CalibMaxIntermediateOutputs=3), 1.5),
}
print("eight batches, of pixels of", SEEN)
for what, (found, _) in cases.items():
    print(f"{what}, the largest that is taken: {found}")
same = all(found == described for found, described in cases.values())
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

#!/usr/bin/env bash
# Subject:  ONNX Runtime 1.31.1, arrays of the other byte order as inputs (Python, little-endian machines)
# Guess:    They are converted, as slices, transposed and read-only arrays are, or refused with a word, as by `torch.from_numpy`.
# Happens:  Their bytes are taken as they lie: 1 becomes 4.6e-41, and nothing is said. Of an array's type its byte order is not looked at.
# Source:   https://github.com/microsoft/onnxruntime/issues/26408, open, tells it of buffers of the Java interface;
#           https://onnxruntime.ai/docs/api/python/api_summary.html says that an input is a numpy array, and no more.
# Matters:  Big-endian floats come from FITS and TIFF, and from `.npy` of other machines. A network sees nothing of the face then,
#           and answers. mien's networks take bytes, which have no order (src/mien/network.py: `Network`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check onnx==1.23.2 onnxruntime==1.31.1 numpy==2.4.6 ||
    { echo "not checked: no package"; exit 2; }
ORT_DISABLE_TELEMETRY=1 "$work/env/bin/python" - <<'PY'
import sys

import numpy as np
import onnxruntime
from onnx import TensorProto, helper

if sys.byteorder != "little":
    print("not checked: this machine is big-endian")
    sys.exit(2)
ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 4]) for name in ("x", "y")]
graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "same", ends[:1], ends[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
print("ONNX Runtime", onnxruntime.__version__, "NumPy", np.__version__)
values = np.arange(1, 9, dtype=np.float32).reshape(2, 4)
given = {
    "as it is": values,
    "each other column": np.repeat(values, 2, 1)[:, ::2],
    "backwards": values[:, ::-1],
    "by columns": np.asfortranarray(values),
    "read-only": np.broadcast_to(values[:1], (2, 4)),
    "big-endian": values.astype(">f4"),
}
wrong = []
for name, array in given.items():
    (answer,) = session.run(None, {"x": array})
    print(f"{name:17} given {array[0]}, taken for {answer[0]}")
    wrong += [] if np.array_equal(answer, array) else [name]
same = wrong == ["big-endian"]
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

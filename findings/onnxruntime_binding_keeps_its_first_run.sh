#!/usr/bin/env bash
# Subject:  ONNX Runtime 1.31.1, `io_binding()`, an output that is bound by its name, for a network that takes any number of faces
# Guess:    Each run makes its output anew, as large as it must be: that way of binding is for shapes that are "not known in advance".
# Happens:  The first run's output is bound for good. A run of as many faces writes over it, and over the array that its `numpy()` gave:
#           the first photo's numbers become the second's. A run of more or fewer raises. `bind_output` before each run frees it;
#           `copy_outputs_to_cpu()` gives a copy.
# Source:   https://onnxruntime.ai/docs/performance/tune-performance/iobinding.html ("when the shape is not known in advance");
#           https://github.com/microsoft/onnxruntime/issues/8144 (outputs whose size changes)
# Matters:  Photos have one face, or five, or none. mien calls `run`, whose arrays are its own (src/mien/network.py).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export ORT_DISABLE_TELEMETRY=1
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check onnxruntime==1.31.1 onnx==1.23.2 numpy==2.4.6 ||
    { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import sys

import numpy as np
import onnxruntime
from onnx import TensorProto, helper

sides = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["faces", 2]) for name in ("pixels", "logits")]
graph = helper.make_graph([helper.make_node("Neg", ["pixels"], ["logits"])], "network", sides[:1], sides[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
options = onnxruntime.SessionOptions()
options.log_severity_level = 4
session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def photo(faces, value):
    return np.full((faces, 2), value, np.float32)


def again(faces, bind):
    """What the first photo's numbers are after a second one; and the second's shape, or the kind of error."""
    binding = session.io_binding()
    binding.bind_output("logits")
    binding.bind_cpu_input("pixels", photo(2, 1))
    session.run_with_iobinding(binding)
    first, copied = binding.get_outputs()[0].numpy(), binding.copy_outputs_to_cpu()[0]
    if bind:
        binding.bind_output("logits")
    binding.bind_cpu_input("pixels", photo(faces, 7))
    try:
        session.run_with_iobinding(binding)
    except RuntimeError as error:
        return first[0, 0], copied[0, 0], type(error).__name__
    return first[0, 0], copied[0, 0], binding.get_outputs()[0].numpy().shape


print("ONNX Runtime", onnxruntime.__version__)
plain = session.run(None, {"pixels": photo(2, 1)})[0]
session.run(None, {"pixels": photo(2, 7)})
print(f"run: a first photo's logits are {plain[0, 0]}, and so they stay")
cases = {
    "2 faces again": (again(2, bind=False), (-7, -1, (2, 2))),
    "3 faces": (again(3, bind=False), (-1, -1, "RuntimeError")),
    "1 face": (again(1, bind=False), (-1, -1, "RuntimeError")),
    "2 faces, bound again": (again(2, bind=True), (-1, -1, (2, 2))),
    "3 faces, bound again": (again(3, bind=True), (-1, -1, (3, 2))),
}
for what, ((first, copied, second), _) in cases.items():
    print(f"binding: after {what} the first photo's are {first}, its copy's {copied}; the second is {second}")
same = plain[0, 0] == -1 and all(found == described for found, described in cases.values())
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

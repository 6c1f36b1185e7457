#!/usr/bin/env bash
# Subject:  OpenVINO 2026.4.1 on the CPU, `compiled(faces)` of a network whose batch is free, and what is asked afterwards in another way
# Guess:    Arrays that a network is given are read; what is called without `share_inputs` copies them into memory of its own.
# Happens:  A call keeps the caller's array as the place of inputs (`share_inputs` is true there alone), and whatever copies afterwards
#           copies into it: the same call with `share_inputs=False`, `infer_new_request`, requests of their own, and an
#           `AsyncInferQueue`, also where these were made before the call. Answers are right, but the first face's pixels are then
#           those of the last one, and a batch of three is three others, in silence. With a batch of one that is fixed only the
#           same request does so; with `share_inputs=False` from the first call on nothing is written over.
# Source:   https://docs.openvino.ai/2025/openvino-workflow/running-inference/inference-request/python-api-advanced-inference.html
#           ("Shared Memory on Inputs and Outputs"); the docstring of `CompiledModel.__call__` has "shared data can be modified during
#           runtime", and says of `share_inputs=False` "safely copy data to existing Tensors"
# Matters:  Who warms up by the first face and then gives all to a queue saves, shows or reads again the crop of another person. mien reads
#           by ONNX Runtime, which only looks at its inputs (src/mien/network.py: `run`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check openvino==2026.4.1 onnx==1.23.2 numpy==2.4.6 ||
  { echo "not checked: no package"; exit 2; }
cd "$work"
"$work/env/bin/python" - <<'PY'
import sys

import numpy as np
import onnx
import openvino
from onnx import TensorProto, helper, numpy_helper

print("OpenVINO", openvino.__version__)
FACES, SIDE, EMOTIONS = 6, 48, 8
rng = np.random.default_rng(0)
faces = rng.integers(0, 256, (FACES, 1, SIDE, SIDE)).astype(np.float32)
weights = rng.standard_normal((EMOTIONS, 1, SIDE, SIDE)).astype(np.float32) / 255
weights -= weights.mean((1, 2, 3), keepdims=True)


def write(path, batch):
    """A network of one layer that sees the whole face."""
    nodes = [
        helper.make_node("Conv", ["faces", "weights"], ["seen"]),
        helper.make_node("Flatten", ["seen"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["shares"]),
    ]
    sides = {"faces": [batch, 1, SIDE, SIDE], "shares": [batch, EMOTIONS]}
    told = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in sides.items()]
    graph = helper.make_graph(nodes, "network", told[:1], told[1:], [numpy_helper.from_array(weights, "weights")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def by_call(network, given):
    for face in given:
        network(face[None])


def by_call_that_copies(network, given):
    for face in given:
        network(face[None], share_inputs=False)


def by_new_request(network, given):
    for face in given:
        network.infer_new_request([face[None]])


def by_request(network, given):
    request = network.create_infer_request()
    for face in given:
        request.infer([face[None]])


def by_queue(network, given):
    queue = openvino.AsyncInferQueue(network, 2)
    for face in given:
        queue.start_async([face[None]])
    queue.wait_all()


def left(batch, ask, first=1, before=False, **how):
    """Which face lies in each place, after the first ones were read by a call and the others in another way."""
    network = openvino.Core().compile_model(f"{batch}.onnx", "CPU")
    ours = faces.copy()
    request = network.create_infer_request() if before else None
    network(ours[:first], **how)
    if request:
        request.infer([ours[-1:]])
    else:
        ask(network, ours[first:])
    return [next((number for number, face in enumerate(faces) if (face == each).all()), None) for each in ours]


def of_batches(network, given):
    network.create_infer_request().infer([given])


def seen(network, given):
    return network(given, share_inputs=False)[0].argmax(1).tolist()


write("free.onnx", "faces")
write("one.onnx", 1)
KEPT = list(range(FACES))
LAST = [FACES - 1, *KEPT[1:]]
cases = {
    "calls alone": (left("free", by_call), KEPT),
    "then calls with share_inputs=False": (left("free", by_call_that_copies), LAST),
    "then infer_new_request": (left("free", by_new_request), LAST),
    "then a request of its own": (left("free", by_request), LAST),
    "then a queue": (left("free", by_queue), LAST),
    "then a request that was made before": (left("free", None, before=True), LAST),
    "three faces, then a request of three": (left("free", of_batches, 3), [3, 4, 5, 3, 4, 5]),
    "share_inputs=False, then a queue": (left("free", by_queue, share_inputs=False), KEPT),
    "share_inputs=False, then calls with it": (left("free", by_call_that_copies, share_inputs=False), KEPT),
    "batch of one, then calls with share_inputs=False": (left("one", by_call_that_copies), LAST),
    "batch of one, then a queue": (left("one", by_queue), KEPT),
}
for what, (found, _) in cases.items():
    print(f"{what}: faces are {', '.join(map(str, found))}")
same = all(found == described for found, described in cases.values())

network = openvino.Core().compile_model("free.onnx", "CPU")
right = seen(network, faces)
network = openvino.Core().compile_model("free.onnx", "CPU")
ours = faces.copy()
answers = [int(network(ours[:1])[0].argmax()), *(int(network.infer_new_request([face[None]])[0].argmax()) for face in ours[1:])]
again = seen(openvino.Core().compile_model("free.onnx", "CPU"), ours)
print("emotions:", *right, "- by a call, and then by requests:", *answers, "- read again:", *again)
same &= answers == right and again == [right[-1], *right[1:]] != right
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

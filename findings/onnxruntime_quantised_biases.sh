#!/usr/bin/env bash
# Subject:  ONNX Runtime 1.31.1, `quantize_static` of a Gemm with `alpha` or `beta`, and of a bias that two layers share
# Guess:    The network in 8-bit integers answers as before, but for the last digits: `alpha` times the product and `beta` times the bias.
# Happens:  With `beta` of 0.5 the bias counts twice instead of half, and once where the network is loaded without optimisations; with
#           `alpha` of 0.5 as well it counts once. As operators (QOperator) `alpha` alone halves it, too. Of a bias that two layers share,
#           which form QDQ does right, the first layer's scale holds for both as operators: a head that looks at two sizes of a picture
#           adds a fifth of it at the second. Nothing is said of it. Products are right, and `quantize_dynamic` leaves such a Gemm alone.
# Source:   https://onnx.ai/onnx/operators/onnx__Gemm.html; https://github.com/microsoft/onnxruntime/issues/28130, open (`alpha` in networks
#           that are fused, mended by https://github.com/microsoft/onnxruntime/pull/28131);
#           https://github.com/microsoft/onnxruntime/pull/7982, open since 2021 (biases that are shared)
# Matters:  A temperature that is put into the last layer is such a Gemm: PyTorch exports `addmm(bias, x, w, alpha=1/t, beta=1/t)` as
#           one. Labels change, while all else is as good as it was. mien keeps temperatures beside the network, and refuses one whose
#           quantised shares are off (src/mien/training/export/export.py: `check_quantised`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export ORT_DISABLE_TELEMETRY=1
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check onnx==1.23.2 onnxruntime==1.31.1 numpy==2.4.6 ||
  { echo "not checked: no package"; exit 2; }
cd "$work"
"$work/env/bin/python" - <<'PY'
import logging
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

print("ONNX Runtime", onnxruntime.__version__)
logging.disable()
rng = np.random.default_rng(0)
FACES, FEATURES, EMOTIONS, SIDE = 64, 16, 8, 16
PLAIN, FULL = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL, onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL


class Batches(CalibrationDataReader):
    def __init__(self, faces):
        self.left = iter([{"faces": faces[at : at + 8]} for at in range(0, len(faces), 8)])

    def get_next(self):
        return next(self.left, None)


def numbers(*shape):
    return rng.standard_normal(shape, np.float32)


def write(nodes, weights, shape, *outputs):
    told = [helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["n", *shape])]
    answers = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    held = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "network", told, answers, held), opset_imports=[helper.make_opsetid("", 18)], ir_version=9
    )
    onnx.save(onnx.shape_inference.infer_shapes(model, strict_mode=True), "float.onnx")


def answers(path, faces, level=FULL):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]).run(None, {"faces": faces})


def quantised(faces, form):
    path = f"{form.name}.onnx"
    quantize_static(
        "float.onnx", path, Batches(faces), quant_format=form, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8
    )
    return path


def counted(found, product, bias):
    """How many times the bias is in an answer."""
    axes = tuple(each for each in range(found.ndim) if each != 1)
    within = (found - product).mean(axes)
    return float(within @ bias / (bias @ bias))


same = True
features, weight = numbers(FACES, FEATURES), numbers(EMOTIONS, FEATURES)
bias = numbers(EMOTIONS)
for alpha, beta, described in (
    (1, 1, (1, 1, 1, 1)),
    (1, 0.5, (2, 1, 2, 0.5)),
    (0.5, 1, (1, 1, 0.5, 1)),
    (0.5, 0.5, (1, 1, 1, 0.5)),
):
    gemm = helper.make_node("Gemm", ["faces", "weight", "bias"], ["out"], transB=1, alpha=float(alpha), beta=float(beta))
    write([gemm], {"weight": weight, "bias": bias}, [FEATURES], "out")
    product = alpha * features @ weight.T
    qdq, operators = quantised(features, QuantFormat.QDQ), quantised(features, QuantFormat.QOperator)
    quantize_dynamic("float.onnx", "dynamic.onnx", weight_type=QuantType.QInt8)
    asked = ((qdq, FULL), (qdq, PLAIN), (operators, FULL), ("dynamic.onnx", FULL))
    shares = [counted(answers(path, features, level)[0], product, bias) for path, level in asked]
    told = counted(answers("float.onnx", features)[0], product, bias)
    print(
        f"alpha {alpha}, beta {beta}: the bias counts {told:.2f} times; quantised {shares[0]:.2f}, without optimisations {shares[1]:.2f}, "
        f"as operators {shares[2]:.2f}, dynamically {shares[3]:.2f}"
    )
    same &= abs(told - beta) < 0.01 and all(abs(found - right) < 0.1 for found, right in zip(shares, described))

    if alpha == beta == 0.5:
        before, after = (answers(path, features)[0].argmax(1) for path in ("float.onnx", qdq))
        other = int((before != after).sum())
        print(f"faces with another emotion: {other} of {FACES}")
        same &= other > FACES / 10

pictures, kernel, own = numbers(FACES, 3, SIDE, SIDE), numbers(4, 3, 3, 3), numbers(4)
for second, described in (("bias", (1, 1, 1, 0.22)), ("other", (1, 1, 1, 1))):
    nodes = [
        helper.make_node("Conv", ["faces", "kernel", "bias"], ["large"], pads=[1] * 4),
        helper.make_node("AveragePool", ["faces"], ["quarter"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Conv", ["quarter", "kernel", second], ["small"], pads=[1] * 4),
    ]
    write(nodes, {"kernel": kernel, "bias": own} | {second: own}, [3, SIDE, SIDE], "large", "small")
    told = answers("float.onnx", pictures)
    shares = [
        1 + counted(found, right, own)
        for form in (QuantFormat.QDQ, QuantFormat.QOperator)
        for found, right in zip(answers(quantised(pictures, form), pictures), told)
    ]
    what = "shared" if second == "bias" else "each its own"
    print(
        f"a head at two sizes, the bias {what}: it counts {shares[0]:.2f} and {shares[1]:.2f} times; "
        f"as operators {shares[2]:.2f} and {shares[3]:.2f}"
    )
    same &= all(abs(found - right) < 0.1 for found, right in zip(shares, described))
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

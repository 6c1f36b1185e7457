#!/usr/bin/env bash
# Subject:  PyTorch 2.13.0, `torch.autocast("cpu", torch.bfloat16)` around a loss that is made of `log_softmax` or `softmax`
# Guess:    As on a GPU, where autocast computes them in float32; and `nll_loss(log_softmax(x))` is `cross_entropy(x)`, as its
#           documentation says.
# Happens:  On the CPU `cross_entropy` is in float32, `log_softmax` and `softmax` in bfloat16, of which numbers have three digits.
#           Losses of sure answers are just 0, and where answers come near their targets, half of the Kullback-Leibler divergences
#           are below 0, which cannot be. Types tell nothing: what `nll_loss` and `kl_div` make of it is float32. (The CPU build is
#           enough, and much smaller than the other.)
# Source:   https://docs.pytorch.org/docs/stable/amp.html: `log_softmax` and `softmax` are among "CUDA Ops that can autocast to
#           float32", and not among the CPU's; https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html
# Matters:  Who learns from votes or from a teacher has such a loss, and trains otherwise on a CPU than on a GPU. mien makes logits
#           float32 before it (src/mien/training/batches/targets.py: `loss`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check torch==2.13.0 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" -W ignore::UserWarning - <<'PY'
import sys

import torch
from torch.nn import functional as F

FACES, EMOTIONS = 4096, 8
torch.manual_seed(0)
layer = torch.nn.Linear(EMOTIONS, EMOTIONS, bias=False)
torch.nn.init.eye_(layer.weight)
features = 4 * torch.randn(FACES, EMOTIONS)
votes, label = torch.softmax(features, 1), features.argmax(1)

with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
    logits = layer(features)
    log_p = F.log_softmax(logits, 1)
    losses = {
        "cross_entropy(x)": F.cross_entropy(logits, label, reduction="none"),
        "nll_loss(log_softmax(x))": F.nll_loss(log_p, label, reduction="none"),
        "nll_loss(log_softmax(x.float()))": F.nll_loss(F.log_softmax(logits.float(), 1), label, reduction="none"),
        "kl_div(log_softmax(x))": F.kl_div(log_p, votes, reduction="none").sum(1),
        "kl_div(log_softmax(x.float()))": F.kl_div(F.log_softmax(logits.float(), 1), votes, reduction="none").sum(1),
    }
print("PyTorch", torch.__version__)
kinds = logits.dtype, log_p.dtype, F.softmax(logits, 1).dtype
print("logits, log_softmax and softmax are", *kinds)
share = {}
for name, loss in losses.items():
    share[name] = (loss < -1e-6).float().mean().item(), (loss == 0).float().mean().item()
    print(f"{name:32} {loss.dtype}, below 0 {share[name][0]:.1%}, just 0 {share[name][1]:.1%} of faces, mean {loss.mean():.5f}")
entropy, half, whole, kl_half, kl_whole = losses.values()
same = set(kinds) == {torch.bfloat16} and {loss.dtype for loss in losses.values()} == {torch.float32}
same &= torch.equal(entropy, whole) and not torch.allclose(half, whole) and share["nll_loss(log_softmax(x))"][1] > 0.01
same &= share["kl_div(log_softmax(x))"][0] > 0.25 and share["kl_div(log_softmax(x.float()))"][0] < 0.05
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

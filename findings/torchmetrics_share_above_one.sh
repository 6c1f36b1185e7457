#!/usr/bin/env bash
# Subject:  torchmetrics 1.9.0, one share that rounding has made 1.0000001, and logits that come one by one
# Guess:    It is taken as 1; and logits may be given instead of shares, as the documentation says: they are told apart once for all.
# Happens:  One number above 1 makes its whole batch logits: `softmax` is taken of all its shares once more. Two faces in 5,000 with a
#           share of 1.0000001 make a calibration error of 0.01 one of 0.6, or of 0.03 where batches are small; AUROC and average
#           precision move, too. The other way round, logits that come one by one are left as they are where they lie between 0
#           and 1, and become shares elsewhere: AUROC of a binary mark is 0.78 where 0.86 is right. Nothing is said.
# Source:   https://lightning.ai/docs/torchmetrics/stable/classification/calibration_error.html ("If preds has values outside [0,1] range
#           we consider the input to be logits"); https://github.com/Lightning-AI/torchmetrics/issues/2195, open (logits, by batches)
# Matters:  Means of views or of networks that are made by weights are above 1 in float32 where all of them are sure: what is better
#           calibrated is then a matter of luck. mien takes them as 1 (src/mien/metrics.py: `calibration_error`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check torch==2.13.0 torchmetrics==1.9.0 numpy==2.4.6 ||
  { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import sys

import torch
import torchmetrics
from torchmetrics.classification import BinaryAUROC, MulticlassAUROC, MulticlassAveragePrecision, MulticlassCalibrationError

print("torchmetrics", torchmetrics.__version__)
FACES, EMOTIONS, VIEWS = 5000, 8, 10
generator = torch.Generator().manual_seed(0)


def measured(metric, predicted, truth, size=FACES):
    for at in range(0, len(predicted), size):
        metric.update(predicted[at : at + size], truth[at : at + size])
    return metric.compute().item()


logits = 6 * torch.randn(FACES, EMOTIONS, generator=generator)
views = [(logits + torch.randn(FACES, EMOTIONS, generator=generator) / 4).softmax(1) for _ in range(VIEWS)]
shares = sum(view / VIEWS for view in views)
truth = torch.multinomial(shares, 1, generator=generator).ravel()
above = (shares > 1).any(1)
print(f"{VIEWS} views of {FACES} faces: {int(above.sum())} faces have a share above 1, up to {shares.max():.7f}")
held = shares.clamp(max=1)
kinds = {"calibration error": MulticlassCalibrationError, "AUROC": MulticlassAUROC, "average precision": MulticlassAveragePrecision}
found = {}
for what, kind in kinds.items():
    for size in (FACES, 100):
        plain, clamped = measured(kind(EMOTIONS), shares, truth, size), measured(kind(EMOTIONS), held, truth, size)
        found[what, size] = plain, clamped
        print(f"{what}, {size} at a time: {plain:.4f}; with shares held to 1: {clamped:.4f}")
confidence, label = held.max(1)
bins = (confidence * 15).ceil()
by_hand = sum((confidence[bins == at] - (label == truth)[bins == at].float()).sum().abs() for at in bins.unique()) / FACES
print(f"calibration error by hand: {by_hand:.4f}")

mark = torch.randn(2000, generator=generator)
marked = (torch.rand(2000, generator=generator) < torch.sigmoid(2 * mark)).long()
areas = {
    (kind, size): measured(BinaryAUROC(), given, marked, size)
    for kind, given in (("logits", mark), ("shares", mark.sigmoid()))
    for size in (2000, 1)
}
for (kind, size), area in areas.items():
    print(f"AUROC of a mark, {kind}, {size} at a time: {area:.4f}")
wrong, right = found["calibration error", FACES]
same = bool(above.any()) and abs(right - by_hand) < 1e-3 and wrong > 5 * right
same &= abs(found["average precision", 100][0] - found["average precision", 100][1]) > 1e-3
same &= areas["logits", 1] < areas["logits", 2000] - 0.05 and abs(areas["shares", 1] - areas["logits", 2000]) < 1e-4
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

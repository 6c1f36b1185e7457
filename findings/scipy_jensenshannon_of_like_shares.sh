#!/usr/bin/env bash
# Subject:  SciPy 1.17.1, `spatial.distance.jensenshannon` of shares that are nearly the same, and of votes and their shares
# Guess:    0, or something very small.
# Happens:  NaN, and one RuntimeWarning for all of them: of shares that differ in their ninth digit half are NaN, of float32 ones beside
#           the same in float64 one in five, of ten votes beside their shares one in eighty. So it is by `cdist`. What is summed up
#           comes to less than 0 by rounding, and its root is taken. Shares that are the very same are 0 apart, and those that
#           differ by a tenth are right.
# Source:   https://github.com/scipy/scipy/issues/20083, open ("some cherry-picked pairs"), and
#           https://github.com/scipy/scipy/pull/24664, open;
#           https://docs.scipy.org/doc/scipy/reference/generated/scipy.spatial.distance.jensenshannon.html (no word of it)
# Matters:  It is what one compares two builds of a network by, or a network with what people said: those that agree best are lost from
#           `(d < 0.01).mean()`, the mean and the largest are NaN, and pandas' mean leaves them out. mien compares them by total
#           variation, and NaN passes no test of it (src/mien/training/export/export.py: `check_quantised`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check scipy==1.17.1 numpy==2.4.6 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import sys
import warnings

import numpy as np
import scipy
from scipy.spatial.distance import cdist, jensenshannon

print("SciPy", scipy.__version__)
FACES, EMOTIONS = 10_000, 8
rng = np.random.default_rng(0)
shares = rng.dirichlet(np.ones(EMOTIONS), FACES)
near = shares * (1 + rng.normal(0, 1e-9, shares.shape))
far = shares * (1 + rng.normal(0, 0.1, shares.shape))
single = shares.astype(np.float32)
votes = np.array([rng.multinomial(10, row) for row in shares]).astype(float)
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    ninth = jensenshannon(shares, near, axis=1)
warnings.simplefilter("ignore")
found = {
    "differ in the ninth digit": ninth,
    "the same, row by row": np.array([jensenshannon(*pair) for pair in zip(shares, near)]),
    "the same, by cdist": np.array([cdist(a[None], b[None], "jensenshannon")[0, 0] for a, b in zip(shares, near)]),
    "float32 and float64": jensenshannon(single, single.astype(float), axis=1),
    "ten votes and their shares": jensenshannon(votes, votes / votes.sum(1, keepdims=True), axis=1),
    "the very same": jensenshannon(shares, shares, axis=1),
    "differ by a tenth": jensenshannon(shares, far, axis=1),
}
lost = {what: float(np.isnan(distance).mean()) for what, distance in found.items()}
for what, distance in found.items():
    print(f"{what}: {lost[what]:.1%} NaN, the largest other one {np.nanmax(distance):.1g}, within 0.01 {np.mean(distance < 0.01):.1%}")
print("warnings:", [str(each.message) for each in warned])
least = {
    "differ in the ninth digit": 0.3,
    "the same, row by row": 0.3,
    "the same, by cdist": 0.3,
    "float32 and float64": 0.1,
    "ten votes and their shares": 0.005,
}
same = all(share > least[what] if what in least else share == 0 for what, share in lost.items())
same &= all(np.nanmax(found[what]) < 1e-3 for what in least) and len(warned) == 1
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

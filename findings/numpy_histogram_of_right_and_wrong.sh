#!/usr/bin/env bash
# Subject:  NumPy 2.4.6, `np.histogram(confidence, bins, weights=right)`, where `right` is true or false
# Guess:    In each bin as many as are right, as `np.bincount`, `np.sum` and SciPy's `binned_statistic` count them.
# Happens:  With a number of bins each is true or false: whether any is right. Divided by how many there are it is a reliability
#           diagram, and a wrong one. With edges the same call raises. In 8 bits, as votes may be kept, counts begin again at 256,
#           in silence with both.
# Source:   https://numpy.org/doc/stable/reference/generated/numpy.histogram.html tells of numbers (the weights' type "must be large
#           enough to hold accumulated values as well"); https://github.com/numpy/numpy/issues/23681 and
#           https://github.com/numpy/numpy/issues/28472, open (the same). Of true and false no report was found.
# Matters:  The calibration of a reader is told that way, in a line. src/mien/metrics.py: `calibration_error` counts by `bincount`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check numpy==2.4.6 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import sys

import numpy as np

print("NumPy", np.__version__)
confidence = np.repeat([0.25, 0.75], 400)
right = np.tile([True, False, False, False], 200)
right[400:] = ~right[400:]  # 100 of 400, and 300 of 400
EDGES = [0, 0.5, 1]


def binned(bins, weights):
    """What bins hold, or the kind of error."""
    try:
        return np.histogram(confidence, bins, (0, 1), weights=weights)[0].tolist()
    except TypeError as error:
        return f"TypeError: {error}"


cases = {
    "bincount": (np.bincount(np.digitize(confidence, EDGES) - 1, right).tolist(), [100.0, 300.0]),
    "histogram, 2 bins, as numbers": (binned(2, right.astype(float)), [100.0, 300.0]),
    "histogram, 2 bins": (binned(2, right), [True, True]),
    "histogram, 2 bins, in 8 bits": (binned(2, right.astype(np.uint8)), [100, 300 - 256]),
    "histogram, 3 edges, in 8 bits": (binned(EDGES, right.astype(np.uint8)), [100, 300 - 256]),
}
raised = binned(EDGES, right)
for what, (found, _) in cases.items():
    print(f"{what}: {found}")
print(f"histogram, 3 edges: {raised}")
same = all(found == described for found, described in cases.values()) and str(raised).startswith("TypeError")
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

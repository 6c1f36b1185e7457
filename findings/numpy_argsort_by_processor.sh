#!/usr/bin/env bash
# Subject:  NumPy 2.4.6, `np.argsort` as it is by default, of values of which some are alike (x86-64)
# Guess:    Not stable, but the same NumPy gives the same order for the same values; and up to 16 of them stay in their order, as
#           quicksort leaves so few to an insertion sort.
# Happens:  The order is the processor's: a thousand values come in one with AVX-512, in another with AVX2, and in a third with
#           neither; eight votes stay in their order only with neither.
# Source:   https://github.com/numpy/numpy/issues/24064, closed: where values are alike any order is right. The documentation of
#           `kind` says "quicksort" and "not stable", and has no word on processors:
#           https://numpy.org/doc/stable/reference/generated/numpy.argsort.html.
# Matters:  Confidences of two digits are alike, and those of copies; votes of ten people nearly always. Which images are the surest
#           80%, or which word comes second, would hang on who judges. mien sorts stably (src/mien/metrics.py: `coverage_accuracy`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check numpy==2.4.6 || { echo "not checked: no package"; exit 2; }
cat > "$work/sort.py" <<'PY'
import hashlib
import sys

import numpy as np

VOTES = np.array([3, 1, 3, 0, 3, 3, 1, 0], np.float32)  # of ten people and one more, for eight expressions
CONFIDENCES = np.random.default_rng(0).integers(50, 100, 1000) / 100

orders = [np.argsort(-values, kind=kind or None) for kind in ("", "stable") for values in (VOTES, CONFIDENCES)]
few, many, stable, all_stable = ([int(place) for place in order] for order in orders)
print(few == stable, many == all_stable, hashlib.sha256(bytes(str(many), "ascii")).hexdigest()[:8], few, sep="|")
PY
"$work/env/bin/python" - "$work/sort.py" <<'PY'
import os
import subprocess
import sys

import numpy as np
from numpy._core._multiarray_umath import __cpu_features__ as features

print("NumPy", np.__version__, "- the places of votes 3 1 3 0 3 3 1 0, most votes first; and a thousand confidences of two digits")
if not features.get("X86_V3"):
    print("not checked: this processor has no AVX2, so that there is nothing to compare")
    sys.exit(2)
LEVELS = [("AVX-512", "")] * bool(features.get("X86_V4")) + [("AVX2", "X86_V4"), ("neither", "X86_V3 X86_V4")]
seen = {}
for with_it, without in LEVELS:
    known = {**os.environ, "NPY_DISABLE_CPU_FEATURES": without}
    told = subprocess.run([sys.executable, sys.argv[1]], env=known, check=True, capture_output=True, text=True).stdout
    stable, all_stable, many, few = told.strip().split("|")
    seen[with_it] = stable, all_stable, many
    print(f"{with_it:8} {few} in their order: {stable}; the thousand: {many}, in their order: {all_stable}")
same = [stable for stable, _, _ in seen.values()] == ["False"] * (len(seen) - 1) + ["True"]
same &= {whole for _, whole, _ in seen.values()} == {"False"} and len({many for _, _, many in seen.values()}) == len(seen)
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

#!/usr/bin/env bash
# Subject:  NumPy 2.4.6, `np.random.default_rng` of several numbers, such as a seed and what is drawn for
# Guess:    default_rng([7, 0]) and default_rng(7) have nothing in common: a list is taken whole, so that a seed beside the number
#           of an epoch, a fold or a worker makes draws of their own.
# Happens:  They are the same, and so are [7, 0, 0] and [7, 0, 0, 0]: zeros behind are no part of a seed of less than 128 bits. The
#           first epoch, fold or worker gets the draws of the seed alone. The number first, [0, 7], and SeedSequence.spawn() are
#           apart; [0, 1] is 2**32.
# Source:   https://github.com/numpy/numpy/pull/16551 set spawn() apart from the zeros that are appended, and left lists as they
#           were. https://numpy.org/doc/stable/reference/random/parallel.html says of a seed with a worker's number behind it that
#           it "will work" and is less flexible than the number first; its own seed is that long.
# Matters:  What is split off by the seed and what is changed by seed and epoch 0 would be drawn alike. mien makes one number of
#           both (src/mien/training/batches/batches.py: `batches`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check numpy==2.4.6 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import sys

import numpy as np


def drawn(seed):
    return np.random.default_rng(seed).random(5).tolist()


print("NumPy", np.__version__)
same = True
for one, other, found in (
    (7, [7], True),
    (7, [7, 0], True),
    ([7], [7, 0, 0, 0], True),
    ([7, 1], [7, 1, 0], True),
    (2**32, [0, 1], True),
    ([7], [7, 0, 0, 0, 0], False),
    (7, [0, 7], False),
    (7, [7, 1], False),
    (7, np.random.SeedSequence(7).spawn(1)[0], False),
):
    alike = drawn(one) == drawn(other)
    same &= alike == found
    named = "what spawn() gives first" if isinstance(other, np.random.SeedSequence) else other
    print(f"{one!s:10} and {named!s:24}", "the same draws" if alike else "apart")
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

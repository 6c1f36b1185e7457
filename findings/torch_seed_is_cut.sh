#!/usr/bin/env bash
# Subject:  PyTorch 2.13.0, `torch.manual_seed` and `Generator.manual_seed` on the CPU
# Guess:    Seeds that differ give draws that differ: any number of 64 bits is taken, and `initial_seed()` gives it back.
# Happens:  Only the lower 32 bits count. 7 and 7 + 2**32 are one seed, and so is every seed << 32 | epoch of one epoch. (The CPU
#           build is enough, and much smaller than the other.)
# Source:   https://docs.pytorch.org/docs/stable/generated/torch.manual_seed.html has the range of 64 bits and no word on this;
#           ATen/core/MT19937RNGEngine.h takes `seed & 0xffffffff`. That any integer of 32 bits is a valid seed is said in
#           https://github.com/pytorch/pytorch/issues/87509.
# Matters:  Several runs "of other seeds" may be one run, and their spread nothing. A recipe's seed is below 2**32, and no two such
#           seeds become one where an epoch's number is added (src/mien/training/recipes/recipe.py: `seed`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check torch==2.13.0 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" -W ignore::UserWarning - <<'PY'
import sys

import torch


def weights(seed):
    torch.manual_seed(seed)
    return torch.nn.Linear(3, 3).weight


def drawn(seed):
    return torch.randn(5, generator=torch.Generator().manual_seed(seed))


print("PyTorch", torch.__version__)
told = torch.Generator().manual_seed(7 + 2**32).initial_seed()
same = told == 7 + 2**32
print(f"initial_seed() of 7 + 2**32 is 7 + 2**32: {same}")
pairs = {
    "7 and 8": (7, 8, False),
    "7 and 7 + 2**32": (7, 7 + 2**32, True),
    "7 and 7 + 2**63": (7, 7 + 2**63, True),
    "-1 and 2**32 - 1": (-1, 2**32 - 1, True),
    "seeds 1 and 2, << 32, of epoch 5": (1 << 32 | 5, 2 << 32 | 5, True),
}
for name, (one, other, found) in pairs.items():
    alike = torch.equal(drawn(one), drawn(other)), torch.equal(weights(one), weights(other))
    same &= alike == (found, found)
    print(f"{name:32} the same draws: {alike[0]}, the same first weights: {alike[1]}")
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

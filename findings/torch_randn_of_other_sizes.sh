#!/usr/bin/env bash
# Subject:  PyTorch 2.13.0, `torch.randn` on the CPU: so many numbers and more, of one seed
# Guess:    A longer draw begins with the shorter one, as `torch.rand`'s and NumPy's do, and two draws go on where one would.
# Happens:  Below 16 numbers none is that of a longer draw. From 16 on all are if 16 divides how many there are; else the last 16
#           are drawn anew: of 17 the first alone is the same, of 33 the first 17. It is so with a generator of one's own,
#           too. (The CPU build is enough, and much smaller than the other.)
# Source:   https://github.com/pytorch/pytorch/issues/80202 and https://github.com/pytorch/pytorch/issues/127164, both open.
#           Documentation has not a word on it: https://docs.pytorch.org/docs/stable/generated/torch.randn.html.
# Matters:  A process that trains on a part of a batch cannot draw for its part and agree with one that has it all: mien draws for
#           the whole batch and takes the part (src/mien/training/batches/augment.py: `normal`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check torch==2.13.0 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" -W ignore::UserWarning - <<'PY'
import sys

import torch

LONG = 64


def drawn(how, *sizes):
    """So many numbers at a time from one seed, one after the other."""
    generator = torch.Generator().manual_seed(0)
    return torch.cat([how(size, generator=generator) for size in sizes])


def alike(how, size):
    """How many of a draw are in their places in a longer one."""
    return int((drawn(how, size) == drawn(how, LONG)[:size]).sum())


print("PyTorch", torch.__version__, f"- of so many numbers, those that are the same in a draw of {LONG}")
print("numbers  rand  randn")
same = True
for size, found in ((15, 0), (16, 16), (17, 1), (31, 15), (32, 32), (33, 17)):
    uniform, normal = alike(torch.rand, size), alike(torch.randn, size)
    same &= uniform == size and normal == found
    print(f"{size:7}  {uniform:4}  {normal:5}")
for how in (torch.rand, torch.randn):
    whole = [torch.equal(drawn(how, half, half), drawn(how, 2 * half)) for half in (8, 16)]
    same &= whole == [how is torch.rand, True]
    print(f"{how.__name__:5} of 8 and 8 is that of 16: {whole[0]}, of 16 and 16 that of 32: {whole[1]}")
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

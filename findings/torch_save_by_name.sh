#!/usr/bin/env bash
# Subject:  PyTorch 2.13.0, `torch.save` of one state under two names (CPU)
# Guess:    Two files that hold the same weights are the same file, wherever they lie: so checkpoints can be told apart, or found to be
#           alike, by a hash.
# Happens:  The name, without its folder and its last ending, is within the file, and with it other lengths: "last.pt" and "best.pt" of one
#           state differ, and may differ in size. Under one name, and given an open file or a stream in place of a path, they are the
#           same to the byte.
# Source:   https://docs.pytorch.org/docs/stable/generated/torch.save.html has no word on it; seen as a change of form in
#           https://github.com/AUTOMATIC1111/stable-diffusion-webui/pull/5327. That files of one state be the same is the aim of
#           https://github.com/pytorch/pytorch/issues/42163.
# Matters:  Who looks by a hash whether two runs came to the same weights, or a state was only saved anew, is told that they did not.
#           mien saves into a stream, so that no name is in its files (src/mien/training/learning/checkpoint.py: `write`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check torch==2.13.0 || { echo "not checked: no package"; exit 2; }
cd "$work"
env/bin/python -W ignore::UserWarning - <<'PY'
import hashlib
import sys
import zipfile
from pathlib import Path

import torch

NAMES = ("last.pt", "best.pt", "epoch-12.pt")
state = {"weights": torch.arange(10.0)}


def by_path(path):
    torch.save(state, path)


def by_file(path):
    with path.open("wb") as file:
        torch.save(state, file)


print("PyTorch", torch.__version__)
seen = {}
for way in (by_path, by_file):
    for name in (*NAMES, NAMES[0]):
        path = Path(name)
        way(path)
        seen.setdefault(way.__name__, []).append(hashlib.sha256(path.read_bytes()).hexdigest()[:8])
        within = zipfile.ZipFile(path).namelist()[0]
        print(f"{way.__name__} {name:11} {path.stat().st_size} bytes, {seen[way.__name__][-1]}, within it {within}")
named = seen["by_path"]
same = len(set(named)) == len(NAMES) and named[0] == named[-1] and len(set(seen["by_file"])) == 1
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

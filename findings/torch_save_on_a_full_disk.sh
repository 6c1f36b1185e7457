#!/usr/bin/env bash
# Subject:  PyTorch 2.13.0, `torch.save` where the disk takes no more (CPU)
# Guess:    It raises OSError, "No space left on device" or "File too large", as writing any other file does.
# Happens:  It raises RuntimeError, "unexpected pos 704 vs 598", with neither an errno nor the file's name, given a path; given a file
#           that Python has opened, too, whose own OSError is but the context. (The CPU build is enough, and much smaller than the
#           other. The limit of a file's size stands in for a full disk.)
# Source:   https://docs.pytorch.org/docs/stable/generated/torch.save.html has no word on errors; caffe2/serialize/inline_container.cc
#           asks whether the position is what it was to be, whatever the write said. That the message could be clearer was said in
#           https://github.com/pytorch/pytorch/issues/10577 of an older form.
# Matters:  Who catches OSError misses it, and whoever reads it looks for a damaged file. A run's states are made in memory, and
#           written as bytes (src/mien/training/learning/checkpoint.py: `write`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check torch==2.13.0 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" -W ignore::UserWarning - "$work" <<'PY'
import io
import resource
import sys
from pathlib import Path

import torch

folder = Path(sys.argv[1])
state = {"weights": torch.zeros(100_000)}
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)


def by_path():
    torch.save(state, folder / "path.pt")


def by_file():
    with (folder / "file.pt").open("wb") as file:
        torch.save(state, file)


def by_bytes():
    stream = io.BytesIO()
    torch.save(state, stream)
    (folder / "bytes.pt").write_bytes(stream.getvalue())


print("PyTorch", torch.__version__)
said = {}
for way in (by_path, by_file, by_bytes):
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        way()
    except Exception as error:
        said[way.__name__] = type(error).__name__
        told = f"{type(error).__name__}: {str(error).splitlines()[0]}"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    print(f"{way.__name__:8} {told}")
same = said == {"by_path": "RuntimeError", "by_file": "RuntimeError", "by_bytes": "OSError"}
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

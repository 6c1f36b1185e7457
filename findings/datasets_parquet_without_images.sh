#!/usr/bin/env bash
# Subject:  datasets 5.2.0 (Hugging Face), Dataset.to_parquet() of an image folder
# Guess:    The file holds the images, as the dataset that save_to_disk() writes does, and as push_to_hub() writes parquet.
# Happens:  It holds no image, only absolute paths of the machine that wrote it: `bytes` is null in every row. Nothing warns.
#           Once the folder is moved or the file is sent to somebody, it opens, has its rows and labels, and fails at the
#           first image.
# Source:   The docstring of to_parquet() does not say. That push_to_hub() and save_to_disk() hold the bytes was made so on
#           purpose: https://github.com/huggingface/datasets/pull/4193, https://github.com/huggingface/datasets/issues/4196.
# Matters:  mien reads parquet files of others, with images as bytes; a file of paths alone must be told apart from one whose
#           images are damaged (src/mien/datasets/fer2013.py: `_parquet_example`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check datasets==5.2.0 pyarrow==26.0.1 pillow==13.0.0 ||
    { echo "not checked: no package"; exit 2; }
cd "$work"
HF_HOME="$work/hf" HF_HUB_OFFLINE=1 HF_DATASETS_DISABLE_PROGRESS_BARS=1 "$work/env/bin/python" - <<'PY'
import os
import sys

import datasets
import pyarrow.parquet as parquet
from PIL import Image

print("datasets", datasets.__version__)
for label, gray in (("happy", 200), ("sad", 50)):
    os.makedirs(f"faces/{label}")
    Image.new("L", (48, 48), gray).save(f"faces/{label}/0.png")
faces = datasets.load_dataset("imagefolder", data_dir="faces", split="train")

faces.to_parquet("faces.parquet")
cells = parquet.read_table("faces.parquet").column("image").to_pylist()
empty = all(cell["bytes"] is None for cell in cells)
absolute = all(os.path.isabs(cell["path"]) for cell in cells)
held = sum(cell["bytes"] is not None for cell in cells)
print(f"to_parquet:   {held} of {len(cells)} images have bytes; absolute paths: {absolute}")

faces.save_to_disk("faces.disk")
cells = datasets.load_from_disk("faces.disk").data.column("image").to_pylist()
full = all(cell["bytes"] for cell in cells)
held = sum(cell["bytes"] is not None for cell in cells)
print(f"save_to_disk: {held} of {len(cells)} images have bytes")

os.rename("faces", "moved")
again = datasets.load_dataset("parquet", data_files="faces.parquet", split="train")
try:
    again[0]
    raised = "nothing"
except FileNotFoundError as error:
    raised = type(error).__name__
print(f"once the folder is moved, the parquet file has {len(again)} rows, and the first raises {raised}")
same = empty and absolute and full and raised == "FileNotFoundError"
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

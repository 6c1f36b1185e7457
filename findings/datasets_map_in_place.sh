#!/usr/bin/env bash
# Subject:  datasets 5.2.0 (Hugging Face), `Dataset.map` and an image of an image folder that is changed in place
# Guess:    map() keeps what its function returns: an image after `thumbnail()`, or with something drawn over it.
# Happens:  The file as it was. An image that knows its file's name is stored as that name, whatever was done to it since; what
#           makes a new image, as `resize()` does, is kept. Nothing warns. Images that are stored as bytes know no name, and there
#           both are kept: what a function does hangs on where its images lie.
# Source:   In features/image.py of the sources encode_pil_image() keeps `filename` where there is one. The functions that
#           https://huggingface.co/docs/datasets/image_process shows all make new images. No report was found.
# Matters:  A box over somebody's eyes is gone, or crops that were made small are large again, in what is trained on and passed
#           on. mien writes crops as files of their own (src/mien/cropping.py: `write_crops`), and reads an image that somebody
#           opened and changed as it is now (src/mien/image.py: `decoded`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check datasets==5.2.0 pillow==13.0.0 || { echo "not checked: no package"; exit 2; }
cd "$work"
HF_HOME="$work/hf" HF_HUB_OFFLINE=1 HF_DATASETS_DISABLE_PROGRESS_BARS=1 "$work/env/bin/python" - <<'PY'
import os
import sys

import datasets
from PIL import Image

for label in ("happy", "sad"):
    os.makedirs(f"faces/{label}")
    Image.new("L", (48, 48), 200).save(f"faces/{label}/0.png")
files = datasets.load_dataset("imagefolder", data_dir="faces", split="train")
files.save_to_disk("held")  # which holds the bytes
held = datasets.load_from_disk("held")


def small(row):
    row["image"].thumbnail((24, 24))
    return row


def covered(row):
    row["image"].paste(0, (0, 10, 48, 20))
    return row


def resized(row):
    row["image"] = row["image"].resize((24, 24))
    return row


print("datasets", datasets.__version__, "- a function's image as map() keeps it: its side, the gray at the eyes (200 before)")
same = True
for function, from_files, from_bytes in (
    (small, (48, 200), (24, 200)),
    (covered, (48, 200), (48, 0)),
    (resized, (24, 200), (24, 200)),
):
    seen = []
    for rows in (files, held):
        image = rows.map(function)[0]["image"]
        seen.append((image.width, image.getpixel((image.width // 2, image.width * 15 // 48))))
    same &= seen == [from_files, from_bytes]
    print(f"{function.__name__:8} of a file: {seen[0]}, of bytes: {seen[1]}")
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

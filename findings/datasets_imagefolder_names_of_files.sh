#!/usr/bin/env bash
# Subject:  datasets 5.2.0 (Hugging Face), an image folder with a file whose own name has "test", "train", "dev" or the like in it
# Guess:    Folders are labels, or splits and labels; what a file is called is no matter. At most that one file is of another split.
# Happens:  It is all that is read. Of four images of two labels one is left, in a split named test, and the column of labels is
#           gone. Nothing warns; a person's folder named "dev" does the same. "contest" and "PublicTest_1" do not: the word has to be
#           parted off, and in small letters. Where folders say train and test, names of files are no matter.
# Source:   https://github.com/huggingface/datasets/issues/7201, open; https://github.com/huggingface/datasets/issues/5021. That a
#           split's name may stand in that of a file is told in https://huggingface.co/docs/hub/datasets-file-names-and-splits; that
#           other files are left out then, and labels with them, we found nowhere.
# Matters:  mien reads the same layout, and there only folders are splits (src/mien/datasets/folder.py: `_below_split`): scores of
#           two readers of one folder would be of different images.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check datasets==5.2.0 pillow==13.0.0 || { echo "not checked: no package"; exit 2; }
cd "$work"
HF_HOME="$work/hf" HF_HUB_OFFLINE=1 HF_DATASETS_DISABLE_PROGRESS_BARS=1 "$work/env/bin/python" - <<'PY'
import sys
from pathlib import Path

import datasets
from PIL import Image

WHOLE = {"train": (4, ["happy", "sad"])}
ONE = (1, None)


def read(folder, names):
    """How many images each split has, and its labels."""
    for gray, name in enumerate(names):
        file = Path(folder, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (48, 48), 50 * gray).save(file)
    found = datasets.load_dataset("imagefolder", data_dir=folder)
    return {split: (len(rows), getattr(rows.features.get("label"), "names", None)) for split, rows in found.items()}


print("datasets", datasets.__version__, "- of four images: the splits, their images, their labels")
same = True
for folder, names, expected in (
    ("plain", ["happy/ann.png", "happy/bob.png", "sad/ann.png", "sad/bob.png"], WHOLE),
    ("word", ["happy/ann.png", "happy/eye-test.png", "sad/ann.png", "sad/bob.png"], {"test": ONE}),
    ("trains", ["happy/ann.png", "happy/my train 2.png", "sad/ann.png", "sad/bob.png"], {"train": ONE}),
    ("two", ["happy/ann_dev.png", "happy/bob.png", "sad/ann_dev.png", "sad/bob.png"], {"validation": (2, ["happy", "sad"])}),
    ("person", ["happy/dev/1.png", "happy/bob/1.png", "sad/ann/1.png", "sad/bob/1.png"], {"validation": ONE}),
    ("parted", ["happy/Training_1.png", "happy/PublicTest_1.png", "sad/contest.png", "sad/bob.png"], WHOLE),
    (
        "splits",
        ["train/happy/ann.png", "train/sad/my-test.png", "test/happy/ann.png", "test/sad/bob.png"],
        {"train": (2, ["happy", "sad"]), "test": (2, ["happy", "sad"])},
    ),
):
    found = read(folder, names)
    same &= found == expected
    print(f"{', '.join(names)}: {found}")
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

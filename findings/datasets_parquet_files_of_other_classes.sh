#!/usr/bin/env bash
# Subject:  datasets 5.2.0 (Hugging Face), Parquet files of its own whose class labels have other names, or another order of them
# Guess:    `load_dataset("parquet", data_files=[a, b])` reads each file's labels by the names that stand in it, or raises, as
#           `concatenate_datasets` of the same two does.
# Happens:  The first file's names are taken for all, and the numbers stay: faces of a folder without disgust, put beside those of a
#           folder that has it, are fear where they were happy, in silence. So it is of two splits, while streaming, with
#           `features=` of another order, and in `cast_column`. A number that has no name raises nothing before it is asked for.
#           An image folder that is read with `features=` goes by names, and so does `align_labels_with_mapping`.
# Source:   https://huggingface.co/docs/datasets/process#align ("make sure the labels are aligned", of other datasets);
#           https://github.com/huggingface/datasets/issues/8494 and https://github.com/huggingface/datasets/issues/8596, open
#           (numbers without a name)
# Matters:  Labels of an image folder are numbered by the alphabet of those that are there, and a small test set lacks the rare ones:
#           its scores would be nonsense. mien's own networks keep the names beside the numbers, and a Parquet file whose names
#           are others is read by these (src/mien/datasets/fer2013.py: `_numbering`).
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
from pathlib import Path

import datasets
from datasets import ClassLabel, Features, Value, concatenate_datasets, load_dataset
from PIL import Image

print("datasets", datasets.__version__)
ALL = ["angry", "disgust", "fear", "happy", "sad"]
FEW = [label for label in ALL if label != "disgust"]


def written(name, labels):
    """A Parquet file of a folder with a face of each label."""
    for label in labels:
        os.makedirs(f"{name}/{label}")
        Image.new("L", (48, 48)).save(f"{name}/{label}/0.png")
    faces = load_dataset("imagefolder", data_dir=name, split="train")
    faces = faces.map(lambda face: {"true": Path(face["image"].filename).parent.name})
    faces.remove_columns("image").to_parquet(f"{name}.parquet")
    return f"{name}.parquet"


def wrong(faces):
    """Which labels are read as which others."""
    name = faces.features["label"].int2str
    return {face["true"]: name(face["label"]) for face in faces if name(face["label"]) != face["true"]}


def raised(make):
    try:
        return wrong(make())
    except ValueError as error:
        return type(error).__name__


train, test = written("train", ALL), written("test", FEW)
alone = {file: load_dataset("parquet", data_files=file, split="train") for file in (train, test)}
splits = load_dataset("parquet", data_files={"train": train, "test": test})
stream = load_dataset("parquet", data_files=[train, test], streaming=True, split="train")
turned = ClassLabel(names=ALL[::-1])
features = Features({"label": turned, "true": Value("string")})
images = load_dataset("imagefolder", data_dir="train", split="train", features=Features({"image": datasets.Image(), "label": turned}))
by_folder = {Path(face["image"].filename).parent.name: turned.int2str(face["label"]) for face in images}

MOVED = {"fear": "disgust", "happy": "fear", "sad": "happy"}
REVERSED = {label: other for label, other in zip(ALL, ALL[::-1]) if label != other}
cases = {
    "train alone": (wrong(alone[train]), {}),
    "test alone": (wrong(alone[test]), {}),
    "one list of files": (wrong(load_dataset("parquet", data_files=[train, test], split="train")), MOVED),
    "streamed": (wrong(stream), MOVED),
    "as splits, train": (wrong(splits["train"]), {}),
    "as splits, test": (wrong(splits["test"]), MOVED),
    "concatenate_datasets": (raised(lambda: concatenate_datasets([alone[train], alone[test]])), "ValueError"),
    "features= of another order": (wrong(load_dataset("parquet", data_files=train, split="train", features=features)), REVERSED),
    "cast_column": (wrong(alone[train].cast_column("label", turned)), REVERSED),
    "align_labels_with_mapping": (
        wrong(alone[test].align_labels_with_mapping({label: at for at, label in enumerate(ALL)}, "label")),
        {},
    ),
    "imagefolder, features= of another order": (
        {label: other for label, other in by_folder.items() if label != other},
        {},
    ),
    "test first, its names have no fifth": (
        raised(lambda: load_dataset("parquet", data_files=[test, train], split="train")),
        "ValueError",
    ),
}
for what, (found, _) in cases.items():
    told = found if isinstance(found, str) else ", ".join(f"{label} is {other}" for label, other in found.items())
    print(f"{what}: {told or 'all as they are'}")
loaded = load_dataset("parquet", data_files=[test, train], split="train")
print(f"test first: {len(loaded)} rows, labels up to {max(loaded['label'])} of {loaded.features['label'].num_classes} names")
same = all(found == described for found, described in cases.values())
same &= len(loaded) == len(ALL) + len(FEW) and max(loaded["label"]) == len(FEW)
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

#!/usr/bin/env bash
# Subject:  datasets 5.2.0 (Hugging Face), `Dataset.map` of a function that looks at an image and returns a new column alone
# Guess:    The new column comes beside those that are there, and images stay as they are; those that a function returns are kept without
#           loss.
# Happens:  Each image that was looked at is written anew, by Pillow's defaults for its format: a JPEG, whatever its quality, at 75 with half
#           the colour; a lossless WebP, and an AVIF, with loss, once more at each map. PNG, TIFF and BMP lose nothing, images of files
#           are left alone, and so is what the function does not look at. Nothing is said. With `input_columns=`, or after
#           `cast_column(..., Image(decode=False))`, the bytes stay. Images that are opened from bytes, as by a generator, are so written, too.
# Source:   https://huggingface.co/docs/datasets/process#map ("update" of columns); in features/image.py of the sources image_to_bytes() has
#           "using native compression if possible". No report was found.
# Matters:  To add a face's brightness, a hash or a label's mark is enough: what is then trained on, or passed on by `push_to_hub`, has
#           blocks and pale reds that the photos have not, and a test set whose files are told by their bytes has other ones. mien reads
#           the bytes of a Parquet file as they are, and writes none (src/mien/datasets/fer2013.py: `_parquet_example`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check datasets==5.2.0 pyarrow==26.0.1 pillow==13.0.0 numpy==2.4.6 ||
  { echo "not checked: no package"; exit 2; }
cd "$work"
HF_HOME="$work/hf" HF_HUB_OFFLINE=1 HF_DATASETS_DISABLE_PROGRESS_BARS=1 "$work/env/bin/python" - <<'PY'
import io
import sys

import datasets
import numpy as np
import PIL
from datasets import Dataset, Features, Value
from PIL import Image, ImageFilter

print("datasets", datasets.__version__, "- Pillow", PIL.__version__)
SIDE = 96
noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
face = Image.fromarray(noise).filter(ImageFilter.GaussianBlur(1.5))
KINDS = {
    "JPEG 95": ("JPEG", {"quality": 95, "subsampling": 0}),
    "JPEG 75": ("JPEG", {}),
    "WebP lossless": ("WEBP", {"lossless": True}),
    "AVIF 100": ("AVIF", {"quality": 100}),
    "PNG": ("PNG", {}),
    "TIFF": ("TIFF", {}),
    "BMP": ("BMP", {}),
}
LOSSY = {"JPEG 95", "WebP lossless", "AVIF 100"}


def packed(kind):
    stream = io.BytesIO()
    name, how = KINDS[kind]
    face.save(stream, name, **how)
    return stream.getvalue()


held = {kind: packed(kind) for kind in KINDS}
rows = [{"kind": kind, "image": {"bytes": content, "path": None}} for kind, content in held.items()]
features = Features({"kind": Value("string"), "image": datasets.Image()})
Dataset.from_list(rows, features=features).to_parquet("faces.parquet")
faces = datasets.load_dataset("parquet", data_files="faces.parquet", split="train")


def pixels(content):
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), int)


def off(mapped):
    """By how much each kind's pixels differ from those before, in the mean; None where its bytes are the same."""
    seen = mapped.cast_column("image", datasets.Image(decode=False))
    content = {row["kind"]: row["image"]["bytes"] for row in seen}
    return {
        kind: None if content[kind] == before else float(np.abs(pixels(content[kind]) - pixels(before)).mean())
        for kind, before in held.items()
    }


def brightness(row):
    return {"brightness": float(np.asarray(row["image"].convert("L")).mean())}


def again(times):
    mapped = faces
    for time in range(times):
        mapped = mapped.map(lambda row, time=time: {f"width_{time}": row["image"].width})
    return mapped


def opened():
    for kind, content in held.items():
        yield {"kind": kind, "image": Image.open(io.BytesIO(content))}


cases = {
    "as loaded": (faces, set()),
    "a column of a function that looks": (faces.map(brightness), LOSSY),
    "one that looks at other columns": (faces.map(lambda row: {"letters": len(row["kind"])}), set()),
    "one that returns all": (faces.map(lambda row: {**row, "seen": True}), LOSSY),
    "in batches": (faces.map(lambda rows: {"width": [image.width for image in rows["image"]]}, batched=True), LOSSY),
    "input_columns=": (faces.map(lambda image: {"width": image.width}, input_columns="image"), set()),
    "filter": (faces.filter(lambda row: row["image"].width == SIDE), set()),
    "five maps": (again(5), LOSSY),
    "from_generator of opened images": (Dataset.from_generator(opened, features=features), LOSSY),
}
same = True
found = {}
for what, (mapped, described) in cases.items():
    found[what] = off(mapped)
    lost = {kind: far for kind, far in found[what].items() if far}
    print(f"{what}: {', '.join(f'{kind} is off by {far:.1f}' for kind, far in lost.items()) or 'no pixel differs'}")
    same &= {kind for kind, far in lost.items() if far > 0.5} == described
once, often = found["a column of a function that looks"], found["five maps"]
same &= often["WebP lossless"] > once["WebP lossless"] * 1.2 and often["AVIF 100"] > once["AVIF 100"] * 1.2
for row in faces.map(brightness).cast_column("image", datasets.Image(decode=False)):
    print(f"{row['kind']}: {len(held[row['kind']]):,} bytes, after one look {len(row['image']['bytes']):,}")
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

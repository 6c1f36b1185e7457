#!/usr/bin/env bash
# Subject:  pillow-heif 1.8.1, `save(exif=...)` by its Pillow plugin, of a photo that is to be turned
# Guess:    It takes EXIF as Pillow's own formats do, as bytes or as the `Exif` that `getexif()` gives: the HEIC is shown as the JPEG is.
# Happens:  Of bytes it is. Of an `Exif` all tags are kept, and the turn is lost: the HEIC lies as the camera stored it, and when
#           it is opened its EXIF block tells of no turn either. Looking for the turn raises within, since an `Exif` is no bytes,
#           and that is passed over.
# Source:   https://github.com/bigcat88/pillow_heif/pull/56, "Added ability to pass `PIL.Image.Exif` class for `save`";
#           https://pillow.readthedocs.io/en/stable/handbook/image-file-formats.html. Of the turn nothing was found.
# Matters:  `getexif()` is what one changes to take away where a photo was made, before it is saved in fewer bytes: faces of phones
#           held upright then lie on their side. mien shows a HEIC as its boxes ask (src/mien/container.py: `identified`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check pillow==13.0.0 pillow-heif==1.8.1 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import io
import sys

import PIL
import pillow_heif
from PIL import Image, ImageOps

pillow_heif.register_heif_opener()
ORIENTATION, MAKER = 0x0112, 0x010F
photo = io.BytesIO()
exif = Image.Exif()
exif[ORIENTATION], exif[MAKER] = 6, "a phone"  # to be turned by a quarter
Image.new("RGB", (128, 96), "red").save(photo, "JPEG", exif=exif)
print("pillow-heif", pillow_heif.__version__, "Pillow", PIL.__version__)
seen = {}
for form in ("JPEG", "PNG", "AVIF", "HEIF"):
    for kind in ("bytes", "Exif"):
        with Image.open(io.BytesIO(photo.getvalue())) as image:
            copy = io.BytesIO()
            image.save(copy, form, exif=image.getexif() if kind == "Exif" else image.info["exif"])
        with Image.open(io.BytesIO(copy.getvalue())) as saved:
            upright = ImageOps.exif_transpose(saved)
            seen[form, kind] = upright.size, saved.getexif().get(MAKER)
        print(f"{form} with exif as {kind}: shown as {upright.width} x {upright.height}, by {seen[form, kind][1]}")
expected = {each: ((128, 96) if each == ("HEIF", "Exif") else (96, 128), "a phone") for each in seen}
print("as described" if seen == expected else "changed: see above")
sys.exit(seen != expected)
PY

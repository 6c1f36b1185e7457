#!/usr/bin/env bash
# Subject:  Pillow 13.0.0, `Image.getexif()` of a file that was only opened
# Guess:    It reads metadata: no pixel is decoded, as with `size` and `mode`.
# Happens:  True of JPEG, WebP and TIFF. A PNG without EXIF before its pixels is decoded whole: the chunk may also come after
#           them. So whoever asks a PNG which way is up holds all of its pixels, and has waited for them.
# Source:   PngImageFile.getexif in PIL/PngImagePlugin.py calls load() where `info` has no "exif"; the reference page of
#           Image.getexif does not say so.
# Matters:  mien waits for room in memory before it decodes: that for the pixels is taken before it asks which way is up
#           (src/mien/image.py: `decoded`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check pillow==13.0.0 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import io
import sys

import PIL
from PIL import Image

EXPECTED = {"JPEG": False, "PNG": True, "PNG with EXIF": False, "TIFF": False, "WEBP": False}


def decoded(kind):
    """Whether getexif() decodes the pixels of such a file."""
    exif = Image.Exif()
    exif[0x0112] = 6
    more = {"exif": exif} if kind != "PNG" else {}
    file = io.BytesIO()
    Image.new("RGB", (64, 48), (90, 120, 200)).save(file, kind.partition(" ")[0], **more)
    image = Image.open(io.BytesIO(file.getvalue()))
    whole, calls = image.load, []
    image.load = lambda: calls.append(1) or whole()
    assert image.getexif().get(0x0112) == (None if kind == "PNG" else 6)
    return bool(calls)


seen = {kind: decoded(kind) for kind in EXPECTED}
print(f"Pillow {PIL.__version__}, getexif() decodes the pixels:")
for kind, whether in seen.items():
    print(f"  {kind:14} {'yes' if whether else 'no'}")
sys.exit(seen != EXPECTED)
PY

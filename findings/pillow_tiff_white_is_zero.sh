#!/usr/bin/env bash
# Subject:  Pillow 13.0.0, gray TIFF files that say "0 is white" (tag 262, PhotometricInterpretation, is 0)
# Guess:    The tag is honoured at every depth, or at none.
# Happens:  With 1, 2, 4 and 8 bits values are turned round, so that 0 is black as in any image of Pillow. With 16 bits they
#           are left, and the picture is a negative. Mode and values are those of a file that says "0 is black"; only
#           tag_v2[262] tells.
# Source:   TIFF 6.0, "PhotometricInterpretation"; no report was found. (Of writing such files:
#           https://github.com/python-pillow/Pillow/pull/5655.)
# Matters:  16-bit gray comes from scanners and cameras; mien asks the tag and turns the values round itself
#           (src/mien/colour.py: `WHITE_IS_ZERO`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check pillow==13.0.0 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import io
import struct
import sys

import PIL
from PIL import Image

WHITE_IS_ZERO, BLACK_IS_ZERO = 0, 1
SHORT = 3


def values(bits, photometric, pixels):
    """Both pixels of a TIFF of one row, uncompressed."""
    tags = ((256, 2), (257, 1), (258, bits), (259, 1), (262, photometric), (273, 8), (277, 1), (278, 1), (279, len(pixels)))
    data = pixels.ljust(4, b"\0")
    directory = b"".join(struct.pack("<HHII", tag, SHORT, 1, value) for tag, value in tags)
    header = b"II*\0" + struct.pack("<I", 8 + len(data))
    image = Image.open(io.BytesIO(header + data + struct.pack("<H", len(tags)) + directory + bytes(4)))
    return image.mode, [image.getpixel((x, 0)) for x in (0, 1)]


print("Pillow", PIL.__version__)
print("two pixels, the highest value and 0; where 0 is white the first is black")
same = True
for bits, pixels in ((1, b"\x80"), (2, b"\xc0"), (4, b"\xf0"), (8, b"\xff\0"), (16, b"\xff\xff\0\0")):
    mode, black = values(bits, BLACK_IS_ZERO, pixels)
    _, white = values(bits, WHITE_IS_ZERO, pixels)
    turned = white == black[::-1]
    same &= turned == (bits < 16)
    how = "turned round" if turned else "NOT turned round"
    print(f"{bits:2} bits, mode {mode:5}: 0 is black {black}, 0 is white {white}: {how}")
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

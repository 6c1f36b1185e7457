#!/usr/bin/env bash
# Subject:  Pillow 13.0.0, the transparent colour of a PNG (chunk tRNS)
# Guess:    convert("RGBA") makes the pixels of that colour transparent, whatever the file's depth.
# Happens:  The pixels are scaled to 8 bits, the colour is not. With gray of 2 or 4 bits and with RGB of 16 bits the two
#           no longer meet: nothing becomes transparent. It can also hit the wrong pixels: the colour 0x0099 of a 16-bit
#           file stays 0x99, and an opaque pixel 0x99ff is scaled to just that. Gray of 1 and of 8 bits is right.
# Source:   PNG specification, 11.3.2.1: the colour has the depth of the image. The depth of 1 was put right in
#           Pillow by https://github.com/python-pillow/Pillow/pull/9282; of the others no report was found.
# Matters:  mien lays transparent pixels on white. Unchanged, such a face keeps a background that nobody sees elsewhere, so
#           the colour is scaled with the pixels (src/mien/container.py: `deepen_transparency`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check pillow==13.0.0 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import io
import struct
import sys
import zlib

import PIL
from PIL import Image


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def alphas(depth, colour_type, row, clear):
    """Alpha of both pixels of a PNG of one row."""
    head = struct.pack(">IIBBBBB", 2, 1, depth, colour_type, 0, 0, 0)
    colour, pixels = struct.pack(f">{len(clear)}H", *clear), zlib.compress(b"\0" + row)
    chunks = chunk(b"IHDR", head), chunk(b"tRNS", colour), chunk(b"IDAT", pixels), chunk(b"IEND", b"")
    image = Image.open(io.BytesIO(b"\x89PNG\r\n\x1a\n" + b"".join(chunks)))
    rgba = image.convert("RGBA")
    seen = tuple(rgba.getpixel((x, 0))[3] for x in (0, 1))
    return image.mode, image.info["transparency"], seen


print("Pillow", PIL.__version__)
print("the left pixel has the transparent colour, the right one is black and opaque: alpha should be (0, 255)")
black = b"\0" * 6
cases = (
    # what, its alphas as found, depth, colour type, row, transparent colour
    ("gray, 1 bit", (0, 255), 1, 0, b"\x80", [1]),
    ("gray, 2 bits", (255, 255), 2, 0, b"\x80", [2]),
    ("gray, 4 bits", (255, 255), 4, 0, b"\x90", [9]),
    ("gray, 8 bits", (0, 255), 8, 0, b"\x99\x00", [0x99]),
    ("RGB, 8 bits", (0, 255), 8, 2, b"\x99\x10\x20" + black[:3], [0x99, 0x10, 0x20]),
    ("RGB, 16 bits", (255, 255), 16, 2, struct.pack(">3H", 0x9912, 0x1001, 0x2005) + black, [0x9912, 0x1001, 0x2005]),
)
same = True
for what, found, *png in cases:
    mode, info, seen = alphas(*png)
    same &= seen == found
    print(f"{what:13} mode {mode:4} info {str(info):20} alpha {seen}")
row = struct.pack(">6H", 0x0099, 0x0010, 0x0020, 0x99FF, 0x10FF, 0x20FF)
mode, info, seen = alphas(16, 2, row, [0x0099, 0x0010, 0x0020])
same &= seen == (255, 0)
print(f"RGB, 16 bits, of the colour in high bytes instead of low ones on the right: alpha {seen}, the wrong way round")
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

#!/usr/bin/env bash
# Subject:  Pillow 13.0.0, a PNG with an animation that the file's own picture is none of (`default_image`)
# Guess:    The animation's first picture, frame 1, is drawn on nothing, as in browsers: the file's own is for viewers that
#           show no animations.
# Happens:  It is drawn over the file's own picture, which shows beside it.
# Source:   https://www.w3.org/TR/png-3/#apng-frame-based-animation ("the static image is not part of the animation"; "at the
#           beginning of each play the output buffer shall be completely initialized to a fully transparent black rectangle").
#           That the animation begins at frame 1 is told: https://pillow.readthedocs.io/en/stable/handbook/image-file-formats.html
# Matters:  What is read is what browsers show, so it is frame 1, on white (src/mien/container.py: `show_first`).
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

GREEN, RED = b"\0\xff\0\xff", b"\xff\0\0\xff"


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def packed(colour, side):
    return zlib.compress((b"\0" + colour * side) * side)


def apng(blend):
    """The file's own picture is green, 16 x 16; its animation one red picture of 8 x 8 in the middle."""
    head = chunk(b"IHDR", struct.pack(">2I5B", 16, 16, 8, 6, 0, 0, 0)) + chunk(b"acTL", struct.pack(">2I", 1, 0))
    control = chunk(b"fcTL", struct.pack(">5I2H2B", 0, 8, 8, 4, 4, 1, 1, 0, blend))
    pixels = chunk(b"IDAT", packed(GREEN, 16)) + control + chunk(b"fdAT", struct.pack(">I", 1) + packed(RED, 8))
    return b"\x89PNG\r\n\x1a\n" + head + pixels + chunk(b"IEND", b"")


print("Pillow", PIL.__version__, "- the file's own picture is green, the animation's is red and smaller")
same = True
for blend, name in enumerate(("source", "over")):
    with Image.open(io.BytesIO(apng(blend))) as image:
        own = image.default_image
        image.seek(1)
        beside, within = image.getpixel((1, 1)), image.getpixel((8, 8))
    same &= own and (beside, within) == (tuple(GREEN), tuple(RED))
    print(f"blend {name:6}  own picture apart: {own}  beside the animation's first picture {beside}, in it {within}")
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

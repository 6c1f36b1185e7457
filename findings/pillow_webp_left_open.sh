#!/usr/bin/env bash
# Subject:  Pillow 13.0.0, an animated WebP whose first picture is smaller than its canvas, and whose header tells of no alpha
# Guess:    Beside the picture is nothing, as in browsers, or the background that the file names.
# Happens:  Beside it is black, and opaque. libwebp leaves it clear, and Pillow takes the fourth byte for none since the header
#           tells of no alpha. Where the header does tell of it, it is clear.
# Source:   https://developers.google.com/speed/webp/docs/riff_container ("The background color MAY be used to fill the unused
#           space on the canvas around the frames"; of alpha the flag "is a hint"). Of black nothing was found.
# Matters:  A face gets a black frame that nobody sees elsewhere. mien lays it on white (src/mien/container.py: `heed_alpha`).
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


def chunk(kind, body):
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def three(*numbers):
    return b"".join(number.to_bytes(3, "little") for number in numbers)


def webp(alpha):
    """A canvas of 16 x 16 with a red picture of 8 x 8 in its middle, then a green one of 16 x 16; its background is blue."""
    body = chunk(b"VP8X", bytes((2 | 16 * alpha, 0, 0, 0)) + three(15, 15)) + chunk(b"ANIM", b"\xff\0\0\xff\0\0")
    for colour, at, side in (("red", 4, 8), ("green", 0, 16)):
        still = io.BytesIO()
        Image.new("RGB", (side, side), colour).save(still, "WEBP", lossless=True)
        body += chunk(b"ANMF", three(at // 2, at // 2, side - 1, side - 1, 100) + b"\0" + still.getvalue()[12:])
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


print("Pillow", PIL.__version__, "- the first picture is red, the background blue")
seen = []
for alpha in (False, True):
    with Image.open(io.BytesIO(webp(alpha))) as image:
        mode, rgba = image.mode, image.convert("RGBA")
    seen.append((mode, rgba.getpixel((1, 1)), rgba.getpixel((8, 8))))
    print(f"header tells of alpha: {alpha!s:5}  mode {mode:4}  beside the picture {seen[-1][1]}, in it {seen[-1][2]}")
red = (255, 0, 0, 255)
same = seen == [("RGB", (0, 0, 0, 255), red), ("RGBA", (0, 0, 0, 0), red)]
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

#!/usr/bin/env bash
# Subject:  Pillow 13.0.0, a GIF whose first frame is smaller than its screen
# Guess:    Beside the frame is the colour that `info["background"]` names, as the specification says, or nothing, as in browsers.
# Happens:  Beside it is the palette's first colour, opaque, whatever the background is: often one of the picture's own. Only a
#           frame that has a transparent colour is clear beside it.
# Source:   GIF89a, 18 ("the color used for those pixels on the screen that are not covered by an image"). That browsers show
#           nothing there, and that Pillow is to do so if there is a transparent colour:
#           https://github.com/python-pillow/Pillow/pull/5557. Of the palette's first colour nothing was found.
# Matters:  A face may get a frame of its own skin's colour, which moves its edge. mien lays it on white, as it does with all
#           that is clear (src/mien/image.py: `_on_canvas`).
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

SKIN, BLACK, WHITE, BLUE = (224, 172, 105), (0, 0, 0), (255, 255, 255), (0, 0, 255)
PALETTE = b"".join(map(bytes, (SKIN, BLACK, WHITE, BLUE)))
CLEAR, END, BLACK_AT = 4, 5, 1  # codes of pixels of 2 bits, each of 3 bits as long as the table is cleared in time


def gif(background, clear=None):
    """A screen of 8 x 8, of which a black frame covers the middle 4 x 4."""
    codes = [code for _ in range(8) for code in (CLEAR, BLACK_AT, BLACK_AT)] + [END]
    bits = "".join(f"{code:03b}"[::-1] for code in codes)
    coded = bytes(int(bits[at : at + 8][::-1], 2) for at in range(0, len(bits), 8))
    screen = struct.pack("<6sHHBBB", b"GIF89a", 8, 8, 0x91, background, 0) + PALETTE
    control = b"" if clear is None else struct.pack("<BBBBHBB", 0x21, 0xF9, 4, 1, 0, clear, 0)
    frame = struct.pack("<BHHHHBB", 0x2C, 2, 2, 4, 4, 0, 2) + bytes([len(coded)]) + coded + b"\0"
    return screen + control + frame + b"\x3b"


print("Pillow", PIL.__version__, "- the palette is skin, black, white, blue; the frame is black")
same = True
for background, name in enumerate(("skin", "black", "white", "blue")):
    image = Image.open(io.BytesIO(gif(background)))
    rgba = image.convert("RGBA")
    corner, middle = rgba.getpixel((0, 0)), rgba.getpixel((4, 4))
    same &= image.info["background"] == background and corner == (*SKIN, 255) and middle == (*BLACK, 255)
    print(f"background {name:6} beside the frame {corner}, in it {middle}")
beside = Image.open(io.BytesIO(gif(2, clear=3))).convert("RGBA").getpixel((0, 0))
same &= beside[3] == 0
print(f"background white, blue is transparent: beside the frame {beside}")
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

#!/usr/bin/env bash
# Subject:  Pillow 13.0.0, Image.reduce by a large factor, and Image.thumbnail, which uses it
# Guess:    The mean of a white picture is white, however many pixels go into one.
# Happens:  From some hundred pixels a side on, the mean comes out too dark: 253 at 700, 243 at 1000, 137 at 3000. It is not
#           steady (2000: 243, 2500: 190), and 1024 is right. thumbnail() reduces first by default, so the popular way to a
#           picture's mean colour, thumbnail((1, 1)), is off too, by other amounts; resize() with BOX and no reducing_gap is
#           right.
# Source:   Documented as the mean of the pixels; no report was found. src/libImaging/Reduce.c divides by multiplying with
#           a whole number, 2**24 / pixels cut off: 1 for 3000 x 3000, where 1.86 is right.
# Matters:  mien reduces photos before it looks for faces, by steps that are far smaller (src/mien/views.py: `view_of`),
#           where white stays white. So are its own thumbnails.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check pillow==13.0.0 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import sys

import PIL
from PIL import Image

print("Pillow", PIL.__version__)
print("the one pixel that a white square becomes (255 is right)")
print("side  reduce  thumbnail  resize(BOX)")
same = True
for side, found in ((256, 255), (700, 253), (1000, 243), (1024, 255), (2000, 243), (2500, 190), (3000, 137)):
    white = Image.new("L", (side, side), 255)
    usual = white.copy()
    usual.thumbnail((1, 1))
    reduced = white.reduce(side).getpixel((0, 0))
    boxed = white.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    same &= reduced == found and boxed == 255
    print(f"{side:4}  {reduced:6}  {usual.getpixel((0, 0)):9}  {boxed:11}")
photo = Image.new("RGB", (8000, 6000), "white")
photo.thumbnail((2, 2))
seen = photo.getpixel((0, 0))
same &= max(seen) < 250
print("a white photo of 8000 x 6000, thumbnail((2, 2)):", seen)
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

#!/usr/bin/env bash
# Subject:  Pillow 13.0.0, `ImageFilter.FIND_EDGES`, `Kernel`, `EMBOSS`, `CONTOUR`: the outermost pixels
# Guess:    A flat picture has no edges: 0 everywhere. The spread of what a Laplacian gives (`Kernel`, or FIND_EDGES) falls with blur,
#           so it tells sharp crops from blurred ones.
# Happens:  The outermost pixels, two on each side with a kernel of 5 x 5, are those of the picture itself: a frame as bright as it was
#           around 0. Of crops of 48 x 48 pixels that is a twelfth of all, and of blurred ones all that is measured.
# Source:   https://pillow.readthedocs.io/en/stable/reference/ImageFilter.html does not tell of it;
#           https://github.com/python-pillow/Pillow/blob/main/src/libImaging/Filter.c copies them
# Matters:  Blurred faces pass for sharp ones, bright ones more so than dark ones. mien measures the sharpness of crops itself, within
#           them (src/mien/face.py: `sharpness`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check pillow==13.0.0 numpy==2.4.6 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import sys

import numpy as np
import PIL
from PIL import Image, ImageFilter

LAPLACE = ImageFilter.Kernel((3, 3), [0, 1, 0, 1, -4, 1, 0, 1, 0], scale=1, offset=0)
WIDE = ImageFilter.Kernel((5, 5), [-1] * 12 + [24] + [-1] * 12, scale=1, offset=0)
print("Pillow", PIL.__version__, "- 48 x 48 pixels")
same = True
flat = Image.new("L", (48, 48), 200)
for name, edges, frame, within in (
    ("FIND_EDGES", ImageFilter.FIND_EDGES, 1, 0),
    ("a Laplacian", LAPLACE, 1, 0),
    ("one of 5 x 5", WIDE, 2, 0),
    ("EMBOSS", ImageFilter.EMBOSS, 1, 128),
    ("CONTOUR", ImageFilter.CONTOUR, 1, 255),
):
    found = np.asarray(flat.filter(edges))
    described = np.full((48, 48), 200)
    described[frame:-frame, frame:-frame] = within
    same &= np.array_equal(found, described)
    print(f"{name:12} of a picture of 200: {found[24, 24]} in the middle, {found[0, 24]} at the border")
pattern = Image.fromarray((np.add.outer(np.arange(48) * 7, np.arange(48) ** 2 * 13) % 256).astype(np.uint8))
spread = {}
for blur in (0, 1, 2, 4):
    found = np.asarray(pattern.filter(ImageFilter.GaussianBlur(blur)).filter(ImageFilter.FIND_EDGES), np.float64)
    spread[blur] = found.var(), found[1:-1, 1:-1].var()
    print(f"blurred by {blur}: spread of FIND_EDGES {spread[blur][0]:.0f}, without the border {spread[blur][1]:.0f}")
same &= spread[4][1] < spread[2][1] / 2 < spread[1][1] / 10 and 0.8 < spread[4][0] / spread[2][0] < 1.25
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

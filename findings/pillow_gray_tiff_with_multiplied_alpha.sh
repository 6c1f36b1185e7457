#!/usr/bin/env bash
# Subject:  Pillow 13.0.0, a gray TIFF whose values are multiplied by their alpha ("associated", tag 338 is 1)
# Guess:    convert("RGB"), convert("RGBA") and convert("L") do with it as with a coloured one, or one with plain alpha.
# Happens:  The coloured one opens in mode RGBA, its values divided again; the gray one opens in mode "La", and all three raise
#           ValueError. Only convert("LA") works, and what comes of that can be converted. The file itself is read well: size, pixels
#           and `has_transparency_data` are right.
# Source:   TIFF 6.0, section 21, Associated Alpha Handling. The page on modes has "La", of "limited support":
#           https://pillow.readthedocs.io/en/stable/handbook/concepts.html. No report was found.
# Matters:  Some programs take and write alpha in a TIFF only so (https://github.com/libvips/libvips/issues/2192). mien called
#           their gray pictures damaged; it goes by way of "LA" now (src/mien/colour.py: `_rgba`).
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

PLAIN, MULTIPLIED = 2, 1
ALPHA_IS = struct.pack("<HHI", 338, 3, 1)  # the tag, of one short number


def tiff(mode, alpha):
    """Values of 64 with an alpha of 128: where they are multiplied by it, that is 128 half seen."""
    stream = io.BytesIO()
    Image.new("LA", (4, 4), (64, 128)).convert(mode).save(stream, "TIFF")
    return stream.getvalue().replace(ALPHA_IS + bytes([PLAIN]), ALPHA_IS + bytes([alpha]))


def outcome(image, mode):
    try:
        return image.convert(mode).getpixel((0, 0))
    except ValueError:
        return "raises"


print("Pillow", PIL.__version__)
same = True
for mode, alpha, opens, found in (
    ("RGBA", PLAIN, "RGBA", ((64, 64, 64), (64, 64, 64, 128), 64)),
    ("RGBA", MULTIPLIED, "RGBA", ((127, 127, 127), (127, 127, 127, 128), 127)),
    ("LA", PLAIN, "LA", ((64, 64, 64), (64, 64, 64, 128), 64)),
    ("LA", MULTIPLIED, "La", ("raises", "raises", "raises")),
):
    image = Image.open(io.BytesIO(tiff(mode, alpha)))
    seen = tuple(outcome(image, each) for each in ("RGB", "RGBA", "L"))
    same &= image.mode == opens and seen == found and image.has_transparency_data
    kind = "multiplied" if alpha == MULTIPLIED else "plain"
    print(f"{mode:4} {kind:10} opens as {image.mode:4}; RGB {seen[0]}, RGBA {seen[1]}, L {seen[2]}")
by_way = image.convert("LA").convert("RGBA").getpixel((0, 0))
same &= by_way == (127, 127, 127, 128)
print("the last by way of LA:", by_way)
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

#!/usr/bin/env bash
# Subject:  Pillow 13.0.0, a PNG whose compressed pixels are well formed and of fewer rows than its header says
# Guess:    It raises, as does a PNG that was cut off ("image file is truncated").
# Happens:  Where the stream ends between two rows, it is read without an error or a warning, its other rows black; in the midst of a
#           row it raises.
# Source:   https://www.w3.org/TR/png-3/#13Decoders (13.2, error handling). The issue tracker was not searched: no other words for it.
# Matters:  A photo without its lower half is read as a whole one, and whoever is there is not found. mien refuses it
#           (src/mien/gaps.py: `lacking`).
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

SIDE = 16


def png(size):
    """White, of as many bytes of its rows, each of which begins with the number of its filter."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\xff" * SIDE) * SIDE
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(rows[:size]))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


def read(data):
    """How many rows are white, or what is raised."""
    try:
        pixels = Image.open(io.BytesIO(data)).tobytes()
    except OSError as error:
        return str(error).split(" (")[0]
    return sum(pixels[at : at + SIDE] == b"\xff" * SIDE for at in range(0, SIDE * SIDE, SIDE))


print("Pillow", PIL.__version__)
same = True
for name, size, expected in (
    ("all 16 rows", 16 * 17, 16),
    ("8 rows", 8 * 17, 8),
    ("8 rows and a half", 8 * 17 + 9, "image file is truncated"),
):
    told = read(png(size))
    same &= told == expected
    print(f"{name}: {told if isinstance(told, str) else f'{told} white rows of 16'}")
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

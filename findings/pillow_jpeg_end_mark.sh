#!/usr/bin/env bash
# Subject:  Pillow 13.0.0, a JPEG that lacks its last two bytes, the end mark (EOI)
# Guess:    Either every such file is "truncated" or none is, for one picture in one size and mode.
# Happens:  With all else equal it depends on the quality. Most raise OSError, a few load in silence, pixels the same as those
#           of the whole file. Progressive ones always raise. So an error does not mean that any of the picture is missing,
#           and silence does not mean that the file is whole.
# Source:   Documented nowhere that we found. https://github.com/python-pillow/Pillow/issues/2038 tells that the number of
#           bytes in the message is what was read and not decoded, no measure of what is missing.
# Matters:  mien reads a JPEG that lacks nothing but its mark, and says so: it looks at the bytes itself, since neither
#           Pillow's error nor its silence tells (src/mien/container.py: `remarks`, `endings`).
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

QUALITIES = range(30, 96)


def pattern(mode, side):
    gray = bytes((3 * x + 5 * y) % 256 for y in range(side) for x in range(side))
    return Image.frombytes("L", (side, side), gray).convert(mode)


def outcome(image, quality, progressive):
    """Of the file without its mark: "loads" (pixels as of the whole file), "differs" or "raises"."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality, progressive=progressive)
    data = file.getvalue()
    assert data.endswith(b"\xff\xd9")
    cut = Image.open(io.BytesIO(data[:-2]))
    try:
        cut.load()
    except OSError:
        return "raises"
    return "loads" if cut.tobytes() == Image.open(io.BytesIO(data)).tobytes() else "differs"


print("Pillow", PIL.__version__)
same = True
for mode in ("L", "RGB"):
    for progressive in (False, True):
        image = pattern(mode, 64)
        seen = {quality: outcome(image, quality, progressive) for quality in QUALITIES}
        loads = [quality for quality, what in seen.items() if what == "loads"]
        kinds = {"raises"} if progressive else {"raises", "loads"}
        same &= set(seen.values()) == kinds
        name = "progressive" if progressive else "baseline"
        print(f"{mode:3} 64x64 {name:11}: loads in silence at {loads or 'no quality'}, raises at {len(seen) - len(loads)} others")
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

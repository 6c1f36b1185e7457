#!/usr/bin/env bash
# Subject:  Pillow 13.0.0, its manylinux wheel, and zlib-ng, by which PNGs are packed and unpacked
# Guess:    features.version("zlib_ng") names a version and features.check("zlib_ng") is true: PNGs go through zlib-ng, which the
#           wheel brings, as it brings libjpeg-turbo.
# Happens:  The wheel brings no zlib at all. Its extension asks for libz.so.1, which is the system's: features.version("zlib"),
#           which asks the library that runs, says an ordinary zlib. "zlib_ng" tells of the header that it was built with. So the
#           speed of PNGs is that of whatever libz the system has.
# Source:   https://pillow.readthedocs.io/en/stable/reference/features.html; auditwheel leaves out what has the name libz.so.1, as
#           every system has one (https://github.com/pypa/auditwheel/pull/334), and zlib-ng built for zlib's users has it too.
# Matters:  A third of the time in which a face crop's PNG is decoded is unpacking (docs/performance.md): the same wheel is slower
#           or quicker from one Linux to another, and "zlib-ng" in a report says nothing of that.
set -euo pipefail
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "not checked: the wheel is for Linux on x86-64"; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check --only-binary=:all: pillow==13.0.0 ||
  { echo "not checked: no package"; exit 2; }
cd "$work"
"$work/env/bin/python" - <<'PY'
import io
import sys
from pathlib import Path

import PIL
from PIL import Image, features

file = io.BytesIO()
Image.effect_noise((64, 64), 50).save(file, "PNG")
Image.open(file).load()

brought = sorted(path.name for path in Path(PIL.__file__).parents[1].glob("[pP]illow.libs/*"))
zlibs = [name for name in brought if name.startswith("libz") and not name.startswith("libzstd")]
mapped = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "/libz.so" in line}
runs, built = features.version("zlib"), features.version("zlib_ng")
print("Pillow", PIL.__version__)
print("it says it has zlib-ng:", features.check("zlib_ng"), built)
print("what runs calls itself:", runs)
print("libraries of the wheel:", len(brought), "of which zlib:", zlibs)
print("zlib in memory is the wheel's own:", any(PIL.__path__[0].rpartition("/")[0] in path for path in mapped))
same = features.check("zlib_ng") and built and "ng" not in runs and brought and not zlibs and mapped
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

#!/usr/bin/env bash
# Subject:  PyAV 18.1.0 (FFmpeg 8.1 inside), `VideoFrame.side_data` of a picture that brings EXIF
# Guess:    It has what PyAV knows, such as the display matrix; what is new to PyAV is left out, or has a number.
# Happens:  Looking at it raises "31 is not a valid Type", whatever one is looking for. FFmpeg 8.1 hands on EXIF, and PyAV has
#           names for the kinds up to 27: those of EXIF (31), of a view of stereo HEVC (29) and of 3D displays (30) are not
#           among them. Motion JPEG of cameras has EXIF in each picture. `VideoFrame.rotation` does not mind.
# Source:   https://github.com/PyAV-Org/PyAV/pull/2392, merged after 18.1.0: "sidedata.Type was missing five members"
# Matters:  The display matrix says how a frame is turned. mien takes what comes before the first kind without a name
#           (src/mien/video/pixels.py: `_Beside`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check av==18.1.0 pillow==13.0.0 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import io
import sys

import av
from PIL import Image

TURNED = 6  # by EXIF: a quarter turn


def film(turned):
    """Motion JPEG of three pictures."""
    exif, picture = Image.Exif(), io.BytesIO()
    if turned:
        exif[0x0112] = TURNED
    Image.new("RGB", (64, 48), "gray").save(picture, "JPEG", exif=exif)
    return io.BytesIO(3 * picture.getvalue())


def looked(turned):
    """What side data the first frame has, and its rotation."""
    with av.open(film(turned), format="mjpeg") as container:
        frame = next(container.decode(video=0))
        try:
            kinds = str([each.type.name for each in frame.side_data])
        except ValueError as error:
            kinds = str(error)
        return kinds, frame.rotation


print("PyAV", av.__version__, "libavcodec", av.library_versions["libavcodec"])
plain, exif = looked(False), looked(True)
print("without EXIF: side data, rotation", *plain)
print("with EXIF:    side data, rotation", *exif)
same = plain == ("[]", 0) and exif == ("31 is not a valid Type", -90)
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

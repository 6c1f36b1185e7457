#!/usr/bin/env bash
# Subject:  PyAV 18.1.0, VideoFrame.rotation of a clip that is shown mirrored
# Guess:    A clip that is mirrored and not turned has rotation 0.
# Happens:  It has -180, as one that is upside down: turned by that, faces stand on their heads. And one that is flipped top to
#           bottom has 0, as a plain one. The property is the angle of the display matrix, which takes it that nothing is
#           mirrored; the whole matrix, nine integers in the frame's side data, tells (a mirrored one has a determinant
#           below 0).
# Source:   https://github.com/PyAV-Org/PyAV/pull/1675, which added the property; the docstring tells of no limit. Others fell
#           for the same function of FFmpeg: https://github.com/FFMS/ffms2/issues/317,
#           https://github.com/mpv-player/mpv/pull/16090.
# Matters:  Front cameras write mirrored clips, and an expression is read from an upright face: mien takes the
#           matrix (src/mien/video/).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check av==18.1.0 numpy==2.4.6 || { echo "not checked: no package"; exit 2; }
cd "$work"
"$work/env/bin/python" - <<'PY'
import io
import struct
import sys

import av
import numpy as np

ONE, LAST = 1 << 16, 1 << 30
WIDTH, HEIGHT = 64, 48


def clip():
    """An MP4 of three gray frames."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(np.full((HEIGHT, WIDTH, 3), 128, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


def shown(data, matrix):
    """The same clip with another display matrix, in its track header."""
    start = data.index(b"tkhd") + 4 + 4 + 20 + 16  # name; version and flags; times, number, length; layer, volume
    return data[:start] + struct.pack(">9i", *matrix) + data[start + 36 :]


def first(data):
    """Rotation and matrix of the first frame."""
    with av.open(io.BytesIO(data)) as container:
        frame = next(container.decode(video=0))
        kept = [struct.unpack("=9i", bytes(each)) for each in frame.side_data if "DISPLAYMATRIX" in str(each.type)]
        return frame.rotation, kept[0] if kept else None


print("PyAV", av.__version__)
plain = clip()
cases = (
    # how it is shown, rotation as found, a, b, c, d of the matrix
    ("as it is", 0, 1, 0, 0, 1),
    ("a quarter turn", -90, 0, 1, -1, 0),
    ("half a turn", -180, -1, 0, 0, -1),
    ("mirrored, left to right", -180, -1, 0, 0, 1),
    ("flipped, top to bottom", 0, 1, 0, 0, -1),
    ("mirrored, a quarter turn", -90, 0, 1, 1, 0),
)
same = True
for what, found, a, b, c, d in cases:
    rotation, kept = first(shown(plain, (a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, 0, 0, LAST)))
    told = kept is None or (kept[0] * kept[4] - kept[1] * kept[3] < 0) == (a * d - b * c < 0)
    same &= rotation == found and told
    print(f"{what:24} rotation {rotation:4}, determinant {a * d - b * c:2}")
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

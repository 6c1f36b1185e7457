#!/usr/bin/env bash
# Subject:  PyAV 18.1.0, `duration` of an MP4 with B-frames whose last frames are far apart, as where a screen was recorded or slides shown
# Guess:    It is what the file's header says, 4.04 s where the last frame is at 4 s.
# Happens:  The container's and the stream's are 1.64 s. With B-frames the order in the file is not that of time: the steps from frame to
#           frame there add up to less, and FFmpeg takes their sum. The frame at 4 s is decoded. Without B-frames all agree.
# Source:   https://pyav.basswood-io.com/docs/stable/api/container.html has `duration` without a word; mov_read_stts in FFmpeg's
#           libavformat/mov.c; https://github.com/PyAV-Org/PyAV/issues/2335 tells of such films that are written.
# Matters:  Who reads until the duration, or takes frames at shares of it, never sees how such a film ends. mien reads to the last frame,
#           and asks the duration only to show how far it is, and whether a film was cut short (src/mien/video/clock.py: `duration_s`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check av==18.1.0 numpy==2.4.6 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import io
import struct
import sys
from fractions import Fraction
from importlib.metadata import version

import av
import numpy as np

TICK = Fraction(1, 90_000)
TIMES = [number / 25 for number in range(40)] + [4.0]


def made(between):
    """A film with so many B-frames between others at most."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "veryfast", "bf": str(between)})
        stream.width = stream.height = 64
        stream.pix_fmt, stream.codec_context.time_base = "yuv420p", TICK
        for number, time in enumerate(TIMES):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 5 * number, np.uint8), format="rgb24")
            frame.pts, frame.time_base = round(time / TICK), TICK
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


def header(data):
    """How long the film is by its header, in seconds."""
    units, length = struct.unpack_from(">II", data, data.index(b"mvhd") + 16)
    return round(length / units, 2)


print("PyAV", version("av"))
seen = []
for between in (0, 3):
    data = made(between)
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        told = round(container.duration / av.time_base, 2), round(float(stream.duration * stream.time_base), 2)
        last = [frame.time for frame in container.decode(stream)][-1]
    seen.append((header(data), told, last))
    print(f"bf={between}: the header says {header(data)} s, PyAV {told}, the last frame is at {last} s")
same = seen == [(4.04, (4.04, 4.04), 4.0), (4.04, (1.64, 1.64), 4.0)]
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

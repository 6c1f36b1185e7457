#!/usr/bin/env bash
# Subject:  PyAV 18.1.0, `VideoFrame.duration` of frames that are encoded
# Guess:    The file has it: three frames at 0, 1 and 2 s, of which the last stays for 3 s, make a video of 5 s.
# Happens:  It is passed over, and the last frame stays for one of the stream's rate: 2.04 s. With the flag `frame_duration` on the
#           coder it counts; but in an MP4 of H.264 with B-frames it is another frame's, and the video has 3 s.
# Source:   https://pyav.basswood-io.com/docs/stable/api/frame.html ("The duration of the frame", and no word of the flag);
#           AV_CODEC_FLAG_FRAME_DURATION in FFmpeg's libavcodec/avcodec.h; https://github.com/PyAV-Org/PyAV/issues/2335
# Matters:  A copy of some frames of a video ends with the last of them: times are those of frames alone
#           (src/mien/video/writing.py), and src/mien/video/clock.py asks no packet how long a frame is shown.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check av==18.1.0 numpy==2.4.6 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import io
import sys
from fractions import Fraction

import av
import numpy as np
from av.codec.context import Flags

TICK = Fraction(1, 90_000)
CODERS = {
    "webm": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"}),
    "mp4": ("libx264", {"preset": "veryfast", "bf": "0"}),
    "mp4, B-frames": ("libx264", {"preset": "veryfast"}),
}


def seconds(form, flag):
    """How long a video of three frames is, of which the last is to stay for three seconds."""
    coder, options = CODERS[form]
    file = io.BytesIO()
    with av.open(file, "w", format=form.partition(",")[0]) as container:
        stream = container.add_stream(coder, rate=25, options=options)
        stream.width = stream.height = 64
        stream.pix_fmt, stream.codec_context.time_base = "yuv420p", TICK
        if flag:
            stream.codec_context.flags |= Flags.frame_duration
        for time_s, stays_s in ((0, 1), (1, 1), (2, 3)):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 80 * time_s, np.uint8), format="rgb24")
            frame.pts, frame.duration, frame.time_base = int(time_s / TICK), int(stays_s / TICK), TICK
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with av.open(io.BytesIO(file.getvalue())) as container:
        return container.duration / 1e6


print("PyAV", av.__version__)
same = True
for form in CODERS:
    plain, flagged = seconds(form, False), seconds(form, True)
    same &= (plain, flagged) == (2.04, 3.0 if "B" in form else 5.0)
    print(f"{form}: {plain:g} s, and with the flag {flagged:g} s")
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

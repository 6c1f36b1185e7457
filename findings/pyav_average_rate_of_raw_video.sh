#!/usr/bin/env bash
# Subject:  PyAV 18.1.0 (FFmpeg 8.1 inside), `average_rate` of raw H.264, HEVC, MPEG-2 and MPEG-4, and of DV
# Guess:    As its docstring says, it is the mean of the first frames': 30 where the frames themselves say 30 (in H.264's VUI, in
#           MPEG-2's header of a sequence).
# Happens:  It is 25 for all raw streams, which is the rate by which FFmpeg makes up times that such files do not have; and for
#           DV it is 60,000, the ticks of its clock. `codec_context.framerate` has what the frames say.
# Source:   https://pyav.basswood-io.com/docs/stable/api/video.html (`average_rate`: "calculated when the file is opened by
#           looking at the first few frames and averaging their rate"); others fell for it:
#           https://github.com/OpenVisualCloud/SVT-HEVC/issues/218, https://github.com/waveform80/picamera/issues/209
# Matters:  Files without times are counted by a rate; by this one a minute was 72 s long. mien asks the frames
#           (src/mien/video/clock.py: `_rate`).
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

FILMS = (
    # container, coder, options, size, rate, what `average_rate` says
    ("h264", "libx264", {}, (64, 48), 30, 25),
    ("hevc", "libx265", {"x265-params": "log-level=none"}, (64, 48), 30, 25),
    ("mpeg2video", "mpeg2video", {}, (64, 48), 30, 25),
    ("m4v", "mpeg4", {}, (64, 48), 30, 25),
    ("h264", "libx264", {}, (64, 48), 50, 25),
    ("mp4", "libx264", {}, (64, 48), 30, 30),
    ("dv", "dvvideo", {}, (720, 576), 25, 60_000),
    ("avi", "dvvideo", {}, (720, 576), 25, 25),
)


def film(form, coder, options, size, rate):
    """A second of gray."""
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        stream = container.add_stream(coder, rate=rate, options=options)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for number in range(rate):
            frame = av.VideoFrame.from_ndarray(np.full((*size[::-1], 3), 128, np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return io.BytesIO(file.getvalue())


print("PyAV", av.__version__)
same = True
for form, coder, options, size, rate, found in FILMS:
    with av.open(film(form, coder, options, size, rate)) as container:
        stream = container.streams.video[0]
        average, told = stream.average_rate, stream.codec_context.framerate
    same &= average == found and (form == "mp4" or told == rate)
    print(f"{form:10} {coder:10} of {rate} frames/s: average_rate {average}, codec_context.framerate {told}")
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

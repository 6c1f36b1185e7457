#!/usr/bin/env bash
# Subject:  PyAV 18.1.0 (FFmpeg 8.1 inside), H.264 and HEVC whose pictures are cropped at the left
# Guess:    Frames have the size that the stream tells: 48 px where 16 of 64 columns are cropped.
# Happens:  The stream says 48, and frames are 64 wide: what is cropped at the left is shown, up to 63 columns of it, as rows must begin
#           where the processor likes it; what is cropped at the other edges is not. With the flag `unaligned` on the
#           decoder frames are as told.
# Source:   https://ffmpeg.org/doxygen/trunk/structAVCodecContext.html (`apply_cropping`: "only by as much as possible while
#           preserving alignment, or by the full amount if the AV_CODEC_FLAG_UNALIGNED flag is set"); mpv fell for it:
#           https://github.com/mpv-player/mpv/issues/16758, https://github.com/mpv-player/mpv/issues/11739
# Matters:  Films are cropped so without being coded anew (FFmpeg's h264_metadata). A face's place would be another
#           than in a player; mien sets the flag (src/mien/video/decoder.py).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check av==18.1.0 numpy==2.4.6 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import io
import sys

import av
import numpy as np
from av.codec.context import Flags

WIDTH, HEIGHT = 192, 64
EXACT = "qp=0:crop-rect="  # left, top, right, bottom


def film(crop):
    """A ramp: each column is a level lighter than the one to its left."""
    ramp = np.repeat(np.tile(np.arange(WIDTH, dtype=np.uint8), (HEIGHT, 1))[..., None], 3, 2)
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25, options={"x264-params": EXACT + crop})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(ramp, format="rgb24")))
        container.mux(stream.encode(None))
    return io.BytesIO(file.getvalue())


def seen(crop, unaligned):
    """The stream's width, its first frame's, and which column that begins with."""
    with av.open(film(crop)) as container:
        stream = container.streams.video[0]
        if unaligned:
            stream.codec_context.flags |= Flags.unaligned
        told = stream.width
        frame = next(container.decode(stream))
        return told, frame.width, round(float(frame.to_ndarray(format="rgb24")[HEIGHT // 4, 0].mean()))


print("PyAV", av.__version__)
same = True
for crop, told, column in (("16,0,0,0", 176, 16), ("34,0,0,0", 158, 34), ("0,0,16,0", 176, 0), ("0,16,0,0", 192, 0)):
    plain, flagged = seen(crop, False), seen(crop, True)
    cut = crop.startswith(("16", "34"))
    same &= plain[0] == flagged[0] == flagged[1] == told and abs(flagged[2] - column) <= 2
    same &= (plain[1] > told and plain[2] < column - 2) if cut else plain == flagged
    print(f"cropped by {crop:9}: told {plain[0]}; frames {plain[1]} from column {plain[2]}, "
          f"unaligned {flagged[1]} from column {flagged[2]}")
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

#!/usr/bin/env bash
# Subject:  PyAV 18.1.0 (FFmpeg inside), H.264 that is refreshed piece by piece (x264's intra-refresh) in MP4
# Guess:    A packet that is a keyframe can be decoded without those before it: its frame says so too, and after a seek to it that frame is
#           the first one.
# Happens:  Packets of mere recovery points are keyframes, their frames are not; after a seek the first frame that comes is some frames later.
# Source:   ITU-T H.264, D.2.8 (recovery point SEI); https://pyav.basswood-io.com/docs/stable/api/packet.html (`is_keyframe`)
# Matters:  Who leaves out packets up to a keyframe loses frames that were wanted. mien does so only where frames have said that they are
#           such (src/mien/video/decoder.py).
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

HOW = {"x264-params": "intra-refresh=1:keyint=10:scenecut=0:bframes=0"}
file = io.BytesIO()
y, x = np.mgrid[:64, :96]
with av.open(file, "w", format="mp4") as container:
    video = container.add_stream("libx264", rate=25, options=HOW)
    video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
    for number in range(40):
        gray = (128 + 100 * np.sin((x + 2 * number) / 9) * np.cos(y / 7)).astype(np.uint8)
        frame = av.VideoFrame.from_ndarray(np.dstack([gray] * 3), "rgb24")
        frame.pts = number
        container.mux(video.encode(frame))
    container.mux(video.encode(None))

file.seek(0)
with av.open(file) as container:
    video = container.streams.video[0]
    step = 1 / (video.time_base * 25)
    packets, frames = [], []
    for packet in container.demux(video):
        if packet.pts is not None and packet.is_keyframe:
            packets.append(int(packet.pts / step))
        frames += [int(frame.pts / step) for frame in packet.decode() if frame.key_frame]
file.seek(0)
with av.open(file) as container:
    video = container.streams.video[0]
    container.seek(int(packets[1] * step), stream=video)
    first = int(next(container.decode(video)).pts / step)

print("PyAV", av.__version__)
print("packets that are keyframes:", packets)
print("frames that are keyframes: ", frames)
print(f"after a seek to {packets[1]} the first frame is", first)
same = len(packets) > 1 and frames == [0] and first > packets[1]
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

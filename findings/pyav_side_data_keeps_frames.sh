#!/usr/bin/env bash
# Subject:  PyAV 18.1.0, VideoFrame.side_data
# Guess:    Looking at a frame's side data leaves the frame as it was: it goes with the last name for it.
# Happens:  The container of the side data is kept by the frame and keeps the frame, so that both wait for the cyclic garbage
#           collector. In a loop over a video dozens of frames live at once; at 3840 x 2160 that is gigabytes. A container
#           that is made by hand, SideDataContainer(frame), is not kept, and frames go at once.
# Source:   av/frame.py of PyAV's sources: `side_data` makes the container once and keeps it; av/sidedata/sidedata.py: the
#           container has its frame.
# Matters:  The display matrix is in there, which says how a frame is turned. Reading 1080p took 1.7 GB for 0.36; mien makes
#           the container by hand (src/mien/video/pixels.py).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check av==18.1.0 numpy==2.4.6 || { echo "not checked: no package"; exit 2; }
cd "$work"
"$work/env/bin/python" - <<'PY'
import gc
import io
import sys

import av
import numpy as np
from av.sidedata.sidedata import SideDataContainer
from av.video.frame import VideoFrame

FRAMES = 40


def clip():
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 128, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


def alive(look):
    """How many frames live at the end of a loop that keeps none, before the collector has come."""
    gc.collect()
    gc.disable()
    try:
        with av.open(io.BytesIO(data)) as container:
            for frame in container.decode(video=0):
                look(frame)
            return sum(type(each) is VideoFrame for each in gc.get_objects())
    finally:
        gc.enable()


print("PyAV", av.__version__)
data = clip()
ways = {
    "not looked at": lambda frame: None,
    "frame.side_data": lambda frame: frame.side_data.get("DISPLAYMATRIX"),
    "SideDataContainer(frame)": lambda frame: SideDataContainer(frame).get("DISPLAYMATRIX"),
}
found = {name: alive(look) for name, look in ways.items()}
for name, count in found.items():
    print(f"{name:26}{count:3} of {FRAMES} frames alive")
same = found["frame.side_data"] >= FRAMES - 1 and max(found["not looked at"], found["SideDataContainer(frame)"]) <= 3
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

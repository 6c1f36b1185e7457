#!/usr/bin/env bash
# Subject:  PyAV 18.1.0, FFmpeg's option `fflags=nobuffer`, as guides to streams of little delay give it
# Guess:    All frames are decoded, with less delay.
# Happens:  What FFmpeg looks at to tell what the stream is, is thrown away: up to `analyzeduration`, and the first keyframe with it.
#           Frames come from the second keyframe on, which cameras send seconds later; a transport stream with one keyframe has
#           none at all, and nothing is said. A file, to whose beginning FFmpeg can go back, has all.
# Source:   https://ffmpeg.org/ffmpeg-formats.html: nobuffer will "reduce the latency introduced by buffering during initial
#           input streams analysis"; avformat_find_stream_info in FFmpeg's libavformat/demux.c
# Matters:  `mien watch` told of a short transport stream that none of its frames could be read. Without the option what was looked
#           at is decoded at once, and nothing is late (src/mien/video/live.py: `OPTIONS`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check av==18.1.0 numpy==2.4.6 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import io
import sys
from importlib.metadata import version

import av
import numpy as np


class Pipe:
    """Bytes that come once, as from a camera."""

    def __init__(self, data):
        self.read = io.BytesIO(data).read


def made(count, keyframes):
    """A transport stream of 25 frames a second."""
    file = io.BytesIO()
    with av.open(file, "w", format="mpegts") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "g": str(keyframes)})
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for number in range(count):
            pixels = np.full((64, 64, 3), number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return file.getvalue()


def frames(data, **options):
    with av.open(Pipe(data), options={"analyzeduration": "1000000", **options}) as container:
        return sum(1 for _ in container.decode(video=0))


print("PyAV", version("av"))
seen = []
for count, keyframes in ((20, 20), (100, 50)):
    data = made(count, keyframes)
    seen.append((count, frames(data), frames(data, fflags="nobuffer")))
    print("{} frames, a keyframe each {}: {} by default, {} with nobuffer".format(count, keyframes, *seen[-1][1:]))
same = all(plain == count for count, plain, _ in seen) and seen[0][2] == 0 and seen[1][2] <= 50
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

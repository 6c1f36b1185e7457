#!/usr/bin/env bash
# Subject:  PyAV 18.1.0, its encoder libsvtav1 (Linux, as root or with the right to set priorities, as in most containers)
# Guess:    Coding one frame leaves the process as it was.
# Happens:  The thread that opens the encoder, and with it all that it starts later, threads and other programs, is moved to
#           SCHED_FIFO with priority 99, the highest there is, and stays there when the encoder is closed. Whatever then works for
#           long keeps ordinary programs from the processor, parts of the system among them. libx264 and libvpx-vp9 leave it alone.
# Source:   SVT's encoders call pthread_setschedparam(pthread_self(), SCHED_FIFO, ...) where they are opened; without the right they
#           print "Elevated privileges required to run with real-time policies" (SVT-HEVC, EbEncHandle.c, has the same function).
# Matters:  A test that coded one small AV1 file made browsers that were started after it stop the machine. mien codes copies by
#           VP9 or H.264 (src/mien/filming.py), and its tests make no AV1.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ "$(uname -s)" = Linux ] || { echo "not checked: no Linux"; exit 2; }
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check av==18.1.0 numpy==2.4.6 || { echo "not checked: no package"; exit 2; }
cd "$work"
cat > code.py <<'PY'
import io
import os
import sys

import av
import numpy as np

NAMES = {os.SCHED_OTHER: "SCHED_OTHER", os.SCHED_FIFO: "SCHED_FIFO"}


def policy():
    return f"{NAMES[os.sched_getscheduler(0)]} {os.sched_getparam(0).sched_priority}"


codec, form = sys.argv[1:]
before = policy()
with av.open(io.BytesIO(), "w", format=form) as container:
    stream = container.add_stream(codec, rate=25)
    stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
    frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 128, np.uint8), format="rgb24")
    container.mux(stream.encode(frame))
    container.mux(stream.encode())
print(f"{codec}: {before} -> {policy()}")
PY
"$work/env/bin/python" -c "import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))" 2>/dev/null ||
  { echo "not checked: no right to set priorities"; exit 2; }
"$work/env/bin/python" -c "import av; print('PyAV', av.__version__)"
for each in "libx264 mp4" "libvpx-vp9 webm" "libsvtav1 webm"; do
  "$work/env/bin/python" code.py $each 2>/dev/null | tee -a seen
done
diff seen - <<'SEEN'
libx264: SCHED_OTHER 0 -> SCHED_OTHER 0
libvpx-vp9: SCHED_OTHER 0 -> SCHED_OTHER 0
libsvtav1: SCHED_OTHER 0 -> SCHED_FIFO 99
SEEN

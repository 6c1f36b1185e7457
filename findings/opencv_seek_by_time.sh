#!/usr/bin/env bash
# Subject:  OpenCV 5.0.0, `VideoCapture.set(CAP_PROP_POS_MSEC, 2000)`, and CAP_PROP_POS_FRAMES, in a video whose rate varies, as phones' do
# Guess:    The next `read()` gives the frame that is shown at 2 s, or the one of that number: read in turn, each frame comes with its true
#           time from `get(CAP_PROP_POS_MSEC)`, and the count of an MP4 is right.
# Happens:  Another one comes, seconds away, or none, though it is there; `set` returns True. Times and numbers are made of each other by one
#           rate for the whole file: the mean in an MP4, in Matroska the rate that it was declared with, by which CAP_PROP_FRAME_COUNT is
#           reckoned, too. Where the rate is even both are right. What `get` tells after the `read()` is the time of the frame that came.
# Source:   https://docs.opencv.org/4.x/d4/d15/group__videoio__flags__base.html ("Current position of the video file in milliseconds");
#           https://github.com/opencv/opencv/issues/9053, open (of frame numbers);
#           https://github.com/opencv/opencv/issues/23088, closed (of what `get` tells before a `read()`)
# Matters:  Who looks up a row of mien's table that way, or cuts out what a person saw from 2 s on, gets another face. mien takes frames by
#           the time that each one has (src/mien/video/moments.py; tests/video/test_frames.py: rates that vary).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check opencv-python-headless==5.0.0.93 av==18.1.0 numpy==2.4.6 ||
  { echo "not checked: no package"; exit 2; }
cd "$work"
env/bin/python - <<'PY'
import sys
from fractions import Fraction

import av
import cv2
import numpy as np

print("OpenCV", cv2.__version__)
BITS, SIDE, MS = 8, 32, Fraction(1, 1000)
EVEN = [round(n / 25, 3) for n in range(100)]
PHONE = [round(n / 30, 3) for n in range(60)] + [2 + n / 10 for n in range(40)]  # the light is turned down at 2 s
TIMES, NUMBERS = (1, 2, 3, 5), (40, 59, 80)


def write(path, times):
    """A video whose frames show their numbers, a bit a square."""
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = BITS * SIDE, SIDE, "yuv420p"
        stream.codec_context.time_base = MS
        for number, time in enumerate(times):
            squares = [255 * (number >> bit & 1) for bit in range(BITS)]
            pixels = np.tile(np.repeat(np.array(squares, np.uint8), SIDE)[:, None], (SIDE, 1, 3))
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
            frame.pts, frame.time_base = round(time / MS), MS
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def shown(capture):
    """Which frame comes next, and what its time is said to be in s; None where there is none."""
    there, pixels = capture.read()
    if not there:
        return None
    number = sum(int(pixels[SIDE // 2, bit * SIDE + SIDE // 2].mean() > 127) << bit for bit in range(BITS))
    return number, round(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, 3)


def sought(path, by, place):
    """As `shown`, of the frame that comes after it was asked for."""
    capture = cv2.VideoCapture(path)
    assert capture.set(by, place)
    return shown(capture)


def told(path, times):
    """Write a video; whether frames read in turn have their times; its count; numbers that came, by time and by number."""
    write(path, times)
    capture = cv2.VideoCapture(path)
    sound = all(shown(capture) == (number, round(time, 3)) for number, time in enumerate(times))
    count, rate = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
    print(f"{path}: {len(times)} frames in {times[-1]:g} s; count {count:g}, rate {rate:.2f}; read in turn: {'right' if sound else 'wrong'}")
    by_time = {second: sought(path, cv2.CAP_PROP_POS_MSEC, second * 1000) for second in TIMES if second < times[-1]}
    by_number = {number: sought(path, cv2.CAP_PROP_POS_FRAMES, number) for number in NUMBERS}
    for unit, found in (("s", by_time), ("(number)", by_number)):
        print("  asked for", "; ".join(f"{place} {unit}: {frame and 'frame %d, of %g s' % frame}" for place, frame in found.items()))
    return sound, count, {**by_time, **by_number}


even, phone, matroska = told("even.mp4", EVEN), told("phone.mp4", PHONE), told("phone.mkv", PHONE)
same = all(sound for sound, _, _ in (even, phone, matroska))
same &= all(abs(even[2][second][1] - second) < 0.05 for second in TIMES[:3]) and all(even[2][at][0] == at for at in NUMBERS)
same &= phone[2][2][1] < 1.5 and phone[2][3][1] < 2.5 and phone[2][5] is None and phone[1] == len(PHONE)
same &= phone[2][59][0] > 70 and phone[2][80] is None
same &= matroska[2][3][1] > 3.9 and matroska[2][5] is None and matroska[1] > len(PHONE) + 50
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

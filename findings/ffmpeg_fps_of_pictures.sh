#!/usr/bin/env bash
# Subject:  FFmpeg 9.0.2 (and 5.1), pictures of a video at so many a second, by the filter `fps` or the option `-r`
# Guess:    With `-vf fps=1` picture 0 is the one that is shown at 0 s, picture 1 that at 1 s. `-r 1` does the same.
# Happens:  `fps` takes the last frame before the half: 0.48 s, 1.48 s, 2.48 s of a film of 25 a second, at 5 a second 0.08 s, 0.28 s.
#           With `round=up` they are those at 0 s, 1 s, 2 s; `round=down` is later still. `-r 1` takes those at 0 s, 0.04 s, 0.88 s,
#           1.88 s: picture 2 is more than a second early.
# Source:   https://ffmpeg.org/ffmpeg-filters.html#fps-1 has `round`, "default is near", and does not tell which frames that takes;
#           https://ffmpeg.org/ffmpeg.html has `-r`; https://github.com/escorciav/video-utils/issues/5 warns of i/fps for both.
# Matters:  Of a folder of pictures mien knows the rate alone: all onsets are half a step early where `fps` made it. docs/video.md
#           says how to make one. `--every` takes the frames at these times itself.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check imageio-ffmpeg==0.8.1 || { echo "not checked: no package"; exit 2; }
cd "$work"
env/bin/python - <<'PY'
import subprocess
import sys

import imageio_ffmpeg

SIDE = 16


def ffmpeg(*words):
    """What it writes."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-hide_banner", "-nostdin", "-loglevel", "error", *words]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


def shown(*options):
    """At which time of the film each picture is: its gray is the number of its frame."""
    pixels = ffmpeg("-i", "film.mkv", *options, "-f", "rawvideo", "-pix_fmt", "gray", "-")
    return [number / 25 for number in pixels[:: SIDE * SIDE]]


film = f"color=black:size={SIDE}x{SIDE}:rate=25:duration=5,format=gray,geq=lum=N"
ffmpeg("-f", "lavfi", "-i", film, "-c:v", "ffv1", "film.mkv")
print("FFmpeg", imageio_ffmpeg.get_ffmpeg_version(), "- a film of 5 s, 25 frames a second")
cases = {
    "-vf fps=1": [0.48, 1.48, 2.48, 3.48, 4.48],
    "-vf fps=1:round=up": [0, 1, 2, 3, 4],
    "-vf fps=1:round=down": [0.96, 1.96, 2.96, 3.96, 4.96],
    "-vf fps=5": [0.08, 0.28, 0.48, 0.68, 0.88],
    "-vf fps=5:round=up": [0, 0.2, 0.4, 0.6, 0.8],
    "-r 1": [0, 0.04, 0.88, 1.88, 2.88],
}
same = True
for options, described in cases.items():
    found = shown(*options.split())[:5]
    same &= found == described
    print(f"{options:21} first pictures: those at {', '.join(f'{time_s:g}' for time_s in found)} s")
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

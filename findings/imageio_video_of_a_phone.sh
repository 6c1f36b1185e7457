#!/usr/bin/env bash
# Subject:  imageio 2.38.1 with imageio-ffmpeg 0.8.1, and MoviePy 2.2.1, on a video whose rate varies, as phones film where light is poor
# Guess:    imageio yields the video's frames, and the i-th is shown at i / fps; `clip.get_frame(t)` is the picture at t.
# Happens:  FFmpeg hands both of them frames at the highest rate, repeated where there are fewer, while the rate that they count by is the
#           average. imageio yields 88 frames of a video of 50, which last 5 s where it has 3; `count_frames` says 50, and `get_data(40)`
#           is not what was yielded as the 40th. MoviePy shows at 2.5 s what is shown at 1.4 s, and a quarter of the frames never, nor are
#           they in the copies that it writes. With fps_source="tbr" its times are right, and imageio's plugin pyav yields each frame once.
# Source:   https://github.com/imageio/imageio/issues/949, open (which rate it is, and `get_data`);
#           https://github.com/Zulko/moviepy/issues/1548, open (copies that play too fast or too slowly)
# Matters:  Rows of expressions by seconds, and captions, come to lie beside other faces; nothing is said, and videos of an even rate are
#           right. mien takes each frame with its own time (src/mien/video/).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check imageio==2.38.1 imageio-ffmpeg==0.8.1 moviepy==2.2.1 av==18.1.0 \
  numpy==2.4.6 || { echo "not checked: no package"; exit 2; }
cd "$work"
"$work/env/bin/python" - <<'PY'
import importlib.metadata
import sys
from fractions import Fraction

import av
import imageio
import imageio.v3
import imageio_ffmpeg
import moviepy
import numpy as np

print(*(f"{name} {importlib.metadata.version(name)}" for name in ("imageio", "imageio-ffmpeg", "moviepy")), sep=" - ")
print("FFmpeg", imageio_ffmpeg.get_ffmpeg_version())
SIDE, TICK = 64, Fraction(1, 90000)
VIDEOS = {
    "even": [number / 30 for number in range(50)],
    "varying": [number / 30 for number in range(30)] + [1 + number / 10 for number in range(20)],
}


def film(path, times):
    """Each frame is of another gray."""
    with av.open(path, "w") as file:
        stream = file.add_stream("libx264", rate=30, options={"bf": "0", "qp": "0"})
        stream.width = stream.height = SIDE
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = TICK
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(np.full((SIDE, SIDE, 3), 4 * number + 16, np.uint8), format="rgb24")
            frame.pts, frame.time_base = round(time / TICK), TICK
            file.mux(stream.encode(frame))
        file.mux(stream.encode())


def number(picture):
    """Which frame it is."""
    return round((float(np.mean(picture)) - 16) / 4)


def shown(times, time):
    return max(number for number, first in enumerate(times) if first <= time + 1e-6)


same = True
for kind, times in VIDEOS.items():
    path = f"{kind}.mp4"
    film(path, times)
    with av.open(path) as file:
        right = [(number(frame.to_ndarray(format="rgb24")), frame.time) for frame in file.decode(video=0)]
    same &= all(found == at and abs(time - times[at]) < 1e-3 for at, (found, time) in enumerate(right)) and len(right) == 50
    print(f"{kind}: {len(right)} frames, the last one at {right[-1][1]:.2f} s")

    reader = imageio.get_reader(path)
    rate = reader.get_meta_data()["fps"]
    yielded = [number(picture) for picture in reader]
    told = reader.count_frames()
    fetched = number(reader.get_data(40))
    by_pyav = [number(picture) for picture in imageio.v3.imiter(path, plugin="pyav")]
    print(
        f"  imageio: {len(yielded)} frames at {rate:.2f}, the last one at {(len(yielded) - 1) / rate:.2f} s; it counts {told}; "
        f"the 40th is {yielded[40]}, asked for it is {fetched}; by its plugin pyav {len(by_pyav)} frames"
    )
    same &= by_pyav == list(range(50)) and told == 50
    if kind == "even":
        same &= yielded == list(range(50)) and fetched == 40
    else:
        same &= len(yielded) > 80 and (len(yielded) - 1) / rate > 4.5 and yielded[40] < 36 and fetched != yielded[40]

    for source in ("fps", "tbr"):
        with moviepy.VideoFileClip(path, fps_source=source) as clip:
            asked = [time for time in (0.5, 1, 1.5, 2, 2.5) if time < clip.duration]
            found = {time: number(clip.get_frame(time)) for time in asked}
            seen = {number(picture) for picture in clip.iter_frames()}
        late = ", ".join(f"{time} s {at} ({shown(times, time)})" for time, at in found.items())
        print(f"  MoviePy by {source}: {late}; of 50 frames it shows {len(seen)}, up to {max(seen)}")
        off = max(abs(times[at] - times[shown(times, time)]) for time, at in found.items())
        same &= off > 0.7 and max(seen) < 40 if (kind, source) == ("varying", "fps") else off < 0.01 and len(seen) >= 49
        if kind == "varying":
            with moviepy.VideoFileClip(path, fps_source=source) as clip:
                clip.write_videofile(f"{source}.mp4", audio=False, logger=None, ffmpeg_params=["-qp", "0"])
            with av.open(f"{source}.mp4") as file:
                copied = [(number(frame.to_ndarray(format="rgb24")), frame.time) for frame in file.decode(video=0)]
            print(f"    a copy: {copied[-1][1]:.2f} s long, its last frame is {copied[-1][0]}")
            same &= copied[-1][0] < 40 if source == "fps" else copied[-1][0] >= 48
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

#!/usr/bin/env bash
# Subject:  PyAV 18.1.0 (FFmpeg 8.1), frames of luma alone ("gray") and limited range, as HEVC and AV1 without colour have them
# Guess:    Black and white, 16 and 235 in the file, come out as 0 and 255 in RGB, as they do with colour: the frame says that
#           its range is limited.
# Happens:  They come out as 16 and 235, dark gray and light gray, whatever the frame says and whatever is asked for. FFmpeg takes
#           gray for full range. To YUV of limited range they are squeezed once more, to 30 and 218. Of one AVIF without
#           colour Pillow makes 0 and 255, PyAV 16 and 235.
# Source:   ITU-T H.265, E.3.1, video_full_range_flag: black is 16 whether there is chroma or not. That libswscale decides by the
#           format: https://github.com/mpv-player/mpv/pull/12105. Players fell for it:
#           https://github.com/Nevcairiel/LAVFilters/issues/623; of images: https://github.com/strukturag/libheif/issues/580.
# Matters:  A face has a seventh less contrast then. mien gives such frames chroma first, with their own range
#           (src/mien/video/pixels.py: `ranged`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check av==18.1.0 numpy==2.4.6 pillow==13.0.0 ||
  { echo "not checked: no package"; exit 2; }
cd "$work"
"$work/env/bin/python" - <<'PY'
import io
import sys

import av
import numpy as np
from av.video.frame import VideoFrame
from PIL import Image

WIDTH, HEIGHT, LIMITED = 128, 64, 1
LEFT, RIGHT = (HEIGHT // 2, WIDTH // 4), (HEIGHT // 2, 3 * WIDTH // 4)


def hevc(form):
    """A clip whose left half is black and whose right half is white, of limited range."""
    luma = np.full((HEIGHT, WIDTH), 16, np.uint8)
    luma[:, WIDTH // 2 :] = 235
    planes = luma if form == "gray" else np.concatenate([luma, np.full((HEIGHT // 2, WIDTH), 128, np.uint8)])
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx265", rate=25, options={"x265-params": "log-level=none"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, form
        stream.codec_context.color_range = LIMITED
        for _ in range(5):
            container.mux(stream.encode(VideoFrame.from_ndarray(planes, form)))
        container.mux(stream.encode())
    return file.getvalue()


def first(data):
    with av.open(io.BytesIO(data)) as container:
        return next(container.decode(video=0))


def halves(array):
    """The left half and the right one, of RGB or of luma."""
    return tuple(int(np.ravel(array[place])[0]) for place in (LEFT, RIGHT))


print("PyAV", av.__version__)
same = True
for form, found in (("yuv420p", (0, 255)), ("gray", (16, 235))):
    frame = first(hevc(form))
    plain = halves(frame.to_ndarray(format="rgb24"))
    asked = halves(frame.reformat(format="rgb24", src_color_range="MPEG", dst_color_range="JPEG").to_ndarray())
    squeezed = halves(frame.reformat(format="yuv420p", dst_color_range="MPEG").to_ndarray())
    same &= frame.format.name == form and frame.color_range == LIMITED and plain == asked == found
    same &= squeezed == ((16, 235) if form == "yuv420p" else (30, 218))
    print(f"HEVC {form:8} says range {frame.color_range}: RGB {plain}, with both ranges named {asked}, YUV {squeezed}")
bars = Image.new("L", (WIDTH, HEIGHT), 0)
bars.paste(255, (WIDTH // 2, 0, WIDTH, HEIGHT))
file = io.BytesIO()
bars.save(file, "AVIF", quality=100, range="limited", subsampling="4:0:0")
frame = first(file.getvalue())
by_pyav = halves(frame.to_ndarray(format="rgb24"))
by_pillow = halves(np.asarray(Image.open(io.BytesIO(file.getvalue())).convert("RGB")))
same &= frame.color_range == LIMITED and by_pyav == (16, 235) and by_pillow == (0, 255)
print(f"AVIF {frame.format.name:8} says range {frame.color_range}: RGB {by_pyav}, by Pillow {by_pillow}")
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

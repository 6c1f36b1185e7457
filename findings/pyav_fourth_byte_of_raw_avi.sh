#!/usr/bin/env bash
# Subject:  PyAV 18.1.0 (FFmpeg 8.1 inside), raw AVI of 32 bits a pixel
# Guess:    Of four bytes a pixel three are its colour and one is unused, as the header that AVI shares with BMP has it, and as
#           PyAV and Pillow read a BMP of the same header and the same pixels.
# Happens:  PyAV takes the fourth byte for alpha in AVI alone: the BMP is "bgr0", the AVI "bgra". Writers leave that byte 0, and
#           then the whole film is clear.
# Source:   https://learn.microsoft.com/en-us/previous-versions/dd183376(v=vs.85) (BITMAPINFOHEADER, biBitCount of 32:
#           the high byte is not used); https://github.com/AviSynth/AviSynthPlus/issues/171, where ffplay shows RGB32 black
# Matters:  Clear parts of a video lie on white, and such films were white all over, without a face. mien takes raw pixels in
#           AVI as opaque (src/mien/video/decoder.py: `_painting`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check av==18.1.0 numpy==2.4.6 pillow==13.0.0 ||
  { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import io
import struct
import sys

import av
import numpy as np
from PIL import Image

WIDTH, HEIGHT = 16, 8
PIXEL = (30, 60, 200, 0)  # blue, green, red, and what is unused


def header(height):
    """BITMAPINFOHEADER: 32 bits a pixel, BI_RGB."""
    return struct.pack("<IiiHHIIiiII", 40, WIDTH, height, 1, 32, 0, 0, 0, 0, 0, 0)


def bitmap():
    pixels = bytes(PIXEL) * WIDTH * HEIGHT
    return struct.pack("<2sIHHI", b"BM", 54 + len(pixels), 0, 0, 54) + header(HEIGHT) + pixels


def film():
    """One frame; PyAV writes the same header, but for the sign of the height, which says that rows come from the top."""
    file = io.BytesIO()
    with av.open(file, "w", format="avi") as container:
        stream = container.add_stream("rawvideo", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "bgra"
        frame = av.VideoFrame.from_ndarray(np.full((HEIGHT, WIDTH, 4), PIXEL, np.uint8), format="bgra")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    at = file.getvalue().index(b"strf") + 8
    told = bytearray(file.getvalue()[at : at + 40])
    told[20:24] = bytes(4)  # how many bytes the pixels take
    assert bytes(told) in (header(HEIGHT), header(-HEIGHT)), told
    return file.getvalue()


def read(data):
    """The format of the first frame, and a pixel of it in RGBA."""
    with av.open(io.BytesIO(data)) as container:
        frame = next(container.decode(video=0))
        return frame.format.name, tuple(frame.to_ndarray(format="rgba")[HEIGHT // 2, WIDTH // 2].tolist())


image = Image.open(io.BytesIO(bitmap()))
by_pillow = image.mode, image.convert("RGBA").getpixel((WIDTH // 2, HEIGHT // 2))
of_bitmap, of_film = read(bitmap()), read(film())
print("PyAV", av.__version__)
print("BMP by Pillow:", *by_pillow)
print("BMP by PyAV:  ", *of_bitmap)
print("AVI by PyAV:  ", *of_film)
same = by_pillow == ("RGB", (200, 60, 30, 255)) and of_bitmap == ("bgr0", (200, 60, 30, 255))
same &= of_film == ("bgra", (200, 60, 30, 0))
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

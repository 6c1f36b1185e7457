"""The traps of video files: a file made for each as in the tests, the right value, and ours.

python benchmarks/traps.py
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.stream import Disposition
from common import ROOT, head, machine, row
from PIL import Image

from mien.errors import VideoError
from mien.video import frames

sys.path.insert(0, str(ROOT / "tests"))

from filmed import BARS, Film, barred, bars_of, coded, corners, plain, seen, tone

B_FRAMES = {"preset": "ultrafast", "bf": "3"}
EXACT = {"preset": "ultrafast", "qp": "0"}
VP9: dict[str, Any] = {"form": "webm", "codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8"}}
ONE = 1 << 16
FILM = [plain(number) for number in range(20)]

Trap = Callable[[], tuple[object, object]]
"""Gives the right value and ours."""


def read(made: bytes, **how: Any) -> tuple[list[Any], str, tuple[str, ...]]:
    """The frames of a file, what was wrong with it, and what was said."""
    found: list[Any] = []
    with frames(io.BytesIO(made), **how) as video:
        try:
            found.extend(video)
        except VideoError as error:
            return found, str(error), video.notes
        return found, "", video.notes


def times(*films: Film) -> str:
    found = read(b"".join(each.made() for each in films))[0]
    return ", ".join(f"{frame.time_s:g}" for frame in found[:7])


def colours(matrix: str, full: bool = False, bits: int = 8, **how: Any) -> int:
    """The greatest error, in levels, of bars, a ramp and skins."""
    flat = np.repeat(barred()[:1], how.pop("height", 48), 0)
    made = Film([coded(flat, matrix, full, bits)], options=EXACT, **how).made()
    return int(np.abs(bars_of(read(made)[0][0].pixels) - BARS).max())


def turned(matrix: tuple[int, int, int, int]) -> str:
    """What becomes of `corners` by a display matrix."""
    a, b, c, d = (each * ONE for each in matrix)
    return quarters(Film([corners()], options=EXACT, matrix=(a, b, 0, c, d, 0, 0, 0, 1 << 30)).made())


def photographed() -> str:
    """What becomes of `corners` as motion JPEG that says that it is to be turned clockwise."""
    exif, photo = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    Image.fromarray(corners()).save(photo, "JPEG", exif=exif, quality=95)
    return quarters(3 * photo.getvalue())


def quarters(made: bytes) -> str:
    """The colours of the quarters of the first frame, row by row."""
    pixels = read(made)[0][0].pixels
    height, width = pixels.shape[:2]
    names = {(1, 0, 0): "R", (0, 1, 0): "G", (0, 0, 1): "B", (1, 1, 1): "W"}
    places = [(y, x) for y in (height // 4, 3 * height // 4) for x in (width // 4, 3 * width // 4)]
    return "".join(names[tuple((pixels[place] > 127).astype(int).tolist())] for place in places)


def order(form: str, **how: Any) -> str:
    found = read(Film(FILM, form=form, **how).made())[0]
    right = [seen(frame.pixels) for frame in found] == list(range(20))
    rising = np.allclose(np.diff([frame.time_s for frame in found]), 0.04, atol=0.0011)
    return f"{len(found)}, {'in order' if right else 'out of order'}, times {'even' if rising else 'uneven'}"


def hdr(curve: int) -> int:
    """White paper, as ITU-R BT.2408 has it in HLG (75% of the signal) and in PQ (58%)."""
    yuv = np.full((72, 64), 512, np.uint16)
    yuv[:48] = round((16 + 219 * {18: 0.75, 16: 0.58}[curve]) * 4)
    tags = {"colorspace": 9, "color_range": 1, "color_trc": curve, "color_primaries": 9}
    made = Film([yuv], form="matroska", codec="ffv1", pixel="yuv420p10le", options={}, tags=tags)
    return int(read(made.made())[0][0].pixels.min())


def broken(share: float, **how: Any) -> str:
    made = Film([plain(number) for number in range(100)], **how).made()
    found, error, _ = read(made[: int(share * len(made))])
    return f"{'some' if 20 < len(found) < 80 else len(found)} frames, then: {error.split(' (')[0].split(' of ')[0]}"


def edited() -> str:
    early = Film(FILM, [40 * i - 200 for i in range(20)], settings={"avoid_negative_ts": "disabled"})
    found = read(early.made())[0]
    return f"{len(found)}, first is {seen(found[0].pixels)} at {found[0].time_s:g} s"


def animation(form: str) -> str:
    stream = io.BytesIO()
    one, *others = (Image.fromarray(plain(number)) for number in range(3))
    one.save(stream, form, save_all=True, append_images=others, duration=[80, 200, 40])
    return ", ".join(f"{frame.time_s:g}" for frame in read(stream.getvalue())[0])


def raised(made: bytes) -> str:
    try:
        frames(io.BytesIO(made))
    except VideoError as error:
        return str(error)
    return "read"


EVEN = "20, in order, times even"
UNEVEN = [0, 40, 200, 210, 1000]
LATE = [5000 + each for each in UNEVEN]
TWO = Film(FILM, beside=[Film([corners(32, 32)] * 5)])
SHORTER = Film(FILM, beside=[Film([corners(32, 32)] * 100)])
SHAPED = [
    Film(FILM, form="mpegts", codec="mpeg2video", options={}, tags={"sample_aspect_ratio": Fraction(wide, 3)})
    for wide in (3, 4)
]
CLEAR = np.dstack([corners(), np.zeros((48, 64), np.uint8)])
COVER = Film([corners(128, 128)], codec="mjpeg", pixel="yuvj420p", options={}, disposition=Disposition.attached_pic)
TRAPS: dict[str, Trap] = {
    "display matrix: mirrored": lambda: ("GRWB", turned((-1, 0, 0, 1))),
    "display matrix: half turn": lambda: ("WBGR", turned((-1, 0, 0, -1))),
    "display matrix: clockwise": lambda: ("BRWG", turned((0, 1, -1, 0))),
    "display matrix: clockwise and mirrored": lambda: ("RBGW", turned((0, 1, 1, 0))),
    "motion JPEG with EXIF: clockwise": lambda: ("BRWG", photographed()),
    "variable rate, MP4": lambda: ("0, 0.04, 0.2, 0.21, 1", times(Film(FILM[:5], UNEVEN))),
    "first time 5 s, Matroska": lambda: ("0, 0.04, 0.2, 0.21, 1", times(Film(FILM[:5], LATE, "matroska"))),
    "first time 5 s, MPEG-TS": lambda: ("0, 0.04, 0.2, 0.21, 1", times(Film(FILM[:5], LATE, "mpegts"))),
    "pictures .5 s after the sound, MP4": lambda: (
        0.5,
        round(read(Film(FILM, [500 + 40 * i for i in range(20)], sound_s=1.0).made())[0][0].time_s, 1),
    ),
    "edit list that cuts off five frames": lambda: ("15, first is 5 at 0 s", edited()),
    "B-frames, MP4": lambda: (EVEN, order("mp4", options=B_FRAMES)),
    "B-frames, AVI": lambda: (EVEN, order("avi", options=B_FRAMES)),
    "B-frames, MPEG-TS": lambda: (EVEN, order("mpegts", options=B_FRAMES)),
    "no frame count, Matroska": lambda: (EVEN, order("matroska", options=B_FRAMES)),
    "no frame count, WebM (VP9)": lambda: (EVEN, order(**VP9)),
    "no times at all, raw H.264": lambda: (EVEN, order("h264", options=B_FRAMES)),
    "no times at all, raw H.264 of 50 frames a second": lambda: (
        "0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12",
        times(Film(FILM, form="h264", rate=50)),
    ),
    "BT.601 limited, tagged: worst level": lambda: ("<= 2", colours("601", tags={"colorspace": 6, "color_range": 1})),
    "BT.601 full": lambda: ("<= 2", colours("601", True, pixel="yuvj420p")),
    "BT.709 limited, tagged": lambda: ("<= 2", colours("709", tags={"colorspace": 1, "color_range": 1})),
    "BT.709 full, tagged": lambda: ("<= 2", colours("709", True, tags={"colorspace": 1, "color_range": 2})),
    "no tag, 48 rows (BT.601)": lambda: ("<= 2", colours("601")),
    "no tag, 720 rows (BT.709)": lambda: ("<= 2", colours("709", height=720)),
    "10 bits, BT.709": lambda: (
        "<= 2",
        colours("709", bits=10, pixel="yuv420p10le", tags={"colorspace": 1, "color_range": 1}),
    ),
    "HLG: white paper": lambda: (">= 250", hdr(18)),
    "PQ: white paper": lambda: (">= 250", hdr(16)),
    "raw AVI, fourth byte 0": lambda: (
        "RGBW",
        quarters(Film([CLEAR], form="avi", codec="rawvideo", pixel="bgra", options={}).made()),
    ),
    "odd size 63 x 47": lambda: (
        (47, 63, 3),
        read(Film([plain(0, 63, 47)], **VP9).made())[0][0].pixels.shape,
    ),
    "pixels 3:2": lambda: (
        (48, 96, 3),
        read(Film([plain(0)], tags={"sample_aspect_ratio": Fraction(3, 2)}).made())[0][0].pixels.shape,
    ),
    "pixels 1:1, then 4:3, MPEG-TS": lambda: (
        [64, 85],
        sorted({frame.width for frame in read(SHAPED[0].made() + SHAPED[1].made())[0]}),
    ),
    "H.264 cropped by 16 at the left": lambda: (
        (48, 48, 3),
        read(Film([plain(0)], options={**EXACT, "x264-params": "crop-rect=16,0,0,0"}).made())[0][0].pixels.shape,
    ),
    "cover picture 128 x 128": lambda: (64, read(Film(FILM, beside=[COVER]).made())[0][0].width),
    "two streams: the larger one": lambda: (64, read(TWO.made())[0][0].width),
    "two streams: --stream 0": lambda: (32, read(TWO.made(), stream=0)[0][0].width),
    "two streams: the larger one is shorter": lambda: ("whole", read(SHORTER.made())[1] or "whole"),
    "size changes in mid-stream": lambda: (
        [64, 96],
        sorted(
            {
                frame.width
                for frame in read(
                    Film(FILM[:4], form="h264").made() + Film([plain(4, 96, 64)] * 4, form="h264").made()
                )[0]
            }
        ),
    ),
    "animated GIF": lambda: ("0, 0.08, 0.28", animation("GIF")),
    "animated WebP": lambda: ("0, 0.08, 0.28", animation("WEBP")),
    "MP4, half of it": lambda: (
        "some frames, then: at a time: damaged",
        broken(0.5, options={"preset": "ultrafast", "g": "10"}, settings={"movflags": "faststart"}),
    ),
    "WebM, half of it": lambda: ("some frames, then: cut short: ends at a time", broken(0.5, **VP9)),
    "sound alone": lambda: ("holds sound and no video", raised(_tone())),
    "empty": lambda: ("empty: no bytes to read", raised(b"")),
}


def _tone() -> bytes:
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp3") as container:
        coder: Any = container.add_stream("libmp3lame", rate=48_000)
        for frame in tone(0.5, 0):
            container.mux(coder.encode(frame))
        container.mux(coder.encode(None))
    return stream.getvalue()


def traps() -> None:
    head("file", "right", "ours")
    for name, trap in TRAPS.items():
        row(name, *trap())


if __name__ == "__main__":
    print(f"{machine()}, PyAV {av.__version__}\n")
    traps()

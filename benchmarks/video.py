"""Video: how fast it is read, and what a copy with marked faces costs. The traps of its files have their own script.

    python benchmarks/video.py speed     # beside PyAV's decoding alone, in turns
    python benchmarks/video.py copies    # beside PyAV's decoding and coding alone, in turns
    python benchmarks/video.py fer PYTHON    # beside fer 25.10.3, which that interpreter has, on the same clip

Scenes are as in `scenes.py`: people of the Face Research Lab London Set. Times are medians
of three, of the wall clock and of all cores together; where others use the machine, the second is the one to look at.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any, cast

import av
import numpy as np
from av.codec.context import ThreadType
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from common import data_folder, head, machine, row
from scenes import RATE, Pose, backgrounds, five, people, play, shot_of

import mien
from mien.filming import film
from mien.video import frames
from mien.video.writing import FORMS

SECONDS, TIMES = 4, 3


def one(time_s: float) -> list[Pose]:
    """Somebody who moves about in the middle."""
    return [Pose(0, 0, 640 + 120 * np.sin(time_s), 360 + 60 * np.cos(1.3 * time_s), 170)]


def clip(data: Path, folder: Path, height: int, faces: int) -> Path:
    """Some seconds of H.264 with one face or five."""
    path = folder / f"{height}-{faces}.mp4"
    scene = play(one if faces == 1 else five, people(data, 5), backgrounds(data), shot_of(""), SECONDS)
    with av.open(path, "w") as container:
        video = container.add_stream("libx264", rate=RATE, options={"preset": "medium", "crf": "20"})
        video.width, video.height, video.pix_fmt = height * 16 // 9, height, "yuv420p"
        for frame, _ in scene:
            coded_ = VideoFrame.from_ndarray(frame.pixels, "rgb24").reformat(video.width, video.height, "yuv420p")
            coded_.pts, coded_.time_base = frame.number, Fraction(1, RATE)
            container.mux(video.encode(coded_))
        container.mux(video.encode(None))
    return path


def decoded(path: Path) -> Iterator[VideoFrame]:
    """PyAV alone."""
    with av.open(path) as container:
        video = container.streams.video[0]
        video.codec_context.thread_type = ThreadType.AUTO
        yield from container.decode(video)


def in_turns(steps: dict[str, Callable[[], object]]) -> dict[str, tuple[float, float]]:
    """Medians of the seconds that steps take, by the wall clock and by all cores, taken in turns."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in steps}
    for _ in range(TIMES):
        for name, step in steps.items():
            wall, cpu = perf_counter(), process_time()
            step()
            taken[name].append((perf_counter() - wall, process_time() - cpu))
    return {name: (median(a for a, _ in each), median(b for _, b in each)) for name, each in taken.items()}


def count(items: Iterator[Any]) -> int:
    return sum(1 for _ in items)


def speed(data: Path) -> None:
    model = mien.load()
    head("clip", "what", "frames/s", "times real time", "share of decoding, wall", "share, CPU")
    with tempfile.TemporaryDirectory() as folder:
        for height in (720, 1080):
            for faces in (1, 5):
                path = clip(data, Path(folder), height, faces)
                steps: dict[str, Callable[[], object]] = {
                    "PyAV, decoding alone": lambda path=path: count(decoded(path)),  # type: ignore[misc]
                    "frames": lambda path=path: count(frames(path)),  # type: ignore[misc]
                    "mien video, every frame": lambda path=path: count(model.watch(path)),  # type: ignore[misc]
                    "mien video, 5 frames/s": lambda path=path: count(model.watch(path, every_s=0.2)),  # type: ignore[misc]
                }
                model.predict(np.zeros((99, 99, 3), np.uint8))
                taken = in_turns(steps)
                wall, cpu = taken["PyAV, decoding alone"]
                for name, (seconds, cores) in taken.items():
                    rates = (f"{SECONDS * RATE / seconds:.0f}", f"{SECONDS / seconds:.1f}")
                    row(f"{height}p, {faces}", name, *rates, f"{wall / seconds:.0%}", f"{cpu / cores:.0%}")


def copies(data: Path) -> None:
    model = mien.load()
    head("clip", "form", "decoding and coding alone", "`film`", "times, wall", "times, CPU")
    with tempfile.TemporaryDirectory() as folder:
        for height, faces in ((720, 1), (1080, 1), (1080, 5)):
            path = clip(data, Path(folder), height, faces)
            rows = list(model.watch(path))
            for form in FORMS:
                out = Path(folder) / f"out{form}"
                steps: dict[str, Callable[[], object]] = {
                    "alone": lambda path=path, out=out: _coded(path, out),  # type: ignore[misc]
                    "film": lambda path=path, out=out, rows=rows: count(film(path, rows, out)),  # type: ignore[misc]
                }
                taken = in_turns(steps)
                (wall, cpu), (wall_, cpu_) = taken["alone"], taken["film"]
                ratios = (f"{wall_ / wall:.2f}", f"{cpu_ / cpu:.2f}")
                row(f"{height}p, {faces}", form, f"{wall:.1f} s", f"{wall_:.1f} s", *ratios)


FER = """
import sys, time
from fer.fer import FER
from fer.classes import Video
detector = FER()
def read():
    video = Video(sys.argv[1], outdir=sys.argv[2])
    plain = dict.fromkeys(("display", "save_frames", "save_video", "annotate_frames", "zip_images"), False)
    return video.analyze(detector, **plain)
read()
began = time.perf_counter()
found = read()
print(f"{time.perf_counter() - began} {sum(bool(each) for each in found)}")
"""


def beside_fer(data: Path, python: str) -> None:
    """The second reading of a clip by each, on all cores, one after the other; neither writes its results."""
    model = mien.load(threads=2)
    head("clip", "frames", "fer, s", "mien video, s", "times as fast")
    with tempfile.TemporaryDirectory() as folder:
        for height, faces in ((720, 1), (1080, 1), (1080, 5)):
            path = clip(data, Path(folder), height, faces)
            ran = subprocess.run([python, "-c", FER, path, "."], cwd=folder, capture_output=True, text=True, check=True)
            theirs, found = ran.stdout.split()[-2:]
            list(model.watch(path))
            began = perf_counter()
            rows = list(model.watch(path))
            ours = perf_counter() - began
            ours_found = len({row["frame"] for row in rows if row["face"] is not None})
            told = f"{found} and {ours_found} with a face"
            times = (f"{float(theirs):.1f}", f"{ours:.1f}", f"{float(theirs) / ours:.1f}")
            row(f"{height}p, {faces}", told, *times)


def _coded(path: Path, out: Path) -> None:
    """Decoded and coded again as `film` does, and nothing else."""
    codec, options = FORMS[out.suffix]
    with av.open(out, "w") as container:
        video = cast(VideoStream, container.add_stream(codec, rate=RATE, options=dict(options)))
        for frame in decoded(path):
            if not video.codec_context.is_open:
                video.width, video.height, video.pix_fmt = frame.width, frame.height, "yuv420p"
            container.mux(video.encode(frame))
        container.mux(video.encode(None))


def main() -> None:
    wanted = sys.argv[1:] or ["speed", "copies"]
    print(f"{machine()}, PyAV {av.__version__}\n")
    data = data_folder("elsewhere/london.parquet", "elsewhere/noface.parquet")
    if "speed" in wanted:
        speed(data)
    if "copies" in wanted:
        copies(data)
    if "fer" in wanted:
        beside_fer(data, wanted[-1])


if __name__ == "__main__":
    main()

"""Tracks and memory of `mien video`, on made videos whose truth is known. Smoothing has its own script.

    python benchmarks/timeline.py tracks           # IDF1, MOTA, switches; and beside detection in every frame
    python benchmarks/timeline.py people           # one person or two, by look
    python benchmarks/timeline.py speed            # frames/s beside decoding alone, in turns
    python benchmarks/timeline.py memory           # of an hour of video

IDF1 and MOTA as in Ristani et al. (2016) and Bernardin and Stiefelhagen (2008); a face is found where its box overlaps
the true one by half.
"""

from __future__ import annotations

import io
import json
import math
import sys
from collections import Counter
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path
from subprocess import Popen
from tempfile import TemporaryDirectory
from time import sleep

import av
import numpy as np
import pyarrow.parquet as pq
from common import data_folder, head, machine, row, seconds
from PIL import Image
from scenes import RATE, SCENES, Pose, Truth, backgrounds, people, play, shot_of
from scipy.optimize import linear_sum_assignment

import mien
from mien.face import Box, Face, framing, overlap
from mien.following import Following
from mien.looks import look_of
from mien.picture import Picture
from mien.shots import viewed
from mien.tracks import ONE_PERSON, Tracks
from mien.video import Frame
from mien.watching import BETWEEN_S, Moment, Wanted, watch

SAME = 0.5
CLIP_S, ROUNDS = 10, 5  # of what is timed
MINUTES = 60  # of what memory is watched over
Found = dict[int, Box]


def scores(truths: list[Truth], found: list[Found]) -> tuple[float, float, int]:
    """IDF1, MOTA, and switches."""
    pairs: Counter[tuple[int, int]] = Counter()
    last: dict[int, int] = {}
    switches = hits = 0
    for truth, seen in zip(truths, found, strict=True):
        who, tracks = list(truth), list(seen)
        overlaps = np.array([[overlap(truth[a], seen[b]) for b in tracks] for a in who]).reshape(len(who), len(tracks))
        pairs.update((who[a], tracks[b]) for a, b in np.argwhere(overlaps >= SAME))
        going_on = np.array([[last.get(a) == b for b in tracks] for a in who]).reshape(overlaps.shape)
        for a, b in zip(*linear_sum_assignment(np.where(overlaps >= SAME, overlaps + going_on, -9), True), strict=True):
            if overlaps[a, b] >= SAME:
                hits += 1
                switches += last.get(who[a], tracks[b]) != tracks[b]
                last[who[a]] = tracks[b]
    true, given = sum(map(len, truths)), sum(map(len, found))
    everyone, tracks_there = sorted({a for a, _ in pairs}), sorted({b for _, b in pairs})
    counts = np.array([[pairs[a, b] for b in tracks_there] for a in everyone]).reshape(len(everyone), len(tracks_there))
    best = counts[linear_sum_assignment(counts, True)].sum()
    return 2 * best / max(true + given, 1), 1 - (true - hits + given - hits + switches) / max(true, 1), switches


def tracked(model: mien.Recognizer, frames: list[Frame]) -> tuple[list[Found], list[tuple[Face, ...]], int]:
    """What is found by whom in each frame, the faces, and how many tracks there are."""
    tracks, found, faces = Tracks(between_s=BETWEEN_S), list[Found](), list[tuple[Face, ...]]()
    for seen in Following(model.detector)(viewed(frames)):
        if seen.cut:
            tracks.cut(seen.view.time_s)
        crops = [model.preprocess.face(seen.view.picture, face) for face in seen.faces]
        numbers = tracks.update(seen.view.time_s, seen.faces, [look_of(crop) for crop in crops])
        found = [{tracks.between.get(number, number): box for number, box in each.items()} for each in found]
        found.append(dict(zip(numbers, (face.box_xyxy for face in seen.faces), strict=True)))
        faces.append(seen.faces)
    return found, faces, len({number for each in found for number in each})


def errors(faces: tuple[Face, ...], detected: list[Face]) -> tuple[list[float], int]:
    """How far faces lie from those detected, in sides of the crop, and how many of those are missed."""
    away, missed = [], 0
    for each in detected:
        near = max(faces, key=lambda face: overlap(face.box_xyxy, each.box_xyxy), default=None)
        if near is None or overlap(near.box_xyxy, each.box_xyxy) < 0.3:
            missed += 1
            continue
        here, there = framing(near), framing(each)
        away.append(float(np.hypot(*np.subtract(here.centre_xy, there.centre_xy))) / there.side)
    return away, missed


def show_tracks(data: Path) -> None:
    """A row a scene."""
    model = mien.load()
    cast, behind = people(data, 10), backgrounds(data)
    head("scene", "IDF1", "MOTA", "switches", "tracks (true)", "missed of those detected", "error 50%, 95%")
    for name, (script, length) in SCENES.items():
        frames, truths = map(list, zip(*play(script, cast, behind, shot_of(name), length), strict=True))
        found, faces, number = tracked(model, frames)
        idf1, mota, switches = scores(truths, found)
        there = len({who for truth in truths for who in truth})
        beside = [errors(each, model.detector.detect(frame.pixels)) for each, frame in zip(faces, frames, strict=True)]
        away = [error for known, _ in beside for error in known]
        missed = sum(count for _, count in beside)
        half, most = np.percentile(away, (50, 95))
        told = (f"{number} ({there})", f"{missed} of {missed + len(away)}", f"{half:.3f}, {most:.3f}")
        row(name, f"{idf1:.3f}", f"{mota:.3f}", switches, *told)


def show_people(data: Path) -> None:
    """How alike two photos of a person are, and photos of two people, by look and by the network's features."""
    model, rng = mien.load(), np.random.default_rng(0)
    crops, who = [], []
    for each in pq.read_table(data / "elsewhere" / "london.parquet").to_pylist():
        image = Image.open(io.BytesIO(each["image"]["bytes"])).convert("RGB").resize((360, 360))
        light = np.asarray(image, np.float64) * rng.uniform(0.85, 1.15) + rng.normal(0, 3, (360, 360, 3))
        picture = Picture.of(Image.fromarray(np.clip(light, 0, 255).astype(np.uint8)))
        for face in model.detector.detect(picture.pixels)[:1]:
            crops.append(model.preprocess.face(picture, face))
            who.append(each["person"])
    pooled = model.features(crops).mean((2, 3))
    same = np.equal.outer(who, who)[np.tril_indices(len(who), -1)]
    head("look", "one person 10%, 50%", "two people 50%, 90%", "the own photo before another's", "joined at .9")
    for name, looks in (
        ("12 x 12 gray pixels of the crop", np.array([look_of(crop).gray for crop in crops])),
        ("the network's features, pooled", pooled / np.linalg.norm(pooled, axis=1, keepdims=True)),
    ):
        likeness = (looks @ looks.T)[np.tril_indices(len(who), -1)]
        one, two = likeness[same], likeness[~same]
        first = np.mean([(each > two).mean() for each in one])
        low, own = np.percentile(one, (10, 50))
        other, high = np.percentile(two, (50, 90))
        joined = f"{(one > ONE_PERSON).mean():.2f}, {(two > ONE_PERSON).mean():.3f}"
        row(name, f"{low:.2f}, {own:.2f}", f"{other:.2f}, {high:.2f}", f"{first:.3f}", joined)


def filmed(path: Path, data: Path, count: int, size: tuple[int, int], side: int) -> None:
    """People who move about their places, with a camera's noise, in H.264."""
    cast, behind = people(data, count), backgrounds(data, size)

    def place(who: int, time_s: float) -> tuple[float, float]:
        x, y = size[0] * (who + 1) / (count + 1), size[1] / 2
        return x + 30 * math.sin(time_s * (1 + who / 4)), y + 40 * math.cos(time_s + who)

    def script(time_s: float) -> list[Pose]:
        return [Pose(who, who, *place(who, time_s), side) for who in range(count)]

    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "fast", "crf": "18", "tune": "grain"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for frame, _ in play(script, cast, behind, shot_of(""), CLIP_S, size=size):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.pixels)))
        container.mux(stream.encode(None))


def decoded(path: Path) -> int:
    with av.open(path) as container:
        container.streams.video[0].thread_type = "AUTO"
        return sum(1 for _ in container.decode(video=0))


def read(model: mien.Recognizer, path: Path, every_s: float | None) -> int:
    moments = watch(model, str(path), path.name, model.labels, wanted=Wanted(every_s))
    return sum(isinstance(each, Moment) for each in moments)


def show_speed(data: Path) -> None:
    """Frames/s as shares of those that PyAV decodes alone, the median of rounds in turns."""
    model = mien.load()
    ways = ("every frame", "of decoding", "5 frames/s", "of decoding")
    head("clip, faces", "Mbit/s", "decoding alone, frames/s", *ways)
    with TemporaryDirectory() as folder:
        for width, height in ((1280, 720), (1920, 1080)):
            for count, side in ((1, height // 3), (5, height // 5)):
                path = Path(folder, f"{width}-{count}.mp4")
                filmed(path, data, count, (width, height), side)
                steps = (
                    partial(decoded, path),
                    partial(read, model, path, None),
                    partial(read, model, path, 0.2),
                )
                times = np.median([[seconds(step) for step in steps] for _ in range(ROUNDS)], 0)
                alone, *rates = CLIP_S * RATE / times
                pairs = [(f"{each:.0f} ({each / RATE:.1f} times real time)", f"{each / alone:.0%}") for each in rates]
                megabits = path.stat().st_size * 8 / 1e6 / CLIP_S
                row(f"{width} x {height}, {count}", f"{megabits:.1f}", f"{alone:.0f}", *chain(*pairs))


def show_memory(data: Path) -> None:
    """Memory by minutes of a video of 1080p with five faces, which is a clip again and again, 5 frames a second."""
    with TemporaryDirectory() as folder:
        clip, whole, out = (Path(folder, name) for name in ("clip.mp4", "hour.mp4", "out.parquet"))
        filmed(clip, data, 5, (1920, 1080), 216)
        repeated(clip, whole, MINUTES * 60 // CLIP_S)
        command = [sys.executable, "-m", "mien", "video", str(whole), "--every", "0.2", "--out", str(out)]
        process = Popen(command)
        kept: list[tuple[float, float]] = []
        most = 0.0
        while process.poll() is None:
            sleep(1)
            with suppress(OSError, ValueError, KeyError, TypeError):
                status = dict(line.split(":") for line in Path(f"/proc/{process.pid}/status").read_text().splitlines())
                held, most = (int(status[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
                state = json.loads(Path(f"{out}.part.state").read_text())["state"]["video"]
                kept.append((state["time_s"] / 60, held))
        if process.returncode:
            sys.exit(f"mien video ended with {process.returncode}")
        head("minute", "MB")
        for minute in (0.1, 1, 5, 15, 30, 45, MINUTES - 1):
            row(*(f"{each:.0f}" for each in min(kept, key=lambda each: abs(each[0] - minute))))
        later = [memory for at, memory in kept if at >= 1]
        told = f"after the first minute: {min(later):.0f} to {max(later):.0f} MB, {most:.0f} MB at most in all"
        print(f"{told}; {pq.read_metadata(out).num_rows} rows")


def repeated(clip: Path, out: Path, times: int) -> None:
    """The packets of a clip, so many times."""
    with av.open(out, "w") as whole:
        added, start = None, 0
        for _ in range(times):
            with av.open(clip) as container:
                stream = container.streams.video[0]
                added = added or whole.add_stream_from_template(stream)
                end = start
                for packet in container.demux(stream):
                    if packet.dts is not None and packet.pts is not None:
                        end = max(end, start + packet.pts + (packet.duration or 0))
                        packet.pts, packet.dts, packet.stream = packet.pts + start, packet.dts + start, added
                        whole.mux(packet)
                start = end


def main() -> None:
    data = data_folder("elsewhere/london.parquet", "elsewhere/noface.parquet")
    shows = {"tracks": show_tracks, "people": show_people, "speed": show_speed, "memory": show_memory}
    print(machine())
    for name in sys.argv[1:] or shows:
        print(f"\n{name}\n")
        shows[name](data)


if __name__ == "__main__":
    main()

"""Tracks, smoothing and memory of `mien video`, on made videos whose truth is known.

    python benchmarks/timeline.py tracks      # IDF1, MOTA, switches; recall and error beside detection in every frame
    python benchmarks/timeline.py smoothing   # six ways to smooth, on made changes of expression
    python benchmarks/timeline.py people      # one person or two, by look
    python benchmarks/timeline.py memory      # of an hour of video

IDF1 and MOTA as in Ristani et al. (2016) and Bernardin and Stiefelhagen (2008); a face is found where its box overlaps
the true one by half.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from time import process_time

import numpy as np
from common import data_folder, machine
from numpy.typing import NDArray
from scenes import SCENES, Box, Truth, backgrounds, people, play, shot_of
from scipy.optimize import linear_sum_assignment

import mien
from mien.face import Face, framing
from mien.following import Following, viewed
from mien.tracks import Tracks, look_of
from mien.video import Frame

SAME = 0.5
Found = dict[int, Box]


def overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0.0) * max(height, 0.0)
    areas = ((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in (a, b))
    return shared / (sum(areas) - shared)


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


def tracked(model: mien.Recognizer, frames: list[Frame]) -> tuple[list[Found], list[tuple[Face, ...]], int, int, float]:
    """What is found by whom in each frame, the faces, how many tracks and cuts, and the CPU time."""
    tracks, found, faces, cuts = Tracks(), list[Found](), list[tuple[Face, ...]](), 0
    began = process_time()
    for seen in Following(model.detector)(viewed(frames)):
        if seen.cut:
            tracks.cut()
            cuts += 1
        crops = [model.preprocess.face(seen.view.picture, face) for face in seen.faces]
        numbers = tracks.update(seen.view.time_s, seen.faces, [look_of(crop) for crop in crops])
        found.append(dict(zip(numbers, (face.box_xyxy for face in seen.faces), strict=True)))
        faces.append(seen.faces)
    return found, faces, len({number for each in found for number in each}), cuts, process_time() - began


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


def show_tracks(data: Path, *, every: bool) -> None:
    """A row a scene."""
    model = mien.load()
    cast, behind = people(data, 10), backgrounds(data)
    print(
        "| scene | IDF1 | MOTA | switches | tracks (true) | cuts | detection in every frame: missed, error 50%, 95% |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, (script, length) in SCENES.items():
        frames, truths = map(list, zip(*play(script, cast, behind, shot_of(name), length), strict=True))
        found, faces, number, cuts, _ = tracked(model, frames)
        idf1, mota, switches = scores(truths, found)
        people_there = len({who for truth in truths for who in truth})
        beside = ""
        if every:
            pairs = [
                errors(each, model.detector.detect(frame.pixels)) for each, frame in zip(faces, frames, strict=True)
            ]
            away: NDArray[np.float64] = np.array([error for errors_, _ in pairs for error in errors_])
            missed = sum(count for _, count in pairs) / max(len(away) + sum(count for _, count in pairs), 1)
            beside = f"{missed:.3f}, {np.percentile(away, 50):.3f}, {np.percentile(away, 95):.3f}"
        print(
            f"| {name} | {idf1:.3f} | {mota:.3f} | {switches} | {number} ({people_there}) | {cuts} | {beside} |",
            flush=True,
        )


def main() -> None:
    data = data_folder("elsewhere/london.parquet", "elsewhere/noface.parquet")
    wanted = sys.argv[1:] or ["tracks"]
    print(machine())
    if "tracks" in wanted:
        show_tracks(data, every="--every" in wanted)


if __name__ == "__main__":
    main()

"""Made scenes whose truth is known: portraits cut out and moved over a photo, and where each face is in each frame.

The people are those of the Face Research Lab London Set (DeBruine and Jones, CC BY 4.0), see `crops.py`.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

import mien
from mien.face import Box
from mien.video import Frame

RATE = 25
SIZE = (1280, 720)
HIDDEN = 0.6  # share of a face's box that may be covered before it counts as not there
Truth = dict[int, Box]


@dataclass(frozen=True)
class Person:
    """A cut-out portrait with its face's box, in px of itself, and the side of that box."""

    image: Image.Image
    mask: Image.Image
    box: Box

    @property
    def side(self) -> float:
        return self.box[2] - self.box[0]


@dataclass(frozen=True)
class Pose:
    """Where a person's face is: who (a number of the truth), whose portrait, its box's centre and side, in px."""

    who: int
    portrait: int
    x: float
    y: float
    side: float


Script = Callable[[float], list[Pose]]
"""The poses at a time in seconds, those farther off first."""


def people(data: Path, count: int) -> list[Person]:
    """Portraits of so many people."""
    import pyarrow.parquet as pq

    detector = mien.load().detector
    found = []
    for row in pq.read_table(data / "elsewhere" / "london.parquet").to_pylist()[::2][:count]:
        image = Image.open(io.BytesIO(row["image"]["bytes"])).convert("RGB")
        (face, *_) = detector.detect(np.asarray(image))
        x0, y0, x1, y1 = face.box_xyxy
        side = x1 - x0
        cut = (int(x0 - 0.25 * side), int(y0 - 0.45 * side), int(x1 + 0.25 * side), int(y1 + 0.25 * side))
        image = image.crop(cut)
        mask = Image.new("L", image.size)
        ImageDraw.Draw(mask).ellipse((4, 4, image.width - 5, image.height - 5), fill=255)
        box = (x0 - cut[0], y0 - cut[1], x1 - cut[0], y1 - cut[1])
        found.append(Person(image, mask.filter(ImageFilter.GaussianBlur(4)), box))
    return found


def play(
    script: Script,
    cast: list[Person],
    behind: list[Image.Image],
    shot: Callable[[float], int],
    seconds: float,
    size: tuple[int, int] = SIZE,
) -> Iterator[tuple[Frame, Truth]]:
    """The frames of a scene with noise, and the truth of each."""
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 3, (size[1] + 64, size[0] + 64, 3)).astype(np.int16)
    for number in range(round(seconds * RATE)):
        time_s = number / RATE
        canvas = behind[shot(time_s)].copy()
        truth: Truth = {}
        for pose in script(time_s):
            box = (pose.x - pose.side / 2, pose.y - pose.side / 2, pose.x + pose.side / 2, pose.y + pose.side / 2)
            truth = {who: other for who, other in truth.items() if _covered(other, box) < HIDDEN}
            if pose.portrait < 0:  # something that hides
                ImageDraw.Draw(canvas).rectangle(box, fill=(90, 60, 40))
                continue
            person = cast[pose.portrait]
            scale = pose.side / person.side
            wide, high = round(person.image.width * scale), round(person.image.height * scale)
            left, top = round(box[0] - person.box[0] * scale), round(box[1] - person.box[1] * scale)
            mask = person.mask.resize((wide, high))
            canvas.paste(person.image.resize((wide, high)), (left, top), mask)
            if _covered(box, (0, 0, *size)) > 1 - HIDDEN:
                truth[pose.who] = box
        shift_x, shift_y = rng.integers(0, 64, 2)
        grain = noise[shift_y : shift_y + size[1], shift_x : shift_x + size[0]]
        pixels = np.clip(np.asarray(canvas, np.int16) + grain, 0, 255).astype(np.uint8)
        yield Frame.of(time_s, number, pixels), truth


def _covered(box: Box, by: Box) -> float:
    width, height = min(box[2], by[2]) - max(box[0], by[0]), min(box[3], by[3]) - max(box[1], by[1])
    return max(width, 0.0) * max(height, 0.0) / ((box[2] - box[0]) * (box[3] - box[1]))


def backgrounds(data: Path, size: tuple[int, int] = SIZE) -> list[Image.Image]:
    """Photos without a face, for one shot each."""
    import pyarrow.parquet as pq

    rows = pq.read_table(data / "elsewhere" / "noface.parquet").to_pylist()[:4]
    return [Image.open(io.BytesIO(row["image"]["bytes"])).convert("RGB").resize(size) for row in rows]


def _wave(time_s: float, period: float, low: float, high: float) -> float:
    return (low + high) / 2 + (high - low) / 2 * math.sin(2 * math.pi * time_s / period)


def crossing(time_s: float) -> list[Pose]:
    """Two pass each other, again and again, one above the other, and a third one in the middle."""
    return [
        Pose(0, 0, _wave(time_s, 6, 150, 1130), 200, 150),
        Pose(1, 1, _wave(time_s, 6, 1130, 150), 400, 150),
        Pose(2, 2, _wave(time_s, 4, 300, 900), 590, 150),
    ]


def passing(time_s: float) -> list[Pose]:
    """Two pass in front of each other: the one behind is hidden for a moment."""
    return [Pose(0, 3, _wave(time_s, 8, 150, 1130), 360, 160), Pose(1, 4, _wave(time_s, 8, 1130, 150), 380, 190)]


def hiding(time_s: float) -> list[Pose]:
    """A pillar passes before two who move a little."""
    still = [Pose(0, 5, 400 + 20 * math.sin(time_s), 350, 170), Pose(1, 6, 900 + 20 * math.cos(time_s), 350, 170)]
    return [*still, Pose(-1, -1, (time_s * 500) % 2600 - 300, 360, 260)]


def leaving(time_s: float) -> list[Pose]:
    """One leaves, another comes from the other side, and so on: who comes back after seconds counts as new."""
    turn, into = divmod(time_s, 4.0)
    return [Pose(int(turn), int(turn) % 2, -150 + into * 400 if turn % 2 else 1430 - into * 400, 330, 170)]


def zooming(time_s: float) -> list[Pose]:
    """The camera comes near two faces and goes away."""
    zoom = _wave(time_s, 8, 0.35, 1.6)
    return [Pose(who, 7 + who, 640 + (who - 0.5) * 420 * zoom, 360, 180 * zoom) for who in (0, 1)]


def cutting(time_s: float) -> list[Pose]:
    """Shots of 2.4 s; faces stand at the same places in all of them. Each shot's faces count as new."""
    shot = int(time_s / 2.4)
    first = [(0, 1), (2, 3), (0, 1), (4, 5), (1, 0)][shot % 5]
    return [
        Pose(2 * shot + side, portrait, 400 + 480 * side + 15 * math.sin(3 * time_s), 340, 180)
        for side, portrait in enumerate(first)
    ]


def five(time_s: float) -> list[Pose]:
    """Five people who move about their places."""
    return [
        Pose(who, who, 150 + 245 * who + 60 * math.sin(time_s * (1 + who / 4)), 360 + 120 * math.cos(time_s + who), 120)
        for who in range(5)
    ]


SCENES: dict[str, tuple[Script, float]] = {
    "crossing": (crossing, 12),
    "passing in front": (passing, 12),
    "hidden by a pillar": (hiding, 12),
    "leaving": (leaving, 12),
    "zoom": (zooming, 10),
    "cuts": (cutting, 12),
    "five": (five, 8),
}


def shot_of(name: str) -> Callable[[float], int]:
    """Which background a scene has at a time."""
    return (lambda time_s: int(time_s / 2.4) % 4) if name == "cuts" else (lambda time_s: 0)

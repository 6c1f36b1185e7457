"""Walking: frames in which blocks stand for faces, side by side, and a detector that sees them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from filmed import Film, Pixels

from mien.face import Face

SIDE, HEIGHT, WIDTH = 24, 64, 160
HAPPY, SAD = (230, 60), (60, 230)
"""Brightness of a block's left and right half: what a toy that knows happy and sad takes for one or the other."""

CHIN = 10, 60, 10, 60
"""Brightness of the stripes below them, which are the same in both: by these a face looks like itself."""

Block = tuple[float, tuple[int, int]]
"""Its left edge, and its halves."""


def drawn(blocks: Sequence[Block], paper: int = 0) -> Pixels:
    """A frame."""
    pixels = np.full((HEIGHT, WIDTH, 3), paper, np.uint8)
    for x, halves in blocks:
        left = round(x)
        for half, gray in enumerate(halves):
            pixels[20 : 20 + SIDE, left + half * SIDE // 2 : left + (half + 1) * SIDE // 2] = gray
        pixels[20 + SIDE // 3 : 20 + SIDE, left : left + SIDE] = np.repeat(CHIN, SIDE // 6)[:, None, None]
    return pixels


class Blocks:
    """Sees what is brighter or darker than the frame's corner, by columns; and counts how often it looked."""

    def __init__(self) -> None:
        self.looks = 0

    def detect(self, image: Pixels) -> list[Face]:
        self.looks += 1
        there = np.abs(image[26, :, 0].astype(int) - int(image[0, 0, 0])) > 25
        edges = np.flatnonzero(np.diff(np.concatenate([[0], there, [0]])))
        spans = [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > SIDE / 2]
        return [Face((a, 20.0, b, 20.0 + SIDE), (), 0.9) for a, b in spans]


def filmed(path: Path, frames: Sequence[Pixels], times: Sequence[int] | None = None) -> Path:
    """The frames as a video of 25 a second, or at their times in ms."""
    path.write_bytes(Film(frames, times=times, options={"preset": "ultrafast", "crf": "10"}).made())
    return path

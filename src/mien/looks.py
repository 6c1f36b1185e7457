"""Looks: what a face looks like, by its crop in gray, and whether another crop may be the same person's.

Nothing here knows people: the looks are a crop's gray pixels, made small, and which way its edges run. They serve for
seconds, in one video, and never tell who somebody is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float64]

SMALL_PX = 24
CELLS, WAYS = 6, 8  # cells of a side, and directions, by which edges are counted
FAINT = 20.0  # levels, of edges that count half
PLAIN = 1.0  # levels, of the standard deviation of pixels that show nothing but noise
WHITE, FLASHED = 250, 0.3  # level of pixels that a flash left without edges, and the share of them that hides a face
ASIDE = range(3)  # px from the corner of what is a pixel larger all round
HALVES = (np.s_[:, : CELLS // 2], np.s_[:, CELLS // 2 :], np.s_[: CELLS // 2, :], np.s_[CELLS // 2 :, :])


class Look(NamedTuple):
    """What a face looks like.

    Args:
        gray: (144,), its crop in 12 x 12 gray pixels, less their mean, of length 1. The product of two is their
            likeness, -1..1: .95 of two photos of a person in a studio, .65 of two people's (docs/video.md).
        small: 24 x 24 gray pixels of the crop, row by row, for `likeness`.
    """

    gray: Floats
    small: bytes


def look_of(crop: NDArray[np.uint8]) -> Look:
    """What a face looks like by its crop (see `Preprocess`).

    The network's own features do not serve: they tell expressions, whoever has them.
    """
    small = Image.fromarray(crop).convert("L").resize((SMALL_PX, SMALL_PX), Image.Resampling.BOX)
    gray = np.asarray(small.reduce(2), np.float64).ravel()
    return Look(unit(gray - gray.mean()), small.tobytes())


def likeness(a: bytes, b: bytes) -> float:
    """How alike two faces are (see `Look.small`) in that half, left, right, upper or lower, which is most alike, -1..1.

    Edges are compared, which light changes less than it does gray levels; and halves, as a hand, a shadow or another
    expression changes one of them most often. Either may lie a pixel aside: no two crops are cut alike. 1 where nothing
    is known: one has no edges, or a flash made it white.
    """
    if any(map(tells_nothing, (a, b))):
        return 1.0
    one, wide = _halves(_edges(a)[None]), _edges(b, border=1)
    other = _halves(np.array([wide[:, y : y + SMALL_PX, x : x + SMALL_PX] for y in ASIDE for x in ASIDE]))
    return float((one * other).sum(2).max())


def tells_nothing(small: bytes) -> bool:
    """Whether a face (see `Look.small`) has no edges, as in a black frame, or a flash made it white."""
    pixels = np.frombuffer(small, np.uint8)
    return bool(pixels.std() < PLAIN or (pixels >= WHITE).mean() > FLASHED)


def _edges(small: bytes, border: int = 0) -> Floats:
    """How strong the edges are at each pixel and in each direction, (8, 24, 24), or larger by a border."""
    pixels = np.frombuffer(small, np.uint8).reshape(SMALL_PX, SMALL_PX).astype(np.float64)
    framed = np.pad(pixels, 1 + border, mode="edge")
    x, y = framed[1:-1, 2:] - framed[1:-1, :-2], framed[2:, 1:-1] - framed[:-2, 1:-1]
    turns = np.arange(WAYS) * 2 * np.pi / WAYS
    along = np.maximum(x * np.cos(turns)[:, None, None] + y * np.sin(turns)[:, None, None], 0)
    return np.asarray(along**4 / np.maximum(np.hypot(x, y), 1e-3) ** 3)  # the cosine's fourth power: few directions


def _halves(edges: Floats) -> Floats:
    """Which way they run in each half of faces, (n, 4, 144), each less its mean and of length 1."""
    side = SMALL_PX // CELLS
    cells = edges.reshape(-1, WAYS, CELLS, side, CELLS, side).mean((3, 5)).transpose(0, 2, 3, 1)
    cells = cells / (np.linalg.norm(cells, axis=3, keepdims=True) + FAINT)
    halves = np.stack([cells[:, *part].reshape(len(cells), -1) for part in HALVES], 1)
    halves = halves - halves.mean(2, keepdims=True)
    return np.asarray(halves / np.maximum(np.linalg.norm(halves, axis=2, keepdims=True), 1e-9))


def unit(values: Floats) -> Floats:
    """Of length 1; what is nothing stays so."""
    length = float(np.linalg.norm(values))
    return values / length if length > 0 else values

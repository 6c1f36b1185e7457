"""What hides a part of a face: masks, dark glasses, hands, hair, microphones, half of a face in the dark; and patches.

They are drawn over crops as FER2013 frames them, before these are turned and shifted, so that they move with the face.
What is drawn is known, and so a network can learn to tell it (see `tools/train_covers.py`). A patch, as random erasing
draws it (Zhong et al., "Random erasing data augmentation", 2020), may lie anywhere, and of it nothing is told.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from mien.covers import PARTS
from mien.training.batches.augment import Chances

PATCH = -1  # instead of a position in `PARTS`
PATCHES = 0.4  # the share of covers that are patches
CLEAR, EYES, MOUTH, HALF = range(len(PARTS))
KINDS = torch.tensor([EYES, EYES, MOUTH, MOUTH, HALF])  # glasses, a band, a mask, a hand, a half

EYE_LINE, EYE_APART = 0.38, 0.19  # of the side, in FER2013's crops; the second from the middle
DRAWS = 12


def cover(
    pixels: Tensor, share: float, generator: Generator, *, batch: int | None = None, part: slice = slice(None)
) -> tuple[Tensor, Tensor]:
    """Copies of images, of a share of which a part is hidden.

    Args:
        pixels: (n, channels, h, w) uint8.
        share: of the images, 0..1.
        generator, batch, part: as for `augment`; but the piece of another image that hides something is of one of
            these images, whichever part they are.

    Returns:
        Images as they came, and (batch,) what of each is hidden, of the others as well: positions in `PARTS`, or
        `PATCH`.
    """
    chances = Chances(generator, len(pixels) if batch is None else batch, slice(None))
    hides, patches = chances.uniform() < share, chances.uniform() < PATCHES
    kinds = (chances.uniform() * len(KINDS)).long()
    draws = [chances.uniform() for _ in range(DRAWS)]
    hidden = torch.where(hides, torch.where(patches, PATCH, KINDS.to(pixels.device)[kinds]), CLEAR)
    patches, kinds = patches[part], kinds[part]
    rows = hides[part].nonzero()[:, 0]
    if not len(rows):
        return pixels, hidden
    u = [each[part][rows, None, None] for each in draws]
    y, x = _places(pixels)
    shapes = torch.stack([_glasses(x, y, u), _band(x, y, u), _mask(x, y, u), _hand(x, y, u), _half(x, y, u)], 1)
    own = shapes[torch.arange(len(rows), device=rows.device), kinds[rows]]
    shape = torch.where(patches[rows, None, None], _patch(x, y, u), own)
    fill = _fill(x, y, u, pixels.roll(1, 0)[rows], dark=(kinds[rows] == 0) & ~patches[rows])
    images = pixels.clone()
    images[rows] = torch.where(shape[:, None], fill, pixels[rows])
    return images, hidden


def _places(pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Where pixels lie, 0..1: y as (h, 1), x as (1, w)."""
    height, width = pixels.shape[2:]
    y, x = ((torch.arange(side, device=pixels.device) + 0.5) / side for side in (height, width))
    return y[:, None], x[None]


def _tilted(x: Tensor, y: Tensor, u: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Seen from about between the eyes, tilted a little."""
    angle = 0.2 * (u[0] - 0.5)
    across, down = x - 0.5 - 0.08 * (u[1] - 0.5), y - EYE_LINE - 0.1 * (u[2] - 0.5)
    return across * torch.cos(angle) + down * torch.sin(angle), down * torch.cos(angle) - across * torch.sin(angle)


def _glasses(x: Tensor, y: Tensor, u: list[Tensor]) -> Tensor:
    across, down = _tilted(x, y, u)
    apart, power = EYE_APART + 0.06 * (u[3] - 0.5), 2 + 2 * u[6]
    wide, high = 0.13 + 0.06 * u[4], 0.08 + 0.07 * u[5]
    lenses = ((across.abs() - apart).abs() / wide) ** power + (down.abs() / high) ** power < 1
    return lenses | ((down + high / 3).abs() < 0.02 + 0.02 * u[7])


def _band(x: Tensor, y: Tensor, u: list[Tensor]) -> Tensor:
    """Hair, a hat or a hand over the eyes: from above them, or a band."""
    across, down = _tilted(x, y, u)
    high = 0.08 + 0.08 * u[4]
    return (down < high + 0.3 * (u[5] - 0.5) * across) & ((down > -high) | (u[6] < 0.5))


def _mask(x: Tensor, y: Tensor, u: list[Tensor]) -> Tensor:
    across, down = _tilted(x, y, u)
    top, wide = 0.12 + 0.14 * u[3], 0.28 + 0.25 * u[4]
    return (down > top + 1.2 * u[5] * across**2) & (across.abs() < wide * (1 - 0.5 * u[6] * (down - top)))


def _hand(x: Tensor, y: Tensor, u: list[Tensor]) -> Tensor:
    """A hand or a microphone before the mouth."""
    across, down = _tilted(x, y, u)
    aside, below = across - 0.2 * (u[3] - 0.5), down - 0.38 - 0.12 * (u[4] - 0.5)
    wide, high = 0.14 + 0.22 * u[5], 0.1 + 0.16 * u[6]
    stalk = (aside.abs() < 0.4 * wide) & (below > 0) & (u[7] < 0.5)
    return ((aside / wide) ** 2 + (below / high) ** 2 < 1) | stalk


def _half(x: Tensor, y: Tensor, u: list[Tensor]) -> Tensor:
    across, down = _tilted(x, y, u)
    edge = across + 0.16 * (u[3] - 0.5) + 0.4 * (u[4] - 0.5) * (down - 0.12)
    return torch.where(u[5] < 0.5, edge, -edge) > 0


def _patch(x: Tensor, y: Tensor, u: list[Tensor]) -> Tensor:
    area, ratio = 0.02 + 0.18 * u[0], torch.exp((2 * u[1] - 1) * math.log(3.0))
    high, wide = (area * ratio).sqrt() / 2, (area / ratio).sqrt() / 2
    return ((x - u[2]).abs() < wide) & ((y - u[3]).abs() < high)


def _fill(x: Tensor, y: Tensor, u: list[Tensor], others: Tensor, dark: Tensor) -> Tensor:
    """Grays that go from one to another, or a piece of another image, upside down."""
    gray = u[8] * torch.where(dark[:, None, None] & (u[11] < 0.8), 0.35, 1.0)
    lit = 255 * gray + 160 * (u[9] - 0.5) * (x - 0.5) + 160 * (u[10] - 0.5) * (y - 0.5)
    plain = lit.clamp(0, 255).to(others.dtype)[:, None].expand_as(others)
    return torch.where((u[11] > 0.85)[:, None], others.flip(2), plain)

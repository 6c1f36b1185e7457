"""Augmentation of a whole batch at once, on the device where it lies; the same generator gives the same images.

One resampling does flip, rotation, scale, shift and size together, so an image is interpolated once. Where that
enlarges it, noise and coarseness are still those of an image of its own size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from mien.training.recipes.recipe import Augment

COARSEST = 1 / 3  # of the resolution
SHARPEST = 2.0  # times what a blur of 3x3 takes away is added


@dataclass(frozen=True)
class Chances:
    """Random numbers for a part of a batch, drawn for all of it: so that they are the same however it is parted.

    Args:
        generator: on the device of the images.
        n: images in the batch.
        part: which of them are to be changed.
    """

    generator: Generator
    n: int
    part: slice

    def uniform(self) -> Tensor:
        """0..1, one an image."""
        return torch.rand(self.n, device=self.generator.device, generator=self.generator)[self.part]

    def signed(self) -> Tensor:
        """-1..1, one an image."""
        return self.uniform() * 2 - 1

    def normal(self, *shape: int) -> Tensor:
        """Of mean 0 and standard deviation 1, (images, *shape)."""
        return torch.randn((self.n, *shape), device=self.generator.device, generator=self.generator)[self.part]

    def once(self) -> float:
        """0..1, one for the whole batch."""
        return torch.rand((), device=self.generator.device, generator=self.generator).item()


def augment(
    pixels: Tensor,
    config: Augment,
    size: int,
    generator: Generator,
    *,
    spoiler: Generator | None = None,
    batch: int | None = None,
    part: slice = slice(None),
) -> tuple[Tensor, Tensor]:
    """Randomly changed copies of images, and the same before they were spoilt.

    Args:
        pixels: (n, channels, h, w) uint8.
        config: how far the changes go.
        size: side of the results.
        generator: on the same device as `pixels`.
        spoiler: what spoils them comes from this one; from `generator` if None.
        batch: images of the batch that these are a part of; n if None.
        part: which of them they are. Each is changed in the same way as where all come at once.

    Returns:
        Two of (n, channels, size, size) float32 in 0..255: as they are to be seen, and while they were clear: flipped,
        turned, scaled and shifted likewise, but in their own light, without coarse pixels, noise and patches.
    """
    own = min(pixels.shape[-1], size)
    of = len(pixels) if batch is None else batch
    chances = Chances(generator, of, part)
    clear = F.grid_sample(
        pixels.float(),
        F.affine_grid(_transforms(config, chances), [len(pixels), 1, size, size], False),
        mode="bilinear",
        padding_mode="border",
        align_corners=False,
    )
    return _spoilt(clear, config, own, Chances(spoiler or generator, of, part)), clear


def _spoilt(images: Tensor, config: Augment, own: int, chances: Chances) -> Tensor:
    """Copies in other light, of coarser pixels, with noise and patches; `own` is the side before they were enlarged."""
    if config.contrast or config.brightness:
        gain = 1 + config.contrast * chances.signed()
        offset = 255 * config.brightness * chances.signed()
        mean = images.mean((1, 2, 3), keepdim=True)
        images = ((images - mean) * gain[:, None, None, None] + mean + offset[:, None, None, None]).clamp(0, 255)
    if config.gamma:
        exponent = torch.exp(config.gamma * chances.signed())[:, None, None, None]
        images = 255 * (images.clamp(0, 255) / 255) ** exponent
    if config.shade:
        images = (images + _shade(images, config.shade, chances)).clamp(0, 255)
    if config.sharpen:
        images = _sharpen(images, config.sharpen, chances)
    if config.coarse:
        images = _coarsen(images, config.coarse, own, chances)
    if config.noise:
        chosen = chances.uniform() < config.noise
        amount = config.noise_most * chosen * chances.uniform()
        noise = chances.normal(images.shape[1], own, own)
        if own != images.shape[-1]:
            noise = F.interpolate(noise, images.shape[2:], mode="bilinear", align_corners=False)
        images = (images + noise * amount[:, None, None, None]).clamp(0, 255)
    if config.erase:
        images = _erase(images, config, chances)
    return images


def _shade(images: Tensor, share: float, chances: Chances) -> Tensor:
    """Light from one side: what is to be added, from -255 `share` at most on the one to as much more on the other."""
    across, down = (torch.linspace(-1, 1, side, device=images.device) for side in (images.shape[3], images.shape[2]))
    towards = [(255 * share / 2 * chances.signed())[:, None, None, None] for _ in range(2)]
    return towards[0] * across + towards[1] * down[:, None]


def _sharpen(images: Tensor, share: float, chances: Chances) -> Tensor:
    """Some images with harder edges, as cameras and editors make them: by what a blur takes away."""
    amount = SHARPEST * (chances.uniform() < share) * chances.uniform()
    blurred = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, 1)
    return (images + amount[:, None, None, None] * (images - blurred)).clamp(0, 255)


def _coarsen(images: Tensor, share: float, own: int, chances: Chances) -> Tensor:
    """Some images made smaller than their `own` side and enlarged again, a whole batch by the same factor."""
    side, chosen = images.shape[-1], chances.uniform() < share
    factor = COARSEST + (1 - COARSEST) * chances.once()
    small = F.interpolate(images[chosen], (max(round(own * factor), 1),) * 2, mode="bilinear", antialias=True)
    coarse = images.clone()
    coarse[chosen] = F.interpolate(small, (side, side), mode="bilinear")
    return coarse


def _transforms(config: Augment, chances: Chances) -> Tensor:
    """Output-to-input transforms in `affine_grid`'s coordinates (-1..1), shape (n, 2, 3)."""
    angle = chances.signed() * math.radians(config.rotate)
    scale = 1 + config.scale * chances.signed()
    shift_x = 2 * config.shift * chances.signed()
    shift_y = 2 * config.shift * chances.signed()
    flip = torch.ones_like(angle)
    if config.flip:
        flip = torch.where(chances.uniform() < 0.5, -1.0, 1.0)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    rows = [torch.stack([cos * flip, -sin, shift_x], 1), torch.stack([sin * flip, cos, shift_y], 1)]
    return torch.stack(rows, 1)


def _erase(images: Tensor, config: Augment, chances: Chances) -> Tensor:
    """One rectangle an image filled with a random gray, with probability `erase` (Zhong et al., 2020)."""
    height, width = images.shape[2:]
    device = images.device
    low, high = config.erase_area
    area = low + (high - low) * chances.uniform()
    ratio = torch.exp(chances.signed() * math.log(3.0))
    half_h, half_w = (area * ratio).sqrt().clamp(max=1) / 2, (area / ratio).sqrt().clamp(max=1) / 2
    centre_y = chances.uniform()
    centre_x = chances.uniform()
    gray = 255 * chances.uniform()
    chosen = chances.uniform() < config.erase
    y = (torch.arange(height, device=device) + 0.5) / height
    x = (torch.arange(width, device=device) + 0.5) / width
    inside_y = (y[None] - centre_y[:, None]).abs() < half_h[:, None]
    inside_x = (x[None] - centre_x[:, None]).abs() < half_w[:, None]
    mask = (inside_y[:, :, None] & inside_x[:, None, :] & chosen[:, None, None])[:, None]
    return torch.where(mask, gray[:, None, None, None], images)

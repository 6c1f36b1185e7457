"""Augmentation of a whole batch at once, on the device where it lies; the same generator gives the same images.

One resampling does flip, rotation, scale, shift and size together, so an image is interpolated once. Where that
enlarges it, noise and coarseness are still those of an image of its own size.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from mien.training.recipe import Augment

COARSEST = 1 / 3  # of the resolution
NOISE = 24.0  # largest standard deviation, of 255


def augment(pixels: Tensor, config: Augment, size: int, generator: Generator) -> Tensor:
    """Randomly changed copies of images.

    Args:
        pixels: (n, channels, h, w) uint8.
        config: how far the changes go.
        size: side of the result.
        generator: on the same device as `pixels`.

    Returns:
        (n, channels, size, size) float32 in 0..255.
    """
    own = min(pixels.shape[-1], size)
    images = pixels.float()
    images = F.grid_sample(
        images,
        F.affine_grid(_transforms(len(images), config, images.device, generator), [len(images), 1, size, size], False),
        mode="bilinear",
        padding_mode="border",
        align_corners=False,
    )
    if config.contrast or config.brightness:
        gain = 1 + config.contrast * _signed(len(images), images.device, generator)
        offset = 255 * config.brightness * _signed(len(images), images.device, generator)
        mean = images.mean((1, 2, 3), keepdim=True)
        images = ((images - mean) * gain[:, None, None, None] + mean + offset[:, None, None, None]).clamp(0, 255)
    if config.coarse:
        images = _coarsen(images, config.coarse, own, generator)
    if config.noise:
        chosen = torch.rand(len(images), device=images.device, generator=generator) < config.noise
        amount = NOISE * chosen * torch.rand(len(images), device=images.device, generator=generator)
        noise = torch.randn((*images.shape[:2], own, own), device=images.device, generator=generator)
        if own != size:
            noise = F.interpolate(noise, (size, size), mode="bilinear", align_corners=False)
        images = (images + noise * amount[:, None, None, None]).clamp(0, 255)
    if config.erase:
        images = _erase(images, config, generator)
    return images


def _coarsen(images: Tensor, share: float, own: int, generator: Generator) -> Tensor:
    """Some images made smaller than their `own` side and enlarged again, a whole batch by the same factor."""
    device, side = images.device, images.shape[-1]
    chosen = torch.rand(len(images), device=device, generator=generator) < share
    factor = COARSEST + (1 - COARSEST) * torch.rand((), device=device, generator=generator).item()
    small = F.interpolate(images[chosen], (max(round(own * factor), 1),) * 2, mode="bilinear", antialias=True)
    images[chosen] = F.interpolate(small, (side, side), mode="bilinear")
    return images


def _signed(n: int, device: torch.device, generator: Generator) -> Tensor:
    return torch.rand(n, device=device, generator=generator) * 2 - 1


def _transforms(n: int, config: Augment, device: torch.device, generator: Generator) -> Tensor:
    """Output-to-input transforms in `affine_grid`'s coordinates (-1..1), shape (n, 2, 3)."""
    angle = _signed(n, device, generator) * math.radians(config.rotate)
    scale = 1 + config.scale * _signed(n, device, generator)
    shift_x = 2 * config.shift * _signed(n, device, generator)
    shift_y = 2 * config.shift * _signed(n, device, generator)
    flip = torch.ones(n, device=device)
    if config.flip:
        flip = torch.where(torch.rand(n, device=device, generator=generator) < 0.5, -1.0, 1.0)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    rows = [torch.stack([cos * flip, -sin, shift_x], 1), torch.stack([sin * flip, cos, shift_y], 1)]
    return torch.stack(rows, 1)


def _erase(images: Tensor, config: Augment, generator: Generator) -> Tensor:
    """One rectangle an image filled with a random gray, with probability `erase` (Zhong et al., 2020)."""
    n, _, height, width = images.shape
    device = images.device
    low, high = config.erase_area
    area = low + (high - low) * torch.rand(n, device=device, generator=generator)
    ratio = torch.exp(_signed(n, device, generator) * math.log(3.0))
    half_h, half_w = (area * ratio).sqrt().clamp(max=1) / 2, (area / ratio).sqrt().clamp(max=1) / 2
    centre_y = torch.rand(n, device=device, generator=generator)
    centre_x = torch.rand(n, device=device, generator=generator)
    gray = 255 * torch.rand(n, device=device, generator=generator)
    chosen = torch.rand(n, device=device, generator=generator) < config.erase
    y = (torch.arange(height, device=device) + 0.5) / height
    x = (torch.arange(width, device=device) + 0.5) / width
    inside_y = (y[None] - centre_y[:, None]).abs() < half_h[:, None]
    inside_x = (x[None] - centre_x[:, None]).abs() < half_w[:, None]
    mask = (inside_y[:, :, None] & inside_x[:, None, :] & chosen[:, None, None])[:, None]
    return torch.where(mask, gray[:, None, None, None], images)

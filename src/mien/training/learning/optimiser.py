"""The optimiser that a recipe names, and its rate as training goes on."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from mien.training.learning.muon import Muon
from mien.training.recipes.recipe import Adaptive, Orthogonal, Recipe, Sgd


def learning_rate(recipe: Recipe, epoch: float, share: float = 1.0) -> float:
    """The rate at a (fractional) epoch, or a share of it: linear warm-up, then constant or a cosine to 0."""
    schedule, peak = recipe.schedule, recipe.optimiser.lr * share
    if epoch < schedule.warmup:
        return peak * min(1.0, (epoch + 0.01) / schedule.warmup)
    if schedule.decay == "constant":
        return peak
    done = (epoch - schedule.warmup) / max(schedule.epochs - schedule.warmup, 1e-9)
    return peak * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


def make_optimiser(network: nn.Module, recipe: Recipe, half: bool) -> torch.optim.Optimizer:
    """The recipe's optimiser; SGD decays matrices and kernels only. With `half`, Muon's products are of bfloat16."""
    config = recipe.optimiser
    match config:
        case Sgd():
            decayed = [p for p in network.parameters() if p.ndim > 1]
            plain = [p for p in network.parameters() if p.ndim <= 1]
            groups: list[dict[str, Any]] = [
                {"params": decayed, "weight_decay": config.weight_decay},
                {"params": plain, "weight_decay": 0.0},
            ]
            nesterov = config.momentum > 0
            return torch.optim.SGD(groups, lr=config.lr, momentum=config.momentum, nesterov=nesterov, fused=True)
        case Orthogonal():
            kernels = [p for p in network.parameters() if p.ndim == 4 and p.shape[1] > 1]
            known = set(map(id, kernels))
            others = [p for p in network.parameters() if id(p) not in known]
            return Muon(kernels, others, config.lr, config.momentum, config.weight_decay, half)
        case Adaptive(kind="adam"):
            return torch.optim.Adam(network.parameters(), lr=config.lr, eps=1e-7, fused=True)
        case Adaptive():
            return torch.optim.RMSprop(network.parameters(), lr=config.lr, alpha=0.9, eps=1e-7)

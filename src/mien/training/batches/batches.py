"""What a step of training sees: the order of the images, what is hidden of them, and how else they are changed.

All of it comes from generators made anew for each epoch, from the recipe's seed and the epoch's number. With `views` in
the recipe that many epochs come again and again, to the last pixel; where teachers are shown what is clear, that comes
again, and what spoils it is new in each epoch. Without mixup and covers, batches are the same however many processes
share them. With covers, a piece of another image is of one in the same process's part. With mixup, each process mixes
its own part, and what is drawn after that differs too.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from mien.training.batches.augment import augment
from mien.training.batches.covers import CLEAR, PATCH, cover
from mien.training.batches.data import Split
from mien.training.batches.targets import Target
from mien.training.machines.processes import Processes
from mien.training.recipes.recipe import Recipe

SPOILS = 500_000
"""Added to the seed of what spoils images, more than there are epochs: no other epoch's order is drawn from it."""


@dataclass(frozen=True)
class Batch:
    """This process's part of a batch.

    Args:
        pixels: (n, channels, size, size) float32 in 0..255.
        targets: by head, what labels and votes say of them.
        whole: (n,) of which images nothing is hidden; None if of all.
        draw: 0..1, for who has to choose something for it.
        place: of it among the batches that come again, its view and step; None where none does.
        answered: by head, by what the loss of teachers' answers is divided (see `Target.answered`); {} where each
            process divides by its own.
        clear: as `pixels`, before they were spoilt: what teachers answer to in their place; None where there is none.
    """

    pixels: Tensor
    targets: Mapping[str, Target]
    whole: Tensor | None = None
    draw: float = 0.0
    place: tuple[int, int] | None = None
    answered: Mapping[str, Tensor] = field(default_factory=dict)
    clear: Tensor | None = None


def steps_of(training: Split, recipe: Recipe) -> int:
    """Batches in an epoch; images that do not fill one are left for other epochs."""
    return max(len(training) // recipe.schedule.batch, 1)


def batches(training: Split, recipe: Recipe, epoch: int, ours: Processes) -> Iterator[Batch]:
    """An epoch's batches, of each this process's part."""
    config, steps = recipe.augment, steps_of(training, recipe)
    view, mixes = epoch, recipe.mixes(epoch)
    if config.views:
        before = max(recipe.stages(epoch) - 1, 0) + (config.mixup > 0 and not mixes)
        view = epoch % config.views + before * config.views
    seed = recipe.seed * 1_000_003 + view
    generator, draws = torch.Generator(ours.device).manual_seed(seed), random.Random(seed)
    spoiler = None
    if recipe.shown == "clear":
        spoiler = torch.Generator(ours.device).manual_seed(recipe.seed * 1_000_003 + SPOILS + epoch)
    for step, (rows, pixels) in enumerate(training.crops.shuffled(generator, recipe.schedule.batch, steps, ours.part)):
        part, n = ours.part(len(rows)), len(rows)
        taught, whole = {name: target.rows(rows) for name, target in training.targets.items()}, None
        if config.cover:
            pixels, hidden = cover(pixels, config.cover, generator, batch=n, part=part)
            whole = (hidden == CLEAR) | (hidden == PATCH)
        pixels, clear = augment(
            pixels, config, recipe.train_size(epoch), generator, spoiler=spoiler, batch=n, part=part
        )
        shown = None if spoiler is None else clear
        answered = {name: target.answered(whole, ours.size) for name, target in taught.items()}
        taught = {name: target.part(part, ours.size) for name, target in taught.items()}
        whole = None if whole is None else whole[part]
        if mixes:
            share = draws.betavariate(config.mixup, config.mixup)
            others = torch.randperm(len(pixels), device=ours.device, generator=generator)
            pixels = torch.lerp(pixels, pixels[others], share)
            taught = {name: target.mixed(share, others) for name, target in taught.items()}
            shown = None if shown is None else torch.lerp(shown, shown[others], share)
            whole, answered = None if whole is None else whole & whole[others], {}
        place = (view, step) if config.views else None
        yield Batch(pixels, taught, whole, draws.random(), place, answered, shown)

"""Teachers: networks whose answers to the very images that a student sees are part of what it learns.

Distillation (Hinton et al., "Distilling the Knowledge in a Neural Network", 2015), on fresh augmentations (Beyer et
al., "Knowledge distillation: A good teacher is patient and consistent", 2022); at temperature 1, as votes are soft.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.errors import MienError, RecipeError
from mien.training.data import Split
from mien.training.loss import Target, loss
from mien.training.networks import Averaged, Enlarged, build
from mien.training.recipe import Recipe, recipe_from
from mien.training.start import IMAGES, find_start


class Teacher:
    """One network or several that answer together.

    Args:
        names: runs' folders, or models' names or folders.
        recipe: of the student.
        training: what the student learns from.

    Raises:
        RecipeError: teachers without `distill` in the recipe, or that without teachers.
        MienError: there is no such run or model, or it has no head that the student has.
    """

    def __init__(self, names: Sequence[str | Path], recipe: Recipe, training: Split) -> None:
        if bool(names) != bool(recipe.distill):
            fault = "distill: needs teachers" if recipe.distill else "distill: is needed, where there are teachers"
            raise RecipeError(f"recipe {recipe.name} does not fit", [fault])
        starts = [find_start(name) for name in names]
        self.sha256 = [start.sha256 for start in starts]
        self._share = recipe.distill or 0.0
        self._heads = training.targets
        device, networks = training.pixels.device, list[nn.Module]()
        for start in starts:
            theirs = recipe_from(start.recipe, start.name)
            if (theirs.colour, not start.heads.keys() & training.targets.keys()) != (recipe.colour, False):
                told = f"{theirs.colour} images for {', '.join(start.heads)}"
                raise MienError(f"{start.name} cannot teach this: it has learned from {told}")
            network = build(theirs, start.heads)
            side = theirs.resolution or theirs.size
            start.give(network, F.interpolate(training.pixels[:IMAGES].cpu().float(), (side, side)))
            networks.append(Enlarged(network, side))
        self._network = Averaged(networks).eval().to(device) if networks else None

    def joined(self, value: Tensor, logits: Mapping[str, Tensor], pixels: Tensor) -> Tensor:
        """The loss, with the teachers' share in it; the loss itself where there are none.

        Args:
            value: what the labels and votes say; a scalar.
            logits: the student's, by head.
            pixels: (n, channels, h, w) that the student saw.
        """
        if self._network is None:
            return value
        with torch.no_grad():
            answers = self._network(pixels)
        taught = {
            name: Target(self._heads[name].labels, self._heads[name].weight, answer.float().softmax(1), ones(answer))
            for name, answer in answers.items()
            if name in logits
        }
        return (1 - self._share) * value + self._share * loss(logits, taught)


def ones(answer: Tensor) -> Tensor:
    """Teachers have an answer to every image."""
    return torch.ones(len(answer), device=answer.device)

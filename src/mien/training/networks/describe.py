"""A network layer by layer: what each gives, and how many parameters it has."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from mien.labels import FACE, FER7, FERPLUS8, label_set
from mien.training.networks.network import Block, InvertedBlock, build
from mien.training.recipes.recipe import Layered, Recipe


@dataclass(frozen=True)
class Row:
    """One layer.

    Args:
        layer: in words.
        shape: of what it gives for one image: (channels, height, width), or (values,).
        parameters: that training changes.
    """

    layer: str
    shape: tuple[int, ...]
    parameters: int


@torch.no_grad()
def describe(recipe: Recipe) -> list[Row]:
    """The layers of a recipe's network, at the size that it is used at.

    A head for the data's own labels is shown with `fer7` where the recipe names no label set.

    Raises:
        RecipeError: the recipe's layers do not fit together.
    """
    labels = label_set(recipe.labels) if recipe.labels else FER7
    heads = {FERPLUS8.name: len(FERPLUS8)} if recipe.heads.votes else {}
    if recipe.heads.labels:
        heads[labels.name] = len(labels)
    if recipe.heads.face:
        heads[FACE.name] = len(FACE)
    network = build(recipe, heads).eval()
    side = recipe.resolution or recipe.size
    x = torch.zeros(1, recipe.channels, side, side)
    rows = [Row("pixels", tuple(x.shape[1:]), 0)]
    named = (
        recipe.network.layers if isinstance(recipe.network, Layered) else [_words(each) for each in network.features]
    )
    for words, module in zip(named, network.features, strict=True):
        x = module(x)
        rows.append(Row(words, tuple(x.shape[1:]), _parameters(module)))
    if x.ndim > 2:
        x = x.mean((2, 3))
        rows.append(Row("mean", tuple(x.shape[1:]), 0))
    for name in heads:
        head = network.heads[network.names[name]]
        rows.append(Row(f"head {name}", tuple(head(x).shape[1:]), _parameters(head)))
    return rows


def _words(module: nn.Module) -> str:
    match module:
        case Block():
            attention = "" if isinstance(module.attention, nn.Identity) else ", squeeze and excitation"
            return f"residual block{attention}"
        case InvertedBlock():
            return "inverted residual block"
        case _:
            return "convolution"


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())

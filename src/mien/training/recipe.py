"""Recipes: everything that decides a training run but the data, frozen, in one TOML file.

Unknown keys are errors, and all faults are reported together. Angles are in degrees; shares are of the image's side.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mien.errors import RecipeError

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(gt=0)]


class Part(BaseModel):
    """A table of the recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Network(Part):
    """A residual network (see `networks.ResidualNet`)."""

    widths: tuple[Annotated[int, Field(ge=2)], ...] = Field(min_length=1)
    blocks: tuple[Positive, ...] = Field(min_length=1)
    attention: tuple[bool, ...] = ()
    dropout: Share = 0.0

    @model_validator(mode="after")
    def _same_length(self) -> Network:
        if len(self.widths) != len(self.blocks):
            raise ValueError(f"{len(self.widths)} widths for {len(self.blocks)} stages of blocks")
        if self.attention and len(self.attention) != len(self.widths):
            raise ValueError(f"{len(self.attention)} values of attention for {len(self.widths)} stages")
        return self


class Head(Part):
    """How much a head counts in the loss, and how much of its target is spread evenly over all emotions."""

    weight: Annotated[float, Field(gt=0)] = 1.0
    smoothing: Share = 0.0


class Heads(Part):
    """`labels` learns the dataset's own labels; `votes` learns FER+ votes, where the data has them."""

    labels: Head | None = Head()
    votes: Head | None = None

    @model_validator(mode="after")
    def _one_at_least(self) -> Heads:
        if self.labels is None and self.votes is None:
            raise ValueError("a network needs a head: labels, votes or both")
        return self


class Augment(Part):
    """Random changes to each training image; the defaults change nothing."""

    flip: bool = False
    rotate: Annotated[float, Field(ge=0, le=180)] = 0.0
    scale: Annotated[float, Field(ge=0, lt=1)] = 0.0
    shift: Share = 0.0
    brightness: Share = 0.0
    contrast: Annotated[float, Field(ge=0, lt=1)] = 0.0
    erase: Share = 0.0
    erase_area: tuple[Share, Share] = (0.02, 0.2)


class Optimiser(Part):
    """Stochastic gradient descent with Nesterov momentum; no decay on biases and batch normalisation."""

    lr: Annotated[float, Field(gt=0)] = 0.1
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    weight_decay: Annotated[float, Field(ge=0)] = 5e-4


class Schedule(Part):
    """How long, in which batches, and at which sizes; the rate warms up linearly and falls to 0 along a cosine.

    `ema` is the share of the running average of the weights that a step keeps, once there is something to keep.
    `sizes` are stages of the run: from which share of the epochs on, the training images have which side in pixels.
    """

    epochs: Positive
    batch: Annotated[int, Field(gt=1)] = 128
    warmup: Annotated[float, Field(ge=0)] = 0.0
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.999
    sizes: tuple[tuple[Share, Positive], ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Schedule:
        starts = [start for start, _ in self.sizes]
        if starts and (starts[0] != 0 or starts != sorted(starts)):
            raise ValueError("sizes start at 0 and go up")
        return self


class Recipe(Part):
    """A training run.

    Args:
        seed: decides the first weights, the order of images and every augmentation.
        size: side of the square gray input in pixels.
        resolution: side to which the input is enlarged before the network sees it; None leaves it at `size`.
        validation_share: part of `train` held out where the data has no `valid` split.
        mirror: whether the shipped network averages an image with its mirror image.
    """

    name: str
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    size: Annotated[int, Field(ge=16, le=512)] = 48
    resolution: Annotated[int, Field(ge=16, le=512)] | None = None
    validation_share: Annotated[float, Field(gt=0, lt=1)] = 0.1
    mirror: bool = False
    network: Network
    heads: Heads = Heads()
    augment: Augment = Augment()
    optimiser: Optimiser = Optimiser()
    schedule: Schedule

    def train_size(self, epoch: int) -> int:
        """Side in pixels of the training images in an epoch, counted from 0."""
        stages = [size for start, size in self.schedule.sizes if epoch >= start * self.schedule.epochs]
        return stages[-1] if stages else self.resolution or self.size


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """A recipe from a TOML file, with `key=value` overrides such as `"schedule.epochs=3"`.

    Raises:
        RecipeError: not a TOML file, or keys or values that are not a recipe's; lists every fault.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeError(f"{path} is not a readable recipe", [str(error)]) from error
    faults = [fault for override in overrides if (fault := _override(values, override))]
    if faults:
        raise RecipeError(f"{path} cannot be changed so", faults)
    return recipe_from(values, str(path))


def recipe_from(values: Mapping[str, Any], subject: str) -> Recipe:
    """A recipe from parsed values. Raises `RecipeError` with every fault."""
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc'])) or 'recipe'}: {e['msg']}" for e in error.errors()]
        raise RecipeError(f"{subject} is not a recipe", faults) from error


def _override(values: dict[str, Any], override: str) -> str | None:
    key, separator, text = override.partition("=")
    if not separator:
        return f"{override!r}: expected key=value, such as schedule.epochs=3"
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    *tables, last = key.strip().split(".")
    for table in tables:
        values = values.setdefault(table, {})
        if not isinstance(values, dict):
            return f"{key}: {table!r} is a value, not a table"
    values[last] = value
    return None

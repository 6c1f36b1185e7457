"""Recipes: everything that decides a training run but the data, frozen, in one TOML file.

Unknown keys are errors, and all faults are reported together. Angles are in degrees; shares are of the image's side.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)

from mien.errors import LabelError, RecipeError
from mien.labels import FERPLUS8, label_set
from mien.training.recipes.faults import faults
from mien.training.recipes.layers import MOST, checked_layer
from mien.wording import reason

Share = Annotated[float, Field(ge=0, le=1)]
Decay = Annotated[float, Field(ge=0, le=1000)]

MOST_EPOCHS, MOST_IN_BATCH = 100_000, 1_000_000
MOST_BLOCKS, MOST_STAGES = 1000, 16
"""What is far beyond any run: more is a slip, and would be told by hours that go by, or by torch out of memory."""


class Part(BaseModel):
    """A table of the recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _no_switches(cls, values: Any) -> Any:
        """`true` is no number, though pydantic takes it for 1: `rotate = true` would turn faces by one degree."""
        if not isinstance(values, dict):
            return values
        types = {name: _parts(field.annotation) for name, field in cls.model_fields.items()}
        numbers = {name for name, parts in types.items() if {int, float} & parts and bool not in parts}
        return {name: _spelled(value) if name in numbers else value for name, value in values.items()}


def _parts(annotation: Any) -> set[Any]:
    """The types that an annotation is made of, those of a tuple too."""
    return {annotation}.union(*map(_parts, get_args(annotation)))


def _spelled(value: Any) -> Any:
    """A value whose switches are texts, those in lists too."""
    if isinstance(value, list | tuple):
        return [_spelled(each) for each in value]
    return str(value).lower() if isinstance(value, bool) else value


class Staged(Part):
    """A network in stages, each of some blocks of one width."""

    widths: tuple[Annotated[int, Field(ge=2, le=MOST)], ...] = Field(min_length=1, max_length=MOST_STAGES)
    blocks: tuple[Annotated[int, Field(gt=0, le=MOST_BLOCKS)], ...] = Field(min_length=1, max_length=MOST_STAGES)
    dropout: Share = 0.0

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        if len(self.widths) != len(self.blocks):
            raise ValueError(f"{len(self.widths)} widths for {len(self.blocks)} stages of blocks")
        return self

    def __str__(self) -> str:
        return f"widths {_joined(self.widths)}, blocks {_joined(self.blocks)}"


class Residual(Staged):
    """A residual network (see `networks.Block`).

    A `mirrored` one gives a face and its mirror image the same answer (see `mirrored`).
    """

    kind: Literal["residual"] = "residual"
    stem: Literal["3x3-3x3", "5x5"] = "3x3-3x3"
    attention: tuple[bool, ...] = ()
    mirrored: bool = False

    @model_validator(mode="after")
    def _attention_of_all(self) -> Self:
        if self.attention and len(self.attention) != len(self.widths):
            raise ValueError(f"{len(self.attention)} values of attention for {len(self.widths)} stages")
        return self

    @model_validator(mode="after")
    def _in_pairs(self) -> Self:
        attention = self.attention or (False,) * len(self.widths)
        units = [16 if attends else 4 for attends in attention]
        if self.mirrored and any(width % unit for width, unit in zip(self.widths, units, strict=True)):
            raise ValueError("mirrored: widths are multiples of 4, and of 16 where there is attention")
        return self

    def __str__(self) -> str:
        mirrored = "mirrored " if self.mirrored else ""
        stem = "" if self.stem == "3x3-3x3" else f"a stem of {self.stem}, "
        return f"{mirrored}residual network, {stem}{super().__str__()}"


class Mobile(Staged):
    """A network of inverted residuals, in the manner of MobileNetV2 (see `networks.InvertedBlock`)."""

    kind: Literal["mobile"]
    expansion: Annotated[int, Field(gt=0, le=100)] = 4

    def __str__(self) -> str:
        return f"inverted residuals, {super().__str__()}, expansion {self.expansion}"


class Layered(Part):
    """A plain stack of layers, one a string (see `layers.LAYERS`), to which the heads are added."""

    kind: Literal["layers"]
    layers: tuple[Annotated[str, AfterValidator(checked_layer)], ...] = Field(min_length=1, max_length=MOST_BLOCKS)

    def __str__(self) -> str:
        return f"layers {', '.join(self.layers)}"


def _told_apart(*kinds: str) -> Discriminator:
    """Tables of one place are told apart by their `kind`; the first is meant if none is given."""

    def kind(value: Any) -> str:
        return str(value.get("kind", kinds[0]) if isinstance(value, dict) else getattr(value, "kind", kinds[0]))

    return Discriminator(kind, custom_error_type="kind", custom_error_message=f"kind is one of {', '.join(kinds)}")


Network = Annotated[
    Annotated[Residual, Tag("residual")] | Annotated[Mobile, Tag("mobile")] | Annotated[Layered, Tag("layers")],
    _told_apart("residual", "mobile", "layers"),
]


class Head(Part):
    """How much a head counts in the loss, and how much of its target is spread evenly over all emotions.

    With `sigmoid`, a head of two emotions is one logit, that of the second; its loss is then binary cross-entropy.
    """

    weight: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    smoothing: Share = 0.0
    sigmoid: bool = False


class Heads(Part):
    """`labels` learns the dataset's own labels, unless it is false; `votes` FER+ votes, where the data has them.

    `face` learns from the same votes how many people saw no face at all; it speaks of no emotion.
    """

    labels: Annotated[Head | None, BeforeValidator(lambda value: None if value is False else value)] = Head()
    votes: Head | None = None
    face: Head | None = None

    @model_validator(mode="after")
    def _one_at_least(self) -> Heads:
        if self.labels is None and self.votes is None:
            raise ValueError("a network needs a head: labels, votes or both")
        return self


class Augment(Part):
    """Random changes to each training image; the defaults change nothing.

    `coarse`, `noise`, `sharpen` and `cover` are shares of the images: these lose up to two thirds of their resolution,
    get Gaussian noise (a standard deviation up to `noise_most`, of 255) or harder edges, or have a part of the face
    covered (see `covers`). `gamma` is the largest natural logarithm of an exponent, `shade` the share of the range by
    which one side gets brighter and the other darker. `mixup` is alpha: of each batch, a Beta(alpha, alpha) share is
    laid over its images in another order, up to the share `mixup_until` of the epochs; the last ones see faces one by
    one, as in use.

    With `views`, each image is seen in so many ways, again and again: what teachers answer to them is asked once.
    Where mixup ends, or another size begins, other views begin, as many.
    """

    flip: bool = False
    rotate: Annotated[float, Field(ge=0, le=180)] = 0.0
    scale: Annotated[float, Field(ge=0, lt=1)] = 0.0
    shift: Share = 0.0
    brightness: Share = 0.0
    contrast: Annotated[float, Field(ge=0, lt=1)] = 0.0
    erase: Share = 0.0
    erase_area: tuple[Share, Share] = (0.02, 0.2)
    coarse: Share = 0.0
    noise: Share = 0.0
    noise_most: Annotated[float, Field(gt=0, le=255)] = 24.0
    gamma: Annotated[float, Field(ge=0, le=2)] = 0.0
    shade: Share = 0.0
    sharpen: Share = 0.0
    cover: Share = 0.0
    mixup: Annotated[float, Field(ge=0, le=1000)] = 0.0
    mixup_until: Share = 1.0
    views: Annotated[int, Field(gt=0, le=MOST_EPOCHS)] | None = None


class Sgd(Part):
    """Stochastic gradient descent with Nesterov momentum; no decay on biases and batch normalisation."""

    kind: Literal["sgd"] = "sgd"
    lr: Annotated[float, Field(gt=0)] = 0.1
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    weight_decay: Decay = 5e-4


class Adaptive(Part):
    """Adam or RMSprop, with the constants of Keras: betas 0.9 and 0.999, or rho 0.9; epsilon 1e-7."""

    kind: Literal["adam", "rmsprop"]
    lr: Annotated[float, Field(gt=0)] = 1e-3


class Orthogonal(Part):
    """Muon (see `muon`): kernels that see several channels take orthogonal steps and decay; the rest is Adam's."""

    kind: Literal["muon"]
    lr: Annotated[float, Field(gt=0)] = 0.01
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.95
    weight_decay: Decay = 0.05


Optimiser = Annotated[
    Annotated[Sgd, Tag("sgd")]
    | Annotated[Adaptive, Tag("adam")]
    | Annotated[Adaptive, Tag("rmsprop")]
    | Annotated[Orthogonal, Tag("muon")],
    _told_apart("sgd", "adam", "rmsprop", "muon"),
]


class Schedule(Part):
    """How long, in which batches, and at which sizes.

    The rate warms up linearly, and then falls to 0 along a cosine or is `constant`.

    `known` is the share of the rate at which a run goes that begins with a model which speaks all of its labels: such
    a network knows much already, and a full rate would undo it.

    `ema` is the share of the running average of the weights that a step keeps, once there is something to keep.
    `sizes` are stages of the run: from which share of the epochs on, the training images have which side in pixels.
    """

    epochs: Annotated[int, Field(gt=0, le=MOST_EPOCHS)]
    batch: Annotated[int, Field(gt=1, le=MOST_IN_BATCH)] = 128
    warmup: Annotated[float, Field(ge=0, le=MOST_EPOCHS)] = 0.0
    decay: Literal["cosine", "constant"] = "cosine"
    known: Annotated[float, Field(gt=0, le=1)] = 1.0
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.999
    sizes: tuple[tuple[Share, Annotated[int, Field(ge=16, le=512)]], ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Schedule:
        starts = [start for start, _ in self.sizes]
        if starts and (starts[0] != 0 or starts != sorted(starts)):
            raise ValueError("sizes start at 0 and go up")
        return self


def _known_labels(name: str) -> str:
    try:
        return label_set(name).name
    except LabelError as error:
        raise ValueError(str(error)) from error


class Recipe(Part):
    """A training run.

    Args:
        seed: decides the first weights, the order of images and every augmentation.
        size: side of the square input in pixels.
        resolution: side to which the input is enlarged before the network sees it; None leaves it at `size`.
        colour: whether the network sees gray pixels or red, green and blue.
        labels: name of the label set to learn, images of other emotions being left out; None learns the data's own.
        split_seed: decides which images are held out, where the data come without splits. Keep it where a run begins
            with another's weights or learns from another model: what that was trained on must not judge this one.
        validation_share: part of `train` held out where the data has no `valid` split.
        test_share: likewise for a `test` split, before validation takes its share; None takes nothing.
        distill: share of the loss that follows the teachers' answers; None where there are no teachers.
        shown: what teachers answer to: the same that the student sees, or that while it was clear, before other light,
            coarse pixels, noise and patches.
    """

    name: str
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    size: Annotated[int, Field(ge=16, le=512)] = 48
    resolution: Annotated[int, Field(ge=16, le=512)] | None = None
    colour: Literal["gray", "rgb"] = "gray"
    labels: Annotated[str, AfterValidator(_known_labels)] | None = None
    split_seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    validation_share: Annotated[float, Field(gt=0, lt=1)] = 0.1
    test_share: Annotated[float, Field(gt=0, lt=1)] | None = None
    distill: Annotated[float, Field(gt=0, le=1)] | None = None
    shown: Literal["same", "clear"] = "same"
    network: Network
    heads: Heads = Heads()
    augment: Augment = Augment()
    optimiser: Optimiser = Sgd()
    schedule: Schedule

    @model_validator(mode="after")
    def _one_size_of_layers(self) -> Recipe:
        if self.network.kind == "layers" and (self.schedule.sizes or self.resolution):
            raise ValueError("a stack of layers takes one size: leave out resolution and schedule.sizes")
        return self

    @model_validator(mode="after")
    def _shown_to_somebody(self) -> Recipe:
        if self.shown == "clear" and self.distill is None:
            raise ValueError("shown: there are no teachers to show it to: set distill, or leave it out")
        return self

    @model_validator(mode="after")
    def _one_head_a_label_set(self) -> Recipe:
        if self.labels == FERPLUS8.name and self.heads.labels and self.heads.votes:
            raise ValueError(f"two heads of {FERPLUS8.name}: leave out heads.votes, or set heads.labels to false")
        return self

    @property
    def channels(self) -> int:
        """Of the input: 1 if gray, 3 if coloured."""
        return 3 if self.colour == "rgb" else 1

    def mixes(self, epoch: int) -> bool:
        """Whether faces are laid over each other in an epoch, counted from 0."""
        return bool(self.augment.mixup) and epoch < self._begins(self.augment.mixup_until)

    def train_size(self, epoch: int) -> int:
        """Side in pixels of the training images in an epoch, counted from 0."""
        stages = self.stages(epoch)
        return self.schedule.sizes[stages - 1][1] if stages else self.resolution or self.size

    def stages(self, epoch: int) -> int:
        """How many of the stages of sizes have begun in an epoch, counted from 0."""
        return sum(epoch >= self._begins(start) for start, _ in self.schedule.sizes)

    def _begins(self, share: float) -> float:
        """The epoch, counted from 0, at which a share of them is done, whatever binary fractions make of the share."""
        return round(share * self.schedule.epochs, 9)


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """A recipe from a TOML file, with `key=value` overrides such as `"schedule.epochs=3"`.

    Raises:
        RecipeError: not a TOML file, or keys or values that are not a recipe's; lists every fault.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeError(f"{path} is not a readable recipe", [reason(error)]) from error
    if wrong := [fault for override in overrides if (fault := _override(values, override))]:
        raise RecipeError(f"{path} cannot be changed so", wrong)
    changed = f", changed by {', '.join(overrides)}," if overrides else ""
    return recipe_from(values, f"{path}{changed}")


def recipe_from(values: Mapping[str, Any], subject: str) -> Recipe:
    """A recipe from parsed values. Raises `RecipeError` with every fault."""
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise RecipeError(f"{subject} is not a recipe", faults(error, Recipe, ("network", "optimiser"))) from error


def _joined(values: tuple[int, ...]) -> str:
    return "-".join(map(str, values))


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

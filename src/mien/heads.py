"""Heads: what each of a model's outputs speaks, how its logits become chances, and whom it asks to doubt them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from mien import metrics, prior
from mien.errors import LabelError
from mien.labels import LabelSet

Share = Annotated[float, Field(ge=0, le=1)]


class Second(BaseModel):
    """Another head, of other labels, that is asked whether an answer may be relied on.

    Args:
        labels: the head's name.
        threshold: the chance that it must give to the answer, below which that is uncertain.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    labels: str
    threshold: Share


class Stacking(BaseModel):
    """What logits of a head become where it listens to another head, before they are calibrated.

    Both heads' logits count as they are measured from their mean over the emotions, face by face.

    Args:
        labels: the other head's name.
        own: for each of the head's emotions, what each of its own logits counts.
        other: likewise what each of the other's does.
        bias: what is added to each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    labels: str
    own: tuple[tuple[float, ...], ...]
    other: tuple[tuple[float, ...], ...]
    bias: tuple[float, ...]

    @cached_property
    def counts(self) -> metrics.Floats:
        """(emotions, both heads'): each head's less their mean, which is as good as to take it from the logits."""
        rows = [metrics.centred(np.array(counts)) for counts in (self.own, self.other)]
        return np.concatenate(rows, 1)

    @property
    def widths(self) -> set[int]:
        """Of how many emotions it is: one number, if it is whole."""
        return {*map(len, (self.own, *self.own, self.other, self.bias))}

    def logits(self, own: NDArray[np.floating], other: NDArray[np.floating]) -> metrics.Floats:
        """Of both heads' logits, (n, emotions) and (n, the other's emotions): the head's, (n, emotions)."""
        return np.add(self.linear(own, other), self.bias)

    def linear(self, own: NDArray[np.floating], other: NDArray[np.floating]) -> metrics.Floats:
        """As `logits`, without the bias. What a face gets does not hang on its neighbours."""
        return np.asarray(np.einsum("nk,ek->ne", np.concatenate([own, other], 1, dtype=np.float64), self.counts))

    def weights(self, own: NDArray[np.floating], other: NDArray[np.floating]) -> NDArray[np.float32]:
        """Of what both heads make of features, (n, values + 1), the bias last: what the head makes of them then."""
        told = self.linear(own.T, other.T).T
        told[:, -1] += self.bias
        return told.astype(np.float32)


class HeadInfo(BaseModel):
    """What one head speaks, and how its logits become probabilities.

    Args:
        labels: name of its label set.
        emotions: in the order of its logits.
        temperature, entropy_slope, bias: make the logits the chances that each emotion is the right label (see
            `metrics.calibrated`).
        vote_temperature: divides the logits, which makes them the shares of people's votes; None without votes.
        threshold: confidence below which an answer is uncertain.
        mix: the share of each emotion among the training images, each counted once more; models of an older mien do not
            know it.
        second: the head that is asked for a second opinion; None where there is none to ask, or no need.
        stacking: how it listens to another head; None where it does not.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    labels: str
    emotions: tuple[str, ...] = Field(min_length=2)
    temperature: Annotated[float, Field(gt=0)]
    entropy_slope: float = 0.0
    bias: tuple[float, ...] = ()
    vote_temperature: Annotated[float, Field(gt=0)] | None = None
    threshold: Share
    mix: tuple[Annotated[float, Field(gt=0, le=1)], ...] = ()
    second: Second | None = None
    stacking: Stacking | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name, values in (("bias", self.bias), ("mix", self.mix)):
            if values and len(values) != len(self.emotions):
                raise ValueError(f"{name} has {len(values)} values for {len(self.emotions)} emotions")
        if self.stacking and self.stacking.widths != {len(self.emotions)}:
            raise ValueError(f"stacking is not of {len(self.emotions)} emotions")
        return self

    @cached_property
    def label_set(self) -> LabelSet:
        return LabelSet(self.labels, self.emotions)

    def probabilities(self, logits: NDArray[np.floating], shares: Mapping[str, float] | None = None) -> metrics.Floats:
        """The chance that each emotion is the right label, shape as `logits` (n, emotions).

        Args:
            shares: how often each is expected, as for `weights`; None where as in training.

        Raises:
            LabelError: as `weights` does.
        """
        bias = np.array(self.bias or 0.0)
        if shares is not None:
            with np.errstate(divide="ignore"):  # what is not expected at all
                bias = bias + np.log(self.weights(shares))
        return metrics.calibrated(logits, self.temperature, self.entropy_slope, bias)

    def weights(self, shares: Mapping[str, float]) -> metrics.Floats:
        """How many times as often as in training each emotion is expected, shape (emotions,).

        Args:
            shares: of the emotions of the set that is answered in (see `prior.shares_of`).

        Raises:
            LabelError: what training had is not known.
        """
        if not self.mix:
            raise LabelError(
                f"the model does not say how often its head {self.labels!r} saw each expression in training, so that "
                "it can expect no other prior: export it again"
            )
        return prior.weights(shares, self.emotions, self.mix)

    def votes(self, logits: NDArray[np.floating]) -> metrics.Floats | None:
        """The shares of people's votes, shape as `logits` (n, emotions); None where votes did not teach it."""
        return None if self.vote_temperature is None else metrics.softmax(logits, self.vote_temperature)


def stacked(heads: Iterable[HeadInfo], logits: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """A network's logits by head, (n, emotions), those that listen to others having done so."""
    heard = {
        head.labels: head.stacking.logits(logits[head.labels], logits[head.stacking.labels]).astype(np.float32)
        for head in heads
        if head.stacking
    }
    return logits | heard

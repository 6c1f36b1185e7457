"""Targets and the loss: every head learns a distribution over its emotions, from labels or from votes.

An example that a head must not learn from has weight 0 there; a head's loss is the mean over the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mien.datasets.base import NO_LABEL, VOTES, Dataset
from mien.labels import FACE, FERPLUS8, LabelSet
from mien.training.recipes.recipe import Head, Heads


@dataclass(frozen=True)
class Target:
    """What one head learns.

    Args:
        labels: the head's label set.
        weight: of this head in the loss.
        distribution: (n, emotions) float32, rows that sum to 1.
        mask: (n,) float32, 1 where the head learns from the example, else 0.
        count: by which the loss is divided; those of the mask if None.
    """

    labels: LabelSet
    weight: float
    distribution: Tensor
    mask: Tensor
    count: Tensor | None = None

    def part(self, part: slice, parts: int) -> Target:
        """What it learns from one of several parts of the examples: the mean of their losses is the loss of all."""
        return Target(self.labels, self.weight, self.distribution[part], self.mask[part], _count(self.mask, parts))

    def answered(self, whole: Tensor | None, parts: int) -> Tensor:
        """The count of a part's target where teachers answer to what is whole, (n,); to all of the examples if None."""
        every = torch.ones_like(self.mask)
        return _count(every if whole is None else torch.where(whole, every, self.mask), parts)

    def rows(self, rows: Tensor) -> Target:
        """What it learns from some of the examples, by their positions."""
        return Target(self.labels, self.weight, self.distribution[rows], self.mask[rows])

    def mixed(self, share: float, order: Tensor) -> Target:
        """Mixup's targets: `share` of each example is another one, by its position in `order`; both must teach."""
        distribution = torch.lerp(self.distribution, self.distribution[order], share)
        return Target(self.labels, self.weight, distribution, self.mask * self.mask[order])

    def to(self, device: torch.device) -> Target:
        return Target(self.labels, self.weight, self.distribution.to(device), self.mask.to(device))


def targets(dataset: Dataset, heads: Heads) -> dict[str, Target]:
    """The heads that a dataset can teach, each under its label set's name."""
    found = {}
    if heads.votes and dataset.has_votes:
        found[FERPLUS8.name] = _from_votes(dataset, heads.votes)
    if heads.labels:
        found[dataset.labels.name] = _from_labels(dataset, heads.labels)
    if heads.face and dataset.has_votes:
        found[FACE.name] = _from_all_votes(dataset, heads.face)
    return found


def fingerprint(digest: hashlib._Hash, taught: Mapping[str, Target]) -> str:
    """A hash of images and of everything that is learned from them.

    Args:
        digest: the SHA-256 of the crops, (n, channels, size, size) uint8, which goes on here.
        taught: by head, for the same images.
    """
    for name, target in taught.items():
        digest.update(name.encode() + target.distribution.cpu().numpy().tobytes() + target.mask.cpu().numpy().tobytes())
    return digest.hexdigest()


def loss(logits: Mapping[str, Tensor], batch: Mapping[str, Target]) -> Tensor:
    """Weighted sum over heads of the cross-entropy with each target distribution; a scalar."""
    total = torch.zeros((), device=next(iter(logits.values())).device)
    for name, target in batch.items():
        log_p = torch.log_softmax(logits[name].float(), 1)
        entropy = -(target.distribution * log_p).sum(1)
        count = target.mask.sum().clamp(min=1) if target.count is None else target.count
        total = total + target.weight * (entropy * target.mask).sum() / count
    return total


def _count(mask: Tensor, parts: int) -> Tensor:
    return mask.sum().clamp(min=1) / parts


def _from_labels(dataset: Dataset, head: Head) -> Target:
    index = dataset.targets(dataset.labels)
    onehot = np.eye(len(dataset.labels), dtype=np.float32)[np.maximum(index, 0)]
    return _target(dataset.labels, head, onehot, index != NO_LABEL)


def _from_votes(dataset: Dataset, head: Head) -> Target:
    """Votes as a distribution; without the images that "unknown" or "not a face" won."""
    votes = dataset.votes()
    emotions, others = votes[:, : len(FERPLUS8)], votes[:, len(FERPLUS8) :]
    taught = emotions.max(1) > others.max(1)
    distribution = emotions / np.maximum(emotions.sum(1, keepdims=True), 1)
    return _target(FERPLUS8, head, distribution, taught)


def _from_all_votes(dataset: Dataset, head: Head) -> Target:
    """The share of all votes, those for "unknown" among them, that saw no face."""
    votes = dataset.votes()
    total = votes.sum(1)
    share = votes[:, VOTES.index(FACE.emotions[1])] / np.maximum(total, 1)
    return _target(FACE, head, np.stack([1 - share, share], 1), total > 0)


def _target(labels: LabelSet, head: Head, distribution: np.ndarray, mask: np.ndarray) -> Target:
    smoothed = (1 - head.smoothing) * distribution + head.smoothing / len(labels)
    return Target(
        labels,
        head.weight,
        torch.from_numpy(smoothed.astype(np.float32)),
        torch.from_numpy(mask.astype(np.float32)),
    )

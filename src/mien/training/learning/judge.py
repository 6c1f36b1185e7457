"""What validation says of a network after an epoch, and which epoch of a run is the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import torch
from torch import Tensor, nn

from mien import metrics
from mien.datasets.base import NO_LABEL
from mien.training.batches.data import Split
from mien.training.machines.processes import Processes

VALIDATION_BATCH = 64
LEAST = 10
"""Images with which a head is calibrated at all. Of thirty calibrations on so few of FER2013's public split, one at
most made others less likely; of those on 8, two; on 6, five; on 3, thirteen."""

Rank = tuple[float, float]
"""How good an epoch is, the lower the better: see `rank`."""
WORST: Rank = (float("inf"), 1.0)


@dataclass(frozen=True)
class Verdict:
    """Scores of a network on validation, by head.

    Args:
        accuracy: 0..1; 0 where there is no image to judge.
        nll: of the labels, in nats, lower is better (see `metrics.tempered_nll`); 0 where there is no image to judge.
    """

    accuracy: dict[str, float]
    nll: dict[str, float]

    @property
    def rank(self) -> Rank:
        return rank(self.nll, self.accuracy)


def rank(nll: Mapping[str, float], accuracy: Mapping[str, float]) -> Rank:
    """How good an epoch is, the lower the better: its mean NLL over the heads; accuracy only parts equals.

    Accuracy on 60 images is the same for most epochs of a run that begins with a model, and the first of them has
    hardly learned: on five draws of 300 images it chose epochs 1, 2, 9, 2 and 3 of 20, with an ECE of .37 to .09 on
    new images. The NLL chose the 20th each time, with .03. Plain NLL did as well there, but of many images it would
    forbid a network to be too sure, which calibration mends; NLL at the best temperature, without its price, chose
    epochs 2 to 6.
    """
    mean = fmean(nll.values())
    return mean if mean == mean else WORST[0], -fmean(accuracy.values())


def best_of(log: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The entry of the best epoch, the first of equals; at least one, as in `log.jsonl`."""
    return min(log, key=lambda entry: rank(entry["nll"], entry["valid"]))


@torch.no_grad()
def judge(network: nn.Module, valid: Split, ours: Processes) -> Verdict:
    """Judge a network on the images that each head's label set judges; in float32, as a model answers.

    Each process has a part of them answered, and all come to the same verdict.
    """
    network.eval()
    answers: dict[str, list[Tensor]] = {name: [] for name in valid.truth}
    for rows in torch.arange(len(valid))[ours.part(len(valid))].split(VALIDATION_BATCH):
        logits = network(valid.crops.of(rows).float().contiguous(memory_format=torch.channels_last))
        for name, parts in answers.items():
            parts.append(logits[name])
    accuracy, nll = dict[str, float](), dict[str, float]()
    for name, truth in valid.truth.items():
        judged = truth.cpu() != NO_LABEL
        logits, labels = ours.joined(torch.cat(answers[name]))[judged].double().numpy(), truth.cpu()[judged].numpy()
        accuracy[name] = metrics.accuracy(logits, labels) if len(labels) else 0.0
        nll[name] = metrics.tempered_nll(logits, labels) if len(labels) else 0.0
    return Verdict(accuracy, nll)

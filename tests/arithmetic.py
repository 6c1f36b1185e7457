"""Training that is tested alike on any machine: in either arithmetic, with answers that hang on no short training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mien.datasets import load_pixels, open_dataset
from mien.image import Pixels
from mien.preprocess import Preprocess
from mien.training.learning.checkpoint import Run
from mien.training.networks.network import Enlarged, build

ARITHMETICS = ("float32", "bfloat16")


@contextmanager
def training_in(numbers: str) -> Iterator[None]:
    """Training multiplies in these numbers, whichever this processor would choose."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mien.training.machines.device.bfloat16_pays", lambda: numbers == "bfloat16")
        yield


def told_apart(run: Run) -> Run:
    """The run, whatever it has learned, with a head that reads what differs most from face to face: by one in standard.

    Its normalisation has seen all the faces. So no answer hangs on what a few steps reach, and 8-bit integers have
    something to tell apart.
    """
    state, recipe, seen = run.load(run.best), run.recipe(), list[torch.Tensor]()
    network = build(recipe, {"happy-sad": 2})
    network.load_state_dict(state["network"])
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # the mean of all that it sees
    (head,) = (module for module in network.heads.modules() if isinstance(module, nn.Linear))
    faces, whole = faces_of(run)[0], Enlarged(network, recipe.resolution) if recipe.resolution else network
    with torch.no_grad():
        whole.train()(faces)
        head.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        whole.eval()(faces)
        features = seen[0].unflatten(1, (-1, head.in_features)).mean(1)  # of a mirrored network, pairs
        centred = F.normalize(features - features.mean(0))  # one odd face decides nothing
        direction = torch.linalg.svd(centred, full_matrices=False)[2][0]
        direction /= (features @ direction).std()
        signs = torch.tensor([-1.0, 1.0])[-head.out_features :]
        head.weight.copy_(torch.outer(signs, direction))
        head.bias.copy_(-signs * (features @ direction).mean())
    run.save(run.best, {**state, "network": network.state_dict()})
    return run


def faces_of(run: Run) -> tuple[torch.Tensor, Pixels]:
    """What the run's network takes, and the crops that it is made of."""
    preprocess = Preprocess(run.recipe().size, run.recipe().colour)
    _, crops, _ = load_pixels(open_dataset(run.data()["path"]), preprocess.whole)
    return torch.from_numpy(preprocess.tensor(crops)), crops

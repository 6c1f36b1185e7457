"""Members: what an export makes one model of. A member is the weights of a run, or a model that exists already."""

from __future__ import annotations

import copy
import logging
import tempfile
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from mien.artifact import FEATURES, INPUT, OUTPUT, Artifact
from mien.errors import MienError
from mien.files import naming
from mien.image import Pixels
from mien.network import Network
from mien.training.learning.checkpoint import Run, run_or_model
from mien.training.learning.start import find_start
from mien.training.networks.network import build, deployed
from mien.training.networks.quantise import quantise
from mien.training.networks.stem import by_columns
from mien.training.recipes.recipe import Recipe, Residual, recipe_from

OPSET = 18
BATCH = 256

Logits = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Member(ABC):
    """One network.

    Args:
        name: by which it was asked for.
        recipe: of its training.
        data: what it was trained on, with hashes, and where that was, under `path`, if that is known.
        heads: emotions by the head's name.
        told: what a manifest says of its run.
    """

    name: str
    recipe: Recipe
    data: Mapping[str, Any]
    heads: Mapping[str, tuple[str, ...]]
    told: dict[str, Any]

    @property
    def mirrored(self) -> bool:
        """Whether a mirror image gets the same answer by construction."""
        return isinstance(self.recipe.network, Residual) and self.recipe.network.mirrored

    @abstractmethod
    def onnx(self, samples: Pixels | None) -> bytes:
        """The network as ONNX: `pixels` in; `logits_<head>` and `features` out (see `artifact`).

        Args:
            samples: (n, channels, size, size) uint8, to quantise with; None leaves it as it is.
        """

    @abstractmethod
    def answers(self, pixels: Pixels) -> Logits:
        """Logits by head of pixels (n, channels, size, size) uint8: what the ONNX file should say."""


@dataclass(frozen=True)
class Trained(Member):
    """A run's weights, in the network that is judged."""

    network: nn.Module

    def onnx(self, samples: Pixels | None) -> bytes:
        shape = (self.recipe.channels, self.recipe.size, self.recipe.size)
        if samples is None:
            return to_onnx(self.network, shape)
        return quantise(to_onnx(by_columns(self.network, self.recipe.size), shape), samples)

    @torch.no_grad()
    def answers(self, pixels: Pixels) -> Logits:
        parts = [self.network(batch) for batch in torch.from_numpy(pixels.copy()).split(BATCH)]
        return {name: torch.cat([part[name] for part in parts]).numpy() for name in parts[0] if name != FEATURES}


@dataclass(frozen=True)
class Finished(Member):
    """A model, as it is."""

    artifact: Artifact

    def onnx(self, samples: Pixels | None) -> bytes:
        return self.artifact.onnx

    def answers(self, pixels: Pixels) -> Logits:
        return Network(self.artifact, listening=False).logits(pixels)


def find_member(name: str | Path, *, last: bool = False) -> Member:
    """A run, by its folder, or a model, by its name or folder.

    Args:
        name: that name or folder.
        last: whether of a run the weights of its last epoch are wanted, not of its best.

    Raises:
        MienError: there is neither, the run has no weights, or the model is more than one network.
        ArtifactError: the model is incomplete, altered or too new.
        RecipeError: the model was trained by something that this mien does not know.
    """
    found = run_or_model(name)
    return _trained(found, last=last) if isinstance(found, Run) else _finished(str(name), found)


def averaged(members: Sequence[Member]) -> Member:
    """A network with the mean of several networks' weights (a model soup: Wortsman et al., 2022), at the cost of one.

    It is good only where they are of one line: each begun with another's weights, or all with the same. Batch
    normalisation is first made a part of the convolution that it follows, as it is in a model. The mean is told as that
    of one of them, a run if there is one, and of the others.

    Raises:
        MienError: the networks differ, not all weights of a model were found, or several are all means already.
    """
    order = sorted(members, key=lambda each: ("averaged_with" not in each.told, isinstance(each, Trained)))
    *others, last = found = [with_weights(member) for member in order]
    if others and "averaged_with" in last.told:
        raise MienError(f"{last.name} and the others are means of weights already: give what they were made of")
    networks = [_folded(each.network) for each in found]
    states = [network.state_dict() for network in networks]
    shapes = [{name: value.shape for name, value in state.items()} for state in states]
    if faults := [
        f"{each.name}: another network than {last.name}"
        for each, shape in zip(found, shapes, strict=True)
        if shape != shapes[-1] or each.recipe.resolution != last.recipe.resolution
    ]:
        raise MienError("their weights have no mean: " + "; ".join(faults))
    mean = {
        name: torch.stack([state[name] for state in states]).mean(0) if value.is_floating_point() else value
        for name, value in states[-1].items()
    }
    networks[-1].load_state_dict(mean)
    told = last.told | ({"averaged_with": [each.told for each in others]} if others else {})
    data = next((each.data for each in found if "path" in each.data), last.data)
    return replace(last, name=" and ".join(each.name for each in found), data=data, told=told, network=networks[-1])


def with_weights(member: Member) -> Trained:
    """The network with its weights: of a model that which its file was made of, or in 8-bit integers stands for.

    Raises:
        MienError: not all weights of a model were found.
    """
    if isinstance(member, Trained):
        return member
    recipe, side = member.recipe, member.recipe.resolution or member.recipe.size
    network = build(recipe, {head: len(emotions) for head, emotions in member.heads.items()})
    taken, learned = find_start(member.name).give(network, torch.zeros(2, recipe.channels, side, side))
    if taken != learned:
        raise MienError(f"{member.name}: only {taken} of its {learned} weights were found")
    return Trained(member.name, recipe, member.data, member.heads, member.told, deployed(network, recipe))


@torch.no_grad()
def _folded(network: nn.Module) -> nn.Module:
    """A copy in which a batch normalisation behind a convolution does nothing but to add its bias."""
    network = copy.deepcopy(network)
    for part in network.modules():
        for conv, norm in pairwise(part.children() if isinstance(part, nn.Sequential) else ()):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                plain = fuse_conv_bn_eval(conv, norm)
                conv.weight.copy_(plain.weight)
                norm.load_state_dict(
                    {
                        "weight": torch.ones_like(norm.weight),
                        "bias": plain.bias,
                        "running_mean": torch.zeros_like(norm.bias),
                        "running_var": torch.ones_like(norm.bias) - norm.eps,
                        "num_batches_tracked": norm.num_batches_tracked,
                    }
                )
                if conv.bias is not None:
                    conv.bias.zero_()
    return network


def _trained(run: Run, *, last: bool) -> Trained:
    recipe, state, data = run.recipe(), run.load(run.last if last else run.best), run.data()
    heads = {name: tuple(emotions) for name, emotions in state["heads"].items()}
    network = build(recipe, {name: len(emotions) for name, emotions in heads.items()})
    network.load_state_dict(state["average" if last else "network"])
    taught = {"teachers": data["teachers"]} if "teachers" in data else {}
    seen = state["epoch"] + 1
    epochs = {"epoch": seen, "epochs_run": len(run.read_log(seen)), **({"last": True} if last else {})}
    told = {"recipe": recipe.model_dump(mode="json"), "start": data.get("start"), **taught, **epochs}
    known = {key: value for key, value in data.items() if key not in ("start", "teachers")}
    return Trained(str(run.folder), recipe, known, heads, told, deployed(network, recipe))


def _finished(name: str, artifact: Artifact) -> Finished:
    manifest = artifact.manifest
    if len(manifest.runs) > 1 or manifest.mirror:
        answers = f"{len(manifest.runs)} networks" if len(manifest.runs) > 1 else "a face and its mirror image"
        raise MienError(f"{name} averages answers already, of {answers}: give what it was made of")
    (told,) = manifest.runs
    recipe = recipe_from(told["recipe"], f"what {name} was trained by")
    return Finished(name, recipe, manifest.data, manifest.outputs, told, artifact)


@torch.no_grad()
def to_onnx(network: nn.Module, shape: tuple[int, int, int]) -> bytes:
    """A network as ONNX: `pixels` (n, *shape) uint8 in; `logits_<head>` (n, emotions) float32 and `features` out."""
    example = torch.zeros((2, *shape), dtype=torch.uint8)
    names = [name if name == FEATURES else OUTPUT + name for name in network(example)]
    with tempfile.TemporaryDirectory() as folder, naming(Path(folder)), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own internals, and logs that torchvision is absent
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        path = Path(folder) / "model.onnx"
        torch.onnx.export(
            network,
            (example,),
            str(path),
            dynamo=True,
            external_data=False,
            verbose=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=names,
            dynamic_shapes=({0: torch.export.Dim("n", min=1)},),
        )
        return path.read_bytes()

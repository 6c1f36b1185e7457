"""What a run can begin with: the best weights of another run, or those of any model, 8-bit or not.

A model's convolutions hold the batch normalisation that followed them. In a network that trains it stands by itself
again: on the first images it is set so that the network answers as the model does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from mien.errors import MienError
from mien.labels import LABEL_SETS, LabelSet
from mien.training.batches.augment import augment
from mien.training.batches.store import Crops
from mien.training.learning.checkpoint import Run, run_or_model
from mien.training.networks.mirrored import halved
from mien.training.networks.stem import made_like
from mien.training.recipes.recipe import Augment

if TYPE_CHECKING:
    from onnx import GraphProto

IMAGES = 256
"""Training images on which batch normalisation is set."""

_PART = re.compile(
    r"(?P<member>\d+/)?(?:ConvBnFusion_W_)?(?P<network>.*?)(?P<part>(?:features|heads)\..+)\.weight(?:_DequantizeLinear_Output)?$"
)
_INPUTS = {
    "Conv": ("weight", "bias"),
    "Gemm": ("weight", "bias"),
    "BatchNormalization": ("weight", "bias", "running_mean", "running_var"),
}
"""What the constants of a node are in the network, from its second input on."""

_CONSTANT = ("DequantizeLinear", "Gather", "Concat")
"""Nodes that make weights: of 8-bit integers, and the other half of mirrored kernels (see `compact`)."""


@dataclass(frozen=True)
class Start:
    """Weights to begin with.

    Args:
        name: what they were found by.
        sha256: of them.
        weights: by name in the network; a convolution's bias stands for the batch normalisation behind it where the
            network's own convolution has none, its scale being in the convolution's weights.
        heads: what linear heads among them speak, by name, where that is known.
    """

    name: str
    sha256: str
    weights: Mapping[str, Tensor]
    heads: Mapping[str, LabelSet] = field(default_factory=dict)

    @torch.no_grad()
    def give(self, network: nn.Module, pixels: Tensor, wanted: Mapping[str, LabelSet] | None = None) -> tuple[int, int]:
        """Put the weights into a network, where name and shape are the same.

        Mirrored layers also take their half of an ordinary layer's weights, if these are pairs. A head that is new
        says each emotion as the head does that speaks most of them.

        Args:
            network: as `networks.build` makes it.
            pixels: (n, channels, h, w) in 0..255, at the size the network sees.
            wanted: what its heads are to speak, by name; those that are not there begin as they are.

        Returns:
            How many of its parameters were given, and how many it has.

        Raises:
            MienError: nothing fits.
        """
        ours = network.state_dict()
        given = {**self.weights, **self._begun(ours, wanted or {})}
        shared = {name: halved(value, ours[name].shape) for name, value in given.items() if name in ours}
        fitting = {name: value for name, value in shared.items() if value.shape == ours[name].shape}
        if not any(value.ndim for value in fitting.values()):  # counters fit any network
            raise MienError(f"{self.name} has no weights that fit this recipe's network")
        network.load_state_dict(fitting, strict=False)
        parts = (name.removesuffix(".weight") for name in fitting if name.endswith(".weight"))
        shifts = {
            following(part): self.weights[f"{part}.bias"]
            for part in parts
            if f"{part}.bias" in self.weights and f"{part}.bias" not in ours
        }
        modules = dict(network.named_modules())
        hooks = [modules[name].register_forward_pre_hook(_pass_on(shift)) for name, shift in shifts.items()]
        network.eval()(pixels)
        for hook in hooks:
            hook.remove()
        learned = {name for name, _ in network.named_parameters()}
        taken = learned & (fitting.keys() | {f"{name}.{part}" for name in shifts for part in ("weight", "bias")})
        return len(taken), len(learned)

    def knows(self, wanted: Mapping[str, LabelSet]) -> bool:
        """Whether linear heads here speak all labels of each of these."""
        return all(any(set(labels) <= set(spoken) for spoken in self.heads.values()) for labels in wanted.values())

    def _begun(self, ours: Mapping[str, Tensor], wanted: Mapping[str, LabelSet]) -> dict[str, Tensor]:
        """The weights of linear heads that are new: of each emotion that the nearest head here speaks, as there."""
        begun = dict[str, Tensor]()
        for name, labels in wanted.items():
            new = _head(name)
            near = max(self.heads, key=lambda each: sum(emotion in self.heads[each] for emotion in labels), default="")
            both = [emotion for emotion in labels if near and emotion in self.heads[near]]
            if f"{new}.weight" not in ours or f"{new}.weight" in self.weights or not both:
                continue
            theirs = {part: self.weights[f"{_head(near)}.{part}"] for part in ("weight", "bias")}
            if theirs["weight"].shape[1] == ours[f"{new}.weight"].shape[1]:
                for part, values in theirs.items():
                    value = ours[f"{new}.{part}"].clone()
                    rows = values[[self.heads[near].index(emotion) for emotion in both]]
                    value[[labels.index(emotion) for emotion in both]] = rows.to(value)
                    begun[f"{new}.{part}"] = value
        return begun


def find_start(name_or_path: str | Path) -> Start:
    """The weights of a run's folder, of a model's folder, or of a model that comes with mien, by name.

    Raises:
        MienError: there is no such run or model, or it averages several networks.
    """
    found = run_or_model(name_or_path)
    if isinstance(found, Run):
        sha256, weights, heads = found.best_sha256(), found.load(found.best)["network"], LABEL_SETS
    else:
        sha256, weights = found.manifest.sha256, _taken_apart(found.onnx, str(name_or_path))
        heads = {head.labels: head.label_set for head in found.manifest.heads}
    linear = {name: spoken for name, spoken in heads.items() if f"{_head(name)}.weight" in weights}
    return Start(str(name_or_path), sha256, weights, linear)


def examples(crops: Crops, size: int) -> Tensor:
    """Some of the training images, spread over all of them, as `Start.give` takes them; `size` is their side."""
    rows = torch.linspace(0, len(crops) - 1, min(len(crops), IMAGES)).long()
    return augment(crops.of(rows), Augment(), size, torch.Generator(crops.device))[0]


def following(name: str) -> str:
    """The name of the module behind another in the same sequence: `features.0.0` -> `features.0.1`."""
    before, _, position = name.rpartition(".")
    return f"{before}.{int(position) + 1}"


def _head(name: str) -> str:
    """A head's name in the network; torch takes no dots."""
    return f"heads.{name.replace('.', '_')}"


def _taken_apart(onnx: bytes, name: str) -> dict[str, Tensor]:
    import onnx as package

    graph = package.load_from_string(onnx).graph
    values = _constants(graph)
    weights, networks = dict[str, Tensor](), set[tuple[str | None, str]]()
    for node in graph.node:
        found = _PART.match(node.input[1]) if node.op_type in _INPUTS else None
        if found:
            networks.add((found["member"], found["network"]))
            given = [torch.from_numpy(values[each]) for each in node.input[1:]]
            if node.op_type == "Conv" and len(given) == 2:
                given = [*made_like(*given)]
            weights |= {
                f"{found['part']}.{which}": each for which, each in zip(_INPUTS[node.op_type], given, strict=False)
            }
    if len(networks) > 1:
        raise MienError(f"{name} averages {len(networks)} networks: begin with a model of one")
    return weights


def _constants(graph: GraphProto) -> dict[str, Any]:
    """Every constant of a graph in float32, also those that nodes make of others."""
    from onnx import numpy_helper
    from onnx.reference import ReferenceEvaluator

    values: dict[str, Any] = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    for node in graph.node:
        if node.op_type in _CONSTANT and values.keys() >= set(node.input):
            given = {each: values[each] for each in node.input}
            (values[node.output[0]],) = ReferenceEvaluator(node).run(None, given)
    return {name: np.array(value, np.float32) for name, value in values.items()}


def _pass_on(shift: Tensor) -> Any:
    """A hook that sets a batch normalisation so that it adds `shift` to what it gets, and does nothing else."""

    def hook(norm: nn.BatchNorm2d, inputs: tuple[Tensor]) -> None:
        assert norm.running_mean is not None
        assert norm.running_var is not None
        own = shift[: norm.num_features]  # both of a mirrored pair have the same
        variance, mean = torch.var_mean(inputs[0].float().unflatten(1, (-1, len(own))), (0, 1, 3, 4))
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.copy_(mean + own.to(mean))

    return hook

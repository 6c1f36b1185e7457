"""Networks whose channels come in pairs: the second half finds in a face what the first half finds in its mirror image.

So a face and its mirror image get the same answer, from half as many weights (Cohen and Welling, "Group equivariant
convolutional networks", 2016; mirroring is the group here). Kernels that halve the size have an even side: to them both
edges of an image are alike.

Written out, such a network is an ordinary one: that is how it is judged and shipped.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class MirroredConv(nn.Conv2d):
    """A convolution of an even number of outputs; its weights are those of the first half.

    Args:
        like: an ordinary one, with padding that keeps the size. A stride makes its side even.
    """

    def __init__(self, like: nn.Conv2d) -> None:
        side, stride = like.kernel_size[0], like.stride[0]
        grown = side + (stride > 1)
        own = like.out_channels // 2
        super().__init__(like.in_channels, own, grown, stride, side // 2, bias=like.bias is not None)

    def kernels(self) -> Tensor:
        """(outputs, inputs, height, width) of both halves."""
        return both(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.kernels(), self._biases(), self.stride, self.padding)

    def written_out(self) -> nn.Conv2d:
        kernels, biases = self.kernels(), self._biases()
        side, stride = self.kernel_size[0], self.stride[0]
        padding = (side - (stride > 1)) // 2
        plain = nn.Conv2d(self.in_channels, len(kernels), side, stride, padding, bias=biases is not None)
        plain.load_state_dict({"weight": kernels} if biases is None else {"weight": kernels, "bias": biases})
        return plain

    def _biases(self) -> Tensor | None:
        return None if self.bias is None else torch.cat([self.bias, self.bias])


class MirroredNorm(nn.BatchNorm2d):
    """Batch normalisation to which the two of a pair are one channel, twice as wide."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels // 2)

    def forward(self, x: Tensor) -> Tensor:
        n, channels, height, width = x.shape
        last = x.permute(0, 2, 3, 1)  # as it lies in memory
        joined = last.reshape(n, height, 2 * width, channels // 2).permute(0, 3, 1, 2)
        return super().forward(joined).permute(0, 2, 3, 1).reshape(last.shape).permute(0, 3, 1, 2)

    def written_out(self) -> nn.BatchNorm2d:
        plain = nn.BatchNorm2d(2 * self.num_features)
        plain.load_state_dict({name: torch.cat([v, v]) if v.ndim else v for name, v in self.state_dict().items()})
        return plain


class MirroredLinear(nn.Linear):
    """A dense layer that sees the mean of each pair."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs // 2, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.unflatten(1, (2, -1)).mean(1))

    def written_out(self) -> nn.Linear:
        plain = nn.Linear(2 * self.in_features, self.out_features)
        plain.load_state_dict({"weight": torch.cat([self.weight, self.weight], 1) / 2, "bias": self.bias})
        return plain


Mirrored = MirroredConv | MirroredNorm | MirroredLinear
"""Layers that keep the weights of half of their channels; `written_out` gives the ordinary one that does the same."""


def both(first: Tensor) -> Tensor:
    """Kernels of the first half of the outputs -> of both: those of the second see everything the other way round.

    Inputs are pairs as well, unless their number is odd: then they are the colours of an image.
    """
    seen = torch.cat(first.chunk(2, 1)[::-1], 1) if first.shape[1] % 2 == 0 else first
    return torch.cat([first, seen.flip(3)])


def make_mirrored(network: nn.Module) -> None:
    """Replace layers by mirrored ones, with new weights.

    Args:
        network: in which only convolutions, batch normalisations and dense layers have weights, for even numbers of
            channels.
    """
    for parent, name, layer in _layers(network):
        match layer:
            case nn.Conv2d():
                setattr(parent, name, MirroredConv(layer))
            case nn.BatchNorm2d():
                setattr(parent, name, MirroredNorm(layer.num_features))
            case nn.Linear():
                setattr(parent, name, MirroredLinear(layer.in_features, layer.out_features))


def written_out(network: nn.Module) -> nn.Module:
    """A copy with ordinary layers; the network itself where it has no others."""
    if not any(isinstance(layer, Mirrored) for layer in network.modules()):
        return network
    network = copy.deepcopy(network)
    for parent, name, layer in _layers(network):
        if isinstance(layer, Mirrored):
            setattr(parent, name, layer.written_out().to(layer.weight.device))
    return network


def halved(weight: Tensor, shape: torch.Size) -> Tensor:
    """What a mirrored layer keeps of an ordinary one's weights: the inverse of `written_out`.

    Args:
        weight: of an ordinary layer.
        shape: of the mirrored layer's own.

    Returns:
        The part of that shape, or `weight` as it is where it has that shape already, or is not made of mirrored pairs.
    """
    if weight.shape == shape:
        return weight
    if weight.ndim == 2:
        own = 2 * weight[:, : weight.shape[1] // 2]
        whole = torch.cat([own, own], 1) / 2
    else:
        own = weight[: len(weight) // 2]
        whole = both(own) if weight.ndim == 4 else torch.cat([own, own])
    return own if own.shape == shape and torch.equal(whole, weight) else weight


def _layers(network: nn.Module) -> list[tuple[nn.Module, str, nn.Module]]:
    """Every module with the one it is in, and its name there."""
    return [(parent, name, layer) for parent in network.modules() for name, layer in parent.named_children()]

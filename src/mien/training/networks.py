"""Networks: gray pixels in 0..255 in, one row of logits a head out. Normalisation is part of the network.

Tensors are (n, channels, height, width). Padding keeps size; every stage after the first halves it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.training.recipe import Network, Recipe

PIXEL_MEAN = 127.5
PIXEL_SCALE = 64.0  # about the standard deviation of FER2013's pixels


class SqueezeExcite(nn.Module):
    """Channels weighed by what the whole map holds (Hu et al., 2018)."""

    def __init__(self, channels: int, reduction: int = 8) -> None:
        super().__init__()
        hidden = max(channels // reduction, 4)
        self.squeeze = nn.Conv2d(channels, hidden, 1)
        self.excite = nn.Conv2d(hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.excite(F.relu(self.squeeze(x.mean((2, 3), keepdim=True))))
        return x * torch.sigmoid(weights)


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut (He et al., 2016)."""

    def __init__(self, inputs: int, outputs: int, stride: int, attention: bool) -> None:
        super().__init__()
        self.conv1 = conv(inputs, outputs, stride)
        self.conv2 = nn.Sequential(nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs))
        self.attention = SqueezeExcite(outputs) if attention else nn.Identity()
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.attention(self.conv2(self.conv1(x))) + self.shortcut(x))


class ResidualNet(nn.Module):
    """A residual network with one linear head a label set over global average pooling.

    Args:
        config: widths and blocks a stage; which stages have squeeze-and-excitation; dropout before the heads.
        heads: number of emotions by the head's name.

    Shape: (n, 1, h, w) pixels in 0..255, any h and w of at least 16 -> {head: (n, emotions)}.
    """

    def __init__(self, config: Network, heads: Mapping[str, int]) -> None:
        super().__init__()
        width = config.widths[0]
        stages: list[nn.Module] = [conv(1, width // 2, 1), conv(width // 2, width, 2)]
        for stage, (outputs, blocks) in enumerate(zip(config.widths, config.blocks, strict=True)):
            attention = bool(config.attention) and config.attention[stage]
            for block in range(blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                stages.append(Block(width, outputs, stride, attention))
                width = outputs
        self.features = nn.Sequential(*stages)
        self.dropout = nn.Dropout(config.dropout)
        self.names = {name: name.replace(".", "_") for name in heads}  # torch takes no dots
        self.heads = nn.ModuleDict({self.names[name]: nn.Linear(width, emotions) for name, emotions in heads.items()})
        self._initialise()

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        x = (pixels.float() - PIXEL_MEAN) / PIXEL_SCALE
        x = self.dropout(self.features(x).mean((2, 3)))
        return {name: self.heads[module](x) for name, module in self.names.items()}

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


class Enlarged(nn.Module):
    """A network that sees its input enlarged to `side`, bilinearly, as augmentation does it."""

    def __init__(self, network: nn.Module, side: int) -> None:
        super().__init__()
        self.network = network
        self.side = side

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        larger = F.interpolate(pixels.float(), (self.side, self.side), mode="bilinear", align_corners=False)
        answer: dict[str, Tensor] = self.network(larger)
        return answer


class Mirrored(nn.Module):
    """A network whose answer for a face and for its mirror image is the same: the mean of both logits."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        straight, mirrored = self.network(pixels), self.network(pixels.flip(3))
        return {name: (straight[name] + mirrored[name]) / 2 for name in straight}


class Averaged(nn.Module):
    """Several networks that answer together: the mean of their logits."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        answers = [network(pixels) for network in self.networks]
        return {name: torch.stack([answer[name] for answer in answers]).mean(0) for name in answers[0]}


def deployed(network: nn.Module, recipe: Recipe) -> nn.Module:
    """The network as it is judged and shipped: from (n, 1, size, size) pixels to logits by head."""
    if recipe.resolution:
        network = Enlarged(network, recipe.resolution)
    return (Mirrored(network) if recipe.mirror else network).eval()


def conv(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """A 3x3 convolution, batch normalisation and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )

"""Networks: pixels in 0..255 in, logits by head and the last feature map out. Normalisation is part of the network.

Tensors are (n, channels, height, width).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.artifact import FEATURES
from mien.errors import RecipeError
from mien.labels import FACE, FERPLUS8
from mien.training.networks.mirrored import make_mirrored, written_out
from mien.training.recipes.layers import Layer, parse_layer
from mien.training.recipes.recipe import Layered, Mobile, Recipe, Residual

EITHER = ("batchnorm", "dropout")  # layers for pixels and for rows
REDUCTION = 8  # see `SqueezeExcite`
SAFE_CHANNELS = 16  # see `Sliced`
PIXEL_MEAN = 127.5
PIXEL_SCALE = 64.0  # about the standard deviation of FER2013's pixels


class SqueezeExcite(nn.Module):
    """Channels weighed by what the whole map holds (Hu et al., 2018).

    The mean over the map is a pooling, as there is one in 8-bit integers.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(channels // REDUCTION, 4)
        self.squeeze = nn.Conv2d(channels, hidden, 1)
        self.excite = nn.Conv2d(hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.excite(F.relu(self.squeeze(F.avg_pool2d(x, x.shape[2:]))))
        return x * torch.sigmoid(weights)


class Sliced(nn.Conv2d):
    """A 1x1 convolution, where the gradient of torch's own cannot be had.

    On processors with AVX-512 that writes beyond its memory and crashes, if it has a stride, an odd batch comes in, and
    fewer than 16 channels (torch 2.13). Here the stride is a slice, and the convolution has none.
    """

    def forward(self, x: Tensor) -> Tensor:
        down, across = self.stride
        return F.conv2d(x[:, :, ::down, ::across], self.weight, self.bias)


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut (He et al., 2016)."""

    def __init__(self, inputs: int, outputs: int, stride: int, attention: bool) -> None:
        super().__init__()
        self.conv1 = conv(inputs, outputs, stride)
        self.conv2 = nn.Sequential(nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs))
        self.attention = SqueezeExcite(outputs) if attention else nn.Identity()
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            pointwise = nn.Conv2d if inputs >= SAFE_CHANNELS else Sliced
            self.shortcut = nn.Sequential(pointwise(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.attention(self.conv2(self.conv1(x))) + self.shortcut(x))


class InvertedBlock(nn.Module):
    """Wider, a 3x3 convolution a channel, narrower, beside a shortcut (Sandler et al., 2018)."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.layers = nn.Sequential(
            conv(inputs, hidden, 1, side=1),
            conv(hidden, hidden, stride, groups=hidden),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        changed: Tensor = self.layers(x)
        return x + changed if self.shortcut else changed


class SigmoidHead(nn.Module):
    """One logit for two emotions, given as two: 0 for the first, its own for the second."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.second = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        logit = self.second(x)
        return torch.cat([torch.zeros_like(logit), logit], 1)


class Net(nn.Module):
    """Features, dropout and one linear head a label set.

    Args:
        features: from normalised pixels (n, channels, h, w) to (n, width).
        width: what the heads see.
        dropout: share of the features that training drops.
        heads: number of emotions by the head's name.
        sigmoid: names of heads with two emotions that are one logit.
        mean, scale: pixels in 0..255 become `(pixels - mean) / scale`.
    """

    def __init__(
        self,
        features: nn.Sequential,
        width: int,
        dropout: float,
        heads: Mapping[str, int],
        sigmoid: frozenset[str],
        mean: float = PIXEL_MEAN,
        scale: float = PIXEL_SCALE,
    ) -> None:
        super().__init__()
        self.features = features
        self.dropout = nn.Dropout(dropout)
        self.names = {name: name.replace(".", "_") for name in heads}  # torch takes no dots
        self.heads = nn.ModuleDict(
            {
                self.names[name]: SigmoidHead(width) if name in sigmoid else nn.Linear(width, emotions)
                for name, emotions in heads.items()
            }
        )
        self.mean, self.scale = mean, scale

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        features = self.features((pixels.float() - self.mean) / self.scale)
        mapped = features.ndim == 4
        x = self.dropout(features.mean((2, 3)) if mapped else features)
        answer = {name: self.heads[module](x) for name, module in self.names.items()}
        return answer | {FEATURES: features} if mapped else answer


def build(recipe: Recipe, heads: Mapping[str, int]) -> Net:
    """The network of a recipe, with its first weights from torch's global generator.

    Args:
        recipe: names the network, and the size and colour of what it sees.
        heads: number of emotions by the head's name.

    Shape: (n, channels, h, w) pixels in 0..255 -> {head: (n, emotions)}, and under `features` the last feature map
    (n, values, height, width) unless it was flattened. Residual networks take any h and w of at least 16, a stack of
    layers only the recipe's size.

    Raises:
        RecipeError: a sigmoid for another number of emotions than two, or layers that do not fit the size.
    """
    config, labels = recipe.network, recipe.heads.labels
    own = frozenset(heads) - {FERPLUS8.name, FACE.name}
    sigmoid = own if labels and labels.sigmoid else frozenset()
    if many := [name for name in sigmoid if heads[name] != 2]:
        faults = [
            f"heads.labels.sigmoid: {name} has {heads[name]} emotions, a sigmoid tells two apart" for name in many
        ]
        raise RecipeError(f"recipe {recipe.name} does not fit the data", faults)
    match config:
        case Residual():
            features, width = residual_features(config, recipe.channels), config.widths[-1]
            net = Net(features, width, config.dropout, heads, sigmoid)
            if config.mirrored:
                make_mirrored(net)
        case Mobile():
            features, width = mobile_features(config, recipe.channels), config.widths[-1]
            net = Net(features, width, config.dropout, heads, sigmoid)
        case Layered():
            features, width = layered_features(config, recipe.channels, recipe.size)
            net = Net(features, width, 0.0, heads, sigmoid, mean=0.0, scale=255.0)
    for module in net.modules():
        if isinstance(module, nn.Conv2d) and config.kind != "layers":
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.Conv2d | nn.Linear) and config.kind == "layers":  # as Keras begins
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)  # type: ignore[arg-type]
    return net


def residual_features(config: Residual, channels: int) -> nn.Sequential:
    """Padding keeps size; the stem halves it, and every stage after the first."""
    width = config.widths[0]
    stages: list[nn.Module]
    if config.stem == "5x5":
        stages = [conv(channels, width, 2, side=5)]
    else:
        stages = [conv(channels, width // 2, 1), conv(width // 2, width, 2)]
    for stage, (outputs, blocks) in enumerate(zip(config.widths, config.blocks, strict=True)):
        attention = bool(config.attention) and config.attention[stage]
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            stages.append(Block(width, outputs, stride, attention))
            width = outputs
    return nn.Sequential(*stages)


def mobile_features(config: Mobile, channels: int) -> nn.Sequential:
    """Halves the size where a residual network does."""
    width = config.widths[0]
    stages: list[nn.Module] = [conv(channels, width, 2)]
    for stage, (outputs, blocks) in enumerate(zip(config.widths, config.blocks, strict=True)):
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            stages.append(InvertedBlock(width, outputs, stride, config.expansion))
            width = outputs
    return nn.Sequential(*stages)


def layered_features(config: Layered, channels: int, size: int) -> tuple[nn.Sequential, int]:
    """The layers, and the number of features that come out.

    Raises:
        RecipeError: layers do not fit what the ones before them give; lists them all, as if a flatten stood
            where it is missing, and others that do not fit were not there.
    """
    modules: list[nn.Module] = []
    faults: list[str] = []
    shape: tuple[int, ...] = (channels, size, size)
    for text in config.layers:
        layer = parse_layer(text)
        if layer.name not in EITHER and (layer.name == "dense") != (len(shape) == 1):
            wants = "rows: flatten, or take the mean, first" if layer.name == "dense" else "pixels, and gets rows"
            faults.append(f"{text!r} takes {wants}")
            if layer.name != "dense":
                continue
            shape = (math.prod(shape),)
        made = _layer(layer, shape)
        try:
            shape = tuple(made.eval()(torch.zeros(1, *shape)).shape[1:])
        except RuntimeError:
            faults.append(f"{text!r} takes more than {shape[1:]} px")
            continue
        modules.append(made.train())
    if len(shape) != 1:
        faults.append("flatten, or the mean, is missing before the heads")
    if faults:
        raise RecipeError("the layers do not fit together", faults)
    return nn.Sequential(*modules), shape[0]


def _layer(layer: Layer, shape: tuple[int, ...]) -> nn.Module:
    inputs = shape[0]
    match layer.name:
        case "conv" | "conv-valid":
            outputs, side = layer.whole(0), layer.whole(1, 3)
            padding: str = "same" if layer.name == "conv" else "valid"
            return nn.Sequential(nn.Conv2d(inputs, outputs, side, padding=padding), nn.ReLU(inplace=True))
        case "dense":
            return nn.Sequential(nn.Linear(inputs, layer.whole(0)), nn.ReLU(inplace=True))
        case "pool":
            return nn.MaxPool2d(layer.whole(0, 2))
        case "batchnorm":
            return nn.BatchNorm1d(inputs) if len(shape) == 1 else nn.BatchNorm2d(inputs)
        case "dropout":
            return nn.Dropout(layer.numbers[0])
        case "mean":
            return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        case _:
            return nn.Flatten()


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


def deployed(network: nn.Module, recipe: Recipe) -> nn.Module:
    """The network as it is judged and shipped: from (n, channels, size, size) pixels to logits by head."""
    plain = written_out(network)
    return (Enlarged(plain, recipe.resolution) if recipe.resolution else plain).eval()


def conv(inputs: int, outputs: int, stride: int, *, side: int = 3, groups: int = 1) -> nn.Sequential:
    """A convolution, 3x3 if no side is given, batch normalisation and ReLU.

    Not in place: what comes from a mirrored normalisation is a view, and torch copies gradients through those.
    """
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, side, stride, side // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )

"""The first convolution of a gray network, written for the 8-bit kernels of ONNX Runtime.

These gather what they multiply channel by channel, and are slow where there is one. Channels last, four columns of a
gray image lie in memory as one column of four channels does, and two neighbouring outputs as one of twice as many
channels: so the same sums are a convolution with wider kernels at half as many places, and nothing is moved.

Pixels are measured from a whole number there: see `quantise`.
"""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from mien.training.networks.network import PIXEL_MEAN, PIXEL_SCALE, Net

SIDE = 5  # of the kernels
REACH = 12  # columns that two neighbouring outputs are given: four before their own four, and four behind
WHOLE = math.ceil(PIXEL_MEAN)  # what pixels are measured from here
SHIFT = (WHOLE - PIXEL_MEAN) / PIXEL_SCALE  # by which they are then too small for kernels that expect `PIXEL_MEAN`


class Columns(nn.Conv2d):
    """A 5x5 convolution of one channel that halves the size, two outputs at once, and ReLU.

    Args:
        like: an ordinary one, with a bias, for pixels that are measured from `PIXEL_MEAN`; this one's are from `WHOLE`.
        shift: by how much these are too small for it; 0 where its own are from there already.

    Shape: (n, 1, h, w) -> (n, outputs, h / 2, w / 2); w is a multiple of 4.
    """

    def __init__(self, like: nn.Conv2d, shift: float = SHIFT) -> None:
        super().__init__(4, 2 * like.out_channels, (SIDE, 3), (2, 1), (2, 1))
        kernels = torch.stack([F.pad(like.weight[:, 0], (left, REACH - SIDE - left)) for left in (2, 4)])
        assert like.bias is not None
        bias = like.bias + shift * like.weight.sum((1, 2, 3))
        weight = kernels.reshape(-1, SIDE, 3, 4).permute(0, 3, 1, 2)
        self.load_state_dict({"weight": weight, "bias": torch.cat([bias, bias])})

    def forward(self, x: Tensor) -> Tensor:
        n, _, height, width = x.shape
        seen = x.reshape(n, height, width // 4, 4).permute(0, 3, 1, 2)
        pairs = F.relu(super().forward(seen)).permute(0, 2, 3, 1)
        return pairs.reshape(n, height // 2, width // 2, self.out_channels // 2).permute(0, 3, 1, 2)


@torch.no_grad()
def by_columns(network: nn.Module, size: int) -> nn.Module:
    """A copy of a residual network whose first layer is `Columns`; the network itself where that cannot be.

    It gives the same answers, but that what lies beyond the image's edge is half a gray brighter to it.

    Args:
        network: as it is judged; see `networks.deployed`.
        size: side of the images.
    """
    if not isinstance(network, Net) or size % 4:
        return network
    match list(network.features[0].children()):
        case [
            nn.Conv2d(in_channels=1, kernel_size=(5, 5), stride=(2, 2), padding=(2, 2)) as conv,
            nn.BatchNorm2d() as norm,
            nn.ReLU(),
        ]:
            network = copy.deepcopy(network)
            network.mean = WHOLE
            network.features[0] = nn.Sequential(Columns(fuse_conv_bn_eval(conv, norm)))
    return network


def made_like(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Kernels and bias of the ordinary convolution that `Columns` was made like, from its own.

    Those of any other convolution come back as they are: none has kernels of that shape.
    """
    if weight.shape[1:] != (4, SIDE, 3):
        return weight, bias
    first = weight.permute(0, 2, 3, 1).reshape(2, -1, 1, SIDE, REACH)[0, ..., 2 : 2 + SIDE].contiguous()
    return first, bias[: len(first)] - SHIFT * first.sum((1, 2, 3))

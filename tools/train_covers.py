"""Train the network that tells what hides a part of a face (`mien.covers`), and write it into the package.

    python tools/train_covers.py --data fer2013/

It learns from FER2013's training images alone, over most of which something is drawn (`training.batches.covers`),
changed as photos change (see `CHANGES`); patches that lie anywhere teach nothing. The last images of the split are not
learned from: of these as they come, one in fifty may be taken for covered, which sets the limit. Some minutes of two
cores. `benchmarks/covered.py` judges it on validation images, with covers that are drawn otherwise.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from mien.covers import PARTS, SIDE
from mien.datasets import load_pixels, open_dataset
from mien.metrics import softmax
from mien.preprocess import Preprocess
from mien.runtime import one_thread, ort
from mien.training.batches.augment import augment
from mien.training.batches.covers import cover
from mien.training.export.compact import compact
from mien.training.learning.loop import follow
from mien.training.learning.member import to_onnx
from mien.training.networks.network import PIXEL_SCALE, conv
from mien.training.networks.quantise import quantise
from mien.training.networks.stem import WHOLE, Columns
from mien.training.recipes.recipe import Augment

SEED, EPOCHS, BATCH, LR = 0, 6, 256, 3e-3
HELD, TAKEN = 2_048, 0.02  # images that set the limit, and the share of them that may be taken for covered
SHARE = 0.6  # of the images of a batch over which something is drawn
CHANGES = Augment(
    flip=True,
    rotate=12,
    scale=0.2,
    shift=0.08,
    brightness=0.15,
    contrast=0.3,
    gamma=0.4,
    shade=0.2,
    sharpen=0.2,
    coarse=0.3,
    noise=0.15,
)
OUT = Path(__file__).parents[1] / "src" / "mien" / "assets" / "covers.onnx"


class Net(nn.Module):
    """Pixels (n, 1, SIDE, SIDE) in 0..255 -> logits of `PARTS`; 2.4 million products, 58 thousand weights."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            conv(1, 16, 2, side=5),
            conv(16, 32, 2),
            conv(32, 48, 2),
            conv(48, 64, 1),
            nn.AvgPool2d(2),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(64 * 9, len(PARTS)),
        )

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        logits: Tensor = self.layers((pixels.float() - WHOLE) / PIXEL_SCALE)
        return {"cover": logits}


class ChannelsLast(nn.Flatten):
    """Flattens as the 8-bit kernels hold it: (n, channels, height, width) -> (n, height * width * channels)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    given = parser.parse_args()
    _, crops, _ = load_pixels(open_dataset(given.data).split("train"), Preprocess(SIDE, "gray").whole)
    images = torch.from_numpy(crops[:, None])
    network = laid_out(learned(images[:-HELD]).eval())
    samples = images[:: len(images) // 1024].numpy()
    onnx = compact(quantise(to_onnx(network, (1, SIDE, SIDE)), samples))
    session = ort.InferenceSession(onnx, one_thread())
    (logits,) = session.run(None, {"pixels": images[-HELD:].numpy()})
    limit = float(np.quantile(1 - softmax(logits)[:, 0], 1 - TAKEN))
    OUT.write_bytes(onnx)
    print(f"{OUT}: {len(onnx) / 1e3:.0f} kB, sha256 {hashlib.sha256(onnx).hexdigest()}, limit {limit:.3f}")


@torch.no_grad()
def laid_out(network: Net) -> Net:
    """The same network, written so that the 8-bit kernels take half the time; its answers stay the same to the bit."""
    match list(network.layers[0].children()):
        case [nn.Conv2d() as first, nn.BatchNorm2d() as norm, *_]:
            network.layers[0] = Columns(fuse_conv_bn_eval(first, norm), shift=0)
    for place, layer in enumerate(network.layers):
        match layer:
            case nn.Flatten():
                network.layers[place] = ChannelsLast()
            case nn.Linear():
                by_place = layer.weight.unflatten(1, (-1, 3, 3)).permute(0, 2, 3, 1).flatten(1)
                layer.weight.copy_(by_place)
    return network


def learned(images: Tensor) -> Net:
    torch.manual_seed(SEED)
    network, average = Net(), Net().requires_grad_(False)
    average.load_state_dict(network.state_dict())
    steps = len(images) // BATCH
    optimiser = torch.optim.AdamW(network.parameters(), lr=LR, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LR, total_steps=EPOCHS * steps, pct_start=0.1)
    for epoch in range(EPOCHS):
        generator = torch.Generator().manual_seed(epoch)
        order, losses = torch.randperm(len(images), generator=generator), []
        for step in range(steps):
            drawn, hidden = cover(images[order[step * BATCH : (step + 1) * BATCH]], SHARE, generator)
            seen, known = augment(drawn, CHANGES, SIDE, generator)[0], hidden >= 0
            loss = F.cross_entropy(network(seen)["cover"][known], hidden[known], label_smoothing=0.02)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            follow(average, network, epoch * steps + step + 1, 0.995)
            losses.append(loss.item())
        print(f"epoch {epoch + 1} of {EPOCHS}: loss {np.mean(losses):.3f}", flush=True)
    return average


if __name__ == "__main__":
    main()

"""Networks: pixels of any size in, logits by head out, and a mirrored face is the same face."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.training.augment import augment
from mien.training.networks import Averaged, Enlarged, Mirrored, ResidualNet
from mien.training.recipe import Augment, Network, read_recipe

HEADS = {"ferplus8": 8, "fer7": 7}
SMALL = Network(widths=(8, 16), blocks=(2, 1), attention=(False, True), dropout=0.5)
BASE = read_recipe(Path(__file__).parents[2] / "recipes" / "base.toml").network


def pixels(n: int, height: int, width: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, 1, height, width), dtype=torch.uint8, generator=generator)


@pytest.fixture
def network() -> ResidualNet:
    torch.manual_seed(0)
    return ResidualNet(SMALL, HEADS).eval()


@pytest.mark.parametrize("config", [SMALL, BASE], ids=["small", "base"])
@pytest.mark.parametrize(("n", "height", "width"), [(0, 48, 48), (1, 16, 16), (2, 17, 23), (3, 48, 48), (1, 61, 33)])
def test_shapes(config: Network, n: int, height: int, width: int) -> None:
    logits = ResidualNet(config, HEADS).eval()(pixels(n, height, width))
    assert {name: tuple(values.shape) for name, values in logits.items()} == {"ferplus8": (n, 8), "fer7": (n, 7)}
    assert all(values.isfinite().all() for values in logits.values())


def test_the_base_recipe_has_2_844_639_parameters() -> None:
    assert sum(parameter.numel() for parameter in ResidualNet(BASE, HEADS).parameters()) == 2_844_639


@pytest.mark.parametrize("name", ["happy-sad", "smile, wide-très ténu", "mr. smile-mrs. smile", "...-x"])
def test_a_head_may_have_any_name(name: str) -> None:
    assert list(ResidualNet(SMALL, {name: 2}).eval()(pixels(2, 16, 16))) == [name]


def test_heads_differ(network: ResidualNet) -> None:
    logits = ResidualNet(SMALL, {"one": 2, "two": 2}).eval()(pixels(2, 24, 24))
    assert not torch.allclose(logits["one"], logits["two"])


def test_images_do_not_hang_on_their_neighbours(network: ResidualNet) -> None:
    batch = pixels(5, 24, 24)
    together = network(batch)["fer7"]
    alone = torch.cat([network(batch[row : row + 1])["fer7"] for row in range(5)])
    assert torch.allclose(together, alone, atol=1e-5)
    assert not torch.allclose(together[0], together[1], atol=1e-3)


def test_bytes_and_floats_are_the_same_pixels(network: ResidualNet) -> None:
    batch = pixels(2, 24, 24)
    assert torch.equal(network(batch)["fer7"], network(batch.float())["fer7"])


def test_only_training_drops_out(network: ResidualNet) -> None:
    batch = pixels(4, 24, 24)
    assert torch.equal(network(batch)["fer7"], network(batch)["fer7"])
    network.train()
    assert not torch.equal(network(batch)["fer7"], network(batch)["fer7"])


@pytest.mark.parametrize("width", [16, 24, 33])
def test_a_mirrored_face_is_the_same_face(width: int, network: ResidualNet) -> None:
    batch = pixels(3, 20, width)
    mirrored = Mirrored(network)
    for name in HEADS:
        assert torch.allclose(mirrored(batch)[name], mirrored(batch.flip(3))[name], atol=1e-6)
        assert not torch.allclose(network(batch)[name], network(batch.flip(3))[name], atol=1e-3)
        assert not torch.allclose(mirrored(batch)[name], mirrored(batch.flip(2))[name], atol=1e-3)
        mean = (network(batch)[name] + network(batch.flip(3))[name]) / 2
        assert torch.allclose(mirrored(batch)[name], mean, atol=1e-6)


def test_an_enlarged_network_sees_a_larger_picture(network: ResidualNet) -> None:
    batch = pixels(3, 24, 24)
    larger = F.interpolate(batch.float(), (40, 40), mode="bilinear", align_corners=False)
    enlarged = Enlarged(network, 40)
    for name in HEADS:
        assert torch.equal(enlarged(batch)[name], network(larger)[name])
        assert not torch.allclose(enlarged(batch)[name], network(batch)[name], atol=1e-3)


def test_enlarging_is_what_augmentation_does() -> None:
    batch = pixels(2, 24, 24)
    seen = augment(batch, Augment(), 40, torch.Generator())
    assert torch.allclose(Enlarged(nn.Identity(), 40)(batch), seen, atol=1e-3)


def test_several_networks_answer_with_their_mean(network: ResidualNet) -> None:
    batch, other = pixels(3, 24, 24), Mirrored(network)
    together = Averaged([network, other, network])(batch)
    for name in HEADS:
        assert torch.allclose(together[name], (2 * network(batch)[name] + other(batch)[name]) / 3, atol=1e-6)


def test_every_parameter_learns(network: ResidualNet) -> None:
    network.train()
    logits = network(pixels(8, 24, 24))
    torch.stack([values.square().sum() for values in logits.values()]).sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []

"""Networks: pixels of any size in, logits by head out, and a mirrored face is the same face."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.artifact import FEATURES
from mien.errors import RecipeError
from mien.labels import label_set
from mien.training.batches.augment import augment
from mien.training.batches.targets import Target, loss
from mien.training.networks.network import Enlarged, Net, Sliced, build
from mien.training.recipes.recipe import Augment, Head, Heads, Layered, Mobile, Recipe, Residual, Schedule, read_recipe

HEADS = {"ferplus8": 8, "fer7": 7}
RECIPES = Path(__file__).parents[2] / "recipes"
SMALL = Residual(widths=(8, 16), blocks=(2, 1), attention=(False, True), dropout=0.5)
MOBILE = Mobile(kind="mobile", widths=(8, 16), blocks=(2, 1), expansion=2, dropout=0.5)
BASE = read_recipe(RECIPES / "base.toml").network


def recipe_of(network: Residual | Mobile | Layered, **values: Any) -> Recipe:
    return Recipe(name="it", network=network, schedule=Schedule(epochs=1), **values)


def stack(*layers: str, **values: Any) -> Recipe:
    return recipe_of(Layered(kind="layers", layers=layers), **values)


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def pixels(n: int, height: int, width: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, 1, height, width), dtype=torch.uint8, generator=generator)


@pytest.fixture
def network() -> Net:
    torch.manual_seed(0)
    return build(recipe_of(SMALL), HEADS).eval()


@pytest.mark.parametrize("config", [SMALL, MOBILE, BASE], ids=["small", "mobile", "base"])
@pytest.mark.parametrize(("n", "height", "width"), [(0, 48, 48), (1, 16, 16), (2, 17, 23), (3, 48, 48), (1, 61, 33)])
def test_shapes(config: Residual | Mobile, n: int, height: int, width: int) -> None:
    logits = build(recipe_of(config), HEADS).eval()(pixels(n, height, width))
    features = logits.pop(FEATURES)
    assert features.shape[:2] == (n, config.widths[-1])
    assert features.isfinite().all()
    assert {name: tuple(values.shape) for name, values in logits.items()} == {"ferplus8": (n, 8), "fer7": (n, 7)}
    assert all(values.isfinite().all() for values in logits.values())


def test_the_base_recipe_has_2_844_639_parameters() -> None:
    assert parameters(build(recipe_of(BASE), HEADS)) == 2_844_639


@pytest.mark.parametrize("name", ["happy-sad", "smile, wide-très ténu", "mr. smile-mrs. smile", "...-x"])
def test_a_head_may_have_any_name(name: str) -> None:
    assert list(build(recipe_of(SMALL), {name: 2}).eval()(pixels(2, 16, 16))) == [name, FEATURES]


def test_heads_differ(network: Net) -> None:
    logits = build(recipe_of(SMALL), {"one": 2, "two": 2}).eval()(pixels(2, 24, 24))
    assert not torch.allclose(logits["one"], logits["two"])


def test_images_do_not_hang_on_their_neighbours(network: Net) -> None:
    batch = pixels(5, 24, 24)
    together = network(batch)["fer7"]
    alone = torch.cat([network(batch[row : row + 1])["fer7"] for row in range(5)])
    assert torch.allclose(together, alone, atol=1e-5)
    assert not torch.allclose(together[0], together[1], atol=1e-3)


def test_bytes_and_floats_are_the_same_pixels(network: Net) -> None:
    batch = pixels(2, 24, 24)
    assert torch.equal(network(batch)["fer7"], network(batch.float())["fer7"])


def test_only_training_drops_out(network: Net) -> None:
    batch = pixels(4, 24, 24)
    assert torch.equal(network(batch)["fer7"], network(batch)["fer7"])
    network.train()
    assert not torch.equal(network(batch)["fer7"], network(batch)["fer7"])


def test_an_enlarged_network_sees_a_larger_picture(network: Net) -> None:
    batch = pixels(3, 24, 24)
    larger = F.interpolate(batch.float(), (40, 40), mode="bilinear", align_corners=False)
    enlarged = Enlarged(network, 40)
    for name in HEADS:
        assert torch.equal(enlarged(batch)[name], network(larger)[name])
        assert not torch.allclose(enlarged(batch)[name], network(batch)[name], atol=1e-3)


def test_enlarging_is_what_augmentation_does() -> None:
    batch = pixels(2, 24, 24)
    seen, _ = augment(batch, Augment(), 40, torch.Generator())
    assert torch.allclose(Enlarged(nn.Identity(), 40)(batch), seen, atol=1e-3)


def test_every_parameter_learns(network: Net) -> None:
    network.train()
    logits = network(pixels(8, 24, 24))
    torch.stack([values.square().sum() for values in logits.values()]).sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


# Stacks of layers


def test_a_stack_is_what_its_layers_say() -> None:
    net = build(stack("conv 4", "pool", "conv-valid 6 5", "batchnorm", "flatten", "dense 9", "dropout 0.5"), HEADS)
    shapes, x = [], torch.zeros(2, 1, 48, 48)
    for layer in net.eval().features:
        x = layer(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(4, 48, 48), (4, 24, 24), (6, 20, 20), (6, 20, 20), (2400,), (9,), (9,)]
    assert parameters(net) == 4 * 10 + 6 * (4 * 25 + 1) + 2 * 6 + 9 * 2401 + 8 * 10 + 7 * 10
    assert {name: tuple(values.shape) for name, values in net(pixels(2, 48, 48)).items()} == {
        "ferplus8": (2, 8),
        "fer7": (2, 7),
    }


def test_coloured_pixels() -> None:
    batch = torch.randint(0, 256, (2, 3, 24, 24), dtype=torch.uint8)
    for recipe in (
        recipe_of(SMALL, colour="rgb"),
        recipe_of(MOBILE, colour="rgb"),
        stack("conv 4", "mean", colour="rgb", size=24),
    ):
        net = build(recipe, HEADS).eval()
        assert not torch.allclose(net(batch)["fer7"], net(batch.flip(1))["fer7"], atol=1e-4)


def test_a_stack_sees_pixels_from_0_to_1() -> None:
    seen: list[Tensor] = []
    net = build(stack("flatten"), HEADS).eval()
    net.features.register_forward_hook(lambda module, given, result: seen.append(given[0]))
    net(torch.tensor([0, 51, 255] * 768, dtype=torch.uint8).reshape(1, 1, 48, 48))
    assert seen[0].unique().tolist() == pytest.approx([0, 0.2, 1])


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        (("dense 4",), "'dense 4' takes rows: flatten, or take the mean, first"),
        (("flatten", "conv 4"), "'conv 4' takes pixels, and gets rows"),
        (("flatten", "flatten"), "'flatten' takes pixels, and gets rows"),
        (("conv 4",), "flatten, or the mean, is missing before the heads"),
        (("pool 49", "flatten"), "'pool 49' takes more than (48, 48) px"),
        (("pool 24", "conv-valid 4", "flatten"), "'conv-valid 4' takes more than (2, 2) px"),
    ],
)
def test_layers_that_do_not_fit(layers: tuple[str, ...], told: str) -> None:
    with pytest.raises(RecipeError, match="do not fit together") as caught:
        build(stack(*layers), HEADS)
    assert caught.value.faults == (told,)


def test_every_layer_that_does_not_fit_is_told() -> None:
    with pytest.raises(RecipeError) as caught:
        build(stack("pool 49", "dense 4", "conv 4", "dense 8"), HEADS)
    assert [fault.split(" takes ")[0] for fault in caught.value.faults] == ["'pool 49'", "'dense 4'", "'conv 4'"]


SIGMOID = Heads(labels=Head(sigmoid=True))


def test_a_sigmoid_is_one_logit_and_its_loss_binary_cross_entropy() -> None:
    net = build(stack("flatten", heads=SIGMOID), {"happy-sad": 2})
    assert parameters(net) == 48 * 48 + 1
    logits = net(pixels(5, 48, 48))["happy-sad"]
    assert (logits[:, 0] == 0).all()
    truth = torch.tensor([0.0, 1, 1, 0, 1])
    expected = F.binary_cross_entropy(torch.sigmoid(logits[:, 1]), truth)
    target = Target(label_set("happy-sad"), 1.0, torch.stack([1 - truth, truth], 1), torch.ones(5))
    assert torch.allclose(loss({"happy-sad": logits}, {"happy-sad": target}), expected)


def test_a_sigmoid_tells_two_apart_only() -> None:
    with pytest.raises(RecipeError, match="fer7 has 7 emotions, a sigmoid tells two apart"):
        build(stack("flatten", heads=SIGMOID), {"fer7": 7})
    assert build(stack("flatten", heads=SIGMOID), {"ferplus8": 8, "happy-sad": 2}).heads["ferplus8"].out_features == 8


def test_the_second_system_has_the_parameters_of_its_layers() -> None:
    net = build(read_recipe(RECIPES / "fer7-2conv.toml"), {"fer7": 7})
    counts = [count for layer in (*net.features, net.heads) if (count := parameters(layer))]
    assert counts == [640, 73_856, 9_437_696, 3_591]
    assert sum(counts) == 9_515_783


@pytest.mark.parametrize("batch", [1, 2, 3, 9])
def test_narrow_networks_learn_from_any_batch(batch: int) -> None:
    """What crashed torch: see `Sliced`."""
    network = build(recipe_of(Residual(widths=(8, 16), blocks=(1, 1))), HEADS).train()
    for _ in range(20):
        logits = network(pixels(batch, 20, 20))
        torch.stack([values.square().sum() for values in logits.values()]).sum().backward()
    plain = nn.Conv2d(8, 16, 1, 2, bias=False)
    sliced = Sliced(8, 16, 1, 2, bias=False)
    sliced.load_state_dict(plain.state_dict())
    maps = torch.rand(batch, 8, 9, 10)
    assert torch.allclose(sliced(maps), plain(maps), atol=1e-6)

"""The first convolution by columns: the same answers from the same weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx.numpy_helper import to_array
from onnxruntime import InferenceSession
from torch import Tensor, nn

from mien.artifact import INPUT, OUTPUT
from mien.training.learning.member import to_onnx
from mien.training.learning.start import Start, _taken_apart
from mien.training.networks.network import build, deployed
from mien.training.networks.quantise import quantise
from mien.training.networks.stem import by_columns, made_like
from mien.training.recipes.recipe import Layered, Mobile, Recipe, Residual

HEADS = {"ferplus8": 8, "happy-sad": 2}
SMALL = Residual(stem="5x5", widths=(8, 16), blocks=(1, 1), attention=(False, True))
MOBILE = Mobile(kind="mobile", widths=(8, 16), blocks=(1, 1), expansion=2)
LAYERS = Layered(kind="layers", layers=("conv 8 5", "batchnorm", "pool", "flatten"))


def recipe_of(network: Residual | Mobile | Layered, **values: Any) -> Recipe:
    return Recipe.model_validate({"name": "it", "network": network, "schedule": {"epochs": 1}, **values})


def pixels(n: int, channels: int = 1) -> Tensor:
    return torch.randint(0, 256, (n, channels, 48, 48), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def grown(recipe: Recipe) -> Any:
    """A network that has seen images, so that its normalisation does something."""
    torch.manual_seed(3)
    network = build(recipe, HEADS)
    for _ in range(5):
        network(pixels(32, recipe.channels))
    for name, parameter in network.named_parameters():
        if name.endswith(".1.bias"):
            nn.init.normal_(parameter)
    return deployed(network, recipe)


@torch.no_grad()
def test_it_answers_as_the_network_does() -> None:
    network = grown(recipe_of(SMALL))
    changed: Any = by_columns(network, 48)
    assert changed is not network
    inside = pixels(6).float()
    inside[:, :, :6] = inside[:, :, -6:] = inside[..., :6] = inside[..., -6:] = 200.0
    ours, theirs = changed(inside), network(inside)
    for name in theirs:
        assert torch.allclose(ours[name], theirs[name], atol=0.01), name
        assert theirs[name].std() > 0.1
    first = [each.features[0]((inside - each.mean) / each.scale)[:, :, 1:-1, 1:-1] for each in (changed, network)]
    assert torch.allclose(first[0], first[1], atol=1e-5)  # all but the edge, beyond which it is half a gray brighter


@torch.no_grad()
def test_what_it_was_made_of_is_found_in_a_model() -> None:
    recipe = recipe_of(SMALL)
    network, faces = grown(recipe), pixels(6)
    onnx_file = to_onnx(by_columns(network, 48), (1, 48, 48))
    again = build(recipe, HEADS)
    taken, learned = Start("it", "", _taken_apart(onnx_file, "it")).give(again, faces.float())
    assert taken == learned
    ours, theirs = deployed(again, recipe)(faces), network(faces)
    assert all(torch.allclose(ours[name], theirs[name], atol=1e-5) for name in theirs)


def test_other_kernels_stay_as_they_are() -> None:
    for shape in ((8, 1, 5, 5), (16, 4, 3, 3), (16, 4, 5, 5)):
        weight, bias = torch.rand(shape), torch.rand(shape[0])
        assert made_like(weight, bias)[0] is weight
        assert made_like(weight, bias)[1] is bias


@pytest.mark.parametrize(
    ("network", "values", "size"),
    [
        (SMALL, {"colour": "rgb"}, 48),
        (SMALL, {}, 46),
        (SMALL, {"resolution": 64}, 48),
        (SMALL.model_copy(update={"stem": "3x3-3x3"}), {}, 48),
        (SMALL.model_copy(update={"mirrored": True}), {}, 48),
        (MOBILE, {}, 48),
        (LAYERS, {}, 48),
    ],
    ids=["colour", "odd size", "enlarged", "stem", "mirrored", "mobile", "layers"],
)
def test_others_stay_as_they_are(network: Residual | Mobile | Layered, values: dict[str, Any], size: int) -> None:
    recipe = recipe_of(network, **values)
    other = deployed(build(recipe, HEADS), recipe)
    assert by_columns(other, size) is other


@pytest.mark.parametrize(
    ("network", "values", "numbers"),
    [
        (SMALL, {}, (1 / 64, 128)),
        (LAYERS, {}, (1 / 255, 0)),
        (SMALL, {"heads": {"labels": {"sigmoid": True}}}, (1 / 64, 128)),
        (SMALL, {"colour": "rgb"}, None),  # measured from 127.5
        (SMALL, {"resolution": 64}, None),  # no whole numbers any more
    ],
    ids=["columns", "layers", "sigmoid", "colour", "enlarged"],
)
@torch.no_grad()
def test_pixels_enter_as_they_are(
    network: Residual | Layered, values: dict[str, Any], numbers: tuple[float, int] | None
) -> None:
    recipe = recipe_of(network, **values)
    float32, faces = grown(recipe), pixels(64, recipe.channels)
    onnx_file = quantise(to_onnx(by_columns(float32, 48), (recipe.channels, 48, 48)), faces.numpy())
    graph = onnx.load_from_string(onnx_file).graph
    constants = {each.name: to_array(each) for each in graph.initializer}
    kinds = [node.op_type for node in graph.node]
    first = next(node for node in graph.node if node.op_type == "DequantizeLinear" and node.input[0] not in constants)
    if numbers:
        assert "Cast" not in kinds
        assert [float(constants[each]) for each in first.input[1:]] == pytest.approx(numbers)
    else:
        assert "Cast" in kinds
    session, wanted = InferenceSession(onnx_file), float32(faces)
    for head in HEADS:
        (logits,) = session.run([OUTPUT + head], {INPUT: faces.numpy()})
        assert np.corrcoef(logits[:, 1], wanted[head].numpy()[:, 1])[0, 1] > 0.97
        assert len(np.unique(logits[:, 1])) > 0.9 * len(logits)  # not rounded

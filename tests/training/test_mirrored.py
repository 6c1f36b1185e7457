"""Mirrored networks: a face and its mirror image get the same answer, in training, written out, in 8-bit integers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from arithmetic import told_apart
from drawn import SHALLOW, write_folder
from onnxruntime import InferenceSession
from torch import Tensor, nn

from mien.artifact import FEATURES, INPUT
from mien.datasets import Dataset, load_pixels, open_dataset
from mien.errors import RecipeError
from mien.image import Pixels
from mien.preprocess import Preprocess
from mien.recognizer import Recognizer
from mien.training.export.compact import compact
from mien.training.export.export import export
from mien.training.learning.checkpoint import Run
from mien.training.learning.loop import train
from mien.training.learning.member import to_onnx
from mien.training.learning.start import find_start
from mien.training.networks.mirrored import Mirrored, halved, written_out
from mien.training.networks.network import Net, build, deployed
from mien.training.networks.quantise import quantise
from mien.training.recipes.recipe import Recipe, Residual, Schedule, read_recipe

RECIPES = Path(__file__).parents[2] / "recipes"
SMALL = Residual(widths=(8, 16), blocks=(2, 1), attention=(False, True), mirrored=True)
STEMS = pytest.mark.parametrize("stem", ["5x5", "3x3-3x3"])
PAIRS = {"happy-sad": 2}


def recipe_of(network: Residual, **values: object) -> Recipe:
    return Recipe.model_validate({"name": "it", "network": network, "schedule": Schedule(epochs=1), **values})


@torch.enable_grad()
def grown(recipe: Recipe, heads: dict[str, int]) -> Net:
    """A network that has seen a few images, so that nothing in it has the value it began with."""
    torch.manual_seed(3)
    network = build(recipe, heads)
    optimiser = torch.optim.SGD(network.parameters(), 0.1)
    for _ in range(3):
        logits = network(pixels(8, recipe.channels))
        torch.stack([logits[head].logsumexp(1).mean() for head in heads]).sum().backward()
        optimiser.step()
        optimiser.zero_grad()
    return network.eval()


def pixels(n: int, channels: int = 1, side: int = 48) -> Tensor:
    return torch.randint(0, 256, (n, channels, side, side), dtype=torch.uint8)


@STEMS
@pytest.mark.parametrize("colour", ["gray", "rgb"])
@pytest.mark.parametrize("sigmoid", [False, True])
@torch.no_grad()
def test_a_mirror_image_gets_the_same_answer(stem: str, colour: str, sigmoid: bool) -> None:
    heads = {"labels": {"sigmoid": sigmoid}}
    recipe = recipe_of(SMALL.model_copy(update={"stem": stem}), colour=colour, heads=heads)
    network = grown(recipe, PAIRS)
    plain = deployed(network, recipe)
    faces = pixels(6, recipe.channels)
    for each in (network, plain):
        straight, mirrored = each(faces), each(faces.flip(3))
        assert torch.allclose(straight["happy-sad"], mirrored["happy-sad"], atol=1e-5)
        assert straight["happy-sad"].std(0).max() > 1e-3
        first, second = straight[FEATURES].chunk(2, 1)
        assert torch.allclose(mirrored[FEATURES], torch.cat([second, first], 1).flip(3), atol=1e-4)
    assert torch.allclose(network(faces)["happy-sad"], plain(faces)["happy-sad"], atol=1e-5)


@torch.no_grad()
def test_written_out_it_is_an_ordinary_network() -> None:
    recipe = recipe_of(SMALL)
    network = grown(recipe, PAIRS)
    plain = written_out(network)
    assert not any(isinstance(layer, Mirrored) for layer in plain.modules())
    kinds = {type(layer) for layer in plain.modules() if any(True for _ in layer.parameters(recurse=False))}
    assert kinds == {nn.Conv2d, nn.BatchNorm2d, nn.Linear}
    own, whole = network.state_dict(), plain.state_dict()
    assert own.keys() == whole.keys()
    for name, value in whole.items():
        assert torch.equal(halved(value, own[name].shape), own[name]), name
    ordinary = build(recipe_of(SMALL.model_copy(update={"mirrored": False})), PAIRS)
    assert written_out(ordinary) is ordinary


@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize("mirrored", [True, False])
def test_its_file_holds_half_of_its_kernels(int8: bool, mirrored: bool) -> None:
    wide = {"widths": (32, 64), "attention": (False, False), "mirrored": mirrored}
    recipe = recipe_of(SMALL.model_copy(update=wide))
    whole = to_onnx(deployed(grown(recipe, PAIRS), recipe), (1, 48, 48))
    if int8:
        whole = quantise(whole, pixels(64).numpy())
    halves, faces = compact(whole), {INPUT: pixels(6).numpy()}
    for theirs, ours in zip(*(InferenceSession(each).run(None, faces) for each in (whole, halves)), strict=True):
        assert np.array_equal(theirs, ours)
    assert compact(halves) == halves
    graph = onnx.load_from_string(halves).graph
    assert {each.name for each in graph.initializer} <= {name for node in graph.node for name in node.input}
    kernels = [
        sum(tensor.dims[0] for tensor in onnx.load_from_string(each).graph.initializer if len(tensor.dims) == 4)
        for each in (whole, halves)
    ]
    assert kernels[1] < 0.6 * kernels[0] if mirrored else kernels[1] == kernels[0]


def test_weights_that_are_no_mirrored_pairs_stay_whole() -> None:
    for shape in ((8, 4, 3, 3), (8, 1, 3, 3), (3, 8), (8,)):
        weight = torch.rand(shape)
        half = torch.Size([4, *shape[1:]] if len(shape) != 2 else [3, 4])
        assert halved(weight, half) is weight


@pytest.mark.parametrize("changes", [{"widths": (6, 16)}, {"widths": (8, 24)}], ids=["stem", "attention"])
def test_widths_that_do_not_pair_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="mirrored: widths are multiples of 4, and of 16 where there is attention"):
        Residual.model_validate(SMALL.model_dump() | changes)
    assert Residual.model_validate(SMALL.model_dump() | changes | {"mirrored": False})


def test_a_recipe_names_the_fault() -> None:
    with pytest.raises(RecipeError, match=r"network: .*mirrored: widths are multiples"):
        read_recipe(RECIPES / "base.toml", ["network.mirrored=true", "network.widths=[6,8,16,32]"])


@pytest.fixture(scope="module")
def happy_sad(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return open_dataset(write_folder(tmp_path_factory.mktemp("data"), ("happy", "sad"), 40))


@pytest.fixture(scope="module")
def runs(happy_sad: Dataset, tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Run]:
    """A mirrored network, and an ordinary one."""
    changes = [*SHALLOW, "network.widths=[8,16]", "schedule.sizes=[]", "schedule.epochs=1", "schedule.batch=16"]
    out, found = tmp_path_factory.mktemp("runs"), {}
    for mirrored in (True, False):
        more = [f"network.mirrored={str(mirrored).lower()}", "labels=happy-sad", "schedule.ema=0"]
        recipe = read_recipe(RECIPES / "solo.toml", [*changes, *more])
        found[mirrored] = told_apart(train(recipe, happy_sad, out / str(mirrored)))
    return found


def crops_of(data: Dataset) -> Pixels:
    return load_pixels(data, Preprocess(48, "gray").whole)[1]


def test_as_a_model_it_answers_alike_and_can_be_begun_with(
    happy_sad: Dataset, runs: dict[bool, Run], tmp_path: Path
) -> None:
    run, crops = runs[True], crops_of(happy_sad)
    recipe = run.recipe()
    model = Recognizer(export([run.folder], tmp_path / "model", int8=True))
    assert "mirrored residual network" in model.artifact.card
    straight, mirrored = model.logits(crops)["happy-sad"], model.logits(crops[:, :, ::-1])["happy-sad"]
    spread = straight[:, 1].std()
    assert spread > 0.5
    assert np.abs(straight - mirrored).max() < 1e-3 * spread
    faces = torch.from_numpy(Preprocess(48, "gray").tensor(crops))
    for start in (tmp_path / "model", run.folder):
        network = build(recipe, PAIRS)
        learned = len(list(network.named_parameters()))
        assert find_start(start).give(network, faces[::2]) == (learned, learned)
        with torch.no_grad():
            ours = deployed(network, recipe)(faces)["happy-sad"].numpy()
        assert np.abs(ours - straight).mean() < 0.4 * spread
    taken, _ = find_start(run.folder).give(build(runs[False].recipe(), PAIRS), faces[::2])
    assert taken < learned / 2


def test_among_others_it_answers_once(happy_sad: Dataset, runs: dict[bool, Run], tmp_path: Path) -> None:
    alone = {m: Recognizer(export([run.folder], tmp_path / str(m), mirror=True)) for m, run in runs.items()}
    both = Recognizer(export([run.folder for run in runs.values()], tmp_path / "both", mirror=True))
    assert [each.artifact.manifest.mirror for each in (alone[True], alone[False], both)] == [False, True, True]
    crops = crops_of(happy_sad)
    ours, theirs = alone[True].logits(crops)["happy-sad"], alone[False].logits(crops)["happy-sad"]
    assert np.abs(both.logits(crops)["happy-sad"] - (ours + theirs) / 2).max() < 1e-4
    assert np.abs(ours - theirs).max() > 1e-2
    convolutions = [
        sum(node.op_type == "Conv" for node in onnx.load_from_string(model.artifact.onnx).graph.node)
        for model in (alone[True], alone[False], both)
    ]
    assert convolutions[2] == convolutions[0] + convolutions[1] == 3 * convolutions[0]

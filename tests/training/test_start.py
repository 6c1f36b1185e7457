"""Beginning with a model: the network that trains answers at first as the model does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from arithmetic import ARITHMETICS, faces_of, told_apart, training_in
from drawn import FEW, SHALLOW, write_folder
from torch.nn import functional as F

import mien
from mien.datasets import open_dataset
from mien.errors import ArtifactError, MienError
from mien.labels import FERPLUS8, HAPPY_SAD, LabelSet
from mien.recognizer import Recognizer
from mien.training.export.export import export
from mien.training.learning.checkpoint import Run
from mien.training.learning.loop import Progress, train
from mien.training.learning.start import find_start
from mien.training.networks.network import build, deployed
from mien.training.recipes.recipe import Recipe, read_recipe

RECIPES = Path(__file__).parents[2] / "recipes"
NARROW = (*SHALLOW, "network.widths=[8,16]")  # a shortcut of few channels is one of its own: see `Sliced`
KINDS = {
    "residual": ("base", [*NARROW, "resolution=64", "schedule.sizes=[]"]),
    "columns": ("solo", [*NARROW, "schedule.sizes=[]"]),
    "mobile": ("mobile", [*FEW, "schedule.sizes=[]"]),
    "layers": ("fer7-batchnorm", ["size=24"]),
    "sigmoid": ("happy-sad-3conv", ["size=48"]),
}


@pytest.fixture(scope="module", params=[f"{kind} {numbers}" for kind in KINDS for numbers in ARITHMETICS])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of each kind of network, in each arithmetic, on happy and sad drawn faces."""
    kind, numbers = request.param.split()
    name, changes = KINDS[kind]
    folder = tmp_path_factory.mktemp(kind)
    data = open_dataset(write_folder(folder / "data", ("happy", "sad"), 40))
    recipe = read_recipe(
        RECIPES / f"{name}.toml",
        [*changes, "labels=happy-sad", "schedule.epochs=1", "schedule.batch=16", "schedule.ema=0"],
    )
    with training_in(numbers):
        return told_apart(train(recipe, data, folder / "run"))


@pytest.mark.parametrize(("int8", "mirror", "allowed"), [(False, True, 1e-3), (True, False, 0.4)])
def test_a_network_begins_with_the_answers_of_a_model(
    trained: Run, int8: bool, mirror: bool, allowed: float, tmp_path: Path
) -> None:
    model = Recognizer(export([trained.folder], tmp_path / "model", int8=int8, mirror=mirror))
    recipe = trained.recipe()
    torch.manual_seed(5)
    network = build(recipe, {"happy-sad": 2})
    faces, crops = faces_of(trained)
    first = F.interpolate(faces[::2].float(), (recipe.train_size(0),) * 2, mode="bilinear")
    taken = find_start(tmp_path / "model").give(network, first)
    learned = len(list(network.named_parameters()))
    assert taken == (learned, learned)
    others = faces[1::2]
    with torch.no_grad():
        ours = deployed(network, recipe)(others)["happy-sad"]
        if mirror:
            ours = (ours + deployed(network, recipe)(others.flip(3))["happy-sad"]) / 2
    theirs = model.logits(crops[1::2])["happy-sad"]
    spread = theirs[:, 1].std()
    assert spread > 0.25  # there is something to tell apart
    assert np.abs(ours.numpy() - theirs).mean() < allowed * spread


def test_training_goes_on_from_a_model(run: Run, tiny: Recipe, happy_sad: Path, tmp_path: Path) -> None:
    export([run.folder], tmp_path / "model", int8=True)
    barely = tiny.model_copy(
        update={
            "schedule": tiny.schedule.model_copy(update={"epochs": 1}),
            "optimiser": tiny.optimiser.model_copy(update={"lr": 1e-9}),
        }
    )
    continued = train(barely, open_dataset(happy_sad), tmp_path / "run", start=str(tmp_path / "model"))
    before, after = run.best_entry()["valid"]["happy-sad"], continued.best_entry()["valid"]["happy-sad"]
    assert after == pytest.approx(before, abs=0.1)
    assert continued.data()["start"] == mien.load(tmp_path / "model").artifact.manifest.sha256


@pytest.mark.parametrize(("second", "share"), [("sad", 0.5), ("bored", 1)])
def test_a_model_that_knows_all_labels_learns_more_slowly(
    run: Run, tiny: Recipe, second: str, share: float, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "data", ("happy", "sad"), 30)
    (folder / "sad").rename(folder / second)
    data = open_dataset(folder)
    schedule = tiny.schedule.model_copy(update={"epochs": 2, "known": 0.5, "warmup": 0, "decay": "constant"})
    recipe = tiny.model_copy(update={"schedule": schedule, "labels": None})

    def cut(progress: Progress) -> None:
        if progress.epoch:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        train(recipe, data, tmp_path / "run", start=str(run.folder), progress=cut)
    log = train(recipe, data, tmp_path / "run", start=str(run.folder), resume=True).read_log()
    assert [epoch["lr"] for epoch in log] == [recipe.optimiser.lr * share] * 2
    plain = train(recipe, data, tmp_path / "plain").read_log()
    assert [epoch["lr"] for epoch in plain] == [recipe.optimiser.lr] * 2


def test_the_model_that_comes_with_mien_can_be_begun_with() -> None:
    recipe = read_recipe(RECIPES / "transfer.toml")
    network = build(recipe, {"happy-sad": 2})
    learned = len(list(network.named_parameters()))
    taken = find_start("small").give(network, torch.rand(8, 1, 48, 48) * 255)
    assert taken == (learned - 2, learned)  # the head is new


@pytest.mark.parametrize(
    ("labels", "begun"),
    [
        (HAPPY_SAD, ("happy", "sad")),
        (LabelSet("own", ("calm", "sad", "neutral")), ("sad", "neutral")),
        (LabelSet("own", ("calm", "bored")), ()),
    ],
)
def test_a_new_head_begins_with_what_a_model_says_of_its_emotions(labels: LabelSet, begun: tuple[str, ...]) -> None:
    network = build(read_recipe(RECIPES / "transfer.toml"), {labels.name: len(labels)})
    weight, bias = f"heads.{labels.name}.weight", f"heads.{labels.name}.bias"
    before = {name: value.clone() for name, value in network.state_dict().items()}
    start, learned = find_start("small"), len(list(network.parameters()))
    taken = start.give(network, torch.rand(8, 1, 48, 48) * 255, {labels.name: labels})
    assert taken == (learned if begun else learned - 2, learned)
    after = network.state_dict()
    for row, emotion in enumerate(labels):
        there = FERPLUS8.index(emotion) if emotion in begun else row
        expected = [start.weights[f"heads.ferplus8.{part}"] for part in ("weight", "bias")]
        for name, theirs in zip(
            (weight, bias), expected if emotion in begun else (before[weight], before[bias]), strict=True
        ):
            assert torch.equal(after[name][row], theirs[there])


def test_what_cannot_be_begun_with(run: Run, tiny: Recipe, happy_sad: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no model 'nothing'"):
        find_start("nothing")
    with pytest.raises(MienError, match="neither a training run"):
        find_start(tmp_path)
    other = train(tiny.model_copy(update={"name": "other"}), open_dataset(happy_sad), tmp_path / "other")
    export([run.folder, other.folder], tmp_path / "both")
    with pytest.raises(MienError, match="averages 2 networks"):
        find_start(tmp_path / "both")

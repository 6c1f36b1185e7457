"""Every recipe that ships trains, resumes, is judged, becomes a model and reads faces; here on a few drawn ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn import FEW, SHALLOW, draw_face, write_fer2013_csv, write_folder, write_people

from mien.datasets import load_pixels, open_dataset
from mien.datasets.base import NO_LABEL
from mien.errors import DataError
from mien.evaluation import evaluate
from mien.recognizer import Recognizer
from mien.training.batches.data import load_splits, prepare
from mien.training.export.export import export
from mien.training.learning.loop import Learner, Progress, train
from mien.training.learning.start import find_start
from mien.training.machines.processes import Processes
from mien.training.networks.describe import describe
from mien.training.networks.network import build
from mien.training.recipes.recipe import Recipe, read_recipe

RECIPES = Path(__file__).parents[2] / "recipes"
NAMES = sorted(path.stem for path in RECIPES.glob("*.toml"))
Write = Callable[[Path], Path]


def happy_sad(out: Path) -> Path:
    return write_folder(out, ("Happy", "Sad"), 24)


def fer2013(out: Path) -> Path:
    return write_fer2013_csv(out, 4, with_votes=True)


def people(out: Path) -> Path:
    return write_people(out, 10)


DATA: dict[str, tuple[Write, tuple[str, ...]]] = {
    "base": (fer2013, SHALLOW),
    "large": (fer2013, (*SHALLOW, "resolution=32", "schedule.sizes=[]")),
    **dict.fromkeys(("medium", "even", "small", "next"), (fer2013, SHALLOW)),
    "mobile": (fer2013, FEW),
    "fer7-2conv": (fer2013, ("size=24",)),
    "fer7-batchnorm": (fer2013, ("size=24",)),
    "ckplus7-people": (people, ()),
    "happy-sad-3conv": (happy_sad, ("size=48",)),
    "happy-sad-small": (happy_sad, ("size=32",)),
    "happy-sad-augmented": (happy_sad, ("size=32",)),
    "transfer": (happy_sad, SHALLOW),
    "transfer-mobile": (happy_sad, FEW),
}
"""What recipes train on, and what makes them small: each kind of network, of heads and of teaching."""

LIKE = {
    "large": (
        *("broad", "deep", "near", "paired", "patient", "heir"),
        *("teacher-352-labels", "teacher-288-labels", "teacher-288"),
    ),
    "small": ("former", "second", "third", "fourth", "fifth", "pupil"),
    "medium": ("solo",),
    "next": ("next-continued", "next-small", "next-small-2"),
}
"""Recipes of old networks that differ from one of these in numbers alone: they are read and built."""


def test_every_recipe_is_tried_or_is_like_one() -> None:
    assert sorted([*DATA, *(name for names in LIKE.values() for name in names)]) == NAMES


@pytest.mark.parametrize(("like", "name"), [(like, name) for like, names in LIKE.items() for name in names])
def test_what_is_like_another_differs_in_numbers_alone(like: str, name: str) -> None:
    one, other = (read_recipe(RECIPES / f"{each}.toml") for each in (like, name))
    assert (one.network.kind, one.colour, one.labels) == (other.network.kind, other.colour, other.labels)
    assert isinstance(one.optimiser, type(other.optimiser))
    assert describe(other)[-1].parameters > 0


def stop_in_the_second_epoch(where: Progress) -> None:
    if where.epoch == 1:
        raise KeyboardInterrupt


@pytest.mark.parametrize("name", DATA)
def test_from_recipe_to_answer(name: str, tmp_path: Path) -> None:
    write, smaller = DATA[name]
    data = open_dataset(write(tmp_path / "data"))
    recipe = read_recipe(RECIPES / f"{name}.toml", [*smaller, "schedule.epochs=2", "schedule.batch=16"])
    teachers = ["small"] if recipe.distill else []
    with pytest.raises(KeyboardInterrupt):
        train(recipe, data, tmp_path / "run", teachers=teachers, progress=stop_in_the_second_epoch)
    run = train(recipe, data, tmp_path / "run", teachers=teachers, resume=True)
    assert [entry["epoch"] for entry in run.read_log()] == [1, 2]
    model = Recognizer(export([run.folder], tmp_path / "model"))
    assert f"Recipe `{name}`: {recipe.network}" in model.artifact.card
    head = model.artifact.manifest.heads[-1]
    valid, crops, _ = load_pixels(prepare(data, recipe).split("valid"), model.preprocess.whole)
    truth = valid.targets(head.label_set)
    right = model.logits(crops)[head.labels].argmax(1) == truth
    assert run.load(run.best)["scores"][head.labels] == pytest.approx(right[truth != NO_LABEL].mean(), abs=1e-6)
    assert evaluate(model, data, split="valid", labels=head.labels).n == (truth != NO_LABEL).sum() > 0
    (prediction,) = model.predict([draw_face("happy", np.random.default_rng(0), 200)], crop="whole")
    assert set(prediction.faces[0].expression.probabilities) == set(model.labels)


def test_happy_and_sad_are_learned_from_colours_with_one_sigmoid(tmp_path: Path) -> None:
    recipe = read_recipe(RECIPES / "happy-sad-3conv.toml", ["size=48", "schedule.epochs=8", "validation_share=0.25"])
    run = train(recipe, open_dataset(write_folder(tmp_path / "data", ("happy", "sad"), 80)), tmp_path / "run")
    log = run.read_log()
    assert log[-1]["loss"] < log[0]["loss"]
    assert max(entry["valid"]["happy-sad"] for entry in log) >= 0.7  # chance: 0.5, and three standard errors above it
    model = Recognizer(export([run.folder], tmp_path / "model"))
    logits = model.logits(np.zeros((1, 48, 48, 3), np.uint8))["happy-sad"]
    assert logits[0, 0] == 0
    assert model.artifact.manifest.colour == "rgb"
    small = Recognizer(export([run.folder], tmp_path / "small", int8=True))
    crops = np.random.default_rng(0).integers(0, 256, (20, 48, 48, 3), np.uint8)
    assert np.abs(small.probabilities(crops) - model.probabilities(crops)).max() < 0.1


def test_people_held_out_are_the_same_for_training_and_evaluation(tmp_path: Path) -> None:
    data = open_dataset(people(tmp_path / "data"))
    recipe = read_recipe(RECIPES / "ckplus7-people.toml", ["schedule.epochs=1"])
    prepared = prepare(data, recipe)
    person = {
        split: {each.attributes["person"] for each in prepared.split(split).examples} for split in prepared.splits
    }
    assert set(person) == {"train", "valid", "test"}
    assert not person["train"] & person["valid"] | person["train"] & person["test"] | person["valid"] & person["test"]
    assert len(person["test"]) == len(person["valid"]) + 1 == 2
    model = Recognizer(export([train(recipe, data, tmp_path / "run").folder], tmp_path / "model"))
    assert evaluate(model, data).data["split"] == "test"
    seen: list[int] = []
    for split in ("train", "valid", "test", "all"):
        seen.append(evaluate(model, data, split=split).n)
        expected = len(data) if split == "all" else len(prepared.split(split))
        assert seen[-1] == expected


def test_other_data_have_no_split_that_was_held_out(tmp_path: Path) -> None:
    recipe = read_recipe(RECIPES / "ckplus7-people.toml", ["schedule.epochs=1"])
    run = train(recipe, open_dataset(people(tmp_path / "data")), tmp_path / "run")
    model = Recognizer(export([run.folder], tmp_path / "model"))
    others = open_dataset(write_people(tmp_path / "others", 14))
    with pytest.raises(DataError, match="no split 'test'"):
        evaluate(model, others, split="test")


def test_a_recipes_labels_leave_other_emotions_out(tmp_path: Path) -> None:
    data = open_dataset(fer2013(tmp_path / "data"))
    recipe = read_recipe(RECIPES / "happy-sad-small.toml")
    assert {example.label for example in prepare(data, recipe).examples} == {"happy", "sad"}
    assert prepare(data, recipe).labels.name == "happy-sad"


@pytest.mark.parametrize("name", ["fer7-2conv", "fer7-batchnorm", "happy-sad-3conv", "ckplus7-people", "base"])
def test_a_description_adds_up(name: str) -> None:
    recipe = read_recipe(RECIPES / f"{name}.toml")
    rows = describe(recipe)
    heads = {row.layer.removeprefix("head "): row.shape[0] for row in rows if row.layer.startswith("head ")}
    network = build(recipe, {head: 2 if head == "happy-sad" else count for head, count in heads.items()})
    assert sum(row.parameters for row in rows) == sum(parameter.numel() for parameter in network.parameters())
    side = recipe.resolution or recipe.size
    assert rows[0].shape == (recipe.channels, side, side)


def test_a_description_of_layers() -> None:
    told = [(row.layer, row.shape, row.parameters) for row in describe(read_recipe(RECIPES / "fer7-2conv.toml"))]
    assert told == [
        ("pixels", (1, 48, 48), 0),
        ("conv 64", (64, 48, 48), 640),
        ("pool", (64, 24, 24), 0),
        ("conv 128", (128, 24, 24), 73_856),
        ("pool", (128, 12, 12), 0),
        ("flatten", (18_432,), 0),
        ("dense 512", (512,), 9_437_696),
        ("dropout 0.5", (512,), 0),
        ("head fer7", (7,), 3_591),
    ]


def test_transfer_takes_the_backbone_of_the_other_run(tmp_path: Path) -> None:
    source = read_recipe(RECIPES / "small.toml", ["schedule.epochs=1", "schedule.batch=16", "schedule.sizes=[]"])
    run = train(source, open_dataset(fer2013(tmp_path / "fer")), tmp_path / "source", teachers=["small"])
    target = read_recipe(RECIPES / "transfer.toml", ["schedule.epochs=1"])
    learner = Learner(target, {"happy-sad": 2}, Processes(torch.device("cpu")))
    split, _ = load_splits(
        target, prepare(open_dataset(happy_sad(tmp_path / "photos")), target), torch.device("cpu"), print
    )
    learner.begin_with(find_start(run.folder), split)
    theirs, ours = run.load(run.best)["network"], learner.network.state_dict()
    backbone = [name for name in ours if name.startswith("features.")]
    assert len(backbone) == len(ours) - 2
    assert all(torch.equal(ours[name], theirs[name]) for name in backbone)


def test_recipes_say_how_to_run_them() -> None:
    for name in NAMES:
        text = (RECIPES / f"{name}.toml").read_text()
        assert text.startswith("# ")
        assert f"mien train recipes/{name}.toml --data " in text
        assert Recipe.model_validate(read_recipe(RECIPES / f"{name}.toml").model_dump(mode="json"))

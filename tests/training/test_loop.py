"""The training loop: it learns, it leaves a whole run behind, and a run that is killed and resumed is the same run."""

from __future__ import annotations

import csv
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from drawn import write_fer2013_csv, write_folder, write_parquet
from matplotlib.figure import Figure
from PIL import Image
from torch import nn
from waiting import WAIT_S

from mien.datasets import open_dataset
from mien.errors import DataError, MienError, RecipeError
from mien.report import plots
from mien.training.batches.augment import augment
from mien.training.batches.data import load_split
from mien.training.learning import checkpoint, curve
from mien.training.learning.checkpoint import Run
from mien.training.learning.curve import draw
from mien.training.learning.judge import Verdict, rank
from mien.training.learning.loop import Progress, follow, train
from mien.training.learning.optimiser import learning_rate
from mien.training.recipes.recipe import Head, Heads, Layered, Recipe

LEARNED = 0.7
"""Accuracy of a network that has learned something of 60 images, three standard errors above chance: not how much."""
FILES = {"recipe.json", "data.json", "last.pt", "best.pt", "log.jsonl", "curve.png"}


def change(recipe: Recipe, *overrides: str) -> Recipe:
    """A recipe with overrides such as `"schedule.epochs=3"`; of numbers only."""
    values = recipe.model_dump()
    for override in overrides:
        key, _, value = override.partition("=")
        *tables, last = key.split(".")
        part = values
        for table in tables:
            part = part[table]
        part[last] = json.loads(value)
    return Recipe.model_validate(values)


@pytest.fixture
def short(tiny: Recipe) -> Recipe:
    """One epoch of `tiny`."""
    return change(tiny, "schedule.epochs=1")


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """An image folder without splits: 12 happy and 12 sad drawn faces."""
    return write_folder(tmp_path / "few", ("happy", "sad"), 12)


def weights(run: Run) -> dict[str, torch.Tensor]:
    """Every tensor of `last.pt` and `best.pt`, by its place."""
    found: dict[str, torch.Tensor] = {}

    def collect(place: str, value: Any) -> None:
        if isinstance(value, torch.Tensor):
            found[place] = value
        elif isinstance(value, dict | list):
            items = value.items() if isinstance(value, dict) else enumerate(value)
            for key, inner in items:
                collect(f"{place}/{key}", inner)

    for path in (run.last, run.best):
        collect(path.name, run.load(path))
    return found


def told(run: Run) -> list[dict[str, Any]]:
    """The log, without how long it took."""
    return [{key: value for key, value in entry.items() if key != "seconds"} for entry in run.read_log()]


def assert_same(one: Run, other: Run) -> None:
    """Equal bit for bit, and in all that is told."""
    ours, theirs = weights(one), weights(other)
    assert ours.keys() == theirs.keys()
    assert [place for place in ours if not torch.equal(ours[place], theirs[place])] == []
    for path in ("last.pt", "best.pt"):
        first, second = one.load(one.folder / path), other.load(other.folder / path)
        for key in ("epoch", "scores", "heads"):
            assert first[key] == second[key]
    assert one.load(one.last)["best"] == other.load(other.last)["best"]
    assert told(one) == told(other)


def stop(progress: Progress) -> None:
    raise KeyboardInterrupt


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# What a run learns, and what it leaves behind


@pytest.mark.usefixtures("arithmetic")
def test_drawn_faces_are_learned(tiny: Recipe, happy_sad: Path, tmp_path: Path) -> None:
    log = train(tiny, open_dataset(happy_sad), tmp_path / "run").read_log()
    assert max(entry["valid"]["happy-sad"] for entry in log) >= LEARNED
    assert log[-1]["loss"] < log[0]["loss"]


def test_a_run_is_six_files(run: Run, tiny: Recipe, happy_sad: Path) -> None:
    assert set(contents(run.folder)) == FILES
    assert run.recipe() == tiny
    data = run.data()
    assert Path(data["path"]) == happy_sad
    assert (data["form"], data["train"] + data["valid"], data["start"]) == ("image folder", 240, None)
    assert abs(data["valid"] - 60) <= 3  # drawn faces that are near copies stay together


def test_the_log_has_a_line_an_epoch(run: Run, tiny: Recipe) -> None:
    log, judged = run.read_log(), run.data()["valid"]
    assert [entry["epoch"] for entry in log] == list(range(1, tiny.schedule.epochs + 1))
    for entry in log:
        assert entry["valid"].keys() == entry["nll"].keys() == {"happy-sad"}
        right = entry["valid"]["happy-sad"] * judged
        assert right == pytest.approx(round(right), abs=1e-4)
        assert entry["nll"]["happy-sad"] > 0
        assert entry["size"] == tiny.train_size(entry["epoch"] - 1)
        assert entry["seconds"] >= 0
        assert 0 < entry["lr"] <= tiny.optimiser.lr


def test_the_best_weights_are_those_of_the_most_likely_epoch(run: Run) -> None:
    log = run.read_log()
    likeliest = min(log, key=lambda entry: entry["nll"]["happy-sad"])
    best, last = run.load(run.best), run.load(run.last)
    assert run.best_entry() == likeliest
    assert best["epoch"] + 1 == likeliest["epoch"]
    assert best["scores"] == likeliest["valid"]
    assert best["heads"] == {"happy-sad": ["happy", "sad"]}
    assert last["epoch"] == len(log) - 1
    assert last["scores"] == log[-1]["valid"]
    assert last["best"] == rank(likeliest["nll"], likeliest["valid"])


NONE = float("nan")


@pytest.mark.parametrize(
    ("verdicts", "best"),
    [
        ([(0.5, 0.9)], 0),
        ([(0.5, 0.9), (0.4, 0.8), (0.45, 1.0)], 1),  # likelihood decides
        ([(0.5, 0.9), (0.4, 0.8), (0.4, 0.85), (0.4, 0.85)], 2),  # accuracy parts equals, and the first is kept
        ([(NONE, 0.5), (NONE, 0.6), (NONE, 0.6)], 1),  # no likelihood at all
        ([(NONE, 0.9), (3.0, 0.1)], 1),
    ],
)
def test_which_epoch_is_the_best(
    verdicts: list[tuple[float, float]],
    best: int,
    short: Recipe,
    few: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = iter(verdicts)

    def judged(*_: Any) -> Verdict:
        nll, accuracy = next(told)
        return Verdict({"happy-sad": accuracy}, {"happy-sad": nll})

    monkeypatch.setattr("mien.training.learning.loop.judge", judged)
    run = train(change(short, f"schedule.epochs={len(verdicts)}"), open_dataset(few), tmp_path / "run")
    assert run.load(run.best)["epoch"] == run.best_entry()["epoch"] - 1 == best


def test_the_mean_over_the_heads_decides() -> None:
    assert rank({"a": 1.0, "b": 0.5}, {"a": 0.25, "b": 0.75}) == (0.75, -0.5)


def test_the_curve_is_a_picture(run: Run, tmp_path: Path) -> None:
    draw(run.read_log(), tmp_path / "curve.png")
    with Image.open(tmp_path / "curve.png") as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 300
        colours = np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)
    assert len(colours) > 20


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ("happy-sad", "head happy-sad"),
        ("Freude-喜", r"head Freude-\u559c"),
        ("$a-b$", "head $a-b$"),
        ("_a-_b", "head _a-_b"),  # matplotlib leaves out what begins so
        ("-".join(f"label{number}" for number in range(12)), "head label0-label1-label2-lab..."),
    ],
)
def test_the_curve_names_a_head_of_any_labels(
    head: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Warnings are errors: matplotlib warns of characters that it has no font for, and of those that begin with `_`."""
    figures: list[Figure] = []

    def drawn(figure: Figure) -> bytes:
        figures.append(figure)
        return plots.rendered(figure)

    monkeypatch.setattr(curve, "rendered", drawn)
    monkeypatch.setattr(plots, "font_file", lambda text: None)
    curve.draw([{"epoch": 1, "loss": 1.0, "nll": {head: 1.0}, "valid": {head: 0.5}}], tmp_path / "curve.png")
    legends = [axes.get_legend() for axes in figures[0].axes[1:]]
    texts = [[text.get_text() for text in legend.get_texts()] for legend in legends if legend]
    assert texts == [[told, "best: epoch 1"]] * 2


@pytest.mark.usefixtures("arithmetic")
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(short: Recipe, few: Path, tmp_path: Path) -> None:
    runs = [
        train(change(short, f"seed={seed}"), open_dataset(few), tmp_path / name)
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    assert_same(runs[0], runs[1])
    ours, theirs = weights(runs[0]), weights(runs[2])
    assert not torch.equal(
        ours["best.pt/network/heads.happy-sad.weight"], theirs["best.pt/network/heads.happy-sad.weight"]
    )


def test_progress_is_told_after_every_batch(short: Recipe, few: Path, tmp_path: Path) -> None:
    seen: list[Progress] = []
    run = train(
        change(short, "schedule.epochs=2", "schedule.batch=6"),
        open_dataset(few),
        tmp_path / "run",
        progress=seen.append,
    )
    assert [(at.epoch, at.step) for at in seen] == [(epoch, step) for epoch in (0, 1) for step in (1, 2, 3)]
    assert {(at.epochs, at.steps) for at in seen} == {(2, 3)}
    first, second = (entry["valid"] for entry in run.read_log())
    assert [dict(at.scores) for at in seen] == [{}, {}, first, first, first, second]
    assert all(at.seconds_left > 0 for at in seen[:-1])
    assert seen[-1].seconds_left == 0
    assert [seen[2].loss, seen[5].loss] == pytest.approx([entry["loss"] for entry in run.read_log()])


def test_what_is_told(short: Recipe, few: Path, tmp_path: Path) -> None:
    said: list[str] = []
    train(short, open_dataset(few), tmp_path / "run", say=said.append)
    assert said[0].startswith("training tiny on CPU, ")
    why = "face crops: of 24 images looked at, 24 are small (96 px at most)"
    told = rf"1\d images to train on, \d to validate, each whole, as a face crop \({re.escape(why)}\); heads: happy-sad"
    assert re.fullmatch(told, said[-2])
    assert re.fullmatch(
        r"warning: head happy-sad: \d images to validate are too few to calibrate confidence; it takes 10", said[-1]
    )


@pytest.mark.parametrize(("batch", "steps"), [(2, 9), (9, 2), (16, 1), (18, 1), (500, 1)])
def test_batches_are_full_unless_the_data_are_fewer(
    batch: int, steps: int, short: Recipe, few: Path, tmp_path: Path
) -> None:
    seen: list[Progress] = []
    train(change(short, f"schedule.batch={batch}"), open_dataset(few), tmp_path / "run", progress=seen.append)
    assert len(seen) == steps


def test_images_that_do_not_fill_a_batch_have_their_turn_in_other_epochs(
    short: Recipe, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes] = []

    def spy(pixels: torch.Tensor, *rest: Any, **part: Any) -> tuple[torch.Tensor, torch.Tensor]:
        seen.extend(image.numpy().tobytes() for image in pixels)
        return augment(pixels, *rest, **part)

    monkeypatch.setattr("mien.training.batches.batches.augment", spy)
    train(change(short, "schedule.epochs=6", "schedule.batch=10"), open_dataset(few), tmp_path / "run")
    epochs = [seen[at : at + 10] for at in range(0, 60, 10)]
    assert all(len(set(epoch)) == 10 for epoch in epochs)
    assert len({frozenset(epoch) for epoch in epochs}) > 1
    assert len(set(seen)) == 18


# What cannot be learned from


def test_nothing_and_too_little_to_learn_from(short: Recipe, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write_folder(tmp_path / "happy", ["happy"], 3)
    for name in ("empty", "happy"):
        with pytest.raises(DataError):
            train(short, open_dataset(tmp_path / name), tmp_path / "run")
    dataset = open_dataset(write_folder(tmp_path / "both", ("happy", "sad"), 1))
    with pytest.raises(DataError, match="without a single example"):
        train(short, replace(dataset, examples=()), tmp_path / "run")
    others = open_dataset(write_folder(tmp_path / "others", ("angry", "neutral"), 3))
    with pytest.raises(
        DataError, match=r"no image has a label of happy-sad \(happy, sad\); there are angry \(\d+\), neutral \(\d+\)"
    ):
        train(change(short, 'labels="happy-sad"'), others, tmp_path / "run")
    with pytest.raises(DataError, match="two images"):
        train(short, replace(dataset, examples=dataset.examples[:1]), tmp_path / "run")
    test = tuple(replace(example, split="test") for example in dataset.examples)
    with pytest.raises(DataError, match="no train split"):
        train(short, replace(dataset, examples=test), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_unreadable_images_are_told_and_left_out(short: Recipe, few: Path, tmp_path: Path) -> None:
    (few / "happy" / "0003.png").write_bytes(b"not a picture")
    (few / "sad" / "0004.png").write_bytes((few / "sad" / "0004.png").read_bytes()[:200])
    said: list[str] = []
    run = train(short, open_dataset(few), tmp_path / "run", say=said.append)
    assert run.data()["train"] + run.data()["valid"] == 22
    assert sum("left_out.csv of the run names all" in sentence for sentence in said) in (1, 2)  # splits
    with run.left_out.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert sorted(row["image"] for row in rows) == ["happy/0003.png", "sad/0004.png"]
    assert all(any(f"{row['reason']}: {row['image']}" in sentence for sentence in said) for row in rows)


@pytest.mark.parametrize(
    ("reasons", "told"),
    [
        ([], []),
        (["no face"], ["left out 1 of 9 images of train; left_out.csv of the run names all:", "  no face: 0"]),
        (
            ["no face"] * 8 + ["empty"],
            [
                "left out 9 of 9 images of train; left_out.csv of the run names all:",
                "  no face: 0, 1, 2, 3, 4 and 3 more",
                "  empty: 8",
            ],
        ),
        (
            list("abcdefg"),
            [
                "left out 7 of 9 images of train; left_out.csv of the run names all:",
                *(f"  {reason}: {number}" for number, reason in enumerate("abcde")),
                "  for other reasons: 2",
            ],
        ),
    ],
)
def test_of_many_images_left_out_a_few_are_named(
    reasons: list[str], told: list[str], short: Recipe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    split = open_dataset(write_folder(tmp_path, ("happy", "sad", "angry"), 3))
    split = replace(split, examples=tuple(replace(each, split="train") for each in split.examples))
    named = {str(number): reason for number, reason in enumerate(reasons)}
    crops = np.zeros((9, short.size, short.size), np.uint8)
    monkeypatch.setattr("mien.training.batches.data.load_crops", lambda *_: (split, crops, named))
    said: list[str] = []
    loaded = load_split(split, short, "whole", torch.device("cpu"), said.append)
    assert said == told
    assert loaded.left_out == named


def test_a_run_without_gaps_has_no_list_of_them(run: Run) -> None:
    assert not run.left_out.exists()


def test_a_run_begun_anew_lists_no_gaps_of_the_one_that_died_there(
    short: Recipe, few: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mien.training.learning.loop.judge", die)
    damaged, run = few / "happy" / "0003.png", Run(tmp_path / "run")
    damaged.write_bytes(b"not a picture")
    for listed in (True, False):
        with pytest.raises(KeyboardInterrupt):
            train(short, open_dataset(few), run.folder)
        assert run.left_out.exists() == listed
        damaged.unlink(missing_ok=True)


def test_no_readable_image_at_all(short: Recipe, few: Path, tmp_path: Path) -> None:
    for path in few.glob("*/*.png"):
        path.write_bytes(b"")
    with pytest.raises(DataError, match="could be read"):
        train(short, open_dataset(few), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_votes_alone_need_votes(short: Recipe, few: Path, tmp_path: Path) -> None:
    recipe = short.model_copy(update={"heads": Heads(labels=None, votes=Head())})
    with pytest.raises(DataError, match="no head of the recipe can both learn and be judged"):
        train(recipe, open_dataset(few), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("voted", "learned", "judged"),
    [
        ((), ["fer7"], ["fer7"]),
        (("train",), ["ferplus8", "fer7"], ["fer7"]),
        (("valid",), ["fer7"], ["fer7"]),
        (("train", "valid"), ["ferplus8", "fer7"], ["ferplus8", "fer7"]),
    ],
)
def test_heads_follow_the_votes_of_the_train_split(
    voted: Sequence[str], learned: list[str], judged: list[str], short: Recipe, tmp_path: Path
) -> None:
    dataset = open_dataset(write_parquet(tmp_path / "data", 3))
    examples = (e if e.split in voted else replace(e, votes=()) for e in dataset.examples)
    run = train(short, replace(dataset, examples=tuple(examples)), tmp_path / "run")
    assert list(run.load(run.best)["heads"]) == learned
    assert list(run.read_log()[0]["valid"]) == judged


def test_a_loss_that_is_no_number(tiny: Recipe, few: Path, tmp_path: Path) -> None:
    with pytest.raises(MienError, match=r"the loss is (nan|inf) in epoch \d: try a lower optimiser.lr"):
        train(change(tiny, "optimiser.lr=1e30"), open_dataset(few), tmp_path / "run")


# Learning rate


@pytest.mark.parametrize("warmup", [0.0, 0.001, 0.05, 0.5, 1.0, 2.5])
def test_the_rate_warms_up_and_falls_to_nothing(warmup: float, tiny: Recipe) -> None:
    recipe = change(tiny, f"schedule.warmup={warmup}", "schedule.epochs=10")
    rates = [learning_rate(recipe, epoch) for epoch in np.linspace(0, 10, 1001)]
    peak = recipe.optimiser.lr
    top = round(warmup * 100)
    assert all(0 < rate <= peak for rate in rates[:-1])
    assert rates[top] == pytest.approx(peak)
    assert rates[-1] == pytest.approx(0, abs=1e-12)
    assert all(np.diff(rates[: max(top - 1, 0)]) > 0)
    assert all(np.diff(rates[top:]) < 0)
    assert rates[(top + 1000) // 2] == pytest.approx(peak / 2, rel=0.02)


def test_a_constant_rate(tiny: Recipe) -> None:
    recipe = change(tiny, 'schedule.decay="constant"', "schedule.warmup=1", "schedule.epochs=10")
    assert learning_rate(recipe, 0) < learning_rate(recipe, 0.5) < recipe.optimiser.lr
    assert {learning_rate(recipe, epoch) for epoch in (1, 5, 9.99, 10)} == {recipe.optimiser.lr}


def test_the_running_average_soon_forgets_its_first_weights() -> None:
    def network(weight: float, count: int) -> nn.Module:
        module = nn.BatchNorm1d(1)
        module.load_state_dict({"running_var": torch.ones(1), "bias": torch.zeros(1)}, strict=False)
        module.load_state_dict({"weight": torch.tensor([weight]), "num_batches_tracked": torch.tensor(count)}, False)
        return module

    average = network(0.0, 0)
    for step in range(1, 21):
        follow(average, network(1.0, step), step, 0.99)
    assert average.state_dict()["weight"].item() > 0.99
    assert average.state_dict()["num_batches_tracked"].item() == 20
    follow(average, network(0.0, 0), 100_000, 0.99)
    assert average.state_dict()["weight"].item() == pytest.approx(0.99, abs=0.01)
    bare = nn.Linear(1, 1), nn.Linear(1, 1)
    for module, value in zip(bare, (0.0, 1.0), strict=True):
        module.load_state_dict({"weight": torch.full((1, 1), value), "bias": torch.zeros(1)})
    follow(*bare, 1, 0.99)
    assert bare[0].weight.item() == pytest.approx(0.9)


def test_a_rate_that_only_warms_up(tiny: Recipe) -> None:
    recipe = change(tiny, "schedule.warmup=20", "schedule.epochs=10")
    rates = [learning_rate(recipe, epoch) for epoch in range(11)]
    assert all(math.isfinite(rate) and rate > 0 for rate in rates)
    assert all(np.diff(rates) > 0)


# A run in the way, and going on with another recipe or other data


def test_a_run_in_the_way(short: Recipe, few: Path, tmp_path: Path) -> None:
    run = train(short, open_dataset(few), tmp_path / "run")
    before = contents(run.folder)
    with pytest.raises(MienError, match="holds a run already: go on with --resume, or choose another folder"):
        train(short, open_dataset(few), tmp_path / "run")
    assert contents(run.folder) == before


def test_what_is_in_the_way_is_told_before_an_image_is_read(
    short: Recipe, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, said = train(short, open_dataset(few), tmp_path / "run"), list[str]()
    with pytest.raises(MienError, match="holds a run already"):
        train(short, open_dataset(few), run.folder, say=said.append)
    with pytest.raises(RecipeError, match="begun with another recipe"):
        train(change(short, "seed=9"), open_dataset(few), run.folder, resume=True, say=said.append)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        train(short, open_dataset(few), tmp_path / "file" / "run", say=said.append)
    with pytest.raises(NotADirectoryError, match="a file is in the way of a folder"):
        train(short, open_dataset(few), tmp_path / "file", say=said.append)
    with pytest.raises(MienError, match="no model 'nobody'"):
        train(short, open_dataset(few), tmp_path / "new", start="nobody", say=said.append)
    with pytest.raises(RecipeError, match="distill: is needed, where there are teachers"):
        train(short, open_dataset(few), tmp_path / "new", teachers=["small"], say=said.append)
    with pytest.raises(MienError, match="no model 'nobody'"):
        train(change(short, "distill=0.5"), open_dataset(few), tmp_path / "new", teachers=["nobody"], say=said.append)
    assert not (tmp_path / "new").exists()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MienError, match="small is the name of a model that comes with mien"):
        train(short, open_dataset(few), Path("small"), say=said.append)
    assert said == []


def test_a_network_that_cannot_be_built_leaves_no_run(short: Recipe, few: Path, tmp_path: Path) -> None:
    layers = Layered(kind="layers", layers=("conv 4",))
    with pytest.raises(RecipeError, match="do not fit together"):
        train(short.model_copy(update={"network": layers}), open_dataset(few), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_resume_where_there_is_nothing_yet_begins(short: Recipe, few: Path, tmp_path: Path) -> None:
    run = train(short, open_dataset(few), tmp_path / "run", resume=True)
    assert len(run.read_log()) == 1


def test_what_is_read_anew_in_each_epoch_goes_on_to_the_same_result(tiny: Recipe, few: Path, tmp_path: Path) -> None:
    recipe, data, memory = change(tiny, "schedule.epochs=3"), open_dataset(few), 17 * tiny.size**2
    unbroken = train(recipe, data, tmp_path / "unbroken", memory=memory)

    def stop_late(where: Progress) -> None:
        if where.epoch == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(recipe, data, tmp_path / "run", memory=memory, progress=stop_late)
    resumed = train(recipe, data, tmp_path / "run", resume=True)  # with its own buffer, though all would fit
    assert_same(resumed, unbroken)
    held = train(recipe, data, tmp_path / "held")
    assert (resumed.data()["buffer"], "buffer" in held.data()) == (17, False)
    assert told(held) != told(resumed)


def test_resume_of_a_finished_run_changes_nothing(run: Run, tiny: Recipe, happy_sad: Path, tmp_path: Path) -> None:
    copy = Run(shutil.copytree(run.folder, tmp_path / "run"))
    before = contents(copy.folder)
    said: list[str] = []
    train(tiny, open_dataset(happy_sad), copy.folder, resume=True, say=said.append)
    assert contents(copy.folder) == before
    assert "going on after epoch 6 of 6" in said


def test_another_recipe_is_refused_with_every_difference(
    run: Run, tiny: Recipe, happy_sad: Path, tmp_path: Path
) -> None:
    copy = Run(shutil.copytree(run.folder, tmp_path / "run"))
    before = contents(copy.folder)
    other = change(tiny, "seed=4", 'colour="rgb"', "optimiser.lr=0.2")
    with pytest.raises(RecipeError, match="was begun with another recipe") as caught:
        train(other, open_dataset(happy_sad), copy.folder, resume=True)
    assert len(caught.value.faults) == 3
    assert "seed: was 3, is 4" in caught.value.faults
    assert "colour: was gray, is rgb" in caught.value.faults
    assert "optimiser.lr: was 0.1, is 0.2" in caught.value.faults
    assert contents(copy.folder) == before


Edit = Callable[[Path], object]


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda folder: (folder / "happy" / "0000.png").unlink(), id="one fewer"),
        pytest.param(lambda folder: shutil.copy(folder / "sad/0000.png", folder / "sad/1000.png"), id="one more"),
        pytest.param(lambda folder: shutil.copy(folder / "sad/0001.png", folder / "sad/0002.png"), id="one changed"),
        pytest.param(lambda folder: (folder / "sad/0001.png").rename(folder / "happy/1000.png"), id="one relabelled"),
    ],
)
def test_other_data_are_refused(edit: Edit, short: Recipe, few: Path, tmp_path: Path) -> None:
    run = train(short, open_dataset(few), tmp_path / "run")
    before = contents(run.folder)
    edit(few)
    with pytest.raises(DataError, match="was begun with other data"):
        train(short, open_dataset(few), run.folder, resume=True)
    assert contents(run.folder) == before


@pytest.mark.parametrize("usage", ["Training", "PublicTest"])
def test_other_labels_are_other_data(usage: str, short: Recipe, tmp_path: Path) -> None:
    table = write_fer2013_csv(tmp_path / "csv", 4) / "fer2013.csv"
    run = train(short, open_dataset(table.parent), tmp_path / "run")
    lines = table.read_text().splitlines()
    row = next(number for number, line in enumerate(lines) if line.endswith(usage))
    lines[row] = str((int(lines[row][0]) + 1) % 7) + lines[row][1:]
    table.write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match="was begun with other data"):
        train(short, open_dataset(table.parent), run.folder, resume=True)


def test_the_same_data_may_move(short: Recipe, few: Path, tmp_path: Path) -> None:
    run = train(short, open_dataset(few), tmp_path / "run")
    few.rename(tmp_path / "moved")
    before = contents(run.folder)
    train(short, open_dataset(tmp_path / "moved"), run.folder, resume=True)
    assert contents(run.folder).keys() == before.keys()


# Beginning with another run's weights


def test_beginning_with_another_runs_weights(run: Run, tiny: Recipe, few: Path, tmp_path: Path) -> None:
    still = change(tiny, "schedule.epochs=1", "optimiser.lr=1e-12", "optimiser.weight_decay=0")
    said: list[str] = []
    continued = train(still, open_dataset(few), tmp_path / "run", start=run.folder, say=said.append)
    theirs, ours = (each.load(each.best)["network"] for each in (run, continued))
    trained = [name for name in theirs if not ("running" in name or "batches" in name)]
    assert f"beginning with {len(trained)} of {len(trained)} of the weights of {run.folder}" in said
    assert all(torch.allclose(theirs[name], ours[name], atol=1e-6) for name in trained)
    assert continued.data()["start"] == run.best_sha256()


@pytest.mark.usefixtures("arithmetic")
def test_what_a_run_began_with_matters_until_its_first_epoch_ends(
    run: Run, short: Recipe, few: Path, tmp_path: Path
) -> None:
    short, data, folder = change(short, "schedule.batch=6"), open_dataset(few), tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        train(short, data, folder, start=run.folder, progress=stop)
    with pytest.raises(DataError, match="go on with the --from that it was begun with"):
        train(short, data, folder, resume=True)
    resumed = train(short, data, folder, start=run.folder, resume=True)
    assert_same(resumed, train(short, data, tmp_path / "unbroken", start=run.folder))
    before = contents(folder)
    train(short, data, folder, resume=True)
    assert contents(folder) == before


def test_another_head_begins_anew_on_the_same_features(run: Run, tiny: Recipe, tmp_path: Path) -> None:
    still = change(tiny, "schedule.epochs=1", "optimiser.lr=1e-12", "optimiser.weight_decay=0")
    folder = write_folder(tmp_path / "three", ("happy", "sad", "angry"), 4)
    continued = train(still, open_dataset(folder), tmp_path / "run", start=run.folder)
    theirs, ours = (each.load(each.best)["network"] for each in (run, continued))
    kernel = "features.0.0.weight"
    assert torch.allclose(theirs[kernel], ours[kernel], atol=1e-6)
    assert ours["heads.angry-happy-sad.weight"].shape[0] == 3
    assert not any(name.startswith("heads.happy-sad") for name in ours)


def test_nothing_to_begin_with(run: Run, short: Recipe, tmp_path: Path) -> None:
    data = open_dataset(write_folder(tmp_path / "three", ("happy", "sad", "angry"), 4))
    with pytest.raises(MienError, match=r"no model '.*nothing'"):
        train(short, data, tmp_path / "a", start=tmp_path / "nothing")
    with pytest.raises(MienError, match=r"neither a training run .* nor a model"):
        train(short, data, tmp_path / "a", start=tmp_path)
    wider = change(short, "network.widths=[10]", "network.blocks=[1]", "network.attention=[]")
    with pytest.raises(MienError, match="has no weights that fit"):
        train(wider, data, tmp_path / "b", start=run.folder)


# Killed


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image folder without splits: three batches an epoch."""
    return write_folder(tmp_path_factory.mktemp("several"), ("happy", "sad"), 32)


@pytest.fixture(scope="module")
def brief(tiny: Recipe) -> Recipe:
    """Four epochs of `tiny`, two in each of its sizes."""
    return change(tiny, "schedule.epochs=4")


@pytest.fixture(scope="module")
def killed(brief: Recipe, several: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, `whole`, and what a kill in its midst would have left: its folder as it was, by point and epoch.

    Points are a step, and half of `last.pt`, of `best.pt` or of a line of the log.
    """
    folder = tmp_path_factory.mktemp("killed")
    whole = Run(folder / "whole")
    write, append = checkpoint.write, Run.append_log

    def leave(*point: object) -> None:
        shutil.copytree(whole.folder, folder / " ".join(map(str, point)))

    def write_half(path: Path, state: dict[str, Any]) -> None:
        half = path.with_name(f".{path.stem}.0123456789abcdef{path.suffix}")
        write(half, state)
        os.truncate(half, half.stat().st_size // 2)
        leave(path.stem, state["epoch"])
        half.unlink()
        write(path, state)

    def append_half(run: Run, entry: dict[str, Any]) -> None:
        before = run.log.read_bytes()
        run.log.write_bytes(before + b'{"epoch": ')
        leave("log", entry["epoch"] - 1)
        run.log.write_bytes(before)
        append(run, entry)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "write", write_half)
        patch.setattr(Run, "append_log", append_half)
        train(brief, open_dataset(several), whole.folder, progress=lambda at: leave("step", at.epoch, at.step))
    return folder


@pytest.mark.parametrize("point", ["step 0 2", "best 0", "last 0", "log 1", "step 2 2", "best", "last 3"])
def test_a_killed_run_goes_on_to_the_same_result(point: str, killed: Path, brief: Recipe, several: Path) -> None:
    whole = Run(killed / "whole")
    if point == "best":  # the last time that it was written
        point = f"best {whole.load(whole.best)['epoch']}"
    broken, finished = Run(killed / point), int(point.split()[1])
    assert broken.last.exists() == bool(finished)
    if finished:
        assert broken.load(broken.last)["epoch"] == finished - 1
    said: list[str] = []
    resumed = train(brief, open_dataset(several), broken.folder, resume=True, say=said.append)
    assert (f"going on after epoch {finished} of 4" in said) == bool(finished)
    assert_same(resumed, whole)
    assert resumed.curve.read_bytes() == whole.curve.read_bytes()


def test_a_run_killed_before_its_first_epoch_ended_is_not_in_the_way(short: Recipe, few: Path, tmp_path: Path) -> None:
    short = change(short, "schedule.batch=6")
    with pytest.raises(KeyboardInterrupt):
        train(short, open_dataset(few), tmp_path / "run", progress=stop)
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"recipe.json", "data.json", "log.jsonl"}
    other = change(short, "seed=9")
    with pytest.raises(RecipeError, match="was begun with another recipe"):
        train(other, open_dataset(few), tmp_path / "run", resume=True)
    again = train(other, open_dataset(few), tmp_path / "run")
    assert again.recipe() == other
    assert_same(again, train(other, open_dataset(few), tmp_path / "unbroken"))


WAITS = f"""
import sys, time
from mien.cli import main
from mien.training.learning.checkpoint import Run

append = Run.append_log

def wait(run, entry):
    append(run, entry)
    if entry["epoch"] == 3:
        print("waits", file=sys.stderr, flush=True)
        time.sleep({WAIT_S})

Run.append_log = wait
main()
"""
"""The command line, which waits in its third epoch."""


def environment() -> dict[str, str]:
    """That of this process, with as many threads: sums in another order are other sums."""
    return os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}


def test_the_command_line_killed_from_outside(killed: Path, tiny_file: Path, several: Path, tmp_path: Path) -> None:
    options = ["--data", str(several), "--out", str(tmp_path / "run"), "--set", "schedule.epochs=4"]
    words = ["train", str(tiny_file), *options]
    with subprocess.Popen(
        [sys.executable, "-c", WAITS, *words], env=environment(), stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line == "waits\n":
                process.kill()
                break
    assert process.returncode == -signal.SIGKILL
    broken = Run(tmp_path / "run")
    assert broken.load(broken.last)["epoch"] == 1
    command = [sys.executable, "-m", "mien", *words, "--resume"]
    resumed = subprocess.run(command, env=environment(), capture_output=True, text=True)
    assert resumed.returncode == 0, resumed.stderr
    assert "going on after epoch 2 of 4" in resumed.stderr
    assert_same(broken, Run(killed / "whole"))

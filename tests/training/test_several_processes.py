"""Several processes train as one does: the same order, the same steps, one of them writes, and none is left behind."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from arithmetic import training_in
from drawn import write_folder
from waiting import WAIT_S, until

from mien.datasets import open_dataset
from mien.errors import MienError
from mien.training.batches.augment import augment
from mien.training.batches.targets import Target, loss
from mien.training.learning.checkpoint import Run
from mien.training.learning.loop import Progress, train
from mien.training.machines.processes import Processes, processes
from mien.training.recipes.recipe import Augment, Recipe, read_recipe

CPU = torch.device("cpu")
FLOAT32 = {"ATEN_CPU_CAPABILITY": "avx2"}  # in which no processor multiplies in bfloat16
PLAIN = """\
name = "plain"
seed = 3
size = 24
validation_share = 0.25

[network]
kind = "layers"
layers = ["conv 8", "pool", "conv 16", "pool", "flatten", "dense 16"]

[augment]
flip = true
rotate = 10
shift = 0.05
contrast = 0.2
noise = 0.5
coarse = 0.3
erase = 0.5

[optimiser]
lr = 0.01

[schedule]
epochs = 3
batch = 15
"""
"""Without batch normalisation or dropout, so that several processes can do what one does."""

Start = Callable[..., subprocess.Popen[str]]


def test_alone() -> None:
    with processes("cpu") as ours:
        assert (ours.rank, ours.size, ours.device) == (0, 1, CPU)
        layer, tensor = torch.nn.Linear(1, 1), torch.ones(3)
        assert ours.parallel(layer) is layer
        ours.average(tensor)
        ours.meet()
        assert tensor.tolist() == ours.joined(tensor).tolist() == [1, 1, 1]
        assert (ours.agreed(7), ours.agreed(None)) == (7, None)


@pytest.mark.parametrize(("n", "parts"), [(0, [0, 0]), (1, [0, 1]), (5, [2, 3]), (8, [4, 4]), (7, [2, 2, 3])])
def test_parts_are_all_there_is(n: int, parts: list[int]) -> None:
    ours = [Processes(CPU, rank, len(parts)) for rank in range(len(parts))]
    rows = [list(range(n))[each.part(n)] for each in ours]
    assert [len(each) for each in rows] == parts
    assert [row for each in rows for row in each] == list(range(n))


@pytest.mark.parametrize(("images", "size"), [(0, 1), (1, 1), (4, 2), (6, 3), (128, 64)])
def test_each_has_two_images_of_a_batch(images: int, size: int) -> None:
    Processes(CPU, 0, size).check(images)
    with pytest.raises(MienError, match=f"processes need two images each, at least, of {images}"):
        Processes(CPU, 0, images + 2).check(images)


def test_images_are_changed_alike_in_parts() -> None:
    images = torch.randint(0, 256, (7, 1, 24, 24), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    config = Augment(
        flip=True, rotate=10, scale=0.1, shift=0.1, brightness=0.1, contrast=0.2, erase=0.5, coarse=0.5, noise=0.5
    )
    whole = augment(images, config, 30, torch.Generator().manual_seed(1))
    for part in (slice(3), slice(3, 7)):
        changed = augment(images[part], config, 30, torch.Generator().manual_seed(1), batch=7, part=part)
        for some, all_ in zip(changed, whole, strict=True):  # spoilt, and clear
            torch.testing.assert_close(some, all_[part])


def test_the_mean_of_the_parts_losses_is_the_loss(tiny: Recipe, happy_sad: Path) -> None:
    labels = open_dataset(happy_sad).labels
    logits, mask = torch.linspace(-2, 2, 14).reshape(7, 2), torch.tensor([1.0, 0, 1, 1, 0, 0, 1])
    target = Target(labels, 0.5, torch.softmax(logits.flip(0), 1), mask)
    parts = [slice(0, 3), slice(3, 7)]
    losses = [loss({"a": logits[part]}, {"a": target.part(part, 2)}) for part in parts]
    torch.testing.assert_close(torch.stack(losses).mean(), loss({"a": logits}, {"a": target}))
    nothing = Target(labels, 0.5, target.distribution, torch.zeros(7))
    assert loss({"a": logits[parts[0]]}, {"a": nothing.part(parts[0], 2)}) == 0


# On the command line


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("data"), ("happy", "sad"), 40)


def once_judged(progress: Progress) -> None:
    """Stops a run after an epoch."""
    if progress.step == progress.steps:
        raise KeyboardInterrupt


def begin(*command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", *command], env=os.environ | FLOAT32, stderr=subprocess.PIPE, text=True
    )


def test_two_go_on_as_one_would(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "plain.toml"
    file.write_text(PLAIN)
    recipe, dataset = read_recipe(file), open_dataset(data)
    with training_in("float32"):
        one = train(recipe, dataset, tmp_path / "one")
        with pytest.raises(KeyboardInterrupt):
            train(recipe, dataset, tmp_path / "two", progress=once_judged)
    first = (tmp_path / "two" / "log.jsonl").read_text()
    torchrun = ("torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "mien")
    going_on = begin(*torchrun, "train", str(file), "--data", str(data), "--out", str(tmp_path / "two"), "--resume")
    _, said = going_on.communicate(timeout=WAIT_S)
    assert going_on.returncode == 0, said
    assert said.count("training plain on 2 processes, each on CPU") == said.count("epoch 3/3") == 1
    two = Run(tmp_path / "two")
    assert two.log.read_text().startswith(first)
    assert {path.name for path in two.folder.iterdir()} == {path.name for path in one.folder.iterdir()}
    ours, theirs = (run.load(run.last) for run in (one, two))
    for part in ("network", "average"):
        for name, value in ours[part].items():
            torch.testing.assert_close(theirs[part][name], value, atol=1e-4, rtol=1e-3)
    for alone, shared in zip(one.read_log(), two.read_log(), strict=True):
        assert shared["loss"] == pytest.approx(alone["loss"], abs=1e-3)
        assert shared["nll"] == pytest.approx(alone["nll"], abs=1e-3)


def ranks(launcher: int) -> dict[int, int]:
    """The processes that one has begun, by their number among them."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if int((process / "stat").read_text().rpartition(")")[2].split()[1]) == launcher:
                told = dict(each.partition("=")[::2] for each in (process / "environ").read_text().split("\0"))
                found[int(told["RANK"])] = int(process.name)
        except (OSError, KeyError):  # it has ended meanwhile, or has just begun
            continue
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells of other processes")
def test_who_dies_takes_the_others_along_and_what_is_done_is_kept(
    tiny: Recipe, tiny_file: Path, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    options = ["--data", str(data), "--out", str(out), "--set", "schedule.epochs=100000", "--devices", "2"]
    run = Run(out)
    running = begin("mien", "train", str(tiny_file), *options)
    until(run.read_log)
    os.kill(ranks(running.pid)[1], signal.SIGKILL)
    _, said = running.communicate(timeout=WAIT_S)
    assert running.returncode == 2
    *_, last = said.splitlines()
    assert last.startswith("error: process 2 of 2 was ended by signal 9 (SIGKILL); all have ended. What was done is ")
    assert said.count("error") == 1
    assert "Traceback" not in said

    kept = [entry["epoch"] for entry in run.read_log()]
    endless = tiny.model_copy(update={"schedule": tiny.schedule.model_copy(update={"epochs": 100_000})})
    with training_in("float32"), pytest.raises(KeyboardInterrupt):
        train(endless, open_dataset(data), out, resume=True, progress=once_judged)
    epochs = [entry["epoch"] for entry in run.read_log()]
    assert epochs == list(range(1, len(epochs) + 1))
    assert len(epochs) >= len(kept) > 0
    assert all(math.isfinite(entry["loss"]) for entry in run.read_log())

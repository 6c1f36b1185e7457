"""The five small systems, each trained by its recipe on its own form of the data, beside mien on the same images.

    python benchmarks/systems.py [--minutes 60] [--runs runs/systems]

Runs are kept and resumed: call it until no epoch is left. The table says how many epochs were run. Every system is
judged on images of FER2013's public split, which neither it nor mien was trained on; mien answers in its label set.

Before that, transfer: a folder of 300 happy and sad images, drawn five times from the training split. The backbone has
learned from these images as well, with their labels: what it brings is what it knows of faces of this very kind.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

import numpy as np
from common import ROOT, data_folder, head, machine, median_seconds, row
from PIL import Image

import mien
from mien import artifact
from mien.datasets import Dataset, open_dataset
from mien.datasets.base import NO_LABEL
from mien.image import read_image
from mien.labels import CKPLUS7, FERPLUS8
from mien.recognizer import Recognizer
from mien.training.export.export import export
from mien.training.learning.loop import Progress, train
from mien.training.networks.describe import describe
from mien.training.recipes.recipe import read_recipe

DRAWS, SMALL = 5, 300
TRANSFER = {
    "transfer": "mien's network, beginning with its weights",
    "transfer-mobile": "inverted residuals, beginning with those of `mobile.toml`",
    "scratch": "mien's network, from scratch, 60 epochs",
    "happy-sad-small": "`happy-sad-small`, from scratch",
    "happy-sad-augmented": "`happy-sad-augmented`, from scratch",
}
SCRATCH = ["name=scratch", "schedule.epochs=60", "optimiser.lr=0.03"]
"""What its weights know must be learned first: longer, and at that of 0.01, 0.03 and 0.1 which did best on what the
first draw held out."""


class OutOfTimeError(Exception):
    """The minutes are over; the run goes on another time."""


@dataclass(frozen=True)
class System:
    """A recipe, what it is trained on, and what it is judged on."""

    recipe: str
    training: Path
    judged: Dataset
    split: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60, help="train no longer than this")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "systems")
    parser.add_argument("--mobile", type=Path, default=ROOT / "runs" / "mobile")
    given = parser.parse_args()
    ends = time.monotonic() + 60 * given.minutes
    forms = prepare(data_folder("fer2013", "export.py"), given.runs / "data")
    print(machine())
    print(f"\n{SMALL} images, {DRAWS} draws")
    head("network", "right: mean", "standard deviation")
    for name, words in TRANSFER.items():
        start = {"transfer": artifact.find(), "transfer-mobile": given.mobile}.get(name)
        if start is None or start.exists():
            tried = [drawn(name, draw, forms, given.runs, start, ends) for draw in range(DRAWS)]
            scores = [score for score in tried if score is not None]
            if len(scores) == DRAWS:
                row(words, f"{mean(scores):.1%}", f"{100 * stdev(scores):.1f} points")
            else:
                row(words, f"{len(scores)} of {DRAWS} draws finished", "")
    columns = ("right", "macro-F1", "mien: right", "mien: macro-F1", "parameters", "ms a face", "minutes of training")
    head("system", "epochs", "images judged", *columns)
    for system in systems(forms):
        row(system.recipe, *judged(system, given.runs, ends))
    print(f"\nmien itself: {one_face(mien.load()):.2f} ms a face")


def prepare(data: Path, out: Path) -> dict[str, Path]:
    """Each form of the data, written once, and whole or not at all."""

    def export(form: str) -> Callable[[Path], object]:
        command = [sys.executable, str(data / "export.py"), form]
        return lambda folder: subprocess.run([*command, str(folder)], check=True, stdout=subprocess.DEVNULL)

    valid = open_dataset(data / "fer2013").split("valid")
    happy_sad = out / "happysad" / "train"
    writers: dict[str, Callable[[Path], object]] = {form: export(form) for form in ("csv", "happysad", "people")}
    writers["contempt"] = lambda folder: write_majority(valid, folder)
    for draw in range(DRAWS):
        writers[f"draw-{draw}"] = lambda folder, seed=draw: write_draw(happy_sad, folder, seed)  # type: ignore[misc]
    for name, write in writers.items():
        if not (out / name).exists():
            unfinished = out / f".{name}"
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True)
            write(unfinished)
            unfinished.rename(out / name)
    return {name: out / name for name in writers}


def write_majority(dataset: Dataset, out: Path) -> None:
    """Images with an FER+ majority in `ckplus7`, in folders of these: with contempt, without neutral."""
    for number, (example, position) in enumerate(zip(dataset.examples, dataset.targets(FERPLUS8), strict=True)):
        if position != NO_LABEL and (emotion := FERPLUS8.emotions[position]) in CKPLUS7:
            (out / emotion).mkdir(parents=True, exist_ok=True)
            Image.fromarray(read_image(example.source)).save(out / emotion / f"{number:05d}.png")


def write_draw(source: Path, out: Path, seed: int) -> None:
    """As many happy as sad images, drawn from a folder."""
    for label in ("happy", "sad"):
        (out / label).mkdir(parents=True)
        for path in random.Random(seed).sample(sorted((source / label).iterdir()), SMALL // 2):
            shutil.copy(path, out / label)


def systems(forms: dict[str, Path]) -> list[System]:
    fer, binary = open_dataset(forms["csv"]), open_dataset(forms["happysad"])
    return [
        System("happy-sad-small", forms["draw-0"], binary, "test"),
        System("ckplus7-people", forms["people"], open_dataset(forms["contempt"]), "all"),
        System("happy-sad-3conv", forms["happysad"], binary, "test"),
        System("fer7-batchnorm", forms["csv"], fer, "valid"),
        System("fer7-2conv", forms["csv"], fer, "valid"),
    ]


def judged(system: System, runs: Path, ends: float) -> list[str]:
    """Cells of the table."""
    recipe = read_recipe(ROOT / "recipes" / f"{system.recipe}.toml")
    out = runs / system.recipe
    log = trained(system.recipe, system.training, out, None, ends)
    if not log:
        return [f"0 of {recipe.schedule.epochs}", *[""] * 8]
    model = exported(out)
    labels = model.labels
    theirs = mien.evaluate(model, system.judged, split=system.split, labels=labels)
    ours = mien.evaluate(mien.load(), system.judged, split=system.split, labels=labels)
    parameters = sum(each.parameters for each in describe(recipe))
    minutes = sum(each["seconds"] for each in log) / 60
    scores = [cell for each in (theirs, ours) for cell in (f"{each.accuracy:.1%}", f"{each.macro_f1:.3f}")]
    costs = (f"{parameters:,}", f"{one_face(model):.2f}", f"{minutes:.0f}" if minutes >= 0.5 else "<1")
    return [f"{len(log)} of {recipe.schedule.epochs}", f"{theirs.n:,}", *scores, *costs]


def drawn(name: str, draw: int, forms: dict[str, Path], runs: Path, start: Path | None, ends: float) -> float | None:
    """Accuracy on the public split's happy and sad images after training on one draw; None while it is not finished."""
    out = runs / "transfer" / f"{name}-{draw}"
    recipe, changes = ("transfer", SCRATCH) if name == "scratch" else (name, [])
    log = trained(recipe, forms[f"draw-{draw}"], out, start, ends, changes)
    if len(log) < read_recipe(ROOT / "recipes" / f"{recipe}.toml", changes).schedule.epochs:
        return None
    return mien.evaluate(exported(out), open_dataset(forms["happysad"]), split="test").accuracy


def trained(
    recipe: str, data: Path, out: Path, start: Path | None, ends: float, changes: list[str] | None = None
) -> list[dict[str, float]]:
    """The log of a run, which is begun or taken further."""

    def watch(where: Progress) -> None:
        if time.monotonic() > ends:
            raise OutOfTimeError

    read = read_recipe(ROOT / "recipes" / f"{recipe}.toml", changes or [])
    try:
        return train(read, open_dataset(data), out, resume=True, start=start, progress=watch).read_log()
    except OutOfTimeError:
        from mien.training.learning.checkpoint import Run

        return Run(out).read_log()


def exported(out: Path) -> Recognizer:
    shutil.rmtree(out / "model", ignore_errors=True)
    export([out], out / "model")
    return mien.load(out / "model", threads=2)


def one_face(model: Recognizer) -> float:
    """Milliseconds of the network for one face, on one thread."""
    channels = () if model.preprocess.colour == "gray" else (3,)
    crop = np.zeros((1, model.preprocess.size, model.preprocess.size, *channels), np.uint8)
    step: Callable[[], object] = lambda: model.logits(crop)  # noqa: E731
    return 1000 * median_seconds(step, 200)


if __name__ == "__main__":
    main()

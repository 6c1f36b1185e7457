"""Transfer on a few hundred images, as a user gets it: the artifact as it is exported, on new images.

    python benchmarks/transfer.py [--seeds 0 1 2 3 4] [--runs runs/transfer]

A folder of 300 happy and sad images, drawn from FER2013's training split, is trained on with `recipes/transfer.toml`,
which begins with `small`; 60 of the images validate. The model is judged on the happy and sad images of the public
split, beside its own logits without calibration. Runs are kept: called again, it goes on. 15 s a draw on two cores.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from common import ROOT, data_folder, head, machine, row
from systems import SMALL, write_draw

import mien
from mien import metrics
from mien.datasets import Dataset, load_pixels, open_dataset
from mien.recognizer import Recognizer
from mien.training.export.export import export
from mien.training.learning.loop import train
from mien.training.recipes.recipe import read_recipe


@dataclass(frozen=True)
class Row:
    """One draw: the best epoch; on new images, accuracy, and ECE and NLL as exported and without calibration."""

    epoch: int
    accuracy: float
    ece: float
    nll: float
    plain_ece: float
    plain_nll: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="of the draws")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "transfer")
    given = parser.parse_args()
    images = happy_sad(data_folder("fer2013", "export.py"), given.runs)
    new = open_dataset(images).split("test")
    print(f"{machine()}\n\n{SMALL} images a draw, judged on {len(new):,} new ones")
    head("draw", "epoch", "right", "ECE", "NLL", "ECE, uncalibrated", "NLL, uncalibrated")
    rows = []
    for seed in given.seeds:
        rows.append(judged(trained(images / "train", seed, given.runs), new))
        row(seed, *told(rows[-1]))
    row("mean", *told(Row(*np.mean([astuple(each) for each in rows], 0))))


def happy_sad(data: Path, runs: Path) -> Path:
    """FER2013's happy and sad images in folders, written once, and whole or not at all."""
    out, unfinished = runs / "happysad", runs / ".happysad"
    if not out.exists():
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        command = [sys.executable, str(data / "export.py"), "happysad", str(unfinished)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        unfinished.rename(out)
    return out


def trained(source: Path, seed: int, runs: Path) -> Recognizer:
    """The model of one draw, exported anew."""
    images, run, model = (runs / f"{what}-{seed}" for what in ("draw", "run", "model"))
    if not images.exists():
        unfinished = runs / f".draw-{seed}"
        shutil.rmtree(unfinished, ignore_errors=True)
        write_draw(source, unfinished, seed)
        unfinished.rename(images)
    train(read_recipe(ROOT / "recipes" / "transfer.toml"), open_dataset(images), run, resume=True, start="small")
    shutil.rmtree(model, ignore_errors=True)
    export([run], model)
    return mien.load(model)


def judged(model: Recognizer, new: Dataset) -> Row:
    """A model on new images."""
    (head,) = model.artifact.manifest.heads
    readable, crops, _ = load_pixels(new, model.preprocess.whole)
    truth, logits = readable.targets(head.label_set), model.logits(crops)[head.labels]
    exported, plain = head.probabilities(logits), metrics.softmax(logits)
    scores = [score(each, truth) for each in (exported, plain) for score in (metrics.ece, metrics.nll)]
    return Row(model.artifact.manifest.runs[0]["epoch"], metrics.accuracy(exported, truth), *scores)


def told(row: Row) -> list[str]:
    scores = (row.ece, row.nll, row.plain_ece, row.plain_nll)
    return [f"{row.epoch:g}", f"{row.accuracy:.1%}", *(f"{each:.4f}" for each in scores)]


if __name__ == "__main__":
    main()

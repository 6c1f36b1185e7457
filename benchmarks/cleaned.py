"""Does training on the clean rest help? One small network, three sets of images, two seeds each.

    python benchmarks/cleaned.py [--seeds 1 2] [--epochs 10] [--runs runs/cleaned]

The audit looks at FER2013's training and public split. The network is trained from random weights, on FER2013's labels
alone: on all training images; without those that the audit leaves out; and without as many drawn by chance. The judge
is the public split, without images that have a copy, exact or near, in training: by its labels, and by what most FER+
voters said, where that is one of the seven. `small`, which looks for the errors, has learned from these labels and from
votes, so that it knows more of these images than of a user's own. Runs are kept: called again, it goes on.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
from common import ROOT, data_folder, head, machine, row

import mien
from mien import metrics
from mien.audit import Kind, audit
from mien.audit.suspects import LEFT_OUT
from mien.datasets import Dataset, load_pixels, open_dataset
from mien.datasets.base import NO_LABEL
from mien.datasets.index import without
from mien.labels import FER7, FERPLUS8
from mien.metrics import Ints
from mien.training.export.export import export
from mien.training.learning.loop import train
from mien.training.recipes.recipe import read_recipe

RECIPE = """
name = "cleaned"
labels = "fer7"
seed = {seed}

[network]
stem = "5x5"
widths = [16, 64, 112, 160]
blocks = [1, 1, 2, 2]
dropout = 0.1

[augment]
flip = true
rotate = 15
scale = 0.2
shift = 0.1
contrast = 0.3
erase = 0.4

[optimiser]
kind = "muon"
lr = 0.01
momentum = 0.95
weight_decay = 0.05

[schedule]
epochs = {epochs}
batch = 256
warmup = 1
ema = 0.99
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "cleaned")
    given = parser.parse_args()
    whole = open_dataset(data_folder("fer2013/train.parquet") / "fer2013")
    found = audit(mien.load(), whole, crop="whole")
    trained_on = {each.name for each in whole.examples if each.split == "train"}
    suspects = [each for each in found.suspects if each.kind in LEFT_OUT and each.name in trained_on]
    gone = {each.name for each in suspects}
    copied = {each.other for each in found.suspects if each.kind is Kind.LEAK}
    judge = without(whole.split("valid"), copied)
    print(f"{machine()}\n\n{len(trained_on):,} training images, of which the audit leaves out {len(gone):,}:")
    print(dict(Counter(each.kind.value for each in suspects)), f"; judged on {len(judge):,}")
    head("trained on", "seed", "images", "right by the labels", "NLL", "right by the voters", "NLL")
    for seed in given.seeds:
        others = np.random.default_rng(seed).permutation(sorted(trained_on))[: len(gone)]
        for name, out in {"all": set(), "the clean rest": gone, "as many, by chance": set(others.tolist())}.items():
            rest = without(whole, out) if out else whole
            scores = judged(trained(rest, f"{name.split()[-1]}-{seed}", seed, given.epochs, given.runs), judge)
            row(name, seed, f"{len(trained_on) - len(out):,}", *scores)


def trained(data: Dataset, name: str, seed: int, epochs: int, runs: Path) -> mien.Recognizer:
    """The model of one run."""
    run, model, recipe = (runs / f"{what}-{name}" for what in ("run", "model", "recipe"))
    if not model.exists():
        runs.mkdir(parents=True, exist_ok=True)
        file = recipe.with_suffix(".toml")
        file.write_text(RECIPE.format(seed=seed, epochs=epochs))
        train(read_recipe(file), data, run, resume=True, crop="whole")
        export([run], model)
    return mien.load(model)


def judged(model: mien.Recognizer, judge: Dataset) -> list[str]:
    """Accuracy and NLL by the labels, and by the majority of voters where it is one of the seven."""
    readable, crops, _ = load_pixels(judge, model.preprocess.whole)
    (head,) = model.artifact.manifest.heads
    shares = head.probabilities(model.logits(crops)[head.labels])
    told = []
    for truth in (readable.targets(FER7), by_voters(readable)):
        known = truth != NO_LABEL
        scores = metrics.accuracy(shares[known], truth[known]), metrics.nll(shares[known], truth[known])
        told += [f"{scores[0]:.1%}", f"{scores[1]:.3f}"]
    return told


def by_voters(judge: Dataset) -> Ints:
    """What most voters said of each image, as one of the seven, or `NO_LABEL`, (n,)."""
    seven = np.array([FER7.emotions.index(each) if each in FER7 else NO_LABEL for each in FERPLUS8.emotions])
    voted = judge.targets(FERPLUS8)
    return np.where(voted == NO_LABEL, NO_LABEL, seven[voted])


if __name__ == "__main__":
    main()

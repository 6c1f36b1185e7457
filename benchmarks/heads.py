"""Which head of a model answers best for a part of FER2013's labels: all sets of two to seven of them.

    python benchmarks/heads.py [MODEL ...]

On FER2013's public split, images of other labels left out; probabilities are projected (see `LabelSet.project`). MODEL
is a name or a folder; `small` if none is given.
"""

from __future__ import annotations

import sys
from itertools import combinations

import numpy as np
from common import data_folder, head, machine, row

import mien
from mien import metrics
from mien.datasets import Dataset, load_pixels, open_dataset
from mien.datasets.base import NO_LABEL
from mien.labels import FER7, LabelSet

SIZES = range(2, 8)


def main() -> None:
    valid = open_dataset(data_folder("fer2013/valid.parquet") / "fer2013" / "valid.parquet")
    print(machine())
    for name in sys.argv[1:] or ["small"]:
        judge(mien.load(name, threads=2), valid)


def judge(recognizer: mien.Recognizer, valid: Dataset) -> None:
    readable, crops, _ = load_pixels(valid, recognizer.preprocess.whole)
    logits = recognizer.logits(crops)
    heads = recognizer.artifact.manifest.heads
    told = [f"`{each.labels}` right, ECE" for each in heads]
    head(
        f"`{recognizer.artifact.name}`: labels",
        "sets",
        *told,
        *(f"sets that `{each.labels}` answers best" for each in heads),
    )
    for size in SIZES:
        scores = []
        for emotions in combinations(FER7, size):
            labels = LabelSet("part", emotions)
            truth = readable.targets(labels)
            judged = truth != NO_LABEL
            answers = [
                each.label_set.project(each.probabilities(logits[each.labels][judged]), labels) for each in heads
            ]
            scores.append(
                [(metrics.accuracy(each, truth[judged]), metrics.ece(each, truth[judged])) for each in answers]
            )
        means = np.mean(scores, 0)
        best = np.array(scores)[:, :, 0].argmax(1)
        most = np.bincount(best, minlength=len(heads))
        row(size, len(scores), *(f"{right:.1%}, {ece:.3f}" for right, ece in means), *most)


if __name__ == "__main__":
    main()

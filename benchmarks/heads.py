"""Which head of a model answers best for a part of FER2013's labels: all sets of two to seven of them.

    python benchmarks/heads.py [NAME|DIR]

On FER2013's public split, images of other labels left out; probabilities are projected (see `LabelSet.project`).
"""

from __future__ import annotations

import sys
from itertools import combinations

import numpy as np
from common import data_folder, machine

import mien
from mien import metrics
from mien.datasets import load_pixels, open_dataset
from mien.datasets.base import NO_LABEL
from mien.labels import FER7, LabelSet

SIZES = range(2, 8)


def main() -> None:
    recognizer = mien.load(*sys.argv[1:], threads=2)
    valid = open_dataset(data_folder("fer2013/valid.parquet") / "fer2013" / "valid.parquet")
    readable, crops, _ = load_pixels(valid, recognizer.preprocess.whole)
    logits = recognizer.logits(crops)
    heads = recognizer.artifact.manifest.heads
    print(machine())
    print(f"\n{recognizer.artifact.name}; right, ECE: the mean over sets")
    for size in SIZES:
        scores = []
        for emotions in combinations(FER7, size):
            labels = LabelSet("part", emotions)
            truth = readable.targets(labels)
            judged = truth != NO_LABEL
            answers = [
                head.label_set.project(head.probabilities(logits[head.labels][judged]), labels) for head in heads
            ]
            scores.append(
                [(metrics.accuracy(each, truth[judged]), metrics.ece(each, truth[judged])) for each in answers]
            )
        means = np.mean(scores, 0)
        told = "; ".join(
            f"{head.labels} {right:.1%}, {ece:.3f}" for head, (right, ece) in zip(heads, means, strict=True)
        )
        best = np.array(scores)[:, :, 0].argmax(1)
        most = ", ".join(f"{head.labels} {(best == place).sum()}" for place, head in enumerate(heads))
        print(f"{size} labels, {len(scores)} sets: {told}; most often right: {most}")


if __name__ == "__main__":
    main()

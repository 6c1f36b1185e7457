"""How well a model does on FER2013's public split: both label worlds, calibration, and without images seen in training.

    python benchmarks/quality.py [NAME|DIR[+NAME|DIR...] ...]

Models with a + between them answer together: the mean of their logits. Needs pyarrow. Each answer is calibrated on nine
tenths of the images, without its own (KL: on all). Beside macro-F1 is its 95% interval (bootstrap), beside ECE that of
a perfectly calibrated model with the same confidences on so many images: labels drawn from its answers.
"""

from __future__ import annotations

import sys

import numpy as np
from common import data_folder, machine
from numpy.typing import NDArray

import mien
from mien import metrics
from mien.artifact import DEFAULT
from mien.datasets import Dataset, load_pixels, open_dataset
from mien.datasets.base import NO_LABEL
from mien.heads import HeadInfo
from mien.labels import FERPLUS8
from mien.training.export.calibrate import calibrate, held_out

ROUNDS = 30  # in which labels are drawn
HEADS = [
    "answers",
    "judged",
    "accuracy (95%)",
    "macro-F1 (95%)",
    "ECE (perfect)",
    "NLL",
    "KL to votes",
    "right at 80%",
    "sure",
]


def main() -> None:
    data = data_folder("fer2013/train.parquet", "fer2013/valid.parquet")
    asked = [together.split("+") for together in sys.argv[1:] or [DEFAULT]]
    recognizers = {name: mien.load(name, threads=2) for together in asked for name in together}
    whole = next(iter(recognizers.values())).preprocess.whole
    _, train_crops, _ = load_pixels(open_dataset(data / "fer2013" / "train.parquet"), whole)
    valid, crops, _ = load_pixels(open_dataset(data / "fer2013" / "valid.parquet"), whole)
    seen = {crop.tobytes() for crop in train_crops}
    fresh = np.array([crop.tobytes() not in seen for crop in crops])
    sizes = [f"{name} {len(each.artifact.onnx) / 1e6:.2f} MB" for name, each in recognizers.items()]
    print(f"{machine()}\n\n{', '.join(sizes)}\n\n| {' | '.join(HEADS)} |\n|{'---|' * len(HEADS)}")
    for names in asked:
        models = [recognizers[name] for name in names]
        answers = [model.logits(crops) for model in models]
        called = f"`{models[0].artifact.name}`" + f" and {len(models) - 1} others" * (len(models) > 1)
        for head in models[0].artifact.manifest.heads:
            logits = np.mean([each[head.labels].astype(np.float64) for each in answers], 0)
            known = valid.targets(head.label_set) != NO_LABEL
            show(f"{called}: `{head.labels}`", valid, logits, head, known)
            show("without exact twins in train", valid, logits, head, known & fresh)


def show(name: str, valid: Dataset, logits: metrics.Floats, head: HeadInfo, chosen: NDArray[np.bool_]) -> None:
    """A row, of the chosen images."""
    votes = valid.votes()[chosen, : len(FERPLUS8)]
    if head.label_set != FERPLUS8:
        votes = np.zeros((0, len(head.emotions)), np.int64)
    rows, truth = logits[chosen], valid.targets(head.label_set)[chosen]
    found = calibrate(rows, truth, rows[: len(votes)], votes).scores
    probabilities = held_out(rows, truth)
    low, high = found["accuracy_interval"]
    least, most = macro_f1_interval(probabilities, truth)
    cells = (
        name,
        f"{found['n']:,}",
        f"{found['accuracy']:.2%} +- {100 * (high - low) / 2:.2f}",
        f"{found['macro_f1']:.3f} ({least:.3f} to {most:.3f})",
        f"{found['ece']:.4f} ({perfect(probabilities):.4f})",
        f"{found['nll']:.3f}",
        f"{found['kl_to_votes']:.3f}" if "kl_to_votes" in found else "-",
        f"{found['accuracy_at_80_percent']:.1%}",
        f"{found['coverage']:.1%}",
    )
    print(f"| {' | '.join(cells)} |", flush=True)


def macro_f1_interval(probabilities: metrics.Floats, truth: metrics.Ints) -> tuple[float, float]:
    guesses, classes = probabilities.argmax(1), probabilities.shape[1]
    return metrics.bootstrap(
        lambda rows: metrics.macro_f1(metrics.confusion(guesses[rows], truth[rows], classes)), len(truth)
    )


def perfect(probabilities: metrics.Floats) -> float:
    """The mean ECE of labels drawn from the answers themselves."""
    rng = np.random.default_rng(0)
    drawn = ((probabilities.cumsum(1) > rng.random((len(probabilities), 1))).argmax(1) for _ in range(ROUNDS))
    return float(np.mean([metrics.ece(probabilities, labels) for labels in drawn]))


if __name__ == "__main__":
    main()

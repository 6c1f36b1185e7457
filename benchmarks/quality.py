"""How well a model does on FER2013's public split: both label worlds, calibration, and without images seen in training.

    python benchmarks/quality.py [NAME|DIR[+NAME|DIR...] ...]

Models with a + between them answer together: the mean of their logits. Needs pyarrow. Each answer is calibrated, and
stacked where the first model's head listens to another, on nine tenths of the images, without its own (KL: on all).
Beside macro-F1 is its 95% interval (bootstrap), beside ECE that of a perfectly calibrated model with the same
confidences on so many images: labels drawn from its answers. Last come the figures that the README quotes, a table
for each model.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from common import data_folder, head, machine, row
from numpy.typing import NDArray

import mien
from mien import metrics
from mien.artifact import DEFAULT
from mien.datasets import Dataset, load_pixels, open_dataset
from mien.datasets.base import NO_LABEL
from mien.heads import HeadInfo
from mien.labels import FERPLUS8
from mien.network import Network
from mien.training.export.calibrate import calibrate
from mien.training.export.stack import fit_stacking

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
SHORT = ("judged", "accuracy", "macro-F1", "ECE", "right at 80% coverage")
WORLDS = {"ferplus8": "FER+ majority, 8 classes", "fer7": "FER2013 label, 7 classes"}


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
    print(f"{machine()}\n\n{', '.join(sizes)}")
    head(*HEADS)
    short: dict[str, dict[str, dict[str, Any]]] = {}
    for names in asked:
        models = [recognizers[name] for name in names]
        answers = [
            Network(model.artifact, listening=False).logits(model.preprocess.tensor(crops), 2) for model in models
        ]
        mean = {name: np.mean([each[name].astype(np.float64) for each in answers], 0) for name in answers[0]}
        called = f"`{models[0].artifact.name}`" + f" and {len(models) - 1} others" * (len(models) > 1)
        for speaking in models[0].artifact.manifest.heads:
            known = valid.targets(speaking.label_set) != NO_LABEL
            found = show(f"{called}: `{speaking.labels}`", valid, mean, speaking, known)
            short.setdefault(called, {})[speaking.labels] = found
            show("without exact twins in train", valid, mean, speaking, known & fresh)
    for called, scores in short.items():
        head(called, *SHORT)
        for labels, found in scores.items():
            show_short(WORLDS.get(labels, f"`{labels}`"), found)


def show(
    name: str,
    valid: Dataset,
    logits: Mapping[str, metrics.Floats],
    speaking: HeadInfo,
    chosen: NDArray[np.bool_],
) -> dict[str, Any]:
    """A row, of the chosen images; gives their scores."""
    votes = valid.votes()[chosen, : len(FERPLUS8)]
    if speaking.label_set != FERPLUS8:
        votes = np.zeros((0, len(speaking.emotions)), np.int64)
    rows, truth = logits[speaking.labels][chosen], valid.targets(speaking.label_set)[chosen]
    if speaking.stacking:
        other = speaking.stacking.labels
        rows = fit_stacking(other, rows, logits[other][chosen], truth)[1]
    calibrated = calibrate(rows, truth, rows[: len(votes)], votes)
    found, probabilities = calibrated.scores, calibrated.answers
    least, most = macro_f1_interval(probabilities, truth)
    row(
        name,
        f"{found['n']:,}",
        f"{found['accuracy']:.2%} +- {within(found):.2f}",
        f"{found['macro_f1']:.3f} ({least:.3f} to {most:.3f})",
        f"{found['ece']:.4f} ({perfect(probabilities):.4f})",
        f"{found['nll']:.3f}",
        f"{found['kl_to_votes']:.3f}" if "kl_to_votes" in found else "-",
        f"{found['accuracy_at_80_percent']:.1%}",
        f"{found['coverage']:.1%}",
    )
    return found


def show_short(name: str, found: dict[str, Any]) -> None:
    row(
        name,
        f"{found['n']:,}",
        f"{found['accuracy']:.1%} +- {within(found):.1f}",
        *(f"{found[score]:.3f}".removeprefix("0") for score in ("macro_f1", "ece")),
        f"{found['accuracy_at_80_percent']:.1%}",
    )


def within(found: dict[str, Any]) -> float:
    """Half of the 95% interval of an accuracy, in points."""
    low, high = found["accuracy_interval"]
    return float(100 * (high - low) / 2)


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

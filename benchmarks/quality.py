"""How well a model does on FER2013's public split: both label worlds, calibration, and without images seen in training.

    python benchmarks/quality.py [NAME|DIR ...]

Several models answer together: the mean of their logits. Needs pyarrow. Each answer is calibrated on nine tenths of the
images, without its own (KL: on all). Beside macro-F1 is its 95% interval (bootstrap), beside ECE that of a perfectly
calibrated model with the same confidences on so many images: labels drawn from its answers.
"""

from __future__ import annotations

import sys

import numpy as np
from common import data_folder, machine

import mien
from mien import metrics
from mien.artifact import DEFAULT
from mien.datasets import load_pixels, open_dataset
from mien.datasets.base import NO_LABEL
from mien.labels import FERPLUS8
from mien.training.export.calibrate import calibrate, held_out

ROUNDS = 30  # in which labels are drawn
DIGITS = "{:26}{:>10}{:>18}{:>10}{:>14}{:>8}{:>9}{:>8}{:>8}{:>14}{:>10}"


def main() -> None:
    data = data_folder("fer2013/train.parquet", "fer2013/valid.parquet")
    recognizers = [mien.load(name, threads=2) for name in sys.argv[1:] or [DEFAULT]]
    whole = recognizers[0].preprocess.whole
    _, train_crops, _ = load_pixels(open_dataset(data / "fer2013" / "train.parquet"), whole)
    valid, crops, _ = load_pixels(open_dataset(data / "fer2013" / "valid.parquet"), whole)
    seen = {crop.tobytes() for crop in train_crops}
    fresh = np.array([crop.tobytes() not in seen for crop in crops])
    answers = [recognizer.logits(crops) for recognizer in recognizers]
    artifacts = [recognizer.artifact for recognizer in recognizers]
    print(machine())
    print("\n" + " + ".join(f"{artifact.name}, {len(artifact.onnx) / 1e6:.2f} MB" for artifact in artifacts))
    heads = ("", "judged", "accuracy (95%)", "macro-F1", "(95%)", "ECE", "perfect", "NLL", "KL", "right at 80%", "sure")
    print(DIGITS.format(*heads))
    for head in artifacts[0].manifest.heads:
        truth = valid.targets(head.label_set)
        for name, chosen in (
            (head.labels, truth != NO_LABEL),
            ("  without twins in train", (truth != NO_LABEL) & fresh),
        ):
            votes = valid.votes()[chosen, : len(FERPLUS8)]
            if head.label_set != FERPLUS8:
                votes = np.zeros((0, len(head.emotions)), np.int64)
            rows = np.mean([logits[head.labels][chosen].astype(np.float64) for logits in answers], 0)
            found = calibrate(rows, truth[chosen], rows[: len(votes)], votes).scores
            probabilities = held_out(rows, truth[chosen])
            low, high = found["accuracy_interval"]
            least, most = macro_f1_interval(probabilities, truth[chosen])
            print(
                DIGITS.format(
                    name,
                    found["n"],
                    f"{found['accuracy']:.2%} +-{(high - low) / 2:.2%}",
                    f"{found['macro_f1']:.3f}",
                    f"{least:.3f}-{most:.3f}",
                    f"{found['ece']:.4f}",
                    f"{perfect(probabilities):.4f}",
                    f"{found['nll']:.3f}",
                    f"{found['kl_to_votes']:.3f}" if "kl_to_votes" in found else "-",
                    f"{found['accuracy_at_80_percent']:.1%}",
                    f"{found['coverage']:.1%}",
                )
            )


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

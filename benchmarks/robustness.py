"""How models bear spoilt images: FER2013's public split under eleven corruptions, each at three strengths.

    python benchmarks/robustness.py [MODEL ...] [--images 1000] [--runs runs/systems]

MODEL is a name or a folder; without any: the models that come with mien, and those of the five small systems where
`systems.py` has trained them. Images are drawn once with a fixed seed; so is all that is random in a corruption. Models
that tell happy from sad are judged on these two, the one with contempt by FER+ majority, the others by FER2013's label.
The idea of such a suite: Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations", 2019.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean

import numpy as np
from common import ROOT, data_folder, head, machine, row
from numpy.typing import NDArray
from PIL import Image, ImageFilter

import mien
from mien.artifact import names
from mien.datasets import Dataset, load_pixels, open_dataset
from mien.datasets.base import NO_LABEL
from mien.labels import CKPLUS7, FER7, FERPLUS8, HAPPY_SAD, LabelSet
from mien.preprocess import Preprocess
from mien.recognizer import Recognizer

Gray = NDArray[np.uint8]
Corruption = Callable[[Gray, float, np.random.Generator], Gray]
SIDE = 48
SYSTEMS = ("happy-sad-3conv", "fer7-2conv", "fer7-batchnorm", "ckplus7-people", "happy-sad-small")


def blur(image: Gray, radius: float, _: np.random.Generator) -> Gray:
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(radius)))


def noise(image: Gray, deviation: float, rng: np.random.Generator) -> Gray:
    return whole(image + rng.normal(0, deviation, image.shape))


def jpeg(image: Gray, quality: float, _: np.random.Generator) -> Gray:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "jpeg", quality=int(quality))
    return np.asarray(Image.open(stream))


def brightness(image: Gray, added: float, rng: np.random.Generator) -> Gray:
    return whole(image + added * rng.choice((-1.0, 1.0)))


def contrast(image: Gray, kept: float, _: np.random.Generator) -> Gray:
    return whole(image.mean() + kept * (image - image.mean()))


def resolution(image: Gray, side: float, _: np.random.Generator) -> Gray:
    small = Image.fromarray(image).resize((int(side), int(side)), Image.Resampling.BOX)
    return np.asarray(small.resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def rotation(image: Gray, degrees: float, rng: np.random.Generator) -> Gray:
    wide = Image.fromarray(np.pad(image, SIDE, mode="edge"))
    turned = wide.rotate(degrees * rng.choice((-1.0, 1.0)), Image.Resampling.BILINEAR)
    return np.asarray(turned.crop((SIDE, SIDE, 2 * SIDE, 2 * SIDE)))


def shift(image: Gray, pixels: float, rng: np.random.Generator) -> Gray:
    wide = np.pad(image, int(pixels), mode="edge")
    top, left = (int(pixels * (1 + rng.choice((-1, 1)))) for _ in range(2))
    return wide[top : top + SIDE, left : left + SIDE]


def covered(centre: float) -> Corruption:
    """A gray bar across the face, as high as that share of it."""

    def cover(image: Gray, height: float, _: np.random.Generator) -> Gray:
        changed = image.copy()
        top, bottom = (round(SIDE * (centre + sign * height / 2)) for sign in (-1, 1))
        changed[top:bottom] = 128
        return changed

    return cover


def lower(image: Gray, height: float, _: np.random.Generator) -> Gray:
    """Gray from below, as high as that share of the image."""
    changed = image.copy()
    changed[round(SIDE * (1 - height)) :] = 128
    return changed


CORRUPTIONS: dict[str, tuple[str, Corruption, tuple[float, float, float]]] = {
    "blur": ("radius in px", blur, (0.6, 1.0, 1.5)),
    "noise": ("standard deviation", noise, (8, 16, 32)),
    "JPEG": ("quality", jpeg, (50, 25, 10)),
    "brightness": ("added or taken, of 255", brightness, (40, 70, 100)),
    "contrast": ("share kept", contrast, (0.6, 0.4, 0.2)),
    "low resolution": ("side in px", resolution, (32, 24, 16)),
    "rotation": ("degrees", rotation, (10, 20, 30)),
    "shift": ("px, both ways", shift, (3, 6, 9)),
    "eyes covered": ("height of the bar", covered(0.36), (0.12, 0.2, 0.28)),
    "mouth covered": ("height of the bar", covered(0.78), (0.12, 0.2, 0.28)),
    "covered from below": ("height", lower, (0.2, 0.35, 0.5)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "systems")
    given = parser.parse_args()
    data = data_folder("fer2013/valid.parquet")
    trained = [given.runs / name / "model" for name in SYSTEMS if (given.runs / name / "model").exists()]
    models = [mien.load(each, threads=2) for each in given.models or [*names(), *trained]]
    valid, crops, _ = load_pixels(open_dataset(data / "fer2013" / "valid.parquet"), Preprocess(SIDE).whole)
    chosen = np.sort(np.random.default_rng(0).permutation(len(valid))[: given.images])
    images = [crops[row] for row in chosen]
    sets = [judged_as(model) for model in models]
    truths = [valid.targets(truth_set(labels, valid))[chosen] for labels in sets]
    truths = [moved(truth, labels, valid) for truth, labels in zip(truths, sets, strict=True)]

    print(machine())
    print(f"\n{len(images)} images; judged: {[int((truth != NO_LABEL).sum()) for truth in truths]}")
    head("corruption", "strength", *map(told, models))
    clean = [accuracy(*each, images) for each in zip(models, sets, truths, strict=True)]
    row("none", "", *shares(clean))
    everything = []
    for name, (unit, change, strengths) in CORRUPTIONS.items():
        for strength in strengths:
            rng = np.random.default_rng(1)
            spoilt = [change(image, strength, rng) for image in images]
            scores = [accuracy(*each, spoilt) for each in zip(models, sets, truths, strict=True)]
            row(name, f"{strength:g} ({unit})", *shares(scores))
            everything.append(scores)
    means = [mean(column) for column in zip(*everything, strict=True)]
    row("mean of all", "", *shares(means))
    row("of the clean score", "", *shares([part / whole for part, whole in zip(means, clean, strict=True)]))


def judged_as(model: Recognizer) -> LabelSet:
    """The first of the three label sets that a model can answer in."""
    return next(labels for labels in (FER7, CKPLUS7, HAPPY_SAD) if labels.name in model.artifact.label_sets)


def truth_set(labels: LabelSet, valid: Dataset) -> LabelSet:
    """FER+ majority where there is contempt to judge, FER2013's labels otherwise."""
    return FERPLUS8 if labels == CKPLUS7 else valid.labels


def moved(truth: NDArray[np.int64], labels: LabelSet, valid: Dataset) -> NDArray[np.int64]:
    """Positions in another label set; NO_LABEL where it lacks the emotion."""
    source = truth_set(labels, valid)
    place = [labels.index(emotion) if emotion in labels else NO_LABEL for emotion in source]
    return np.array([place[position] if position != NO_LABEL else NO_LABEL for position in truth])


def accuracy(model: Recognizer, labels: LabelSet, truth: NDArray[np.int64], images: list[Gray]) -> float:
    kept = np.flatnonzero(truth != NO_LABEL)
    crops = [model.preprocess.whole(np.repeat(images[row][..., np.newaxis], 3, axis=2)) for row in kept]
    guesses = model.probabilities(crops, labels).argmax(1)
    return float((guesses == truth[kept]).mean())


def told(model: Recognizer) -> str:
    folder = model.artifact.folder
    return f"`{folder.parent.name if folder.name == 'model' else folder.name}`"


def shares(scores: Sequence[float]) -> list[str]:
    return [f"{score:.1%}" for score in scores]


def whole(image: NDArray[np.floating]) -> Gray:
    return np.clip(np.round(image), 0, 255).astype(np.uint8)


if __name__ == "__main__":
    main()

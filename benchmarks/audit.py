"""What the audit finds in FER2013, beside what people voted; planted errors; and what a hundred thousand images cost.

    python benchmarks/audit.py choose            which opinions to mix, on the training split
    python benchmarks/audit.py judge [PYTHON]    how good that is, on the public split
    python benchmarks/audit.py copies            blank and equal images of both
    python benchmarks/audit.py large [N ...]     what a hundred thousand images cost, or N, each in a process of its own

A label is wrong where less than a fifth of the ten FER+ votes are for it. The network learned from such votes on the
training images, so that `choose` sees what it knows already, and `judge` is of other images: the split that chose its
epochs and calibration. PYTHON is one that has cleanlab, in an environment of its own: `python -m venv runs/cleanlab`,
and with that one's pip `cleanlab==2.9.0`.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np
from common import data_folder, head, machine, row

import mien
from mien.audit import Kind, audit
from mien.audit.judged import Judged, judged_labels, opinions_on
from mien.audit.looks import Look, Looks
from mien.audit.opinions import doubted, together
from mien.datasets import Dataset, open_dataset
from mien.datasets.base import NO_LABEL, VOTES, load_pixels
from mien.datasets.copies import kept_together
from mien.image import read_image
from mien.labels import FERPLUS8
from mien.metrics import Floats, Ints

FEW = 0.2  # of the votes
FIRST = (50, 200, 1000)
PLANTED, FOUND_IN = 0.05, 0.1  # shares of the labels
DRAWS = 5
LARGE = 100_000
THREADS = 2

CLEANLAB = """
import sys, numpy as np
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
with np.load(sys.argv[1]) as told:
    labels, opinions = told["labels"], {name: told[name] for name in told if name != "labels"}
for name, shares in opinions.items():
    found = find_label_issues(labels, shares, return_indices_ranked_by="self_confidence")
    rest = np.setdiff1d(np.arange(len(labels)), found)
    score = get_label_quality_scores(labels, shares)
    order = np.concatenate([found, rest[np.argsort(score[rest], kind="stable")]])
    np.save(sys.argv[1] + f".{name}.npy", order)
"""


@dataclass(frozen=True)
class Known:
    """A split, what was seen of it, and which of the judged labels are wrong, (n,)."""

    dataset: Dataset
    recognizer: mien.Recognizer
    looks: Looks
    judged: Judged
    wrong: np.ndarray


def main() -> None:
    match sys.argv[1:]:
        case ["choose"]:
            told(known("train"))
        case ["judge", *python]:
            split = known("valid")
            told(split)
            beside(split, python)
            told(voted(split))
        case ["copies"]:
            copies()
        case ["large", *numbers]:
            print(f"{machine()}\n{THREADS} threads")
            head("images", "minutes", "processors", "an image", "memory at most")
            for number in [int(each) for each in numbers] or [LARGE]:
                with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
                    row(*alone.submit(large, number).result())
        case _:
            sys.exit(__doc__)


def known(split: str) -> Known:
    dataset = open_dataset(data_folder("fer2013/train.parquet") / "fer2013" / f"{split}.parquet")
    recognizer = mien.load()
    looks = crops_alone(recognizer, dataset)
    print(f"{machine()}\n{split}: {len(dataset):,} images")
    return judging(dataset, recognizer, looks)


def crops_alone(recognizer: mien.Recognizer, dataset: Dataset) -> Looks:
    """What labels are judged by, without a look for faces in the crops, which takes most of an audit's time."""
    _, crops, _ = load_pixels(dataset, recognizer.preprocess.whole)
    images = tuple(Look(faced=bool(crop.min() < crop.max())) for crop in crops)
    rows = np.flatnonzero([image.faced for image in images])
    parts = np.array_split(crops[rows], len(rows) // 1000 + 1)
    features = np.concatenate([recognizer.features(part).mean((2, 3)) for part in parts])
    return Looks(images, rows, features, recognizer.logits(crops[rows]))


def judging(dataset: Dataset, recognizer: mien.Recognizer, looks: Looks) -> Known:
    judged = judged_labels(kept_together(dataset), looks)
    chosen = [dataset.examples[row] for row in judged.rows]
    shares = [each.votes[VOTES.index(each.label)] / max(sum(each.votes), 1) for each in chosen]
    return Known(dataset, recognizer, looks, judged, np.array(shares) < FEW)


def voted(split: Known) -> Known:
    """The same images with what most people voted for as their labels; those without a majority are left out."""
    targets = split.dataset.targets(FERPLUS8)
    rows = np.flatnonzero(targets != NO_LABEL)
    examples = tuple(replace(split.dataset.examples[row], label=FERPLUS8.emotions[targets[row]]) for row in rows)
    looks = split.looks
    kept = np.isin(looks.rows, rows)
    seen = replace(
        looks,
        images=tuple(looks.images[row] for row in rows),
        rows=np.searchsorted(rows, looks.rows[kept]),
        features=looks.features[kept],
        logits={head: values[kept] for head, values in looks.logits.items()},
    )
    print(f"labelled by the majority: {len(rows):,} images")
    return judging(replace(split.dataset, examples=examples, labels=FERPLUS8), split.recognizer, seen)


def told(split: Known) -> None:
    """Each mix of opinions: precision among the most suspect, and how many planted errors are among the first."""
    print(f"wrong by the votes: {split.wrong.mean():.1%}")
    head(
        f"opinions, {len(split.wrong):,} labels",
        *(f"wrong of the first {first:,}" for first in FIRST if split.wrong.any()),
        "planted errors found",
    )
    planted = [with_errors(split.judged, seed) for seed in range(DRAWS)]
    everyone = opinions_on(split.recognizer, split.looks, split.judged)
    theirs = [opinions_on(split.recognizer, split.looks, judged) for judged, _ in planted]
    every = tuple(everyone)
    mixes = [mix for size in range(1, len(every) + 1) for mix in combinations(every, size)]
    for mix in mixes:
        order = ranked([everyone[name] for name in mix], split.judged.labels)
        found = [
            share_found(ranked([opinions[name] for name in mix], judged.labels), errors)
            for opinions, (judged, errors) in zip(theirs, planted, strict=True)
        ]
        spread = f"{np.mean(found):.1%} ({min(found):.1%} to {max(found):.1%})"
        row(" and ".join(mix), *precision(order, split.wrong), spread)


def ranked(opinions: Sequence[Floats], labels: Ints) -> Ints:
    """Places of labels, the most suspect first."""
    return np.argsort(-doubted(opinions, labels).suspicion, kind="stable")


def precision(order: Ints, wrong: np.ndarray) -> list[str]:
    """How many of the most suspect are wrong; nothing where no label is."""
    return [f"{wrong[order[:first]].mean():.1%}" for first in FIRST if wrong.any()]


def with_errors(judged: Judged, seed: int) -> tuple[Judged, Ints]:
    """Labels of which some are other ones, and the places of these."""
    rng = np.random.default_rng(seed)
    places = rng.permutation(len(judged.labels))[: round(PLANTED * len(judged.labels))]
    labels = judged.labels.copy()
    labels[places] = (labels[places] + rng.integers(1, len(judged.names), len(places))) % len(judged.names)
    return replace(judged, labels=labels), places


def share_found(order: Ints, errors: Ints) -> float:
    return float(np.isin(errors, order[: round(FOUND_IN * len(order))]).mean())


def beside(split: Known, python: Sequence[str]) -> None:
    """Confident learning's own verdict, and cleanlab's on the same probabilities."""
    labels, opinions = split.judged.labels, opinions_on(split.recognizer, split.looks, split.judged)
    likely = doubted(list(opinions.values()), labels).likely
    if python:
        cleanlab(labels, opinions, split.wrong, python[0])
    print(f"\nlikely errors: {likely.sum():,}, of which {split.wrong[likely].mean():.1%} are wrong by the votes")


def cleanlab(labels: Ints, opinions: dict[str, Floats], wrong: np.ndarray, python: str) -> None:
    """Rows of its own ranking, in the table that stands above."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "opinions.npz"
        shares = {"fer7": opinions["fer7"], "mix": together(list(opinions.values()))}
        np.savez(file, labels=labels, fer7=shares["fer7"], mix=shares["mix"])
        subprocess.run([python, "-c", CLEANLAB, str(file)], check=True)
        for name in shares:
            row(f"cleanlab on {name}", *precision(np.load(f"{file}.{name}.npy"), wrong), "")


def copies() -> None:
    """The blank images and the groups of equal ones, as counted here pixel by pixel, and as the audit finds them."""
    folder = data_folder("fer2013/train.parquet") / "fer2013"
    found = audit(mien.load(), open_dataset(folder), crop="whole", threads=THREADS)
    pixels = {each.name: read_image(each.source) for each in found.dataset.examples}
    blank = {name for name, image in pixels.items() if image.min() == image.max()}
    groups: dict[bytes, set[str]] = {}
    for name, image in pixels.items():
        if name not in blank:
            groups.setdefault(hashlib.sha256(image.tobytes()).digest(), set()).add(name)
    twins = [group for group in groups.values() if len(group) > 1]
    same = {
        (each.name, each.other) for each in found.suspects if each.kind in (Kind.EXACT, Kind.LEAK) and each.score == 1
    }
    whole = sum(sum({one, other} <= group for one, other in same) == len(group) - 1 for group in twins)
    told_blank = {each.name for each in found.suspects if each.kind is Kind.BLANK}
    print(f"blank: {len(blank & told_blank)} of {len(blank)} found, {len(told_blank - blank)} others")
    print(f"groups of equal images: {whole:,} of {len(twins):,} found whole; {sum(map(len, twins)):,} images")
    print(dict(Counter(each.kind.value for each in found.suspects)), f"clean: {found.n - len(found.left_out):,}")


def large(number: int) -> list[str]:
    """Cells of the table: memory is what this process held at most."""
    dataset = open_dataset(data_folder("fer2013/train.parquet") / "fer2013")
    many = replace(dataset, examples=tuple(repeated(dataset, number)))
    began, used = time.perf_counter(), time.process_time()
    audit(mien.load(), many, threads=THREADS)
    wall, cpu = time.perf_counter() - began, time.process_time() - used
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    each_ms = 1000 * cpu / number
    return [f"{number:,}", f"{wall / 60:.1f}", f"{cpu:.0f} s", f"{each_ms:.1f} ms", f"{memory:.2f} GB"]


def repeated(dataset: Dataset, number: int) -> Iterator[mien.datasets.Example]:
    """The images again and again, with noise that grows from round to round."""
    rng = np.random.default_rng(0)
    for place in range(number):
        example = dataset.examples[place % len(dataset)]
        gray = read_image(example.source)[..., 0]
        noise = rng.normal(0, 8 * (place // len(dataset)), gray.shape)
        pixels = np.clip(gray + noise, 0, 255).astype(np.uint8)
        yield replace(example, name=f"{place}", source=pixels)


if __name__ == "__main__":
    main()

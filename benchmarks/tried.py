"""What was tried for faces from elsewhere and left, as `elsewhere.py --tried` prints it, by set.

- Priors between that of training and a balanced one: p / mix^a. And one that is told from the answers themselves, by
  expectation and maximisation (Saerens, Latinne and Decaestecker, 2002). Right, in %.
- Both heads as one: the weighed geometric mean of their chances. Right, in %.
- Other signs by which an answer is sure, each from where four in five are right on the balanced labels of the second
  head: share sure, and right when sure.
- Confidence tempered by the second head, its ECE: the mean of both heads' chances, the second one's where it is lower,
  and a chance fitted to both (logistic regression) on FER+ and on the second head's labels, balanced, mixed.
- Distance from training: how often a face of a set lies farther from the training faces than one of the public split,
  by the network's features (Mahalanobis, tenth neighbour).
- Framing: the square that is cut out, smaller or larger, higher or lower; and two of them averaged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol
from unittest.mock import patch

import numpy as np
import pyarrow.parquet as pq
from common import head, row
from numpy.typing import NDArray

import mien.face
from mien import metrics
from mien.answers import opinions
from mien.datasets import load_pixels, open_dataset
from mien.datasets.base import spread
from mien.face import Face, Square, framing
from mien.heads import HeadInfo
from mien.image import Pixels
from mien.metrics import Floats
from mien.prediction import is_sure
from mien.recognizer import Recognizer

Logits = Mapping[str, NDArray[np.float32]]
TRAINING_FACES = 6000
ERRORS = 0.2
NEIGHBOUR = 10
STEPS = 100
BINS = 15
COLUMNS = {
    "public split, ferplus8": "FER+",
    "public split, ferplus8, balanced": "balanced",
    "public split, fer7": "FER2013's",
    "public split, fer7, balanced": "balanced",
    "retaken much, ferplus8": "retaken much, FER+",
    "retaken much, fer7, balanced": "retaken much, FER2013's, balanced",
    "news": "news",
    "london": "london",
}
"""The sets that are told of, and how."""


class Faces(Protocol):
    """See `elsewhere.Faces`."""

    @property
    def name(self) -> str: ...
    @property
    def crops(self) -> Pixels: ...
    @property
    def truth(self) -> NDArray[np.str_]: ...
    @property
    def weights(self) -> Floats: ...


Sets = Sequence[tuple[Faces, Logits]]
Judged = tuple[Faces, Floats, Floats, NDArray[np.bool_]]
"""Faces with the chances that both heads give to the first one's answers, and which are right."""


def tell(model: Recognizer, sets: Sets, data: Path) -> None:
    first, second = model.artifact.heads[0], model.artifact.heads[-1]
    sets = [(faces, logits) for faces, logits in sets if faces.name in COLUMNS]
    columns = [COLUMNS[faces.name] for faces, _ in sets]
    print(f"\n{model.artifact.name}, tried and left")
    head("right, by prior", *columns)
    for power in (0.0, 0.3, 0.5, 0.7, 1.0):
        row(f"prior to the {power:g}", *(right(faces, first, moved(first, logits, power)) for faces, logits in sets))
    row("prior by EM", *(right(faces, first, told_by_answers(first, logits)) for faces, logits in sets))
    head("right, both heads as one", *columns)
    for share in (0.25, 0.5, 0.75):
        for power in (0.0, 1.0):
            name = f"{share:.0%} of `{second.labels}`{', balanced' if power else ''}"
            row(name, *(right(faces, first, together(first, second, logits, share, power)) for faces, logits in sets))
    judged = [(faces, *judge(first, second, faces, logits)) for faces, logits in sets]
    head("sure, right when sure", *columns)
    signs(first, second, judged)
    head("ECE", *columns)
    tempered(first, second, judged)
    head("distance", *columns)
    distances(model, sets, data)
    framings(model, data)


def right(faces: Faces, head: HeadInfo, chances: Floats) -> str:
    hits = np.array(head.emotions)[chances.argmax(1)] == faces.truth
    return f"{100 * np.average(hits, weights=faces.weights):.1f}"


def moved(head: HeadInfo, logits: Logits, power: float) -> Floats:
    chances = head.probabilities(logits[head.labels]) / np.array(head.mix) ** power
    return np.asarray(chances / chances.sum(1, keepdims=True), np.float64)


def told_by_answers(head: HeadInfo, logits: Logits) -> Floats:
    """Chances with the prior that makes them likeliest."""
    plain, prior = head.probabilities(logits[head.labels]), np.array(head.mix)
    for _ in range(STEPS):
        chances = plain * prior / np.array(head.mix)
        chances /= chances.sum(1, keepdims=True)
        prior = chances.mean(0)
    return np.asarray(chances, np.float64)


def together(first: HeadInfo, second: HeadInfo, logits: Logits, share: float, power: float) -> Floats:
    """The geometric mean of two heads' chances in the first one's emotions; what the second lacks it takes as it is."""
    ours, theirs = moved(first, logits, power), moved(second, logits, power)
    both = ours.copy()
    for place, emotion in enumerate(first.emotions):
        if emotion in second.emotions:
            their = theirs[:, second.emotions.index(emotion)]
            both[:, place] = ours[:, place] ** (1 - share) * np.maximum(their, 1e-12) ** share
    return both


def signs(first: HeadInfo, second: HeadInfo, judged: Sequence[Judged]) -> None:
    """Other signs, each as far as it may be believed on the second head's labels, balanced."""
    tests: dict[str, Callable[[Floats, Floats], Floats]] = {
        "first head": lambda ours, theirs: ours,
        f"`{second.labels}`": lambda ours, theirs: theirs,
        "product": lambda ours, theirs: ours * theirs,
        "mean": lambda ours, theirs: (ours + theirs) / 2,
        "either": lambda ours, theirs: 1 - (1 - ours) * (1 - theirs),
    }
    for name, test in tests.items():
        faces, ours, theirs, hits = named(judged, f"public split, {second.labels}, balanced")
        asked = is_sure(ours, first.threshold)
        least = metrics.lowest(test(ours, theirs)[asked], ~hits[asked], ERRORS, faces.weights[asked])
        cells = []
        for faces, ours, theirs, hits in judged:
            sure = is_sure(ours, first.threshold) & is_sure(test(ours, theirs), least)
            share = np.average(sure, weights=faces.weights)
            true = np.average(hits[sure], weights=faces.weights[sure]) if sure.any() else 0.0
            cells.append(f"{100 * share:.0f}, {100 * true:.0f}")
        row(f"sure by {name}, from {least:.2f}", *cells)


def tempered(first: HeadInfo, second: HeadInfo, judged: Sequence[Judged]) -> None:
    """The ECE of confidences that heed both heads; answers stay as they are."""
    world = named(judged, f"public split, {first.labels}")
    elsewhere = named(judged, f"public split, {second.labels}, balanced")
    tests: dict[str, Callable[[Floats, Floats], Floats]] = {
        "as it is": lambda ours, theirs: ours,
        f"a quarter of `{second.labels}`": lambda ours, theirs: ours + (np.minimum(ours, theirs) - ours) / 4,
        f"half of `{second.labels}`": lambda ours, theirs: ours + (np.minimum(ours, theirs) - ours) / 2,
        "half, where doubted": lambda ours, theirs: np.where(theirs < least(first), (ours + theirs) / 2, ours),
    } | {f"fitted, {share:.0%} elsewhere": fitted(world, elsewhere, share) for share in (0.0, 0.1, 0.25, 0.5, 1.0)}
    for name, test in tests.items():
        row(name, *(f"{ece(test(ours, theirs), hits, faces.weights):.3f}" for faces, ours, theirs, hits in judged))


def least(head: HeadInfo) -> float:
    return head.second.threshold if head.second else 0.0


def fitted(world: Judged, elsewhere: Judged, share: float) -> Callable[[Floats, Floats], Floats]:
    """The chance to be right by both heads' chances, where a share of the faces is labelled as elsewhere."""

    def evidence(ours: Floats, theirs: Floats) -> Floats:
        clipped = [np.clip(each, 1e-4, 1 - 1e-4) for each in (ours, theirs)]
        return np.column_stack([*(np.log(each / (1 - each)) for each in clipped), np.ones(len(ours))])

    signs = np.concatenate([evidence(ours, theirs) for _, ours, theirs, _ in (world, elsewhere)])
    hits = np.concatenate([world[3], elsewhere[3]])
    parts = ((world, 1 - share), (elsewhere, share))
    weights = np.concatenate([part * each[0].weights / each[0].weights.mean() for each, part in parts])
    by = np.zeros(signs.shape[1])
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-signs @ by))
        curve = (signs * (weights * chance * (1 - chance))[:, None]).T @ signs
        by += np.linalg.solve(curve, signs.T @ (weights * (hits - chance)))
    return lambda ours, theirs: 1 / (1 + np.exp(-evidence(ours, theirs) @ by))


def ece(confidence: Floats, right: NDArray[np.bool_], weights: Floats) -> float:
    """As `metrics.ece`, each face weighed."""
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.bincount(place, weights * (right - confidence), minlength=BINS)
    return float(np.abs(gaps).sum() / weights.sum())


def named(judged: Sequence[Judged], name: str) -> Judged:
    return next(each for each in judged if each[0].name == name)


def judge(first: HeadInfo, second: HeadInfo, faces: Faces, logits: Logits) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """The chances that both heads give to the first one's answers, and which are right."""
    chances = first.probabilities(logits[first.labels])
    words = np.array(first.emotions)[chances.argmax(1)]
    theirs = np.minimum(opinions(logits[second.labels], second, chances, first.label_set), 1.0)
    return chances.max(1), theirs, words == faces.truth


def distances(model: Recognizer, sets: Sets, data: Path) -> None:
    """The chance that a face of a set is farther from training than one of the public split."""
    training = spread(open_dataset(data / "fer2013" / "train.parquet"), TRAINING_FACES)
    learned = features(model, load_pixels(training, model.preprocess.whole)[1])
    middle, spread_ = learned.mean(0), learned.std(0) + 1e-6
    values, axes = np.linalg.eigh(np.cov(((learned - middle) / spread_).T))

    def mahalanobis(seen: Floats) -> Floats:
        return np.asarray(((((seen - middle) / spread_) @ axes) ** 2 / np.maximum(values, 1e-4)).mean(1))

    def neighbour(seen: Floats) -> Floats:
        units = [(each - middle) / spread_ for each in (seen, learned)]
        ours, theirs = (unit / np.linalg.norm(unit, axis=1, keepdims=True) for unit in units)
        return np.asarray(1 - np.partition(ours @ theirs.T, -NEIGHBOUR, axis=1)[:, -NEIGHBOUR])

    seen = [features(model, faces.crops) for faces, _ in sets]
    for name, far in (("Mahalanobis", mahalanobis), ("neighbour", neighbour)):
        known = np.sort(far(seen[0]))
        row(f"farther by {name}", *(f"{np.searchsorted(known, far(each)).mean() / len(known):.2f}" for each in seen))


def features(model: Recognizer, crops: Pixels) -> Floats:
    return np.asarray(model.features(crops).mean((2, 3)), np.float64)


def framings(model: Recognizer, data: Path) -> None:
    """Every sixth photo of those from elsewhere, cut out otherwise."""
    first = model.artifact.heads[0]
    squares = {"as it is": [(1.0, 0.0)]}
    squares |= {f"{scale:g} as large": [(scale, 0.0)] for scale in (0.8, 0.9, 1.1, 1.2)}
    squares |= {f"higher by {lift:g}": [(1.0, lift)] for lift in (-0.08, -0.04, 0.04, 0.08)}
    squares |= {"1 and 0.9 averaged": [(1.0, 0.0), (0.9, 0.0)]}
    sets = [name for name in ("news", "london") if (data / "elsewhere" / f"{name}.parquet").exists()]
    head(f"{model.artifact.name}, framing", *sets)
    photos = {name: pq.read_table(data / "elsewhere" / f"{name}.parquet").to_pylist()[::6] for name in sets}
    for name, each in squares.items():
        cells = []
        for rows in photos.values():
            logits, truth = zip(*(cut_otherwise(model, rows, *square) for square in each), strict=True)
            chances = first.probabilities(np.mean(logits, 0))
            words = np.array(first.emotions)[chances.argmax(1)]
            cells.append(f"{100 * (words == truth[0]).mean():.1f}")
        row(name, *cells)


def cut_otherwise(
    model: Recognizer, rows: Sequence[Mapping[str, dict[str, bytes]]], scale: float, lift: float
) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    """Logits of the first head, of faces cut out by a square of another size, moved along the face."""

    def other(face: Face) -> Square:
        square = framing(face)
        turn, by = np.radians(square.roll), lift * square.side
        x, y = square.centre_xy
        return Square((x + by * np.sin(turn), y - by * np.cos(turn)), square.side * scale, square.roll)

    with patch.object(mien.face, "framing", other):
        found = [model.find(row["image"]["bytes"], "detect") for row in rows]
    there = [place for place, each in enumerate(found) if each.crops]
    logits = model.logits([found[place].crops[0] for place in there])[model.artifact.heads[0].labels]
    return logits, np.array([rows[place]["label"] for place in there])

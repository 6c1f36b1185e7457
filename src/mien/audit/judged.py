"""Which labels can be judged, and who is asked about them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from mien.audit.looks import Looks
from mien.audit.opinions import FOLDS, RARE, out_of_fold
from mien.datasets.base import Dataset
from mien.datasets.splits import group_of
from mien.metrics import Floats, Ints
from mien.recognizer import Recognizer


@dataclass(frozen=True)
class Judged:
    """Images whose labels are judged.

    Args:
        rows: their places in the dataset, (n,).
        faces: their places among the images with a face, see `Looks`, (n,).
        labels: their labels, by place in `names`, (n,).
        names: the labels that are judged; none, or two at least.
        folds: the fold of each, in which what stays together is together, (n,).
        rare: the labels that have too few images for that, or too few groups.
    """

    rows: Ints
    faces: Ints
    labels: Ints
    names: tuple[str, ...]
    folds: Ints
    rare: tuple[str, ...]


def judged_labels(dataset: Dataset, looks: Looks) -> Judged:
    """Of a dataset whose groups are known (see `kept_together`)."""
    examples = [dataset.examples[row] for row in looks.rows]
    counts = Counter(each.label for each in examples)
    of = {name: {group_of(each) for each in examples if each.label == name} for name in dataset.labels}
    enough = tuple(name for name in dataset.labels if counts[name] >= RARE and len(of[name]) >= FOLDS)
    names = enough if len(enough) > 1 else ()
    faces = np.flatnonzero([each.label in names for each in examples])
    label_of = {group_of(examples[face]): examples[face].label for face in faces}
    shuffled = np.random.default_rng(0).permutation(np.array(sorted(label_of), object)).tolist()
    by_label = sorted((tuple(group) for group in shuffled), key=lambda group: label_of[group])  # in all folds alike
    fold_of = {group: place % FOLDS for place, group in enumerate(by_label)}
    return Judged(
        rows=looks.rows[faces],
        faces=faces,
        labels=np.array([names.index(examples[face].label) for face in faces], np.int64),
        names=names,
        folds=np.array([fold_of[group_of(examples[face])] for face in faces], np.int64),
        rare=tuple(name for name in counts if name not in names),
    )


def opinions_on(recognizer: Recognizer, looks: Looks, judged: Judged) -> dict[str, Floats]:
    """Opinions on labels by who gives them: the regression on features, and each head that knows all of them."""
    features = looks.features[judged.faces]
    told = {"features": out_of_fold(features, judged.labels, len(judged.names), judged.folds)}
    for head in recognizer.artifact.manifest.heads:
        if all(name in head.label_set for name in judged.names):
            shares = head.probabilities(looks.logits[head.labels][judged.faces])
            chosen = shares[:, [head.label_set.index(name) for name in judged.names]]
            told[head.labels] = chosen / chosen.sum(1, keepdims=True)
    return told

"""What is wrong with data before anything is learned from them: labels, or people on both sides of a split."""

from __future__ import annotations

import numpy as np

from mien.datasets import Dataset
from mien.datasets.base import NO_LABEL
from mien.datasets.doubts import alike_told, folders_told, people_told, words_told
from mien.datasets.walk import with_counts
from mien.labels import FACE, label_set
from mien.metrics import Ints
from mien.training.batches.data import Split
from mien.training.learning.judge import LEAST
from mien.training.recipes.recipe import Recipe
from mien.wording import counted

FEW = 5
"""Images of a label below which it is hardly learned."""


def doubts_of_data(dataset: Dataset, prepared: Dataset, recipe: Recipe) -> tuple[str, ...]:
    """A sentence on labels that the recipe's label set, or where it names none any known set, lacks, and on people.

    Args:
        dataset: as it was read.
        prepared: for the recipe, with its splits.
        recipe: what is to be trained.
    """
    people = (*people_told(prepared), *(alike_told(prepared) or folders_told(dataset)))
    if not recipe.labels:
        return (*words_told(dataset), *people)
    outside = dataset.outside(label_set(recipe.labels))
    said = f"left out, as {recipe.labels} lacks their labels: {with_counts(outside, len(outside))}"
    return (*((said,) if outside else ()), *people)


def doubts(training: Split, valid: Split) -> list[str]:
    """A sentence a doubt: labels by name, with the number of their images, and what that means."""
    told = []
    for name, target in training.targets.items():
        if name == FACE.name:
            continue
        emotions = tuple(target.labels)
        learned, judged = (_counts(split, name, len(emotions)) for split in (training, valid))
        rare = {emotion: int(n) for emotion, n in zip(emotions, learned, strict=True) if n < FEW}
        unseen = [emotion for emotion, n in zip(emotions, judged, strict=True) if not n]
        if rare:
            told.append(
                f"head {name}: few images to train on: {with_counts(rare)}; fewer than {FEW} teach next to nothing"
            )
        if unseen:
            told.append(f"head {name}: no image to validate: {', '.join(unseen)}; nothing tells how well they are read")
        if 0 < judged.sum() < LEAST:
            told.append(
                f"head {name}: {counted(judged.sum(), 'image to validate is', 'images to validate are')} too few to "
                f"calibrate confidence; it takes {LEAST}"
            )
    return told


def _counts(split: Split, name: str, emotions: int) -> Ints:
    """Images of each emotion that a head is judged by; zeros where the split has no truth for it."""
    if name not in split.truth:
        return np.zeros(emotions, np.int64)
    truth = split.truth[name].cpu().numpy()
    return np.bincount(truth[truth != NO_LABEL], minlength=emotions)

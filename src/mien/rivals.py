"""Rivals: models judged on the same data, each as it reads photos, and compared on what none of them was trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mien.datasets import Dataset
from mien.datasets.base import own_labels
from mien.datasets.walk import few
from mien.errors import DataError
from mien.evaluation import evaluate
from mien.labels import LabelSet
from mien.recognizer import Recognizer
from mien.report.compare import Compared, compare_fresh


def compare_models(
    models: Sequence[Recognizer],
    dataset: Dataset,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Compared]:
    """Compare models on the images of a dataset that none of them was trained on, nor on a copy, each with the first.

    They answer in those of its labels that all of them speak, each by its first head that has them. Of a dataset that a
    model was trained on, the images that its training held out count; these chose its epoch and its calibration, and so
    flatter it a little.

    Args:
        models: two at least.
        dataset: see `evaluate` for the split that is judged.
        progress: called with the images done and their number, once a model.

    Raises:
        DataError: there are fewer than two models, or of the labels that they have in common; or there is no such
            image.
        LabelError: a model speaks those labels, but by no one head.
    """
    if len(models) < 2:
        raise DataError("a comparison needs two models at least")
    labels = _common(models, dataset)
    reports = [
        evaluate(each, dataset, labels=labels, head=each.artifact.head_for(labels).labels, progress=progress)
        for each in models
    ]
    return compare_fresh(reports)


def _common(models: Sequence[Recognizer], dataset: Dataset) -> LabelSet:
    spoken = [{emotion for head in each.artifact.heads for emotion in head.emotions} for each in models]
    shared = [label for label in dataset.labels if all(label in each for each in spoken)]
    if len(shared) < 2:
        raise DataError(
            f"{dataset.path}: of its labels ({', '.join(dataset.labels)}) the models share {few(shared)}, and two are "
            "needed: say with --map what the others mean"
        )
    return own_labels(dataset.path, shared)

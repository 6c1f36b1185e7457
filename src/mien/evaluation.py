"""Evaluation: a recognizer judged on a labelled dataset, through the same code that reads photos."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from mien import metrics
from mien.crops import Crop
from mien.datasets import open_dataset
from mien.datasets.base import NO_LABEL, Dataset, nothing_read
from mien.datasets.splits import group_of, with_split
from mien.errors import DataError, LabelError
from mien.image import describe
from mien.labels import FERPLUS8, LabelSet, label_set
from mien.metrics import Ints
from mien.photos import CropChoice, choose_crop, load_crops, trained_crop
from mien.prediction import Prediction
from mien.preprocess import crop_hash
from mien.recognizer import Recognizer
from mien.report import Answers, Report, make_report


def evaluate(
    recognizer: Recognizer,
    dataset: Dataset | str | os.PathLike[str],
    *,
    split: str | None = None,
    labels: str | LabelSet | None = None,
    crop: Crop | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Judge a recognizer.

    Args:
        recognizer: what to judge.
        dataset: one, or the path of one, in any form that mien knows. Its `targets` in the label set are the truth (see
            `Dataset.targets` for FER+ votes).
        split: the one to judge on; the last of train, valid, test, all if None. Where the model was trained on this
            very dataset, the splits that training held out of it are there as well.
        labels: the label set to judge in, or its name; the dataset's own if None, where the model can speak it,
            otherwise the model's.
        crop: see `Recognizer.predict`; the face that counts is the largest. If None, as the model was trained where
            the dataset is the one that it was trained on, otherwise the dataset's usual one (see `photos.usual_crop`).
        progress: called with the images done and their number.

    Returns:
        The report.

    Raises:
        DataError: no such split, nothing to judge in that label set, or no image could be read.
        LabelError: the model cannot speak the label set.
        MienError: there is no such crop.
    """
    if not isinstance(dataset, Dataset):
        dataset = open_dataset(dataset)
    given = dataset
    if split != "all":
        dataset = as_trained(recognizer, dataset)
    choice = _choose_crop(recognizer, given, dataset, crop)
    name = split or dataset.splits[-1]
    chosen = dataset.split(name)
    spoken = _spoken(recognizer, dataset, labels)
    targets = chosen.targets(spoken)
    judged = np.flatnonzero(targets != NO_LABEL)
    if not len(judged):
        raise DataError(f"{dataset.path}: no image of split {name!r} has a label in {spoken.name!r}")
    predictions = dict[int, Prediction]()  # by their images' places in `chosen`
    sources = (chosen.examples[row].source for row in judged)
    stream = recognizer.stream(sources, labels=spoken, crop=choice.crop)
    for row, prediction in zip(judged.tolist(), stream, strict=True):
        predictions[row] = prediction
        progress(len(predictions), len(judged))
    errors = {chosen.examples[row].name: each.error for row, each in predictions.items()}
    unreadable = {name: error for name, error in errors.items() if error is not None}
    read = {row: each for row, each in predictions.items() if each.error is None}
    if not read:
        raise nothing_read(dataset.path, unreadable)
    readable = replace(chosen, examples=tuple(chosen.examples[row] for row in read))
    threshold = recognizer.artifact.head_for(spoken).threshold
    answers = _answers(readable, list(read.values()), targets[list(read)], spoken, threshold)
    described = {"path": describe(dataset.path), "form": dataset.form, "split": name}
    described |= {"crop": choice.crop, "crop_reason": choice.reason}
    return make_report(recognizer.artifact.name, described, spoken, answers, len(chosen) - len(judged), unreadable)


def as_trained(recognizer: Recognizer, dataset: Dataset) -> Dataset:
    """The dataset with the splits that a model's training held out of it, if it is the one that it was trained on.

    It is the same if its images have the same names and, where the model knows the images that it was trained on, some
    of those are there. Of another that did not come in splits, images that were trained on, pixel by pixel, become
    `train`, with whatever shows the same person, and the rest `valid`.
    """
    manifest = recognizer.artifact.manifest
    recipe = manifest.runs[0]["recipe"]
    labelled = dataset
    if recipe.get("labels") and any(example.label in label_set(recipe["labels"]) for example in dataset.examples):
        labelled = dataset.of(label_set(recipe["labels"]))
    trained = frozenset(manifest.data.get("train_images", ()))
    known = _known(recognizer, dataset, trained)
    if manifest.data.get("names_sha256") == labelled.names_sha256 and (known or not trained):
        seed = recipe.get("split_seed", recipe["seed"])
        if recipe["test_share"]:
            labelled = with_split(labelled, "test", recipe["test_share"], seed)
        return with_split(labelled, "valid", recipe["validation_share"], seed)
    if not known:
        return dataset
    examples = (replace(each, split="train" if group_of(each) in known else "valid") for each in dataset.examples)
    return replace(dataset, examples=tuple(examples))


def _known(recognizer: Recognizer, dataset: Dataset, trained: frozenset[str]) -> set[tuple[str, str]]:
    """The groups of an unsplit dataset of which an image was trained on, by hashes of crops (see `crop_hash`)."""
    if dataset.splits != ("all",) or not trained:
        return set()
    crop = trained_crop(recognizer.artifact.manifest.data)
    readable, crops, _ = load_crops(dataset, recognizer.preprocess, crop, recognizer.detector)
    hashes = map(crop_hash, recognizer.preprocess.tensor(crops))
    return {group_of(example) for example, each in zip(readable.examples, hashes, strict=True) if each in trained}


def _choose_crop(recognizer: Recognizer, given: Dataset, held_out: Dataset, crop: Crop | None) -> CropChoice:
    """That of the model's training, where `as_trained` made another dataset of the one given or its names are those."""
    model, data = recognizer.artifact.name, recognizer.artifact.manifest.data
    same = given.splits != ("all",) and given.names_sha256 == data.get("names_sha256")
    if crop is None and (same or held_out is not given):
        return CropChoice(trained_crop(data), f"as {model} was trained on these images")
    return choose_crop(crop, given, recognizer.detector)


def _spoken(recognizer: Recognizer, dataset: Dataset, labels: str | LabelSet | None) -> LabelSet:
    if labels is not None:
        return recognizer.spoken(labels)
    try:
        return recognizer.spoken(dataset.labels)
    except LabelError:
        return recognizer.labels


def _answers(
    readable: Dataset, predictions: Sequence[Prediction], truth: Ints, labels: LabelSet, threshold: float
) -> Answers:
    """What was said of the images that could be read."""
    return Answers(
        names=tuple(example.name for example in readable.examples),
        sources=tuple(example.source for example in readable.examples),
        attributes=tuple(example.attributes for example in readable.examples),
        probabilities=np.array([_row(prediction, labels) for prediction in predictions]),
        truth=truth,
        found=np.array([bool(prediction.faces) for prediction in predictions]),
        threshold=threshold,
        kl_to_votes=_kl(readable, predictions, labels),
    )


def _row(prediction: Prediction, labels: LabelSet) -> list[float]:
    if not prediction.faces:
        return [1 / len(labels)] * len(labels)
    return list(prediction.faces[0].expression.probabilities.values())


def _kl(dataset: Dataset, predictions: Sequence[Prediction], labels: LabelSet) -> float | None:
    """Mean KL of people's votes from those foretold for images in which a face was found."""
    first = [prediction.faces[0].expression.votes if prediction.faces else None for prediction in predictions]
    rows = [row for row, votes in enumerate(first) if votes]
    if labels != FERPLUS8 or not dataset.has_votes or not rows:
        return None
    foretold = np.array([list(votes.values()) for votes in first if votes])
    return metrics.kl_to_votes(foretold, dataset.votes()[rows, : len(FERPLUS8)])

"""Evaluation: a recognizer judged on a labelled dataset, through the same code that reads photos."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from mien import metrics
from mien.crops import Crop
from mien.datasets import divided, open_dataset
from mien.datasets.base import NO_LABEL, Dataset, nothing_read, spread
from mien.datasets.copies import Fingerprints, Prints, copied, fingerprints, repeated, shared
from mien.datasets.doubts import people_told
from mien.datasets.fer2013 import like_fer2013
from mien.datasets.splits import group_of
from mien.datasets.walk import with_counts
from mien.errors import DataError, LabelError, MienError
from mien.intake import describe
from mien.labels import FER7, FERPLUS8, LabelSet, label_set
from mien.metrics import Floats, Ints
from mien.origin import Option, origin_of
from mien.photos import CropChoice, choose_crop, trained_crop
from mien.prediction import Prediction
from mien.prior import TRAINING, Prior
from mien.recognizer import Model, Recognizer, opened
from mien.report import EXACT, NEAR, SEEN, Answers, LeftOut, Report, columns, make_report
from mien.stress import changed

SAMPLE = 64  # images of a dataset, of which a model that was trained on it knows some


def evaluate(
    recognizer: Model,
    dataset: Dataset | str | os.PathLike[str],
    *,
    split: str | None = None,
    labels: str | LabelSet | None = None,
    head: str | None = None,
    prior: Prior = TRAINING,
    crop: Crop | None = None,
    by: Collection[str] | None = None,
    stress: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Judge a recognizer.

    Args:
        recognizer: what to judge: a recognizer, or as for `load`.
        dataset: one, or the path of one, in any form that mien knows. Its `targets` in the label set are the truth (see
            `Dataset.targets` for FER+ votes).
        split: the one to judge on; the last of train, valid, test, all if None. Where the model was trained on this
            very dataset, the splits that training held out of it are there as well.
        labels: the label set to judge in, or its name; the dataset's own if None, where the model can speak it,
            otherwise the model's.
        head: the head that answers, by the name of its label set; None chooses (see `usual_head`).
        prior: how often each label is to be expected, see `Recognizer.predict`.
        crop: see `Recognizer.predict`; the face that counts is the largest. If None, as the model was trained where
            the dataset is the one that it was trained on, otherwise the dataset's usual one (see `photos.usual_crop`).
        by: the columns whose values make groups, each a name, or several as in `gender+age`, whose values make groups
            together; numbers of many values come in four parts. If None, each column of few values by itself.
        stress: images at most whose faces are read again with one thing changed (see `changes.CHANGES`).
        progress: called with the images done and their number; once for all, and once for those that are changed.

    Returns:
        The report. Where the dataset has a `train` split, or the model knows what it was trained on, images are told
        that it holds as well, and scores without them.

    Raises:
        ArtifactError: as `load` does.
        DataError: no such split or column, nothing to judge in that label set, or no image could be read.
        ImageError: with `stress`, an image cannot be read any more.
        LabelError: the model, or the head, cannot speak the label set or expect the prior, or there is no such head.
        MienError: there is no such crop, `stress` is no number of 0 or more, `by` names no columns, or `progress` is no
            function.
    """
    if not isinstance(stress, SupportsIndex) or stress.__index__() < 0:
        raise MienError(f"stress is a number of images, 0 or more; got {stress!r}")
    if not (by is None or (isinstance(by, Collection) and all(isinstance(each, str) for each in by))):
        raise MienError(f"by names columns, such as ['gender', 'gender+age']; got {by!r}")
    if not callable(progress):
        raise MienError(f"progress is a function of the images done and their number; got {progress!r}")
    recognizer = opened(recognizer)
    if not isinstance(dataset, Dataset):
        dataset = open_dataset(dataset)
    asked: dict[str, Option] = {"split": split, "head": head, "crop": crop, "by": by, "stress": stress}
    asked["labels"] = labels.name if isinstance(labels, LabelSet) else labels
    asked["prior"] = None if isinstance(prior, str) and prior == TRAINING else prior
    choice = _choose_crop(recognizer, dataset, crop)
    came_split = dataset.splits != ("all",)
    if split != "all":
        dataset = as_trained(recognizer, dataset)
    name = dataset.splits[-1] if split is None else split
    chosen = _chosen(dataset, name, came_split)
    train = dataset.split("train") if name != "train" and "train" in dataset.splits else None
    if named := head or usual_head(recognizer, chosen, None if labels is None else recognizer.spoken(labels)):
        recognizer = recognizer.speaking(named)
    spoken = _spoken(recognizer, dataset, labels)
    shares = recognizer.expected(prior, spoken)
    targets = chosen.targets(spoken)
    columns([example.attributes for example in chosen.examples], by)  # before anything is read, in case there is none
    judged = _judged(chosen, targets, spoken)
    sources = (chosen.examples[row].source for row in judged)
    stream = recognizer.stream(sources, labels=spoken, prior=prior, crop=choice.crop)
    read, unreadable = _read(stream, chosen, judged, spoken, progress)
    readable = replace(chosen, examples=tuple(chosen.examples[row] for row in read.rows))
    found = fingerprints(readable)
    copies = _copies(found, len(readable), train, recognizer.artifact.seen)
    answers = _answers(recognizer, readable, read, targets[read.rows], spoken, shares, copies, found)
    if stress:
        read_again = partial(recognizer.stream, labels=spoken, prior=prior, crop=choice.crop, strict=True)
        moved = changed(read_again, answers.sources, answers.truth, stress, recognizer.limits, progress)
        answers = replace(answers, changed=moved)
    left_out = LeftOut(
        held_back=0 if train is None or came_split else len(train),
        by_index=dataset.left_out.get(name if came_split else "all", 0),
        not_judged=len(chosen) - len(judged),
        outside=_outside(chosen, spoken),
        unreadable=unreadable,
    )
    described = _described(chosen, name, choice, train)
    origin = origin_of(recognizer.artifact, dataset, asked, answers, spoken, found)
    return make_report(recognizer.artifact.name, described, spoken, answers, left_out, by, origin)


def _chosen(dataset: Dataset, name: str, came_split: bool) -> Dataset:
    """A split of a dataset; where a model knows all of one that came without, it is told that it has no other."""
    if not came_split and dataset.splits == ("train",) and name != "train":
        known = "the model was trained on all of its images, on copies of them, or on these people"
        raise DataError(f"{dataset.path}: no split {name!r}: {known}; split all judges them")
    return dataset.split(name)


def _judged(chosen: Dataset, targets: Ints, labels: LabelSet) -> list[int]:
    """The places of the images that have a label in the set."""
    judged = np.flatnonzero(targets != NO_LABEL).tolist()
    if not judged:
        labelled = _outside(chosen, labels)
        voted = labels == FERPLUS8 and chosen.has_votes
        advice = "; FER+ votes decide there, and give no image a majority" if voted else ""
        advice += f"; there are {with_counts(labelled)}: say with --map what they mean" if labelled else ""
        split = chosen.splits[0]
        raise DataError(f"{chosen.path}: no image of split {split!r} has a label in {labels.name!r}{advice}")
    return list(judged)


class _Read(NamedTuple):
    """What was said of the images that could be read: some 200 bytes of each with its name, and nothing of its pixels.

    Args:
        rows: their places in the dataset, (n,).
        probabilities: (n, classes), all equal where no face was found.
        votes: those foretold, (n, 8); NaN where there are none.
        found: (n,) bool, whether there was a face.
        sure: (n,) bool, as in `Answers`.
    """

    rows: Ints
    probabilities: Floats
    votes: Floats
    found: NDArray[np.bool_]
    sure: NDArray[np.bool_]


def _read(
    stream: Iterable[Prediction],
    chosen: Dataset,
    judged: Sequence[int],
    labels: LabelSet,
    progress: Callable[[int, int], None],
) -> tuple[_Read, dict[str, str]]:
    """What was said of the images that could be read, and why others could not, by their names."""
    n, kept, unreadable = len(judged), 0, dict[str, str]()
    rows, found, sure = np.empty(n, np.int64), np.zeros(n, bool), np.zeros(n, bool)
    probabilities, votes = np.full((n, len(labels)), 1 / len(labels)), np.full((n, len(labels)), np.nan)
    for done, (row, prediction) in enumerate(zip(judged, stream, strict=True), 1):
        if prediction.error is None:
            rows[kept] = row
            if prediction.faces:
                said = prediction.faces[0].expression
                found[kept], sure[kept] = True, not said.low
                probabilities[kept] = list(said.probabilities.values())
                if said.votes:
                    votes[kept] = list(said.votes.values())
            kept += 1
        else:
            unreadable[chosen.examples[row].name] = prediction.error
        progress(done, n)
    if not kept:
        raise nothing_read(chosen.path, unreadable)
    return _Read(rows[:kept], probabilities[:kept], votes[:kept], found[:kept], sure[:kept]), unreadable


def _described(chosen: Dataset, split: str, choice: CropChoice, train: Dataset | None) -> dict[str, str]:
    """Where the images are from, how they were taken, and who on them is in `train` as well."""
    described = {"path": describe(chosen.path), "form": chosen.form, "split": split}
    described |= {"crop": choice.crop, "crop_reason": choice.reason}
    in_both = people_told(replace(chosen, examples=train.examples + chosen.examples)) if train else ()
    return described | ({"people": in_both[0]} if in_both else {})


def usual_head(recognizer: Recognizer, dataset: Dataset, labels: LabelSet | None = None) -> str | None:
    """The head that answers for a dataset where nobody names one: that of the world its labels are from.

    Of FER2013's labels, or a part of them (six, or four), the head that learned FER2013's knows more than another that
    happens to have them too, if the images look like FER2013's: 48 x 48 pixels, gray (docs/copies.md). Otherwise the
    model chooses (see `Artifact.head_for`), which is None.

    Args:
        labels: the set to answer in, where one is asked for.
    """
    heads = {head.labels: head.label_set for head in recognizer.artifact.heads}
    if FER7.name not in heads:
        return None
    known = {emotion for emotion in dataset.labels if any(emotion in each for each in heads.values())}
    return FER7.name if known | set(labels or ()) <= set(FER7) and like_fer2013(dataset) else None


def as_trained(recognizer: Recognizer, dataset: Dataset) -> Dataset:
    """The dataset with the splits that a model's training held out of it, if it is the one that it was trained on.

    Of another that did not come in splits, images that were trained on, and copies of them, become `train`, with
    whatever shows the same person, and the rest `valid`.
    """
    own = _trained_on(recognizer, dataset)
    if own is not None:
        recipe = recognizer.artifact.manifest.runs[0]["recipe"]
        seed = recipe.get("split_seed", recipe["seed"])
        return divided(own, test_share=recipe["test_share"], validation_share=recipe["validation_share"], seed=seed)
    seen = recognizer.artifact.seen
    if dataset.splits != ("all",) or not len(seen):
        return dataset
    found = fingerprints(dataset)
    known = {group_of(dataset.examples[row]) for row in found.rows[copied(found.prints, seen)]}
    if not known:
        return dataset
    examples = (replace(each, split="train" if group_of(each) in known else "valid") for each in dataset.examples)
    return replace(dataset, examples=tuple(examples))


def _trained_on(recognizer: Recognizer, dataset: Dataset) -> Dataset | None:
    """The dataset, with the labels that were learned, if it is the one that a model was trained on.

    It is the same if its images have the same names and, where the model knows the images that it was trained on, one
    of those is there.
    """
    manifest, seen = recognizer.artifact.manifest, recognizer.artifact.seen
    labels = manifest.runs[0]["recipe"].get("labels")
    if labels and any(example.label in label_set(labels) for example in dataset.examples):
        dataset = dataset.of(label_set(labels))
    if manifest.data.get("names_sha256") != dataset.names_sha256:
        return None
    if len(seen) and not copied(fingerprints(spread(dataset, SAMPLE)).prints, seen).any():
        return None
    return dataset


def _choose_crop(recognizer: Recognizer, dataset: Dataset, crop: Crop | None) -> CropChoice:
    """That of the model's training, where this is the dataset that it was trained on."""
    if crop is None and _trained_on(recognizer, dataset) is not None:
        artifact = recognizer.artifact
        return CropChoice(trained_crop(artifact.manifest.data), f"as {artifact.name} was trained on these images")
    return choose_crop(crop, dataset, recognizer.detector)


def _spoken(recognizer: Recognizer, dataset: Dataset, labels: str | LabelSet | None) -> LabelSet:
    if labels is not None:
        return recognizer.spoken(labels)
    try:
        return recognizer.spoken(dataset.labels)
    except LabelError:
        return recognizer.labels


def _outside(dataset: Dataset, labels: LabelSet) -> dict[str, int]:
    """Labels that are not judged, and how many images have each; nothing where votes decide."""
    return {} if labels == FERPLUS8 and dataset.has_votes else dataset.outside(labels)


def _copies(found: Fingerprints, n: int, train: Dataset | None, seen: Prints) -> tuple[str, ...]:
    """What each of n images is: `EXACT` or `NEAR`, and `SEEN`, or nothing.

    Args:
        found: the images' fingerprints.
        train: the dataset's own `train` split.
        seen: what the model knows of its own training.
    """
    told = np.full((n, 3), "", object)
    told[found.rows[copied(found.prints, seen)], 2] = SEEN
    if train is not None:
        exact, near = shared(found, fingerprints(train))
        told[found.rows[exact], 0], told[found.rows[near], 1] = EXACT, NEAR
    return tuple(" ".join(filter(None, kinds)) for kinds in told)


def _answers(
    recognizer: Recognizer,
    readable: Dataset,
    read: _Read,
    truth: Ints,
    labels: LabelSet,
    prior: Mapping[str, float] | None,
    copies: tuple[str, ...],
    found: Fingerprints,
) -> Answers:
    """What was said of the images that could be read."""
    head = recognizer.artifact.head_for(labels)
    return Answers(
        names=tuple(example.name for example in readable.examples),
        sources=tuple(example.source for example in readable.examples),
        attributes=tuple(example.attributes for example in readable.examples),
        probabilities=read.probabilities,
        truth=truth,
        found=read.found,
        copies=copies,
        sure=read.sure,
        head=head.labels,
        threshold=head.threshold,
        prior=prior,
        kl_to_votes=_kl(readable, read.votes, labels),
        prints=found.written(len(readable)),
        repeated=repeated(readable, found),
    )


def _kl(dataset: Dataset, votes: Floats, labels: LabelSet) -> float | None:
    """Mean KL of people's votes from those foretold for images in which a face was found."""
    rows = np.flatnonzero(~np.isnan(votes[:, 0]))
    if labels != FERPLUS8 or not dataset.has_votes or not len(rows):
        return None
    return metrics.kl_to_votes(votes[rows], dataset.votes()[rows, : len(FERPLUS8)])

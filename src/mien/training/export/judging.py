"""What validation says of a model: how answers of its heads become chances, which are sure, and what they score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien import shares
from mien.answers import opinions
from mien.artifact import Manifest
from mien.datasets import Dataset
from mien.datasets.base import NO_LABEL, VOTES
from mien.datasets.copies import Fingerprints
from mien.datasets.splits import group_of
from mien.errors import DataError
from mien.heads import HeadInfo, Stacking
from mien.labels import FACE, FERPLUS8, LabelSet, named_set
from mien.metrics import softmax
from mien.prediction import is_sure
from mien.training.export.beside import beside, copies_of
from mien.training.export.calibrate import Calibration, calibrate, when_sure
from mien.training.export.second import fit_second
from mien.training.export.stack import fit_stacking
from mien.training.learning.member import Logits


def judged(manifest: Manifest, logits: Logits, train: Dataset, seen: Fingerprints, valid: Dataset) -> Manifest:
    """The manifest with calibrations, mixes, second opinions and scores, and what must be said beside these.

    Args:
        manifest: of a model that is not calibrated yet.
        logits: its network's of the validation images, (n, emotions) by head.
        train, seen: the training images and their fingerprints.
        valid: the validation images, n.

    Raises:
        DataError: fewer than two validation images have a label of some head.
    """
    stackings = {head.labels: _stacking(head, manifest.heads, logits, valid) for head in manifest.heads}
    logits = logits | {head: rows for head, (_, rows) in stackings.items()}
    found = {head.labels: _calibrate(head.labels, head.emotions, logits[head.labels], valid) for head in manifest.heads}
    mixes = {head.labels: _mix(train, named_set(head.emotions)) for head in manifest.heads}
    heads = tuple(
        _calibrated(head, found[head.labels], mixes[head.labels], stackings[head.labels][0]) for head in manifest.heads
    )
    heads = tuple(_asking(head, heads, logits, valid) for head in heads)
    copies = copies_of(valid, seen)
    scores = {
        head.labels: _scores(head, heads, found[head.labels], logits, valid)
        | ({"calibrated": True} if head.stacking else {})
        | {"notes": beside(head, found[head.labels], train, valid, copies)}
        for head in heads
    }
    if manifest.face:
        scores[FACE.name] = judge_faces(logits[FACE.name], valid)
    return manifest.model_copy(update={"heads": heads, "scores": scores})


def _stacking(
    head: HeadInfo, heads: Sequence[HeadInfo], logits: Logits, valid: Dataset
) -> tuple[Stacking | None, NDArray[np.floating]]:
    """How a head listens to the first of the others, if that helps, and the logits that it is then judged by.

    One that people's votes taught keeps its own, which say the shares of votes as well.
    """
    rows: NDArray[np.floating] = logits[head.labels]
    others = [other for other in heads if other != head]
    truth = valid.targets(named_set(head.emotions))
    judged = truth != NO_LABEL
    if not others or _voted(named_set(head.emotions), valid):
        return None, rows
    found, stacked = fit_stacking(
        others[0].labels, rows[judged], logits[others[0].labels][judged], truth[judged], _people(valid, judged)
    )
    if found:
        rows = found.logits(rows, logits[others[0].labels])
        rows[judged] = stacked
    return found, rows


def _calibrate(name: str, emotions: tuple[str, ...], logits: NDArray[Any], valid: Dataset) -> Calibration:
    labels = named_set(emotions)
    truth = valid.targets(labels)
    judged = truth != NO_LABEL
    votes = np.zeros((0, len(labels)), np.int64)
    voted = np.zeros(len(valid), bool)
    if _voted(labels, valid):
        votes = valid.votes()[:, : len(labels)]
        voted = judged & (votes.sum(1) > 0)
        votes = votes[voted]
    if judged.sum() < 2:
        raise DataError(f"validation images with a label in {name!r}: {judged.sum()}; calibration needs two at least")
    people, rows = _people(valid, judged), logits.astype(np.float64)
    found = calibrate(rows[judged], truth[judged], rows[voted], votes, people)
    present = set(truth[judged].tolist())
    absent = [emotion for position, emotion in enumerate(labels) if position not in present]
    return replace(found, scores=found.scores | {"absent": absent})


def _calibrated(head: HeadInfo, found: Calibration, mix: tuple[float, ...], stacking: Stacking | None) -> HeadInfo:
    names = ("temperature", "entropy_slope", "bias", "vote_temperature", "threshold")
    update = {name: getattr(found, name) for name in names} | {"mix": mix, "stacking": stacking}
    return head.model_copy(update=update)


def _mix(train: Dataset, labels: LabelSet) -> tuple[float, ...]:
    """The share of each label among images, each counted once more, so that none is 0."""
    targets = train.targets(labels)
    counts = np.bincount(targets[targets != NO_LABEL], minlength=len(labels)) + 1
    return tuple((counts / counts.sum()).tolist())


def _asking(head: HeadInfo, heads: Sequence[HeadInfo], logits: Logits, valid: Dataset) -> HeadInfo:
    """A head that asks the first of the others for its opinion, where that is needed."""
    others = [other for other in heads if other != head]
    if not others:
        return head
    truth = valid.targets(named_set(others[0].emotions))
    return head.model_copy(update={"second": fit_second(head, others[0], logits, truth)})


def _scores(
    head: HeadInfo, heads: Sequence[HeadInfo], found: Calibration, logits: Logits, valid: Dataset
) -> dict[str, Any]:
    """A head's scores, where what another doubts is not sure."""
    other = next((each for each in heads if head.second and each.labels == head.second.labels), None)
    if other is None or head.second is None:
        return found.scores
    truth = valid.targets(named_set(head.emotions))
    judged = truth != NO_LABEL
    chances = opinions(logits[other.labels][judged], other, found.answers, head.label_set)
    sure = is_sure(found.answers.max(1), head.threshold) & is_sure(chances, head.second.threshold)
    return found.scores | when_sure(found.answers, truth[judged], sure)


def judge_faces(logits: NDArray[np.float32], valid: Dataset) -> dict[str, Any]:
    """How well what most people took for no face is told from what all took for one.

    `auc` is the chance that one of the first gets the higher score, ties counting half (the area under the ROC curve);
    None if there are none of a kind.
    """
    votes = valid.votes()
    scores, nobody = softmax(logits)[:, 1], votes[:, VOTES.index(FACE.emotions[1])] / np.maximum(votes.sum(1), 1)
    without, faces = scores[nobody > 0.5], scores[(nobody == 0) & (votes.sum(1) > 0)]
    auc = shares.above(without, faces) if len(without) and len(faces) else None
    return {"without": len(without), "faces": len(faces), "auc": auc}


def _voted(labels: LabelSet, valid: Dataset) -> bool:
    """Whether there are people's votes in a label set."""
    return labels == FERPLUS8 and valid.has_votes


def _people(valid: Dataset, chosen: NDArray[np.bool_]) -> list[str]:
    """Who is on each of some images."""
    return [" ".join(group_of(valid.examples[row])) for row in np.flatnonzero(chosen)]

"""What must be said beside a head's scores: the sentences of a report (`report.notes`) on the same answers."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from mien.datasets.base import NO_LABEL, Dataset
from mien.datasets.copies import Fingerprints, fingerprints, repeated, shared
from mien.datasets.doubts import people_told
from mien.heads import HeadInfo
from mien.labels import FERPLUS8
from mien.prediction import is_sure
from mien.report import EXACT, NEAR, Answers, LeftOut, make_report
from mien.report.notes import notes
from mien.training.export.calibrate import Calibration


class Copies(NamedTuple):
    """Of validation images: what each is of the training images, `EXACT`, `NEAR` or nothing; and their fingerprints."""

    told: tuple[str, ...]
    prints: Fingerprints


def beside(head: HeadInfo, found: Calibration, train: Dataset, valid: Dataset, copies: Copies) -> list[str]:
    """Sentences, the most important first; none names a person, as models are given to others.

    Args:
        head: the head, with its threshold.
        found: what it answered to the validation images that have a label of its own.
        train: the training images.
        valid: the validation images.
        copies: of these, as `copies_of` tells.
    """
    targets = valid.targets(head.label_set)
    judged = np.flatnonzero(targets != NO_LABEL)
    examples = tuple(valid.examples[row] for row in judged)
    voted = head.label_set == FERPLUS8 and valid.has_votes
    answers = Answers(
        names=tuple(each.name for each in examples),
        sources=tuple(each.source for each in examples),
        attributes=tuple(each.attributes for each in examples),
        probabilities=found.answers,
        truth=targets[judged],
        found=np.ones(len(judged), bool),
        copies=tuple(copies.told[row] for row in judged.tolist()),
        sure=is_sure(found.answers.max(1), head.threshold),
        head=head.labels,
        threshold=head.threshold,
        prior=None,
        kl_to_votes=None,
        prints=("",) * len(judged),
        repeated=repeated(valid, copies.prints.of(targets != NO_LABEL)),
    )
    left_out = LeftOut(
        by_index=valid.left_out.get("valid", valid.left_out.get("all", 0)),
        not_judged=len(valid) - len(judged),
        outside={} if voted else valid.outside(head.label_set),
    )
    in_both = people_told(replace(valid, examples=train.examples + valid.examples), named=False)
    told = {"people": in_both[0]} if in_both else {}
    return list(notes(make_report(head.labels, told, head.label_set, answers, left_out)))


def copies_of(valid: Dataset, seen: Fingerprints) -> Copies:
    """Of validation images, by the fingerprints of the training images."""
    found, told = fingerprints(valid), np.full(len(valid), "", object)
    exact, near = shared(found, seen)
    told[found.rows[exact]], told[found.rows[near]] = EXACT, NEAR
    return Copies(tuple(told), found)

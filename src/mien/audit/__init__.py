"""Audits: what is wrong with a dataset, image by image, before anybody trains on it or judges by it.

It trains nothing: what is asked of the network are the answers of its heads, and its features.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from mien.answers import NOT_A_FACE
from mien.audit.copied import copied
from mien.audit.judged import Judged, judged_labels, opinions_on
from mien.audit.looks import Looks, Progress, look
from mien.audit.opinions import FOLDS, RARE, Doubted, distances, doubted
from mien.audit.suspects import LEFT_OUT, Kind, Suspect
from mien.crops import NO_FACE, Crop
from mien.datasets.base import Dataset
from mien.datasets.copies import groups_of, kept_together
from mien.datasets.doubts import people_told, words_told
from mien.labels import FACE
from mien.metrics import Floats, Ints, softmax
from mien.photos import choose_crop
from mien.prediction import percent
from mien.recognizer import Recognizer
from mien.report.columns import MOST_VALUES, banded
from mien.tables import RENAMED

__all__ = ["LEFT_OUT", "Audit", "Kind", "Suspect", "audit"]

FAR = 6.0  # robust standard deviations: 42 of FER2013's 32,298 images lie further from what is usual


@dataclass(frozen=True)
class Audit:
    """What is wrong with a dataset.

    Args:
        model: whose answers and features were asked.
        form: the layout of the dataset.
        crop: how its images were cropped, and why: `crop_reason`.
        n: how many images there are.
        opinions: who was asked about labels.
        balance: images by label, for each split, and for each value of what is known of the people.
        suspects: what is suspect and why, by kind, the most suspect first.
        notes: what else is to be said, in sentences.
        dataset: what was audited; no part of the JSON form.
    """

    model: str
    form: str
    crop: str
    crop_reason: str
    n: int
    opinions: tuple[str, ...]
    balance: dict[str, dict[str, dict[str, int]]]
    suspects: tuple[Suspect, ...]
    notes: tuple[str, ...]
    dataset: Dataset = field(repr=False, compare=False)

    @property
    def counts(self) -> dict[Kind, int]:
        """Images of each kind of suspect, of the kinds that there are."""
        counts = Counter(each.kind for each in self.suspects)
        return {kind: counts[kind] for kind in Kind if counts[kind]}

    @property
    def left_out(self) -> frozenset[str]:
        """Names of the images that the clean rest goes without."""
        return frozenset(each.name for each in self.suspects if each.kind in LEFT_OUT)

    def to_dict(self) -> dict[str, Any]:
        """Everything, as what JSON can hold."""
        values = {
            name: getattr(self, name) for name in self.__dataclass_fields__ if name not in ("dataset", "suspects")
        }
        counts = {kind.value: count for kind, count in self.counts.items()}
        told = {"counts": counts, "left_out": len(self.left_out), "suspects": [asdict(each) for each in self.suspects]}
        return values | told


def audit(
    recognizer: Recognizer,
    dataset: Dataset,
    *,
    crop: Crop | None = None,
    threads: int = 1,
    progress: Progress = lambda done, total: None,
) -> Audit:
    """Looks at every image of a dataset, of all splits, once.

    Args:
        recognizer: a model that gives features (see `Recognizer.features`), and a detector.
        dataset: in any form.
        crop: as for `evaluate`; the dataset's usual one if None.
        threads: for decoding and for the network.
        progress: called with the images looked at and their number.

    Raises:
        MienError: the model gives no features, or there is no such crop.
    """
    choice = choose_crop(crop, dataset, recognizer.detector)
    looks, found = look(recognizer, dataset, choice.crop, threads, progress)
    blank = np.array([each.blank for each in looks.images])
    groups = groups_of(dataset, found.of(~blank))
    suspects = [*_unfit(dataset, looks), *copied(dataset, found, groups)]
    judged, notes, asked = judged_labels(kept_together(dataset, groups), looks), list[str](), tuple[str, ...]()
    if len(judged.rows):
        opinions = opinions_on(recognizer, looks, judged)
        asked = tuple(opinions)
        suspects += _labels(dataset, judged, doubted(list(opinions.values()), judged.labels))
        suspects += _outliers(dataset, judged.rows, distances(looks.features[judged.faces], judged.labels))
    if judged.rare:
        few = f"fewer than {RARE} faces, or fewer than {FOLDS} people or photos that are no copies"
        notes.append(f"Labels of {few}, were not judged: {', '.join(judged.rare)}.")
    notes += [f"{each[0].upper()}{each[1:]}." for each in (*words_told(dataset), *people_told(dataset))]
    order = list(Kind)
    suspects.sort(key=lambda each: (order.index(each.kind), -(each.score or 0.0)))
    return Audit(
        model=recognizer.artifact.name,
        form=dataset.form,
        crop=choice.crop,
        crop_reason=choice.reason,
        n=len(dataset),
        opinions=asked,
        balance=_balance(dataset),
        suspects=tuple(suspects),
        notes=tuple(notes),
        dataset=dataset,
    )


def _unfit(dataset: Dataset, looks: Looks) -> Iterable[Suspect]:
    """Images that cannot be read, are blank, show no face or several, or one that is hard to see."""
    for example, seen in zip(dataset.examples, looks.images, strict=True):
        if seen.unreadable:
            yield Suspect.of(example, Kind.UNREADABLE, seen.unreadable)
        elif seen.blank:
            yield Suspect.of(example, Kind.BLANK, "one colour all over")
        elif not seen.faced:
            yield Suspect.of(example, Kind.FACELESS, NO_FACE)
        if seen.second:
            words = f"a second face is {percent(seen.second)} as large as the first"
            yield Suspect.of(example, Kind.SEVERAL, words, seen.second)
        if seen.spoilt:
            yield Suspect.of(example, Kind.FRAMING, "; ".join(seen.spoilt))
    chances = softmax(looks.logits[FACE.name])[:, 1] if FACE.name in looks.logits else np.zeros(len(looks.rows))
    for row, chance in zip(looks.rows, chances, strict=True):
        if chance >= NOT_A_FACE:
            words = f"perhaps not a face ({percent(chance)})"
            yield Suspect.of(dataset.examples[row], Kind.FACELESS, words, float(chance))


def _labels(dataset: Dataset, judged: Judged, found: Doubted) -> Iterable[Suspect]:
    for place in np.flatnonzero(found.likely):
        example = dataset.examples[judged.rows[place]]
        words = f"labelled {example.label}, looks {judged.names[found.instead[place]]}"
        yield Suspect.of(example, Kind.LABEL, words, float(found.suspicion[place]))


def _outliers(dataset: Dataset, rows: Ints, far: Floats) -> Iterable[Suspect]:
    for row, by in zip(rows, far, strict=True):
        if by > FAR:
            words = f"{by:.1f} standard deviations from what is usual"
            yield Suspect.of(dataset.examples[row], Kind.OUTLIER, words, float(by))


def _balance(dataset: Dataset) -> dict[str, dict[str, dict[str, int]]]:
    """Images by label for each split, and each value of an attribute that has not too many."""
    columns: dict[str, Sequence[str]] = {"split": [each.split for each in dataset.examples]}
    known = sorted({name for each in dataset.examples for name in each.attributes} - {"person"})
    columns |= {
        RENAMED * (name == "split") + name: [banded(name, each.attributes.get(name, "")) for each in dataset.examples]
        for name in known
    }
    told: dict[str, dict[str, dict[str, int]]] = {}
    for name, values in columns.items():
        counts = Counter(zip(values, (each.label for each in dataset.examples), strict=True))
        named = dataset.splits if name == "split" else sorted(set(values) - {""})
        if len(named) <= MOST_VALUES:
            told[name] = {value: {label: counts[value, label] for label in dataset.labels} for value in named}
    return told

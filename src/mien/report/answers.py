"""What a report is made of: the answers to judged images, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mien import metrics
from mien.intake import ImageSource
from mien.metrics import Floats, Ints

BINS = 15  # of confidence, in reliability and ECE

EXACT, NEAR, SEEN = "exact", "near", "seen"
"""What a judged image is: in the dataset's own `train` split to the pixel, or nearly; trained on by the model, or a
copy of what was."""


@dataclass(frozen=True)
class LeftOut:
    """Images that are not judged; each as in `Report`."""

    held_back: int = 0
    not_judged: int = 0
    outside: Mapping[str, int] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)
    by_index: int = 0


@dataclass(frozen=True, repr=False)
class Changed:
    """What a model said of some of n judged images once they were changed.

    Args:
        asked: (n,) bool, of which images: no others than those in which there was a face.
        found: (n,) bool, whether there still was one.
        moved: (n,) bool, whether the answer is another one; also where no face is found any more.
        right: (n,) bool, whether the answer is the label.
        drift: (n,) by how much probability moved to other emotions, 0..1 (total variation); 1 without a face.
    """

    asked: np.ndarray
    found: np.ndarray
    moved: np.ndarray
    right: np.ndarray
    drift: Floats


@dataclass(frozen=True, repr=False)
class Answers:
    """What a model said of n judged images; an image without a face has a row of equal probabilities.

    Args:
        names: of the images, unique.
        sources: where they can be read again.
        attributes: what is known of the person on each.
        probabilities: (n, classes).
        truth: (n,).
        found: (n,) bool, whether there was a face.
        copies: what each is (`EXACT` or `NEAR`, and `SEEN`), with a blank between; empty if nothing.
        sure: (n,) bool, whether low confidence is no reason to doubt it, nor was there no face.
        head: the head that answered.
        threshold: confidence below which no answer is sure.
        prior: see `Report`.
        kl_to_votes: see `Report`.
        prints: the fingerprint of each in hexadecimal, by which other images of the same name are told; or empty.
        changed: what it said of changed images, by what was changed; empty where that was not tried.
        repeated: see `Report`.
    """

    names: tuple[str, ...]
    sources: tuple[ImageSource, ...]
    attributes: tuple[Mapping[str, str], ...]
    probabilities: Floats
    truth: Ints
    found: np.ndarray
    copies: tuple[str, ...]
    sure: np.ndarray
    head: str
    threshold: float
    prior: Mapping[str, float] | None
    kl_to_votes: float | None
    prints: tuple[str, ...]
    changed: Mapping[str, Changed] = field(default_factory=dict)
    repeated: int = 0

    @property
    def people(self) -> tuple[str, ...]:
        """Who is on each image; the image's own name where nobody is known."""
        named = zip(self.attributes, self.names, strict=True)
        return tuple(attributes.get("person") or f"image {name}" for attributes, name in named)

    @property
    def guesses(self) -> Ints:
        return np.asarray(self.probabilities.argmax(1), np.int64)

    @property
    def confidence(self) -> Floats:
        return np.asarray(self.probabilities.max(1), np.float64)

    @property
    def right(self) -> np.ndarray:
        """A face that was not found is never right."""
        return np.asarray((self.guesses == self.truth) & self.found)

    def ece(self, chosen: np.ndarray) -> float | None:
        """Expected calibration error where there was a face, in `BINS` bins; None where there was none.

        Args:
            chosen: of which images, (n,) bool.
        """
        rows = chosen & self.found
        return metrics.ece(self.probabilities[rows], self.truth[rows], BINS) if rows.any() else None

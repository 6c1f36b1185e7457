"""What an answer hangs on: how much of its confidence is lost without each part of the face.

`cam` leaves a part out of what the network has found: class activation maps (Zhou et al., "Learning deep features for
discriminative localization", 2016). Heads are linear in the mean of the last feature map, so that a logit is a bias and
a share of each place in the map: exactly, but for the rounding of the mean in networks of 8-bit integers. The run of
the network that answers tells it, or one more.

`occlusion` hides a part from the network (Zeiler and Fergus, "Visualizing and understanding convolutional networks",
2014): it only asks, which any model can be, fifty times.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.answers import Found
from mien.crops import Crop
from mien.errors import MienError
from mien.image import Pixels
from mien.intake import ImageSource
from mien.labels import LabelSet
from mien.prediction import HIDDEN, METHODS, Explanation, Method, Prediction
from mien.prior import TRAINING, Prior
from mien.recognizer import Labels, Recognizer

GRID = 7
"""Rows and columns of what is hidden: windows of a quarter of the crop's side, each half over its neighbour."""


def explain(
    model: Recognizer,
    crop: Pixels,
    labels: LabelSet,
    prior: Prior = TRAINING,
    *,
    method: Method | None = None,
    emotion: str | None = None,
    features: NDArray[np.float32] | None = None,
) -> Explanation:
    """How much each part of a face speaks for an answer.

    Args:
        model: whose answer it is.
        crop: what the network saw, see `answers.Found`.
        labels: the label set of the answer, from `Recognizer.spoken`.
        prior: of the answer.
        method: `cam` or `occlusion`; as `usual` has it if None.
        emotion: what might be answered; the most probable emotion if None.
        features: of the crop, (values, height, width), as `Recognizer.features` gives them; it is asked if None.

    Returns:
        As many rows and columns as the network's last feature map has, or 7 for `occlusion`.

    Raises:
        LabelError: the label set has no such emotion.
        MienError: there is no such method, or `cam` cannot be had of this model: see `usual`.
    """
    method = method or usual(model)
    if method not in METHODS:
        raise MienError(f"an explanation is made by {' or '.join(METHODS)}; got {method!r}")
    if method == "cam" and usual(model) != "cam":
        raise MienError(
            f"model {model.artifact.name!r} does not tell what its heads make of its features, so that no `cam` can be "
            "had: explain by `occlusion`, or export it again (several networks that answer together never tell)"
        )
    if method == "cam":
        chances = _left_out(model, _map(model, crop, features), labels, prior)
    else:
        chances = _hidden(model, crop, labels, prior)
    told = chances[:, chances[0].argmax() if emotion is None else labels.index(emotion)]
    side = round((len(told) - 1) ** 0.5)
    lost = (told[0] - told[1:]).reshape(side, side)
    return Explanation(method, tuple(map(tuple, lost.tolist())))


def usual(model: Recognizer) -> Method:
    """`cam` where it can be had: where an artifact has `heads.bin`, as those have that mien exports now, unless their
    features are flattened or their answers are those of several networks; else `occlusion`."""
    return "cam" if model.artifact.weights else "occlusion"


def explained(
    model: Recognizer,
    source: ImageSource,
    *,
    labels: Labels = None,
    prior: Prior = TRAINING,
    crop: Crop = "auto",
    method: Method | None = None,
) -> Prediction:
    """As `Recognizer.predict` of one image; each expression has its explanation.

    Raises:
        LabelError, SourceError: as `predict` does.
        MienError: as `explain` does.
    """
    spoken = model.spoken(labels)
    found = model.find(source, crop)
    if usual(model) == "cam" and method in (None, "cam"):
        (prediction,), features = model.express_with_features([found], [spoken], prior)
        return explain_all(model, found, prediction, spoken, prior, method, features)
    (prediction,) = model.express([found], [spoken], prior)
    return explain_all(model, found, prediction, spoken, prior, method)


def explain_all(
    model: Recognizer,
    found: Found,
    prediction: Prediction,
    labels: LabelSet,
    prior: Prior = TRAINING,
    method: Method | None = None,
    features: NDArray[np.float32] | None = None,
) -> Prediction:
    """What was said of an image, each expression with its explanation: of its own label.

    Args:
        model, found, labels, prior: those that made the prediction (see `Recognizer.express`).
        method: as for `explain`.
        features: of its faces, (n, values, height, width), as for `explain`.
    """
    seen: Iterable[Any] = [None] * len(found.crops) if features is None else features
    explanations = [
        explain(model, crop, labels, prior, method=method, emotion=reading.expression.label, features=each)
        for crop, reading, each in zip(found.crops, prediction.faces, seen, strict=True)
    ]
    return with_explanations(prediction, explanations)


def with_explanations(prediction: Prediction, explanations: Sequence[Explanation]) -> Prediction:
    """A prediction with an explanation a face."""
    faces = (
        replace(reading, expression=replace(reading.expression, explanation=explanation))
        for reading, explanation in zip(prediction.faces, explanations, strict=True)
    )
    return replace(prediction, faces=tuple(faces))


def _left_out(model: Recognizer, seen: NDArray[np.float32], labels: LabelSet, prior: Prior) -> NDArray[np.float64]:
    """The chances of each emotion of a set, (1 + places, len(labels)): first of all that was found, then without what
    was found at each place of a map, (places, values)."""
    head = model.artifact.head_for(labels)
    weights = model.artifact.weights[head.labels]
    shares = seen @ weights[:, :-1].T  # (places, emotions): of the logits
    shares /= len(shares)
    logits = shares.sum(0) + weights[:, -1]
    chances = head.probabilities(np.vstack([logits, logits - shares]), model.expected(prior, labels))
    return head.label_set.project(chances, labels)


def _map(model: Recognizer, crop: Pixels, features: NDArray[np.float32] | None) -> NDArray[np.float32]:
    """The last feature map, (places, values): the features, which are asked for if None; where the answer is the mean
    of those to a face and to its mirror image, so is the map."""
    seen = model.features([crop])[0] if features is None else features
    if model.artifact.manifest.mirror:
        seen = (seen + model.features([crop[:, ::-1]])[0, ..., ::-1]) / 2
    return seen.reshape(len(seen), -1).T


def _hidden(model: Recognizer, crop: Pixels, labels: LabelSet, prior: Prior) -> NDArray[np.float64]:
    """As `_left_out`, with each part of the crop replaced by the crop's mean."""
    size, window = len(crop), len(crop) * HIDDEN
    hidden = np.repeat(crop[np.newaxis], 1 + GRID * GRID, axis=0)
    mean = crop.mean((0, 1))
    for part in range(GRID * GRID):
        top, left = (round(place * (size - window) / (GRID - 1)) for place in divmod(part, GRID))
        hidden[1 + part, top : top + round(window), left : left + round(window)] = mean
    return model.probabilities(hidden, labels, prior)

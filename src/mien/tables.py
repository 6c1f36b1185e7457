"""Predictions as flat rows: one a face, and one for an image without faces; what does not apply is None."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

from mien.labels import LabelSet
from mien.prediction import Prediction, Reading


def columns(labels: LabelSet) -> list[str]:
    """Names of a row's columns, in order; `p_<emotion>` are the probabilities."""
    return list(_row(Prediction("", 0, 0, error=""), None, labels))


def flat_rows(prediction: Prediction, labels: LabelSet) -> list[dict[str, Any]]:
    """The rows of one image."""
    faces = [_row(prediction, reading, labels, number) for number, reading in enumerate(prediction.faces)]
    return faces or [_row(prediction, None, labels)]


def csv_text(predictions: Iterable[Prediction], labels: LabelSet) -> str:
    """A CSV file of several images."""
    stream = io.StringIO()
    rows = csv.DictWriter(stream, columns(labels), lineterminator="\n")
    rows.writeheader()
    for prediction in predictions:
        rows.writerows(flat_rows(prediction, labels))
    return stream.getvalue()


def _row(prediction: Prediction, reading: Reading | None, labels: LabelSet, number: int = 0) -> dict[str, Any]:
    face: dict[str, Any] = reading.to_dict() if reading else {}
    box = face.get("box", [None] * 4)
    reasons = face.get("reasons", prediction.reasons)
    return {
        "source": prediction.source,
        "width": prediction.width or None,
        "height": prediction.height or None,
        "face": number if reading else None,
        **dict(zip(("x0", "y0", "x1", "y1"), box, strict=True)),
        "score": face.get("score"),
        "label": face.get("label"),
        "confidence": face.get("confidence"),
        **{f"p_{emotion}": face.get("probabilities", {}).get(emotion) for emotion in labels},
        "uncertain": face.get("uncertain"),
        "reasons": "; ".join(reasons) or None,
        "not_a_face": face.get("not_a_face"),
        "notes": "; ".join(prediction.notes) or None,
        "error": prediction.error,
    }

"""Reports of made-up answers, whole or as the files that are compared."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from mien.labels import HAPPY_SAD
from mien.report import Answers, Changed, LeftOut, Report, make_report
from mien.report.page import answers_csv

Known = Sequence[Mapping[str, str]]


def png() -> bytes:
    stream = BytesIO()
    Image.new("L", (8, 8), 90).save(stream, "PNG")
    return stream.getvalue()


def answered(
    right: Sequence[bool | None],
    known: Known,
    by: Collection[str] | None = None,
    confidence: Sequence[float] | None = None,
    changed: Mapping[str, Changed] | None = None,
    model: str = "toy",
    path: str = "faces",
) -> Report:
    """A report of images that are in turn happy and sad; None is an image without a face, and below .7 is unsure."""
    n = len(right)
    truth = np.arange(n) % 2
    sure = np.array(confidence or [0.9] * n)
    hit = np.array([each is True for each in right])
    chances = np.where(hit, sure, 1 - sure)
    probabilities = np.where(truth[:, None] == [0, 1], chances[:, None], 1 - chances[:, None])
    found = np.array([each is not None for each in right])
    probabilities[~found] = 0.5
    said = Answers(
        tuple(f"{row}.png" for row in range(n)),
        (png(),) * n,
        tuple(known),
        probabilities,
        truth,
        found,
        ("",) * n,
        found & (sure > 0.7),
        *("toy", 0.7, None, None),
        ("",) * n,
        changed or {},
    )
    data = {"path": path, "form": "made up", "split": "test", "crop": "whole", "crop_reason": "small"}
    return make_report(model, data, HAPPY_SAD, said, LeftOut(), by)


def stored(report: Report, folder: Path) -> Path:
    """What `compare` reads of a report, without its pictures."""
    folder.mkdir()
    (folder / "report.json").write_text(json.dumps(report.to_dict()), encoding="utf-8")
    (folder / "answers.csv").write_text(answers_csv(report), encoding="utf-8")
    return folder

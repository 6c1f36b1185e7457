"""Where the numbers of an evaluation come from, so that others can repeat it."""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
from collections.abc import Collection, Mapping

import numpy as np
import PIL

from mien import __version__
from mien.artifact import Artifact
from mien.cores import machine
from mien.datasets.base import Dataset
from mien.datasets.copies import Fingerprints
from mien.intake import describe
from mien.labels import LabelSet, write_pairs
from mien.metrics import SEED
from mien.report import Answers, Origin
from mien.runtime import ort

Option = str | int | Collection[str] | Mapping[str, object] | None


def origin_of(
    artifact: Artifact,
    dataset: Dataset,
    options: Mapping[str, Option],
    answers: Answers,
    labels: LabelSet,
    found: Fingerprints,
) -> Origin:
    """What has to be the same for the same numbers.

    Args:
        artifact: the model.
        dataset: what it was judged on.
        options: of `mien evaluate`, by name, but for those of the model and of the dataset.
        answers: to the judged images.
        labels: the label set judged in.
        found: the judged images' fingerprints.
    """
    model = artifact.name if artifact.packaged else describe(os.path.join(os.curdir, artifact.folder))
    pixels = dict(zip(found.rows.tolist(), found.pixels, strict=True))
    hashes = [pixels.get(row, b"").hex() for row in range(len(answers.names))]
    truth = [labels.emotions[each] for each in answers.truth]
    told = sorted(map("\0".join, zip(answers.names, truth, hashes, strict=True)))
    return Origin(
        command=command(describe(dataset.path), model, {**options, "map": dataset.mapping, "group": dataset.group}),
        versions=_versions(),
        network_sha256=artifact.manifest.sha256,
        model_sha256=artifact.identity,
        data_sha256=hashlib.sha256("\n".join(told).encode("utf-8", "surrogatepass")).hexdigest(),
        seed=SEED,
        machine=machine(),
    )


def command(path: str, model: str, options: Mapping[str, Option]) -> str:
    """`mien evaluate` as it is written in a shell, with those of the options that are not None, empty or 0."""
    words = ["mien", "evaluate", path, "--model", model]
    for name, value in options.items():
        match value:
            case Mapping():
                given = [write_pairs(value)]
            case str() | int():
                given = [str(value or "")]
            case _:
                given = list(value or ())
        words += [word for each in given if each for word in (f"--{name}", each)]
    return shlex.join(words)


def _versions() -> dict[str, str]:
    """Of mien, of Python, and of the packages that pixels and numbers pass through."""
    packages = {"numpy": np.__version__, "onnxruntime": ort.__version__, "pillow": PIL.__version__}
    return {"mien": __version__, "Python": platform.python_version(), **packages}

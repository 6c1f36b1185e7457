"""The plan of a run: its parts, each with a name that hangs on all that its rows hang on, and the manifest of it.

A part's name is made of what it reads (names, sizes, times of change), of the model and of the options: a part that is
done twice is one file, and what is there under its name is done.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from mien import __version__
from mien.batch.inputs import Inputs
from mien.batch.sources import Source
from mien.batch.table import table_schema
from mien.crops import Crop
from mien.errors import MienError
from mien.files import digest
from mien.prior import TRAINING, Prior
from mien.recognizer import Labels, Recognizer
from mien.tables import VERSION

FORMAT = 1
MANIFEST = "manifest.json"
SUFFIX = ".parquet"


@dataclass(frozen=True)
class Job:
    """What is done with every image. It may be pickled: the model is then opened where it arrives.

    Args:
        recognizer: reads them.
        labels: as `Recognizer.predict` takes them.
        prior: likewise.
        crop: likewise.

    Raises:
        LabelError: the model cannot speak that label set, or expect that prior.
    """

    recognizer: Recognizer
    labels: Labels = None
    prior: Prior = TRAINING
    crop: Crop = "auto"

    def __post_init__(self) -> None:
        spoken = self.recognizer.spoken(self.labels)
        self.recognizer.expected(self.prior, spoken)
        object.__setattr__(self, "labels", spoken)

    def told(self) -> dict[str, Any]:
        """All that rows hang on beside the images."""
        artifact, labels = self.recognizer.artifact, self.recognizer.spoken(self.labels)
        shares = self.recognizer.expected(self.prior, labels)
        limits = self.recognizer.limits
        return {
            "mien": __version__,
            "rows": VERSION,
            "model": {"name": artifact.name, "sha256": artifact.identity},
            "options": {
                "labels": {"name": labels.name, "emotions": list(labels)},
                "prior": shares or TRAINING,
                "crop": self.crop,
                "max_bytes": limits.max_bytes,
                "max_pixels": limits.max_pixels,
            },
        }


@dataclass(frozen=True)
class Part:
    """What becomes one file.

    Args:
        name: of the file.
        source: what it reads.
        images: how many there are; None where only reading tells.
    """

    name: str
    source: Source
    images: int | None


@dataclass(frozen=True)
class Plan:
    """All that a run is to do.

    Args:
        job: what is done with every image.
        inputs: what is read.
        parts: made of these two.
    """

    job: Job
    inputs: Inputs
    parts: tuple[Part, ...] = field(init=False)

    def __post_init__(self) -> None:
        told = json.dumps(self.job.told(), sort_keys=True)
        object.__setattr__(
            self,
            "parts",
            tuple(
                Part(_name(number, f"{told}\n{source.key}"), source, images)
                for number, (source, images) in enumerate(self.inputs.sources)
            ),
        )

    @property
    def schema(self) -> pa.Schema:
        """Of every file."""
        source = self.parts[0].source
        return table_schema(source.schema, self.job.recognizer.spoken(self.job.labels), source.image)

    def manifest(self) -> dict[str, Any]:
        """What the run is, for those who come later: the parts by name, with the number of their images."""
        return {
            "format": FORMAT,
            **self.job.told(),
            "inputs": {"kind": self.inputs.kind, "files": self.inputs.files, "images": self.inputs.images},
            "columns": self.schema.names,
            "parts": {part.name: part.images for part in self.parts},
        }

    def check(self, manifest: dict[str, Any], out: str) -> None:
        """See that a run which began as a manifest tells is this one.

        Raises:
            MienError: it is another; the message says what differs.
        """
        ours = self.manifest()
        faults = [
            f"{what}: it has {_words(manifest.get(what))}, and this is {_words(ours[what])}"
            for what in ("format", "mien", "rows", "model")
            if manifest.get(what) != ours[what]
        ]
        theirs = manifest.get("options") or {}
        faults += [
            f"{name}: it has {_words(theirs.get(name))}, and this is {_words(value)}"
            for name, value in ours["options"].items()
            if theirs.get(name) != value
        ]
        if not faults and manifest.get("columns") != ours["columns"]:
            faults = [
                f"columns: it has {', '.join(manifest.get('columns') or ())}, and this is {', '.join(ours['columns'])}"
            ]
        if not faults and list(manifest.get("parts") or {}) != list(ours["parts"]):
            gone = len(set(manifest.get("parts") or {}) - set(ours["parts"]))
            faults = [f"what is read: of its parts, {gone} are other ones now: files have come, gone or changed"]
        if faults:
            raise MienError(f"{out} holds another run: name another OUT, or ask for the same.\n" + "\n".join(faults))


def _name(number: int, told: str) -> str:
    return f"part-{number:06}-{digest(told.encode('utf-8', 'surrogateescape'))}{SUFFIX}"


def _words(value: object) -> str:
    if isinstance(value, dict):
        name, rest = value.get("name"), value.get("sha256")
        return f"{name} {rest[:8]}" if isinstance(rest, str) else str(name or value)
    return str(value)

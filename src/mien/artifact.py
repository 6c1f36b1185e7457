"""Artifacts: a folder that is the model, and the only thing that inference needs.

model.onnx   pixels (n, channels, size, size) uint8 -> logits_<label set> (n, emotions) float32, one output a head;
             features (n, values, height, width) float32, the network's last feature map, where it has one; and
             logits_face (n, 2) float32, for "face" and "not a face", where people's votes taught it that
model.json   the manifest: heads, calibration, thresholds, scores, data, recipes, sha256 of model.onnx and seen.bin
README.md    the model card, below what the Hugging Face Hub reads of it
seen.bin     16 bytes for each training image, its fingerprint (see `datasets.copies`), by which an evaluation knows it
             again; models of an older mien have none. mien's own models learned from the same images and lack it: the
             one file lies in the package, and serves whatever manifest names its sha256
heads.bin    what the heads make of the features: for each emotion of each head in the manifest's order, those of `face`
             last, a weight for each value of the map's mean over height and width, then the bias; float32, the lowest
             byte first. Models of an older mien have none, nor have those whose answers hang on more than one map
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from mien.errors import ArtifactError, LabelError, MienError
from mien.heads import HeadInfo
from mien.labels import FACE, LABEL_SETS, LabelSet

FORMAT = 7
DEFAULT = "small"
INPUT = "pixels"
OUTPUT = "logits_"
FEATURES = "features"
NEEDED = ("model.onnx", "model.json", "README.md")
SEEN = "seen.bin"
PRINT = 16  # bytes of a fingerprint
WEIGHTS = "heads.bin"
METADATA = re.compile(r"\A---\n.*?^---\n+", re.DOTALL | re.MULTILINE)


def _with_recipe(run: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(run.get("recipe"), dict):
        raise ValueError("a run has its recipe")
    return run


class Manifest(BaseModel):
    """The content of model.json; `scores`, `data` and `runs` are for people and the model card.

    Args:
        size: side of the crop in px.
        colour: of the crop.
        precision: of the network's products.
        mirror: whether it averages its answers to a face and to its mirror image.
        face: whether it tells what is no face.
        scores: on the validation images, by head.
        data: what it was trained on, with hashes.
        runs: each training run whose answers are averaged: its recipe, the epoch of its weights, what it began with;
            under `averaged_with` the same of the runs whose weights were averaged with its own, if any were.
        seen_sha256: of seen.bin; None where there is none.
        heads_sha256: of heads.bin, likewise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Annotated[int, Field(ge=1, le=FORMAT, strict=True)]
    name: str
    size: Annotated[int, Field(ge=16, le=512)]
    colour: Literal["gray", "rgb"]
    precision: Literal["float32", "int8"]
    mirror: bool
    face: bool = False
    heads: tuple[HeadInfo, ...] = Field(min_length=1)
    scores: dict[str, Any]
    data: dict[str, Any]
    runs: tuple[Annotated[dict[str, Any], AfterValidator(_with_recipe)], ...] = Field(min_length=1)
    sha256: str
    seen_sha256: str | None = None
    heads_sha256: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        widths = {head.labels: len(head.emotions) for head in self.heads}
        for head in self.heads:
            for asked in (each.labels for each in (head.second, head.stacking) if each):
                if asked not in widths.keys() - {head.labels}:
                    raise ValueError(f"head {head.labels!r} asks {asked!r}, which is no other head")
            if head.stacking and {*map(len, head.stacking.other)} != {widths[head.stacking.labels]}:
                raise ValueError(f"head {head.labels!r}: stacking is not of what {head.stacking.labels!r} says")
        return self

    @property
    def channels(self) -> int:
        """Of the crop: 1 if gray, 3 if coloured."""
        return 3 if self.colour == "rgb" else 1

    @property
    def outputs(self) -> dict[str, tuple[str, ...]]:
        """What the network tells apart, by head: those that answer, then `face`."""
        return {head.labels: head.emotions for head in self.heads} | ({FACE.name: FACE.emotions} if self.face else {})


@dataclass(frozen=True)
class Artifact:
    """A model folder whose files are all there and unaltered."""

    folder: Path
    manifest: Manifest
    onnx: bytes
    card: str
    """The model card, as Markdown, without what the Hugging Face Hub reads of it."""
    only: str | None = None
    """The head that answers alone; None if all do."""

    @property
    def heads(self) -> tuple[HeadInfo, ...]:
        """The heads that answer."""
        return tuple(head for head in self.manifest.heads if self.only in (None, head.labels))

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of the folder that are read, of which the last two need not be there."""
        return tuple(self.folder / name for name in (*NEEDED, SEEN, WEIGHTS))

    @property
    def packaged(self) -> bool:
        """Whether it comes with mien, and is found by its name."""
        return self.folder.parent == _packaged()

    def __repr__(self) -> str:
        heads = ", ".join(head.labels for head in self.heads)
        return f"Artifact({self.name}: {heads}; {len(self.onnx) / 1e6:.1f} MB)"

    @cached_property
    def seen(self) -> NDArray[np.uint8]:
        """Fingerprints of the images that it was trained on, (n, 16); (0, 16) where it does not know them.

        Raises:
            ArtifactError: seen.bin is missing or altered.
        """
        return np.frombuffer(self._beside(SEEN, self.manifest.seen_sha256), np.uint8).reshape(-1, PRINT)

    @cached_property
    def weights(self) -> dict[str, NDArray[np.float32]]:
        """By head, what it makes of the features' mean: weights and a bias an emotion, (emotions, values + 1), stacked
        where it is; {} where that is not known.

        Raises:
            ArtifactError: heads.bin is missing, altered, or not of these heads.
        """
        values = np.frombuffer(self._beside(WEIGHTS, self.manifest.heads_sha256), "<f4")
        rows = {head: len(emotions) for head, emotions in self.manifest.outputs.items()}
        if not values.size:
            return {}
        if values.size % sum(rows.values()):
            raise ArtifactError(f"{self.folder} is not a usable model", [f"{WEIGHTS} is not of the heads it has"])
        parts = np.split(values.reshape(sum(rows.values()), -1), np.cumsum(list(rows.values()))[:-1])
        alone = dict(zip(rows, parts, strict=True))
        return alone | {
            head.labels: head.stacking.weights(alone[head.labels], alone[head.stacking.labels])
            for head in self.manifest.heads
            if head.stacking
        }

    def _beside(self, name: str, sha256: str | None) -> bytes:
        """A file beside the network, or else of the package; empty where the manifest names none.

        Raises:
            ArtifactError: it is missing, or another than the manifest names.
        """
        if sha256 is None:
            return b""
        file = next((each for each in (self.folder / name, _assets() / name) if each.is_file()), None)
        content = file.read_bytes() if file else b""
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ArtifactError(f"{self.folder} is not a usable model", [f"{name} is missing or altered"])
        return content

    @property
    def identity(self) -> str:
        """The sha256 of its manifest, and so of its network, whose own is in there."""
        return hashlib.sha256(self.manifest.model_dump_json().encode()).hexdigest()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled by name or path, and read again where it arrives; whole where it has no folder on the disk."""
        if not (self.folder / "model.json").is_file():
            return Artifact, (self.folder, self.manifest, self.onnx, self.card, self.only)
        place = self.folder.name if self.packaged else str(self.folder.absolute())
        return _read_again, (place, self.identity, self.only)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    @property
    def label_sets(self) -> dict[str, LabelSet]:
        """The label sets that it can answer in, by name: those of its heads, then the known ones they can express."""
        own = {head.labels: head.label_set for head in self.heads}
        return own | {name: labels for name, labels in LABEL_SETS.items() if name not in own and self._speaks(labels)}

    def _speaks(self, labels: LabelSet) -> bool:
        return any(all(emotion in head.label_set for emotion in labels) for head in self.heads)

    def speaking(self, head: str) -> Artifact:
        """The same model, with one head alone to answer. Raises `LabelError`, listing the heads there are."""
        heads = [each.labels for each in self.manifest.heads]
        if head not in heads:
            raise LabelError(f"model {self.name!r} has no head {head!r}; its heads are {', '.join(heads)}")
        return replace(self, only=head)

    def second(self, head: HeadInfo) -> HeadInfo | None:
        """The head that is asked for a second opinion on the answers of one, if any."""
        return next((each for each in self.manifest.heads if head.second and each.labels == head.second.labels), None)

    def head_for(self, labels: LabelSet) -> HeadInfo:
        """The head that speaks a label set, or else the first that can be expressed in it.

        Raises:
            LabelError: no head has all of its emotions.
        """
        for head in self.heads:
            if head.label_set == labels:
                return head
        for head in self.heads:
            if all(emotion in head.label_set for emotion in labels):
                return head
        spoken = "; ".join(f"{head.labels} ({', '.join(head.emotions)})" for head in self.heads)
        raise LabelError(f"model {self.name!r} cannot speak {labels.name!r}: its heads are {spoken}")


def names() -> tuple[str, ...]:
    """The models that come with mien, the default one first."""
    found = sorted(path.parent.name for path in _packaged().glob("*/model.json"))
    return tuple(sorted(found, key=lambda name: name != DEFAULT))


def find(name_or_path: str | os.PathLike[str] | None = None) -> Path:
    """The folder of a model that comes with mien, by name, or of any other, by path; None is the default model.

    A string that is a name is no path: a folder of that name is `./name`, or a `Path`.

    Raises:
        ArtifactError: there is no such name or folder.
    """
    if name_or_path is None:
        return _packaged() / DEFAULT
    if isinstance(name_or_path, str) and name_or_path in names():
        return _packaged() / name_or_path
    mine = _told()
    if not isinstance(name_or_path, str | os.PathLike):
        kind = type(name_or_path).__name__
        raise ArtifactError(f"no model {name_or_path!r}", [f"expected a name or a folder, got {kind}", mine])
    path = Path(name_or_path)
    if not path.is_dir():
        raise ArtifactError(f"no model {str(name_or_path)!r}", [mine, "no such folder either"])
    return path


def _told() -> str:
    """Which models come with mien; where there are none, why that may be."""
    if found := names():
        return f"mien has {', '.join(found)}"
    ways = "reinstall mien, unpack the zip that it is in, or bundle its files, too (PyInstaller: --collect-data mien)"
    return f"mien's own models are not in {_packaged()}: {ways}"


def refuse_name(folder: Path) -> None:
    """Raises `MienError` where a folder is called as a model that comes with mien: its name would mean that one."""
    if str(folder) in names():
        raise MienError(f"{folder} is the name of a model that comes with mien: choose another folder")


def read(folder: Path) -> Artifact:
    """An artifact, checked.

    Raises:
        ArtifactError: a file is missing, the manifest is not one or is of a newer format, or model.onnx was altered;
            lists every fault.
    """
    subject = f"{folder} is not a usable model"
    missing = [f"no {name}" for name in NEEDED if not (folder / name).is_file()]
    if missing:
        raise ArtifactError(subject, missing)
    try:
        values = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ArtifactError(subject, [f"model.json is not JSON: {error}"]) from error
    if isinstance(values, dict) and isinstance(values.get("format"), int) and values["format"] > FORMAT:
        raise ArtifactError(subject, [f"format {values['format']}, this mien reads up to {FORMAT}: update mien"])
    faults = []
    onnx = (folder / "model.onnx").read_bytes()
    manifest = None
    try:
        manifest = Manifest.model_validate(values)
        for head in manifest.heads:
            _ = head.label_set
    except ValidationError as error:
        inner = {e["loc"][:depth] for e in error.errors() for depth in range(len(e["loc"]))}
        faults += [
            f"model.json, {'.'.join(map(str, e['loc'])) or 'top'}: {e['msg']}"
            for e in error.errors()
            if e["type"] != "too_short" or e["loc"] not in inner  # too short because what is in it is wrong
        ]
    except LabelError as error:
        faults.append(f"model.json: {error}")
    expected = values.get("sha256") if isinstance(values, dict) else None
    if expected != hashlib.sha256(onnx).hexdigest():
        faults.append("model.onnx is not the file that model.json names (sha256 differs)")
    if faults or manifest is None:
        raise ArtifactError(subject, faults)
    return Artifact(folder, manifest, onnx, METADATA.sub("", (folder / "README.md").read_text("utf-8", "replace")))


def _read_again(name_or_path: str, identity: str, only: str | None) -> Artifact:
    """An artifact that was pickled.

    Raises:
        ArtifactError: it cannot be found or read here, or is another by now.
    """
    artifact = read(find(name_or_path))
    if artifact.identity != identity:
        fault = f"model {artifact.name!r} differs from the one that was pickled: load it, and pickle it, again"
        raise ArtifactError(f"{name_or_path} is another model here", [fault])
    return replace(artifact, only=only)


def _packaged() -> Path:
    return _assets() / "models"


def _assets() -> Path:
    return Path(str(resources.files("mien"))) / "assets"

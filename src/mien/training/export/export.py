"""Export: the weights of a run, or of several, become an artifact, calibrated and checked, or nothing at all.

The ONNX file is compared with the networks it came from on real validation faces; every figure in the manifest and the
model card is measured with the ONNX file itself.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mien.artifact import FORMAT, SEEN, WEIGHTS, Artifact, Manifest, read, refuse_name
from mien.datasets import Dataset, open_dataset
from mien.datasets.base import spread
from mien.datasets.copies import fingerprints
from mien.errors import ArtifactError, DataError, MienError
from mien.files import check_writable, naming
from mien.heads import HeadInfo
from mien.image import Pixels
from mien.labels import FACE
from mien.metrics import softmax
from mien.network import Network
from mien.photos import load_crops, trained_crop
from mien.preprocess import Preprocess
from mien.training.batches.data import prepare
from mien.training.batches.targets import fingerprint, targets
from mien.training.export.calibrate import uncalibrated
from mien.training.export.card import metadata, model_card
from mien.training.export.compact import compact
from mien.training.export.judging import judged
from mien.training.export.linear import head_weights
from mien.training.export.together import together
from mien.training.learning.member import Finished, Logits, Member, averaged, find_member
from mien.wording import counted

TOLERANCE = 1e-3
"""Largest difference allowed between a logit of the ONNX file and of the network it came from."""

QUANTISED_TOLERANCE = 0.05
"""Largest mean difference allowed between probabilities of a quantised ONNX file and of the network it came from."""

CALIBRATION_IMAGES = 1024
"""Training images that show a quantiser how large activations get."""


def export(
    members: Sequence[str | Path],
    out: Path,
    *,
    data: Path | None = None,
    int8: bool = False,
    mirror: bool = False,
    soup: bool = False,
    last: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Artifact:
    """Make an artifact of a run or a model, or of several, whose answers it averages.

    Args:
        members: folders of runs, and names or folders of models, all trained on the same data.
        out: a folder that does not exist yet, or is empty; the model is called as it is.
        data: the data; None looks where the first run found them.
        int8: whether to quantise runs (see `quantise`), which makes the model a quarter as big and three times as fast.
        mirror: whether to average the answers to a face and to its mirror image, which takes twice the time; networks
            that are mirrored already answer once.
        soup: whether to average the weights, and not the answers (see `member.averaged`). One model alone is then made
            anew of its own.
        last: whether of runs to take the weights of their last epoch, not of the one that was best on validation.
        say: called with a sentence where there is something to tell.

    Returns:
        The artifact, as read back from `out`.

    Raises:
        MienError: neither a run nor a model, members that do not go together, or `out` is in the way or bears the name
            of a model that comes with mien.
        DataError: the data are gone or have changed.
        ArtifactError: a model is not usable, or the ONNX file disagrees with the networks; nothing is written then.
        OSError: nothing can be written there.
    """
    refuse_name(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise MienError(f"{out} is in the way: choose a folder that does not exist yet")
    check_writable(out.parent)
    found = [find_member(name, last=last) for name in members]
    _check_alike(found, None if soup else "int8" if int8 else "float32")
    for sentence in filter(None, map(unfinished, found)):
        say(f"warning: {sentence}")
    if soup:
        found = [averaged(found)]
    recipe, dataset = found[0].recipe, _dataset(found, data)
    valid, pixels = _read(dataset.split("valid"), found[0])
    if fingerprint(hashlib.sha256(pixels.tobytes()), targets(valid, recipe.heads)) != found[0].data["valid_sha256"]:
        raise DataError(f"{dataset.path}: the validation images or their labels are not those of {found[0].name}")
    samples = _read(spread(dataset.split("train"), CALIBRATION_IMAGES), found[0])[1] if int8 else None
    twice = [mirror and not member.mirrored for member in found]
    networks = [member.onnx(samples) for member in found]
    onnx = compact(together(networks, mirror=twice))
    weights = _weights(networks, found[0])
    of_train = fingerprints(dataset.split("train"))
    seen = np.unique(of_train.prints, axis=0).tobytes()
    manifest = _uncalibrated(found, out.resolve().name, onnx, seen, weights, int8=int8, mirror=any(twice))
    logits = Network(Artifact(out, manifest, onnx, "")).logits(pixels)
    sides = (pixels, pixels[..., ::-1]) if mirror else (pixels,)
    expected = _mean([member.answers(side) for member in found for side in sides])
    (check_quantised if int8 else check_parity)(expected, logits)
    say(f"the ONNX file agrees with the network on {counted(len(pixels), 'validation image')}")
    manifest = judged(manifest, logits, dataset.split("train"), of_train, valid)
    _write(out, {"model.onnx": onnx, SEEN: seen} | ({WEIGHTS: weights} if weights else {}), manifest)
    for name, scores in manifest.scores.items():
        if reason := uncalibrated(scores):
            say(f"warning: head {name}: {reason}")
    return read(out)


def unfinished(member: Member) -> str | None:
    """A sentence where a run has fewer epochs than its recipe asks for; None of models, which are as they are."""
    run, asked = member.told["epochs_run"], member.recipe.schedule.epochs
    if isinstance(member, Finished) or run >= asked:
        return None
    return (
        f"{member.name} is not finished: {run} of {counted(asked, 'epoch')}; `mien train` with --resume goes on with it"
    )


def _dataset(members: Sequence[Member], data: Path | None) -> Dataset:
    """The data, split as they were for training."""
    known = next((member.data for member in members if "path" in member.data), members[0].data)
    place = data or known.get("path")
    if place is None:
        raise MienError("models do not know where their data are: tell it with --data")
    dataset = open_dataset(place, mapping=known.get("mapping"), group=known.get("group"))
    return prepare(dataset, members[0].recipe)


def _read(dataset: Dataset, member: Member) -> tuple[Dataset, Pixels]:
    """The examples that could be read, and their pixels as the network takes them, cropped as for training."""
    preprocess = Preprocess(member.recipe.size, member.recipe.colour)
    readable, crops, _ = load_crops(dataset, preprocess, trained_crop(member.data))
    return readable, preprocess.tensor(crops)


def _weights(networks: Sequence[bytes], member: Member) -> bytes:
    """What the heads make of the features (see `artifact`): those of several networks see a map each."""
    heads = {name: len(emotions) for name, emotions in member.heads.items()}
    return head_weights(networks[0], heads) if len(networks) == 1 else b""


def _uncalibrated(
    members: Sequence[Member], name: str, onnx: bytes, seen: bytes, weights: bytes, *, int8: bool, mirror: bool
) -> Manifest:
    first = members[0]
    return Manifest(
        format=FORMAT,
        name=name,
        size=first.recipe.size,
        colour=first.recipe.colour,
        precision="int8" if int8 else "float32",
        mirror=mirror,
        heads=tuple(
            HeadInfo(labels=head, emotions=emotions, temperature=1, threshold=0)
            for head, emotions in first.heads.items()
            if head != FACE.name
        ),
        face=FACE.name in first.heads,
        scores={},
        data={key: value for key, value in first.data.items() if key != "path"},
        runs=tuple(member.told for member in members),
        sha256=hashlib.sha256(onnx).hexdigest(),
        seen_sha256=hashlib.sha256(seen).hexdigest(),
        heads_sha256=hashlib.sha256(weights).hexdigest() if weights else None,
    )


def _check_alike(members: Sequence[Member], precision: str | None) -> None:
    """Refuse members that cannot be one model; where models stay as they are, also those of another precision."""
    first, faults = members[0], []
    for member in members:
        if any(member.data.get(key) != first.data.get(key) for key in ("train_sha256", "valid_sha256")):
            faults.append(f"{member.name}: trained on other images or targets than {first.name}")
        if (member.recipe.size, member.recipe.colour) != (first.recipe.size, first.recipe.colour):
            faults.append(f"{member.name}: input of another size or colour than {first.name}")
        if member.heads != first.heads:
            faults.append(f"{member.name}: other heads than {first.name}")
        if precision and isinstance(member, Finished) and (has := member.artifact.manifest.precision) != precision:
            faults.append(f"{member.name}: its precision is {has}, and {precision} was asked for")
    if faults:
        raise MienError("these cannot be one model: " + "; ".join(faults))


def _mean(answers: Sequence[Logits]) -> Logits:
    return {name: np.mean([answer[name] for answer in answers], 0) for name in answers[0]}


def check_parity(theirs: Logits, ours: Logits) -> None:
    """Compare logits of the networks with those of the ONNX file, by head.

    Raises:
        ArtifactError: a logit differs by more than `TOLERANCE`.
    """
    differences = {name: np.abs(ours[name] - theirs[name]).max() for name in ours}
    _refuse("logits differ by up to", differences, TOLERANCE)


def check_quantised(theirs: Logits, ours: Logits) -> None:
    """Compare logits of the networks with those of the quantised ONNX file, by head.

    Raises:
        ArtifactError: the probabilities differ by more than `QUANTISED_TOLERANCE` on average (total variation).
    """
    distances = {name: np.abs(softmax(ours[name]) - softmax(theirs[name])).sum(1).mean() / 2 for name in ours}
    _refuse("probabilities differ on average by", distances, QUANTISED_TOLERANCE)


def _refuse(what: str, differences: dict[str, Any], allowed: float) -> None:
    faults = [
        f"head {name}: {what} {difference:.2g}, {allowed:g} is allowed"
        for name, difference in differences.items()
        if not difference <= allowed
    ]
    if faults:
        raise ArtifactError("the ONNX file disagrees with the network it came from; nothing was written", faults)


def _write(out: Path, files: dict[str, bytes], manifest: Manifest) -> None:
    """The whole folder, or nothing."""
    out.parent.mkdir(parents=True, exist_ok=True)
    texts = {
        "model.json": manifest.model_dump_json(indent=2) + "\n",
        "README.md": metadata(manifest) + model_card(manifest),
    }
    temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        for name, content in (files | {name: text.encode() for name, text in texts.items()}).items():
            with naming(out / name, temporary / name):
                (temporary / name).write_bytes(content)
        temporary.chmod(0o755)
        if out.exists():
            out.rmdir()
        temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)

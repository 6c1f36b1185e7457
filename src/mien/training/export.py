"""Export: the best weights of a run, or of several, become an artifact, calibrated and checked, or nothing at all.

The ONNX file is compared with the network it came from on real validation faces; every figure in the manifest and the
model card is measured with the ONNX file itself.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mien.artifact import FEATURES, FORMAT, INPUT, OUTPUT, Artifact, HeadInfo, Manifest, read
from mien.datasets import Dataset, load_pixels, open_dataset
from mien.datasets.base import NO_LABEL, VOTES, spread
from mien.datasets.splits import group_of
from mien.errors import ArtifactError, DataError, MienError
from mien.image import Pixels
from mien.labels import FACE, FERPLUS8, named_set
from mien.metrics import softmax
from mien.preprocess import Preprocess
from mien.recognizer import Recognizer
from mien.training.calibrate import Calibration, calibrate
from mien.training.card import model_card
from mien.training.checkpoint import Run
from mien.training.data import prepare
from mien.training.loss import fingerprint, targets
from mien.training.networks import Averaged, Mirrored, build, deployed
from mien.training.quantise import quantise
from mien.training.recipe import Recipe

OPSET = 18
TOLERANCE = 1e-3
"""Largest difference allowed between a logit of the ONNX file and of the network it came from."""

QUANTISED_TOLERANCE = 0.05
"""Largest mean difference allowed between probabilities of a quantised ONNX file and of the network it came from."""

CALIBRATION_IMAGES = 1024
"""Training images that show a quantiser how large activations get."""

Logits = dict[str, NDArray[np.float32]]


def export(
    runs: Sequence[Path],
    out: Path,
    *,
    int8: bool = False,
    mirror: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Artifact:
    """Make an artifact of a run, or of several, whose answers it averages.

    Args:
        runs: folders of runs on the same data; these must still be where they were.
        out: a folder that does not exist yet, or is empty; the model is called as it is.
        int8: whether to quantise (see `quantise`), which makes the model a quarter as big and three times as fast.
        mirror: whether to average the answers to a face and to its mirror image, which takes twice the time.
        say: called with a sentence where there is something to tell.

    Returns:
        The artifact, as read back from `out`.

    Raises:
        MienError: not a run, runs that do not go together, or `out` is in the way.
        DataError: the data are gone or have changed.
        ArtifactError: the ONNX file disagrees with the network; nothing is written then.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise MienError(f"{out} is in the way: choose a folder that does not exist yet")
    trained = [_load(Run(folder)) for folder in runs]
    first = trained[0]
    _check_alike(trained)
    dataset = prepare(open_dataset(first.data["path"]), first.recipe)
    preprocess = Preprocess(first.recipe.size, first.recipe.colour)
    valid, crops, _ = load_pixels(dataset.split("valid"), preprocess.whole)
    if fingerprint(preprocess.tensor(crops), targets(valid, first.recipe.heads)) != first.data["valid_sha256"]:
        raise DataError(f"{first.data['path']}: the validation images or their labels are not those of the run")

    network: nn.Module = Averaged([one.network for one in trained])
    network = (Mirrored(network) if mirror else network).eval()
    onnx = to_onnx(network, (first.recipe.channels, first.recipe.size, first.recipe.size))
    if int8:
        _, samples, _ = load_pixels(spread(dataset.split("train"), CALIBRATION_IMAGES), preprocess.whole)
        onnx = quantise(onnx, preprocess.tensor(samples))
    onnx = bare(onnx)
    uncalibrated = Manifest(
        format=FORMAT,
        name=out.resolve().name,
        size=first.recipe.size,
        colour=first.recipe.colour,
        precision="int8" if int8 else "float32",
        mirror=mirror,
        heads=tuple(
            HeadInfo(labels=name, emotions=emotions, temperature=1, threshold=0)
            for name, emotions in first.heads.items()
            if name != FACE.name
        ),
        face=FACE.name in first.heads,
        scores={},
        data={key: value for key, value in first.data.items() if key not in ("path", "start", "teachers")},
        runs=tuple(one.told() for one in trained),
        sha256=hashlib.sha256(onnx).hexdigest(),
    )
    logits = Recognizer(Artifact(out, uncalibrated, onnx, "")).logits(crops)
    (check_quantised if int8 else check_parity)(answers(network, preprocess.tensor(crops)), logits)
    say(f"the ONNX file agrees with the network on {len(crops)} validation images")
    calibrations = {
        head.labels: _calibrate(head.labels, head.emotions, logits[head.labels], valid) for head in uncalibrated.heads
    }
    scores = {name: calibration.scores for name, calibration in calibrations.items()}
    if uncalibrated.face:
        scores[FACE.name] = _judge_faces(logits[FACE.name], valid)
    calibrated = tuple(_calibrated(head, calibrations[head.labels]) for head in uncalibrated.heads)
    _write(out, onnx, uncalibrated.model_copy(update={"heads": calibrated, "scores": scores}))
    return read(out)


@dataclass(frozen=True)
class _Trained:
    """A run's best weights, in the network that is judged."""

    run: Run
    recipe: Recipe
    data: dict[str, Any]
    heads: dict[str, tuple[str, ...]]
    network: nn.Module
    epoch: int

    def told(self) -> dict[str, Any]:
        """What the manifest says of it."""
        taught = {"teachers": self.data["teachers"]} if "teachers" in self.data else {}
        epochs = {"epoch": self.epoch + 1, "epochs_run": len(self.run.read_log())}
        return {"recipe": self.recipe.model_dump(mode="json"), "start": self.data.get("start"), **taught, **epochs}


def _load(run: Run) -> _Trained:
    recipe, state, data = run.recipe(), run.load(run.best), run.data()
    heads = {name: tuple(emotions) for name, emotions in state["heads"].items()}
    network = build(recipe, {name: len(emotions) for name, emotions in heads.items()})
    network.load_state_dict(state["network"])
    return _Trained(run, recipe, data, heads, deployed(network, recipe), state["epoch"])


def _check_alike(trained: Sequence[_Trained]) -> None:
    first = trained[0]
    faults = []
    for other in trained[1:]:
        name = str(other.run.folder)
        if any(other.data[key] != first.data[key] for key in ("train_sha256", "valid_sha256")):
            faults.append(f"{name}: trained on other images or targets than {first.run.folder}")
        if (other.recipe.size, other.recipe.colour) != (first.recipe.size, first.recipe.colour):
            faults.append(f"{name}: input of another size or colour than {first.run.folder}")
        if other.heads != first.heads:
            faults.append(f"{name}: other heads than {first.run.folder}")
    if faults:
        raise MienError("the answers of these runs cannot be averaged: " + "; ".join(faults))


@torch.no_grad()
def to_onnx(network: nn.Module, shape: tuple[int, int, int]) -> bytes:
    """A network as ONNX: `pixels` (n, *shape) uint8 in; `logits_<head>` (n, emotions) float32 and `features` out."""
    example = torch.zeros((2, *shape), dtype=torch.uint8)
    names = [name if name == FEATURES else OUTPUT + name for name in network(example)]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own internals, and logs that torchvision is absent
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        path = Path(folder) / "model.onnx"
        torch.onnx.export(
            network,
            (example,),
            str(path),
            dynamo=True,
            external_data=False,
            verbose=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=names,
            dynamic_shapes=({0: torch.export.Dim("n", min=1)},),
        )
        return path.read_bytes()


def bare(onnx: bytes) -> bytes:
    """An ONNX file without its exporter's notes on every node: a twentieth of a small one."""
    import onnx as package

    model = package.load_from_string(onnx)
    graph = model.graph
    del graph.value_info[:]
    for noted in (model, graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        del noted.metadata_props[:]
    return bytes(model.SerializeToString())


@torch.no_grad()
def answers(network: nn.Module, pixels: Pixels) -> Logits:
    """Logits by head of pixels (n, channels, size, size) uint8."""
    parts = [network(batch) for batch in torch.from_numpy(pixels.copy()).split(256)]
    return {name: torch.cat([part[name] for part in parts]).numpy() for name in parts[0] if name != FEATURES}


def check_parity(theirs: Logits, ours: Logits) -> None:
    """Compare logits of the network with those of its ONNX file, by head.

    Raises:
        ArtifactError: a logit differs by more than `TOLERANCE`.
    """
    differences = {name: np.abs(ours[name] - theirs[name]).max() for name in ours}
    _refuse("logits differ by up to", differences, TOLERANCE)


def check_quantised(theirs: Logits, ours: Logits) -> None:
    """Compare logits of the network with those of its quantised ONNX file, by head.

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


def _calibrated(head: HeadInfo, found: Calibration) -> HeadInfo:
    names = ("temperature", "entropy_slope", "bias", "vote_temperature", "threshold")
    return head.model_copy(update={name: getattr(found, name) for name in names})


def _calibrate(name: str, emotions: tuple[str, ...], logits: NDArray[Any], valid: Dataset) -> Calibration:
    labels = named_set(emotions)
    truth = valid.targets(labels)
    judged = truth != NO_LABEL
    votes = np.zeros((0, len(labels)), np.int64)
    voted = np.zeros(len(valid), bool)
    if labels == FERPLUS8 and valid.has_votes:
        votes = valid.votes()[:, : len(labels)]
        voted = judged & (votes.sum(1) > 0)
        votes = votes[voted]
    if judged.sum() < 2:
        raise DataError(f"{judged.sum()} validation images have a label in {name!r}: calibration needs two at least")
    people = [" ".join(group_of(valid.examples[row])) for row in np.flatnonzero(judged)]
    return calibrate(logits[judged].astype(np.float64), truth[judged], logits[voted].astype(np.float64), votes, people)


def _judge_faces(logits: NDArray[np.float32], valid: Dataset) -> dict[str, Any]:
    """How well what most people took for no face is told from what all took for one.

    `auc` is the chance that one of the first gets the higher score, ties counting half (the area under the ROC curve);
    None if there are none of a kind.
    """
    votes = valid.votes()
    scores, nobody = softmax(logits)[:, 1], votes[:, VOTES.index(FACE.emotions[1])] / np.maximum(votes.sum(1), 1)
    without, faces = scores[nobody > 0.5], scores[(nobody == 0) & (votes.sum(1) > 0)]
    higher = (np.sign(without[:, None] - faces) + 1) / 2
    auc = float(higher.mean()) if higher.size else None
    return {"without": len(without), "faces": len(faces), "auc": auc}


def _write(out: Path, onnx: bytes, manifest: Manifest) -> None:
    """The whole folder, or nothing."""
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        (temporary / "model.onnx").write_bytes(onnx)
        (temporary / "model.json").write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
        (temporary / "README.md").write_text(model_card(manifest), encoding="utf-8")
        temporary.chmod(0o755)
        if out.exists():
            out.rmdir()
        temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)

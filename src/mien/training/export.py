"""Export: the best weights of a run become an artifact, calibrated and checked, or nothing at all.

The ONNX file is compared with the network it came from on real validation faces; every figure in the manifest and the
model card is measured with the ONNX file itself.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mien.artifact import FORMAT, INPUT, OUTPUT, Artifact, HeadInfo, Manifest, read
from mien.datasets import Dataset, load_pixels, open_dataset, with_validation
from mien.datasets.base import NO_LABEL
from mien.errors import ArtifactError, DataError, MienError
from mien.image import Pixels
from mien.labels import FERPLUS8, named_set
from mien.preprocess import Preprocess
from mien.recognizer import Recognizer
from mien.training.calibrate import Calibration, calibrate
from mien.training.card import model_card
from mien.training.checkpoint import Run
from mien.training.loss import fingerprint, targets
from mien.training.networks import ResidualNet, deployed

OPSET = 18
TOLERANCE = 1e-3
"""Largest difference allowed between a logit of the ONNX file and of the network it came from."""


def export(run_folder: Path, out: Path, *, say: Callable[[str], None] = lambda _: None) -> Artifact:
    """Make an artifact of a run.

    Args:
        run_folder: of the run; the data it was trained on must still be where they were.
        out: a folder that does not exist yet, or is empty.
        say: called with a sentence where there is something to tell.

    Returns:
        The artifact, as read back from `out`.

    Raises:
        MienError: `run_folder` is not a run, or `out` is in the way.
        DataError: the data are gone or have changed.
        ArtifactError: the ONNX file disagrees with the network; nothing is written then.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise MienError(f"{out} is in the way: choose a folder that does not exist yet")
    run = Run(run_folder)
    recipe, state, data = run.recipe(), run.load(run.best), run.data()
    dataset = with_validation(open_dataset(data["path"]), recipe.validation_share, recipe.seed)
    preprocess = Preprocess(recipe.size)
    valid, crops, _ = load_pixels(dataset.split("valid"), preprocess.whole)
    if fingerprint(crops, targets(valid, recipe.heads)) != data["valid_sha256"]:
        raise DataError(f"{data['path']}: the validation images or their labels are not those of the run")

    heads = {name: tuple(emotions) for name, emotions in state["heads"].items()}
    bare = ResidualNet(recipe.network, {name: len(emotions) for name, emotions in heads.items()})
    bare.load_state_dict(state["network"])
    network = deployed(bare, recipe)
    onnx = to_onnx(network, recipe.size, tuple(heads))
    uncalibrated = Manifest(
        format=FORMAT,
        name=recipe.name,
        size=recipe.size,
        heads=tuple(
            HeadInfo(labels=name, emotions=emotions, temperature=1, threshold=0) for name, emotions in heads.items()
        ),
        scores={},
        data={key: value for key, value in data.items() if key != "path"},
        recipe=recipe.model_dump(mode="json"),
        sha256=hashlib.sha256(onnx).hexdigest(),
    )
    logits = Recognizer(Artifact(out, uncalibrated, onnx)).logits(crops)
    check_parity(network, logits, preprocess.tensor(crops))
    say(f"the ONNX file agrees with the network on {len(crops)} validation images")
    calibrations = {name: _calibrate(name, emotions, logits[name], valid) for name, emotions in heads.items()}
    epochs = {"epoch": state["epoch"] + 1, "epochs_run": len(run.read_log())}
    scores = {name: calibration.scores for name, calibration in calibrations.items()} | epochs
    calibrated = tuple(_calibrated(head, calibrations[head.labels]) for head in uncalibrated.heads)
    _write(out, onnx, uncalibrated.model_copy(update={"heads": calibrated, "scores": scores}))
    return read(out)


def to_onnx(network: nn.Module, size: int, heads: tuple[str, ...]) -> bytes:
    """A network as ONNX: `pixels` (n, 1, size, size) uint8 in, one `logits_<head>` (n, emotions) float32 a head out."""
    example = torch.zeros((2, 1, size, size), dtype=torch.uint8)
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
            output_names=[OUTPUT + head for head in heads],
            dynamic_shapes=({0: torch.export.Dim("n", min=1)},),
        )
        return path.read_bytes()


@torch.no_grad()
def check_parity(network: nn.Module, logits: dict[str, NDArray[np.float32]], pixels: Pixels) -> None:
    """Compare logits of the ONNX file with the network's own.

    Args:
        pixels: (n, 1, size, size) uint8.

    Raises:
        ArtifactError: a logit differs by more than `TOLERANCE`, named by head.
    """
    parts = [network(batch) for batch in torch.from_numpy(pixels.copy()).split(256)]
    faults = []
    for name, ours in logits.items():
        theirs = torch.cat([part[name] for part in parts]).numpy()
        if not (difference := np.abs(ours - theirs).max()) <= TOLERANCE:
            faults.append(f"head {name}: logits differ by up to {difference:.2g}, {TOLERANCE:g} is allowed")
    if faults:
        raise ArtifactError("the ONNX file disagrees with the network it came from; nothing was written", faults)


def _calibrated(head: HeadInfo, found: Calibration) -> HeadInfo:
    names = ("temperature", "vote_temperature", "threshold")
    return head.model_copy(update={name: getattr(found, name) for name in names})


def _calibrate(name: str, emotions: tuple[str, ...], logits: NDArray[Any], valid: Dataset) -> Calibration:
    labels = named_set(emotions)
    truth = valid.targets(labels)
    judged = truth != NO_LABEL
    votes = np.zeros((0, len(labels)), np.int64)
    voted = np.zeros(len(valid), bool)
    if labels == FERPLUS8 and valid.has_votes:
        votes = valid.votes()[:, : len(labels)]
        voted = votes.sum(1) > 0
        votes = votes[voted]
    if judged.sum() < 2:
        raise DataError(f"{judged.sum()} validation images have a label in {name!r}: calibration needs two at least")
    return calibrate(logits[judged].astype(np.float64), truth[judged], logits[voted].astype(np.float64), votes)


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

"""Models of an older mien learn to tell what their answers hang on: writes `heads.bin` beside `model.onnx`.

    python tools/heads.py src/mien/assets/models/* teachers/*

What the heads make of the last feature map is read out of the network's own file, which stays as it is, and compared
with what the network answers. Models that `mien export` makes now have it already.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np

from mien.artifact import FORMAT, WEIGHTS, read
from mien.files import replacing
from mien.labels import FACE
from mien.network import Network
from mien.training.export.linear import head_weights

NOISE = 64  # images of noise, on which both must say the same


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="MODEL")
    for folder in parser.parse_args().folders:
        if (folder / "model.json").is_file():
            print(f"{folder.name}: {told(folder)}")


def told(folder: Path) -> str:
    """What was done to a model."""
    manifest = read(folder).manifest
    if len(manifest.runs) > 1:
        return "several networks, each with a map of its own: nothing to tell"
    heads = {head.labels: len(head.emotions) for head in manifest.heads} | ({FACE.name: 2} if manifest.face else {})
    weights = head_weights((folder / "model.onnx").read_bytes(), heads)
    if not weights:
        return "no feature map: nothing to tell"
    with replacing(folder / WEIGHTS) as temporary:
        temporary.write_bytes(weights)
    content = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    content |= {"format": FORMAT, "heads_sha256": hashlib.sha256(weights).hexdigest()}
    with replacing(folder / "model.json") as temporary:
        temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return f"{len(weights)} bytes; logits differ by up to {difference(folder):.3f}"


def difference(folder: Path) -> float:
    """Between a logit that the network gives and the same made of its features, at most."""
    artifact = read(folder)
    network, manifest = Network(artifact), artifact.manifest
    shape = (NOISE, manifest.channels, manifest.size, manifest.size)
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    sides = [pixels, np.ascontiguousarray(pixels[..., ::-1])] if manifest.mirror else [pixels]
    told = [network.logits_and_features(side) for side in sides]
    mean, logits = np.mean([features.mean((2, 3)) for _, features in told], 0), told[0][0]
    return max(
        float(np.abs(mean @ each[:, :-1].T + each[:, -1] - logits[head]).max())
        for head, each in artifact.weights.items()
    )


if __name__ == "__main__":
    main()

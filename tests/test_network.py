"""The network of an artifact: the same logits in any company, and a refusal where file and manifest disagree."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from mien.artifact import find, read
from mien.errors import ArtifactError, MienError
from mien.labels import FER7, FERPLUS8
from mien.network import BATCH, Network
from mien.preprocess import Preprocess

Pixels = NDArray[np.uint8]
Bands = Callable[..., Pixels]
Toy = Callable[..., Path]


@pytest.fixture(scope="module")
def default() -> Network:
    return Network(read(find()))


def noise(n: int) -> Pixels:
    return np.random.default_rng(n).integers(0, 256, (n, 1, 48, 48), np.uint8)


@pytest.mark.parametrize("n", [0, 1, BATCH, 2 * BATCH + 3])
def test_any_number_of_crops(n: int, default: Network) -> None:
    pixels = noise(n)
    logits = default.logits(pixels)
    assert {head: values.shape for head, values in logits.items()} == {
        "ferplus8": (n, 8),
        "fer7": (n, 7),
        "face": (n, 2),
    }
    again, features = default.logits_and_features(pixels)
    assert len(features) == n
    assert all(np.array_equal(again[head], values) for head, values in logits.items())
    for row in range(0, n, 20):
        alone = default.logits(pixels[row : row + 1])
        for head, values in logits.items():
            assert alone[head][0] == pytest.approx(values[row], abs=1e-4)


def test_threads_change_nothing(default: Network) -> None:
    pixels = noise(3 * BATCH)
    together = default.logits(pixels, 3)
    (_, threaded), (_, features) = (default.logits_and_features(pixels, threads) for threads in (3, 1))
    assert np.array_equal(threaded, features)
    assert all(np.array_equal(together[head], values) for head, values in default.logits(pixels).items())


def test_crops_that_lie_mirrored_in_memory(default: Network) -> None:
    pixels = noise(5)[..., ::-1]
    assert np.array_equal(default.logits(pixels)["fer7"], default.logits(pixels.copy())["fer7"])


def test_a_network_without_features(toy: Toy, tmp_path: Path) -> None:
    network = Network(read(toy(tmp_path / "toy", {"ferplus8": FERPLUS8.emotions})))
    with pytest.raises(MienError, match="gives no feature map"):
        network.logits_and_features(noise(1))


def rewritten(folder: Path, change: Callable[[Any], Any]) -> Path:
    """The artifact with another network, and the hash to go with it."""
    model = onnx.load(folder / "model.onnx")
    result = change(model)
    data = result if isinstance(result, bytes) else model.SerializeToString()
    (folder / "model.onnx").write_bytes(data)
    manifest = json.loads((folder / "model.json").read_text())
    manifest["sha256"] = hashlib.sha256(data).hexdigest()
    (folder / "model.json").write_text(json.dumps(manifest))
    return folder


def frozen_batch(model: Any) -> None:
    for each in (*model.graph.input, *model.graph.output):
        each.type.tensor_type.shape.dim[0].dim_value = 2


def float_pixels(model: Any) -> None:
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT


def renamed_input(model: Any) -> None:
    model.graph.input[0].name = model.graph.node[0].input[0] = "images"


def renamed_output(model: Any) -> None:
    model.graph.output[0].name = model.graph.node[-1].output[0] = "logits_other"


def half_logits(model: Any) -> None:
    model.graph.node[-1].output[0] = "full"
    name = model.graph.output[0].name
    model.graph.node.append(onnx.helper.make_node("Cast", ["full"], [name], to=onnx.TensorProto.FLOAT16))
    model.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT16


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda model: b"not a network", "model.onnx cannot be loaded"),
        (lambda model: model.SerializeToString()[:-100], "model.onnx cannot be loaded"),
        (renamed_input, "model.json promises {'pixels'"),
        (float_pixels, "model.json promises {'pixels': 'tensor(uint8) [n, 1, 48, 48]'}"),
        (frozen_batch, "model.json promises {'pixels'"),
        (renamed_output, "model.json promises {'logits_ferplus8'"),
        (half_logits, "model.json promises {'logits_ferplus8': 'tensor(float) [n, 8]'}"),
    ],
)
def test_a_network_that_disagrees_with_its_manifest(
    change: Callable[[Any], Any], fault: str, toy: Toy, tmp_path: Path
) -> None:
    folder = rewritten(toy(tmp_path / "toy", {"ferplus8": FERPLUS8.emotions}), change)
    with pytest.raises(ArtifactError) as caught:
        Network(read(folder))
    assert any(fault in each for each in caught.value.faults), caught.value.faults


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"size": 40}, ["[n, 1, 40, 40]"]),
        ({"heads": [{"labels": "ferplus8", "emotions": FER7.emotions, "temperature": 1, "threshold": 0}]}, ["[n, 7]"]),
        (
            {"size": 40, "heads": [{"labels": "x", "emotions": FER7.emotions, "temperature": 1, "threshold": 0}]},
            ["[n, 1, 40, 40]", "logits_x"],
        ),
    ],
)
def test_a_manifest_that_disagrees_with_its_network(
    changes: dict[str, Any], faults: list[str], toy: Toy, tmp_path: Path
) -> None:
    folder = toy(tmp_path / "toy", {"ferplus8": FERPLUS8.emotions})
    manifest = json.loads((folder / "model.json").read_text()) | changes
    (folder / "model.json").write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError) as caught:
        Network(read(folder))
    assert len(caught.value.faults) == len(faults)
    for fault, found in zip(faults, caught.value.faults, strict=True):
        assert fault in found


def test_a_further_output_is_no_fault(toy: Toy, tmp_path: Path, bands: Bands) -> None:
    def add(model: Any) -> None:
        model.graph.output.append(onnx.helper.make_tensor_value_info("flat", onnx.TensorProto.FLOAT, ["faces", 2304]))

    network = Network(read(rewritten(toy(tmp_path / "toy", {"ferplus8": FERPLUS8.emotions}), add)))
    crop = Preprocess().whole(bands(2, 8))
    assert network.logits(Preprocess().tensor([crop]))["ferplus8"].argmax(1).tolist() == [2]

"""Explanations: the part that an answer hangs on is the part that is told."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

import mien
from mien.errors import LabelError, MienError
from mien.explain import GRID, explain, explained, usual
from mien.network import Network
from mien.recognizer import Recognizer
from mien.training.export.together import together

Bands = Callable[..., NDArray[np.uint8]]
Toy = Callable[..., Path]


@pytest.fixture
def mapped(toy: Toy, tmp_path: Path) -> Callable[[bool], Recognizer]:
    """Makes models that answer yes the more surely the brighter the left half of the crop is, by a map of 3 x 3 means;
    or both halves, since they answer to the mirror image as well."""

    def make(mirror: bool) -> Recognizer:
        folder = toy(tmp_path / "mapped", {"yes-no": ("yes", "no")})
        weights = np.array([[36, -3], [0, 0]], "<f4")
        left = np.zeros((1, 1, 48, 48), np.float32)
        left[..., :24] = 1 / 255
        constants = {"left": left, "axes": np.array([2, 3]), "weights": weights[:, :1], "bias": weights[:, 1]}
        nodes = [
            helper.make_node("Cast", ["pixels"], ["floats"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["floats", "left"], ["seen"]),
            helper.make_node("AveragePool", ["seen"], ["features"], kernel_shape=[16, 16], strides=[16, 16]),
            helper.make_node("ReduceMean", ["features", "axes"], ["mean"], keepdims=0),
            helper.make_node("Gemm", ["mean", "weights", "bias"], ["logits_yes-no"], transB=1),
        ]
        graph = helper.make_graph(
            nodes,
            "mapped",
            [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", 1, 48, 48])],
            [
                helper.make_tensor_value_info("logits_yes-no", TensorProto.FLOAT, ["n", 2]),
                helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 1, 3, 3]),
            ],
            [numpy_helper.from_array(value, name) for name, value in constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
        onnx.checker.check_model(model)
        content = together([model.SerializeToString()], mirror=[mirror])
        (folder / "model.onnx").write_bytes(content)
        (folder / "heads.bin").write_bytes(weights.tobytes())
        manifest = json.loads((folder / "model.json").read_text()) | {"mirror": mirror}
        manifest |= {"sha256": hashlib.sha256(content).hexdigest()}
        manifest |= {"heads_sha256": hashlib.sha256(weights.tobytes()).hexdigest()}
        (folder / "model.json").write_text(json.dumps(manifest))
        return mien.load(folder)

    return make


def bright(row: int, column: int) -> NDArray[np.uint8]:
    """A crop that is black but for one of its ninths."""
    crop = np.zeros((48, 48), np.uint8)
    crop[16 * row : 16 * row + 16, 16 * column : 16 * column + 16] = 255
    return crop


@pytest.mark.parametrize(
    ("row", "column", "mirror", "share"),
    [(0, 0, False, 1), (2, 1, False, 1 / 2), (0, 0, True, 1 / 2), (1, 2, True, 1 / 2), (2, 1, True, 1 / 2)],
)
def test_what_the_network_found_is_left_out(
    row: int, column: int, mirror: bool, share: float, mapped: Callable[[bool], Recognizer]
) -> None:
    """One ninth is seen, or a half of it, or in one of two looks: without it the logit of yes is the bias."""
    model = mapped(mirror)
    told = explain(model, bright(row, column), model.labels)
    lost = np.zeros((3, 3))
    before, after = (1 / (1 + np.exp(-logit)) for logit in (4 * share - 3, -3))
    assert model.probabilities([bright(row, column)])[0, 0] == pytest.approx(before)
    lost[row, column] = (before - after) * (1 if before > 0.5 else -1)  # of no, where that is the answer
    assert np.array(told.lost) == pytest.approx(lost, abs=1e-6)
    assert told.method == "cam"


@pytest.mark.parametrize(("mirror", "runs"), [(False, 1), (True, 2)])
def test_an_answer_and_its_explanation_take_one_run(
    mirror: bool, runs: int, mapped: Callable[[bool], Recognizer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or two, where the answer is that to the mirror image as well."""
    model, crop, asked, run = mapped(mirror), bright(1, 0), list[int](), Network.run

    def counted(network: Network, pixels: NDArray[np.uint8], *more: str) -> list[NDArray[np.float32]]:
        asked.append(len(pixels))
        return run(network, pixels, *more)

    alone = explain(model, crop, model.labels)
    monkeypatch.setattr(Network, "run", counted)
    (reading,) = explained(model, Image.fromarray(crop), crop="whole").faces
    assert asked == [1] * runs
    assert reading.expression.explanation == alone


def test_any_emotion_may_be_asked_about(mapped: Callable[[bool], Recognizer]) -> None:
    model = mapped(False)
    yes, no = (explain(model, bright(1, 0), model.labels, emotion=emotion) for emotion in ("yes", "no"))
    assert yes.where == "at the left"
    assert np.array(yes.lost) == pytest.approx(-np.array(no.lost))
    with pytest.raises(LabelError, match="'perhaps' is not in label set"):
        explain(model, bright(1, 0), model.labels, emotion="perhaps")


@pytest.mark.parametrize("name", ["small", "large"])
@pytest.mark.parametrize(
    ("labels", "prior"), [("ferplus8", "training"), ("fer7", "training"), ("happy-sad", "balanced")]
)
def test_shares_add_up_to_the_answer(name: str, labels: str, prior: str, astronaut: bytes) -> None:
    """Of the models that come with mien, whose means are rounded: by a tenth of a logit at most."""
    model = mien.load(name)
    spoken, (crop,) = model.spoken(labels), model.find(astronaut).crops
    features, weights = model.features([crop]), model.artifact.weights
    for head, logits in model.logits([crop]).items():
        assert features.mean((2, 3)) @ weights[head][:, :-1].T + weights[head][:, -1] == pytest.approx(logits, abs=0.1)
    told = explain(model, crop, spoken, prior)
    assert len(told.lost) == features.shape[2]
    lost = np.array(told.lost)
    assert lost[-1].max() > lost[0].max()  # a smile
    assert 0 < told.most < model.probabilities([crop], spoken, prior).max()


@pytest.mark.parametrize("band", [0, 3, 6])
def test_the_bright_band_is_what_counts(toy: Toy, bands: Bands, band: int, tmp_path: Path) -> None:
    """The toy's answer is the brightest of seven bands, so that hiding that band, and no other, costs confidence."""
    emotions = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    model = mien.load(toy(tmp_path / "toy", {"fer7": emotions}))
    crop = model.preprocess.whole(bands(band, 7))
    told = explain(model, crop, model.labels)
    assert told.method == usual(model) == "occlusion"
    lost = np.array(told.lost)
    assert lost.shape == (GRID, GRID)
    assert abs(int(lost.sum(0).argmax()) - band) <= 1
    assert lost[:, band].min() > 0.005
    far = lost[:, 6] if band == 0 else lost[:, 0]
    assert band == 3 or far.max() < 0.005


def test_where_nothing_is_to_be_seen_nothing_counts(toy: Toy, tmp_path: Path) -> None:
    model = mien.load(toy(tmp_path / "toy", {"yes-no": ("yes", "no")}))
    told = explain(model, np.full((48, 48), 100, np.uint8), model.labels)
    assert np.abs(told.lost).max() < 1e-9


def test_what_cannot_be_had(toy: Toy, tmp_path: Path) -> None:
    model = mien.load(toy(tmp_path / "toy", {"yes-no": ("yes", "no")}))
    crop = np.zeros((48, 48), np.uint8)
    with pytest.raises(MienError, match=r"model 'toy' does not tell what its heads make .* explain by `occlusion`"):
        explain(model, crop, model.labels, method="cam")
    with pytest.raises(MienError, match="made by cam or occlusion; got 'guessing'"):
        explain(model, crop, model.labels, method="guessing")  # type: ignore[arg-type]


def test_a_prediction_with_its_explanations(astronaut: bytes) -> None:
    model = mien.load()
    plain, told = model.predict(astronaut), explained(model, astronaut)
    (reading,) = told.faces
    explanation = reading.expression.explanation
    assert explanation == explain(model, model.find(astronaut).crops[0], model.labels, emotion="happy")
    assert [replace(reading.expression, explanation=None)] == [each.expression for each in plain.faces]
    (face,) = told.to_dict()["faces"]
    assert face.pop("explanation") == explanation.to_dict()
    assert [face] == plain.to_dict()["faces"]
    hidden = explained(model, astronaut, labels="happy-sad", method="occlusion").faces[0].expression.explanation
    assert hidden is not None
    assert (hidden.method, len(hidden.lost)) == ("occlusion", GRID)


@pytest.mark.parametrize("source", [b"no image", np.full((300, 300, 3), 128, np.uint8)])
def test_without_a_face_there_is_nothing_to_explain(source: bytes | NDArray[np.uint8]) -> None:
    model = mien.load()
    assert explained(model, source) == model.predict(source)

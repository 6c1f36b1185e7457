"""Export: a whole artifact that answers as the network does, or nothing at all."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from broken import little_room
from drawn import draw_face, draw_nothing, write_fer2013_csv, write_folder
from numpy.typing import NDArray
from onnx.numpy_helper import to_array
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from mien import artifact as artifacts
from mien.artifact import Artifact
from mien.datasets import open_dataset
from mien.datasets.base import VOTES, load_pixels
from mien.datasets.splits import group_of
from mien.errors import ArtifactError, DataError, MienError, RecipeError
from mien.explain import explained
from mien.metrics import calibrated, softmax
from mien.preprocess import Preprocess
from mien.recognizer import Recognizer
from mien.training.batches.data import prepare
from mien.training.export import export as exporting
from mien.training.export.calibrate import held_out
from mien.training.export.export import (
    QUANTISED_TOLERANCE,
    TOLERANCE,
    check_parity,
    check_quantised,
    export,
)
from mien.training.export.judging import judge_faces
from mien.training.export.together import together
from mien.training.learning import member as members
from mien.training.learning.checkpoint import Run
from mien.training.learning.loop import train
from mien.training.learning.member import to_onnx
from mien.training.networks.network import build, deployed
from mien.training.networks.quantise import quantise
from mien.training.recipes.recipe import Head, Heads, Recipe

Logits = NDArray[np.float32]


@pytest.fixture
def few_run(tiny: Recipe, tmp_path: Path) -> Run:
    """A run of one epoch on 12 happy and 12 sad faces, below the test's folder: its data may be changed."""
    folder = write_folder(tmp_path / "few", ("happy", "sad"), 12)
    schedule = tiny.schedule.model_copy(update={"epochs": 1})
    return train(tiny.model_copy(update={"schedule": schedule}), open_dataset(folder), tmp_path / "run")


@pytest.fixture
def anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is remembered of what was exported before."""
    monkeypatch.setattr(members, "to_onnx", to_onnx)


def test_data_are_reopened_as_they_were_read(tiny: Recipe, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "data", ("happy", "sad", "fear"), 12)
    for old, new in (("happy", "joie"), ("sad", "triste"), ("fear", "calme")):
        (folder / old).rename(folder / new)
    mapping, group = {"joie": "happy", "triste": "sad", "calme": ""}, r"(\d)\.png"
    recipe = tiny.model_copy(update={"schedule": tiny.schedule.model_copy(update={"epochs": 1})})
    run = train(recipe, open_dataset(folder, mapping=mapping, group=group), tmp_path / "run")
    assert (run.data()["mapping"], run.data()["group"]) == (mapping, group)
    assert export([run.folder], tmp_path / "model").manifest.data["mapping"] == mapping
    for others in ({"mapping": mapping}, {"mapping": mapping, "group": "folder:1"}, {"group": group}):
        with pytest.raises(DataError, match="was begun with other data"):
            train(recipe, open_dataset(folder, **others), run.folder, resume=True)
    train(recipe, open_dataset(folder, mapping=mapping, group=group), run.folder, resume=True)


def network_of(run: Run) -> nn.Module:
    recipe = run.recipe()
    state = run.load(run.best)
    network = build(recipe, {name: len(emotions) for name, emotions in state["heads"].items()})
    network.load_state_dict(state["network"])
    return network.eval()


def validation(run: Run) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The crops of the run's validation images, and their classes."""
    recipe = run.recipe()
    dataset = prepare(open_dataset(run.data()["path"]), recipe)
    valid, crops, _ = load_pixels(dataset.split("valid"), Preprocess(recipe.size).whole)
    return crops, valid.targets(valid.labels)


def nothing_but(folder: Path, *names: str) -> bool:
    return {path.name for path in folder.iterdir()} == set(names)


# What is written


def test_an_artifact_is_five_files_that_read_back(artifact: Artifact) -> None:
    assert nothing_but(artifact.folder, "model.onnx", "model.json", "README.md", "seen.bin", "heads.bin")
    again = artifacts.read(artifact.folder)
    assert again.manifest == artifact.manifest
    assert again.onnx == artifact.onnx
    assert nothing_but(artifact.folder.parent, artifact.folder.name)
    assert artifact.folder.stat().st_mode & 0o777 == 0o755


def test_the_manifest(artifact: Artifact, run: Run, tiny: Recipe) -> None:
    manifest = artifact.manifest
    assert (manifest.format, manifest.name, manifest.size) == (7, "model", 24)
    assert (manifest.colour, manifest.precision, manifest.mirror) == ("gray", "float32", True)
    assert manifest.sha256 == hashlib.sha256((artifact.folder / "model.onnx").read_bytes()).hexdigest()
    (made,) = manifest.runs
    assert Recipe.model_validate(made["recipe"]) == tiny
    assert (made["epoch"], made["epochs_run"], made["start"]) == (run.load(run.best)["epoch"] + 1, 6, None)
    assert manifest.data == {key: value for key, value in run.data().items() if key not in ("path", "start")}
    (head,) = manifest.heads
    assert (head.labels, head.emotions, head.vote_temperature) == ("happy-sad", ("happy", "sad"), None)


def test_no_path_of_the_machine_is_shipped(artifact: Artifact, happy_sad: Path, run: Run) -> None:
    for file in artifact.folder.iterdir():
        content = file.read_bytes()
        assert str(happy_sad).encode() not in content
        assert str(run.folder).encode() not in content


def test_the_scores_are_measured_on_validation(artifact: Artifact, run: Run) -> None:
    crops, truth = validation(run)
    examples = prepare(open_dataset(run.data()["path"]), run.recipe()).split("valid").examples
    people = [" ".join(group_of(example)) for example in examples]  # near copies are one
    (head,) = artifact.manifest.heads
    scores = artifact.manifest.scores["happy-sad"]
    logits = Recognizer(artifact).logits(crops)["happy-sad"].astype(np.float64)
    probabilities = held_out(logits, truth, people) if scores["calibrated"] else softmax(logits)
    assert scores["n"] == len(truth) == run.data()["valid"]
    assert scores["accuracy"] == pytest.approx((probabilities.argmax(1) == truth).mean())
    sure = probabilities.max(1) >= head.threshold - 1e-9
    assert scores["coverage"] == pytest.approx(sure.mean())
    assert not sure.any() or (probabilities.argmax(1) != truth)[sure].sum() + 1 <= 0.1 * (sure.sum() + 1)


def test_the_card(artifact: Artifact, run: Run) -> None:
    card, scores = artifact.card, artifact.manifest.scores["happy-sad"]
    assert card.startswith("# model\n")
    for told in (
        "AI Act",
        "Art. 5(1)(f)",
        "at work or in education",
        "not what the person feels",
        "24 x 24",
        "`happy-sad` (happy, sad)",
        "widths 8-16-32, blocks 1-1-1",
        "mirror image",
        f"{run.data()['train']} images to train on, {run.data()['valid']} to validate",
        "Recipe `tiny`: residual network",
        f"Weights of epoch {artifact.manifest.runs[0]['epoch']}, the best",
        "the 6 that were run; the recipe asks for 6",
        f"| happy-sad | {scores['n']} | {scores['accuracy']:.1%} ({scores['accuracy_interval'][0]:.1%} to ",
        f"| {scores['macro_f1']:.3f} | {scores['ece']:.3f} | {scores['nll']:.3f} | - | {scores['coverage']:.0%} | ",
    ):
        assert told in card, told
    assert "{" not in card


# It answers as the network does


def test_answers_are_those_of_the_network(artifact: Artifact, run: Run) -> None:
    crops, _ = validation(run)
    network, pixels = network_of(run), torch.from_numpy(crops[:, None].copy())
    with torch.no_grad():
        expected = ((network(pixels)["happy-sad"] + network(pixels.flip(3))["happy-sad"]) / 2).numpy()
    recognizer = Recognizer(artifact)
    assert np.abs(recognizer.logits(crops)["happy-sad"] - expected).max() <= TOLERANCE
    (head,) = artifact.manifest.heads
    assert recognizer.probabilities(crops) == pytest.approx(
        calibrated(expected, head.temperature, head.entropy_slope, head.bias), abs=TOLERANCE
    )


def test_new_faces_are_read(artifact: Artifact) -> None:
    rng = np.random.default_rng(99)
    truth = ["happy", "sad"] * 40
    predictions = Recognizer(artifact).predict([draw_face(emotion, rng) for emotion in truth], crop="whole")
    guesses = [prediction.faces[0].expression.label for prediction in predictions]
    assert np.mean([guess == emotion for guess, emotion in zip(guesses, truth, strict=True)]) >= 0.7


def test_a_mirrored_face_gets_the_same_answer(artifact: Artifact) -> None:
    rng = np.random.default_rng(5)
    crops = np.stack([draw_face(emotion, rng, 24) for emotion in ("happy", "sad", "contempt")])
    logits = Recognizer(artifact).logits
    assert logits(crops)["happy-sad"] == pytest.approx(logits(crops[:, :, ::-1])["happy-sad"], abs=1e-4)
    assert not np.allclose(logits(crops)["happy-sad"], logits(crops[:, ::-1])["happy-sad"], atol=1e-2)


@pytest.mark.parametrize(("name", "check"), [("artifact", check_parity), ("small", check_quantised)])
def test_it_tells_what_heads_make_of_its_features(
    name: str, check: Callable[[dict[str, Logits], dict[str, Logits]], None], run: Run, request: pytest.FixtureRequest
) -> None:
    """Of a face and of its mirror image, for it averages its answers to both."""
    model = Recognizer(request.getfixturevalue(name))
    crops, _ = validation(run)
    mean = (model.features(crops) + model.features(crops[:, :, ::-1])).mean((2, 3)) / 2
    ((head, weights),) = model.artifact.weights.items()
    check({head: mean @ weights[:, :-1].T + weights[:, -1]}, model.logits(crops))


@pytest.mark.parametrize("n", [1, 2, 7])
def test_any_number_of_faces_at_once(n: int, artifact: Artifact) -> None:
    session = ort.InferenceSession(artifact.onnx, providers=["CPUExecutionProvider"])
    pixels = np.random.default_rng(n).integers(0, 256, (n, 1, 24, 24), np.uint8)
    (logits,) = session.run(["logits_happy-sad"], {"pixels": pixels})
    assert logits.shape == (n, 2)
    alone = [session.run(None, {"pixels": pixels[row : row + 1]})[0][0] for row in range(n)]
    assert logits == pytest.approx(np.stack(alone), abs=1e-4)


@pytest.mark.usefixtures("anew")
def test_the_same_run_exports_to_the_same_model(artifact: Artifact, run: Run, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()  # an empty folder is not in the way
    again = export([run.folder], tmp_path / "model", mirror=True)
    ours, theirs = artifact.manifest.model_dump(), again.manifest.model_dump()
    assert ours.pop("sha256")
    assert theirs.pop("sha256")
    assert ours == theirs
    crops, _ = validation(run)
    assert np.array_equal(Recognizer(artifact).logits(crops)["happy-sad"], Recognizer(again).logits(crops)["happy-sad"])


def test_labels_of_ones_own(tiny: Recipe, tmp_path: Path) -> None:
    labels = ("Mr. Smile, wide", "très ténu")
    folder = write_folder(tmp_path / "data", ("happy", "sad"), 8)
    for drawn, label in zip(("happy", "sad"), labels, strict=True):
        (folder / drawn).rename(folder / label)
    schedule = tiny.schedule.model_copy(update={"epochs": 1})
    run = train(tiny.model_copy(update={"schedule": schedule}), open_dataset(folder), tmp_path / "run")
    model = export([run.folder], tmp_path / "model")
    (prediction,) = Recognizer(model).predict([draw_face("happy", np.random.default_rng(0))], crop="whole")
    assert set(prediction.faces[0].expression.probabilities) == {label.lower() for label in labels}


# In integers, and of several runs


@pytest.fixture(scope="session")
def small(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return export([run.folder], tmp_path_factory.mktemp("int8") / "small", int8=True, mirror=True)


def test_a_quantised_model_answers_nearly_as_the_network_does(small: Artifact, artifact: Artifact, run: Run) -> None:
    crops, truth = validation(run)
    ours, theirs = (Recognizer(model).probabilities(crops) for model in (small, artifact))
    assert 0 < np.abs(ours - theirs).sum(1).mean() / 2 <= QUANTISED_TOLERANCE
    assert small.manifest.scores["happy-sad"]["accuracy"] == pytest.approx((ours.argmax(1) == truth).mean())
    assert small.manifest.precision == "int8"
    assert "8-bit integers" in small.card
    assert "`mien export RUN --mirror --int8 --out FOLDER`" in small.card
    assert {onnx.TensorProto.DataType.Name(tensor.data_type) for tensor in kernels(small)} == {"INT8"}


def kernels(model: Artifact) -> list[onnx.TensorProto]:
    return [tensor for tensor in onnx.load_from_string(model.onnx).graph.initializer if len(tensor.dims) == 4]


@pytest.mark.usefixtures("anew")
def test_quantising_is_repeatable(small: Artifact, run: Run, tmp_path: Path) -> None:
    again = export([run.folder], tmp_path / "small", int8=True, mirror=True)
    assert again.onnx == small.onnx
    assert again.manifest == small.manifest


def test_a_quantised_file_that_disagrees_is_not_written(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "quantise", lambda onnx, samples: disturbed_file(onnx))
    with pytest.raises(ArtifactError, match="nothing was written") as caught:
        export([run.folder], tmp_path / "models" / "model", int8=True)
    assert "probabilities differ on average by" in caught.value.faults[0]
    assert nothing_but(tmp_path)


def disturbed_file(content: bytes) -> bytes:
    """An ONNX file whose kernels are all upside down."""
    model = onnx.load_from_string(content)
    for tensor in model.graph.initializer:
        if len(tensor.dims) == 4:
            tensor.CopyFrom(onnx.numpy_helper.from_array(-onnx.numpy_helper.to_array(tensor), tensor.name))
    return bytes(model.SerializeToString())


@pytest.fixture(scope="session")
def other(tiny: Recipe, happy_sad: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Another network on the data of `run`, which sees its input enlarged."""
    network = tiny.network.model_copy(update={"widths": (8, 16), "blocks": (1, 1), "attention": ()})
    schedule = tiny.schedule.model_copy(update={"epochs": 2})
    recipe = tiny.model_copy(update={"name": "other", "network": network, "resolution": 32, "schedule": schedule})
    return train(recipe, open_dataset(happy_sad), tmp_path_factory.mktemp("other") / "run")


def test_several_runs_answer_together(run: Run, other: Run, artifact: Artifact, tmp_path: Path) -> None:
    crops, _ = validation(run)
    alone = export([other.folder], tmp_path / "alone", mirror=True)
    both = export([run.folder, other.folder], tmp_path / "both", mirror=True)
    one, two, mean = (Recognizer(model).logits(crops)["happy-sad"] for model in (artifact, alone, both))
    assert np.abs(one - two).max() > 10 * TOLERANCE
    assert both.weights == {}  # of two networks, each with a map of its own
    assert mean == pytest.approx((one + two) / 2, abs=TOLERANCE)
    assert [made["recipe"]["name"] for made in both.manifest.runs] == ["tiny", "other"]
    told_of = explained(Recognizer(both), crops[0], crop="whole").faces[0].expression
    turned = explained(Recognizer(both), np.ascontiguousarray(crops[0][:, ::-1]), crop="whole").faces[0].expression
    assert told_of.explanation is not None
    assert turned.explanation is not None
    assert told_of.explanation.method == "occlusion"
    lost = np.array(told_of.explanation.lost)
    assert np.array(turned.explanation.lost)[:, ::-1] == pytest.approx(lost, abs=1e-3)
    hidden = crops[0].copy()
    hidden[: round(len(hidden) / 4), : round(len(hidden) / 4)] = crops[0].mean()
    left = Recognizer(both).probabilities([crops[0], hidden])[:, both.heads[0].emotions.index(told_of.label)]
    assert lost[0, 0] == pytest.approx(left[0] - left[1], abs=1e-3)  # of the mean's answer, not of one network's
    for told in (
        "The mean of the logits of 2 networks",
        "Recipe `other`: residual network, widths 8-16, blocks 1-1, sees its input enlarged to 32 px.",
        "`mien export RUN RUN --mirror --out FOLDER`",
    ):
        assert told in both.card


def test_the_mean_of_several_runs_weights_is_one_network(
    run: Run, tiny: Recipe, happy_sad: Path, tmp_path: Path
) -> None:
    recipe = tiny.model_copy(update={"seed": 9, "schedule": tiny.schedule.model_copy(update={"epochs": 1})})
    later = train(recipe, open_dataset(happy_sad), tmp_path / "later", start=run.folder)
    soup = export([run.folder, later.folder, later.folder], tmp_path / "soup", soup=True)
    expected, other = (fuse_convolutions(network_of(each)) for each in (later, run))
    for ours, theirs in zip(expected.parameters(), other.parameters(), strict=True):
        ours.data = (2 * ours + theirs).detach() / 3
    crops, _ = validation(run)
    pixels = torch.from_numpy(Preprocess(24).tensor(crops))
    with torch.no_grad():
        assert Recognizer(soup).logits(crops)["happy-sad"] == pytest.approx(
            expected(pixels)["happy-sad"].numpy(), abs=TOLERANCE
        )
    (made,) = soup.manifest.runs
    assert made["recipe"]["seed"] == 9
    assert [each["recipe"]["seed"] for each in made["averaged_with"]] == [tiny.seed, 9]
    assert "`mien export RUN RUN|MODEL RUN|MODEL --soup --out FOLDER`" in soup.card
    assert "averaged with those of these" in soup.card
    assert export([soup.folder], tmp_path / "again", data=data_of(run)).manifest.runs == soup.manifest.runs
    more = export([later.folder, soup.folder], tmp_path / "more", soup=True)
    (made,) = more.manifest.runs
    assert "averaged_with" in made["averaged_with"][0]
    assert "`mien export RUN RUN|MODEL --soup --out FOLDER`" in more.card
    assert "\n    - Recipe `tiny`" in more.card


def fuse_convolutions(network: nn.Module) -> nn.Module:
    """The network with batch normalisation as a part of its convolutions, by torch's own hand."""
    for parent in list(network.modules()):
        for place, (layer, norm) in enumerate(pairwise(list(parent.children()))):
            if isinstance(parent, nn.Sequential) and isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                parent[place], parent[place + 1] = fuse_conv_bn_eval(layer, norm), nn.Identity()
    return network


@pytest.mark.parametrize(("stem", "int8"), [("3x3-3x3", False), ("5x5", True)])
def test_the_weights_of_models_have_a_mean_too(
    tiny: Recipe, happy_sad: Path, stem: str, int8: bool, tmp_path: Path
) -> None:
    network = tiny.network.model_copy(update={"stem": stem})
    schedule = tiny.schedule.model_copy(update={"epochs": 2})
    recipe = tiny.model_copy(update={"network": network, "schedule": schedule})
    run = train(recipe, open_dataset(happy_sad), tmp_path / "run")
    model = export([run.folder], tmp_path / "model", int8=int8)
    crops, _ = validation(run)
    wanted = Recognizer(export([run.folder], tmp_path / "plain")).logits(crops)["happy-sad"]
    for name, parts in {"alone": [model.folder], "both": [run.folder, model.folder]}.items():
        mean = export(parts, tmp_path / name, soup=True, data=data_of(run) if name == "alone" else None)
        assert mean.manifest.precision == "float32"
        (made,) = mean.manifest.runs
        assert ("averaged_with" in made) == (name == "both")
        distance = np.abs(Recognizer(mean).logits(crops)["happy-sad"] - wanted).mean() / wanted.std()
        assert (0 < distance < 0.1) if int8 else distance < TOLERANCE
    anew = export([model.folder], tmp_path / "anew", soup=True, int8=True, data=data_of(run))
    first = export([run.folder], tmp_path / "int8", int8=True)
    assert [to_array(each).tobytes() for each in kernels(anew)] == [to_array(each).tobytes() for each in kernels(first)]
    answers = [Recognizer(each).logits(crops)["happy-sad"] for each in (anew, first)]
    assert np.abs(answers[0] - answers[1]).mean() < 0.05 * wanted.std()


def test_the_last_epoch_in_place_of_the_best(run: Run, tmp_path: Path) -> None:
    copy = Run(shutil.copytree(run.folder, tmp_path / "run"))
    factors = {"heads.happy-sad.weight": -1, "heads.happy-sad.bias": 0}  # none, as the exporter has it
    opposite = {name: value * factors.get(name, 1) for name, value in copy.load(copy.best)["network"].items()}
    copy.save(copy.last, copy.load(copy.last) | {"average": opposite})
    crops, _ = validation(run)
    last = export([copy.folder], tmp_path / "last", last=True)
    best = export([copy.folder], tmp_path / "best")
    says = [Recognizer(each).logits(crops)["happy-sad"] for each in (last, best)]
    assert says[0] - says[0][0] == pytest.approx(says[1][0] - says[1], abs=TOLERANCE)
    (made,) = last.manifest.runs
    assert (made["epoch"], made["last"]) == (6, True)
    assert "Weights of epoch 6, the last of the 6 that were run" in last.card
    assert "They chose the calibration" in last.card
    assert "`mien export RUN --last --out FOLDER`" in last.card
    assert "last" not in best.manifest.runs[0]
    assert "the best on validation of the 6 that were run" in best.card
    assert "They chose the epoch, the calibration" in best.card
    assert "`mien export RUN --out FOLDER`" in best.card
    copy.last.unlink()
    with pytest.raises(MienError, match=r"last\.pt"):
        export([copy.folder], tmp_path / "none", last=True)


def test_weights_that_have_no_mean(run: Run, other: Run, tmp_path: Path) -> None:
    with pytest.raises(MienError, match="their weights have no mean: ") as caught:
        export([run.folder, other.folder], tmp_path / "a", soup=True)
    assert f"{run.folder}: another network than {other.folder}" in str(caught.value)
    assert nothing_but(tmp_path)
    one = members.with_weights(members.find_member(run.folder))
    sigmoid = one.recipe.model_copy(update={"heads": Heads(labels=Head(sigmoid=True))})
    with pytest.raises(MienError, match="another network than"):
        members.averaged([one, replace(one, network=deployed(build(sigmoid, {"happy-sad": 2}), sigmoid))])
    mean = export([run.folder, run.folder], tmp_path / "mean", soup=True)
    with pytest.raises(MienError, match="are means of weights already: give what they were made of"):
        export([mean.folder, mean.folder], tmp_path / "b", soup=True, data=data_of(run))


def test_models_and_runs_answer_together(run: Run, other: Run, artifact: Artifact, tmp_path: Path) -> None:
    crops, _ = validation(run)
    model = export([other.folder], tmp_path / "other")
    plain = export([run.folder], tmp_path / "plain")
    both = export([model.folder, run.folder], tmp_path / "both")
    one, two, mean = (Recognizer(each).logits(crops)["happy-sad"] for each in (model, plain, both))
    assert mean == pytest.approx((one + two) / 2, abs=TOLERANCE)
    assert [made["recipe"]["name"] for made in both.manifest.runs] == ["other", "tiny"]
    assert both.manifest.runs == model.manifest.runs + plain.manifest.runs
    mirrored = export([plain.folder], tmp_path / "mirrored", mirror=True, data=data_of(run))
    assert mirrored.manifest.data == artifact.manifest.data
    assert Recognizer(mirrored).logits(crops)["happy-sad"] == pytest.approx(
        Recognizer(artifact).logits(crops)["happy-sad"], abs=1e-6
    )


def test_models_in_integers_answer_together(run: Run, other: Run, tmp_path: Path) -> None:
    crops, _ = validation(run)
    small = [export([each.folder], tmp_path / each.recipe().name, int8=True) for each in (run, other)]
    both = export([each.folder for each in small], tmp_path / "both", int8=True, mirror=True, data=data_of(run))
    answers = [Recognizer(each).logits(side)["happy-sad"] for each in small for side in (crops, crops[:, :, ::-1])]
    assert Recognizer(both).logits(crops)["happy-sad"] == pytest.approx(np.mean(answers, 0), abs=1e-4)
    assert len(kernels(both)) == sum(len(kernels(each)) for each in small)  # each set of weights is there once
    assert both.manifest.precision == "int8"
    assert "`mien export RUN RUN --mirror --int8 --out FOLDER`" in both.card


def test_models_that_cannot_be_members(run: Run, artifact: Artifact, few_run: Run, tmp_path: Path) -> None:
    plain, small = export([run.folder], tmp_path / "plain"), export([run.folder], tmp_path / "int8", int8=True)
    both = export([run.folder, plain.folder], tmp_path / "both")
    for wrong, told in (
        ([artifact.folder], "averages answers already, of a face and its mirror image: give what it was made of"),
        ([run.folder, both.folder], "averages answers already, of 2 networks"),
        ([run.folder, small.folder], "its precision is int8, and float32 was asked for"),
        ([plain.folder], "models do not know where their data are: tell it with --data"),
        ([plain.folder, few_run.folder], "trained on other images or targets than "),
        (["nobody"], "no model 'nobody'"),
    ):
        with pytest.raises(MienError, match=told):
            export(wrong, tmp_path / "model")
    with pytest.raises(DataError, match="are not those of "):
        export([plain.folder], tmp_path / "model", data=data_of(few_run))
    assert not (tmp_path / "model").exists()


def test_a_model_trained_by_what_this_mien_does_not_know(run: Run, tmp_path: Path) -> None:
    folder = export([run.folder], tmp_path / "newer").folder
    manifest = json.loads((folder / "model.json").read_text())
    manifest["runs"][0]["recipe"]["network"]["hindsight"] = True
    (folder / "model.json").write_text(json.dumps(manifest))
    with pytest.raises(RecipeError, match=r"what .*newer was trained by is not a recipe(.|\n)*network\.hindsight"):
        export([folder], tmp_path / "model", data=data_of(run))


def test_networks_of_different_versions_cannot_be_one(run: Run, tmp_path: Path) -> None:
    plain = export([run.folder], tmp_path / "plain")
    older = onnx.load_from_string(plain.onnx)
    older.opset_import[0].version = 17
    with pytest.raises(MienError, match="different versions of mien exported them"):
        together([plain.onnx, older.SerializeToString()], mirror=[False, False])


def test_data_that_were_moved(few_run: Run, tmp_path: Path) -> None:
    moved = data_of(few_run).rename(tmp_path / "moved")
    assert export([few_run.folder], tmp_path / "model", data=moved).manifest.scores["happy-sad"]["n"] == 6


def test_runs_that_do_not_go_together(run: Run, few_run: Run, tmp_path: Path) -> None:
    with pytest.raises(MienError, match=r"cannot be one model: .*run: trained on other images or targets than "):
        export([run.folder, few_run.folder], tmp_path / "both")
    assert not (tmp_path / "both").exists()


# Or nothing at all


def disturbed(network: nn.Module, shape: tuple[int, int, int]) -> bytes:
    """The ONNX file of another network: one whose first bias is a hundredth larger."""
    with torch.no_grad():
        bias = dict(network.named_parameters())["heads.happy-sad.bias"]
        bias[0] += 0.01
        try:
            return to_onnx(network, shape)
        finally:
            bias[0] -= 0.01


def test_an_onnx_file_that_disagrees_is_not_written(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "to_onnx", disturbed)
    with pytest.raises(ArtifactError, match="disagrees with the network it came from; nothing was written") as caught:
        export([run.folder], tmp_path / "models" / "model")
    assert caught.value.faults == ("head happy-sad: logits differ by up to 0.01, 0.001 is allowed",)
    assert nothing_but(tmp_path)


@pytest.mark.parametrize(
    ("one", "two", "faulty"),
    [
        (0.0, 0.0, []),
        (0.9 * TOLERANCE, -0.9 * TOLERANCE, []),
        (1.1 * TOLERANCE, 0.0, ["one"]),
        (0.0, -1.1 * TOLERANCE, ["two"]),
        (1.0, 1.0, ["one", "two"]),
        (np.nan, 0.0, ["one"]),
        (0.0, np.inf, ["two"]),
    ],
)
def test_parity_is_told_by_head(one: float, two: float, faulty: list[str]) -> None:
    theirs: dict[str, Logits] = {"one": np.zeros((300, 2), np.float32), "two": np.zeros((300, 3), np.float32)}
    ours = {name: logits.copy() for name, logits in theirs.items()}
    ours["one"][299, 1], ours["two"][0, 2] = one, two
    if not faulty:
        check_parity(theirs, ours)
        return
    with pytest.raises(ArtifactError) as caught:
        check_parity(theirs, ours)
    assert [fault.split(":")[0] for fault in caught.value.faults] == [f"head {name}" for name in faulty]


@pytest.mark.parametrize(("wrong", "allowed"), [(0, True), (9, True), (11, False), (200, False)])
def test_a_quantised_file_may_differ_a_little_on_average(wrong: int, allowed: bool) -> None:
    theirs = {"one": np.tile(np.array([30, 0], np.float32), (200, 1))}
    ours = {"one": theirs["one"].copy()}
    ours["one"][:wrong] = [0, 30]
    if allowed:
        check_quantised(theirs, ours)
        return
    with pytest.raises(ArtifactError) as caught:
        check_quantised(theirs, ours)
    assert caught.value.faults == (f"head one: probabilities differ on average by {wrong / 200:.2g}, 0.05 is allowed",)


def test_a_full_disk_is_told_with_the_file_and_nothing_is_left(
    run: Run, artifact: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the way to a model, in a temporary folder, and where it is written; the network is that of `artifact`."""
    (aside := tmp_path / "aside").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(aside))
    network, size = network_of(run), run.recipe().size
    makes: tuple[Callable[[], object], ...] = (
        lambda: to_onnx(network, (1, size, size)),
        lambda: quantise(artifact.onnx, np.zeros((2, 1, size, size), np.uint8)),
        lambda: export([run.folder], tmp_path / "models" / "model"),
    )
    for make, place in zip(makes, (aside, aside, tmp_path / "models" / "model" / "model.onnx"), strict=True):
        with little_room(4096), pytest.raises(OSError, match="File too large") as told:
            make()
        assert Path(told.value.filename) == place or Path(told.value.filename).parent == place
        assert list(aside.iterdir()) == []
    assert nothing_but(tmp_path / "models")


def test_a_failure_in_writing_leaves_nothing(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(manifest: object) -> str:
        raise OSError("no space left on device")

    monkeypatch.setattr(exporting, "model_card", full)
    with pytest.raises(OSError, match="no space left"):
        export([run.folder], tmp_path / "models" / "model", mirror=True)
    assert nothing_but(tmp_path / "models")


@pytest.mark.parametrize(
    "put",
    [
        pytest.param(lambda out: out.write_text("mine"), id="a file"),
        pytest.param(lambda out: (out.mkdir(), (out / "notes.txt").write_text("mine")), id="a folder with a file"),
    ],
)
def test_what_is_in_the_way_stays(put: Callable[[Path], object], run: Run, tmp_path: Path) -> None:
    out = tmp_path / "model"
    put(out)
    with pytest.raises(MienError, match="is in the way: choose a folder that does not exist yet"):
        export([run.folder], out)
    kept = out if out.is_file() else out / "notes.txt"
    assert kept.read_text() == "mine"
    assert nothing_but(tmp_path, "model")


def test_a_place_that_cannot_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="a file is in the way of a folder"):
        export([tmp_path / "no run"], tmp_path / "file" / "model")


def test_a_model_may_not_be_called_as_one_of_the_package(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MienError, match="small is the name of a model that comes with mien"):
        export([run.folder], Path("small"))
    assert nothing_but(tmp_path)


Spoil = Callable[[Run], Any]


def data_of(run: Run) -> Path:
    return Path(run.data()["path"])


def rewrite(run: Run, **values: object) -> None:
    run.data_file.write_text(json.dumps(run.data() | values))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def swap_labels(folder: Path) -> None:
    (folder / "happy").rename(folder / "other")
    (folder / "sad").rename(folder / "happy")
    (folder / "other").rename(folder / "sad")


@pytest.mark.parametrize(
    ("spoil", "error", "told"),
    [
        pytest.param(lambda run: shutil.rmtree(run.folder), MienError, "no such folder either", id="no run"),
        pytest.param(
            lambda run: (run.best.unlink(), run.last.unlink()), MienError, "has not finished an epoch yet", id="begun"
        ),
        pytest.param(lambda run: run.best.unlink(), MienError, "somebody has taken it away", id="no weights"),
        pytest.param(lambda run: cut(run.best), MienError, "cannot be read", id="damaged weights"),
        pytest.param(lambda run: run.data_file.unlink(), MienError, "is not a training run", id="no data.json"),
        pytest.param(lambda run: shutil.rmtree(data_of(run)), DataError, "no such file or folder", id="data gone"),
        pytest.param(lambda run: rewrite(run, path="/no/such"), DataError, "no such file or folder", id="data moved"),
        pytest.param(
            lambda run: write_folder(data_of(run), ("happy", "sad"), 12, seed=1),
            DataError,
            "the validation images or their labels are not those of ",
            id="other faces",
        ),
        pytest.param(
            lambda run: write_folder(data_of(run), ("happy", "sad"), 40),
            DataError,
            "the validation images or their labels are not those of ",
            id="more faces",
        ),
        pytest.param(
            lambda run: swap_labels(data_of(run)),
            DataError,
            "the validation images or their labels are not those of ",
            id="labels swapped",
        ),
    ],
)
def test_what_cannot_be_exported(spoil: Spoil, error: type[MienError], told: str, few_run: Run, tmp_path: Path) -> None:
    spoil(few_run)
    with pytest.raises(error, match=told):
        export([few_run.folder], tmp_path / "models" / "model")
    assert not (tmp_path / "models").exists()


def test_one_validation_image_is_too_few(tiny: Recipe, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "data", ("happy", "sad"), 1)
    schedule = tiny.schedule.model_copy(update={"epochs": 1})
    run = train(tiny.model_copy(update={"schedule": schedule}), open_dataset(folder), tmp_path / "run")
    with pytest.raises(
        DataError, match="validation images with a label in 'happy-sad': 1; calibration needs two at least"
    ):
        export([run.folder], tmp_path / "model")
    assert not (tmp_path / "model").exists()


# What is no face, and features


@pytest.fixture(scope="module")
def doubtful(tiny: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """A model that has seen images without a face; not to be changed."""
    folder = tmp_path_factory.mktemp("doubtful")
    data = write_fer2013_csv(folder / "data", 12, with_votes=True, empty=60)
    heads = tiny.heads.model_copy(update={"face": Head(weight=2.0)})
    schedule = tiny.schedule.model_copy(update={"epochs": 12})
    run = train(tiny.model_copy(update={"heads": heads, "schedule": schedule}), open_dataset(data), folder / "run")
    return export([run.folder], folder / "model", int8=True)


def test_what_is_no_face_is_told(doubtful: Artifact) -> None:
    model, rng = Recognizer(doubtful), np.random.default_rng(5)
    drawn = [draw_face("happy", rng) for _ in range(20)] + [draw_nothing(rng) for _ in range(20)]
    read = [model.predict(image, crop="whole").faces[0].expression for image in drawn]
    shares = [-1 if expression.not_a_face is None else expression.not_a_face for expression in read]
    assert min(shares) >= 0
    assert np.mean(shares[:20]) < np.mean(shares[20:])
    for expression, share in zip(read, shares, strict=True):
        assert any("perhaps not a face" in reason for reason in expression.reasons) == (share >= 0.5)


@pytest.mark.parametrize(
    ("nobody", "scores", "auc"),
    [
        ([10, 10, 0, 0], [0.9, 0.8, 0.1, 0.2], 1.0),
        ([10, 10, 0, 0], [0.1, 0.9, 0.9, 0.1], 0.5),
        ([10, 0, 0, 0], [0.5, 0.5, 0.1, 0.9], 0.5),
        ([10, 10], [0.9, 0.8], None),
        ([0, 0], [0.9, 0.8], None),
    ],
)
def test_how_well_no_face_is_told(nobody: list[int], scores: list[float], auc: float | None) -> None:
    logits = np.log(np.array([[1 - score, score] for score in scores], np.float32))
    votes = np.zeros((len(nobody), len(VOTES)), np.int64)
    votes[:, -1], votes[:, 0] = nobody, 10 - np.array(nobody)
    valid = Mock(votes=lambda: votes)
    assert judge_faces(logits, valid)["auc"] == (auc if auc is None else pytest.approx(auc))


def test_how_well_it_tells_is_in_the_manifest_and_on_the_card(doubtful: Artifact) -> None:
    assert doubtful.manifest.face
    assert [head.labels for head in doubtful.manifest.heads] == ["ferplus8", "fer7"]
    told = doubtful.manifest.scores["face"]
    assert told["without"] == 60
    assert 0 < told["faces"] <= 84
    assert told["auc"] > 0.7  # chance: 0.5
    assert f"(60 of them) gets a higher score than one in which all saw a face ({told['faces']})" in (
        doubtful.card.replace("\n", " ")
    )


def test_a_model_that_was_not_taught_it_does_not_say(artifact: Artifact) -> None:
    model = Recognizer(artifact)
    crop = draw_nothing(np.random.default_rng(1))[..., None].repeat(3, 2)
    assert model.predict(crop, crop="whole").faces[0].expression.not_a_face is None
    assert not artifact.manifest.face
    assert "no face at all" not in artifact.card


def test_the_mean_of_the_feature_map_is_what_the_heads_see(run: Run, tmp_path: Path) -> None:
    model = Recognizer(export([run.folder], tmp_path / "plain"))
    crops, _ = validation(run)
    features = model.features(crops)
    weights = run.load(run.best)["network"]
    head = next(name.removesuffix(".weight") for name in weights if name.startswith("heads") and "weight" in name)
    expected = features.mean((2, 3)) @ weights[f"{head}.weight"].numpy().T + weights[f"{head}.bias"].numpy()
    assert features.shape == (len(crops), 32, 3, 3)
    assert model.logits(crops)["happy-sad"] == pytest.approx(expected, abs=1e-3)
    assert model.features([]).shape == (0, 32, 3, 3)


def test_mirrored_and_averaged_models_give_the_map_of_the_face_as_it_is(
    artifact: Artifact, run: Run, tmp_path: Path
) -> None:
    crops, _ = validation(run)
    plain = Recognizer(export([run.folder], tmp_path / "plain")).features(crops)
    both = Recognizer(export([run.folder] * 2, tmp_path / "both")).features(crops)
    assert Recognizer(artifact).features(crops) == pytest.approx(plain, abs=1e-3)
    assert both == pytest.approx(plain, abs=1e-3)

"""Artifacts: what is read is whole and unaltered; everything else is refused with every fault."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import mien
from mien import artifact as artifacts
from mien.artifact import Manifest
from mien.cli.verbs import app
from mien.errors import ArtifactError, LabelError, MienError
from mien.labels import CKPLUS7, FER7, FERPLUS8, HAPPY_SAD, LabelSet

HEADS = {"happy-sad": ("happy", "sad")}
Toy = Callable[..., Path]
Change = Callable[[Path], Any]


@pytest.fixture
def folder(toy: Toy, tmp_path: Path) -> Path:
    return toy(tmp_path / "model", HEADS)


def faults(folder: Path) -> tuple[str, ...]:
    with pytest.raises(ArtifactError) as caught:
        artifacts.read(folder)
    assert str(caught.value).startswith(f"{folder} is not a usable model:")
    assert all(f"\n  - {fault}" in str(caught.value) for fault in caught.value.faults)
    return caught.value.faults


def manifest(**values: object) -> Change:
    """Changes the manifest; a value of ... takes the key out."""

    def change(folder: Path) -> None:
        content = json.loads((folder / "model.json").read_text()) | values
        kept = {key: value for key, value in content.items() if value is not ...}
        (folder / "model.json").write_text(json.dumps(kept))

    return change


def head(**values: object) -> Change:
    """Changes the manifest's only head; a value of ... takes the key out."""
    full = {"labels": "happy-sad", "emotions": ["happy", "sad"], "temperature": 1, "threshold": 0.5} | values
    return manifest(heads=[{key: value for key, value in full.items() if value is not ...}])


def content(text: str | bytes) -> Change:
    data = text if isinstance(text, bytes) else text.encode()
    return lambda folder: (folder / "model.json").write_bytes(data)


def onnx(change: Callable[[bytes], bytes]) -> Change:
    return lambda folder: (folder / "model.onnx").write_bytes(change((folder / "model.onnx").read_bytes()))


def without(*names: str) -> Change:
    def change(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return change


def both(*changes: Change) -> Change:
    return lambda folder: [change(folder) for change in changes]


ALTERED = "model.onnx is not the file that model.json names (sha256 differs)"


def test_a_whole_artifact(folder: Path) -> None:
    artifact = artifacts.read(folder)
    assert artifact.name == "model"
    assert artifact.card == "# A toy\n"
    assert artifact.onnx == (folder / "model.onnx").read_bytes()
    assert [each.label_set for each in artifact.manifest.heads] == [HAPPY_SAD]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (without("model.onnx", "model.json", "README.md"), ["no model.onnx", "no model.json", "no README.md"]),
        (without("model.onnx"), ["no model.onnx"]),
        (without("model.json"), ["no model.json"]),
        (without("README.md"), ["no README.md"]),
        (both(without("model.json"), lambda f: (f / "model.json").mkdir()), ["no model.json"]),
        (content(""), ["model.json is not JSON"]),
        (content("{"), ["model.json is not JSON"]),
        (content(b"\xff\xfe\x00"), ["model.json is not JSON"]),
        (content("[" * 100_000), ["model.json is not JSON"]),
        (content("[]"), ["model.json, top: ", ALTERED]),
        (content("null"), ["model.json, top: ", ALTERED]),
        (content('"model"'), ["model.json, top: ", ALTERED]),
        (manifest(format=8), ["format 8, this mien reads up to 7: update mien"]),
        (manifest(format=8, novelty=1, heads="other"), ["format 8, this mien reads up to 7: update mien"]),
        (manifest(format=0), ["model.json, format: "]),
        (manifest(format="2"), ["model.json, format: "]),
        (manifest(format=None), ["model.json, format: "]),
        (manifest(format=...), ["model.json, format: Field required"]),
        (manifest(mood="good"), ["model.json, mood: Extra inputs are not permitted"]),
        (manifest(colour="red"), ["model.json, colour: Input should be 'gray' or 'rgb'"]),
        (manifest(precision="int4"), ["model.json, precision: "]),
        (manifest(runs=[]), ["model.json, runs: "]),
        (manifest(runs=[{}]), ["model.json, runs.0: "]),
        (manifest(size=8), ["model.json, size: "]),
        (manifest(size=100_000), ["model.json, size: "]),
        (manifest(size="big"), ["model.json, size: "]),
        (manifest(heads=[]), ["model.json, heads: "]),
        (manifest(heads=None), ["model.json, heads: "]),
        (manifest(name=7), ["model.json, name: "]),
        (manifest(scores=[]), ["model.json, scores: "]),
        (manifest(sha256=...), ["model.json, sha256: Field required", ALTERED]),
        (manifest(sha256="0" * 64), [ALTERED]),
        (head(temperature=0), ["model.json, heads.0.temperature: "]),
        (head(temperature=-1), ["model.json, heads.0.temperature: "]),
        (head(temperature=...), ["model.json, heads.0.temperature: Field required"]),
        (head(vote_temperature=0), ["model.json, heads.0.vote_temperature: "]),
        (head(entropy_slope="steep"), ["model.json, heads.0.entropy_slope: "]),
        (head(bias=[1.0]), ["model.json, heads.0: Value error, bias has 1 values for 2 emotions"]),
        (head(bias=["much", 0]), ["model.json, heads.0.bias.0: "]),
        (head(mix=[1.0]), ["model.json, heads.0: Value error, mix has 1 values for 2 emotions"]),
        (head(mix=[1.0, 0]), ["model.json, heads.0.mix.1: "]),
        (
            head(second={"labels": "happy-sad", "threshold": 0.5}),
            ["model.json, top: Value error, head 'happy-sad'"],
        ),
        (head(second={"labels": "fer7", "threshold": 0.5}), ["model.json, top: Value error, head 'happy-sad'"]),
        (head(second={"labels": "fer7", "threshold": 2}), ["model.json, heads.0.second.threshold: "]),
        (head(threshold=1.1), ["model.json, heads.0.threshold: "]),
        (head(threshold="high"), ["model.json, heads.0.threshold: "]),
        (head(emotions=["happy"]), ["model.json, heads.0.emotions: "]),
        (head(emotions=["happy", "joy"]), ["model.json: label set 'happy-sad' names an emotion twice"]),
        (head(mood="good"), ["model.json, heads.0.mood: Extra inputs are not permitted"]),
        (onnx(lambda data: data + b"\0"), [ALTERED]),
        (onnx(lambda data: data[:-1]), [ALTERED]),
        (onnx(lambda data: b""), [ALTERED]),
        (onnx(lambda data: data[:50] + bytes([data[50] ^ 1]) + data[51:]), [ALTERED]),
        (
            both(manifest(mood="good", size=8, scores=...), onnx(lambda data: data + b"\0")),
            ["model.json, size: ", "model.json, scores: Field required", "model.json, mood: Extra", ALTERED],
        ),
    ],
)
def test_every_fault_is_told(change: Change, expected: list[str], folder: Path) -> None:
    change(folder)
    found = faults(folder)
    assert len(found) == len(expected)
    for fault in expected:
        assert any(each.startswith(fault) for each in found), found


def test_temperatures_are_finite(folder: Path) -> None:
    text = (folder / "model.json").read_text().replace('"temperature": 1.0', '"temperature": %s')
    for number in ("NaN", "Infinity"):
        (folder / "model.json").write_text(text % number)
        assert len(faults(folder)) == 1


def test_the_card_is_what_people_read_of_it(folder: Path) -> None:
    (folder / "README.md").write_text("---\nlicense: mit\ntags: [a, '---']\n---\n\n# A toy\n\n---\n\nand more\n")
    assert artifacts.read(folder).card == "# A toy\n\n---\n\nand more\n"


def test_what_heads_make_of_features(toy: Toy, tmp_path: Path) -> None:
    assert artifacts.read(toy(tmp_path / "none", HEADS)).weights == {}
    rows = np.arange(20, dtype="<f4").reshape(5, 4)
    sha256 = hashlib.sha256(rows.tobytes()).hexdigest()
    heads = {"yes-no-or": ("yes", "no", "or")}
    folder = toy(tmp_path / "told", heads, face=True, heads_sha256=sha256)
    with pytest.raises(ArtifactError, match=r"heads\.bin is missing or altered"):
        _ = artifacts.read(folder).weights
    (folder / "heads.bin").write_bytes(rows.tobytes())
    weights = artifacts.read(folder).weights
    assert {name: each.tolist() for name, each in weights.items()} == {
        "yes-no-or": rows[:3].tolist(),
        "face": rows[3:].tolist(),
    }
    (folder / "heads.bin").write_bytes(rows[:4].tobytes())
    with pytest.raises(ArtifactError, match=r"heads\.bin is missing or altered"):
        _ = artifacts.read(folder).weights
    manifest(heads_sha256=hashlib.sha256(rows[0, :3].tobytes()).hexdigest())(folder)
    (folder / "heads.bin").write_bytes(rows[0, :3].tobytes())
    with pytest.raises(ArtifactError, match=r"heads\.bin is not of the heads it has"):
        _ = artifacts.read(folder).weights


def test_extra_files_do_not_matter(folder: Path) -> None:
    (folder / "curve.png").write_bytes(b"x")
    assert artifacts.read(folder).name == "model"


def test_an_artifact_may_move(folder: Path, tmp_path: Path) -> None:
    moved = shutil.move(folder, tmp_path / "größer, and elsewhere")
    assert artifacts.read(Path(moved)).name == "model"


def test_the_manifest_does_not_change(folder: Path) -> None:
    read = artifacts.read(folder).manifest
    assert Manifest.model_validate_json(read.model_dump_json()) == read
    with pytest.raises(ValueError, match="frozen"):
        read.name = "other"


def test_the_default_model_comes_first() -> None:
    assert artifacts.names()[0] == artifacts.DEFAULT
    assert len(set(artifacts.names())) == len(artifacts.names())


@pytest.mark.parametrize("name", artifacts.names())
def test_every_packaged_model_is_whole(name: str) -> None:
    artifact = artifacts.read(artifacts.find(name))
    assert artifact.name == name
    for information in artifact.manifest.heads:
        assert {"n", "accuracy", "accuracy_interval", "macro_f1", "ece"} <= set(
            artifact.manifest.scores[information.labels]
        )


@pytest.mark.parametrize("name", artifacts.names())
def test_fingerprints_that_models_share_lie_in_the_package(name: str, tmp_path: Path) -> None:
    folder = shutil.copytree(artifacts.find(name), tmp_path / "elsewhere")
    assert artifacts.read(folder).seen.shape == (27449, 16)
    (folder / "seen.bin").write_bytes(bytes(16))  # but not in place of the model's own
    with pytest.raises(ArtifactError, match=r"seen\.bin is missing or altered"):
        _ = artifacts.read(folder).seen


def test_find(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packaged = artifacts.find()
    assert packaged.name == artifacts.DEFAULT
    assert artifacts.find(artifacts.DEFAULT) == packaged
    assert artifacts.find(folder) == folder
    assert artifacts.find(os.fspath(folder)) == folder
    folder.rename(folder.with_name(artifacts.DEFAULT))
    monkeypatch.chdir(folder.parent)
    assert artifacts.find(artifacts.DEFAULT) == packaged
    for path in (f"./{artifacts.DEFAULT}", Path(artifacts.DEFAULT)):
        assert artifacts.find(path).samefile(folder.with_name(artifacts.DEFAULT))


def test_a_folder_may_not_be_called_as_a_packaged_model(tmp_path: Path) -> None:
    for name in artifacts.names():
        with pytest.raises(MienError, match=f"{name} is the name of a model that comes with mien: choose another"):
            artifacts.refuse_name(Path(f"./{name}"))
        artifacts.refuse_name(tmp_path / name)
    artifacts.refuse_name(Path("mine"))


@pytest.mark.parametrize("name", ["bass", "/no/such/folder", "../base", "model/model.json"])
def test_find_tells_what_there_is(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    with pytest.raises(ArtifactError, match=f"no model '{name}'") as caught:
        artifacts.find(name)
    assert artifacts.DEFAULT in caught.value.faults[0]


def test_models_that_are_lost_are_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    monkeypatch.setattr(artifacts, "_assets", lambda: folder)  # as in a bundle or a zip, which has the code alone
    with pytest.raises(ArtifactError, match=r"no model '.*small':\n  - mien's own models are not in .*: reinstall"):
        mien.load()
    told = CliRunner().invoke(app, ["doctor"])
    assert (told.exit_code, "mien's own models are not in" in str(told.exception)) == (1, True)


@pytest.mark.parametrize(
    ("heads", "labels", "chosen"),
    [
        (("ferplus8", "fer7"), FERPLUS8, "ferplus8"),
        (("ferplus8", "fer7"), FER7, "fer7"),
        (("fer7", "ferplus8"), CKPLUS7, "ferplus8"),
        (("fer7", "ferplus8"), HAPPY_SAD, "fer7"),
        (("ferplus8",), FER7, "ferplus8"),
        (("ferplus8", "fer7"), LabelSet("mine", ("sadness", "joy", "anger")), "ferplus8"),
    ],
)
def test_the_head_that_speaks_a_label_set(
    heads: tuple[str, ...], labels: LabelSet, chosen: str, toy: Toy, tmp_path: Path
) -> None:
    sets = {"ferplus8": FERPLUS8.emotions, "fer7": FER7.emotions}
    artifact = artifacts.read(toy(tmp_path / "two", {name: sets[name] for name in heads}))
    assert artifact.head_for(labels).labels == chosen


@pytest.mark.parametrize("labels", [FER7, CKPLUS7, LabelSet("moods", ("happy", "bored"))])
def test_a_label_set_that_no_head_speaks(labels: LabelSet, folder: Path) -> None:
    with pytest.raises(LabelError, match=r"cannot speak .*its heads are happy-sad \(happy, sad\)"):
        artifacts.read(folder).head_for(labels)

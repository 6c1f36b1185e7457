"""Origins: a report says what repeats it, and the command that it names does."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawn import draw_face
from PIL import Image
from typer.testing import CliRunner

import mien
from mien.artifact import find, read
from mien.cli.verbs import app
from mien.datasets import Dataset, Example
from mien.datasets.copies import fingerprints
from mien.labels import HAPPY_SAD
from mien.origin import Option, command, origin_of
from mien.report import Answers

Toy = Callable[..., Path]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, ""),
        ({"split": None, "by": None, "stress": 0, "map": {}, "group": ""}, ""),
        ({"split": "test", "stress": 20}, " --split test --stress 20"),
        ({"by": ["age", "gender+age"]}, " --by age --by gender+age"),
        ({"prior": {"happy": 0.5, "neutral": 0.5}}, " --prior happy=0.5,neutral=0.5"),
        ({"map": {"so glad": "happy", "none": ""}}, " --map 'so glad=happy,none='"),
        ({"map": {"so, so": "a=b", "\\": ""}}, r" --map 'so\, so=a\=b,\\='"),
        ({"prior": {"a,b": 0.5, "c": 0.5}}, r" --prior 'a\,b=0.5,c=0.5'"),
        ({"group": r"S(\d+)_"}, r" --group 'S(\d+)_'"),
    ],
)
def test_the_command_has_what_was_asked(options: dict[str, Option], told: str) -> None:
    assert command("my faces", "small", options) == f"mien evaluate 'my faces' --model small{told}"


def image(seed: int) -> Image.Image:
    return Image.fromarray(draw_face("happy", np.random.default_rng(seed)))


def data(*names: str, first: Image.Image | None = None) -> Dataset:
    sources = [first or image(0), *map(image, range(1, len(names)))]
    examples = (Example(name, source, "happy") for name, source in zip(names, sources, strict=True))
    return Dataset(Path("made"), "made up", HAPPY_SAD, tuple(examples))


def fingerprint(dataset: Dataset, truth: tuple[int, ...] = (0, 0, 0)) -> str:
    names, n = tuple(each.name for each in dataset.examples), len(dataset)
    shares, labels, found, none = np.full((n, 2), 0.5), np.array(truth), np.ones(n, bool), ("",) * n
    said = Answers(names, (b"",) * n, ({},) * n, shares, labels, found, none, found, "toy", 0, None, None, none)
    return origin_of(read(find()), dataset, {}, said, HAPPY_SAD, fingerprints(dataset)).data_sha256


def test_the_fingerprint_of_the_data_tells_names_labels_and_pixels_and_no_order() -> None:
    usual = data("a", "b", "c")
    turned = replace(usual, examples=usual.examples[::-1])
    assert fingerprint(turned) == fingerprint(usual)
    others = [
        fingerprint(data("a", "b", "d")),
        fingerprint(usual, (0, 0, 1)),
        fingerprint(data("a", "b", "c", first=image(7))),
        fingerprint(data("a", "b", "c", first=image(0).resize((96, 96)))),
    ]
    assert len({fingerprint(usual), *others}) == 5


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """Two glad and two sad faces, in splits."""
    for number, name in enumerate(("train/glad", "test/glad", "train/sad", "test/sad")):
        (tmp_path / "faces" / name).mkdir(parents=True)
        image(number).save(tmp_path / "faces" / name / "1.png")
    return tmp_path / "faces"


def judged(*words: str) -> dict[str, object]:
    result = CliRunner().invoke(app, [*words, "--format", "json"])
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


def test_the_command_makes_the_same_report_again(faces: Path, toy: Toy, tmp_path: Path) -> None:
    model = toy(tmp_path / "small", {"happy-sad": ("happy", "sad")})
    options = ["--split", "train", "--map", "glad=happy", "--crop", "whole", "--labels", "happy-sad"]
    report = judged("evaluate", str(faces), "--model", str(model), *options)
    origin = report["origin"]
    assert isinstance(origin, dict)
    assert f"--model {model} " in origin["command"]
    assert judged(*shlex.split(origin["command"])[1:]) == report


def test_what_repeats_it_is_told(faces: Path) -> None:
    recognizer = mien.load("small")
    origin = mien.evaluate(recognizer, faces, split="test", prior="balanced").origin
    assert origin is not None
    assert origin.versions.keys() >= {"mien", "Python", "numpy", "onnxruntime", "pillow"}
    assert origin.versions["mien"] == mien.__version__
    assert origin.network_sha256 == recognizer.artifact.manifest.sha256
    assert origin.model_sha256 == recognizer.artifact.identity
    assert re.fullmatch("[0-9a-f]{64}", origin.data_sha256)
    assert re.fullmatch(r".+, \d+ cores?, \S+ \S+", origin.machine)
    assert origin.command == f"mien evaluate {faces} --model small --split test --prior balanced"
    assert dict(origin.rows()).keys() >= {"command", "versions", "seed of the intervals", "machine"}

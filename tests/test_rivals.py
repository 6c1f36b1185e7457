"""Rivals: models judged on the same images, in the labels they share, and on none that one of them was trained on."""

from __future__ import annotations

import hashlib
import json
import shutil
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from drawn import TINY, draw_nothing
from PIL import Image
from typer.testing import CliRunner

import mien
from mien.cli.verbs import app
from mien.corrections import NOT_A_FACE, keep
from mien.datasets import Dataset, Example, open_dataset
from mien.datasets.copies import fingerprints
from mien.errors import DataError, LabelError
from mien.labels import FER7, FERPLUS8, HAPPY_SAD
from mien.prediction import Expression
from mien.recognizer import Recognizer
from mien.rivals import compare_models
from mien.training.export.export import export
from mien.training.learning.loop import train
from mien.training.recipes.recipe import recipe_from

Toy = Callable[..., Path]


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty images that are called happy, twenty sad, three no face; no two of them alike."""
    folder, rng = tmp_path_factory.mktemp("faces"), np.random.default_rng(0)
    for label, n in {"happy": 20, "sad": 20, NOT_A_FACE: 3}.items():
        (folder / label).mkdir()
        for number in range(n):
            Image.fromarray(draw_nothing(rng)).save(folder / label / f"{number:04d}.png")
    return folder


@pytest.fixture
def made(toy: Toy, tmp_path: Path) -> Callable[..., Recognizer]:
    """Models of some labels, that were trained on some images."""

    def make(name: str, heads: dict[str, tuple[str, ...]], trained_on: Sequence[Path] = ()) -> Recognizer:
        folder = toy(tmp_path / name, heads)
        if trained_on:
            examples = tuple(Example(str(image), image, "happy") for image in trained_on)
            prints = fingerprints(Dataset(folder, "made up", HAPPY_SAD, examples)).prints.tobytes()
            (folder / "seen.bin").write_bytes(prints)
            known = {"format": 4, "seen_sha256": hashlib.sha256(prints).hexdigest()}
            (folder / "model.json").write_text(json.dumps(json.loads((folder / "model.json").read_text()) | known))
        return mien.load(folder)

    return make


EIGHT = {"ferplus8": FERPLUS8.emotions}
OWN = {"own": (NOT_A_FACE, "happy", "sad")}


def test_one_model_is_no_comparison(made: Callable[..., Recognizer], faces: Path) -> None:
    with pytest.raises(DataError, match="needs two models"):
        compare_models([made("one", EIGHT)], open_dataset(faces))


def test_models_are_compared_in_the_labels_they_share(made: Callable[..., Recognizer], faces: Path) -> None:
    models = [made("one", EIGHT), made("two", OWN), made("three", {"happy-sad": HAPPY_SAD.emotions})]
    counts: list[int] = []
    told = compare_models(models, open_dataset(faces), progress=lambda done, total: counts.append(total))
    assert [(each.model, each.n) for each in told] == [("one", 40), ("two", 40), ("three", 40)]
    assert counts == [40] * 120
    for model, each in zip(models, told, strict=True):
        judged = mien.evaluate(model, faces, labels=HAPPY_SAD, head=model.artifact.heads[0].labels)
        assert (each.accuracy, each.ece) == pytest.approx((judged.accuracy, judged.ece), abs=1e-5)
    assert [each.accuracy_difference is None for each in told] == [True, False, False]


def test_the_heads_that_answered_are_told(made: Callable[..., Recognizer], faces: Path) -> None:
    """The first that have the labels, as they answer photos; an evaluation of such crops would ask `fer7`."""
    both, other = made("both", {**EIGHT, "fer7": FER7.emotions}), made("other", OWN)
    assert [each.head for each in compare_models([both, other], open_dataset(faces))] == ["ferplus8", "own"]
    assert mien.evaluate(both, faces).head == "fer7"
    run = CliRunner().invoke(
        app, ["compare", *(str(each.artifact.folder) for each in (both, other)), "--data", str(faces)]
    )
    assert "Head: ferplus8 of both, own of other." in run.output


def test_what_a_model_was_trained_on_does_not_count(made: Callable[..., Recognizer], faces: Path) -> None:
    known = [faces / "happy" / f"{number:04d}.png" for number in range(4)]
    more = [faces / "sad" / f"{number:04d}.png" for number in range(3)]
    one, two, three = made("one", EIGHT), made("two", OWN, known), made("three", OWN, [*known[2:], *more])
    dataset = open_dataset(faces)
    assert {each.n for each in compare_models([one, two], dataset)} == {36}
    assert {each.n for each in compare_models([two, one, three], dataset)} == {33}
    all_of_them = made("all", OWN, sorted(faces.rglob("*.png")))
    with pytest.raises(DataError, match="no image is left that none of the models was trained on"):
        compare_models([one, all_of_them], dataset)


@pytest.mark.parametrize(
    ("heads", "error", "told"),
    [
        ({"other": ("angry", "fear")}, DataError, "the models share none, and two are needed: say with --map"),
        ({"other": ("happy", "fear")}, DataError, r"labels \(happy, not-a-face, sad\) the models share happy, and two"),
        ({"a": ("happy", "fear"), "b": ("sad", "fear")}, LabelError, "cannot speak 'happy-sad'"),
    ],
)
def test_models_that_share_too_few_labels(
    heads: dict[str, tuple[str, ...]],
    error: type[Exception],
    told: str,
    made: Callable[..., Recognizer],
    faces: Path,
) -> None:
    with pytest.raises(error, match=told):
        compare_models([made("one", EIGHT), made("two", heads)], open_dataset(faces))


def test_faces_that_were_kept_are_trained_on_and_those_that_were_not_judge(
    made: Callable[..., Recognizer], tmp_path: Path
) -> None:
    """Of twenty images of each of two labels a quarter is held out; what is kept later was not trained on either."""
    folder, rng, said = tmp_path / "kept", np.random.default_rng(0), Expression({"happy": 0.5, "sad": 0.5})

    def told(n: int) -> None:
        for label in ("happy", "sad"):
            for _ in range(n):
                keep(folder, draw_nothing(rng), said, label, "toy")

    told(20)
    tiny = recipe_from(tomllib.loads(TINY), "tiny")
    barely = tiny.model_copy(update={"schedule": tiny.schedule.model_copy(update={"epochs": 1})})
    run = train(barely, open_dataset(folder), tmp_path / "run", device="cpu")
    eight, mine = made("eight", EIGHT), Recognizer(export([run.folder], tmp_path / "mine"))
    assert [(each.model, each.n) for each in compare_models([eight, mine], open_dataset(folder))] == [
        ("eight", 10),
        ("mine", 10),
    ]
    told(10)
    assert {each.n for each in compare_models([eight, mine], open_dataset(folder))} == {30}


def test_the_command(made: Callable[..., Recognizer], faces: Path, tmp_path: Path) -> None:
    known = sorted((faces / "happy").iterdir())[:11]
    for name, trained_on in (("one", ()), ("two", known)):
        made(name, OWN, trained_on)

    def run(*more: str) -> str:
        words = ["compare", str(tmp_path / "one"), str(tmp_path / "two"), "--data", str(faces), *more]
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
        return done.output

    assert "too few: +0.0" in run("--map", f"{NOT_A_FACE}=")
    assert "29 images" in run("--map", f"{NOT_A_FACE}=")
    first, second = json.loads(run("--format", "json"))
    assert (first["model"], second["report"], first["n"]) == ("one", "two", 32)
    assert second["accuracy_difference"]["chance"] == 1


def test_what_cannot_be_read_is_told(made: Callable[..., Recognizer], faces: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        made(name, OWN)
    data = tmp_path / "[some] faces"
    shutil.copytree(faces, data)
    (data / "sad" / "torn.png").write_bytes(b"torn")
    words = ["compare", str(tmp_path / "one"), str(tmp_path / "two"), "--data", str(data)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1, done.output
    assert "43 images" in done.output
    assert done.output.count("unreadable: sad/torn.png: not an image of a supported kind") == 1
    done = CliRunner().invoke(app, [*words, "--format", "json"])
    assert done.exit_code == 1
    assert [list(each["unreadable"]) for each in json.loads(done.output)] == [["sad/torn.png"]] * 2
    done = CliRunner().invoke(app, [*words, "--format", "csv"])
    assert (done.exit_code, len(done.stdout.splitlines())) == (1, 3)
    assert done.stderr.startswith("unreadable: sad/torn.png")

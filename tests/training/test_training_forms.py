"""From data in every form to a judged model: each form that users have trains, exports and evaluates."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawn import write_fer2013_csv, write_folder, write_parquet, write_people
from PIL import Image
from typer.testing import CliRunner

from mien import artifact as artifacts
from mien import metrics
from mien.cli.verbs import app
from mien.datasets import load_pixels, open_dataset
from mien.datasets.base import NO_LABEL
from mien.evaluation import evaluate
from mien.labels import CKPLUS7, FER7, FERPLUS8, label_set
from mien.recognizer import Recognizer
from mien.training.batches.data import prepare
from mien.training.export.export import export
from mien.training.learning.checkpoint import Run
from mien.training.learning.loop import train
from mien.training.recipes.recipe import Recipe

Export = Callable[[str, int], Path]
Write = Callable[[Path], Path]

FER, FER_AND_VOTES = {"fer7": FER7}, {"ferplus8": FERPLUS8, "fer7": FER7}
CK = {"ckplus7": CKPLUS7}


@pytest.fixture
def short(tiny: Recipe) -> Recipe:
    """One epoch of `tiny`: enough to see that a form is read."""
    return tiny.model_copy(update={"schedule": tiny.schedule.model_copy(update={"epochs": 1})})


def trained(recipe: Recipe, data: Path, folder: Path) -> tuple[Run, Recognizer]:
    run = train(recipe, open_dataset(data), folder / "run")
    return run, Recognizer(export([run.folder], folder / "model"))


@pytest.mark.parametrize(
    ("write", "form", "heads", "counts", "judged"),
    [
        pytest.param(
            lambda out: write_folder(out, ("Anger", "Happiness", "Sadness"), 8),
            "image folder",
            {"angry-happy-sad": ("angry", "happy", "sad")},
            (18, 6),
            ("train", 18),
            id="folder",
        ),
        pytest.param(
            lambda out: write_folder(out, FER7.emotions, 4, splits=("train", "val", "test")),
            "image folder",
            FER,
            (28, 28),
            ("test", 28),
            id="folder with splits",
        ),
        pytest.param(
            lambda out: write_fer2013_csv(out, 3), "fer2013.csv", FER, (21, 21), ("test", 21), id="fer2013.csv"
        ),
        pytest.param(
            lambda out: write_fer2013_csv(out, 3, with_votes=True),
            "fer2013.csv with FER+ votes",
            FER_AND_VOTES,
            (21, 21),
            ("test", 21),
            id="fer2013.csv and fer2013new.csv",
        ),
        pytest.param(lambda out: write_people(out, 8), "people folder", CK, (42, 14), ("train", 42), id="people"),
        pytest.param(
            lambda out: write_parquet(out, 3),
            "FER2013 parquet with FER+ votes",
            FER_AND_VOTES,
            (21, 21),
            ("valid", 21),
            id="parquet",
        ),
    ],
)
def test_drawn_faces_in_every_form(
    write: Write,
    form: str,
    heads: dict[str, tuple[str, ...]],
    counts: tuple[int, int],
    judged: tuple[str, int],
    short: Recipe,
    tmp_path: Path,
) -> None:
    data = write(tmp_path / "data")
    run, recognizer = trained(short, data, tmp_path)
    described = run.data()
    assert (described["form"], described["train"] + described["valid"]) == (form, sum(counts))
    assert abs(described["valid"] - counts[1]) <= 2  # drawn faces that are near copies stay together
    manifest = recognizer.artifact.manifest
    assert {head.labels: head.emotions for head in manifest.heads} == {
        name: tuple(each) for name, each in heads.items()
    }
    assert run.read_log()[0]["valid"].keys() == heads.keys()
    for head in manifest.heads:
        votes = head.labels == "ferplus8"
        assert (head.vote_temperature is not None) == votes
        assert ("kl_to_votes" in manifest.scores[head.labels]) == votes

    split, n = judged
    dataset = prepare(open_dataset(data), short)
    for name in heads:
        report = evaluate(recognizer, dataset, split=split, labels=name)
        assert report.labels == tuple(heads[name])
        assert abs(report.n + report.not_judged - n) <= 2
        assert sum(map(sum, report.confusion)) == report.n
        assert (report.kl_to_votes is not None) == (name == "ferplus8")
        assert report.unreadable == {}


def test_people_stay_on_one_side(short: Recipe, tmp_path: Path) -> None:
    dataset = prepare(open_dataset(write_people(tmp_path / "data", 8)), short)
    sides = [{each.attributes["person"] for each in dataset.split(name).examples} for name in ("train", "valid")]
    assert not sides[0] & sides[1]
    assert sides[0] | sides[1] == set(map(str, range(8)))


def test_what_was_trained_on_judges_nothing_though_the_folder_has_grown(short: Recipe, tmp_path: Path) -> None:
    data = write_folder(tmp_path / "data", ("Anger", "Happiness"), 10)
    _, recognizer = trained(short, data, tmp_path)
    held_out = evaluate(recognizer, open_dataset(data)).n
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)).save(data / "Happiness" / "new.png")
    report = evaluate(recognizer, open_dataset(data))
    assert (report.data["split"], report.n) == ("valid", held_out + 1)
    assert evaluate(recognizer, open_dataset(data), split="all").n == 21
    for image in sorted((data / "Anger").iterdir()):
        image.rename(image.with_name(f"renamed-{image.name}"))
    renamed = evaluate(recognizer, open_dataset(data))
    assert replace(renamed, origin=None).to_dict() == replace(report, origin=None).to_dict()  # that tells names too


def test_other_images_of_the_same_names_are_judged_whole(short: Recipe, tmp_path: Path) -> None:
    data = write_folder(tmp_path / "data", ("Anger", "Happiness"), 10)
    _, recognizer = trained(short, data, tmp_path)
    assert evaluate(recognizer, open_dataset(data)).n < 20
    for number, image in enumerate(sorted(data.glob("*/*"))):
        Image.fromarray(np.random.default_rng(number).integers(0, 256, (48, 48), np.uint8)).save(image)
    report = evaluate(recognizer, open_dataset(data))
    assert (report.data["split"], report.n) == ("all", 20)


def test_another_seed_holds_out_the_same_images(short: Recipe, tmp_path: Path) -> None:
    dataset = open_dataset(write_folder(tmp_path / "data", ("Anger", "Happiness"), 10))

    def held_out(**changes: int) -> set[str]:
        return {each.name for each in prepare(dataset, short.model_copy(update=changes)).split("valid").examples}

    assert held_out(seed=0) == held_out(seed=1) != held_out(split_seed=1)


def test_what_validation_told_is_what_evaluate_tells(short: Recipe, tmp_path: Path) -> None:
    """What the network is worth is found again through the recognizer, on the same images."""
    data = write_parquet(tmp_path / "data", 6)
    run, recognizer = trained(short, data, tmp_path)
    logged = run.read_log()[0]["valid"]
    for name in FER_AND_VOTES:
        report = evaluate(recognizer, open_dataset(data), split="valid", labels=name)
        scores = recognizer.artifact.manifest.scores[name]
        assert report.n == scores["n"]
        assert report.kl_to_votes == (None if name == "fer7" else pytest.approx(scores["kl_to_votes"], abs=1e-6))
        valid, crops, _ = load_pixels(open_dataset(data).split("valid"), recognizer.preprocess.whole)
        truth = valid.targets(label_set(name))
        logits, truth = recognizer.logits(crops)[name][truth != NO_LABEL], truth[truth != NO_LABEL]
        assert logged[name] == pytest.approx((logits.argmax(1) == truth).mean(), abs=1e-6)
        probabilities = recognizer.artifact.head_for(label_set(name)).probabilities(logits)
        assert report.accuracy == pytest.approx((probabilities.argmax(1) == truth).mean())
        assert report.nll == pytest.approx(metrics.nll(probabilities, truth), abs=1e-6)
    assert logged.keys() == FER_AND_VOTES.keys()


def first_rows(folder: Path, out: Path, limit: int) -> Path:
    import pyarrow.parquet as pq

    out.mkdir()
    for name in ("train", "valid"):
        pq.write_table(pq.read_table(folder / f"{name}.parquet").slice(0, limit), out / f"{name}.parquet")
    return out


def without_votes(folder: Path, out: Path) -> Path:
    out.mkdir()
    (out / "fer2013.csv").write_bytes((folder / "fer2013.csv").read_bytes())
    return out


@pytest.mark.parametrize(
    ("form", "heads"),
    [
        ("image folder", FER),
        ("fer2013.csv", FER),
        ("fer2013.csv with FER+ votes", FER_AND_VOTES),
        ("people folder", CK),
        ("FER2013 parquet with FER+ votes", FER_AND_VOTES),
    ],
)
def test_real_faces_in_every_form(
    form: str, heads: dict[str, tuple[str, ...]], short: Recipe, exported: Export, fer2013: Path, tmp_path: Path
) -> None:
    write: dict[str, Callable[[], Path]] = {
        "image folder": lambda: exported("folders", 60),
        "fer2013.csv": lambda: without_votes(exported("csv", 60), tmp_path / "data"),
        "fer2013.csv with FER+ votes": lambda: exported("csv", 60),
        "people folder": lambda: exported("people", 2000),
        "FER2013 parquet with FER+ votes": lambda: first_rows(fer2013, tmp_path / "data", 60),
    }
    data = write[form]()
    run, recognizer = trained(short, data, tmp_path)
    assert run.data()["form"] == form
    assert [head.labels for head in recognizer.artifact.manifest.heads] == list(heads)
    report = evaluate(recognizer, open_dataset(data))
    assert report.labels == tuple(next(iter(reversed(heads.values()))))
    assert report.n > 0
    assert report.unreadable == {}
    if form != "people folder":
        assert report.n == 60


def test_one_command_each(tiny_file: Path, tmp_path: Path) -> None:
    data = str(write_folder(tmp_path / "data", ("happy", "sad"), 12, splits=("train", "test")))
    recipe, run, model = str(tiny_file), str(tmp_path / "run"), str(tmp_path / "model")
    command = CliRunner()
    done = command.invoke(app, ["train", recipe, "--data", data, "--out", run, "--set", "schedule.epochs=2"])
    assert done.exit_code == 0, done.output
    assert "18 images to train on, 6 to validate" in done.output
    assert "best on validation: epoch " in done.output
    done = command.invoke(app, ["export", run, "--out", model])
    assert done.exit_code == 0, done.output
    assert "the ONNX file agrees with the network on 6 validation images" in done.output
    assert artifacts.read(Path(model)).manifest.runs[0]["recipe"]["schedule"]["epochs"] == 2
    done = command.invoke(app, ["evaluate", data, "--model", model, "--format", "json"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["model"] == Path(model).name
    assert report["n"] == 24
    assert report["data"]["split"] == "test"

"""Training on photos: faces are cut out once, as reading cuts them, and the run, the model and its judging agree."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn import Bounds, in_surroundings, write_folder
from PIL import Image

from mien.crops import Crop
from mien.datasets import open_dataset
from mien.errors import DataError, MienError
from mien.evaluation import evaluate
from mien.recognizer import Recognizer
from mien.training.export.export import export
from mien.training.learning.checkpoint import Run
from mien.training.learning.loop import train
from mien.training.recipes.recipe import Recipe


@pytest.fixture(autouse=True)
def bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.photos.BlazeFace", Bounds)


@pytest.fixture
def short(tiny: Recipe) -> Recipe:
    return tiny.model_copy(update={"schedule": tiny.schedule.model_copy(update={"epochs": 1})})


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """12 happy and 12 sad photos of drawn faces, 150 px, and one of each without a face."""
    folder = write_folder(tmp_path / "photos", ("happy", "sad"), 12)
    for file in folder.rglob("*.png"):
        Image.fromarray(in_surroundings(np.asarray(Image.open(file)), 150, 0.4)).save(file)
    for label in ("happy", "sad"):
        Image.new("RGB", (150, 150)).save(folder / label / "nobody.png")
    return folder


def told(recipe: Recipe, data: Path, out: Path, **options: Any) -> tuple[Run, list[str]]:
    said: list[str] = []
    return train(recipe, open_dataset(data), out, say=said.append, **options), said


def test_photos_are_cropped_by_default(short: Recipe, photos: Path, tmp_path: Path) -> None:
    run, said = told(short, photos, tmp_path / "run")
    data = run.data()
    assert data["crop"] == "auto"
    assert data["train"] + data["valid"] == 24
    assert sorted(run.left_out.read_text().splitlines()) == [
        "split,image,reason",
        *(f"train,{label}/nobody.png,no face was found (crop auto)" for label in ("happy", "sad")),
    ]
    assert any(each.startswith("  no face was found (crop auto): ") for each in said)
    (counts,) = [each for each in said if "images to train on" in each]
    assert (
        "to validate, the largest face found in each, and small ones whole (photos: of 26 images looked at, in 24 a "
        "face takes part of the frame (usually 40% of its side), in 2 no face was found); heads: happy-sad"
    ) in counts
    assert "left out 2 of " in "".join(said)


@pytest.mark.parametrize("colour", ["gray", "rgb"])
def test_a_model_of_photos_is_judged_as_it_was_trained(
    colour: str, short: Recipe, photos: Path, tmp_path: Path
) -> None:
    recipe = short.model_copy(update={"colour": colour})
    run, _ = told(recipe, photos, tmp_path / "run")
    artifact = export([run.folder], tmp_path / "model")
    assert artifact.manifest.data["crop"] == "auto"
    report = evaluate(Recognizer(artifact, Bounds()), photos)
    assert report.data["split"] == "valid"
    assert (report.data["crop"], report.data["crop_reason"]) == ("auto", "as model was trained on these images")
    elsewhere = tmp_path / "elsewhere"
    for number, file in enumerate(photos.rglob("*.png")):
        (elsewhere / file.parent.name).mkdir(parents=True, exist_ok=True)
        (elsewhere / file.parent.name / f"{number}.png").write_bytes(file.read_bytes())
    again = evaluate(Recognizer(artifact, Bounds()), elsewhere)
    assert (again.data["split"], again.data["crop"]) == ("valid", "auto")
    assert again.n + again.held_back == run.data()["train"] + run.data()["valid"] + 2


def test_what_was_taken_whole_is_judged_whole(short: Recipe, photos: Path, tmp_path: Path) -> None:
    run, said = told(short, photos, tmp_path / "run", crop="whole")
    assert run.data()["crop"] == "whole"
    assert run.data()["train"] + run.data()["valid"] == 26
    assert any("each whole, as a face crop (as asked for)" in each for each in said)
    reader = Recognizer(export([run.folder], tmp_path / "model"), Bounds())
    assert evaluate(reader, photos).data["crop"] == "whole"
    asked = evaluate(reader, photos, crop="detect").data
    assert (asked["crop"], asked["crop_reason"]) == ("detect", "as asked for")


def test_of_data_in_splits_as_well(short: Recipe, photos: Path, tmp_path: Path) -> None:
    split = tmp_path / "split"
    for file in photos.rglob("*.png"):
        place = split / ("val" if file.stem < "0004" else "train") / file.parent.name / file.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.read_bytes())
    run, _ = told(short, split, tmp_path / "run", crop="whole")
    reader = Recognizer(export([run.folder], tmp_path / "model"), Bounds())
    assert evaluate(reader, split).data["crop_reason"] == "as model was trained on these images"
    assert evaluate(reader, photos, split="all").data["crop"] == "auto"


@pytest.mark.parametrize("began", ["auto", "whole"])
def test_a_run_goes_on_with_its_crop_and_no_other(began: Crop, short: Recipe, photos: Path, tmp_path: Path) -> None:
    told(short, photos, tmp_path / "run", crop=began)
    _, said = told(short, photos, tmp_path / "run", resume=True)
    assert any("(as the run began)" in each for each in said)
    other: Crop = "whole" if began == "auto" else "detect"
    with pytest.raises(DataError, match=f"was begun with --crop {began}: it cannot go on with --crop {other}"):
        told(short, photos, tmp_path / "run", resume=True, crop=other)


def test_a_run_of_before_crops_goes_on(short: Recipe, tmp_path: Path) -> None:
    data = write_folder(tmp_path / "few", ("happy", "sad"), 6)
    run, _ = told(short, data, tmp_path / "run")
    run.data_file.write_text(run.data_file.read_text().replace('"crop": "whole",', ""))
    assert "crop" not in run.data()
    told(short, data, tmp_path / "run", resume=True)


def test_small_crops_with_a_photo_among_them_are_taken_whole(short: Recipe, tmp_path: Path, astronaut: bytes) -> None:
    data = write_folder(tmp_path / "few", ("happy", "sad"), 6)
    Image.open(BytesIO(astronaut)).save(data / "happy" / "photo.png")
    run, _ = told(short, data, tmp_path / "run")
    assert (run.data()["crop"], run.data()["train"] + run.data()["valid"]) == ("whole", 13)


def test_no_face_anywhere_and_no_such_crop(short: Recipe, photos: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for file in photos.rglob("*.png"):
        Image.fromarray(rng.integers(0, 21, (150, 150, 3), np.uint8)).save(file)
    with pytest.raises(DataError, match=r"no face was found \(crop auto\)"):
        told(short, photos, tmp_path / "run")
    with pytest.raises(MienError, match="crop is one of"):
        told(short, photos, tmp_path / "run", crop="half")
    assert not (tmp_path / "run").exists()

"""Evaluation: a model whose answers are known, judged on images whose labels are known."""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn import Bounds
from numpy.typing import NDArray
from PIL import Image

import mien
from mien import Face, LabelSet, Recognizer, metrics
from mien import artifact as artifacts
from mien.datasets import Dataset, open_dataset
from mien.datasets.base import Example, spread
from mien.datasets.copies import copied, fingerprints
from mien.datasets.index import indexed, read_index, write_index
from mien.errors import ArtifactError, DataError, LabelError, MienError
from mien.labels import FER7, FERPLUS8, HAPPY_SAD
from mien.report import Answers, LeftOut, make_report
from mien.report.notes import notes

Pixels = NDArray[np.uint8]
Bands = Callable[..., Pixels]
Toy = Callable[..., Path]
Export = Callable[[str, int], Path]

THREE = ("angry", "happy", "sad")
BRIGHT = math.exp(4) / (math.exp(4) + 2)  # what the toy gives the one bright band of three
DARK = 1 / (math.exp(4) + 2)


class Bright:
    """A detector that takes any image with a bright pixel as one face."""

    def detect(self, image: Pixels) -> list[Face]:
        height, width = image.shape[:2]
        return [Face((0, 0, width, height), (), 0.9)] if image.any() else []


@pytest.fixture(scope="module")
def model(toy: Toy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy(tmp_path_factory.mktemp("toys") / "three", {"three": THREE})


@pytest.fixture(scope="module")
def recognizer(model: Path) -> Recognizer:
    return mien.load(model, detector=Bright())


Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, bands: Bands) -> Write:
    """Writes an image folder: `write({"happy": ["happy", "sad"]})` has two happy ones, the second looks sad.

    An image looks like an emotion, `dark` (nobody there), or is `broken`.
    """

    def dataset(looks: dict[str, list[str]]) -> Path:
        for label, images in looks.items():
            folder = tmp_path / "data" / label
            folder.mkdir(parents=True)
            for number, look in enumerate(images):
                place = folder / f"{number}.png"
                if look == "broken":
                    place.write_bytes(b"\x89PNG broken")
                elif look == "dark":
                    Image.new("RGB", (48, 48)).save(place)
                else:
                    Image.fromarray(bands(THREE.index(look), 3)).save(place)
        return tmp_path / "data"

    return dataset


LOOKS = {"angry": ["angry", "angry", "happy"], "happy": ["happy"] * 4, "sad": ["happy", "sad", "angry"]}


def test_known_answers(recognizer: Recognizer, write: Write) -> None:
    path = write(LOOKS)
    report = mien.evaluate(recognizer, open_dataset(path))
    assert (report.n, report.not_judged, report.no_face, report.unreadable) == (10, 0, 0, {})
    assert report.model == "three"
    reason = "face crops: of 10 images looked at, 10 are small (96 px at most)"
    told = {"path": str(path), "form": open_dataset(path).form, "split": "all", "crop": "whole", "crop_reason": reason}
    assert report.data == told
    assert report.labels == THREE
    assert report.confusion == ((2, 1, 0), (0, 4, 0), (1, 1, 1))
    assert report.accuracy == pytest.approx(0.7)
    assert report.macro_f1 == pytest.approx((2 * 2 / 6 + 2 * 4 / 10 + 2 * 1 / 4) / 3)
    assert report.ece == pytest.approx(BRIGHT - 0.7, abs=1e-6)
    assert report.nll == pytest.approx(-0.7 * math.log(BRIGHT) - 0.3 * math.log(DARK), abs=1e-5)
    assert report.kl_to_votes is None
    assert report.coverage == 1
    assert report.accuracy_covered == pytest.approx(0.7)
    assert report.accuracy_interval[0] < 0.7 < report.accuracy_interval[1]
    assert report.macro_f1_interval is None  # of ten images
    assert {name: scores.support for name, scores in report.per_class.items()} == {"angry": 3, "happy": 4, "sad": 3}
    assert report.per_class["angry"].precision == report.per_class["angry"].recall == pytest.approx(2 / 3)
    assert report.per_class["happy"].precision == pytest.approx(4 / 6)
    assert report.per_class["sad"].recall == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("looks", "accuracy"),
    [({"happy": ["happy"], "sad": ["sad"]}, 1), ({"happy": ["sad"], "sad": ["happy"]}, 0)],
)
def test_all_right_and_all_wrong(
    looks: dict[str, list[str]], accuracy: float, recognizer: Recognizer, write: Write
) -> None:
    report = mien.evaluate(recognizer, open_dataset(write(looks)))
    assert (report.accuracy, report.macro_f1, report.accuracy_covered) == (accuracy,) * 3
    assert report.accuracy_interval == pytest.approx(((0.3424, 1) if accuracy else (0, 0.6576)), abs=1e-3)
    assert report.macro_f1_interval is None  # a bootstrap would be sure of two images


def test_a_face_that_is_not_found_is_wrong(recognizer: Recognizer, write: Write) -> None:
    looks = {"angry": ["angry", "dark", "dark"], "happy": ["happy"], "sad": ["sad", "dark"]}
    dataset = open_dataset(write(looks))
    report = mien.evaluate(recognizer, dataset, crop="detect")
    assert (report.n, report.no_face) == (6, 3)
    assert report.accuracy == pytest.approx(0.5)
    assert np.array(report.confusion).sum() == 3
    assert [scores.recall for scores in report.per_class.values()] == pytest.approx([1 / 3, 1, 1 / 2])
    assert [scores.precision for scores in report.per_class.values()] == [1, 1, 1]
    assert [scores.support for scores in report.per_class.values()] == [3, 1, 2]
    assert report.macro_f1 == pytest.approx((0.5 + 1 + 2 / 3) / 3)
    assert report.coverage == pytest.approx(0.5)
    assert report.accuracy_covered == 1
    found = [p.faces[0] for p in recognizer.predict([e.source for e in dataset.examples], crop="detect") if p.faces]
    assert report.ece == pytest.approx(1 - np.mean([reading.expression.confidence for reading in found]))
    assert mien.evaluate(recognizer, dataset, crop="whole").no_face == 0


def test_no_face_at_all(recognizer: Recognizer, write: Write) -> None:
    report = mien.evaluate(recognizer, open_dataset(write({"angry": ["dark"], "sad": ["dark"]})), crop="detect")
    assert (report.n, report.no_face, report.accuracy, report.macro_f1, report.coverage) == (2, 2, 0, 0, 0)
    assert report.accuracy_covered is None
    assert "NaN" not in json.dumps(report.to_dict())


def test_unreadable_images_are_listed_and_do_not_count(recognizer: Recognizer, write: Write) -> None:
    dataset = open_dataset(write({"happy": ["broken", "happy", "sad"], "sad": ["sad", "broken"]}))
    report = mien.evaluate(recognizer, dataset)
    assert report.n == 3
    assert report.accuracy == pytest.approx(2 / 3)
    assert set(report.unreadable) == {dataset.examples[0].name, dataset.examples[4].name}
    assert all("damaged or cut short" in reason for reason in report.unreadable.values())


def test_nothing_readable(recognizer: Recognizer, write: Write) -> None:
    with pytest.raises(DataError, match=r"none of 2 images could be read; the first, .*: "):
        mien.evaluate(recognizer, open_dataset(write({"happy": ["broken"], "sad": ["broken"]})))


def test_splits(recognizer: Recognizer, write: Write) -> None:
    dataset = open_dataset(write({"train/happy": ["sad"], "train/sad": ["happy"], "test/happy": ["happy"] * 3}))
    assert mien.evaluate(recognizer, dataset).data["split"] == "test"
    assert (mien.evaluate(recognizer, dataset).n, mien.evaluate(recognizer, dataset).accuracy) == (3, 1)
    train = mien.evaluate(recognizer, dataset, split="train")
    assert (train.data["split"], train.n, train.accuracy) == ("train", 2, 0)
    with pytest.raises(DataError, match="no split 'valid'; there are train, test"):
        mien.evaluate(recognizer, dataset, split="valid")


def textured(path: Path) -> Path:
    """The images of a folder, each look with a grain of its own: what is smooth in one direction is hardly an image."""
    for file in path.rglob("*.png"):
        pixels = np.asarray(Image.open(file).convert("L"))
        grain = np.random.default_rng(zlib.crc32(pixels.tobytes())).integers(0, 90, pixels.shape)
        Image.fromarray((pixels // 2 + grain).astype(np.uint8)).save(file)
    return path


def trained_on(model: Path, images: list[Path], folder: Path) -> Recognizer:
    """A copy of a model that knows images."""
    examples = tuple(Example(image.name, image, "happy") for image in images)
    prints = fingerprints(Dataset(folder, "made up", HAPPY_SAD, examples)).prints.tobytes()
    shutil.copytree(model, folder)
    (folder / "seen.bin").write_bytes(prints)
    told = {"format": 4, "seen_sha256": hashlib.sha256(prints).hexdigest()}
    (folder / "model.json").write_text(json.dumps(json.loads((folder / "model.json").read_text()) | told))
    return mien.load(folder, detector=Bright())


def test_a_model_that_does_not_know_its_images_says_nothing_of_them(recognizer: Recognizer, write: Write) -> None:
    report = mien.evaluate(recognizer, write(LOOKS))
    assert (report.copies, report.fresh) == ({}, None)


def test_what_an_index_leaves_out_is_told_of_the_split_that_is_judged(
    recognizer: Recognizer, write: Write, tmp_path: Path
) -> None:
    whole = open_dataset(write(LOOKS))
    write_index(place := tmp_path / "rest.json", whole, [each.name for each in whole.examples[:3]])
    first, *others = whole.examples
    parted = (replace(first, split="train"), *(replace(each, split="test") for each in others))
    for dataset, told in ((whole, 3), (replace(whole, examples=parted), 2)):
        rest = indexed(place, read_index(place), dataset)
        report = mien.evaluate(recognizer, rest)
        assert (report.n, report.by_index) == (7, told)
        assert any(note.startswith(f"Left out by the data's index: {told} images more") for note in notes(report))
    assert mien.evaluate(recognizer, whole).by_index == 0


def test_images_that_the_model_was_trained_on_are_told(model: Path, write: Write, tmp_path: Path) -> None:
    """The model has seen what looks angry or sad, and nothing that looks happy."""
    path = textured(write(LOOKS))
    known = trained_on(model, [path / "angry/0.png", path / "sad/1.png"], tmp_path / "taught")
    report = mien.evaluate(known, path)
    assert (report.data["split"], report.n, report.held_back, report.accuracy) == ("valid", 6, 4, 4 / 6)
    everything = mien.evaluate(known, path, split="all")
    assert (everything.n, everything.held_back, everything.accuracy) == (10, 0, 0.7)
    assert everything.copies == {"seen": 4}
    assert everything.fresh is not None
    assert (everything.fresh.n, everything.fresh.accuracy) == (6, 4 / 6)


def test_what_the_model_has_seen_may_be_all(model: Path, write: Write, tmp_path: Path) -> None:
    path = textured(write(LOOKS))
    known = trained_on(model, list(path.rglob("*.png")), tmp_path / "taught")
    report = mien.evaluate(known, path)
    assert (report.copies, report.fresh) == ({"seen": 10}, None)
    with pytest.raises(DataError, match="no split 'valid': the model was trained on all of its images"):
        mien.evaluate(known, path, split="valid")


def test_copies_in_the_datasets_own_training_split_are_told(recognizer: Recognizer, write: Write) -> None:
    test = {"test/happy": ["happy", "sad"], "test/sad": ["sad"]}
    path = textured(write({"train/happy": ["happy"], "train/sad": ["happy"]} | test))
    brighter = np.minimum(np.asarray(Image.open(path / "train/happy/0.png")) // 2 + 100, 255).astype(np.uint8)
    Image.fromarray(brighter).save(path / "test/happy/brighter.png")
    report = mien.evaluate(recognizer, path)
    assert report.copies == {"exact": 1, "near": 1}
    assert report.fresh is not None
    assert (report.fresh.n, report.fresh.accuracy) == (2, 0.5)
    assert mien.evaluate(recognizer, path, split="train").copies == {}


def test_copies_among_what_is_judged_are_told(recognizer: Recognizer, write: Write) -> None:
    """Of each look there is one picture, again and again."""
    path = textured(write({"angry": ["angry"] * 3, "happy": ["happy"] * 2, "sad": ["sad"]}))
    told = "Of 6 images 3 are copies of others among them, or nearly: intervals are too narrow."
    report = mien.evaluate(recognizer, path)
    assert (report.repeated, told in notes(report)) == (3, True)
    named = mien.evaluate(recognizer, open_dataset(path, group="folder:1"))
    assert (named.repeated, told in notes(named)) == (3, False)  # intervals are of people


@pytest.mark.parametrize("damage", [lambda file: file.unlink(), lambda file: file.write_bytes(b"")])
def test_fingerprints_that_are_not_the_models_are_refused(
    damage: Callable[[Path], object], model: Path, write: Write, tmp_path: Path
) -> None:
    path = write(LOOKS)
    known = trained_on(model, [path / "angry/0.png"], tmp_path / "taught")
    damage(tmp_path / "taught" / "seen.bin")
    with pytest.raises(ArtifactError, match=r"seen\.bin is missing or altered"):
        mien.evaluate(known, path)


@pytest.fixture(scope="module")
def two_worlds(toy: Toy, tmp_path_factory: pytest.TempPathFactory) -> Recognizer:
    return mien.load(toy(tmp_path_factory.mktemp("worlds") / "two", {"ferplus8": tuple(FERPLUS8), "fer7": tuple(FER7)}))


FOUR = ("angry", "fear", "happy", "sad")


@pytest.mark.parametrize(
    ("labels", "side", "colour", "options", "head"),
    [
        (FOUR, 48, "L", {}, "fer7"),
        (FOUR, 48, "RGB", {}, "ferplus8"),
        (FOUR, 64, "L", {}, "ferplus8"),
        (FER7.emotions, 64, "RGB", {}, "fer7"),
        ((*FOUR, "contempt"), 48, "L", {}, "ferplus8"),
        ((*FER7.emotions, "bored"), 48, "L", {}, "fer7"),
        (FOUR, 48, "L", {"head": "ferplus8"}, "ferplus8"),
        (FER7.emotions, 48, "L", {"head": "ferplus8"}, "ferplus8"),
        (FOUR, 48, "L", {"labels": "happy-sad"}, "fer7"),
        (FOUR, 48, "L", {"labels": "ferplus8"}, "ferplus8"),
        (FOUR, 64, "RGB", {"labels": "fer7"}, "fer7"),
    ],
)
def test_the_head_follows_the_world_of_the_labels(
    labels: tuple[str, ...],
    side: int,
    colour: str,
    options: dict[str, str],
    head: str,
    two_worlds: Recognizer,
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(0)
    for label in labels:
        (tmp_path / label).mkdir()
        noise = rng.integers(0, 256, (side, side, 3), np.uint8)
        Image.fromarray(noise).convert(colour).save(tmp_path / label / "0.png")
    assert mien.evaluate(two_worlds, tmp_path, crop="whole", **options).head == head  # type: ignore[arg-type]


def test_a_head_that_is_not_there_is_refused(two_worlds: Recognizer, write: Write) -> None:
    with pytest.raises(LabelError, match="no head 'fer8'; its heads are ferplus8, fer7"):
        mien.evaluate(two_worlds, write(LOOKS), head="fer8")


@pytest.mark.parametrize("kind", [str, Path])
def test_a_models_name_or_folder_is_a_model(kind: Callable[[Path], str | Path], model: Path, write: Write) -> None:
    data = write({"happy": ["happy", "sad"], "sad": ["sad"]})
    assert mien.evaluate(kind(model), data).to_dict() == mien.evaluate(mien.load(model), data).to_dict()


@pytest.mark.parametrize("none", [5, Recognizer])
def test_what_is_no_model_is_told(none: Any, write: Write) -> None:
    with pytest.raises(ArtifactError, match="expected a name or a folder, got"):
        mien.evaluate(none, write({"happy": ["happy"], "sad": ["sad"]}))


def test_a_path_is_a_dataset(recognizer: Recognizer, write: Write) -> None:
    path = write({"happy": ["happy"], "sad": ["happy"]})
    assert mien.evaluate(recognizer, path) == mien.evaluate(recognizer, open_dataset(path))


def test_a_set_of_the_same_emotions_is_the_same_set(toy: Toy, tmp_path: Path, write: Write) -> None:
    reader = mien.load(toy(tmp_path / "two", {"wide": (*THREE, "fear"), "three": THREE}), detector=Bright())
    assert LabelSet("another name", THREE) == LabelSet("three", THREE)
    assert reader.artifact.head_for(LabelSet("another name", THREE)).labels == "three"


@pytest.mark.parametrize(
    ("labels", "n", "not_judged"),
    [
        (None, 10, 0),
        ("three", 10, 0),
        ("happy-sad", 7, 3),
        (HAPPY_SAD, 7, 3),
        (LabelSet("mine", ("sadness", "anger")), 6, 4),
    ],
)
def test_label_sets(
    labels: str | LabelSet | None, n: int, not_judged: int, recognizer: Recognizer, write: Write
) -> None:
    report = mien.evaluate(recognizer, open_dataset(write(LOOKS)), labels=labels)
    assert (report.n, report.not_judged) == (n, not_judged)
    assert report.labels == recognizer.spoken(labels).emotions
    assert np.array(report.confusion).sum() == n


@pytest.mark.parametrize("labels", ["fer7", "moods"])
def test_label_sets_that_the_model_cannot_speak(labels: str, recognizer: Recognizer, write: Write) -> None:
    with pytest.raises(LabelError, match=labels):
        mien.evaluate(recognizer, open_dataset(write(LOOKS)), labels=labels)


def test_labels_that_the_model_lacks_are_not_judged(recognizer: Recognizer, write: Write) -> None:
    report = mien.evaluate(recognizer, open_dataset(write({"happy": ["happy", "sad"], "bored": ["sad"]})))
    assert (report.labels, report.n, report.not_judged) == (THREE, 2, 1)


def test_labels_that_only_two_heads_together_speak(toy: Toy, tmp_path: Path, write: Write) -> None:
    two = {"three": THREE, "calm-tense": ("calm", "tense")}
    recognizer = mien.load(toy(tmp_path / "two", two), detector=Bright())
    report = mien.evaluate(recognizer, open_dataset(write({"happy": ["happy"], "calm": ["sad"]})))
    assert (report.labels, report.n, report.not_judged) == (THREE, 1, 1)


def test_nothing_to_judge(recognizer: Recognizer, write: Write) -> None:
    told = r"split 'all' has a label in 'three'; there are bored \(1\), calm \(1\): say with --map what they mean"
    with pytest.raises(DataError, match=told):
        mien.evaluate(recognizer, open_dataset(write({"bored": ["sad"], "calm": ["sad"]})))


@pytest.mark.parametrize(
    ("split", "told"),
    [
        ("test", "People in more than one split: 1 (ann); scores of people who were trained on flatter."),
        ("valid", None),
        ("train", None),
    ],
)
def test_people_who_are_in_train_as_well_are_told(
    recognizer: Recognizer, write: Write, split: str, told: str | None
) -> None:
    dataset = open_dataset(write({"angry": ["angry"] * 2, "happy": ["happy"] * 2}))
    places = (("train", "ann"), ("valid", "bob"), ("test", "ann"), ("test", "bob"))
    examples = tuple(
        replace(each, split=where, attributes={"person": person})
        for each, (where, person) in zip(dataset.examples, places, strict=True)
    )
    report = mien.evaluate(recognizer, replace(dataset, examples=examples), split=split)
    assert [note for note in notes(report) if note.startswith("People")] == ([told] if told else [])


def test_progress_is_told(recognizer: Recognizer, write: Write) -> None:
    told: list[tuple[int, int]] = []
    dataset = open_dataset(write({"happy": ["happy", "broken"], "sad": ["sad"]}))
    mien.evaluate(recognizer, dataset, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


# Photos


@pytest.mark.parametrize(
    ("crop", "accuracy", "told"), [(None, 1, "auto"), ("auto", 1, "auto"), ("whole", 0.5, "whole")]
)
def test_photos_are_read_as_photos(
    crop: Any, accuracy: float, told: str, toy: Toy, tmp_path: Path, bands: Bands
) -> None:
    model = toy(tmp_path / "two", {"happy-sad": HAPPY_SAD.emotions})
    for position, label in enumerate(HAPPY_SAD):
        photo = np.zeros((200, 200, 3), np.uint8)
        photo[60:108, 20:68] = 40
        photo[60:108, 20:68][bands(position, 2) > 0] = 255
        (tmp_path / "photos" / label).mkdir(parents=True)
        Image.fromarray(photo).save(tmp_path / "photos" / label / "0.png")
    report = mien.evaluate(mien.load(model, detector=Bounds()), tmp_path / "photos", crop=crop)
    assert (report.accuracy, report.data["crop"]) == (accuracy, crop or "auto")
    assert report.data["crop_reason"].startswith("as asked" if crop else "photos: of 2 images looked at, in 2 a face")


def test_no_such_crop(recognizer: Recognizer, write: Write) -> None:
    with pytest.raises(MienError, match="crop is one of auto, detect, whole; got 'half'"):
        mien.evaluate(recognizer, write(LOOKS), crop="half")  # type: ignore[arg-type]


@pytest.mark.parametrize("stress", [-1, "5", 1.5, None])
def test_what_is_no_number_of_images_to_change(recognizer: Recognizer, stress: Any) -> None:
    with pytest.raises(MienError, match=re.escape(f"stress is a number of images, 0 or more; got {stress!r}")):
        mien.evaluate(recognizer, "is not looked at", stress=stress)


@pytest.mark.parametrize("progress", [None, 5, "bar"])
def test_what_is_no_function_to_tell(recognizer: Recognizer, progress: Any) -> None:
    told = f"progress is a function of the images done and their number; got {progress!r}"
    with pytest.raises(MienError, match=re.escape(told)):
        mien.evaluate(recognizer, "is not looked at", progress=progress)


@pytest.mark.parametrize("by", [5, [5], ["gender", None]])
def test_what_names_no_columns(recognizer: Recognizer, by: Any) -> None:
    with pytest.raises(MienError, match=re.escape(f"by names columns, such as ['gender', 'gender+age']; got {by!r}")):
        mien.evaluate(recognizer, "is not looked at", by=by)


@pytest.mark.parametrize(("given", "kind"), [(5, "int"), (None, "NoneType"), (["faces"], "list"), (b"faces", "bytes")])
def test_what_is_no_dataset(recognizer: Recognizer, given: Any, kind: str) -> None:
    for read in (open_dataset, partial(mien.evaluate, recognizer)):
        with pytest.raises(DataError, match=f"expected a dataset or its path, got {kind}"):
            read(given)


@pytest.mark.parametrize("split", ["", "train", 3])
def test_a_split_that_is_not_there(recognizer: Recognizer, split: Any, bands: Bands) -> None:
    """An empty one is not the last one that there is."""
    dataset = Dataset(Path("mine"), "by hand", HAPPY_SAD, (Example("a", bands(0, 8), "happy"),))
    with pytest.raises(DataError, match=re.escape(f"no split {split!r}; there are all")):
        mien.evaluate(recognizer, dataset, split=split)


# Votes


def voted(*votes: tuple[int, ...], look: int, bands: Bands) -> Dataset:
    examples = [Example(str(row), bands(look, 8), "happy", votes=each) for row, each in enumerate(votes)]
    return Dataset(Path("votes"), "by hand", FERPLUS8, tuple(examples))


@pytest.mark.parametrize("votes", [(0,) * 10, (0,) * 8 + (10, 0), (0,) * 8 + (0, 10), (5, 5) + (0,) * 8])
def test_votes_that_decide_nothing_are_told(votes: tuple[int, ...], toy: Toy, tmp_path: Path, bands: Bands) -> None:
    reader = mien.load(toy(tmp_path / "eight", {"ferplus8": FERPLUS8.emotions}))
    with pytest.raises(
        DataError, match=r"a label in 'ferplus8'; FER\+ votes decide there, and give no image a majority"
    ):
        mien.evaluate(reader, voted(votes, votes, look=0, bands=bands))


def test_votes_decide_and_kl_is_to_them(toy: Toy, tmp_path: Path, bands: Bands) -> None:
    heads = [{"labels": "ferplus8", "emotions": FERPLUS8.emotions, "temperature": 1.0, "threshold": 0.5}]
    path = toy(tmp_path / "eight", {"ferplus8": FERPLUS8.emotions})
    manifest = json.loads((path / "model.json").read_text())
    manifest["heads"] = [heads[0] | {"temperature": 0.5, "vote_temperature": 2.0}]
    (path / "model.json").write_text(json.dumps(manifest))
    happy, split, unknown = (0, 8, 2, 0, 0, 0, 0, 0, 0, 0), (5, 5, 0, 0, 0, 0, 0, 0, 0, 0), (0,) * 8 + (10, 0)
    report = mien.evaluate(mien.load(path, detector=Bright()), voted(happy, split, unknown, look=1, bands=bands))
    assert (report.n, report.not_judged, report.accuracy) == (1, 2, 1)
    top, rest = math.exp(4 / 2), 1.0
    share = np.array([rest, top, *[rest] * 6]) / (top + 7 * rest)
    expected = 0.8 * math.log(0.8 / share[1]) + 0.2 * math.log(0.2 / share[2])
    assert report.kl_to_votes == pytest.approx(expected, abs=1e-6)
    assert report.nll == pytest.approx(-math.log(math.exp(8) / (math.exp(8) + 7)), abs=1e-5)


@pytest.mark.parametrize("labels", ["fer7", "happy-sad"])
def test_kl_is_told_of_the_set_that_was_voted_in_alone(labels: str, toy: Toy, tmp_path: Path, bands: Bands) -> None:
    recognizer = mien.load(toy(tmp_path / "eight", {"ferplus8": FERPLUS8.emotions}), detector=Bright())
    report = mien.evaluate(recognizer, voted((0, 10, *[0] * 8), look=1, bands=bands), labels=labels)
    assert report.kl_to_votes is None


def test_a_prior_is_expected_and_told(model: Path, write: Write, tmp_path: Path) -> None:
    folder, data = shutil.copytree(model, tmp_path / "knowing"), write(LOOKS)
    manifest = json.loads((folder / "model.json").read_text("utf-8"))
    manifest["heads"][0]["mix"] = [0.1, 0.8, 0.1]
    (folder / "model.json").write_text(json.dumps(manifest), "utf-8")
    knowing = mien.load(folder, detector=Bright())
    plain, moved = (mien.evaluate(knowing, data, prior=prior) for prior in ("training", {"angry": 1, "happy": 1}))
    assert plain.prior is None
    assert moved.prior == {"angry": 0.5, "happy": 0.5, "sad": 0}
    assert moved.to_dict()["prior"] == {"angry": 0.5, "happy": 0.5, "sad": 0}
    assert not any("mix" in note for note in notes(plain))
    assert "Answers expect another mix than that of training: angry 50%, happy 50%." in notes(moved)
    assert [sum(row) for row in zip(*moved.confusion, strict=True)][2] == 0
    with pytest.raises(LabelError, match="does not say how often"):
        mien.evaluate(mien.load(model), data, prior="balanced")


def test_what_another_head_doubts_is_not_sure(toy: Toy, write: Write, tmp_path: Path) -> None:
    data = write(LOOKS)
    folder = toy(tmp_path / "two", {"three": THREE, "other": ("sad", "happy", "angry")})
    manifest = json.loads((folder / "model.json").read_text("utf-8"))
    manifest["heads"][0]["second"] = {"labels": "other", "threshold": 0.5}
    (folder / "model.json").write_text(json.dumps(manifest), "utf-8")
    report = mien.evaluate(mien.load(folder), data, labels=LabelSet("three", THREE))  # all heads see what is left as
    assert report.accuracy == pytest.approx(0.7)  # their first emotion, so that they agree on happy alone
    assert report.coverage == pytest.approx(0.6)
    assert report.accuracy_covered == pytest.approx(4 / 6)


# The report


def answers(probabilities: metrics.Floats, truth: metrics.Ints) -> Answers:
    n = len(truth)
    names, found, sure = tuple(map(str, range(n))), np.ones(n, bool), probabilities.max(1) >= 0.5
    none = ("",) * n
    return Answers(names, (b"",) * n, ({},) * n, probabilities, truth, found, none, sure, "toy", 0.5, None, None, none)


def test_the_reports_intervals_widen_with_fewer_images() -> None:
    def interval(n: int) -> float:
        truth = np.arange(n) % 2
        probabilities = metrics.one_hot(np.where(np.arange(n) % 4 == 0, 1 - truth, truth), 2)
        report = make_report("toy", {}, HAPPY_SAD, answers(probabilities, truth), LeftOut())
        assert report.accuracy == 0.75
        return report.accuracy_interval[1] - report.accuracy_interval[0]

    assert interval(40) > 2 * interval(400)


@pytest.mark.parametrize(
    ("sure", "coverage", "covered"), [([True, True], 1, 0.5), ([True, False], 0.5, 1), ([False, False], 0, None)]
)
def test_coverage(sure: list[bool], coverage: float, covered: float | None) -> None:
    probabilities = np.array([[0.8, 0.2], [0.6, 0.4]])
    said = replace(answers(probabilities, np.array([0, 1])), sure=np.array(sure))
    report = make_report("toy", {}, HAPPY_SAD, said, LeftOut())
    assert (report.coverage, report.accuracy_covered) == (coverage, covered)


# The command, and real data


def evaluated(*arguments: str | Path, code: int = 0) -> Any:
    command = [sys.executable, "-m", "mien", "evaluate", *map(str, arguments), "--format", "json"]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode == code, result.stderr
    assert result.stderr == ""
    return json.loads(result.stdout)


def test_the_command_prints_what_the_library_says(model: Path, recognizer: Recognizer, write: Write) -> None:
    path = write(LOOKS)
    report = mien.evaluate(recognizer, open_dataset(path))
    printed = evaluated(path, "--model", model)
    assert printed == json.loads(json.dumps(report.to_dict()))
    assert {"n", "accuracy", "macro_f1", "ece", "nll", "per_class", "confusion", "labels", "data", "model"} <= set(
        printed
    )
    assert printed["accuracy"] == 0.7
    assert printed["confusion"] == [[2, 1, 0], [0, 4, 0], [1, 1, 1]]
    assert printed["per_class"]["sad"] == {"precision": 1, "recall": 0.333333, "f1": 0.5, "support": 3}


def test_the_commands_options(model: Path, recognizer: Recognizer, write: Write, tmp_path: Path) -> None:
    path = write({"train/happy": ["happy", "broken"], "train/sad": ["sad", "happy"], "test/happy": ["happy"]})
    options = ("--model", model, "--split", "train", "--labels", "happy-sad", "--report", tmp_path / "out")
    printed = evaluated(path, *options, code=1)
    report = mien.evaluate(recognizer, open_dataset(path), split="train", labels="happy-sad")
    assert printed == json.loads(json.dumps(report.to_dict()))
    assert (printed["n"], printed["labels"], len(printed["unreadable"])) == (3, ["happy", "sad"], 1)
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == printed


@pytest.mark.parametrize("labels", ["ferplus8", "fer7"])
def test_fer2013(labels: str, exported: Export) -> None:
    dataset = open_dataset(exported("csv", 120))
    recognizer = mien.load()
    report = mien.evaluate(recognizer, dataset, labels=labels)
    targets = dataset.split("valid").targets(recognizer.spoken(labels))
    assert report.data["split"] == "valid"
    assert report.n == (targets >= 0).sum()
    assert report.n + report.not_judged == 120
    assert report.accuracy > {"ferplus8": 0.7, "fer7": 0.5}[labels]
    assert report.ece is not None
    assert report.ece < 0.2
    assert (report.kl_to_votes is not None) == (labels == "ferplus8")


def test_fer2013_in_happy_and_sad_folders(exported: Export) -> None:
    report = mien.evaluate(mien.load(), open_dataset(exported("happysad", 120)))
    assert report.labels == HAPPY_SAD.emotions
    assert report.accuracy > 0.85


@pytest.mark.parametrize("name", artifacts.names())
def test_shipped_models_know_every_image_that_they_were_trained_on(name: str, fer2013: Path) -> None:
    seen = artifacts.read(artifacts.find(name)).seen
    train = fingerprints(spread(open_dataset(fer2013 / "train.parquet"), 400))
    assert {each.tobytes() for each in train.prints} <= {each.tobytes() for each in seen}
    valid = fingerprints(spread(open_dataset(fer2013 / "valid.parquet"), 400))
    assert 0.05 < copied(valid.prints, seen).mean() < 0.25  # FER2013's own twins


def test_a_models_own_training_images_in_a_folder_are_told(exported: Export) -> None:
    report = mien.evaluate(mien.load(), exported("folders", 60) / "train")
    assert (report.data["split"], report.head) == ("train", "fer7")
    assert (report.copies, report.fresh) == ({"seen": 60}, None)


# Datasets larger than memory

WITHIN = """
import sys, mien
report = mien.evaluate(mien.load(sys.argv[1]), sys.argv[2], labels="three", crop="whole")
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(report.n, report.accuracy, report.ece, int(peak.split()[1]) * 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells of a process's memory")
def test_memory_does_not_grow_with_the_images(model: Path, tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    rng, rows = np.random.default_rng(0), []
    for label in (0, 3, 4) * 50:  # angry, happy, sad
        stream = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (300, 300, 3), np.uint8)).save(stream, "png", compress_level=0)
        rows.append({"image": {"bytes": stream.getvalue()}, "emotion": label, "usage": "PrivateTest"})
    shard = tmp_path / "shard.parquet"
    pq.write_table(pa.Table.from_pylist(rows), shard, compression="none", use_dictionary=False)
    told = []
    for times in (1, 4):
        folder = tmp_path / f"{times}"
        folder.mkdir()
        for number in range(times):
            (folder / f"{number}.parquet").hardlink_to(shard)
        done = subprocess.run([sys.executable, "-c", WITHIN, model, folder], check=True, capture_output=True, text=True)
        told.append([float(number) for number in done.stdout.split()])
    (n, accuracy, ece, before), (many, *scores, after) = told
    assert many == 4 * n
    assert scores == pytest.approx([accuracy, ece])
    images = 3 * shard.stat().st_size  # what is new, 120 MB
    assert after - before < images / 2

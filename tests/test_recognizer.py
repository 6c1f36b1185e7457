"""The recognizer: the same numbers whichever way an image comes, and never a silent skip."""

from __future__ import annotations

import io
import json
import math
import re
import subprocess
import sys
import tracemalloc
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow.parquet as pq
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image

import mien
from mien import Face, LabelSet, Recognizer
from mien.answers import Found
from mien.artifact import DEFAULT
from mien.crops import CROP_SIDE, NO_FACE
from mien.errors import ArtifactError, ImageError, LabelError, MienError, SourceError
from mien.face import crop_face
from mien.intake import Limits
from mien.labels import CKPLUS7, FER7, FERPLUS8, HAPPY_SAD, LABEL_SETS
from mien.recognizer import CHUNK

Pixels = NDArray[np.uint8]
Bands = Callable[..., Pixels]
Toy = Callable[..., Path]

BRIGHT = math.exp(4) / (math.exp(4) + len(FERPLUS8) - 1)  # what the toy gives the one bright band of eight


class Finds:
    """A detector that finds the same faces in any image, and counts the images."""

    def __init__(self, *faces: Face) -> None:
        self.faces = faces
        self.looked = 0

    def detect(self, image: Pixels) -> list[Face]:
        assert image.dtype == np.uint8
        assert image.shape[2:] == (3,)
        self.looked += 1
        return list(self.faces)


@pytest.fixture(scope="module")
def default() -> Recognizer:
    return mien.load()


@pytest.fixture(scope="module")
def eight(toy: Toy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A toy that speaks `ferplus8`."""
    return toy(tmp_path_factory.mktemp("toys") / "eight", {"ferplus8": FERPLUS8.emotions})


@pytest.fixture(scope="module")
def blind(eight: Path) -> Recognizer:
    """The toy, with a detector that finds nothing."""
    return mien.load(eight, detector=Finds())


@pytest.fixture(scope="module")
def crops(fer2013: Path) -> list[bytes]:
    """The first crops of the validation data, encoded."""
    images = pq.read_table(fer2013 / "valid.parquet", columns=["image"])["image"][:70].to_pylist()
    return [image["bytes"] for image in images]


def astronaut() -> Pixels:
    with Image.open(Path(skimage.data.__file__).parent / "astronaut.png") as photo:
        return np.array(photo.convert("RGB"))


def told(prediction: mien.Prediction) -> dict[str, Any]:
    """The JSON form without the source."""
    return {key: value for key, value in prediction.to_dict().items() if key != "source"}


def only(prediction: mien.Prediction) -> mien.Reading:
    assert prediction.error is None
    (reading,) = prediction.faces
    return reading


# The same answer


def test_the_same_photo_in_every_shape(default: Recognizer, media: Path) -> None:
    path = media / "single_face.jpg"
    expected = told(default.predict(path))
    assert len(expected["faces"]) == 1
    photo = Image.open(path)
    shapes: list[Any] = [
        str(path),
        path.read_bytes(),
        io.BytesIO(path.read_bytes()),
        photo,
        np.asarray(photo),
        np.asarray(photo)[::-1][::-1],
    ]
    assert [told(prediction) for prediction in default.predict(shapes)] == [expected] * len(shapes)
    assert [told(prediction) for prediction in default.predict((str(path), photo))] == [expected] * 2
    with path.open("rb") as stream:
        assert told(default.predict(stream)) == expected
    command = [sys.executable, "-m", "mien", "predict", str(path), "--format", "json"]
    printed = subprocess.run(command, check=True, capture_output=True).stdout
    assert json.loads(printed) == default.predict(path).to_dict()


def test_photos_are_left_as_they_are(default: Recognizer) -> None:
    photo = astronaut()
    before = photo.copy()
    default.predict(photo)
    assert (photo == before).all()
    assert photo.flags.writeable


def test_a_face_alone_and_among_others(default: Recognizer, crops: list[bytes]) -> None:
    together = default.predict(list(crops), crop="whole")
    assert [told(default.predict(crop, crop="whole")) for crop in crops] == [told(each) for each in together]
    backwards = default.predict(crops[::-1], crop="whole")
    assert [told(each) for each in backwards[::-1]] == [told(each) for each in together]


def test_threads_change_nothing(default: Recognizer, crops: list[bytes], media: Path) -> None:
    sources = [media / "multi_face.jpg", *crops]
    other = mien.load(threads=2)
    assert [p.to_dict() for p in other.predict(sources)] == [p.to_dict() for p in default.predict(sources)]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photo_reads_as_the_upright_one(default: Recognizer, orientation: int) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    upright = Image.fromarray(astronaut()[:320])
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = io.BytesIO()
    (upright.transpose(undo[orientation]) if orientation in undo else upright).save(stored, "PNG", exif=exif)
    assert told(default.predict(stored.getvalue())) == told(default.predict(upright))


# What is in the photos


def test_the_astronaut_is_happy(default: Recognizer) -> None:
    expression = only(default.predict(astronaut())).expression
    assert expression.label == "happy"
    assert expression.confidence >= 0.9
    assert not expression.uncertain


@pytest.mark.parametrize(
    ("name", "faces"),
    [
        ("free-mountain-vector-01.jpg", 0),
        ("single_face.jpg", 1),
        ("0-f1-su-ph.jpg", 1),
        ("0-f15-hao-ph.jpg", 1),
        ("15-f13-anc-ph.jpg", 1),
        ("45-m7-di-ph.jpg", 1),
        ("multi_face.jpg", 5),
    ],
)
def test_faces_in_photos(name: str, faces: int, default: Recognizer, media: Path) -> None:
    prediction = default.predict(media / name)
    assert prediction.error is None
    assert len(prediction.faces) == faces
    assert prediction.reasons == (() if faces else (NO_FACE,))
    with Image.open(media / name) as photo:
        assert (prediction.width, prediction.height) == photo.size
    sides = [reading.face.box_xyxy[2] - reading.face.box_xyxy[0] for reading in prediction.faces]
    assert sides == sorted(sides, reverse=True)


def test_the_happy_portrait(default: Recognizer, media: Path) -> None:
    assert only(default.predict(media / "0-f15-hao-ph.jpg")).expression.label == "happy"


# Several images


SEVERAL: list[Callable[[list[Any]], Any]] = [
    list,
    tuple,
    iter,
    deque,
    lambda paths: dict.fromkeys(paths).keys(),
    lambda paths: (path for path in paths),
    lambda paths: map(str, paths),
    lambda paths: mien.find_images(paths[0].parent),
    lambda paths: mien.find_images(*paths),
    lambda paths: mien.find_images(str(paths[0].parent / "*.png")),
]


@pytest.mark.parametrize("form", SEVERAL)
def test_any_iterable_of_images(
    form: Callable[[list[Any]], Any], blind: Recognizer, bands: Bands, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for number, path in enumerate(paths):
        Image.fromarray(bands(number, 8)).save(path)
    predictions = blind.predict(form(paths))
    assert [prediction.source for prediction in predictions] == [str(path) for path in paths]
    assert [only(prediction).expression.label for prediction in predictions] == list(FERPLUS8.emotions[:3])


def test_no_images_in_a_folder(blind: Recognizer, tmp_path: Path) -> None:
    assert list(mien.find_images()) == []
    (prediction,) = blind.predict(mien.find_images(tmp_path))
    assert prediction.error == "a folder without images"


@pytest.mark.parametrize("one", ["photo.jpg", b"bytes", Path("photo.jpg"), io.BytesIO(), np.zeros((2, 2, 3)), 7, None])
def test_a_stream_of_one_image_is_a_mistake(one: Any, blind: Recognizer) -> None:
    with pytest.raises(MienError, match="`stream` takes several images"):
        blind.stream(one)


def test_strict(blind: Recognizer, bands: Bands, tmp_path: Path) -> None:
    good, gone = bands(0, 8), tmp_path / "gone.jpg"
    assert blind.predict(good, strict=True).faces
    assert len(blind.predict([good, good], strict=True)) == 2
    mistakes: list[Any] = [gone, [gone, good]]
    for source in mistakes:
        with pytest.raises(ImageError, match=r"gone\.jpg: no such file"):
            blind.predict(source, strict=True)
    stream = blind.stream([good, gone, good], strict=True)
    assert next(stream).faces
    with pytest.raises(ImageError, match="no such file"):
        next(stream)


# Crops


@pytest.mark.parametrize(
    ("crop", "width", "height", "found", "expected"),
    [
        ("auto", 48, 48, False, "whole"),
        ("auto", CROP_SIDE, 300, False, "whole"),
        ("auto", 300, CROP_SIDE, False, "whole"),
        ("auto", CROP_SIDE + 1, CROP_SIDE + 1, False, "none"),
        ("auto", 48, 48, True, "face"),
        ("auto", 300, 300, True, "face"),
        ("detect", 48, 48, False, "none"),
        ("detect", 48, 48, True, "face"),
        ("whole", 48, 48, True, "whole"),
        ("whole", 400, 300, True, "whole"),
        ("whole", 1, 1, False, "whole"),
    ],
)
def test_crop_modes(crop: Any, width: int, height: int, found: bool, expected: str, eight: Path) -> None:
    face = Face((10, 12, 40, 45), (), 0.7)
    detector = Finds(face) if found else Finds()
    prediction = mien.load(eight, detector=detector).predict(np.zeros((height, width, 3), np.uint8), crop=crop)
    whole = Face((0, 0, width, height), (), 1.0)
    assert [reading.face for reading in prediction.faces] == {"none": [], "face": [face], "whole": [whole]}[expected]
    assert prediction.reasons == ((NO_FACE,) if expected == "none" else ())
    assert detector.looked == (crop != "whole")


@pytest.mark.parametrize("crop", ["", "WHOLE", "face", None, np.zeros(2)])
def test_an_unknown_crop_mode(crop: Any, blind: Recognizer) -> None:
    with pytest.raises(MienError, match="crop is one of auto, detect, whole"):
        blind.predict([], crop=crop)
    with pytest.raises(MienError, match="crop is one of auto, detect, whole"):
        blind.find("a.jpg", crop)


def test_crops_of_fer2013_are_read_as_they_are(default: Recognizer, crops: list[bytes]) -> None:
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(crop))) for crop in crops])
    expected = default.probabilities(pixels)
    readings = [only(prediction) for prediction in default.predict(list(crops), crop="whole")]
    found = np.array([list(reading.expression.probabilities.values()) for reading in readings])
    assert np.array_equal(found, expected)
    assert all(reading.face.box_xyxy == (0, 0, 48, 48) for reading in readings)


def test_the_brightest_band_wins(blind: Recognizer, bands: Bands) -> None:
    for position, emotion in enumerate(FERPLUS8):
        expression = only(blind.predict(bands(position, 8))).expression
        assert expression.label == emotion
        assert expression.confidence == pytest.approx(BRIGHT, abs=1e-6)


def test_a_custom_detector_is_believed(eight: Path, bands: Bands) -> None:
    photo = np.zeros((200, 300, 3), np.uint8)
    boxes = [(100.0, 50.0, 196.0, 146.0), (10.0, 20.0, 58.0, 68.0)]
    faces = [Face(box, (), 0.8) for box in boxes]
    prediction = mien.load(eight, detector=Finds(*faces)).predict(photo)
    assert [reading.face for reading in prediction.faces] == faces
    assert (prediction.width, prediction.height) == (300, 200)


def test_a_face_that_fills_the_image_is_framed_as_any_other(eight: Path) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8)
    found = [
        mien.load(eight, detector=Finds(Face((0, 0, 300, 200), (), score))).find(photo).crops[0] for score in (0.9, 1.0)
    ]
    assert (found[0] == found[1]).all()


# Label sets


@pytest.mark.parametrize("labels", [None, *LABEL_SETS, LabelSet("mine", ("sadness", "joy", "neutral"))])
def test_label_sets(labels: str | LabelSet | None, default: Recognizer, crops: list[bytes]) -> None:
    spoken = default.spoken(labels)
    for prediction in default.predict(crops[:8], labels=labels, crop="whole"):
        expression = only(prediction).expression
        assert tuple(expression.probabilities) == spoken.emotions
        assert sum(expression.probabilities.values()) == pytest.approx(1)


def test_the_models_own_set_is_its_first_heads(default: Recognizer) -> None:
    assert default.spoken(None) == default.labels == default.artifact.manifest.heads[0].label_set
    assert default.spoken("ckplus7") is CKPLUS7


def test_sets_that_a_model_speaks_are_told(default: Recognizer, toy: Toy, tmp_path: Path) -> None:
    with pytest.raises(LabelError, match=r"^no label set 'odd'; there are fer7, ferplus8, ckplus7, happy-sad$"):
        default.spoken("odd")
    own = mien.load(toy(tmp_path / "own", {"calm-happy-sad": ("calm", "happy", "sad")}), detector=Finds())
    with pytest.raises(LabelError, match=r"^no label set 'odd'; there are happy-sad, calm-happy-sad$"):
        own.spoken("odd")


def test_chances_and_votes_of_one_face(toy: Toy, bands: Bands, tmp_path: Path) -> None:
    """Its logits are 4 for the second of two bands and 0 for the first."""
    calibration = {"temperature": 2.0, "entropy_slope": 0.0, "bias": [3.0, 0.0], "vote_temperature": 4.0}
    folder = toy(tmp_path / "two", {"happy-sad": ("happy", "sad")})
    manifest = json.loads((folder / "model.json").read_text())
    manifest["heads"][0] |= calibration
    (folder / "model.json").write_text(json.dumps(manifest))
    model = mien.load(folder, detector=Finds())
    said = model.predict(bands(1, 2), crop="whole").faces[0].expression
    chances, shares = [math.e**3, math.e**2], [1, math.e]
    assert list(said.probabilities.values()) == pytest.approx([each / sum(chances) for each in chances], abs=1e-5)
    assert said.label == "happy"
    assert said.votes == pytest.approx({"happy": shares[0] / sum(shares), "sad": shares[1] / sum(shares)}, abs=1e-5)
    assert said.not_a_face is None


def test_votes_are_told_in_the_set_that_is_asked_for(default: Recognizer, crops: list[bytes]) -> None:
    for crop in crops[:3]:
        asked = {
            name: default.predict(crop, labels=name).faces[0].expression for name in ("ferplus8", "happy-sad", "fer7")
        }
        votes, two = asked["ferplus8"].votes, asked["happy-sad"].votes
        assert votes is not None
        assert two is not None
        assert list(votes) == list(FERPLUS8)
        assert sum(votes.values()) == pytest.approx(1)
        assert two["happy"] == pytest.approx(votes["happy"] / (votes["happy"] + votes["sad"]))
        assert asked["fer7"].votes is None  # its head learned labels


def test_fer7_is_a_head_of_its_own_and_the_others_are_projections(default: Recognizer, crops: list[bytes]) -> None:
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(crop))) for crop in crops])
    eight = default.probabilities(pixels, "ferplus8")
    for labels in (CKPLUS7, HAPPY_SAD):
        kept = eight[:, [FERPLUS8.index(emotion) for emotion in labels]]
        assert default.probabilities(pixels, labels) == pytest.approx(kept / kept.sum(1, keepdims=True))
    seven = eight[:, [FERPLUS8.index(emotion) for emotion in FER7]]
    assert np.abs(default.probabilities(pixels, "fer7") - seven / seven.sum(1, keepdims=True)).max() > 0.01


@pytest.mark.parametrize("labels", ["", "moods", "FER7"])
def test_an_unknown_label_set(labels: str, default: Recognizer) -> None:
    with pytest.raises(LabelError, match="there are fer7, ferplus8, ckplus7, happy-sad"):
        default.predict([], labels=labels)


def test_a_label_set_that_the_model_cannot_speak(toy: Toy, tmp_path: Path, bands: Bands) -> None:
    recognizer = mien.load(toy(tmp_path / "moods", {"moods": ("calm", "tense")}), detector=Finds())
    assert only(recognizer.predict(bands(1, 2))).expression.label == "tense"
    assert only(recognizer.predict(bands(0, 2), labels="moods")).expression.label == "calm"
    with pytest.raises(LabelError, match=r"cannot speak 'fer7': its heads are moods \(calm, tense\)"):
        recognizer.predict(bands(0, 2), labels="fer7")


# Errors


def test_no_images(default: Recognizer) -> None:
    assert default.predict([]) == default.predict(()) == []
    assert list(default.stream(iter([]))) == []


def test_errors_are_predictions_and_the_others_go_on(blind: Recognizer, bands: Bands, tmp_path: Path) -> None:
    good = bands(0, 8)
    encoded = io.BytesIO()
    Image.fromarray(good).save(encoded, "PNG")
    (tmp_path / "good.png").write_bytes(encoded.getvalue())
    (tmp_path / "empty.png").touch()
    (tmp_path / "cut.png").write_bytes(encoded.getvalue()[:-30])
    bad: list[tuple[Any, str]] = [
        (tmp_path / "missing.jpg", "no such file"),
        (tmp_path, "a folder"),
        (tmp_path / "empty.png", "empty"),
        (tmp_path / "cut.png", "damaged or cut short"),
        (b"", "empty"),
        (b"hello", "not an image"),
        (np.zeros((0, 5, 3), np.uint8), "empty"),
    ]
    sources = [each for source, _ in bad for each in (source, good)]
    predictions = blind.predict(sources)
    assert len(predictions) == len(sources)
    for prediction, (_, reason) in zip(predictions[::2], bad, strict=True):
        assert prediction.error is not None
        assert reason in prediction.error
        assert (prediction.width, prediction.height, prediction.faces) == (0, 0, ())
    assert {only(prediction).expression.label for prediction in predictions[1::2]} == {"neutral"}
    assert predictions[0].source == str(tmp_path / "missing.jpg")


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("wrong", [None, 7, io.StringIO("text"), np.zeros((5, 5, 4), np.uint8), np.zeros((5, 5, 3))])
def test_a_callers_mistake_is_raised_and_says_which(eight: Path, bands: Bands, wrong: Any, threads: int) -> None:
    reader = mien.load(eight, detector=Finds(), threads=threads)
    with pytest.raises(SourceError, match=r"^source 2: expected"):
        reader.predict([bands(0, 8), b"", wrong, bands(0, 8)])
    with pytest.raises(TypeError, match="expected"):
        reader.predict(wrong)


def test_images_by_name_are_no_images(eight: Path, bands: Bands) -> None:
    reader, named = mien.load(eight, detector=Finds()), {"a": bands(0, 8)}
    for read in (reader.predict, reader.stream):
        with pytest.raises(SourceError, match=r"got dict: give its keys\(\) or its values\(\)"):
            read(named)
    assert len(reader.predict(named.values())) == 1


@pytest.mark.parametrize(
    ("given", "options", "told"),
    [
        (5, {}, "expected a name or a folder, got int"),
        (b"small", {}, "expected a name or a folder, got bytes"),
        ("small", {"threads": "2"}, "threads is a whole number of 1 or more, got '2'"),
        ("small", {"threads": 1.5}, "threads is a whole number of 1 or more, got 1.5"),
        ("small", {"threads": 0}, "threads is a whole number of 1 or more, got 0"),
        ("small", {"detector": 3}, r"a detector has a method detect\(image\) that gives mien.Face, .*; got int"),
        ("small", {"detector": "blazeface"}, "a detector has a method .*; got str"),
        ("small", {"detector": Finds}, r"expected a detector, got the class Finds: give Finds\(\)"),
        ("small", {"limits": 3}, r"limits are mien.Limits\(max_pixels=..., ...\), got int"),
        ("small", {"limits": {"max_pixels": 3}}, "limits are .*, got dict"),
    ],
)
def test_what_no_model_can_be_loaded_by(given: Any, options: dict[str, Any], told: str) -> None:
    for load in (mien.load, mien.Recognizer):
        with pytest.raises(MienError, match=told):
            load(given, **options)


def test_emotions_are_no_label_set(eight: Path) -> None:
    with pytest.raises(LabelError, match=r"mien\.LabelSet\(name, emotions\); got list"):
        mien.load(eight).predict("a.jpg", labels=["happy", "sad"])  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("found", "labels", "told"),
    [
        (3, [FER7], "found is a list of what `find` gave; got 3"),
        ([3], [FER7], "found is a list of what `find` gave; got [3]"),
        (Found("a.jpg", error="empty"), [FER7], "found is a list of what `find` gave; got Found("),
        ([], FER7, "labels is a list of label sets, from `spoken`; got LabelSet("),
        ([], ["fer7"], "labels is a list of label sets, from `spoken`; got ['fer7']"),
        ([], None, "labels is a list of label sets, from `spoken`; got None"),
        ([], [FER7], "labels has a label set for each of what `find` gave; got 1 for 0"),
        ([Found("a.jpg", error="empty")], [], "labels has a label set for each of what `find` gave; got 0 for 1"),
    ],
)
def test_what_cannot_be_expressed(found: Any, labels: Any, told: str, blind: Recognizer) -> None:
    for express in (blind.express, blind.express_with_features):
        with pytest.raises(MienError, match=re.escape(told)):
            express(found, labels)


def test_what_is_expected_is_of_a_label_set(blind: Recognizer) -> None:
    for given in ("fer7", None, ()):
        with pytest.raises(LabelError, match=re.escape(f"expected a label set, from `spoken`; got {given!r}")):
            blind.expected("balanced", given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ((2.0, 3.0, 50.0, 40.0), (2.0, 3.0, 50.0, 40.0)),
        ((-5.5, -0.1, 70.0, 48.1), (0.0, 0.0, 64.0, 48.0)),
        ((60.0, 40.0, 90.0, 90.0), (60.0, 40.0, 64.0, 48.0)),
    ],
)
def test_boxes_end_where_the_image_does_and_crops_do_not(
    eight: Path, found: tuple[float, float, float, float], told: tuple[float, float, float, float]
) -> None:
    reader = mien.load(eight, detector=Finds(Face(found, (), 0.9)))
    image = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    reading = only(reader.predict(image))
    assert (reading.face.box_xyxy, reading.face.score) == (told, 0.9)
    assert reading.to_dict()["box"] == list(told)
    (crop,) = reader.find(image).crops
    np.testing.assert_array_equal(crop, crop_face(Image.fromarray(image), Face(found, (), 0.9), crop.shape[0]))


def test_what_is_to_be_said_of_a_file_comes_with_its_faces(eight: Path) -> None:
    file = io.BytesIO()
    Image.new("RGB", (64, 48)).save(file, "GIF", save_all=True, append_images=[Image.new("RGB", (64, 48), "red")])
    for faces in ((), (Face((8, 8, 40, 40), (), 0.9),)):
        prediction = mien.load(eight, detector=Finds(*faces)).predict(file.getvalue(), crop="detect")
        assert prediction.notes == ("one frame of 2 was read",)
        assert len(prediction.faces) == len(faces)


def test_limits_are_kept(eight: Path) -> None:
    recognizer = Recognizer(mien.load(eight).artifact, Finds(), limits=Limits(max_pixels=100))
    assert only(recognizer.predict(np.zeros((10, 10, 3), np.uint8)))
    assert "over the limit" in str(recognizer.predict(np.zeros((10, 11, 3), np.uint8)).error)


@pytest.mark.parametrize("threads", [1, 2])
def test_what_a_detector_raises_comes_through(threads: int, eight: Path, bands: Bands) -> None:
    class Broken:
        def detect(self, image: Pixels) -> list[Face]:
            raise ZeroDivisionError("at the detector")

    with pytest.raises(ZeroDivisionError, match="at the detector"):
        mien.load(eight, detector=Broken(), threads=threads).predict([bands(0, 8)])


# Reasons


def landmarks(nose_x: float, down: float = 0) -> tuple[tuple[float, float], ...]:
    points = ((30, 30), (60, 30), (nose_x, 45), (45, 60), (20, 35), (70, 35))
    return tuple((x, y + down) for x, y in points)


SHARP, FLAT = "a bright band", "all of one gray"


@pytest.mark.parametrize(
    ("face", "image", "labels", "reasons"),
    [
        (Face((0, 0, 96, 96), (), 0.9), SHARP, "ferplus8", []),
        (Face((0, 0, 24, 24), (), 0.9), SHARP, "ferplus8", []),
        (Face((0, 0, 96, 23), (), 0.9), SHARP, "ferplus8", ["small face (23 px, reliable from 24 px)"]),
        (Face((0, 0, 96, 23.9), (), 0.9), SHARP, "ferplus8", ["small face (23 px, reliable from 24 px)"]),
        (Face((0, 0, 96, 96), landmarks(45), 0.9), SHARP, "ferplus8", []),
        (Face((0, 0, 96, 96), landmarks(70), 0.9), SHARP, "ferplus8", ["turned away"]),
        (Face((0, 0, 96, 96), landmarks(20), 0.9), SHARP, "ferplus8", ["turned away"]),
        (Face((0, -20, 96, 76), landmarks(45, -12), 0.9), SHARP, "ferplus8", []),
        (Face((0, -50, 96, 46), landmarks(45, -31), 0.9), SHARP, "ferplus8", ["cut by the image's edge"]),
        (Face((0, 0, 96, 96), (), 0.9), SHARP, "happy-sad", ["probably an expression that happy-sad lacks (96%)"]),
        (Face((0, 0, 96, 96), (), 0.9), FLAT, "ferplus8", ["low confidence (12%, reliable from 50%)", "blurred"]),
        (
            Face((0, 0, 20, 20), landmarks(70), 0.9),
            FLAT,
            LabelSet("three", ("happy", "sad", "fear")),
            [
                "probably an expression that three lacks (62%)",
                "low confidence (33%, reliable from 50%)",
                "small face (20 px, reliable from 24 px)",
                "blurred",
                "turned away",
            ],
        ),
    ],
)
def test_reasons(
    face: Face,
    image: str,
    labels: str | LabelSet,
    reasons: list[str],
    eight: Path,
    bands: Bands,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pixels = bands(0, 8) if image == SHARP else np.full((48, 48), 128, np.uint8)
    recognizer = mien.load(eight, detector=Finds(face))
    # The face's crop is made the image, so that its size and turn are all that a case changes.
    monkeypatch.setattr(type(recognizer.preprocess), "face", lambda *_: recognizer.preprocess.whole(_rgb(pixels)))
    expression = only(recognizer.predict(np.zeros((96, 96, 3), np.uint8), labels=labels)).expression
    assert list(expression.reasons) == reasons
    assert expression.uncertain == bool(reasons)


def _rgb(pixels: Pixels) -> Pixels:
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)


def test_a_blurred_photo_says_so(default: Recognizer) -> None:
    photo = Image.fromarray(astronaut())
    coarse = photo.resize((40, 40), Image.Resampling.BOX).resize(photo.size, Image.Resampling.BICUBIC)
    faces = default.predict(photo).faces
    recognizer = mien.load(detector=Finds(*(reading.face for reading in faces)))
    assert "blurred" not in only(recognizer.predict(photo)).expression.reasons
    assert "blurred" in only(recognizer.predict(coarse)).expression.reasons


# Streams


@pytest.mark.parametrize(("seconds", "chunk"), [(0, 1), (1e9, CHUNK)], ids=["large", "small"])
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_images_are_drawn_as_they_are_needed(
    threads: int, seconds: float, chunk: int, eight: Path, bands: Bands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mien.recognizer.CHUNK_S", seconds)
    model, drawn, ahead = mien.load(eight, detector=Finds(), threads=threads), 0, list[int]()

    def images() -> Iterator[Pixels]:
        nonlocal drawn
        for number in range(20 * CHUNK):
            drawn += 1
            yield bands(number % 8, 8)

    stream = model.stream(images())
    assert drawn == 0
    for given, prediction in enumerate(stream, start=1):
        assert only(prediction).expression.label == FERPLUS8.emotions[(given - 1) % 8]
        ahead.append(drawn - given)
    assert drawn == 20 * CHUNK
    assert max(ahead) <= (chunk if threads == 1 else (threads + 1) * chunk)
    assert max(ahead) >= chunk - 1


def test_memory_does_not_grow_with_the_number_of_images(blind: Recognizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.recognizer.CHUNK_S", 1e9)
    each, count = np.zeros((96, 100, 3), np.uint8), 20 * CHUNK

    def peak(number: int) -> int:
        tracemalloc.start()
        for prediction in blind.stream(each.copy() for _ in range(number)):
            assert prediction.faces
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(count) < peak(4 * CHUNK) + 10 * each.nbytes


def test_a_stream_may_be_left(blind: Recognizer, bands: Bands) -> None:
    stream = blind.stream(bands(0, 8) for _ in range(1000))
    assert next(stream).faces
    stream.close()  # type: ignore[attr-defined]
    assert len(blind.predict([bands(0, 8)])) == 1


# Models


def test_load_by_name_and_what_is_not_there(default: Recognizer) -> None:
    assert mien.load(DEFAULT).artifact == Recognizer(DEFAULT).artifact == default.artifact
    with pytest.raises(ArtifactError, match="no model 'nonsense'"):
        mien.load("nonsense")


def test_by_folder(eight: Path) -> None:
    for each in (mien.load(eight), Recognizer(eight), Recognizer(str(eight)), Recognizer(mien.load(eight).artifact)):
        assert repr(each) == "Recognizer(eight, BlazeFace)"
        assert repr(each.artifact) == "Artifact(eight: ferplus8; 0.1 MB)"


@pytest.mark.parametrize("threads", [0, -1])
def test_without_a_thread(threads: int, eight: Path) -> None:
    with pytest.raises(MienError, match=f"threads is a whole number of 1 or more, got {threads}"):
        mien.load(eight, threads=threads)


# Crops in memory


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("count", [0, 1, 2 * CHUNK + 3])
def test_crops_in_one_array_are_read_as_one_by_one(default: Recognizer, threads: int, count: int) -> None:
    crops = np.random.default_rng(0).integers(0, 256, (count, 48, 48), np.uint8)
    model = mien.load(threads=threads)
    answers = model.predict_crops(crops, labels="happy-sad", prior="balanced")
    assert len(answers) == count
    assert model.predict_crops(list(crops), labels="happy-sad", prior="balanced") == answers
    each = default.predict(list(crops[:5]), crop="whole", labels="happy-sad", prior="balanced")
    assert [told(one) for one in answers[:5]] == [told(one) for one in each]
    assert {one.source for one in answers} <= {"<array>"}


def test_what_is_no_crop_is_told(default: Recognizer) -> None:
    with pytest.raises(ImageError, match="uint8 of shape"):
        default.predict_crops(np.zeros((2, 47, 48), np.uint8))
    with pytest.raises(ImageError, match=r"uint8 arrays of shape .* got str"):
        default.predict_crops(cast("Any", ["crop.png"]))
    with pytest.raises(LabelError):
        default.predict_crops(np.zeros((2, 48, 48), np.uint8), labels="nonsense")


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_small_files_read_in_turns_are_the_same(default: Recognizer, threads: int, tmp_path: Path) -> None:
    """Some of which cannot be read."""
    crops = np.random.default_rng(1).integers(0, 256, (3 * CHUNK, 48, 48), np.uint8)
    paths = [tmp_path / f"{number}.png" for number in range(len(crops))]
    for path, crop in zip(paths, crops, strict=True):
        Image.fromarray(crop).save(path)
    paths[7].write_bytes(b"nothing")
    answers = mien.load(threads=threads).predict(paths, crop="whole")
    assert [answer.error is None for answer in answers] == [number != 7 for number in range(len(paths))]
    expected = default.predict_crops(crops)
    assert all(told(answer) == told(other) for answer, other in zip(answers[8:], expected[8:], strict=True))

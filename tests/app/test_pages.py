"""The app's pages, run by Streamlit's own test harness: what a person sees for what a person does."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from streamlit.testing.v1 import AppTest

import mien
from mien.app import live, read, samples, settings, show
from mien.app.settings import plain
from mien.datasets import open_dataset
from mien.labels import FERPLUS8, HAPPY_SAD
from mien.prediction import Expression

SCRIPT = Path(settings.__file__).with_name("script.py")
Bands = Callable[..., NDArray[np.uint8]]
Toy = Callable[..., Path]


def png(image: NDArray[np.uint8]) -> bytes:
    stream = BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Opens the app as `mien app` would start it, or one of its pages alone."""

    def opened(page: str = "", **environment: str) -> AppTest:
        monkeypatch.delenv(settings.MODEL, raising=False)
        monkeypatch.delenv(settings.SAMPLES, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        if page:
            test = AppTest.from_string(f"from mien.app import {page}\n{page}.show()", default_timeout=60).run()
        else:
            test = AppTest.from_file(str(SCRIPT), default_timeout=60).run()
        assert not test.exception
        return test

    return opened


def html(test: AppTest) -> str:
    return " ".join(str(each.value) for each in test.html)


def rows(test: AppTest) -> list[str]:
    """The emotions of every bar chart, in order."""
    return re.findall(r"<th scope=row[^>]*>([^<]+)</th>", html(test))


# Read


def test_nothing_uploaded_is_nothing_read(app: Callable[..., AppTest]) -> None:
    test = app()
    assert [each.value for each in test.title] == ["What does this face look like?"]
    assert not test.subheader
    assert not test.error


def test_a_photo_is_read_as_everywhere_else(app: Callable[..., AppTest], astronaut: bytes) -> None:
    test = app()
    test.file_uploader(key="photos").set_value([("me.jpg", astronaut, "image/jpeg")]).run()
    assert not test.exception
    assert [each.value for each in test.subheader] == ["me.jpg"]
    (answer,) = test.session_state["answers"].values()
    expected = mien.load().predict(astronaut).to_dict()
    assert answer.prediction.to_dict() == expected | {"source": "me.jpg"}
    assert "happy" in html(test)
    assert rows(test) == list(FERPLUS8)
    assert [button.label for button in test.download_button] == ["Annotated photo", "All as CSV", "All as JSON"]


def test_many_photos_with_a_broken_one_among_them(app: Callable[..., AppTest], astronaut: bytes) -> None:
    gray = png(np.full((300, 300, 3), 128, np.uint8))
    files = [("a.jpg", astronaut, "image/jpeg"), ("b.jpg", b"no image", "image/jpeg"), ("c.png", gray, "image/png")]
    test = app()
    test.file_uploader(key="photos").set_value(files).run()
    assert not test.exception
    assert [each.value for each in test.subheader] == ["a.jpg", "b.jpg", "c.png"]
    assert [each.value for each in test.error] == [
        plain("b.jpg cannot be read: not an image of a supported kind (JPEG, PNG, WEBP, AVIF, GIF, BMP, TIFF, PPM).")
    ]
    assert [each.value for each in test.info] == ["No face was found in this photo."]
    assert len(rows(test)) == 8


def test_another_label_set_answers_in_it(app: Callable[..., AppTest], astronaut: bytes) -> None:
    test = app()
    test.file_uploader(key="photos").set_value([("me.jpg", astronaut, "image/jpeg")]).run()
    test.selectbox(key="labels").set_value(HAPPY_SAD.name).run()
    assert rows(test) == list(HAPPY_SAD)
    (answer,) = test.session_state["answers"].values()
    assert answer.prediction.faces == mien.load().predict(astronaut, labels="happy-sad").faces


def test_what_is_on_the_page_is_read_once(
    app: Callable[..., AppTest], astronaut: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = app()
    test.file_uploader(key="photos").set_value([("me.jpg", astronaut, "image/jpeg")]).run()
    (first,) = test.session_state["answers"].values()
    test.run()
    (again,) = test.session_state["answers"].values()
    assert again is first
    test.file_uploader(key="photos").set_value(None).run()
    assert not test.session_state["answers"]


def test_photos_are_taken_by_the_suffixes_that_are_read_everywhere() -> None:
    assert {".jpg", ".jfif", ".mpo", ".png", ".tiff"} <= set(read.kinds())
    assert (find_spec("pillow_heif") is not None) == (".heic" in read.kinds())


def test_the_camera(app: Callable[..., AppTest], astronaut: bytes) -> None:
    test = app()
    test.segmented_control(key="way").set_value("Camera").run()
    test.camera_input(key="camera").set_value(("shot.jpg", astronaut, "image/jpeg")).run()
    assert not test.exception
    assert rows(test) == list(FERPLUS8)


def test_why_it_is_not_sure(app: Callable[..., AppTest], toy: Toy, tmp_path: Path, bands: Bands) -> None:
    model = toy(tmp_path / "toy", {"happy-sad": ("happy", "sad")})
    test = app(**{settings.MODEL: str(model)})
    half = np.full((48, 48, 3), 200, np.uint8)
    test.file_uploader(key="photos").set_value([("half.png", png(half), "image/png")]).run()
    assert not test.exception
    (warning,) = test.warning
    assert warning.value.startswith(plain("Not sure: "))
    assert "perhaps" in html(test)


def test_a_model_that_sees_colours(app: Callable[..., AppTest], toy: Toy, tmp_path: Path) -> None:
    model = toy(tmp_path / "toy", {"happy-sad": ("happy", "sad")}, size=64, colour="rgb")
    image = np.zeros((64, 64, 3), np.uint8)
    image[:, 32:, 0] = 255
    image[:, :32, 2] = 255  # blue counts for nothing
    test = app(**{settings.MODEL: str(model)})
    test.file_uploader(key="photos").set_value([("halves.png", png(image), "image/png")]).run()
    assert not test.exception
    (answer,) = test.session_state["answers"].values()
    assert answer.prediction.faces[0].expression.label == "sad"
    (crop,) = answer.crops
    assert crop.shape == (64, 64, 3)


def test_a_model_that_is_none(app: Callable[..., AppTest], tmp_path: Path) -> None:
    test = app(**{settings.MODEL: str(tmp_path / "nothing")})
    assert "no model" in test.error[0].value
    assert not test.title


def test_a_name_is_text_whatever_it_holds() -> None:
    assert plain("party $5 *a* :b: [c](d) <e>") == r"party \$5 \*a\* \:b\: \[c\]\(d\) \<e\>"
    assert plain("a\udcff") == r"a\\udcff"


def test_names_and_reasons_are_text_not_code() -> None:
    expression = Expression({"<script>alert(1)</script>": 0.6, "b": 0.4}, ("odd",))
    for made in (show.bars(expression), show.headline(expression)):
        assert "<script>" not in made
        assert "&lt;script&gt;" in made


# Samples


@pytest.fixture
def gallery(tmp_path: Path, bands: Bands) -> Path:
    """Two happy ones, a sad one that looks happy, one without a label, one that is broken."""
    for name, look in {"Happy/a": 0, "Happy/b": 0, "Sad/c": 0, "holiday/d": 1}.items():
        (tmp_path / "test" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(bands(look, 2)).save(tmp_path / "test" / f"{name}.png")
    (tmp_path / "test" / "Sad" / "e.png").write_bytes(b"broken")
    return tmp_path / "test"


def test_samples_beside_their_labels(app: Callable[..., AppTest], gallery: Path, toy: Toy, tmp_path: Path) -> None:
    model = toy(tmp_path / "toy", {"happy-sad": ("happy", "sad")})
    test = app("samples", **{settings.MODEL: str(model), settings.SAMPLES: str(gallery)})
    told = [each.value for each in test.caption]
    assert sum("right" in words for words in told) == 2
    assert sum("wrong" in words and "labelled **sad**" in words for words in told) == 1
    assert sum("labelled" not in words for words in told) == 1
    assert any("**2 of 3** right so far (66%)" in each.value for each in test.markdown)
    assert "e.png" in test.error[0].value


@pytest.mark.parametrize(
    ("folder", "label"),
    [("Happy", "happy"), ("SADNESS", "sad"), ("joyful", "happy"), ("fear", None), ("holiday", None), ("", None)],
)
def test_a_folders_name_is_the_label_where_the_set_has_it(folder: str, label: str | None) -> None:
    assert samples.actual(Path("x") / folder / "a.png", HAPPY_SAD) == label


def test_without_samples_there_is_no_gallery(app: Callable[..., AppTest], tmp_path: Path) -> None:
    test = app("samples", **{settings.SAMPLES: str(tmp_path)})
    assert [each.value for each in test.error] == [plain(f"There is no image in {tmp_path}.")]


# Judge


def test_judging_is_what_evaluate_says(app: Callable[..., AppTest], gallery: Path, toy: Toy, tmp_path: Path) -> None:
    model = toy(tmp_path / "toy", {"happy-sad": ("happy", "sad")})
    (gallery / "holiday" / "d.png").unlink()
    (gallery / "holiday").rmdir()
    test = app("judge", **{settings.MODEL: str(model)})
    test.text_input(key="dataset").set_value(str(gallery))
    test.button[0].click().run()
    assert not test.exception
    report = mien.evaluate(mien.load(model), open_dataset(gallery))
    assert [each.value for each in test.metric] == [
        f"{report.accuracy:.1%}",
        f"{report.macro_f1:.3f}",
        f"{report.ece:.3f}",
    ]
    assert "e.png" in test.warning[0].value
    assert "Images taken as face crops" in test.caption[-1].value
    assert "small" in test.caption[-1].value


def test_photos_are_judged_as_photos_unless_told_otherwise(
    app: Callable[..., AppTest], tmp_path: Path, astronaut: bytes
) -> None:
    for label in ("happy", "sad"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "a.jpg").write_bytes(astronaut)
    test = app("judge")
    test.text_input(key="dataset").set_value(str(tmp_path))
    for crop, words in ((None, "photos or face crops. Why: photos: of 2"), ("whole", "face crops. Why: as asked for")):
        test.selectbox(key="crop").set_value(crop)
        test.button[0].click().run()
        assert not test.exception
        assert words in test.caption[-1].value.replace("\\", "")


@pytest.mark.parametrize(("path", "told"), [("", "Name a dataset first"), ("/no/such", "no such file or folder")])
def test_what_cannot_be_judged(path: str, told: str, app: Callable[..., AppTest]) -> None:
    test = app("judge")
    test.text_input(key="dataset").set_value(path)
    test.button[0].click().run()
    assert not test.exception
    assert told in test.error[0].value


# Live and about


def test_frames_are_drawn_on_and_counted(astronaut: bytes) -> None:
    av = pytest.importorskip("av")
    image = np.asarray(Image.open(BytesIO(astronaut)))
    reader = mien.load()
    frames = live.Frames(reader, reader.labels)
    drawn = []
    for number in range(3):
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts, frame.time_base = number, Fraction(1, 30)
        answered = frames(frame)
        assert (answered.pts, answered.time_base) == (number, Fraction(1, 30))
        drawn.append(answered.to_ndarray(format="rgb24"))
    assert drawn[0].shape == image.shape
    expected = np.asarray(mien.annotate(image, reader.predict(image, crop="detect")))
    assert (drawn[0] == expected).all()
    assert (drawn[2][:40, :300] != expected[:40, :300]).any()
    assert re.fullmatch(r"\d+ frames a second", frames.rate())


def test_a_card_fetches_nothing(app: Callable[..., AppTest], toy: Toy, tmp_path: Path) -> None:
    model = toy(tmp_path / "toy", {"happy-sad": ("happy", "sad")})
    (model / "README.md").write_text(
        "# A toy\n![watched](https://elsewhere.example/x.png) [more](https://elsewhere.example)\n"
        "![so [too]](https://nested.example/x.png) ![and so][far]\n\n[far]: https://named.example/x.png\n"
    )
    test = app("about", **{settings.MODEL: str(model)})
    told = " ".join(each.value for each in test.markdown)
    assert "watched more" in told
    assert "elsewhere" not in told
    assert "![" not in told.replace(r"\![", "")


def test_about_is_the_models_card(app: Callable[..., AppTest]) -> None:
    test = app("about")
    told = " ".join(each.value for each in test.markdown)
    assert mien.load().artifact.card.strip() in told
    assert "Art. 5(1)(f)" in told

"""The app's pages, run by Streamlit's own test harness: what a person sees for what a person does."""

from __future__ import annotations

import ast
import base64
import gc
import json
import re
import subprocess
import sys
import threading
import weakref
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from html import escape as html_escape
from importlib import resources
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import streamlit as st
from drawn import draw_face
from numpy.typing import NDArray
from paged import SCRIPT, opened, turned
from PIL import Image
from streamlit.testing.v1 import AppTest
from waiting import WAIT_S

import mien
from mien import artifact, languages
from mien.answers import Found
from mien.app import about, live, read, samples, seen, settings, show, words
from mien.app.seen import Seen, Shelf
from mien.app.words import called, plain
from mien.container import readable
from mien.crops import Crop
from mien.datasets import open_dataset
from mien.explain import explained
from mien.face import Face
from mien.labels import FERPLUS8, HAPPY_SAD
from mien.prediction import METHODS, Explanation, Expression, Method, Prediction, Reading
from mien.prior import BALANCED, TRAINING
from mien.recognizer import Recognizer
from mien.shading import layer

Bands = Callable[..., NDArray[np.uint8]]
Toy = Callable[..., Path]


def png(image: NDArray[np.uint8]) -> bytes:
    stream = BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Opens the app as `mien app` would start it, at its first page or another."""

    def begun(page: str = "", **environment: str) -> AppTest:
        monkeypatch.delenv(settings.MODEL, raising=False)
        monkeypatch.delenv(settings.SAMPLES, raising=False)
        monkeypatch.delenv(settings.TOLD, raising=False)
        monkeypatch.delenv(settings.KEEP, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        test = opened(page)
        assert not test.exception
        return test

    return begun


def html(test: AppTest) -> str:
    return " ".join(str(each.value) for each in test.html)


def rows(test: AppTest) -> list[str]:
    """The emotions of every bar chart, in order."""
    return re.findall(r"<th scope=row[^>]*>([^<]+)</th>", html(test))


def names(test: AppTest) -> list[str]:
    """What photos are called."""
    return re.findall(r"<h2>([^<]+)</h2>", html(test))


def faults(test: AppTest) -> list[str]:
    """What cannot be read, in the page's words and in the library's."""
    return [re.sub("<[^>]+>", "", each) for each in re.findall(r"<p class=mien-fault[^>]*>(.*?)</p>", html(test))]


def told(test: AppTest) -> list[Prediction]:
    """What was said of the images on the page, in the label set that is chosen last."""
    shelf: Shelf = test.session_state["shelf"]
    return list(shelf._told.values())


def upload(test: AppTest, **files: bytes) -> AppTest:
    """Choose files by name, such as `me_jpg=content`."""
    chosen = [(name.replace("_", "."), content, "image/jpeg") for name, content in files.items()]
    run: AppTest = test.file_uploader(key="photos").set_value(chosen).run()
    assert not run.exception
    return run


# Read


def test_nothing_uploaded_is_nothing_read(app: Callable[..., AppTest]) -> None:
    test = app()
    assert [each.value for each in test.title] == ["What does this face look like?"]
    assert not names(test)
    assert not test.error
    assert not test.download_button


def test_a_photo_and_its_answer(app: Callable[..., AppTest], astronaut: bytes) -> None:
    test = upload(app(), me_jpg=astronaut)
    assert names(test) == ["me.jpg"]
    assert "1 photo, 1 face" in html(test)
    assert "happy" in html(test)
    assert sorted(rows(test)) == sorted(FERPLUS8)
    assert rows(test)[0] == "happy"
    assert [button.label for button in test.download_button] == ["CSV", "JSON", "Marked photo"]


def test_many_photos_with_a_broken_one_among_them(app: Callable[..., AppTest], astronaut: bytes) -> None:
    gray = png(np.full((300, 300, 3), 128, np.uint8))
    test = upload(app(), a_jpg=astronaut, b_jpg=b"no image", c_png=gray)
    assert names(test) == ["a.jpg", "b.jpg", "c.png"]
    assert faults(test) == [f"This photo cannot be read. Not an image of a supported kind ({readable()})."]
    assert "<p class=mien-none>No face was found.</p>" in html(test)
    assert "3 photos, 1 face, 1 photo not read" in html(test)
    assert len(rows(test)) == 8
    assert [button.label for button in test.download_button] == ["CSV", "JSON", "Marked photos"]


def test_answers_are_those_of_the_library_and_of_the_command_line(
    app: Callable[..., AppTest], astronaut: bytes, tmp_path: Path
) -> None:
    face = draw_face("happy", np.random.default_rng(0))
    turned, exif = BytesIO(), Image.Exif()
    exif[0x0112] = 6  # orientation
    with Image.open(BytesIO(astronaut)) as photo:
        photo.resize((1500, 1500)).rotate(-90).save(turned, "JPEG", exif=exif)
    files = {
        "photo_jpg": astronaut,
        "crop_png": png(face),
        "larger_png": png(np.asarray(Image.fromarray(face).resize((256, 256)))),
        "turned_jpg": turned.getvalue(),
        "nobody_png": png(np.full((300, 300, 3), 128, np.uint8)),
        "torn_jpg": astronaut[:3000],
    }
    answers = [each.to_dict() for each in told(upload(app(), **files))]
    paths = [name.replace("_", ".") for name in files]
    for name, content in zip(paths, files.values(), strict=True):
        (tmp_path / name).write_bytes(content)
    assert answers == [
        each.to_dict() | {"source": name}
        for name, each in zip(paths, mien.load().predict(list(files.values())), strict=True)
    ]
    command = [sys.executable, "-m", "mien", "predict", "--format", "jsonl", *paths]
    printed = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path).stdout
    assert answers == [json.loads(line) for line in printed.splitlines()]


def test_another_label_set_answers_in_it(app: Callable[..., AppTest], astronaut: bytes) -> None:
    test = upload(app(), me_jpg=astronaut)
    test.selectbox(key="labels").set_value(HAPPY_SAD.name).run()
    assert rows(test) == list(HAPPY_SAD)
    assert told(test)[-1].faces == mien.load().predict(astronaut, labels="happy-sad").faces


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a reader was asked to find faces, and to tell what they look like."""
    calls: Counter[str] = Counter()

    def counting(name: str) -> None:
        own = getattr(Recognizer, name)

        def count(self: Recognizer, *arguments: Any) -> Any:
            calls[name] += 1
            return own(self, *arguments)

        monkeypatch.setattr(Recognizer, name, count)

    counting("find")
    counting("express")
    return calls


def test_nothing_is_read_twice(app: Callable[..., AppTest], astronaut: bytes, counted: Counter[str]) -> None:
    test = app()
    counted.clear()
    upload(test, a_jpg=astronaut, b_jpg=astronaut[:-2] + b"\xff\xd9")
    assert counted == {"find": 2, "express": 2}
    for labels, more in ((HAPPY_SAD, 2), (FERPLUS8, 0), (HAPPY_SAD, 0)):
        counted.clear()
        test.selectbox(key="labels").set_value(labels.name).run()
        assert counted == Counter(express=more)
    counted.clear()
    test.run()
    assert not +counted
    shelf: Shelf = test.session_state["shelf"]
    assert len(shelf) == 2
    test.segmented_control(key="way").set_value("camera").run()
    assert len(shelf) == 0


def test_photos_are_read_once_kept_and_forgotten(astronaut: bytes, counted: Counter[str]) -> None:
    reader, shelf = mien.load(), Shelf()
    shelf.keep(reader, "auto", {})
    assert len(shelf) == 0
    shelf.keep(reader, "auto", {1: astronaut, 2: astronaut})
    assert [shelf.told(key, reader, FERPLUS8, TRAINING, "a").faces[0].expression.label for key in (1, 2)] == [
        "happy"
    ] * 2
    shelf.keep(reader, "auto", {2: astronaut, 3: astronaut})
    shelf.seen(3)
    assert counted["find"] == 3
    assert len(shelf) == 2
    with pytest.raises(KeyError):
        shelf.seen(1)
    kept = weakref.ref(shelf.seen(2))
    shelf.clear()
    gc.collect()
    assert kept() is None
    assert len(shelf) == 0


def test_an_answer_is_there_before_the_next_photo_is_read(
    app: Callable[..., AppTest], astronaut: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, read_one, show_one = threading.Event(), seen.look, show.photo

    def reading(reader: Recognizer, image: bytes, crop: Crop) -> Seen:
        assert len(image) == len(astronaut) or shown.wait(WAIT_S)
        return read_one(reader, image, crop)

    def showing(what: Seen, prediction: Prediction, number: int) -> str:
        shown.set()
        return show_one(what, prediction, number)

    test = app()
    monkeypatch.setattr(seen, "look", reading)
    monkeypatch.setattr(read, "photo", showing)
    upload(test, first_jpg=astronaut, later_jpg=astronaut[:3000])
    assert names(test) == ["first.jpg", "later.jpg"]


def test_photos_are_forgotten_on_pages_that_show_none(app: Callable[..., AppTest], astronaut: bytes) -> None:
    test = upload(app(), me_jpg=astronaut)
    kept: Shelf = test.session_state["shelf"]
    assert len(kept) == 1
    assert not turned(test, "about").exception
    assert len(kept) == 0


def test_photos_are_taken_by_the_suffixes_that_are_read_everywhere() -> None:
    assert {".jpg", ".jfif", ".mpo", ".png", ".tiff"} <= set(read.kinds())
    assert (find_spec("pillow_heif") is not None) == (".heic" in read.kinds())


def test_the_camera(app: Callable[..., AppTest], astronaut: bytes) -> None:
    test = app()
    test.segmented_control(key="way").set_value("camera").run()
    test.camera_input(key="camera").set_value(("shot.jpg", astronaut, "image/jpeg")).run()
    assert not test.exception
    assert sorted(rows(test)) == sorted(FERPLUS8)


def test_why_it_is_not_sure(app: Callable[..., AppTest], toy: Toy, tmp_path: Path, bands: Bands) -> None:
    model = toy(tmp_path / "toy", {"happy-sad": ("happy", "sad")})
    test = app(**{settings.MODEL: str(model)})
    half = np.full((48, 48, 3), 200, np.uint8)
    upload(test, half_png=png(half))
    (doubt,) = re.findall(r"<p class=mien-doubt>(.*?)</p>", html(test))
    assert doubt == "<strong>Not sure:</strong> blurred."
    assert re.search(r"<h3><bdi>(happy|sad)\?</bdi> ", html(test))
    assert "1 photo, 1 face, 1 not sure" in html(test)


def test_what_an_answer_hangs_on(app: Callable[..., AppTest], astronaut: bytes) -> None:
    page = html(upload(app(), me_jpg=astronaut))
    (told,) = re.findall(r"<details class=mien-why><summary>Why\?</summary>.*?<p>(.*?)</p>", page)
    expression = explained(mien.load(), astronaut).faces[0].expression
    assert expression.explanation is not None
    assert told == html_escape(show.because(expression, expression.explanation))
    (over,) = re.findall(r"alt=''><img src='data:image/png;base64,([^']+)' alt=''>", page)
    with Image.open(BytesIO(base64.b64decode(over))) as picture:
        assert np.array_equal(np.asarray(picture), np.asarray(layer(expression.explanation)))


@pytest.mark.parametrize(
    ("method", "most", "least", "words"),
    [
        ("cam", 0.004, 0, "Without what mien sees in any one part, the confidence in “happy” changes by less"),
        (
            "cam",
            0.3,
            0,
            "“happy”, most of all at the bottom right. Without that part, the confidence falls from 80% to 50%.",
        ),
        ("cam", 0.9, -0.1, "from 80% to 0%. Blue: what mien sees here speaks against it."),
        ("occlusion", 0.004, 0, "Whichever part is hidden, the confidence in “happy” changes by less"),
        ("occlusion", 0.3, -0.1, "It falls most at the bottom right: from 80% to 50%. Blue: hiding this part raises"),
    ],
)
def test_why_in_words(method: Method, most: float, least: float, words: str) -> None:
    expression = Expression({"happy": 0.8, "sad": 0.2})
    told = show.because(expression, Explanation(method, ((least, 0.0), (0.0, most))))
    assert words in told
    assert ("Blue" in told) == ("Blue" in words)


@pytest.mark.parametrize("method", METHODS)
def test_why_in_the_words_of_the_service(method: Method) -> None:
    template = resources.files("mien").joinpath("service/templates/why.html").read_text("utf-8")
    assert all(f'_("{words}"' in template for words in show._words_of(method))


def test_a_model_that_sees_colours(app: Callable[..., AppTest], toy: Toy, tmp_path: Path) -> None:
    model = toy(tmp_path / "toy", {"happy-sad": ("happy", "sad")}, size=64, colour="rgb")
    image = np.zeros((64, 64, 3), np.uint8)
    image[:, 32:, 0] = 255
    image[:, :32, 2] = 255  # blue counts for nothing
    test = app(**{settings.MODEL: str(model)})
    upload(test, halves_png=png(image))
    (prediction,) = told(test)
    assert prediction.faces[0].expression.label == "sad"
    shelf: Shelf = test.session_state["shelf"]
    (each,) = (future.result() for future in shelf._seen.values())
    with Image.open(BytesIO(each.crops[0])) as crop:
        assert (crop.size, crop.mode) == ((64, 64), "RGB")


def test_a_model_that_is_none(app: Callable[..., AppTest], tmp_path: Path) -> None:
    test = app(**{settings.MODEL: str(tmp_path / "nothing")})
    assert "no model" in test.error[0].value
    assert not test.title


CHOSEN = {"labels": HAPPY_SAD.name, "prior": BALANCED}


def chosen(test: AppTest) -> dict[str | None, str | None]:
    """What is chosen on the page, of what every page remembers."""
    return {each.key: each.value for each in test.selectbox if each.key in ("model", *CHOSEN)}


def enter(test: AppTest, model: str) -> None:
    """Another model, by the path of its folder."""
    box = test.selectbox(key="model")
    box.options.append(model)  # else the harness takes nothing that is not offered
    box.set_value(model).run()


def test_every_page_remembers_what_is_chosen(app: Callable[..., AppTest]) -> None:
    test = app()
    for key, value in CHOSEN.items():
        test.selectbox(key=key).set_value(value).run()
    for page in ("video", "about", ""):
        assert not turned(test, page).exception
        assert chosen(test) == {"model": artifact.DEFAULT} | (CHOSEN if page != "about" else {})


def test_a_model_that_does_not_load_is_told_and_the_next_page_has_the_last_that_did(
    app: Callable[..., AppTest], toy: Toy, tmp_path: Path
) -> None:
    model = str(toy(tmp_path / "toy", {"happy-sad": ("happy", "sad")}))
    test = app()
    for path, error in ((model, []), (str(tmp_path / "none"), ["no model"])):
        enter(test, path)
        assert [each.value[: len("no model")] for each in test.error] == error
        assert test.selectbox(key="model").value == path
        assert bool(test.get("file_uploader")) == (not error)
    for page in ("judge", "about", ""):
        assert not turned(test, page).error
        assert test.selectbox(key="model").value == model
    assert not test.exception


def test_another_model_is_asked_for_what_it_can_speak(app: Callable[..., AppTest], toy: Toy, tmp_path: Path) -> None:
    test = app()
    test.selectbox(key="labels").set_value("fer7").run()
    enter(test, str(toy(tmp_path / "toy", {"happy-sad": ("happy", "sad")})))
    assert test.selectbox(key="labels").options == ["happy or sad"]
    assert not test.exception
    assert test.selectbox(key="labels").value == HAPPY_SAD.name


def test_a_name_is_text_whatever_it_holds() -> None:
    assert plain("party $5 *a* :b: [c](d) <e>") == r"party \$5 \*a\* \:b\: \[c\]\(d\) \<e\>"
    assert plain("a\udcff") == r"a\\udcff"


def test_names_and_reasons_are_text_not_code() -> None:
    expression = Expression({"<script>alert(1)</script>": 0.6, "b": 0.4}, ("<b>odd",))
    reading = Reading(Face((0, 0, 10, 10), (), 0.9), expression)
    prediction = Prediction("<img src=x>.jpg", 20, 20, (reading,))
    page = show.photo(Seen(Found("x"), b"jpeg", (b"png",)), prediction, 1)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "<b>" not in page
    assert "<img src=x>" not in page


def test_what_is_not_likely_at_all_is_shown_on_demand(astronaut: bytes) -> None:
    sure = Expression(dict(zip(FERPLUS8, (0.004, 0.97, 0.02, 0.006, 0, 0, 0, 0), strict=True)))
    page = show.card(b"png", Reading(Face((0, 0, 10, 10), (), 0.9), sure), 1, 1)
    first, rest = page.split("<details>")
    assert re.findall(r"<th scope=row>([^<]+)</th>", first) == ["happy", "surprise"]
    assert "6 other expressions" in rest
    assert re.findall(r"<th scope=row>([^<]+)</th>", rest) == ["sad", "neutral", "angry", "disgust", "fear", "contempt"]


def test_marked_photos_are_one_file_with_a_name_each(astronaut: bytes) -> None:
    prediction = replace(mien.load().predict(astronaut), source="me.jpg")
    with zipfile.ZipFile(BytesIO(read.zipped([(astronaut, prediction), (astronaut, prediction)]))) as archive:
        assert archive.namelist() == ["001-me.jpg", "002-me.jpg"]
        with Image.open(archive.open("002-me.jpg")) as picture:
            assert picture.size == (512, 512)


@pytest.mark.parametrize("number", [0, 1, 12])
def test_a_summary(number: int) -> None:
    expected = {0: "0 photos, 0 faces", 1: "1 photo, 0 faces, 1 photo not read"}
    unread = Prediction("x", 0, 0, error="torn")
    several = "12 photos, 0 faces, 12 photos not read"
    assert show.summary([unread] * number) == expected.get(number, several)


# Words


@pytest.fixture
def german(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "context", SimpleNamespace(locale="de-AT"))


def test_words_are_those_of_the_browsers_language(german: None, app: Callable[..., AppTest], astronaut: bytes) -> None:
    test = upload(app(), me_jpg=astronaut)
    assert "<h3><bdi>fröhlich</bdi> <span" in html(test)
    assert "lang=de" in html(test)
    assert told(test)[0].faces[0].expression.label == "happy"
    assert test.selectbox(key="labels").value == FERPLUS8.name
    assert words.said("blurred") == "unscharf"


@pytest.mark.parametrize(("locale", "language"), [(None, "en"), ("", "en"), ("fr-FR", "en"), ("es-419", "es")])
def test_the_language_of_a_session(locale: str | None, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "context", SimpleNamespace(locale=locale))
    assert words.language() == language


def test_texts_stand_where_they_are_gathered() -> None:
    sources = [path.read_text("utf-8") for path in SCRIPT.parent.glob("*.py")]
    pieces = [node for text in sources for node in ast.walk(ast.parse(text)) if isinstance(node, ast.JoinedStr)]
    called = {ast.unparse(node.func) for piece in pieces for node in ast.walk(piece) if isinstance(node, ast.Call)}
    assert "escape" in called
    assert not called & {"_", "ngettext"}, "a text within an f-string is not gathered for translation"


def test_numbers_and_values_have_their_place_in_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert words._("100% %(name)s") == "100% %(name)s"
    assert words._("a %(name)s", name="b") == "a b"
    assert words.ngettext("%(num)s cat", "%(num)s cats of %(whom)s", 1200, whom="me") == "1,200 cats of me"
    assert words.sentence(("blurred", "turned away")) == "Blurred; turned away."
    monkeypatch.setattr(words, "language", lambda: "de")
    assert words.ngettext("%(num)s image", "%(num)s images", 1200) == "1\u202f200 images"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("", None),
        (" ", None),
        ("off", None),
        ("on", languages.NOTICE),
        ("On ", languages.NOTICE),
        ("<b>Hello</b>", "&lt;b&gt;Hello&lt;/b&gt;"),
    ],
)
def test_the_notice_stands_above_every_page(given: str, shown: str | None, app: Callable[..., AppTest]) -> None:
    test = app(**{settings.TOLD: given})
    found = re.findall(r"<p class=mien-notice lang=en>(.*?)</p>", html(test))
    assert found == ([] if shown is None else [shown])


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
    items = [re.sub("<[^>]+>", " ", each) for each in re.findall("<li>(.*?)</li>", html(test))]
    assert ["right" in item for item in items] == [True, True, False, False, False]
    assert [("wrong" in item, "labelled sad" in item) for item in items[2:4]] == [(True, True), (False, False)]
    assert "labelled" not in items[4]
    assert "2 of 3 right so far (66%)" in html(test)
    assert "e.png" in faults(test)[0] + items[3]


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
    assert "Images are taken as face crops." in html(test)
    assert "Face crops: of 4 images looked at, 3 are small" in html(test)


def test_photos_are_judged_as_photos_unless_told_otherwise(
    app: Callable[..., AppTest], tmp_path: Path, astronaut: bytes
) -> None:
    for label in ("happy", "sad"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "a.jpg").write_bytes(astronaut)
    test = app("judge")
    test.text_input(key="dataset").set_value(str(tmp_path))
    for crop, taken, why in (("", "photos or face crops", "Photos: of 2"), ("whole", "face crops", "As asked for.")):
        test.selectbox(key="crop").set_value(crop)
        test.button[0].click().run()
        assert not test.exception
        assert f"Images are taken as {taken}." in html(test)
        assert why in html(test)


@pytest.mark.parametrize(("path", "told"), [("", "Choose a dataset first"), ("/no/such", "no such file or folder")])
def test_what_cannot_be_judged(path: str, told: str, app: Callable[..., AppTest]) -> None:
    test = app("judge")
    test.text_input(key="dataset").set_value(path)
    test.button[0].click().run()
    assert not test.exception
    assert told in test.error[0].value


# Live and about


@pytest.mark.parametrize(("name", "prior"), [("ferplus8", TRAINING), ("fer7", "happy=.01,sad=.99")])
def test_frames_are_drawn_on_and_counted(astronaut: bytes, name: str, prior: str) -> None:
    av = pytest.importorskip("av")
    image = np.asarray(Image.open(BytesIO(astronaut)))
    reader = mien.load()
    frames = live.Frames(reader, reader.spoken(name), prior)
    drawn = []
    for number in range(3):
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts, frame.time_base = number, Fraction(1, 30)
        answered = frames(frame)
        assert (answered.pts, answered.time_base) == (number, Fraction(1, 30))
        drawn.append(answered.to_ndarray(format="rgb24"))
    assert drawn[0].shape == image.shape
    told = reader.predict(image, labels=name, prior=prior, crop="detect")
    expected = np.asarray(mien.annotate(image, told, called(reader.spoken(name))))
    assert (drawn[0] == expected).all()
    assert (drawn[2][:40, :300] != expected[:40, :300]).any()
    assert re.fullmatch(r"Pictures a second: \d+", frames.rate())


def test_a_card_fetches_nothing(app: Callable[..., AppTest], toy: Toy, tmp_path: Path) -> None:
    model = toy(tmp_path / "toy", {"happy-sad": ("happy", "sad")})
    (model / "README.md").write_text(
        "# A toy\n![watched](https://elsewhere.example/x.png) [more](https://elsewhere.example)\n"
        "![so [too]](https://nested.example/x.png) ![and so][far]\n\n[far]: https://named.example/x.png\n"
    )
    test = app("about", **{settings.MODEL: str(model)})
    told = " ".join(each.value for each in test.markdown)
    assert "watched more" in told
    assert "elsewhere.example" not in told
    assert "![" not in told.replace(r"\![", "")


def test_about_is_for_people_and_has_the_models_card(app: Callable[..., AppTest]) -> None:
    test = app("about")
    told = " ".join(each.value for each in test.markdown)
    assert "Art. 5(1)(f)" in told
    assert "Art. 50(3)" in told
    assert len(test.expander) == 2
    card = mien.load().artifact.card
    lines = [line for line in card.splitlines() if line and not line.startswith(("#", "|", "<"))]
    assert [line for line in lines if line not in told] == []


def test_a_wide_table_of_a_card_is_turned() -> None:
    wide = "before\n\n| head | n | ECE |\n|---|---|---|\n| fer7 | 3589 | 0.03 |\n\nafter"
    assert about.shown(wide) == "before\n\n| head | fer7 |\n| --- | --- |\n| n | 3589 |\n| ECE | 0.03 |\n\nafter"
    assert about.shown("| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n").count("\n") == 4
    assert about.shown("| a | b |\n|---|---|\n| x\\|y | 2 |\n") == "| a | x\\|y |\n| --- | --- |\n| b | 2 |\n"
    for uneven in ("| a | b |\n|---|---|\n| 1 | 2 | 3 |\n", "| a | b |\n", "| a | b |\n|---|---|\n| 1 |\n"):
        assert about.shown(uneven) == uneven
    assert about.shown("## Title") == "#### Title"

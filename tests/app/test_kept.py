"""Faces that a person corrects: kept where the app may and the person wants it, told, and gone once deleted."""

from __future__ import annotations

import csv
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest
import streamlit as st
from numpy.typing import NDArray
from paged import opened, turned
from PIL import Image
from streamlit.navigation.page import StreamlitPage
from streamlit.testing.v1 import AppTest

import mien
from mien.app import about, settings
from mien.app.words import plain
from mien.corrections import COLUMNS, NOT_A_FACE, TABLE, keep, kept, name_of
from mien.prediction import Expression

Bands = Callable[..., NDArray[np.uint8]]
Toy = Callable[..., Path]
Open = Callable[..., AppTest]

SAID = Expression({"happy": 0.9, "sad": 0.1})


@pytest.fixture(scope="module")
def model(toy: Toy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy(tmp_path_factory.mktemp("model") / "toy", {"happy-sad": ("happy", "sad")})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where faces are kept; it is not there yet."""
    return tmp_path / "faces"


@pytest.fixture
def app(model: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens a page of the app, that may keep faces or must not, for a person who does or does not want it."""
    monkeypatch.setenv(settings.MODEL, str(model))

    def begun(page: str = "", *, may: bool = True, on: bool = False) -> AppTest:
        monkeypatch.delenv(settings.KEEP, raising=False)
        if may:
            monkeypatch.setenv(settings.KEEP, str(folder))
        test = opened(page)
        return ran(test.toggle(key="keeping").set_value(True)) if on else ran(test)

    return begun


@pytest.fixture(scope="module")
def happy(bands: Bands) -> bytes:
    """A face that the model takes for happy."""
    stream = BytesIO()
    Image.fromarray(bands(0, 2)).save(stream, "PNG")
    return stream.getvalue()


class Runs(Protocol):
    """The app, or what a person has just used in it."""

    def run(self) -> AppTest: ...


def ran(used: Runs) -> AppTest:
    run = used.run()
    assert not run.exception
    return run


def upload(test: AppTest, *photos: bytes) -> AppTest:
    files = [(f"secret-{number}.png", photo, "image/png") for number, photo in enumerate(photos)]
    return ran(test.file_uploader(key="photos").set_value(files))


def questions(test: AppTest) -> list[str]:
    """What is asked of faces."""
    return [each.label for each in test.menu_button]


def say(test: AppTest, label: str, number: int = 0) -> AppTest:
    """What one of the faces on the page is."""
    return ran(test.menu_button[number].click(label))


def press(test: AppTest, words: str) -> AppTest:
    (button,) = (each for each in test.button if each.label == words)
    return ran(button.click())


def html(test: AppTest) -> str:
    return " ".join(str(each.value) for each in test.html)


def files(folder: Path) -> list[str]:
    """Every file below a folder, hidden ones too."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def rows(folder: Path) -> list[list[str]]:
    with (folder / TABLE).open(newline="") as stream:
        return list(csv.reader(stream))


def crop_of(photo: bytes, model: Path) -> NDArray[np.uint8]:
    return mien.load(model).find(photo).crops[0]


def test_nothing_is_kept_unless_a_person_turns_it_on(app: Open, folder: Path, happy: bytes) -> None:
    test = upload(app(), happy)
    assert test.toggle(key="keeping").value is False
    assert f"The folder is {folder}, on the machine that runs mien." in html(test)
    assert questions(test) == []
    assert not folder.exists()
    assert questions(ran(test.toggle(key="keeping").set_value(True))) == ["This face is actually"]
    assert not folder.exists()


@pytest.mark.parametrize("page", ["", "samples", "video"])
def test_where_the_app_must_not_keep_anything_there_is_no_such_choice(
    page: str, app: Open, folder: Path, happy: bytes
) -> None:
    test = app(page, may=False)
    assert len(test.toggle) == 0
    if not page:
        assert questions(upload(test, happy)) == []
    assert not folder.exists()


@pytest.mark.parametrize("may", [False, True])
def test_the_page_of_what_is_kept_is_there_where_faces_may_be_kept(
    may: bool, folder: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []

    def navigation(pages: list[StreamlitPage], position: str) -> StreamlitPage:
        shown[:] = [page.title for page in pages]
        return pages[0]

    monkeypatch.setattr(st, "navigation", navigation)
    monkeypatch.setattr(StreamlitPage, "run", lambda page: None)
    monkeypatch.setenv(settings.MODEL, str(model))
    monkeypatch.setenv(settings.KEEP, str(folder) if may else "")
    assert not opened().exception
    assert ("Kept" in shown) == may
    told = " ".join(sentence for _, sentences in about._sections() for sentence in sentences)
    assert ("Only faces that you correct are saved" in told) == may


def test_what_is_kept_is_the_crop_and_what_was_said(app: Open, folder: Path, happy: bytes, model: Path) -> None:
    test = say(upload(app(on=True), happy), "sad")
    crop = crop_of(happy, model)
    assert files(folder) == [TABLE, f"sad/{name_of(crop)}.png"]
    head, (_, path, said, confidence, label, by) = rows(folder)
    assert (tuple(head), path, said, label, by) == (COLUMNS, f"sad/{name_of(crop)}.png", "happy", "sad", "toy")
    assert float(confidence) == pytest.approx(0.98, abs=0.01)
    with Image.open(folder / path) as image:
        assert (np.asarray(image) == crop).all()
    assert "secret" not in (folder / TABLE).read_text()
    assert "This face is kept: sad." in html(test)


def test_of_a_face_that_is_corrected_twice_the_newer_word_holds(app: Open, folder: Path, happy: bytes) -> None:
    test = say(upload(app(on=True), happy, happy), "sad")
    for label in ("happy", NOT_A_FACE):
        test = say(test, label, number=1)  # the same photo chosen twice is one face
        assert [row[4] for row in rows(folder)[1:]] == [label]
        assert [Path(file).parent.name for file in files(folder) if file != TABLE] == [label]
    assert html(test).count("This face is kept: not a face.") == 2
    assert questions(test) == ["This face is actually"] * 2


def test_a_face_that_is_deleted_is_gone(app: Open, folder: Path, happy: bytes) -> None:
    test = press(say(upload(app(on=True), happy), "sad"), "Delete face 1")
    assert files(folder) == [TABLE]
    assert rows(folder) == [list(COLUMNS)]
    assert "This face is kept" not in html(test)


def test_a_label_that_another_set_lacks_is_still_told(app: Open, folder: Path, happy: bytes, model: Path) -> None:
    keep(folder, crop_of(happy, model), SAID, "contempt", "other")
    test = upload(app(on=True), happy)
    assert "This face is kept: contempt." in html(test)
    assert test.menu_button[0].options == ["happy", "sad", "not a face"]


@pytest.fixture
def three(folder: Path, bands: Bands) -> Path:
    """Three kept faces, of which mien had read one right."""
    for bright, label in enumerate(("happy", "sad", "sad")):
        keep(folder, bands(bright, 3)[..., 0], SAID, label, "toy")
    return folder


def test_what_is_kept_is_told_and_deleted_one_by_one_or_at_once(app: Open, three: Path) -> None:
    test = app("kept")
    assert f"3 faces are kept in {three}." in html(test)
    assert "mien had read 1 of them as you do." in html(test)
    assert "2: sad. mien said happy." in html(test)
    assert f"mien train transfer --data {three} --from small" in test.code[0].value
    test = press(test, "Delete face 2")
    assert f"2 faces are kept in {three}." in html(test)
    assert len(files(three)) == len(rows(three)) == 3
    (three / "mine.txt").touch()
    test = press(test, "Delete all kept faces")
    assert "No face is kept." in html(test)
    assert files(three) == [TABLE, "mine.txt"]
    assert rows(three) == [list(COLUMNS)]


def test_a_picture_that_is_damaged_hides_no_other(app: Open, three: Path) -> None:
    one, other, _ = kept(three)
    one.path.write_bytes(b"torn")
    other.path.write_bytes(b"")
    test = app("kept")
    assert "This photo cannot be read." in html(test)
    assert "Empty: no bytes to read." in html(test)
    assert "3: sad. mien said happy." in html(test)
    assert "mien train transfer" in test.code[0].value
    assert f"2 faces are kept in {three}." in html(press(test, "Delete face 1"))
    assert not one.path.exists()


def test_many_that_are_kept_come_in_pages(app: Open, folder: Path, bands: Bands) -> None:
    for bright in range(13):
        keep(folder, bands(bright, 13)[..., 0], SAID, "sad", "toy")
    assert len([each for each in app("kept").button if each.label.startswith("Delete face")]) == 12


def test_what_another_tab_does_is_seen(app: Open, folder: Path, happy: bytes) -> None:
    one, other = (upload(app(on=True), happy) for _ in range(2))
    say(one, "sad")
    other = ran(other)
    assert "This face is kept: sad." in html(other)
    all_of_them = app("kept")
    press(other, "Delete face 1")
    assert "No face is kept." in html(press(all_of_them, "Delete face 1"))
    assert files(folder) == [TABLE]


def test_a_folder_that_is_broken_is_told(app: Open, folder: Path, happy: bytes) -> None:
    folder.mkdir()
    (folder / "holiday.jpg").touch()
    test = say(upload(app(on=True), happy), "sad")
    assert "holds other files" in test.error[0].value
    (folder / TABLE).write_text("torn")
    for page in ("", "kept"):
        test = app(page, on=not page)
        told = test if page else upload(test, happy)
        assert "is not as mien wrote it" in told.error[0].value
    assert files(folder) == ["holiday.jpg", TABLE]


def test_what_the_disk_refuses_is_told_in_words(app: Open, folder: Path, happy: bytes) -> None:
    folder.touch()
    test = upload(app(on=True), happy)
    assert test.error[0].value == plain(f"{folder / TABLE}: Not a directory")


def test_faces_of_samples_are_corrected_too(
    app: Open, folder: Path, happy: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "samples" / "sad").mkdir(parents=True)
    (tmp_path / "samples" / "sad" / "a.png").write_bytes(happy)
    monkeypatch.setenv(settings.SAMPLES, str(tmp_path / "samples"))
    test = app("samples", on=True)
    assert questions(test) == []
    test = say(ran(test.selectbox(key="closer").set_value(tmp_path / "samples" / "sad" / "a.png")), "sad")
    assert [each.label for each in kept(folder)] == ["sad"]


def test_every_page_remembers_whether_faces_are_to_be_kept(app: Open) -> None:
    test = app(on=True)
    for on in (True, False):
        assert test.toggle(key="keeping").set_value(on).run().toggle(key="keeping").value == on
        for page in ("about", "video"):
            assert not turned(test, page).exception
        assert test.toggle(key="keeping").value == on

"""The app in a real browser: what is on the page, what goes over the wire, and what is left behind."""

from __future__ import annotations

import contextlib
import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from browsing import CAMERA, PHOTOS, VIDEOS, WAIT, App, idle, launched, needs_browser, new_page, photos, video
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, Playwright, expect

pytestmark = needs_browser

HEADS = {"Samples": "Samples", "Kept": "Kept faces", "About": "About mien", "Video": "Who looked how, and when?"}


@pytest.fixture
def page(browser: Browser, running: App) -> Iterator[Page]:
    """The app's first page; nothing but the app may be asked for anything."""
    asked: list[str] = []
    opened = new_page(browser, viewport={"width": 1000, "height": 1200})
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(running.url)
    expect(opened.get_by_role("heading", name="What does this face look like?")).to_be_visible()
    yield opened
    opened.close()
    strangers = [
        url for url in asked if not url.startswith((running.url, running.url.replace("http", "ws"), "data:", "blob:"))
    ]
    assert strangers == []


def upload(page: Page, **files: bytes) -> None:
    """Choose files by name, such as `me_jpg=content`."""
    page.locator(PHOTOS).set_input_files(photos(**files))


def plays(page: Page, video: Locator) -> None:
    """Wait until a picture moves."""
    expect(video).to_be_visible()
    page.wait_for_function("video => video.currentTime > 0.5 && video.videoWidth > 0", arg=video.element_handle())


def test_one_photo(page: Page, astronaut: bytes) -> None:
    upload(page, me_jpg=astronaut)
    expect(page.get_by_alt_text("The photo with 1 face marked: happy")).to_be_visible()
    expect(page.get_by_role("row", name="happy 9")).to_be_visible()
    expect(page.get_by_alt_text("Face 1, as mien sees it")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Marked photo").click()
    assert download.value.suggested_filename == "me-read.jpg"
    with Image.open(download.value.path()) as picture:
        assert picture.size == (512, 512)


def test_many_photos_with_a_broken_one(page: Page, astronaut: bytes) -> None:
    upload(page, me_jpg=astronaut, torn_jpg=astronaut[:3000], too_jpg=astronaut)
    expect(page.get_by_text("3 photos, 2 faces, 1 photo not read")).to_be_visible()
    expect(page.get_by_text("This photo cannot be read.")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert lines[0].startswith("source,width,height,face,")
    assert [line.split(",")[0] for line in lines[1:]] == ["me.jpg", "torn.jpg", "too.jpg"]
    with page.expect_download() as download:
        page.get_by_role("button", name="Marked photos").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.namelist() == ["001-me.jpg", "002-too.jpg"]


def test_another_label_set_by_keyboard(page: Page, astronaut: bytes) -> None:
    upload(page, me_jpg=astronaut)
    page.get_by_text("7 other expressions").press("Enter")
    expect(page.get_by_role("row", name="contempt")).to_be_visible()
    idle(page)
    page.get_by_text("Why?").press("Enter")
    expect(page.get_by_text("Orange: what mien sees here speaks for “happy”")).to_be_visible()
    idle(page)
    page.locator(".mien-box").focus()
    assert page.locator(".mien-card").evaluate("card => getComputedStyle(card).outlineStyle") == "solid"
    page.get_by_role("combobox", name="Expressions").press("ArrowDown")
    page.keyboard.type("happy or")
    page.keyboard.press("Enter")
    expect(page.get_by_role("row", name="contempt")).to_have_count(0)
    page.get_by_text("1 other expression").press("Enter")
    expect(page.get_by_role("row", name="sad")).to_be_visible()


def test_the_page_speaks_german(browser: Browser, running: App, astronaut: bytes) -> None:
    opened = new_page(browser, locale="de-DE")
    opened.goto(running.url)
    upload(opened, me_jpg=astronaut)
    expect(opened.get_by_role("row", name="fröhlich 9")).to_be_visible()
    expect(opened.locator("html")).to_have_attribute("lang", "de")
    opened.close()


def test_a_photo_from_the_camera(page: Page) -> None:
    page.get_by_text("Take a photo", exact=True).click()
    plays(page, page.locator("video"))
    take, answer = page.get_by_role("button", name="Take Photo"), page.get_by_alt_text(re.compile("^The photo"))
    for _ in range(10):  # a camera that is slow to start takes no photo: a person would press again
        if take.is_visible():
            take.click()
        with contextlib.suppress(AssertionError):
            expect(answer).to_be_visible(timeout=WAIT / 10)
            break
    expect(answer).to_be_visible()


def test_samples_with_labels(page: Page) -> None:
    page.get_by_role("link", name="Samples").click()
    expect(page.get_by_text("1 of 2")).to_be_visible()
    expect(page.get_by_text("right: labelled happy")).to_be_visible()
    expect(page.get_by_text("wrong: labelled sad")).to_be_visible()


def test_the_live_picture_moves(page: Page) -> None:
    page.get_by_role("link", name="Camera").click()
    frame = page.frame_locator("iframe").first
    frame.get_by_role("button", name="Start the camera").click()
    plays(page, frame.locator("video"))
    frame.get_by_role("button", name="Stop").click()
    expect(frame.get_by_role("button", name="Start the camera")).to_be_visible()


def test_a_click_on_a_chart_shows_the_frame_and_moves_the_player(page: Page, clip: bytes) -> None:
    page.get_by_role("link", name="Video").click()
    page.locator(VIDEOS).set_input_files(video(clip))
    charts = page.locator("[data-testid=stVegaLiteChart] canvas")
    expect(charts).to_have_count(2)
    player, moment = page.locator("video"), page.locator(".mien-frame h2")
    expect(moment).to_have_text("0:00.0")
    idle(page)
    for _ in range(10):  # a chart that has just been drawn does not hear yet: a person would press again
        place = charts.nth(1).bounding_box()
        assert place is not None
        charts.nth(1).click(position={"x": 0.9 * place["width"], "y": place["height"] / 3})
        with contextlib.suppress(AssertionError):
            expect(moment).to_have_text(re.compile(r"0:04\.\d"), timeout=WAIT / 10)
            break
    expect(moment).to_have_text(re.compile(r"0:04\.\d"))
    expect(page.get_by_alt_text("The photo with 1 face marked: happy")).to_be_visible()
    expect(player).to_have_js_property("currentTime", 4)
    expect(player).to_have_js_property("videoWidth", 480)
    idle(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Every row, as CSV").click()
    rows = Path(download.value.path()).read_text().splitlines()
    assert (download.value.suggested_filename, len(rows)) == ("me.csv", 26)
    page.get_by_role("button", name="Make a copy").click()
    expect(page.get_by_role("button", name="The marked copy")).to_be_visible()
    idle(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="The marked copy").click()
    assert Path(download.value.path()).read_bytes()[:4] == b"\x1a\x45\xdf\xa3"


@pytest.fixture
def refusing(running: App, playwright: Playwright) -> Iterator[Page]:
    """The app in a browser whose person does not let it use the camera."""
    chromium = launched(playwright, CAMERA, "--deny-permission-prompts")
    opened = new_page(chromium, viewport={"width": 1000, "height": 1200})
    opened.goto(running.url)
    yield opened
    chromium.close()


def test_a_camera_that_is_refused_is_told(refusing: Page) -> None:
    refusing.get_by_text("Take a photo", exact=True).click()
    expect(refusing.get_by_text("This app would like to use your camera.")).to_be_visible()
    refusing.get_by_role("link", name="Camera").click()
    frame = refusing.frame_locator("iframe").first
    frame.get_by_role("button", name="Start the camera").click()
    expect(frame.get_by_text("Permission denied")).to_be_visible()
    expect(refusing.get_by_text("allow this page to use it")).to_be_visible()


def test_nothing_uploaded_is_written_or_logged(page: Page, running: App, astronaut: bytes) -> None:
    stream = BytesIO()
    with Image.open(BytesIO(astronaut)) as photo:
        photo.resize((2400, 2400)).save(stream, "PNG")
    assert len(stream.getvalue()) > 2_000_000  # beyond what web servers hold in memory unless they are told to
    upload(page, face_jpg=stream.getvalue())
    expect(page.get_by_alt_text("The photo with 1 face marked: happy")).to_be_visible()
    assert "face" not in "".join(running.printed)


CHOSEN = {
    "Expressions": "happy or sad",
    "Kind of photos": "Posed faces: all expressions equally often",
    "Model": "large",
}
KEEPING = "Keep the faces that I correct"


@pytest.mark.parametrize("way", [["Samples"], ["Kept", "About", "Video"]], ids=" ".join)
def test_what_is_chosen_is_remembered_by_whoever_leaves_at_once(way: list[str], page: Page, running: App) -> None:
    page.get_by_role("switch", name=KEEPING).wait_for()
    idle(page)
    with running.stopped():
        for name, value in CHOSEN.items():
            page.get_by_role("combobox", name=name).click()
            page.get_by_role("option", name=value).click()
            expect(page.get_by_role("combobox", name=name)).to_have_value(value)
        page.get_by_text(KEEPING).click()
        page.get_by_role("link", name=way[0]).click()
    for name in way:
        page.get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(HEADS[name])
        idle(page)
    for name, value in CHOSEN.items():
        expect(page.get_by_role("combobox", name=name)).to_have_value(value)
    expect(page.get_by_role("switch", name=KEEPING)).to_be_checked()

"""The app in a real browser: what is on the page, what goes over the wire, and what is left behind."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from urllib.request import urlopen

import pytest
from browsing import CAMERA, WAIT, launched, needs_browser, photos
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, Playwright, expect

pytestmark = needs_browser


@dataclass(frozen=True)
class App:
    """A running app, that cannot write a single byte into a file; where it is, and what it prints."""

    url: str
    printed: list[str]


def no_files() -> None:
    """From here on this process cannot make any file longer than it is."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, astronaut: bytes) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("app")
    for label in ("Happy", "Sad"):
        (folder / "samples" / "test" / label).mkdir(parents=True)
        (folder / "samples" / "test" / label / "one.jpg").write_bytes(astronaut)
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mien", "app", "--headless", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--samples", str(folder / "samples")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=no_files,
    )
    assert process.stdout is not None
    printed: list[str] = []
    reader = threading.Thread(target=printed.extend, args=(process.stdout,))
    reader.start()
    url = f"http://localhost:{port}"
    for _ in range(1200):
        try:
            urlopen(f"{url}/_stcore/health").close()
            break
        except OSError:
            assert process.poll() is None, printed
            time.sleep(0.1)
    yield App(url, printed)
    process.terminate()
    process.wait(120)
    reader.join(120)
    process.stdout.close()


@pytest.fixture
def page(browser: Browser, app: App) -> Iterator[Page]:
    """The app's first page; nothing but the app may be asked for anything."""
    asked: list[str] = []
    opened = browser.new_page(viewport={"width": 1000, "height": 1200})
    opened.set_default_timeout(WAIT)
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(app.url)
    expect(opened.get_by_role("heading", name="What does this face look like?")).to_be_visible(timeout=WAIT)
    yield opened
    opened.close()
    strangers = [url for url in asked if not url.startswith((app.url, app.url.replace("http", "ws"), "data:", "blob:"))]
    assert strangers == []


def upload(page: Page, **files: bytes) -> None:
    """Choose files by name, such as `me_jpg=content`."""
    page.locator("input[type=file]").set_input_files(photos(**files))


def plays(page: Page, video: Locator) -> None:
    """Wait until a picture moves."""
    expect(video).to_be_visible(timeout=WAIT)
    page.wait_for_function("video => video.currentTime > 0.5 && video.videoWidth > 0", arg=video.element_handle())


def test_one_photo(page: Page, astronaut: bytes) -> None:
    upload(page, me_jpg=astronaut)
    expect(page.get_by_alt_text("Faces, the largest first: happy")).to_be_visible(timeout=WAIT)
    expect(page.get_by_role("row", name="happy 9")).to_be_visible()
    expect(page.get_by_text("What the network saw")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Annotated photo").click()
    assert download.value.suggested_filename == "me-read.jpg"
    with Image.open(download.value.path()) as picture:
        assert picture.size == (512, 512)


def test_many_photos_with_a_broken_one(page: Page, astronaut: bytes) -> None:
    upload(page, me_jpg=astronaut, torn_jpg=astronaut[:3000])
    expect(page.get_by_text("torn.jpg cannot be read: ")).to_be_visible(timeout=WAIT)
    expect(page.get_by_alt_text("Faces, the largest first: happy")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="All as CSV").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert lines[0].startswith("source,width,height,face,")
    assert [line.split(",")[0] for line in lines[1:]] == ["me.jpg", "torn.jpg"]


def test_another_label_set(page: Page, astronaut: bytes) -> None:
    upload(page, me_jpg=astronaut)
    expect(page.get_by_role("row", name="contempt")).to_be_visible(timeout=WAIT)
    page.get_by_role("combobox", name="Expressions").click()
    page.get_by_role("option", name="happy or sad").click()
    expect(page.get_by_role("row", name="contempt")).to_have_count(0, timeout=WAIT)
    expect(page.get_by_role("row", name="sad")).to_be_visible()


def test_a_photo_from_the_camera(page: Page) -> None:
    page.get_by_text("Camera", exact=True).click()
    plays(page, page.locator("video"))
    take, answer = page.get_by_role("button", name="Take Photo"), page.get_by_alt_text("Faces, the largest first")
    for _ in range(4):  # a camera that is slow to start takes no photo: a person would press again
        if take.is_visible():
            take.click()
        with contextlib.suppress(AssertionError):
            expect(answer).to_be_visible(timeout=WAIT / 3)
            break
    expect(answer).to_be_visible()


def test_samples_with_labels(page: Page) -> None:
    page.get_by_role("link", name="Samples").click()
    expect(page.get_by_text("1 of 2")).to_be_visible(timeout=WAIT)
    expect(page.get_by_text("right: labelled happy")).to_be_visible()
    expect(page.get_by_text("wrong: labelled sad")).to_be_visible()


def test_the_live_picture_moves(page: Page) -> None:
    page.get_by_role("link", name="Live").click()
    frame = page.frame_locator("iframe").first
    frame.get_by_role("button", name="START").click()
    plays(page, frame.locator("video"))
    frame.get_by_role("button", name="STOP").click()


@pytest.fixture
def refusing(app: App, playwright: Playwright) -> Iterator[Page]:
    """The app in a browser whose person does not let it use the camera."""
    chromium = launched(playwright, CAMERA, "--deny-permission-prompts")
    opened = chromium.new_page(viewport={"width": 1000, "height": 1200})
    opened.set_default_timeout(WAIT)
    opened.goto(app.url)
    yield opened
    chromium.close()


def test_a_camera_that_is_refused_is_told(refusing: Page) -> None:
    refusing.get_by_text("Camera", exact=True).click()
    expect(refusing.get_by_text("This app would like to use your camera.")).to_be_visible(timeout=WAIT)
    refusing.get_by_role("link", name="Live").click()
    frame = refusing.frame_locator("iframe").first
    frame.get_by_role("button", name="START").click()
    expect(frame.get_by_text("Permission denied")).to_be_visible(timeout=WAIT)


def test_nothing_uploaded_is_written_or_logged(page: Page, app: App, astronaut: bytes) -> None:
    stream = BytesIO()
    with Image.open(BytesIO(astronaut)) as photo:
        photo.resize((2400, 2400)).save(stream, "PNG")
    assert len(stream.getvalue()) > 2_000_000  # beyond what web servers hold in memory unless they are told to
    upload(page, face_jpg=stream.getvalue())
    expect(page.get_by_alt_text("Faces, the largest first: happy")).to_be_visible(timeout=WAIT)
    assert "face" not in "".join(app.printed)


def test_another_page_remembers_the_choice(page: Page) -> None:
    page.get_by_role("combobox", name="Expressions").click()
    page.get_by_role("option", name="happy or sad").click()
    expect(page.get_by_role("combobox", name="Expressions")).to_have_value("happy or sad")
    page.get_by_role("link", name="Samples").click()
    expect(page.get_by_text("right so far")).to_be_visible(timeout=WAIT)
    expect(page.get_by_role("combobox", name="Expressions")).to_have_value("happy or sad")

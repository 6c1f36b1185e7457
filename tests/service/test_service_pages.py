"""The pages in a real browser, most of them without JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest
from browsing import WAIT, needs_browser, photos
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, expect
from served import Served

pytestmark = needs_browser
expect.set_options(timeout=WAIT)


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a page; nothing but the service may be asked for anything, and nothing may be blocked or fail in it."""
    opened: list[Page] = []
    asked: list[str] = []
    faults: list[str] = []

    def open_page(url: str, **options: Any) -> Page:
        page = browser.new_page(**options)
        page.set_default_timeout(WAIT)
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(url)
        opened.append(page)
        return page

    yield open_page
    for page in opened:
        page.close()
    assert [url for url in asked if not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:"))] == []
    assert [
        fault for fault in faults if "WebSocket" not in fault and "413" not in fault
    ] == []  # the page tells these two


def upload(page: Page, **files: bytes) -> None:
    """Send files by name, such as `me_jpg=content`."""
    page.get_by_label("Photos", exact=True).set_input_files(photos(**files))
    page.get_by_role("button", name="Read the faces").click()


def test_one_photo_without_javascript(visit: Callable[..., Page], service: Served, astronaut: bytes) -> None:
    page = visit(service.url, java_script_enabled=False)
    upload(page, me_jpg=astronaut)
    expect(page.get_by_role("heading", name="happy 99%")).to_be_visible()
    expect(page.get_by_alt_text("The photo with 1 face marked: happy")).to_be_visible()
    expect(page.get_by_role("row")).to_have_count(8)
    expect(page.get_by_role("row", name="happy 99%")).to_be_visible()
    assert page.get_by_alt_text("The photo").evaluate("image => image.naturalWidth") == 512


def test_many_photos_one_broken_one_without_a_face(
    visit: Callable[..., Page], service: Served, astronaut: bytes
) -> None:
    stream = BytesIO()
    Image.new("RGB", (300, 200), "green").save(stream, "PNG")
    page = visit(service.url)
    upload(page, me_jpg=astronaut, torn_jpg=astronaut[:3000], lawn_png=stream.getvalue())
    expect(page.get_by_role("alert")).to_contain_text("This file cannot be read: damaged or cut short")
    expect(page.get_by_text("No face was found.")).to_be_visible()
    names = page.get_by_role("heading", level=2).all_inner_texts()
    assert names == ["me.jpg", "torn.jpg", "lawn.png", "More photos"]


def test_another_label_set_and_again(visit: Callable[..., Page], service: Served, astronaut: bytes) -> None:
    page = visit(service.url)
    page.get_by_label("Expressions").select_option("happy or sad")
    upload(page, me_jpg=astronaut)
    expect(page.get_by_role("row")).to_have_count(2)
    upload(page, me_jpg=astronaut)  # the choice is still made
    expect(page.get_by_role("row")).to_have_count(2)


def test_not_an_image(visit: Callable[..., Page], service: Served) -> None:
    page = visit(service.url)
    upload(page, words_jpg=b"words")
    expect(page.get_by_role("alert")).to_contain_text("not an image of a supported kind")


def test_too_much(visit: Callable[..., Page], serve: Any, astronaut: bytes) -> None:
    with serve(max_bytes=10_000) as small:
        page = visit(small.url)
        file: FilePayload = {"name": "me.jpg", "mimeType": "image/jpeg", "buffer": astronaut[:20_000]}
        page.get_by_label("Photos", exact=True).set_input_files([file])
        with page.expect_response(lambda response: response.url.endswith("/result")) as response:
            page.get_by_role("button", name="Read the faces").click()
        assert response.value.status == 413
        expect(page.get_by_role("alert")).to_contain_text("10,000 bytes, the limit")
        page.close()


def test_on_a_phone_nothing_is_cut_off(visit: Callable[..., Page], service: Served, astronaut: bytes) -> None:
    page = visit(service.url, viewport={"width": 320, "height": 640})
    upload(page, a_very_long_name_without_any_space_that_a_phone_would_have_to_break_jpg=astronaut)
    expect(page.get_by_role("heading", name="happy 99%")).to_be_visible()
    page.wait_for_load_state("load")  # the heading may be there before the style sheet and the picture
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_read(visit: Callable[..., Page], service: Served, astronaut: bytes, scheme: str) -> None:
    """Contrast of at least 4.5 (WCAG 2, AA) for every text."""
    page = visit(service.url, color_scheme=scheme)
    upload(page, me_jpg=astronaut, torn_jpg=b"x")
    expect(page.get_by_role("alert")).to_be_visible()
    poor = page.evaluate(
        """() => {
        const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
          .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
          .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
        const rgb = text => text.match(/[\\d.]+/g).map(Number);
        const ground = node => { for (; node; node = node.parentElement) {
          const colour = rgb(getComputedStyle(node).backgroundColor);
          if (colour.length < 4 || colour[3] > 0) return colour; } return [255, 255, 255]; };
        const texts = [...document.querySelectorAll("main *, header *, footer")]
          .filter(node => [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim()));
        return texts.map(node => {
          const [a, b] = [light(rgb(getComputedStyle(node).color)), light(ground(node))].sort((x, y) => y - x);
          return [node.tagName, node.innerText, (a + .05) / (b + .05)]; }).filter(each => each[2] < 4.5);
        }"""
    )
    assert poor == []


def test_the_keyboard_is_enough(visit: Callable[..., Page], service: Served) -> None:
    page = visit(service.url)
    reached = []
    for _ in range(8):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.innerText || document.activeElement.id"))
    assert reached[0] == "Skip to the content"
    assert [name for name in reached if name in ("files", "labels", "Read the faces")] or "files" in reached
    assert "Read the faces" in reached


def test_the_documentation(visit: Callable[..., Page], service: Served) -> None:
    page = visit(f"{service.url}/docs", java_script_enabled=False)
    expect(page.get_by_role("heading", name="POST /v1/predict")).to_be_visible()
    expect(page.get_by_text(f"curl -F file=@photo.jpg '{service.url}/v1/predict?labels=fer7'")).to_be_visible()


def test_nothing_to_show(visit: Callable[..., Page], service: Served) -> None:
    page = visit(f"{service.url}/result")
    assert page.url == f"{service.url}/"


def test_photos_and_the_camera_under_a_path(visit: Callable[..., Page], serve: Any, astronaut: bytes) -> None:
    with serve(root_path="/mien") as served:
        page = visit(f"{served.url}/mien/")
        upload(page, me_jpg=astronaut)
        expect(page.get_by_role("heading", name="happy 99%")).to_be_visible()
        assert page.url == f"{served.url}/mien/result"
        page.get_by_role("link", name="Camera").click()
        page.get_by_role("button", name="Start the camera").click()
        expect(page.get_by_text("frames a second")).to_be_visible(timeout=WAIT)
        page.close()

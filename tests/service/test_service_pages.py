"""The pages in a real browser, without JavaScript where they can do without."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browsing import choose, needs_browser, picture, upload
from playwright.sync_api import Page, expect
from served import Served, get

pytestmark = needs_browser


@pytest.fixture(scope="module")
def noticed(serve: Any) -> Iterator[Served]:
    """One with the notice that comes with it, under a path."""
    with serve(notice="on", root_path="/mien") as served:
        yield served


@pytest.fixture(scope="module")
def small(serve: Any) -> Iterator[Served]:
    """One that takes small photos alone, with a notice of its own."""
    with serve(notice="Faces are <read> here.", max_bytes=10_000) as served:
        yield served


def test_one_photo_without_javascript(visit: Callable[..., Page], service: Served, astronaut: bytes) -> None:
    page = visit(service.url, java_script_enabled=False)
    upload(page, me_jpg=astronaut)
    expect(page.get_by_role("heading", name="happy 99%")).to_be_visible()
    expect(page.get_by_alt_text("The photo with 1 face marked: happy")).to_be_visible()
    expect(page.get_by_text("1 photo, 1 face", exact=True)).to_be_visible()
    expect(page.get_by_role("row")).to_have_count(1)
    page.get_by_text("7 other expressions").click()
    expect(page.get_by_role("row")).to_have_count(8)
    expect(page.get_by_role("row", name="happy 99%")).to_be_visible()
    for script_needed in ("Why?", "Marked photos (ZIP)"):
        expect(page.get_by_role("button", name=script_needed)).to_have_count(0)
    assert page.get_by_alt_text("The photo").evaluate("image => image.naturalWidth") == 512


def test_many_photos_one_broken_one_without_a_face_without_javascript(
    visit: Callable[..., Page], service: Served, astronaut: bytes
) -> None:
    page = visit(service.url, java_script_enabled=False)
    upload(page, me_jpg=astronaut, torn_jpg=astronaut[:3000], lawn_png=picture(), none_jpg=b"")
    expect(page.get_by_text("This photo cannot be read. Damaged or cut short")).to_be_visible()
    expect(page.get_by_text("No face was found.")).to_be_visible()
    expect(page.get_by_text("Empty: no bytes to read.")).to_be_visible()
    expect(page.get_by_text("4 photos, 1 face, 2 photos not read")).to_be_visible()
    names = page.get_by_role("heading", level=2).all_inner_texts()
    assert names == ["me.jpg", "torn.jpg", "lawn.png", "none.jpg", "More photos"]
    page.get_by_role("link", name="lawn.png 0 faces").click()
    expect(page).to_have_url(re.compile("/result#photo-3$"))


def test_the_sample_without_javascript(visit: Callable[..., Page], service: Served) -> None:
    page = visit(service.url, java_script_enabled=False)
    page.get_by_role("button", name="Try this photo").click()
    expect(page.get_by_role("heading", name="happy 99%")).to_be_visible()


def test_another_label_set_and_again(visit: Callable[..., Page], service: Served, astronaut: bytes) -> None:
    page = visit(service.url, java_script_enabled=False)
    page.get_by_label("Expressions").select_option("Happy or sad")
    upload(page, me_jpg=astronaut)
    expect(page.get_by_text("1 other expression")).to_be_visible()
    upload(page, me_jpg=astronaut)  # the choice is still made
    expect(page.get_by_text("1 other expression")).to_be_visible()


def test_a_phone_without_javascript(visit: Callable[..., Page], service: Served) -> None:
    page = visit(service.url, java_script_enabled=False, viewport={"width": 390, "height": 844})
    boxes = [page.locator(where).bounding_box() for where in (".drop", "#limits")]
    (left, right), (first, last) = [(box["x"], box["x"] + box["width"]) for box in boxes if box]
    assert left <= first < last <= right


def test_too_much_without_javascript(visit: Callable[..., Page], small: Served, astronaut: bytes) -> None:
    page = visit(small.url, java_script_enabled=False)
    choose(page, me_jpg=astronaut[:20_000])
    with page.expect_response(lambda response: response.url.endswith("/result")) as response:
        page.get_by_role("button", name="Read the faces").click()
    assert response.value.status == 413
    expect(page.get_by_role("alert")).to_contain_text("10,000 bytes, the limit")


@pytest.mark.parametrize(
    ("name", "told"), [("noticed", "Article 50(3)"), ("small", "Faces are &lt;read&gt; here.")], ids=["its own", "mine"]
)
def test_the_notice_is_on_every_page(name: str, told: str, request: pytest.FixtureRequest) -> None:
    served = request.getfixturevalue(name)
    for path in ("/", "/live", "/docs", "/nothing"):
        assert told in get(served.url + path, headers={"Accept": "text/html"}).text


def test_without_a_private_page_none_links_to_it(service: Served) -> None:
    for path in ("/", "/live", "/docs", "/nothing"):
        assert "private" not in get(service.url + path, headers={"Accept": "text/html"}).text


def test_the_documentation(visit: Callable[..., Page], service: Served) -> None:
    page = visit(f"{service.url}/docs", java_script_enabled=False)
    expect(page.get_by_role("heading", name="POST /v1/predict")).to_be_visible()
    expect(page.get_by_text(f"curl -F file=@photo.jpg '{service.url}/v1/predict?labels=fer7'")).to_be_visible()


def test_nothing_to_show(visit: Callable[..., Page], service: Served) -> None:
    page = visit(f"{service.url}/result")
    assert page.url == f"{service.url}/"


def test_photos_and_the_camera_under_a_path(visit: Callable[..., Page], noticed: Served, astronaut: bytes) -> None:
    page = visit(f"{noticed.url}/mien/")
    upload(page, me_jpg=astronaut)
    expect(page.get_by_role("heading", name="happy 99%")).to_be_visible()
    assert page.url == f"{noticed.url}/mien/result"
    page.get_by_role("link", name="Camera").click()
    page.get_by_role("button", name="Start the camera").click()
    expect(page.get_by_text("pictures a second")).to_be_visible()

"""Faces that a person keeps and deletes, in a real browser."""

from __future__ import annotations

from pathlib import Path

from browsing import PHOTOS, App, idle, needs_browser, new_page, photos
from playwright.sync_api import Browser, expect

from mien.corrections import kept

pytestmark = needs_browser


def test_who_clicks_twice_deletes_one_face(browser: Browser, keeping: App, tmp_path: Path) -> None:
    page = new_page(browser, viewport={"width": 1000, "height": 1200})
    page.goto(f"{keeping.url}/kept")
    page.get_by_role("button", name="Delete face 1").click()
    surely = page.get_by_test_id("stPopoverBody").get_by_role("button", name="Delete face 1")
    surely.click(trial=True)  # once it has come to its place
    place = surely.bounding_box()
    assert place is not None
    at = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    page.mouse.click(*at)
    expect(page.get_by_text("2 faces are kept")).to_be_visible()
    idle(page)
    page.mouse.click(*at)
    page.get_by_role("link", name="About").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("About mien")
    idle(page)
    assert len(kept(tmp_path / "kept")) == 2
    page.close()


def test_a_correction_is_kept_once_the_page_says_so(
    browser: Browser, keeping: App, tmp_path: Path, astronaut: bytes
) -> None:
    page = new_page(browser, viewport={"width": 1000, "height": 1200})
    page.goto(keeping.url)
    page.get_by_text("Keep the faces that I correct").click()
    page.locator(PHOTOS).set_input_files(photos(me_jpg=astronaut))
    page.get_by_role("button", name="This face is actually").click()
    page.get_by_role("menuitem", name="surprise").click()
    expect(page.get_by_text("This face is kept: surprise.")).to_be_visible()
    assert "surprise" in {face.label for face in kept(tmp_path / "kept")}
    page.close()

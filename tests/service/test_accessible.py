"""Everybody can use the pages: axe finds nothing, keys are enough, nothing is cut off, and all stands out."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from browsing import NARROWEST, SCHEMES, barriers, choose, needs_browser, picture, upload, wide
from PIL import Image
from playwright.sync_api import Page, Route, expect
from served import Served
from shown import answer, drawn, late, unread

from mien.labels import FERPLUS8
from mien.languages import LANGUAGES

pytestmark = needs_browser

SOURCES = (".css", ".html", ".js")
TWO_COLOURS = re.compile(r"^ *--[\w-]+: light-dark\(#\w+, #\w+\);")
PHOTO = Image.new("RGB", (400, 300), "#335577")
RESULTS = {
    "no face": [answer(PHOTO, "lawn.png", 0)],
    "one face": [answer(PHOTO, "me.jpg", 1)],
    "all expressions": [answer(PHOTO, "we.jpg", 8, tuple(FERPLUS8))],
    "not read": [unread("torn.jpg")],
    "several": [
        answer(PHOTO, "a.jpg", 2, ("neutral", "sad")),
        unread("torn.jpg"),
        late("l.jpg"),
        answer(PHOTO, "b.jpg", 0),
    ],
}
CONTRASTS = """() => {
  const light = (colour) => { const c = new OffscreenCanvas(1, 1).getContext("2d"); c.fillStyle = colour;
    c.fillRect(0, 0, 1, 1); return [...c.getImageData(0, 0, 1, 1).data].slice(0, 3).map((v) => v / 255)
    .map((v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0); };
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((x, y) => y - x); return (x + .05) / (y + .05); };
  const style = (node) => getComputedStyle(node);
  const found = [];
  for (const bar of document.querySelectorAll(".bar rect")) {
    const card = style(bar.closest(".face")).backgroundColor, track = style(bar.parentElement).backgroundColor;
    found.push(["bar", ratio(style(bar).stroke, track)], ["bar on its card", ratio(style(bar).stroke, card)]);
  }
  for (const badge of document.querySelectorAll(".badge rect")) {
    const card = style(badge.closest(".face")).backgroundColor;
    found.push(["badge", ratio(style(badge).stroke, card)]);
    found.push(["its number", ratio(style(badge.nextElementSibling).fill, style(badge).fill) / 1.5]);
  }
  for (const edge of document.querySelectorAll(".boxes .edge")) {
    found.push(["box", ratio(style(edge).stroke, style(edge.nextElementSibling).stroke)]);
  }
  for (const tag of document.querySelectorAll(".tag")) {
    const [rect, text] = tag.children;
    found.push(["tag", ratio(style(rect).fill, style(rect).stroke)]);
    found.push(["its number", ratio(style(text).fill, style(rect).fill) / 1.5]);
  }
  const card = style(document.forms[0]).backgroundColor;
  for (const [name, node] of [["drop area", ".drop"], ["choice", "select"]]) {
    found.push([name, ratio(style(document.querySelector(node)).borderColor, card)]);
  }
  return found;
}"""


def show(page: Page, answers: list[Any], language: str = "en") -> None:
    """Have the service's next result be of these answers."""
    page.route("**/result", lambda route: route.fulfill(content_type="text/html", body=drawn(answers, language)))
    page.locator(".sample button").click()
    page.locator(".summary").wait_for()
    page.unroute("**/result")


def test_by_night_nothing_but_colours_is_different() -> None:
    """There axe is asked about them alone."""
    folder = resources.files("mien.service")
    sources = [path.read_text("utf-8") for path in Path(str(folder)).rglob("*") if path.suffix in SOURCES]
    assert not [source for source in sources if "prefers-color-scheme" in source]
    chosen = [line for source in sources for line in source.splitlines() if "light-dark(" in line]
    assert chosen
    assert [line for line in chosen if not TWO_COLOURS.search(line)] == []


@pytest.mark.parametrize("path", ["/", "/docs", "/nothing"])
def test_axe_finds_nothing_in_a_page(visit: Callable[..., Page], service: Served, path: str) -> None:
    assert barriers(visit(service.url + path)) == []


def test_axe_finds_nothing_where_photos_are_chosen_and_refused(visit: Callable[..., Page], service: Served) -> None:
    page = visit(service.url)
    choose(page, lawn_png=picture(), raw_heic=b"what no browser draws", empty_jpg=b"")
    expect(page.get_by_role("alert")).to_have_text("empty.jpg is empty.")
    assert barriers(page) == []


def test_axe_finds_nothing_while_photos_are_read(visit: Callable[..., Page], service: Served) -> None:
    page = visit(service.url)
    held: list[Route] = []
    page.route("**/result", lambda route: held.append(route))
    upload(page, lawn_png=picture())
    expect(page.get_by_role("progressbar")).to_be_visible()
    found = barriers(page)
    held.pop().abort()
    assert found == []


def test_axe_finds_nothing_under_the_notice(visit: Callable[..., Page], serve: Any) -> None:
    with serve(notice="on") as served:
        page = visit(served.url)
        expect(page.get_by_role("complementary", name="Notice")).to_be_visible()
        assert barriers(page) == []
        page.close()


@pytest.mark.parametrize("state", RESULTS)
def test_axe_finds_nothing_in_a_result(visit: Callable[..., Page], service: Served, state: str) -> None:
    page = visit(service.url)
    show(page, RESULTS[state])
    for each in page.locator("summary").all()[:1] + page.get_by_role("button", name="Why?").all()[:1]:
        each.click()
    assert barriers(page) == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_bar_and_tag_stands_out(visit: Callable[..., Page], service: Served, scheme: str) -> None:
    page = visit(service.url, color_scheme=scheme)
    show(page, RESULTS["all expressions"])
    found = page.evaluate(CONTRASTS)
    assert {name for name, _ in found} >= {"bar", "badge", "box", "tag", "drop area", "choice"}
    assert [(name, ratio) for name, ratio in found if ratio < 3] == []


def test_the_keyboard_is_enough(visit: Callable[..., Page], service: Served) -> None:
    page = visit(service.url, reduced_motion="reduce")
    choose(page, lawn_png=picture())
    assert walked(page, 11) == [
        *("Skip to the content", "mien", "Photos", "Camera", "API"),
        *("files", "Remove lawn.png", "labels", "prior", "Read the faces", "Try this photo"),
    ]
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What the faces look like")).to_be_visible()
    expect(page.locator("main")).to_be_focused()
    offered = ["CSV", "JSON", "Marked photos (ZIP)", "Face 1: happy 99%", "7 other expressions", "Why?", "files"]
    assert walked(page, 7) == offered
    page.get_by_role("button", name="Why?").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".why")).to_be_visible()
    page.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("row")).to_have_count(8)


def walked(page: Page, steps: int) -> list[str]:
    """What the tabulator key reaches, each of them visibly in focus."""
    reached = []
    for _ in range(steps):
        page.keyboard.press("Tab")
        name, seen = page.evaluate(
            """() => { const node = document.activeElement, style = getComputedStyle(node);
              const thick = node.closest(".boxes") ? getComputedStyle(node.querySelector(".line")).strokeWidth : "0";
              const label = node.id && document.querySelector(`label[for=${node.id}]`);
              const outlined = [node, label].some((each) => each && getComputedStyle(each).outlineStyle === "solid");
              return [node.getAttribute("aria-label") || node.id || node.innerText.trim(), outlined || thick === "7px"];
            }"""
        )
        assert seen, name
        reached.append(name)
    return reached


@pytest.mark.parametrize("language", LANGUAGES)
def test_on_the_smallest_phone_nothing_is_cut_off(visit: Callable[..., Page], service: Served, language: str) -> None:
    page = visit(service.url, viewport={"width": NARROWEST, "height": 640}, locale=language)
    name = "a-very-long-name-without-any-space-that-a-phone-would-have-to-break.jpg"
    choose(page, **{name.replace(".", "_"): picture(), "raw_heic": b"x"})
    assert wide(page) <= NARROWEST
    answers = [answer(PHOTO, name, 2, ("surprise", "contempt")), unread(name), answer(PHOTO, "b.jpg", 0)]
    show(page, answers, language)
    page.locator(".word, th").evaluate_all("all => all.forEach((each) => { each.textContent = 'o'.repeat(60); })")
    assert wide(page) <= NARROWEST
    for path in ("/docs", "/nothing"):
        page.goto(service.url + path)
        assert wide(page) <= NARROWEST


def test_motion_only_for_who_wants_it(visit: Callable[..., Page], service: Served) -> None:
    page = visit(service.url, reduced_motion="reduce")
    show(page, RESULTS["one face"])
    moving = (
        "() => [...document.querySelectorAll('*')].filter((each) => getComputedStyle(each).transitionDuration !== '0s')"
    )
    assert page.evaluate(f"({moving})().length") == 0
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"


def test_printed_it_is_the_result_alone(visit: Callable[..., Page], service: Served) -> None:
    page = visit(service.url)
    show(page, RESULTS["several"])
    page.emulate_media(media="print")
    for gone in (page.get_by_role("link", name="CSV"), page.locator("form"), page.get_by_role("link", name="Camera")):
        expect(gone).to_be_hidden()
    expect(page.locator("figure").first).to_be_visible()
    expect(page.get_by_role("article").first).to_be_visible()

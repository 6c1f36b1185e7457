"""Choosing photos, sending them, and what becomes of them when it goes wrong; with the page's scripts."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from browsing import choose, needs_browser, picture, upload
from playwright.sync_api import FilePayload, Page, Route, expect
from served import Served, post
from waiting import until

pytestmark = needs_browser

DROP = """([base64, kind, name]) => {
  const held = new DataTransfer();
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  held.items.add(new File([bytes], name, { type: "image/png" }));
  const event = kind === "paste" ? new ClipboardEvent(kind, { clipboardData: held, bubbles: true })
    : new DragEvent(kind, { dataTransfer: held, bubbles: true, cancelable: true });
  document.querySelector(".drop").dispatchEvent(event);
}"""

PROXY = "<html><body><center><h1>502 Bad Gateway</h1></center></body></html>"


def names(page: Page) -> list[str]:
    return page.get_by_role("list", name="Chosen photos").locator(".name").all_inner_texts()


def sent(page: Page) -> list[str]:
    """The files that the form would send."""
    found: list[str] = page.get_by_label("Choose photos").evaluate("input => [...input.files].map(file => file.name)")
    return found


def test_nothing_is_chosen(visit: Callable[..., Page], service: Served) -> None:
    page = visit(service.url)
    expect(page.get_by_role("list", name="Chosen photos")).to_be_hidden()
    page.get_by_role("button", name="Read the faces").click()
    assert page.get_by_label("Choose photos").evaluate("input => input.validity.valueMissing")
    assert page.url == f"{service.url}/"


def test_photos_are_shown_small_and_taken_away(visit: Callable[..., Page], service: Served, astronaut: bytes) -> None:
    page = visit(service.url)
    choose(page, me_jpg=astronaut, raw_heic=b"what no browser draws")
    choose(page, lawn_png=picture())  # what was chosen before stays
    assert names(page) == sent(page) == ["me.jpg", "raw.heic", "lawn.png"]
    expect(page.get_by_text("HEIC", exact=True)).to_be_visible()
    assert page.locator(".chosen img").first.evaluate("image => image.decode().then(() => image.naturalWidth)") == 512
    page.get_by_role("button", name="Remove raw.heic").click()
    assert names(page) == sent(page) == ["me.jpg", "lawn.png"]
    expect(page.get_by_role("button", name="Remove lawn.png")).to_be_focused()


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_photos_are_dropped_and_pasted(visit: Callable[..., Page], service: Served, kind: str) -> None:
    page = visit(service.url)
    page.evaluate(DROP, [base64.b64encode(picture()).decode(), kind, "lawn.png"])
    assert names(page) == sent(page) == ["lawn.png"]
    page.get_by_role("button", name="Read the faces").click()
    expect(page.get_by_text("No face was found.")).to_be_visible()


def test_limits_are_shown_and_checked_before_anything_is_sent(visit: Callable[..., Page], serve: Any) -> None:
    with serve(max_bytes=20_000, max_files=3, max_memory=30_000, max_pixels=50_000) as small:
        page = visit(small.url)
        expect(page.get_by_text("At most 3 photos; each up to 0.02 MB and 0.05 megapixels")).to_be_visible()
        alert = page.get_by_role("alert")
        for files, told in (
            ({"a_jpg": bytes(20_001)}, "a.jpg has 0.03 MB. A photo may have up to 0.02 MB."),
            ({"a_jpg": b""}, "a.jpg is empty."),
            ({"a_png": picture(300, 200)}, "a.png has 0.06 megapixels. A photo may have up to 0.05 megapixels."),
            ({f"{n}_jpg": b"x" for n in range(4)}, "You chose 4: remove some."),
            ({"a_jpg": bytes(16_000), "b_jpg": bytes(16_001)}, "Together they may have up to 0.03 MB: remove some."),
        ):
            choose(page, **files)
            expect(alert).to_contain_text(told)
            page.get_by_role("button", name="Read the faces").click()
            expect(alert).to_contain_text(told)
            for name in names(page):
                page.get_by_role("button", name=f"Remove {name}").click()
            expect(alert).to_be_hidden()
        text: FilePayload = {"name": "a.txt", "mimeType": "text/plain", "buffer": b"words"}
        page.get_by_label("Choose photos").set_input_files([text])
        expect(alert).to_have_text("a.txt is not a photo.")
        page.close()


def test_after_an_error_all_is_still_chosen(visit: Callable[..., Page], service: Served, astronaut: bytes) -> None:
    page = visit(service.url)
    choose(page, me_jpg=astronaut)
    page.get_by_label("Expressions").select_option("Happy or sad")
    page.get_by_label("Expressions").evaluate("select => { select.selectedOptions[0].value = 'odd'; }")
    page.get_by_role("button", name="Read the faces").click()
    expect(page.get_by_role("alert")).to_contain_text("no label set 'odd'")
    assert (page.url, sent(page)) == (f"{service.url}/", ["me.jpg"])
    expect(page.get_by_label("Expressions")).to_have_value("odd")


def test_the_service_is_gone(visit: Callable[..., Page], service: Served, astronaut: bytes) -> None:
    page = visit(service.url)
    choose(page, me_jpg=astronaut)
    page.route("**/result", lambda route: route.abort())
    page.get_by_role("button", name="Read the faces").click()
    expect(page.get_by_role("alert")).to_have_text(
        "The service cannot be reached. Your photos are still chosen: try again."
    )
    page.unroute("**/result")
    page.route("**/result", lambda route: route.fulfill(status=502, content_type="text/html", body=PROXY))
    page.get_by_role("button", name="Read the faces").click()
    expect(page.get_by_role("alert")).to_contain_text("The service answered with an error (502).")
    page.unroute("**/result")
    page.get_by_role("button", name="Read the faces").click()
    expect(page.get_by_role("heading", name="happy 99%")).to_be_visible()


def test_progress_is_shown_and_can_be_stopped(visit: Callable[..., Page], service: Served, astronaut: bytes) -> None:
    page = visit(service.url)
    held: list[Route] = []
    page.route("**/result", lambda route: held.append(route))
    upload(page, me_jpg=astronaut)
    expect(page.get_by_role("progressbar", name="Progress")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text(re.compile("^(Sending the photos|Reading the faces)\\.$"))
    until(lambda: page.title() and held)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Read the faces")).to_be_focused()
    expect(page.get_by_role("alert")).to_have_text("Stopped. Your photos are still chosen.")
    expect(page.get_by_role("progressbar", name="Progress")).to_be_hidden()
    assert (len(held), sent(page)) == (1, ["me.jpg"])


SLOWLY = """() => {
  window.XMLHttpRequest = class {
    upload = {};
    open() {}
    send() {
      window.request = this;
    }
  };
  window.told = [];
  const state = document.querySelector(".progress [role=status]");
  new MutationObserver(() => told.push(state.textContent)).observe(state, { childList: true });
}"""


def test_how_much_is_sent_is_shown_and_not_said_again_and_again(
    visit: Callable[..., Page], service: Served, astronaut: bytes
) -> None:
    page = visit(service.url)
    page.evaluate(SLOWLY)
    upload(page, me_jpg=astronaut)
    for loaded in range(0, 101, 10):
        page.evaluate("loaded => request.upload.onprogress({ loaded, total: 100 })", loaded)
        expect(page.locator(".progress .state")).to_have_text(f"Sending the photos. {loaded}%")
    page.evaluate("request.upload.onload()")
    expect(page.locator(".progress .state")).to_have_text("Reading the faces.")
    assert page.evaluate("told") == ["Sending the photos.", "Reading the faces."]
    page.get_by_role("button", name="Stop").focus()
    page.evaluate("request.onerror()")
    expect(page.get_by_role("button", name="Read the faces")).to_be_focused()


def test_the_focus_stays_where_it_is_while_photos_load(visit: Callable[..., Page], service: Served) -> None:
    page = visit(service.url)
    choose(page, a_png=picture())
    remove = page.get_by_role("button", name="Remove a.png")
    remove.focus()
    choose(page, b_png=picture())
    until(
        lambda: page.locator(".chosen img").evaluate_all(
            "all => all.length === 2 && all.every(({ complete }) => complete)"
        )
    )
    page.locator(".chosen img").first.dispatch_event("load")
    expect(remove).to_be_focused()


@pytest.mark.parametrize("again", [(), ("photos read",)])
def test_back_from_the_result_is_the_form(
    again: tuple[str, ...], visit: Callable[..., Page], service: Served, astronaut: bytes
) -> None:
    page = visit(service.url)
    page.get_by_role("button", name="Try this photo").click()
    expect(page.get_by_role("heading", name="happy 99%")).to_be_visible()
    assert (page.url, page.title()) == (f"{service.url}/result", "mien: 1 photo read")
    for told in again:
        upload(page, me_jpg=astronaut, lawn_png=picture())
        expect(page).to_have_title(f"mien: 2 {told}")
    page.go_back()
    expect(page.get_by_role("heading", name="What does this face look like?")).to_be_visible()


def test_a_long_result_begins_at_its_top(visit: Callable[..., Page], service: Served, astronaut: bytes) -> None:
    page = visit(service.url, viewport={"width": 390, "height": 400})
    page.add_init_script(
        "window.places = []; addEventListener('scroll', () => document.title.includes('read') && places.push(scrollY))"
    )
    page.reload()
    upload(page, **{f"{number}_jpg": astronaut for number in range(4)})
    expect(page).to_have_title("mien: 4 photos read")
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate("[scrollY, Math.max(0, ...places)]") == [0, 0]


def test_one_of_several_models_is_chosen(
    visit: Callable[..., Page], serve: Any, astronaut: bytes, toy: Callable[..., Path], tmp_path: Path
) -> None:
    mine = toy(tmp_path / "mine", {"mine": ("awake", "asleep")}, name="mine")
    with serve(models=f"small {mine}") as served:
        page = visit(served.url)
        offered = page.get_by_label("Expressions").locator("option:not([disabled])")
        expect(offered).to_have_count(4)
        page.get_by_label("Model").select_option("mine")
        expect(offered).to_have_text(["Mine"])
        expect(page.get_by_label("Expressions")).to_have_value("mine")
        upload(page, me_jpg=astronaut)
        expect(page.get_by_role("row")).to_have_count(2)
        expect(page.get_by_label("Model")).to_have_value("mine")
        page.close()


def test_a_model_and_a_sample_that_are_none(service: Served, astronaut: bytes) -> None:
    german = {"Accept-Language": "de"}  # which has no words for these
    for field, told in (("model", "Model: expected one of small"), ("sample", "Sample: expected yes, or nothing")):
        file = {"file": ("a.jpg", astronaut)}
        answer = post(f"{service.url}/result", data={field: "other"}, files=file, headers=german)
        assert (answer.status_code, f'<span lang="en">{told}.</span>' in answer.text) == (422, True)


def test_files_of_any_name(visit: Callable[..., Page], service: Served, astronaut: bytes) -> None:
    page = visit(service.url)
    name = "<img src=x onerror=alert(1)> \"'{n}.jpg"
    file: FilePayload = {"name": name, "mimeType": "image/jpeg", "buffer": astronaut}
    page.get_by_label("Choose photos").set_input_files([file])
    assert names(page) == [name]
    page.get_by_role("button", name="Read the faces").click()
    expect(page.get_by_role("heading", level=2).first).to_have_text(name)

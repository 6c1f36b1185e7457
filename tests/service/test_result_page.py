"""What a result shows, how a face and its box belong together, what can be saved, and why a face got its word."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import needs_browser, picture, upload
from PIL import Image
from playwright.sync_api import Download, Page, expect
from served import Served, post
from shown import answer, drawn, late, unread

from mien.prediction import Explanation, Method

pytestmark = needs_browser


def content(download: Download) -> bytes:
    return Path(download.path()).read_bytes()


def saved(page: Page, name: str) -> bytes:
    with page.expect_download() as told:
        page.get_by_role("link", name=name, exact=True).click()
    assert told.value.suggested_filename == f"mien.{name.lower()}"
    return content(told.value)


def show(page: Page, *answers: Any) -> None:
    """Have the service's next result be of these answers."""
    page.route("**/result", lambda route: route.fulfill(content_type="text/html", body=drawn(answers)))
    page.get_by_role("button", name="Try this photo").click()
    page.get_by_role("heading", name="What the faces look like").wait_for()
    page.unroute("**/result")


def test_saved_files_say_what_the_api_says(visit: Callable[..., Page], service: Served, astronaut: bytes) -> None:
    files = [("file", ("me.jpg", astronaut)), ("file", ("lawn.png", picture())), ("file", ("torn.jpg", b"x"))]
    told = post(f"{service.url}/v1/predict", files=files).json()
    page = visit(service.url)
    upload(page, me_jpg=astronaut, lawn_png=picture(), torn_jpg=b"x")
    expect(page.get_by_text("3 photos, 1 face, 1 photo not read")).to_be_visible()
    assert json.loads(saved(page, "JSON")) == told
    rows = list(csv.DictReader(io.StringIO(saved(page, "CSV").decode())))
    assert [row["source"] for row in rows] == ["me.jpg", "lawn.png", "torn.jpg"]
    (face,) = told[0]["faces"]
    assert {name: float(rows[0][f"p_{name}"]) for name in face["probabilities"]} == face["probabilities"]
    assert rows[2]["error"] == told[2]["error"]
    shown = page.locator("[data-share]").evaluate_all("cells => cells.map(cell => Number(cell.dataset.share))")
    assert shown == sorted(face["probabilities"].values(), reverse=True)


def test_marked_photos_are_saved_as_a_zip(visit: Callable[..., Page], service: Served) -> None:
    page = visit(service.url)
    dark = Image.new("RGB", (400, 300), "#123456")
    show(page, answer(dark, "a/ü.jpg", 2), unread("torn.jpg"), answer(dark, "lawn.png", 0), answer(dark, "a/ü.jpg", 1))
    with page.expect_download() as told:
        page.get_by_role("button", name="Marked photos (ZIP)").click()
    assert told.value.suggested_filename == "mien-marked.zip"
    with zipfile.ZipFile(BytesIO(content(told.value))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["01 a_ü.jpg", "02 a_ü.jpg"]
        with Image.open(BytesIO(archive.read("01 a_ü.jpg"))) as marked:
            assert (marked.format, marked.size) == ("JPEG", (640, 480))  # enlarged, so that words can be read
            red, green, blue = np.moveaxis(np.asarray(marked), 2, 0)
            assert ((red > 180) & (green > 160) & (blue < 120)).any()  # happy's yellow


def test_marked_photos_that_cannot_be_saved_are_told(visit: Callable[..., Page], service: Served) -> None:
    page = visit(service.url)
    show(page, answer(Image.new("RGB", (400, 300)), "one.jpg", 1))
    page.evaluate(
        """() => { const { toBlob } = HTMLCanvasElement.prototype;
        window.enough = () => { HTMLCanvasElement.prototype.toBlob = toBlob; };
        HTMLCanvasElement.prototype.toBlob = (done) => done(null); }"""  # as where there is no memory
    )
    button = page.get_by_role("button", name="Marked photos (ZIP)")
    button.click()
    expect(page.get_by_role("alert")).to_have_text("The photos cannot be saved.")
    page.evaluate("enough()")
    with page.expect_download():
        button.click()
    expect(page.get_by_role("alert")).to_be_hidden()


@pytest.mark.parametrize("size", [(120, 1200), (60, 130), (48, 48), (48, 90), (1200, 120)])
def test_a_photo_keeps_its_shape(visit: Callable[..., Page], service: Served, size: tuple[int, int]) -> None:
    page = visit(service.url, viewport={"width": 1000, "height": 500})
    show(page, answer(Image.new("RGB", size), "long.jpg", 1))
    wide, high = page.locator("figure img").evaluate("each => [each.clientWidth, each.clientHeight]")
    assert wide / high == pytest.approx(size[0] / size[1], rel=0.02)
    assert max(wide, high) >= 192


def test_tags_of_a_saved_crowd_cover_nothing(visit: Callable[..., Page], service: Served) -> None:
    """What finds no room beside its face has a number there, and its words below the photo."""
    page = visit(service.url)
    show(page, answer(Image.new("RGB", (1000, 500)), "crowd.jpg", 50))
    page.evaluate(
        """() => { window.plates = [];
        CanvasRenderingContext2D.prototype.fillText = function (words, x, y) {
          plates.push([words, x, y, this.measureText(words).width]); }; }"""
    )
    with page.expect_download() as told:
        page.get_by_role("button", name="Marked photos (ZIP)").click()
    with (
        zipfile.ZipFile(BytesIO(content(told.value))) as archive,
        Image.open(BytesIO(archive.read("01 crowd.jpg"))) as marked,
    ):
        assert marked.width == 1000
        assert marked.height > 500
    drawn: list[tuple[str, float, float, float]] = page.evaluate("plates")
    for at, (one, x, y, wide) in enumerate(drawn):
        for other, left, top, width in drawn[at + 1 :]:
            assert abs(y - top) > 15 or x + wide < left or left + width < x, (one, other)


def test_a_face_and_its_box_mark_each_other(visit: Callable[..., Page], service: Served) -> None:
    page = visit(service.url)
    show(page, answer(Image.new("RGB", (400, 300)), "two.jpg", 2))
    card = page.get_by_role("article", name="Face 2: happy")
    box = page.get_by_role("link", name="Face 2: happy")
    for one, act in ((card, "hover"), (box, "hover"), (box, "focus")):
        getattr(one, act)()
        for each in (card, box):
            expect(each).to_contain_class("marked")
        page.get_by_role("heading", level=1).hover()
        page.evaluate("document.activeElement.blur()")
        for each in (card, box):
            expect(each).not_to_contain_class("marked")
    card.get_by_role("button", name="Why?").focus()
    expect(box).to_contain_class("marked")
    box.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#face-1-2$"))


@pytest.mark.parametrize("width", [390, 1280])
def test_fifty_faces_stay_usable(visit: Callable[..., Page], service: Served, width: int) -> None:
    page = visit(service.url, viewport={"width": width, "height": 800})
    show(page, answer(Image.new("RGB", (1000, 500)), "crowd.jpg", 50))
    expect(page.get_by_text("1 photo, 50 faces, 25 not sure")).to_be_visible()
    expect(page.get_by_role("article")).to_have_count(50)
    expect(page.locator("summary")).to_have_count(50)
    assert page.locator("tr:visible").count() == 150  # three each, and no wall of bars
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    right = "node => node.getBoundingClientRect().right"
    left = "node => node.getBoundingClientRect().left"
    beside = page.get_by_role("article").first.evaluate(left) > page.locator("figure").evaluate(right)
    assert beside == (width == 1280)
    if width == 1280:
        page.get_by_role("article").last.scroll_into_view_if_needed()
        expect(page.locator("figure")).to_be_in_viewport()  # it stays beside its cards


def test_several_photos_lead_to_each(visit: Callable[..., Page], service: Served) -> None:
    page = visit(service.url)
    photo = Image.new("RGB", (400, 300), "navy")
    show(page, answer(photo, "a.jpg", 2), late("late.jpg"), answer(photo, "b.jpg", 0), unread("torn.jpg"))
    expect(
        page.get_by_text("4 photos, 2 faces, 1 not sure, 1 photo not read in time, 1 photo not read")
    ).to_be_visible()
    expect(page.get_by_text("There was no time to read this photo: send it again, alone.")).to_be_visible()
    expect(page.get_by_text("This photo cannot be read. Damaged or cut short.")).to_be_visible()
    overview = page.get_by_role("navigation", name="Photos of this result").get_by_role("link")
    assert overview.all_inner_texts() == [
        "a.jpg\n2 faces, 1 not sure",
        "late.jpg\nnot read in time",
        "b.jpg\n0 faces",
        "torn.jpg\nnot read",
    ]
    assert overview.first.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 400
    overview.nth(2).click()
    expect(page).to_have_url(re.compile("#photo-3$"))
    expect(page.get_by_role("heading", name="b.jpg")).to_be_in_viewport()


def test_why_a_face_got_its_word(visit: Callable[..., Page], service: Served, astronaut: bytes) -> None:
    page = visit(service.url)
    page.get_by_label("Expressions").select_option("Happy or sad")
    page.get_by_label("Kind of photos").select_option("Posed faces: all expressions equally often")
    upload(page, me_jpg=astronaut)
    why = page.get_by_role("button", name="Why?")
    with page.expect_response("**/v1/predict?*") as asked:
        why.click()
    query = "model=small&labels=happy-sad&prior=balanced&crop=whole&explain=true"
    assert asked.value.url == f"{service.url}/v1/predict?{query}"
    (face,) = asked.value.json()["faces"]
    assert face["label"] == "happy"
    expect(why).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("status").filter(has_text=re.compile("^(Orange|Without)"))).to_be_visible()
    why.click()
    expect(page.locator(".why")).to_be_hidden()


@pytest.mark.parametrize(
    ("told", "words", "painted"),
    [
        (("happy", "occlusion", 0.5, -0.2), "at the bottom right: from 80% to 30%. Blue: hiding", True),
        (("happy", "occlusion", 0.5, 0.0), "at the bottom right: from 80% to 30%.", True),
        (
            ("happy", "occlusion", 0.004, 0.0),
            "Whichever part is hidden, the confidence in “happy” changes by less",
            True,
        ),
        (
            ("happy", "cam", 0.5, -0.2),
            "at the bottom right. Without that part, the confidence falls from 80% to 30%.",
            True,
        ),
        (("happy", "cam", 0.5, -0.2), "Blue: what mien sees here speaks against it.", True),
        (("happy", "cam", 0.004, 0.0), "Without what mien sees in any one part, the confidence", True),
        (("sad", "cam", 0.5, 0.0), "the face gets another word", False),
        (None, "There is no answer now.", False),
    ],
)
def test_why_in_words(
    visit: Callable[..., Page],
    service: Served,
    told: tuple[str, Method, float, float] | None,
    words: str,
    painted: bool,
) -> None:
    page = visit(service.url)
    show(page, answer(Image.new("RGB", (400, 300)), "one.jpg", 1))
    if told:
        label, method, most, least = told
        parts = 3 if method == "cam" else 7
        lost = [[0.0] * parts for _ in range(parts)]
        lost[0][0], lost[-1][-1] = least, most
        explanation = Explanation(method, tuple(map(tuple, lost)))
        face = {"label": label, "confidence": 0.8, "explanation": explanation.to_dict()}
    status, body = (200, json.dumps({"faces": [face]})) if told else (429, "{}")
    page.route("**/v1/predict?*", lambda route: route.fulfill(status=status, body=body))
    page.get_by_role("button", name="Why?").click()
    expect(page.locator(".why p")).to_contain_text(words)
    assert ("Blue" in page.locator(".why p").inner_text()) == bool(told and told[0] == "happy" and told[3])
    inked = page.locator(".why canvas").evaluate(
        "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(value => value)"
    )
    assert inked == painted


def test_nothing_of_a_result_can_be_fetched_again(service: Served, astronaut: bytes) -> None:
    page = post(f"{service.url}/result", files={"file": ("me.jpg", astronaut)}).text
    links = [part.split('"')[0] for part in page.split('href="')[1:]]
    assert {link.split("/")[0] for link in links if not link.startswith(("/", "#"))} == {
        "data:text",
        "data:application",
    }
    held = page.split('id="picture-1" src="data:image/jpeg;base64,')[1].split('"')[0]
    with Image.open(BytesIO(base64.b64decode(held))) as image:
        assert image.size == (512, 512)

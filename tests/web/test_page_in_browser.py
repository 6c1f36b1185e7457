"""The page in a real browser: opened from a file it reads as Python does, and asks nobody for anything."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow.parquet as pq
import pytest
from asking import assert_alike
from browsing import NARROWEST, SCHEMES, needs_browser, new_page, wide, wrong
from filmed import Film
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, expect
from served import get, serving
from waiting import until

import mien
from mien import artifact
from mien.draw import colour_of
from mien.page import RUNTIME, write_page

pytestmark = needs_browser

CROPS = 40
OWN = ("o" * 60, "e" * 60, "happy")
LISTENING = """() => {
  window.told = [];
  const state = document.querySelector("#state");
  new MutationObserver(() => told.push(state.textContent)).observe(state, { childList: true });
}"""
"""Keeps what the page says from here on as `told`."""
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def address(runtime: bytes, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the page of the default model is."""
    file = tmp_path_factory.mktemp("page") / "mien.html"
    write_page(file, artifact.read(artifact.find()), runtime)
    return file.as_uri()


@pytest.fixture(scope="module")
def own(runtime: bytes, toy: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the page of a model of one's own is, which says `OWN`."""
    folder = tmp_path_factory.mktemp("own")
    write_page(folder / "mine.html", artifact.read(toy(folder / "mine", {"mine": OWN})), runtime)
    return (folder / "mine.html").as_uri()


@contextmanager
def opening(browser: Browser, address: str) -> Iterator[Open]:
    """Opens the page, with the reader ready; it may ask for nothing from the start, and nothing may fail in it."""
    pages: list[Page] = []
    served: list[str] = []
    asked: list[str] = []
    faults: list[str] = []

    def open_page(address: str = address, **options: Any) -> Page:
        served.append(address)
        page = new_page(browser, **options)
        pages.append(page)
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(address)
        page.locator("#state[data-ready=yes]").wait_for()
        return page

    yield open_page
    for page in pages:
        page.close()
    assert [url for url in asked if not url.startswith(("data:", "blob:")) and url not in served] == []
    assert faults == []


@pytest.fixture
def opened(browser: Browser, address: str) -> Iterator[Open]:
    """Pages of a test's own: what moves in one is not read for the rest of them."""
    with opening(browser, address) as open_page:
        yield open_page


@pytest.fixture(scope="module")
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page for all tests that leave nothing moving in it."""
    with opening(browser, address) as open_page:
        yield open_page()


def read(page: Page, files: dict[str, bytes]) -> list[dict[str, Any]]:
    """What the page saves of files, by name, that are chosen on it: the newest answers."""
    before = page.locator("section.photo").count()
    chosen: list[FilePayload] = [
        {"name": name, "mimeType": f"image/{Path(name).suffix[1:]}", "buffer": content}
        for name, content in files.items()
    ]
    page.locator("#files").set_input_files(chosen)
    expect(page.locator("section.photo:not([aria-busy])")).to_have_count(before + len(files))
    answers: list[dict[str, Any]] = json.loads(saved(page, "#json"))
    return answers[-len(files) :]


def saved(page: Page, button: str) -> str:
    with page.expect_download() as download:
        page.locator(button).click()
    return Path(download.value.path()).read_text()


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def test_photos_however_they_are_kept(page: Page, astronaut: bytes) -> None:
    photo = Image.open(io.BytesIO(astronaut))
    turned = photo.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    clear = photo.convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(photo.size))
    files = {
        "plain.jpeg": astronaut,
        "turned.jpeg": encoded(turned, "JPEG", exif=exif, quality=95),
        "lying.jpeg": encoded(photo, "JPEG", xmp=b'<rdf:Description tiff:Orientation="6"/>', quality=95),
        "clear.png": encoded(clear, "PNG"),
        "gray.png": encoded(photo.convert("L"), "PNG"),
        "few.png": encoded(photo.quantize(64), "PNG"),
        "web.webp": encoded(photo, "WEBP", lossless=True),
        "large.jpeg": encoded(photo.resize((5000, 5000)), "JPEG", quality=80),
        "none.png": encoded(Image.new("RGB", (300, 200), "green"), "PNG"),
    }
    for mine, (name, content) in zip(read(page, files), files.items(), strict=True):
        assert mine["source"] == name
        assert_alike({**mine, "source": "<bytes>"}, mien.load().predict(content).to_dict())


def test_a_webp_is_turned_as_its_exif_block_asks(page: Page, astronaut: bytes) -> None:
    photo = Image.open(io.BytesIO(astronaut)).resize((300, 240))
    ways = Image.Transpose
    flipped = ways.FLIP_LEFT_RIGHT, ways.ROTATE_180, ways.FLIP_TOP_BOTTOM
    stored = None, *flipped, ways.TRANSPOSE, ways.ROTATE_90, ways.TRANSVERSE, ways.ROTATE_270
    aside = photo.transpose(ways.ROTATE_90)
    begin, tag = b"MM\0*\0\0\0\x08\0\1", b"\1\x12\0\3\0\0\0\1\0\6\0\0" + bytes(4)
    blocks = {
        "big.webp": (aside, begin + tag),
        "named.webp": (aside, b"Exif\0\0" * 2 + begin + tag),
        "cut.webp": (photo, begin + tag[:6]),
        "nine.webp": (photo, begin + tag.replace(b"\6", b"\x09")),
        "none.webp": (photo, b"words"),
    }
    for orientation, way in enumerate(stored, 1):
        exif = Image.Exif()
        exif[0x0112] = orientation
        blocks[f"{orientation}.webp"] = (photo if way is None else photo.transpose(way), exif.tobytes())
    files = {name: encoded(lying, "WEBP", exif=exif, lossless=True) for name, (lying, exif) in blocks.items()}
    upright = mien.load().predict(photo).to_dict()
    for mine, (name, content) in zip(read(page, files), files.items(), strict=True):
        assert_alike({**mine, "source": "<bytes>"}, mien.load().predict(content).to_dict())
        assert_alike({**mine, "source": "<image>"}, upright)
        shown = page.locator("section.photo", has_text=name).locator("figure img")
        assert shown.evaluate("image => [image.naturalWidth, image.naturalHeight]") == list(photo.size)


def test_what_cannot_be_read_is_told(page: Page, astronaut: bytes) -> None:
    files = {
        "empty.jpeg": (b"", "empty"),
        "words.png": (b"hello", "does not read"),
        "cut.png": (encoded(Image.open(io.BytesIO(astronaut)), "PNG")[:30_000], "damaged"),
        "print.jpeg": (encoded(Image.new("CMYK", (60, 40)), "JPEG"), "CMYK"),
        "huge.png": (encoded(Image.new("1", (8000, 7000)), "PNG"), "over the limit of 50 million"),
    }
    answers = read(page, {name: content for name, (content, _) in files.items()})
    for answer, (_, why) in zip(answers, files.values(), strict=True):
        assert why in answer["error"]
        assert not answer["faces"]
        assert answer["width"] == 0
    for _, why in files.values():
        expect(page.locator(".photo .fault", has_text=why).first).to_be_visible()


ODD = """() => {
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (ask, given) {
    window.spied = this;
    const odd = { 300: { ...ask, source: { data: 1 } }, 301: null }[ask.source?.width];
    if (odd === undefined) post.call(this, ask, given);
    else if (odd) post.call(this, odd);
  };
}"""
"""The worker, `spied` once it is asked, fails at pictures 300 px wide, and answers nothing about those of 301 px."""


def test_a_fault_of_the_worker_loses_no_other_photo(opened: Open, astronaut: bytes) -> None:
    page = opened()
    page.evaluate(ODD)
    odd = encoded(Image.new("RGB", (300, 200), "green"), "PNG")
    failed, told = read(page, {"odd.png": odd, "me.jpeg": astronaut})
    assert (failed["source"], bool(failed["error"])) == ("odd.png", True)
    assert told["faces"][0]["label"] == "happy"
    expect(page.locator("section.photo .fault")).to_contain_text("This photo cannot be read.")
    expect(page.locator("#state")).to_have_text("2 photos, 1 face, 1 photo not read")


def test_once_the_worker_is_gone_each_photo_says_so(opened: Open, astronaut: bytes) -> None:
    page = opened()
    page.evaluate(ODD)
    chosen: FilePayload = {
        "name": "last.png",
        "mimeType": "image/png",
        "buffer": encoded(Image.new("RGB", (301, 200), "green"), "PNG"),
    }
    page.locator("#files").set_input_files([chosen])
    until(lambda: page.evaluate("'spied' in window"))
    page.evaluate("spied.dispatchEvent(new ErrorEvent('error', { message: 'out of memory' }))")
    expect(page.locator("section.photo .fault")).to_have_text("This photo cannot be read. Out of memory.")
    (answer,) = read(page, {"me.jpeg": astronaut})
    assert answer["error"] == "out of memory"


def test_without_a_reader_it_is_said_whatever_is_chosen(browser: Browser, address: str, astronaut: bytes) -> None:
    page = new_page(browser)
    page.add_init_script(
        """window.Worker = class extends EventTarget {
          postMessage({ id }) {
            const told = new MessageEvent('message', { data: { id, fault: 'too old' } });
            queueMicrotask(() => this.dispatchEvent(told));
          } };"""
    )
    page.goto(address)
    expect(page.locator("#state")).to_have_text("The reader cannot start in this browser. too old")
    (answer,) = read(page, {"me.jpeg": astronaut})
    assert answer["error"] == "too old"
    expect(page.locator("#state")).to_have_text("The reader cannot start in this browser. too old")
    page.close()


def test_own_labels_have_the_colours_that_they_have_everywhere(own: str, opened: Open, astronaut: bytes) -> None:
    page = opened(own)
    read(page, {"me.jpeg": astronaut})
    bars = page.locator("tr").evaluate_all(
        "rows => rows.map((row) => [row.cells[0].textContent, row.querySelector('i').style.background])"
    )
    assert dict(bars) == {label: "rgb({}, {}, {})".format(*colour_of(label)) for label in OWN}


def test_own_labels_are_no_wider_than_the_smallest_phone(own: str, opened: Open, astronaut: bytes, media: Path) -> None:
    page = opened(own, viewport={"width": NARROWEST, "height": 640})
    read(page, {"me.jpeg": astronaut})
    assert wide(page) <= NARROWEST
    photo = base64.b64encode((media / "multi_face.jpg").read_bytes()).decode()
    page.evaluate(PAINTED, f"data:image/jpeg;base64,{photo}")
    page.locator("#camera").click()
    expect(page.locator("#stage .list li")).to_have_count(5)
    assert wide(page) <= NARROWEST


def test_media(page: Page, media: Path) -> None:
    files = {path.name: path.read_bytes() for path in sorted(media.glob("*.jpg"))}
    for mine, content in zip(read(page, files), files.values(), strict=True):
        assert_alike({**mine, "source": "<bytes>"}, mien.load().predict(content).to_dict())


def test_crops_of_fer2013(opened: Open, fer2013: Path) -> None:
    cells = pq.read_table(fer2013 / "valid.parquet", columns=["image"]).column("image").slice(0, CROPS).to_pylist()
    files = {f"{number}.png": cell["bytes"] for number, cell in enumerate(cells)}
    mine = read(opened(), files)
    theirs = [each.to_dict() for each in mien.load().predict(list(files.values()))]
    for one, other in zip(mine, theirs, strict=True):
        assert_alike({**one, "source": "<bytes>"}, other)


def test_the_table_is_that_of_the_command_line(page: Page, astronaut: bytes) -> None:
    read(page, {"=me.jpeg": astronaut})
    *_, last = csv.DictReader(io.StringIO(saved(page, "#csv")))
    expected = mien.to_table(mien.load().predict(astronaut)).rows[0]
    assert list(last) == list(expected)
    assert last["source"] == "'=me.jpeg"
    assert (last["label"], last["uncertain"]) == (expected["label"], str(expected["uncertain"]))


def test_what_is_saved_is_all_that_was_read(opened: Open, astronaut: bytes) -> None:
    page = opened()
    frame = np.asarray(Image.open(io.BytesIO(astronaut)).resize((320, 240)))
    film = Film([frame] * 5, form="webm", codec="libvpx-vp9", rate=5).made()
    photo, video = ("image/jpeg", astronaut), ("video/webm", film)
    files = {
        "before.jpeg": photo,
        "one.webm": video,
        "words.webm": ("video/webm", b"hello"),
        "two.webm": video,
        "after.jpeg": photo,
    }
    chosen: list[FilePayload] = [
        {"name": name, "mimeType": kind, "buffer": content} for name, (kind, content) in files.items()
    ]
    page.locator("#files").set_input_files(chosen)
    expect(page.locator("section.photo:not([aria-busy])")).to_have_count(3)
    expect(page.locator("section.photo .fault")).to_contain_text("This video cannot be played.")
    answers = json.loads(saved(page, "#json"))
    assert list(dict.fromkeys(each["source"] for each in answers)) == list(files)
    assert {each["source"] for each in answers if "time_s" in each} == {"one.webm", "two.webm"}
    assert [each["source"] for each in answers if each["error"]] == ["words.webm"]
    rows = list(csv.DictReader(io.StringIO(saved(page, "#csv"))))
    assert [(row["source"], row["time_s"]) for row in rows] == [
        (each["source"], str(each.get("time_s", ""))) for each in answers
    ]


def test_what_came_of_a_photo_is_said(opened: Open, astronaut: bytes) -> None:
    page = opened()
    page.evaluate(LISTENING)
    read(page, {"me.jpeg": astronaut})
    expect(page.locator("#state")).to_have_text("1 photo, 1 face")
    assert list(dict.fromkeys(page.evaluate("told.splice(0)")))[-2:] == ["Reading the faces.", "1 photo, 1 face"]
    read(page, {"lawn.png": encoded(Image.new("RGB", (300, 200), "green"), "PNG"), "words.png": b"hello"})
    expect(page.locator("#state")).to_have_text("2 photos, 0 faces, 1 photo not read")
    page.locator("#camera").click()
    expect(page.locator("#state")).to_have_text("The reader is ready.")


def test_how_far_it_is_with_several_files(opened: Open, astronaut: bytes) -> None:
    page = opened()
    page.evaluate(LISTENING)
    read(page, {f"{number}.jpeg": astronaut for number in range(3)})
    expect(page.locator("#state")).to_have_text("3 photos, 3 faces")
    told = [each for each in page.evaluate("told") if each.startswith("Reading")]
    assert list(dict.fromkeys(told)) == [f"Reading file {number} of 3." for number in (1, 2, 3)]


def test_faces_are_numbered_as_their_cards(opened: Open, media: Path, astronaut: bytes) -> None:
    page = opened()
    page.evaluate(
        "() => { window.drawn = []; CanvasRenderingContext2D.prototype.fillText = (words) => drawn.push(words); }"
    )
    read(page, {"one.jpeg": astronaut})
    assert page.evaluate("drawn.splice(0)") == ["happy 99%"]
    (several,) = read(page, {"several.jpeg": (media / "multi_face.jpg").read_bytes()})
    numbers = [str(number) for number, _ in enumerate(several["faces"], 1)]
    assert page.evaluate("drawn") == numbers
    expect(page.locator("section.photo").last.locator("h3 .number")).to_have_text([f"Face {each}:" for each in numbers])


def test_faces_on_a_strip_are_marked_too(opened: Open, astronaut: bytes) -> None:
    page = opened()
    page.evaluate(
        """() => {
        window.drawn = [];
        CanvasRenderingContext2D.prototype.strokeRect = () => drawn.push('box');
        CanvasRenderingContext2D.prototype.fillText = (words) => drawn.push(words); }"""
    )
    strip = Image.new("RGB", (2600, 150), "gray")
    for x in (300, 1500):
        strip.paste(Image.open(io.BytesIO(astronaut)).crop((100, 40, 350, 190)), (x, 0))
    (answer,) = read(page, {"strip.png": encoded(strip, "PNG")})
    assert len(answer["faces"]) == 2
    drawn = page.evaluate("drawn")
    assert [each for each in drawn if each != "box"] == ["1", "2"]
    assert drawn.count("box") == 2 * 2  # its ink, and its colour


def test_a_face_crop_is_shown_large_enough_to_see_it_beside_its_words(page: Page, astronaut: bytes) -> None:
    crop = Image.open(io.BytesIO(astronaut)).crop((170, 60, 290, 180)).resize((48, 48))
    read(page, {"crop.png": encoded(crop, "PNG")})
    figure = page.locator("section.photo").last.locator("figure")
    for part in ("img", "canvas"):
        assert figure.locator(part).evaluate("each => each.getBoundingClientRect().width") >= 192
    assert figure.locator("canvas").evaluate("canvas => canvas.width") >= 192


def test_a_tall_photo_keeps_its_shape(page: Page) -> None:
    read(page, {"tall.png": encoded(Image.new("RGB", (120, 1200), "green"), "PNG")})
    image = page.locator("section.photo img").last
    wide, high = image.evaluate("each => [each.clientWidth, each.clientHeight]")
    assert wide / high == pytest.approx(0.1, rel=0.02)


def test_the_camera(opened: Open) -> None:
    page = opened()
    page.locator("#camera").click()
    expect(page.locator("#stage article.face")).to_have_attribute("data-label", "happy")
    page.evaluate("dispatchEvent(new ClipboardEvent('paste', { clipboardData: new DataTransfer() }))")  # no file
    expect(page.locator("#stage")).to_be_visible()
    page.locator("#stop").click()
    expect(page.locator("#stage")).to_be_hidden()


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("Promise.reject(new DOMException('no', 'NotAllowedError'))", "Allow the camera for this page"),
        ("Promise.reject(new DOMException('no', 'NotFoundError'))", "There is no camera."),
        ("Promise.reject(new DOMException('no', 'NotReadableError'))", "The camera is in use."),
        ("Promise.reject(new TypeError('out of order'))", "The browser says why: out of order"),
        ("Promise.resolve((window.stream = document.createElement('canvas').captureStream()))", "The camera is gone."),
    ],
)
def test_why_there_is_no_camera(opened: Open, script: str, told: str) -> None:
    page = opened()
    page.evaluate(f"() => {{ navigator.mediaDevices.getUserMedia = () => {script}; }}")
    page.locator("#camera").click()
    if "gone" in told:
        until(lambda: page.evaluate("document.querySelector('video').srcObject !== null"))
        page.evaluate("stream.getTracks().forEach((track) => track.stop())")
    expect(page.locator("#state")).to_contain_text(told)
    expect(page.locator("#stage")).to_be_hidden()
    expect(page.locator("#camera")).to_be_focused()
    assert wrong(page) == []


def test_a_page_that_is_not_secure_has_no_camera(opened: Open) -> None:
    page = opened()
    page.evaluate("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
    page.locator("#camera").click()
    expect(page.locator("#state")).to_contain_text("Browsers give the camera to secure pages only.")


PAINTED = """(address) => {
const canvas = document.createElement('canvas');
const pen = canvas.getContext('2d');
const photo = new Image();
photo.src = address;
navigator.mediaDevices.getUserMedia = async () => {
  await photo.decode();
  [canvas.width, canvas.height] = [photo.naturalWidth, photo.naturalHeight];
  window.on = true;
  setInterval(() => window.on && pen.drawImage(photo, 0, 0), 50);
  return (window.stream = canvas.captureStream()); }; }"""


def test_several_faces_before_the_camera(opened: Open, media: Path) -> None:
    """Each is told in words, nothing is said again and again, and it is told where no picture comes any more."""
    page = opened()
    photo = base64.b64encode((media / "multi_face.jpg").read_bytes()).decode()
    page.evaluate(PAINTED, f"data:image/jpeg;base64,{photo}")
    page.locator("#camera").click()
    expect(page.locator("#stop")).to_be_focused()
    expect(page.locator("#stage .list li")).to_have_count(5)
    expect(page.locator("#stage .list li").first).to_have_text(re.compile(r"^1: happy \d\d%$"))
    expect(page.locator("#stage [role=status]")).to_have_text("Live.")
    expect(page.locator("#stage .rate")).to_have_text(re.compile(r"^Pictures a second: \d+$"))
    assert wrong(page) == []
    page.evaluate("window.on = false")
    expect(page.locator("#stage [role=status]")).to_contain_text("The camera gives no picture.")
    expect(page.locator("#stage .list li")).to_have_count(0)
    assert page.locator("#stage canvas").evaluate("canvas => canvas.width") == 0


def test_a_camera_without_any_picture_is_told_in_time(opened: Open) -> None:
    page = opened()
    page.evaluate(
        """() => { navigator.mediaDevices.getUserMedia = async () => {
          const canvas = document.createElement('canvas');
          canvas.getContext('2d');
          return canvas.captureStream(0); }; }"""
    )
    page.clock.install(time=0)
    page.clock.pause_at(1)
    page.locator("#camera").click()
    until(lambda: page.evaluate("document.querySelector('video').srcObject !== null"))
    page.clock.run_for(3500)
    expect(page.locator("#stage [role=status]")).to_contain_text("The camera gives no picture.")


def test_the_camera_sees_nothing_while_nobody_sees_the_page(opened: Open) -> None:
    page = opened()
    page.locator("#camera").click()
    expect(page.locator("#stage article.face")).to_be_visible()
    enabled = "document.querySelector('video').srcObject.getTracks().every((track) => track.enabled)"
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    until(lambda: not page.evaluate(enabled))
    page.evaluate("Object.defineProperty(document, 'hidden', { value: false, configurable: true })")
    until(lambda: page.evaluate(enabled))


def test_an_image_that_is_a_line_is_shown(page: Page) -> None:
    read(page, {"line.png": encoded(Image.new("RGB", (1, 400), "red"), "PNG")})
    width, height = page.locator("section.photo canvas").last.evaluate("canvas => [canvas.width, canvas.height]")
    assert max(width, height) <= 1600


def test_without_javascript_it_is_said_that_it_needs_it(browser: Browser, address: str) -> None:
    page = new_page(browser, java_script_enabled=False)
    page.goto(address)
    expect(page.locator("main .fault").first).to_be_visible()
    expect(page.locator("main .fault").first).to_have_text("This page needs JavaScript.")
    expect(page.get_by_role("button")).to_have_count(0)
    page.close()


def test_a_camera_that_is_allowed_once_nobody_wants_it_is_switched_off(opened: Open, astronaut: bytes) -> None:
    page = opened()
    page.evaluate(
        """() => {
        window.stream = document.createElement('canvas').captureStream();
        navigator.mediaDevices.getUserMedia = () =>
          new Promise((allow, refuse) => Object.assign(window, { allow, refuse }));
        }"""
    )
    page.locator("#camera").click()
    read(page, {"one.jpeg": astronaut})
    page.evaluate("allow(stream)")
    page.wait_for_function("stream.getTracks().every((track) => track.readyState === 'ended')")
    page.locator("#camera").click()
    read(page, {"two.jpeg": astronaut})
    page.evaluate("refuse(new Error('no'))")
    read(page, {"three.jpeg": astronaut})
    expect(page.locator("#state")).to_have_text("1 photo, 1 face")


def test_who_comes_back_to_the_page_finds_the_camera_off(opened: Open) -> None:
    """A browser may keep a page that is left; WebKit does with a camera that it has cut off, which is no fault."""
    page = opened()
    page.locator("#camera").click()
    expect(page.locator("#stage article.face")).to_be_visible()
    page.evaluate("window.track = document.querySelector('video').srcObject.getTracks()[0]")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    expect(page.locator("#stage")).to_be_hidden()
    assert page.evaluate("track.readyState") == "ended"
    expect(page.locator("#state")).to_have_text("The reader is ready.")
    page.locator("#camera").click()
    expect(page.locator("#stage article.face")).to_be_visible()


def test_a_video_that_is_left_before_it_plays_is_no_fault(opened: Open, astronaut: bytes) -> None:
    page = opened()
    film = Film([np.zeros((48, 64, 3), np.uint8)] * 5, form="webm", codec="libvpx-vp9").made()
    page.evaluate(
        """(files) => {
        for (const [name, type, content] of files) {
          const clipboardData = new DataTransfer();
          clipboardData.items.add(new File([new Uint8Array(content)], name, { type }));
          dispatchEvent(new ClipboardEvent('paste', { clipboardData }));
        }
        }""",
        [["a.webm", "video/webm", list(film)], ["b.jpeg", "image/jpeg", list(astronaut)]],
    )
    expect(page.locator("section.photo:not([aria-busy]) article.face")).to_have_count(1)
    expect(page.locator("section.photo")).to_have_count(1)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing(page: Page, astronaut: bytes, scheme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=scheme)
    read(page, {"me.jpeg": astronaut, "words.png": b"hello"})
    assert wrong(page) == []


def test_a_phone_in_german(opened: Open, astronaut: bytes) -> None:
    page = opened(viewport={"width": 360, "height": 740}, locale="de-AT", has_touch=True)
    read(page, {"ich.jpeg": astronaut, "leer.png": b"", "text.png": b"hello"})
    faults = page.locator(".photo .fault span[lang=de]")
    expect(faults).to_have_text(
        ["Leer: kein Inhalt.", "Beschädigt, unvollständig oder von einer Art, die dieser Browser nicht liest."]
    )
    assert page.locator("html").get_attribute("lang") == "de"
    expect(page.locator("article.face .word")).to_have_text("fröhlich")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_service_offers_it(opened: Open, runtime: bytes, tmp_path: Path, astronaut: bytes) -> None:
    file = tmp_path / RUNTIME
    file.write_bytes(runtime)
    with serving(runtime=file, root_path="/mien") as served:
        address = f"{served.url}/mien/private"
        for path in ("/", "/live", "/docs", "/nothing"):
            linking = get(f"{served.url}/mien{path}", headers={"Accept": "text/html", "Accept-Language": "de"})
            assert '<a href="/mien/private">Privat</a>' in linking.text
        assert "Die private Seite liest sie dort." in get(f"{served.url}/mien/", headers={"Accept-Language": "de"}).text
        first = get(address)
        assert "connect-src 'none'" in first.headers["content-security-policy"]
        assert get(address, headers={"If-None-Match": first.headers["etag"]}).status_code == 304
        assert get(address, headers={"Accept-Encoding": "identity"}).text == first.text
        page = opened(address)
        assert page.get_by_role("link", name="mien").evaluate("link => link.href") == f"{served.url}/mien/"
        (answer,) = read(page, {"me.jpeg": astronaut})
    assert answer["faces"][0]["label"] == "happy"

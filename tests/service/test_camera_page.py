"""The camera page in a real browser, in each of its states; where an answer matters, the service's part is played."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from browsing import CAMERA, NARROWEST, barriers, launched, needs_browser, new_page, wide
from PIL import Image, ImageChops
from playwright.sync_api import Browser, Download, Page, Playwright, WebSocketRoute, expect
from served import Served, begin
from waiting import until

pytestmark = needs_browser

BUSY = "The service is busy"
RATE = "Too many requests"
HIDE = """(hidden) => {
  Object.defineProperty(document, "visibilityState", { value: hidden ? "hidden" : "visible", configurable: true });
  document.dispatchEvent(new Event("visibilitychange")); }"""


def face(label: str = "happy", box: tuple[float, ...] = (200, 100, 300, 200), *reasons: str) -> dict[str, Any]:
    shares = {"happy": 0.1, "neutral": 0.1, label: 0.8}
    return {
        "box": box,
        "label": label,
        "confidence": shares[label],
        "probabilities": shares,
        "uncertain": bool(reasons),
        "reasons": reasons,
    }


def faces(*found: dict[str, Any]) -> dict[str, Any]:
    return {"width": 640, "height": 480, "faces": found, "ms": 5, "skipped": 0}


def refusal(error: str) -> dict[str, Any]:
    return {"error": error, "ms": 0, "skipped": 0}


CROWD = faces(*(face("neutral", (x, y, x + 155, y + 115)) for x in (0, 160, 320, 480) for y in (0, 120, 240, 360)))


def denying(code: int, reason: str) -> Callable[[WebSocketRoute], None]:
    return lambda route: route.close(code=code, reason=reason)


def failing(name: str) -> str:
    """A browser whose camera fails so."""
    fault = f"() => Promise.reject(new DOMException('out of order', '{name}'))"
    return f"navigator.mediaDevices.getUserMedia = {fault}"


NO_PICTURE = """navigator.mediaDevices.getUserMedia = async () => {
  const canvas = document.createElement("canvas");
  canvas.getContext("2d");
  return canvas.captureStream(0); }"""


@dataclass(frozen=True)
class State:
    """How a state comes about, and what the page says then.

    Args:
        words: of the status.
        script: run before the page's own.
        service: plays the service's part, or is its answer to each frame; None for the real one.
        started: whether the camera is started.
        then: run in the page once it is live.
    """

    words: str | re.Pattern[str]
    script: str = ""
    service: Callable[[WebSocketRoute], None] | dict[str, Any] | None = None
    started: bool = True
    then: str = ""


STATES = {
    "off": State("The camera is off.", started=False),
    "insecure": State(
        re.compile("^Browsers give the camera to secure pages only."),
        "Object.defineProperty(navigator, 'mediaDevices', { value: undefined })",
        started=False,
    ),
    "asking": State(
        'Your browser asks for your permission. Choose "Allow".',
        "navigator.mediaDevices.getUserMedia = () => new Promise(() => {})",
    ),
    "refused": State(re.compile("^Allow the camera for this page"), failing("NotAllowedError")),
    "missing": State("Connect a camera. Then start it here.", failing("NotFoundError")),
    "taken": State(re.compile("^Another program uses the camera."), failing("NotReadableError")),
    "broken": State(re.compile("^The browser says why:\\s*out of order$"), failing("TypeError")),
    "connecting": State(
        "Connecting to the service.", "window.WebSocket = class { close() {} }; WebSocket.prototype.readyState = 0"
    ),
    "live": State("Live.", service=faces(face("happy"))),
    "several": State(
        "Live.",
        service=faces(face("happy"), face("sad", (320, 90, 420, 200), "blurred"), face("neutral", (20, 60, 120, 180))),
    ),
    "crowded": State("Live.", service=CROWD),
    "noface": State("Live. There is no face in the picture.", service=faces()),
    "busy": State("The service is busy. The camera goes on more slowly.", service=refusal(BUSY)),
    "rate": State(re.compile("^There are too many requests from here."), service=refusal(RATE)),
    "unread": State(re.compile("could not read this picture.*stray light"), service=refusal("stray light")),
    "slow": State("The service has not answered for some seconds.", service=lambda route: None),
    "dark": State(re.compile("^The camera gives no picture."), NO_PICTURE, faces()),
    "trying": State("The connection to the service is lost.", service=denying(1011, "")),
    "full": State("The service takes no more cameras at the moment.", service=denying(1013, f"{BUSY}: no more")),
    "denied": State(
        re.compile("^The service says why:\\s*cameras are off today$"), service=denying(1008, "cameras are off today")
    ),
    "hidden": State("Paused while you do not see this page.", service=faces(face()), then=f"({HIDE})(true)"),
    "gone": State(
        "Connect the camera again. Then start it here.",
        service=faces(face()),
        then="document.querySelector('video').srcObject.getTracks()[0].dispatchEvent(new Event('ended'))",
    ),
}


def playing(answer: dict[str, Any]) -> Callable[[WebSocketRoute], None]:
    """A service that gives the same answer to each frame."""
    told = json.dumps(answer)
    return lambda route: route.on_message(lambda _: route.send(told))


Open = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, service: Served) -> Iterator[Open]:
    """Opens the camera page in a state; it asks nobody but the service, and nothing in it may fail."""
    pages: list[Page] = []
    asked: list[str] = []
    faults: list[str] = []

    def open_page(state: State = STATES["off"], url: str = service.url, of: Browser = browser, **options: Any) -> Page:
        page = new_page(of, **{"locale": "en", "viewport": {"width": 1280, "height": 900}} | options)
        pages.append(page)
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        if state.script:
            page.add_init_script(state.script)
        if state.service is not None:
            played = playing(state.service) if isinstance(state.service, dict) else state.service
            page.route_web_socket(re.compile("/live/frames"), played)
        page.goto(f"{url}/live")
        if state.started:
            page.get_by_role("button", name="Start the camera").click()
        if state.then:
            expect(page.get_by_role("status")).to_have_text("Live.")
            page.evaluate(state.then)
        return page

    yield open_page
    for page in pages:
        page.context.close()
    assert [url for url in asked if not url.startswith(("http://127.0.0.1:", "blob:http://127.0.0.1:"))] == []
    assert [fault for fault in faults if "WebSocket" not in fault] == []  # the page tells this one


def test_without_javascript(opened: Open) -> None:
    page = opened(java_script_enabled=False)
    expect(page.get_by_role("alert")).to_contain_text("The camera needs JavaScript.")
    expect(page.get_by_role("button")).to_have_count(0)


@pytest.mark.parametrize("state", STATES)
def test_each_state_is_told_and_within_reach_of_all(opened: Open, state: str) -> None:
    """In words, with its one big button; and axe finds nothing wrong, light and dark, on a desk and on a phone."""
    page = opened(STATES[state])
    expect(page.get_by_role("status")).to_have_text(STATES[state].words)
    expect(page.get_by_role("button", name=re.compile("^St(art|op) the camera$"))).to_have_count(int(state != "asking"))
    assert page.get_by_role("heading", level=2).first.inner_text()
    assert barriers(page) == []


def test_the_camera(opened: Open) -> None:
    page = opened(State("Live."))
    expect(page.get_by_role("status")).to_have_text("Live.")
    expect(page.locator("#boxes")).to_have_attribute("data-labels", "happy")
    expect(page.get_by_text("pictures a second")).to_be_visible()
    expect(page.get_by_role("listitem")).to_have_text(re.compile(r"^happy \d\d%$"))
    expect(page.locator("#lately")).to_have_text(re.compile(r"^happy \d+ s$"))
    page.get_by_label("Expressions").select_option("Seven expressions")
    expect(page.get_by_text("pictures a second")).to_be_visible()
    with page.expect_websocket(lambda socket: socket.url.endswith("?labels=fer7&prior=balanced")):
        page.get_by_label("Kind of photos").select_option("Posed faces: all expressions equally often")
    expect(page.get_by_text("pictures a second")).to_be_visible()
    page.get_by_role("button", name="Stop the camera").click()
    expect(page.get_by_role("status")).to_have_text("The camera is off.")
    assert page.evaluate("document.querySelector('video').srcObject") is None


def test_the_keyboard_is_enough(opened: Open) -> None:
    page = opened(State("", service=faces(face()), started=False))
    start = page.get_by_role("button", name="Start the camera")
    for _ in range(6):  # past the header's links
        if start.evaluate("each => each === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Stop the camera")).to_be_focused()
    expect(page.get_by_role("button", name="Save a picture")).to_be_enabled()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Save a picture")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Mirror")).to_be_focused()
    expect(page.get_by_role("button", name="Mirror")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Mirror")).to_have_attribute("aria-pressed", "false")
    for _ in range(4):
        page.keyboard.press("Tab")
    expect(page.get_by_label("Save with boxes and words")).to_be_focused()
    for _ in range(6):
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(start).to_be_focused()


def test_what_is_seen_is_said_once(opened: Open) -> None:
    page = opened(STATES["several"])
    spoken = page.locator("#spoken")
    expect(spoken).to_have_text("Face 1: happy. Face 2: perhaps sad. Face 3: neutral.")
    page.evaluate(
        """() => { window.said = 0;
        new MutationObserver(() => window.said++).observe(document.getElementById("spoken"), { childList: true }); }"""
    )
    shown = page.locator("#lately").inner_text()
    expect(page.locator("#lately")).not_to_have_text(shown)  # some time goes by
    assert page.evaluate("window.said") == 0


def test_words_without_room_stand_below(opened: Open) -> None:
    page = opened(STATES["crowded"], viewport={"width": 390, "height": 844})
    expect(page.get_by_text("Some faces have no room for their word.")).to_be_visible()
    expect(page.get_by_role("list", name="Faces").get_by_role("listitem")).to_have_count(16)
    expect(page.get_by_role("listitem").filter(has_text="16: neutral 80%")).to_be_visible()


def test_reasons_to_doubt_are_told_in_the_pages_language(opened: Open) -> None:
    doubtful = faces(face("happy", (200, 100, 300, 200), "low confidence (41%, reliable from 62%)", "blurred"))
    page = opened(State("", service=doubtful, started=False), locale="de-AT")
    page.locator("#start").click()
    expect(page.get_by_role("listitem")).to_contain_text("geringe Sicherheit (41%, verlässlich ab 62%); unscharf")
    assert page.evaluate("document.documentElement.lang") == "de"


def saved(page: Page, folder: Path) -> Image.Image:
    with page.expect_download() as download:
        page.get_by_role("button", name="Save a picture").click()
    return picture(download.value, folder)


def picture(download: Download, folder: Path) -> Image.Image:
    assert re.fullmatch(r"mien-\d{4}(-\d\d){5}\.(jpg|png)", download.suggested_filename)
    download.save_as(folder / download.suggested_filename)
    image = Image.open(folder / download.suggested_filename)
    assert image.format == ("PNG" if download.suggested_filename.endswith("png") else "JPEG")
    return image.convert("RGB")


def differ(a: Image.Image, b: Image.Image, box: tuple[int, int, int, int]) -> float:
    """The mean difference within a box, 0..255."""
    histogram = ImageChops.difference(a.crop(box), b.crop(box)).convert("L").histogram()
    return sum(value * count for value, count in enumerate(histogram)) / sum(histogram)


def test_a_picture_is_saved_in_the_browser(opened: Open, tmp_path: Path) -> None:
    page = opened(State("", service=faces(face("happy", (60, 100, 260, 300)))))
    expect(page.get_by_role("button", name="Save a picture")).to_be_enabled()
    mirrored = (370, 90, 590, 310)
    marked = saved(page, tmp_path)
    page.get_by_label("Save with boxes and words").uncheck()
    page.get_by_label("Saved pictures").select_option("PNG")
    plain = saved(page, tmp_path)
    assert marked.size == plain.size == (640, 480)
    assert differ(marked, plain, mirrored) > 5
    assert differ(marked, plain, (0, 320, 640, 480)) < 5
    page.get_by_role("button", name="Mirror").click()
    assert differ(saved(page, tmp_path).transpose(Image.Transpose.FLIP_LEFT_RIGHT), plain, (0, 0, 640, 480)) < 5


def test_a_crowded_picture_is_saved_with_its_words_below(opened: Open, tmp_path: Path) -> None:
    page = opened(STATES["crowded"])
    expect(page.get_by_role("button", name="Save a picture")).to_be_enabled()
    image = saved(page, tmp_path)
    assert image.width == 640
    assert image.height > 480 + 4 * 20  # in columns


def test_preferences_are_all_that_is_kept(opened: Open) -> None:
    page = opened(STATES["live"])
    expect(page.get_by_role("button", name="Mirror")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("localStorage.length") == 0
    page.get_by_role("button", name="Mirror").click()
    assert page.evaluate("JSON.parse(localStorage['mien.camera'])") == {"facing": "user", "mirror": False}
    assert page.evaluate("localStorage.length") == 1
    page.reload()
    page.get_by_role("button", name="Start the camera").click()
    expect(page.get_by_role("button", name="Mirror")).to_have_attribute("aria-pressed", "false")


FACING = """
const settings = MediaStreamTrack.prototype.getSettings;
MediaStreamTrack.prototype.getSettings = function () {
  return { ...settings.call(this), facingMode: window.asked || "user" }; };
const get = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = (wanted) => {
  window.asked = wanted.video.facingMode?.ideal || window.asked; return get(wanted); };
"""


def test_front_and_back(playwright: Playwright, opened: Open) -> None:
    with launched(playwright, f"{CAMERA}=device-count=2", "--use-fake-ui-for-media-stream") as chromium:
        page = opened(State("", FACING, faces(face())), of=chromium)
        mirror = page.get_by_role("button", name="Mirror")
        expect(mirror).to_have_attribute("aria-pressed", "true")
        page.get_by_role("button", name="Switch to the other camera").click()
        expect(mirror).to_have_attribute("aria-pressed", "false")  # what is on the other side is seen as it is
        expect(page.get_by_role("status")).to_have_text("Live.")
        assert page.evaluate("JSON.parse(localStorage['mien.camera'])") == {"facing": "environment"}
        which = page.locator("#which")
        expect(which.get_by_role("option")).to_have_count(2)
        which.select_option(index=1)
        expect(page.get_by_role("status")).to_have_text("Live.")
        assert page.evaluate("localStorage.length") == 1


def test_the_focus_stays_where_another_camera_was_chosen(playwright: Playwright, opened: Open) -> None:
    with launched(playwright, f"{CAMERA}=device-count=2", "--use-fake-ui-for-media-stream") as chromium:
        page = opened(State("", FACING, faces(face())), of=chromium)
        turn, which = page.get_by_role("button", name="Switch to the other camera"), page.locator("#which")
        for control, act in ((turn, turn.click), (which, lambda: which.select_option(index=1))):
            control.focus()
            act()
            expect(page.get_by_role("status")).to_have_text("Live.")
            expect(control).to_be_focused()
        page.evaluate("document.querySelector('video').srcObject.getTracks()[0].dispatchEvent(new Event('ended'))")
        expect(page.get_by_role("button", name="Start the camera")).to_be_focused()


def test_what_has_the_focus_is_not_beneath_the_buttons(opened: Open) -> None:
    page = opened(STATES["several"], viewport={"width": NARROWEST, "height": 640}, reduced_motion="reduce")
    expect(page.get_by_role("listitem")).to_have_count(3)
    page.locator("h1").click()
    seen = set()
    for _ in range(12):
        page.keyboard.press("Tab")
        name, bottom, top = page.evaluate(
            """() => { const node = document.activeElement, { bottom } = node.getBoundingClientRect();
            const bar = document.getElementById('bar');
            return [node.id, bar.contains(node) ? 0 : bottom, bar.getBoundingClientRect().top]; }"""
        )
        assert not name or bottom <= top, name
        seen.add(name)
    assert seen >= {"labels", "prior", "type", "marked"}


def test_a_long_label_is_no_wider_than_the_smallest_phone(opened: Open) -> None:
    long = faces(face("o" * 60), face("e" * 60, (320, 90, 420, 200), "blurred"))
    page = opened(State("", service=long), viewport={"width": NARROWEST, "height": 640})
    expect(page.get_by_role("listitem")).to_have_count(2)
    assert wide(page) <= NARROWEST


def test_a_share_stands_after_its_word_whichever_way_that_is_written(opened: Open) -> None:
    page = opened(State("", service=faces(face("سعيد"))))
    line = page.get_by_role("listitem")
    expect(line).to_have_text("سعيد 80%")
    word, share = line.evaluate(
        """line => [...line.childNodes].filter((each) => each.textContent).map((each) => {
        const range = document.createRange();
        range.selectNodeContents(each);
        return range.getBoundingClientRect().right; })"""
    )
    assert word < share


def test_a_picture_that_cannot_be_saved_is_told(opened: Open) -> None:
    page = opened(State("", service=faces(face())))
    save = page.get_by_role("button", name="Save a picture")
    expect(save).to_be_enabled()
    page.evaluate("() => { window.createImageBitmap = () => Promise.reject(new Error('no memory')); }")
    save.click()
    expect(page.get_by_role("alert")).to_have_text("The picture cannot be saved.")
    page.get_by_role("button", name="Stop the camera").click()
    expect(page.get_by_role("alert")).to_be_hidden()


def test_one_camera_is_no_choice(opened: Open) -> None:
    page = opened(STATES["live"])
    expect(page.get_by_role("status")).to_have_text("Live.")
    expect(page.get_by_role("button", name="Switch to the other camera")).to_be_hidden()
    expect(page.locator("#which")).to_be_hidden()


def test_nothing_is_sent_while_nobody_looks(opened: Open) -> None:
    sockets: list[WebSocketRoute] = []
    closed: list[int | None] = []

    def service(route: WebSocketRoute) -> None:
        sockets.append(route)
        route.on_message(lambda _: route.send(json.dumps(faces(face()))))
        route.on_close(lambda code, _: closed.append(code))

    page = opened(State("", service=service))
    expect(page.get_by_role("status")).to_have_text("Live.")
    page.evaluate(HIDE, True)
    expect(page.get_by_role("status")).to_have_text("Paused while you do not see this page.")
    enabled = "document.querySelector('video').srcObject.getTracks().every(track => track.enabled)"
    assert not page.evaluate(enabled)
    page.evaluate(HIDE, False)
    expect(page.get_by_role("status")).to_have_text("Live.")
    expect(page.get_by_role("listitem")).to_contain_text("happy")
    assert page.evaluate(enabled)
    assert (len(sockets), len(closed)) == (2, 1)


def test_a_refused_frame_is_followed_by_another(opened: Open) -> None:
    refusals = iter([BUSY, RATE])

    def service(route: WebSocketRoute) -> None:
        def answer(_: Any) -> None:
            error = next(refusals, "")
            route.send(json.dumps(refusal(error) if error else faces(face())))

        route.on_message(answer)

    page = opened(State("", service=service))
    expect(page.get_by_role("listitem")).to_contain_text("happy")
    expect(page.get_by_role("status")).to_have_text("Live.")
    assert next(refusals, "") == ""


@pytest.mark.parametrize("then", ["", BUSY])
def test_what_was_seen_goes_once_no_answer_comes(opened: Open, then: str) -> None:
    answers = iter([json.dumps(faces(face()))] * 3)

    def service(route: WebSocketRoute) -> None:
        def answer(_: Any) -> None:
            told = next(answers, json.dumps(refusal(then)) if then else "")
            if told:
                route.send(told)

        route.on_message(answer)

    page = opened(State("", service=service))
    expect(page.get_by_role("status")).to_have_text(STATES["busy" if then else "slow"].words)
    expect(page.locator("#boxes")).to_have_attribute("data-labels", "")
    expect(page.get_by_role("list", name="Faces").get_by_role("listitem")).to_have_count(0)
    expect(page.get_by_role("button", name="Save a picture")).to_be_disabled()


def test_a_camera_that_gives_no_more_pictures_is_told_until_it_does(opened: Open) -> None:
    script = """navigator.mediaDevices.getUserMedia = async () => {
      const canvas = document.createElement("canvas");
      const pen = canvas.getContext("2d");
      let bright = 0;
      window.on = true;
      setInterval(() => {
        if (!window.on) return;
        pen.fillStyle = `rgb(${(bright = (bright + 9) % 250)}, 0, 0)`;
        pen.fillRect(0, 0, 300, 150); }, 50);
      return canvas.captureStream(); }"""
    page = opened(State("", script, faces(face())))
    expect(page.get_by_role("status")).to_have_text("Live.")
    page.evaluate("window.on = false")
    expect(page.get_by_role("status")).to_have_text(STATES["dark"].words)
    expect(page.locator("#boxes")).to_have_attribute("data-labels", "")
    page.evaluate("window.on = true")
    expect(page.get_by_role("status")).to_have_text("Live.")


def test_what_was_seen_is_forgotten_where_the_camera_is_stopped(opened: Open) -> None:
    silent = False

    def service(route: WebSocketRoute) -> None:
        route.on_message(lambda _: None if silent else route.send(json.dumps(faces(face()))))

    page = opened(State("", service=service))
    expect(page.locator("#lately")).to_have_text(re.compile("happy"))
    silent = True
    page.get_by_role("button", name="Stop the camera").click()
    page.get_by_role("button", name="Start the camera").click()
    expect(page.get_by_role("status")).to_have_text(STATES["slow"].words)
    expect(page.locator("#lately")).to_be_empty()
    expect(page.locator("#spoken")).to_be_empty()
    painted = page.locator("#strip").evaluate(
        """canvas => { const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return data.some((value, at) => at % 4 < 3 && value > 20); }"""
    )
    assert not painted


def test_the_next_try_is_counted_down(opened: Open) -> None:
    page = opened(State("", service=denying(1011, "")))
    expect(page.locator("#wait")).to_have_text("The next try is in 4 s.")
    expect(page.locator("#wait")).to_have_text("The next try is in 2 s.")


def test_who_tries_at_once_is_led_on(opened: Open) -> None:
    script = "const wait = setTimeout; window.setTimeout = (run, ms) => wait(run, ms < 1000 ? ms : 1e9)"
    page = opened(State("", script, service=denying(1011, "")))  # the next try never comes by itself
    page.get_by_role("button", name="Try now").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Stop the camera")).to_be_focused()


def test_a_camera_that_is_unplugged_before_its_first_picture_is_gone(opened: Open) -> None:
    page = opened(State("", NO_PICTURE))
    until(lambda: page.evaluate("document.querySelector('video').srcObject !== null"))
    page.evaluate(
        """async () => {
        const video = document.querySelector("video");
        const over = video.play().catch(() => {}); // after that of the page
        video.srcObject.getTracks()[0].dispatchEvent(new Event("ended"));
        await over; }"""
    )
    expect(page.get_by_role("status")).to_have_text(STATES["gone"].words)


LEAVE = "dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))"
"""As browsers tell a page that they keep for who comes back."""


def test_who_comes_back_to_the_page_finds_the_camera_off(opened: Open) -> None:
    closed: list[int | None] = []

    def service(route: WebSocketRoute) -> None:
        route.on_message(lambda _: route.send(json.dumps(faces(face()))))
        route.on_close(lambda code, _: closed.append(code))

    page = opened(State("", service=service))
    expect(page.get_by_role("listitem")).to_contain_text("happy")
    page.evaluate("window.track = document.querySelector('video').srcObject.getTracks()[0]")
    page.evaluate(LEAVE)
    expect(page.get_by_role("status")).to_have_text("The camera is off.")
    assert page.evaluate("track.readyState") == "ended"
    until(lambda: len(closed) == 1)
    page.get_by_role("button", name="Start the camera").click()
    expect(page.get_by_role("status")).to_have_text("Live.")


def test_a_camera_that_is_allowed_once_the_page_was_left_is_switched_off(opened: Open) -> None:
    script = "navigator.mediaDevices.getUserMedia = () => new Promise((allow) => { window.allow = allow; })"
    page = opened(State("", script))
    expect(page.get_by_role("status")).to_have_text(STATES["asking"].words)
    page.evaluate(LEAVE)
    expect(page.get_by_role("status")).to_have_text("The camera is off.")
    page.evaluate("window.stream = document.createElement('canvas').captureStream(); allow(stream)")
    until(lambda: page.evaluate("stream.getTracks().every((track) => track.readyState === 'ended')"))
    expect(page.get_by_role("status")).to_have_text("The camera is off.")


def test_pictures_are_watched_for_once_however_often_it_connects(opened: Open) -> None:
    script = """window.watched = 0;
      const { requestVideoFrameCallback } = HTMLVideoElement.prototype;
      HTMLVideoElement.prototype.requestVideoFrameCallback = function (told) {
        window.watched++;
        return requestVideoFrameCallback.call(this, (...all) => { window.watched--; told(...all); }); }"""
    page = opened(State("", script, faces(face())))
    for labels in ("Seven expressions", "Eight expressions"):
        expect(page.get_by_text("pictures a second")).to_be_visible()
        page.get_by_label("Expressions").select_option(labels)
    expect(page.get_by_text("pictures a second")).to_be_visible()
    until(lambda: page.evaluate("watched") == 1)


@pytest.mark.parametrize("size", [(480, 640), (1280, 320), (1280, 720)])
def test_no_side_of_the_cameras_picture_is_cut_off(
    playwright: Playwright, opened: Open, tmp_path: Path, size: tuple[int, int]
) -> None:
    """A browser cuts a picture to the shape that it is asked for."""
    clip = tmp_path / "camera.mjpeg"
    clip.write_bytes(b"".join(jpeg(size, shade) for shade in range(0, 250, 50)))
    played = f"--use-file-for-fake-video-capture={clip}"
    with launched(playwright, CAMERA, "--use-fake-ui-for-media-stream", played) as chromium:
        page = opened(State("", service=faces(face())), of=chromium)
        expect(page.get_by_role("status")).to_have_text("Live.")
        wide, high = page.locator("video").evaluate("video => [video.videoWidth, video.videoHeight]")
        assert wide / high == pytest.approx(size[0] / size[1], rel=0.02)


def jpeg(size: tuple[int, int], shade: int) -> bytes:
    stream = BytesIO()
    Image.new("RGB", size, (shade, 90, 90)).save(stream, "JPEG")
    return stream.getvalue()


def test_a_connection_that_had_answers_is_tried_again_whatever_ended_it(opened: Open) -> None:
    sockets: list[WebSocketRoute] = []

    def service(route: WebSocketRoute) -> None:
        sockets.append(route)
        first = len(sockets) == 1
        frames = 0

        def answer(_: Any) -> None:
            nonlocal frames
            frames += 1
            if first and frames == 3:
                route.close(code=1008, reason="a message was not whole")
            elif not first or frames < 3:
                route.send(json.dumps(faces(face("sad" if first else "happy"))))

        route.on_message(answer)

    page = opened(State("", service=service))
    expect(page.get_by_role("listitem")).to_contain_text("happy")
    assert len(sockets) == 2


def test_a_refused_camera_goes_on_once_it_is_allowed(opened: Open) -> None:
    script = (
        f"const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices); {failing('NotAllowedError')}"
    )
    page = opened(
        State("", f"{script}; window.allow = () => {{ navigator.mediaDevices.getUserMedia = real; }}", faces(face()))
    )
    expect(page.get_by_role("heading", name="The camera is not allowed")).to_be_visible()
    page.evaluate("allow()")
    page.get_by_role("button", name="Start the camera").click()
    expect(page.get_by_role("status")).to_have_text("Live.")


def test_the_service_stops_in_mid_stream_and_comes_back(opened: Open, port: int) -> None:
    served = begin(port)
    try:
        served.wait()
        page = opened(State(""), url=served.url)
        expect(page.get_by_role("listitem")).to_contain_text("happy")
        served.process.kill()
        expect(page.get_by_role("status")).to_have_text("The connection to the service is lost.")
        expect(page.get_by_text(re.compile(r"^The next try is in \d+ s.$"))).to_be_visible()
        expect(page.get_by_role("button", name="Try now")).to_be_visible()
        served.stop()
        served = begin(port)
        served.wait()
        expect(page.get_by_role("status")).to_have_text("Live.")
        expect(page.get_by_role("listitem")).to_contain_text("happy")
        page.context.close()
    finally:
        served.stop()


def test_the_browser_refuses_the_camera(playwright: Playwright, opened: Open) -> None:
    with launched(playwright, CAMERA, "--deny-permission-prompts") as chromium:
        page = opened(State(""), of=chromium)
        expect(page.get_by_role("heading", name="The camera is not allowed")).to_be_visible()


def test_there_is_no_camera(playwright: Playwright, opened: Open) -> None:
    with launched(playwright, "--use-fake-ui-for-media-stream") as chromium:
        page = opened(State(""), of=chromium)
        expect(page.get_by_role("heading", name="There is no camera")).to_be_visible()


def bounds(page: Page, name: str) -> dict[str, float]:
    box = page.locator(f"#{name}").bounding_box()
    assert box is not None
    return {"left": box["x"], "top": box["y"], "right": box["x"] + box["width"], "bottom": box["y"] + box["height"]}


def test_made_for_a_thumb(opened: Open) -> None:
    page = opened(STATES["live"], viewport={"width": 390, "height": 844}, has_touch=True, device_scale_factor=2)
    expect(page.get_by_role("status")).to_have_text("Live.")
    picture = bounds(page, "frame")
    assert (picture["left"], picture["right"]) == (0, 390)
    assert bounds(page, "stop")["bottom"] > 800  # at the bottom of the screen, and on it
    assert bounds(page, "stop")["bottom"] <= 844
    small = page.evaluate(
        """() => [...document.querySelectorAll("main button, main select, main .check")]
        .map((each) => [each.id, each.getBoundingClientRect()])
        .filter(([, { width, height }]) => width && Math.min(width, height) < 44).map(([id]) => id)"""
    )
    assert small == []


def test_on_its_side_the_controls_stand_beside_the_picture(opened: Open) -> None:
    page = opened(STATES["live"], viewport={"width": 844, "height": 390})
    expect(page.get_by_role("status")).to_have_text("Live.")
    page.locator("#frame").scroll_into_view_if_needed()
    assert bounds(page, "stop")["left"] >= bounds(page, "frame")["right"]
    assert bounds(page, "frame")["bottom"] - bounds(page, "frame")["top"] <= 390


@pytest.mark.parametrize(("width", "height", "least"), [(390, 844, 400), (844, 390, 0)])
def test_the_start_is_within_reach_on_a_phone(opened: Open, width: int, height: int, least: float) -> None:
    page = opened(viewport={"width": width, "height": height})
    assert least < bounds(page, "start")["top"] < bounds(page, "start")["bottom"] < height

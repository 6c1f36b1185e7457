"""Everybody can use the app: every page and state, in both themes, on a desk and on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from browsing import NARROWEST, PHOTOS, VIDEOS, App, idle, needs_browser, new_page, photos, video, wide, wrong
from PIL import Image
from playwright.sync_api import Browser, Frame, Page, expect

from mien.app.show import headline, style
from mien.draw import Colour, contrast
from mien.prediction import Expression

pytestmark = needs_browser

LEAST = 3.0  # WCAG 2, 1.4.11
STREAMLITS = {
    "presentation-role-conflict": 'data-testid="stFileUploaderDropzone"',  # its button is there for keyboards
}
"""What axe finds within Streamlit's own widgets, where we cannot change it: the rule, and what the element has."""

DRAWN = """() => {
  const ground = node => {
    for (; node; node = node.parentElement) {
      const colour = getComputedStyle(node).backgroundColor;
      if (!/, 0\\)$/.test(colour)) return colour;
    }
  };
  return [...document.querySelectorAll('.mien-bar, .mien-chip, .mien-card p, .mien-card h3, .mien-soft, .mien-number')]
    .map(node => {
      const style = getComputedStyle(node), below = ground(node.parentElement);
      const filled = !/, 0\\)$/.test(style.backgroundColor);
      return { what: node.className || node.tagName, below,
               drawn: filled ? [style.backgroundColor, style.borderTopColor] : [style.color] };
    });
}"""


Visit = Callable[[str], Page]


@pytest.fixture(params=[("light", 1280), ("dark", 390)], ids=["light on a desk", "dark on a phone"])
def visit(request: pytest.FixtureRequest, browser: Browser, running: App) -> Iterator[Visit]:
    """Opens a page of the app, by its path."""
    scheme, width = request.param
    opened = new_page(browser, viewport={"width": width, "height": 800}, color_scheme=scheme)

    def open_page(path: str) -> Page:
        opened.goto(f"{running.url}/{path}")
        expect(opened.get_by_role("heading", level=1)).to_be_visible()
        ground = opened.locator(".stApp").evaluate("app => getComputedStyle(app).backgroundColor")
        assert (contrast(colour(ground), (255, 255, 255)) < LEAST) == (scheme == "light")
        return opened

    yield open_page
    opened.close()


def colour(text: str) -> Colour:
    """A colour as a browser tells it: `rgb(1, 2, 3)`."""
    red, green, blue = (int(number) for number in re.findall(r"\d+", text)[:3])
    return red, green, blue


def found(page: Page | Frame, *standards: str) -> list[str]:
    """What axe finds that is ours, by rule and element; of all that it knows, or of some standards alone."""
    return [
        f"{each['id']}: {node['html']}"
        for each in wrong(page, **({"runOnly": standards} if standards else {}))
        for node in each["nodes"]
        if STREAMLITS.get(each["id"], "\0") not in node["html"]
    ]


def fits(page: Page) -> bool:
    """Whether nothing has to be moved sideways to be seen."""
    fitting: bool = page.evaluate(
        "[document.documentElement, document.querySelector('[data-testid=stMain]')]"
        ".every(each => each.scrollWidth <= each.clientWidth)"
    )
    return fitting


def good(page: Page) -> None:
    """Nothing is found, and everything fits. What Streamlit draws again fades: it is judged at its full ink."""
    page.add_style_tag(content="[data-stale=true] { opacity: 1 !important; transition: none !important }")
    page.wait_for_function("document.querySelectorAll('[data-testid=stSkeleton], [data-stale=true]').length === 0")
    assert found(page) == []
    assert fits(page)


def test_answers(visit: Visit, astronaut: bytes) -> None:
    page = visit("")
    expect(page.get_by_test_id("stFileUploaderDropzone")).to_be_visible()
    good(page)
    with Image.open(BytesIO(astronaut)) as portrait:
        pair, stream = Image.new("RGB", (1024, 512)), BytesIO()
        pair.paste(portrait, (0, 0))
        pair.paste(portrait.resize((400, 400)), (560, 60))
        pair.save(stream, "JPEG")
        tiny = BytesIO()
        portrait.crop((150, 30, 310, 190)).resize((20, 20)).save(tiny, "PNG")
    chosen = photos(two_jpg=stream.getvalue(), torn_jpg=astronaut[:3000], tiny_png=tiny.getvalue())
    page.get_by_text("Keep the faces that I correct").click()
    expect(page.get_by_text("While this is on")).to_be_visible()
    idle(page)
    page.locator(PHOTOS).set_input_files(chosen)
    expect(page.locator(".mien-summary")).to_be_visible()
    for question in ("Face 1 is actually", "Face 2 is actually", "This face is actually"):
        expect(page.get_by_role("button", name=question)).to_be_visible()
    for more in page.locator(".mien-card summary").all():
        more.press("Enter")
    good(page)
    expect(page.locator(".mien-bar")).to_have_count(24)
    for each in page.evaluate(DRAWN):
        ratio = max(contrast(colour(drawn), colour(each["below"])) for drawn in each["drawn"])
        assert ratio >= LEAST, each
    page.get_by_text("Take a photo", exact=True).click()
    expect(page.get_by_role("button", name="Take Photo")).to_be_visible()
    good(page)


def test_own_labels_are_told_whole_and_before_their_share(browser: Browser) -> None:
    page = new_page(browser, viewport={"width": NARROWEST, "height": 640})
    legend = f"<ul class=mien-legend><li><span class=mien-chip>{'o' * 60}</span></li></ul>"
    page.set_content(f"{style()}{legend}<h3>{headline(Expression({'سعيد': 0.8, 'حزين': 0.2}))}</h3>")
    assert wide(page) <= NARROWEST
    expect(page.locator("h3")).to_have_text("سعيد 80%")
    word, share = page.locator("h3 > *").evaluate_all("all => all.map((each) => each.getBoundingClientRect().right)")
    assert word < share
    page.close()


def test_samples_and_camera(visit: Visit) -> None:
    page = visit("samples")
    expect(page.locator(".mien-summary")).to_be_visible()
    good(page)
    visit("live")
    page.frame_locator("iframe").get_by_role("button", name="Start the camera").wait_for()
    good(page)
    frame = page.locator("iframe").element_handle().content_frame()
    assert frame is not None
    assert found(frame, "wcag2a", "wcag2aa", "wcag21aa", "wcag22aa") == []


def test_video(visit: Visit, clip: bytes) -> None:
    page = visit("video")
    expect(page.get_by_test_id("stFileUploaderDropzone")).to_be_visible()
    page.locator(VIDEOS).set_input_files(video(clip))
    expect(page.locator("[data-testid=stVegaLiteChart] canvas")).to_have_count(2)
    good(page)
    page.locator(VIDEOS).set_input_files(video(b"nothing at all"))
    expect(page.get_by_text("This video cannot be read.")).to_be_visible()
    good(page)
    page.get_by_text("A video on this machine", exact=True).click()
    page.get_by_label("Path of the video").fill("nowhere.mp4")
    page.keyboard.press("Enter")
    expect(page.get_by_text("There is no file nowhere.mp4.")).to_be_visible()
    good(page)


def test_judging_kept_faces_and_about(visit: Visit, tmp_path: Path, astronaut: bytes) -> None:
    for label in ("happy", "sad"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "a.jpg").write_bytes(astronaut)
    page = visit("judge")
    path = page.get_by_label("Path of the dataset")
    path.fill(str(tmp_path))
    good(page)
    path.press("Enter")
    expect(page.get_by_role("button", name="The whole report")).to_be_visible()
    good(page)
    visit("kept")
    expect(page.get_by_role("button", name="Delete face 1")).to_be_visible()
    good(page)
    visit("about")
    expect(page.get_by_text("Its runs")).to_be_visible()
    for card in page.locator("[data-testid=stExpander] summary").all():
        card.press("Enter")
    expect(page.get_by_text("How it was made")).to_be_visible()
    good(page)

"""A real browser: what tests of pages share."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Frame, Page, Playwright, expect
from waiting import WAIT_S, until

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
CAMERA = "--use-fake-device-for-media-stream"
WAIT = 1000 * WAIT_S  # ms

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SIZES = ((1280, 900), (390, 844))
"""A desk and a phone, in px."""
NARROWEST = 320
"""px, of the smallest phone (WCAG 2, 1.4.10)."""
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
"""Axe's rules about colours, as its option `runOnly`."""

expect.set_options(timeout=WAIT)  # for all there is in a process; of pages see `new_page`

PHOTOS, VIDEOS = (f"input[type=file][accept*='{suffix}']" for suffix in (".jpg", ".webm"))
"""Where the app takes them. A page that is left stays for a moment: what it is given then is lost."""

needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")


def launched(playwright: Playwright, *arguments: str) -> Browser:
    """Chromium, with more arguments on its command line."""
    return playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", *arguments], timeout=WAIT)


def new_page(browser: Browser, **options: Any) -> Page:
    """A page that shares nothing with others; what it waits for may take as long as anything."""
    page = browser.new_page(**options)
    page.set_default_timeout(WAIT)
    return page


def photos(**files: bytes) -> list[FilePayload]:
    """Files to choose by name, such as `me_jpg=content`."""
    return [
        {"name": name.replace("_", "."), "mimeType": "image/jpeg", "buffer": content} for name, content in files.items()
    ]


def video(content: bytes) -> FilePayload:
    """A video to choose."""
    return {"name": "me.webm", "mimeType": "video/webm", "buffer": content}


def idle(page: Page) -> None:
    """Wait until the app has made its page: what is pressed before that may be another button already."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


@dataclass(frozen=True)
class App:
    """A running app: where it is, what it prints, and its process."""

    url: str
    printed: list[str]
    process: int

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Whatever is sent to it meanwhile reaches it at once, at the end."""
        os.kill(self.process, signal.SIGSTOP)
        try:
            until(lambda: Path(f"/proc/{self.process}/stat").read_text().rpartition(") ")[2][0] == "T")
            yield
        finally:
            os.kill(self.process, signal.SIGCONT)


def choose(page: Page, **files: bytes) -> None:
    """Choose files by name on the page of photos."""
    page.locator("#files").set_input_files(photos(**files))


def upload(page: Page, **files: bytes) -> None:
    """Send files by name on the page of photos."""
    choose(page, **files)
    page.get_by_role("button", name="Read the faces").click()


def picture(width: int = 300, height: int = 200) -> bytes:
    """A PNG file without a face."""
    stream = BytesIO()
    Image.new("RGB", (width, height), "green").save(stream, "PNG")
    return stream.getvalue()


def wrong(page: Page | Frame, **options: Any) -> list[dict[str, Any]]:
    """What axe finds: each rule that is broken, with its nodes.

    Args:
        page: a page, or a frame of it.
        options: of `axe.run`; without any, all rules are asked.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found: list[dict[str, Any]] = page.evaluate(
        "options => axe.run({ resultTypes: ['violations'], ...options }).then(({ violations }) => violations)", options
    )
    return found


def barriers(page: Page) -> list[str]:
    """What keeps people from using a page of the service, by day and by night, on a desk and on a phone.

    That is what axe finds, and what has to be moved sideways to be seen, on the smallest phone too. By night axe is
    asked about colours alone: nothing else is different then, as a test of the service's files holds.
    """
    told = []
    for scheme, (width, height) in product(SCHEMES, SIZES):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": height})
        found = wrong(page, **({"runOnly": COLOURS} if scheme == "dark" else {}))
        told += [f"{scheme} {width}: {each['id']}: {node['html']}" for each in found for node in each["nodes"]]
        if wide(page) > width:
            told.append(f"{scheme} {width}: wider than the screen")
    page.set_viewport_size({"width": NARROWEST, "height": 640})
    return told + ([f"{NARROWEST}: wider than the screen"] if wide(page) > NARROWEST else [])


def wide(page: Page) -> int:
    """How wide a page is, px: wider than the screen where it has to be moved sideways."""
    width: int = page.evaluate("document.documentElement.scrollWidth")
    return width

"""A real browser: what tests of pages share."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, FilePayload, Playwright

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
CAMERA = "--use-fake-device-for-media-stream"
WAIT = 120_000  # ms; a busy machine is slow

needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")


def launched(playwright: Playwright, *arguments: str) -> Browser:
    """Chromium, with more arguments on its command line."""
    return playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", *arguments])


def photos(**files: bytes) -> list[FilePayload]:
    """Files to choose by name, such as `me_jpg=content`."""
    return [
        {"name": name.replace("_", "."), "mimeType": "image/jpeg", "buffer": content} for name, content in files.items()
    ]


@dataclass(frozen=True)
class App:
    """A running app, that cannot write a single byte into a file; where it is, and what it prints."""

    url: str
    printed: list[str]

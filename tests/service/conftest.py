"""A real server for every test here; see `served`. And pages of it, opened by a browser that listens for faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import pytest
from served import Served, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

OWN = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:http://127.0.0.1:")
TOLD = (
    "WebSocket",
    "the server responded with a status of 4",
    "status of 502",
    "net::ERR_FAILED",
)  # what pages tell in their own words


@pytest.fixture(scope="session")
def serve() -> Callable[..., AbstractContextManager[Served]]:
    return serving


@pytest.fixture(scope="session")
def service() -> Iterator[Served]:
    """A service as it comes, for every test that leaves it so."""
    with serving() as served:
        yield served


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a page; nothing but the service may be asked for anything, and nothing may be blocked or fail in it."""
    from browsing import new_page

    opened: list[Page] = []
    asked: list[str] = []
    faults: list[str] = []

    def open_page(url: str, **options: Any) -> Page:
        page = new_page(browser, **options)
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(url)
        opened.append(page)
        return page

    yield open_page
    for page in opened:
        page.close()
    assert [url for url in asked if not url.startswith(OWN)] == []
    assert [fault for fault in faults if not any(told in fault for told in TOLD)] == []

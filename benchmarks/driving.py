"""Browsers that benchmarks drive, all alike: Chromium by Playwright, Firefox by WebDriver BiDi, WebKit by WebDriver.

In Debian they are the packages `chromium`, `firefox-esr`, and `webkit2gtk-driver` with `xvfb`.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from common import ROOT
from playwright.sync_api import Page, sync_playwright
from websockets.sync.client import ClientConnection, connect

sys.path.append(str(ROOT / "tests"))
from browsing import BROWSER, launched

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
WEBKIT = shutil.which("WebKitWebDriver")
MINIBROWSERS = Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser")
WAIT_S = 600.0  # a busy machine is slow
SCREEN = 1280, 960
LISTENS = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
LISTEN = """
window.told = [];
addEventListener('error', ({ message }) => told.push(message));
addEventListener('unhandledrejection', ({ reason }) => told.push(`${reason}`));
addEventListener('securitypolicyviolation', ({ blockedURI }) => told.push(`refused: ${blockedURI}`));
for (const level of ['warn', 'error']) console[level] = (...words) => told.push(words.join(' '));
"""


class Browser(Protocol):
    """A browser with one page."""

    name: str
    """Its name and version."""

    def open(self, address: str) -> None:
        """Show another page."""

    def ask(self, body: str) -> Any:
        """What the body of an asynchronous function returns in the page, as JSON has it."""

    def choose(self, files: Sequence[Path]) -> None:
        """Choose files in the page's `#files`."""

    def picture(self) -> bytes:
        """What it shows, as PNG."""

    def told(self) -> list[str]:
        """What the page has asked for and what went wrong in it; data of its own is not told."""


class Chromium:
    def __init__(self, page: Page, version: str) -> None:
        self.name, self._page, self._told = f"Chromium {version}", page, list[str]()
        page.set_default_timeout(1000 * WAIT_S)
        page.on("request", lambda request: self._told.append(request.url))
        page.on("console", lambda message: self._told.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self._told.append(str(error)))

    def open(self, address: str) -> None:
        self._told.clear()
        self._page.goto(address)
        self._told[:] = [each for each in self._told if each != address]

    def ask(self, body: str) -> Any:
        return self._page.evaluate(f"async () => {{{body}}}")

    def choose(self, files: Sequence[Path]) -> None:
        self._page.locator("#files").set_input_files(files)

    def picture(self) -> bytes:
        return self._page.screenshot()

    def told(self) -> list[str]:
        return foreign(self._told)


class Firefox:
    def __init__(self, wire: ClientConnection) -> None:
        self._wire, self._told, self._sent, self._page = wire, list[str](), 0, {"context": ""}
        self.name = f"Firefox {self._send('session.new', capabilities={})['capabilities']['browserVersion']}"
        self._send("session.subscribe", events=["network.beforeRequestSent", "log.entryAdded"])
        self._page = {"context": self._send("browsingContext.create", type="tab")["context"]}
        width, height = SCREEN
        self._send("browsingContext.setViewport", **self._page, viewport={"width": width, "height": height})

    def open(self, address: str) -> None:
        self._told.clear()
        self._send("browsingContext.navigate", **self._page, url=address, wait="complete")
        self._told[:] = [each for each in self._told if each != address]

    def ask(self, body: str) -> Any:
        told = self._run(f"(async () => {{{body}}})().then(told => JSON.stringify(told ?? null))")
        return json.loads(told["value"])

    def choose(self, files: Sequence[Path]) -> None:
        field = {"sharedId": self._run("document.querySelector('#files')")["sharedId"]}
        self._send("input.setFiles", **self._page, element=field, files=[str(each) for each in files])

    def picture(self) -> bytes:
        return base64.b64decode(self._send("browsingContext.captureScreenshot", **self._page)["data"])

    def told(self) -> list[str]:
        return foreign(self._told)

    def _run(self, script: str) -> Any:
        told = self._send("script.evaluate", expression=script, target=self._page, awaitPromise=True)
        if told["type"] != "success":
            raise RuntimeError(told["exceptionDetails"]["text"])
        return told["result"]

    def _send(self, method: str, **given: Any) -> Any:
        self._sent += 1
        self._wire.send(json.dumps({"id": self._sent, "method": method, "params": given}))
        while (told := json.loads(self._wire.recv(WAIT_S))).get("id") != self._sent:
            happened = told.get("params", {})
            if told.get("method") == "network.beforeRequestSent":
                self._told.append(happened["request"]["url"])
            elif happened.get("level") in ("error", "warn"):
                self._told.append(happened["text"])
        if told["type"] == "error":
            raise RuntimeError(f"{method}: {told['message']}")
        return told["result"]


class WebKit:
    def __init__(self, place: str) -> None:
        self._place = f"{place}/session"
        options = {"binary": str(next(MINIBROWSERS)), "args": ["--automation"]}
        begun = self._send("", {"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": options}}})
        self.name = f"WebKitGTK {begun['capabilities']['browserVersion']}"
        self._place += f"/{begun['sessionId']}"
        self._send("/timeouts", {"script": 1000 * WAIT_S, "pageLoad": 1000 * WAIT_S})
        self._send("/window/rect", dict(zip(("width", "height"), SCREEN, strict=True)))

    def open(self, address: str) -> None:
        self._send("/url", {"url": address})
        self.ask(LISTEN)  # nothing else tells what happens in a page; what failed before keeps a page from its work

    def ask(self, body: str) -> Any:
        run = f"(async () => {{{body}}})().then(told => done({{ told }}), why => done(`${{why}}`));"
        script = f"const [done] = arguments; {run}"
        answer = self._send("/execute/async", {"script": script, "args": []})
        if not isinstance(answer, dict):
            raise RuntimeError(answer)
        return answer.get("told")

    def choose(self, files: Sequence[Path]) -> None:
        (field,) = self._send("/element", {"using": "css selector", "value": "#files"}).values()
        self._send(f"/element/{field}/value", {"text": "\n".join(str(each) for each in files)})

    def picture(self) -> bytes:
        return base64.b64decode(self._send("/screenshot"))

    def told(self) -> list[str]:
        return foreign(
            self.ask("return [...told, ...performance.getEntriesByType('resource').map(({ name }) => name)];")
        )

    def close(self) -> None:
        self._send("", method="DELETE")

    def _send(self, path: str, given: Mapping[str, Any] | None = None, method: str | None = None) -> Any:
        content = None if given is None else json.dumps(given).encode()
        request = urllib.request.Request(self._place + path, content, method=method)
        try:
            with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{path}: {json.load(error)['value']['message']}") from error


def foreign(told: Sequence[str]) -> list[str]:
    """What is told but data that a page holds."""
    return [each for each in told if not each.startswith(("data:", "blob:"))]


@contextmanager
def chromium() -> Iterator[Browser]:
    width, height = SCREEN
    with sync_playwright() as playwright, launched(playwright) as browser:
        yield Chromium(browser.new_page(viewport={"width": width, "height": height}), browser.version)


@contextmanager
def firefox() -> Iterator[Browser]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [FIREFOX or "", "--headless", "--no-remote", "--remote-debugging-port", "0", "--profile", profile]
        with running(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            found = next(match for line in process.stderr if (match := LISTENS.search(line)))
            threading.Thread(target=process.stderr.read, daemon=True).start()  # a pipe that is full would stop it
            with connect(f"{found[1]}/session", max_size=None) as wire:
                yield Firefox(wire)


@contextmanager
def webkit() -> Iterator[Browser]:
    """WebKit, on a screen that nobody sees."""
    reading, writing = os.pipe()
    screen = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1600x1200x24", "-nolisten", "tcp"]
    with running(screen, pass_fds=[writing], stderr=subprocess.DEVNULL):
        shown = {**os.environ, "DISPLAY": f":{os.read(reading, 20).decode().strip()}", "GDK_BACKEND": "x11"}
        with socket.socket() as chosen:
            chosen.bind(("127.0.0.1", 0))
            port = chosen.getsockname()[1]
        with running([WEBKIT or "", f"--port={port}"], env=shown, stderr=subprocess.DEVNULL):
            browser = WebKit(answering(f"http://127.0.0.1:{port}"))
            try:
                yield browser
            finally:
                browser.close()


INSTALLED: dict[str, Callable[[], AbstractContextManager[Browser]]] = {
    name: driven
    for name, driven, there in (
        ("chromium", chromium, BROWSER),
        ("firefox", firefox, FIREFOX),
        ("webkit", webkit, WEBKIT),
    )
    if there
}
"""Those that are installed, by name: `with INSTALLED["firefox"]() as browser`."""


@contextmanager
def running(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[Any]]:
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def answering(place: str) -> str:
    """A server's address, once it answers."""
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        with suppress(urllib.error.URLError):
            urllib.request.urlopen(f"{place}/status", timeout=WAIT_S).close()
            return place
        time.sleep(0.05)
    raise TimeoutError(f"nothing answers at {place}")

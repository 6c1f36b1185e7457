"""The pictures of the app, of a report and of the service in the docs, taken with a real browser.

    python tools/screenshots.py DATA [--chromium PROGRAM] [--app FOLDER]

The photo is scikit-image's `astronaut()`, a NASA portrait in the public domain; DATA is what the report judges, and
none of its images is in the picture. With --app, pictures of every page of the app go into that folder, in both themes,
as on a desk and as on a phone, and nothing else is done. Writes docs/app.png, docs/kept.png, docs/report.png,
docs/service.png, docs/live.png, docs/live-phone.png and, by `moving.py`, docs/covered.webp; and into out/pages/, to be
looked at, every page and state of the service.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Literal
from urllib.request import urlopen

import av
import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from skimage import data as images

ROOT = Path(__file__).parents[1]
PORT = "8577"
URL = f"http://localhost:{PORT}"
STATES = ROOT / "out" / "pages"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    parser.add_argument("--app", type=Path, metavar="FOLDER")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        photo = write_photo(folder)
        chromium = playwright.chromium.launch(executable_path=given.chromium, args=["--no-sandbox", *camera(folder)])
        if given.app:
            shoot_app(chromium, photo, given.data, given.app)
            return
        with running("app", "--headless", health="/_stcore/health"):
            page = chromium.new_page(viewport={"width": 1100, "height": 1060})
            page.goto(URL)
            page.locator("input[type=file]").set_input_files(photo)
            page.locator(".mien-card summary").first.click()
            shoot(page, "app")
        with running("app", "--headless", "--keep", str(folder / "faces"), health="/_stcore/health"):
            shoot_kept(chromium, photo, folder)
        with running("serve", health="/readyz"):
            shoot_result(chromium, photo)
            shoot_states(chromium, photo)
            shoot_camera(chromium, "live", 800, 1050)
            shoot_camera(chromium, "live-phone", 390, 844)
        command = [sys.executable, "-m", "mien", "evaluate", given.data.name, "--report", str(folder / "report")]
        subprocess.run(command, check=True, cwd=given.data.parent)
        page = chromium.new_page(viewport={"width": 1000, "height": 1260})
        page.goto((folder / "report" / "report.html").as_uri())
        shoot(page, "report")
        chromium.close()
    subprocess.run([sys.executable, ROOT / "tools" / "moving.py"], check=True)


def shoot_kept(chromium: Browser, photo: Path, folder: Path) -> None:
    """The app where a face was corrected; nobody needs to see where."""
    page = chromium.new_page(viewport={"width": 1100, "height": 1400})
    page.goto(URL)
    page.get_by_text("Keep the faces that I correct").click()
    page.locator("input[type=file]").set_input_files(photo)
    page.get_by_role("button", name="This face is actually").click()
    page.get_by_role("menuitem", name="surprise").click()
    page.get_by_text("This face is kept").wait_for()
    told = page.get_by_text("The folder is")
    told.evaluate("(told, folder) => { told.textContent = told.textContent.replace(folder, '~'); }", str(folder))
    shoot(page, "kept")
    page.close()


def shoot_result(chromium: Browser, photo: Path) -> None:
    """The page that says what is in a photo."""
    page = chromium.new_page(viewport={"width": 1000, "height": 780})
    page.goto(URL)
    send(page, photo)
    shoot(page, "service")
    page.close()


def shoot_states(chromium: Browser, photo: Path) -> None:
    """Every page and state of the service, as it is looked at before it is shown to anybody."""
    STATES.mkdir(parents=True, exist_ok=True)
    torn = photo.with_name("torn.jpg")
    torn.write_bytes(photo.read_bytes()[:3000])
    empty = photo.with_name("empty.jpg")
    empty.touch()
    acts: dict[str, tuple[str, Callable[[Page], None]]] = {
        "upload": ("/", lambda page: None),
        "chosen": ("/", lambda page: choose(page, photo, torn)),
        "refused": ("/", lambda page: choose(page, photo, empty)),
        "result": ("/", lambda page: send(page, photo)),
        "why": ("/", lambda page: ask(page, photo)),
        "several": ("/", lambda page: send(page, photo, torn, photo)),
        "camera": ("/live", lambda page: None),
        "docs": ("/docs", lambda page: None),
        "problem": ("/nothing", lambda page: None),
    }
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme, width in product(schemes, (1280, 390)):
        for state, (path, act) in acts.items():
            page = chromium.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
            page.goto(URL + path)
            act(page)
            page.wait_for_timeout(700)
            page.screenshot(path=STATES / f"{state}-{width}-{scheme}.png", full_page=True)
            page.close()


def choose(page: Page, *photos: Path) -> None:
    page.get_by_label("Choose photos").set_input_files(photos)


def send(page: Page, *photos: Path) -> None:
    choose(page, *photos)
    page.get_by_role("button", name="Read the faces").click()
    page.get_by_role("heading", name="happy").first.wait_for()


def ask(page: Page, photo: Path) -> None:
    send(page, photo)
    page.get_by_role("button", name="Why?").click()


def shoot_camera(chromium: Browser, name: str, width: int, height: int) -> None:
    """The camera page after some seconds, so large in px; its rate is printed."""
    page = chromium.new_page(viewport={"width": width, "height": height})
    page.goto(f"{URL}/live")
    page.get_by_role("button", name="Start the camera").click()
    page.wait_for_timeout(15_000)
    print(page.locator("#rate").inner_text())
    shoot(page, name)
    page.close()


def shoot_app(chromium: Browser, photo: Path, data: Path, out: Path) -> None:
    """Every page of the app and what it shows once it was used, whole, for someone to look at."""
    out.mkdir(parents=True, exist_ok=True)
    broken = photo.with_name("broken.jpg")
    broken.write_bytes(photo.read_bytes()[:3000])
    clip = write_clip(photo.with_name("clip.webm"))

    def use(page: Page, name: str) -> None:
        if name == "read":
            page.locator("input[type=file]").set_input_files([photo, broken])
            page.locator(".mien-summary").wait_for()
        elif name == "video":
            page.locator("input[type=file]").set_input_files(clip)
            page.locator("[data-testid=stVegaLiteChart] canvas").first.wait_for()
        elif name == "live":
            page.frame_locator("iframe").get_by_role("button", name="Start the camera").click()
            page.frame_locator("iframe").locator("video").wait_for()
        elif name == "judge":
            page.get_by_label("Path of the dataset").fill(str(data.resolve()))
            page.get_by_label("Path of the dataset").press("Enter")
            page.get_by_role("button", name="The whole report").wait_for(timeout=600_000)
        elif name == "about":
            page.locator("[data-testid=stExpander] summary").first.click()

    with running("app", "--headless", "--samples", str(photo.parent), "--notice", "on", health="/_stcore/health"):
        pages = ("read", "samples", "video", "live", "judge", "about")
        for dark, width, name in product((False, True), (1280, 390), pages):
            scheme: Literal["dark", "light"] = "dark" if dark else "light"
            page = chromium.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
            page.goto(f"{URL}/{name}" if name != "read" else URL)
            page.get_by_role("heading", level=1).wait_for()
            for state in ("", "-used"):
                if state:
                    use(page, name)
                page.wait_for_timeout(3000)
                height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
                page.set_viewport_size({"width": width, "height": max(800, height)})
                page.screenshot(path=out / f"{name}{state}-{scheme}-{width}.png")
            page.close()


def camera(folder: Path) -> list[str]:
    """Flags for a Chromium whose camera shows the photo."""
    film, frame = folder / "film.mjpeg", BytesIO()
    portrait().crop((0, 0, 512, 384)).resize((640, 480)).save(frame, "JPEG", quality=92)
    film.write_bytes(frame.getvalue() * 10)
    fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    return [*fake, f"--use-file-for-fake-video-capture={film}"]


@contextmanager
def running(verb: str, *flags: str, health: str) -> Iterator[None]:
    """A verb that serves, once it answers."""
    server = subprocess.Popen([sys.executable, "-m", "mien", verb, *flags, "--port", PORT])
    try:
        for _ in range(200):
            try:
                urlopen(URL + health).close()
                break
            except OSError:
                time.sleep(0.1)
        yield
    finally:
        server.terminate()
        server.wait()


def write_photo(folder: Path) -> Path:
    photo = folder / "portrait.jpg"
    portrait().save(photo, quality=92)
    return photo


def write_clip(path: Path) -> Path:
    """Someone who comes near, leaves for two seconds, and comes back."""
    steps = [*range(256, 512, 16), *[0] * 10, *range(512, 256, -16)]
    with av.open(path, "w") as container:
        stream = container.add_stream("libvpx-vp9", rate=5, options={"deadline": "realtime", "cpu-used": "8"})
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        for side in steps:
            picture = Image.new("RGB", (640, 480), "gray")
            if side:
                picture.paste(portrait().resize((side, side)), ((640 - side) // 2, 0))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(picture), "rgb24")))
        container.mux(stream.encode(None))
    return path


def portrait() -> Image.Image:
    return Image.fromarray(np.asarray(images.astronaut()))  # type: ignore[no-untyped-call]


def shoot(page: Page, name: str) -> None:
    page.wait_for_timeout(1500)  # pictures and letters fade in
    picture = ROOT / "docs" / f"{name}.png"
    page.screenshot(path=picture)
    Image.open(picture).convert("P", palette=Image.Palette.ADAPTIVE, colors=256).save(picture, optimize=True)
    print(f"docs/{picture.name}: {picture.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()

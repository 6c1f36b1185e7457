"""The page of `mien page` in Chromium, beside the reader in Python: agreement, size, time, and what it asks of others.

    python benchmarks/browser.py --runtime web/node_modules/onnxruntime-web [--limit 500]

Ends with exit code 1 where what docs/browser.md promises does not hold. Needs `mien[parquet]`, Playwright, Chromium,
scikit-image and the development data.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
from common import ROOT, data_folder, machine
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, Playwright, expect, sync_playwright

import mien
from mien import artifact
from mien.page import find_runtime, write_page

sys.path.append(str(ROOT / "tests"))
from browsing import CAMERA, WAIT, launched

CHUNK = 500  # photos on one page
CAMERA_S = 10
LEAST_SAME = 0.999  # share of faces with the same label
LEAST_NEAR, NEAR = 0.998, 0.02  # share of faces with probabilities so near
MOST_FILE_MB, MOST_GZIP_MB = 9.0, 6.5
MOST_FIRST_S, LEAST_RATE = 3.0, 12.0


class Apart(NamedTuple):
    """How two readers differ: faces, those with the same label, those of which no probability differs by more than
    `NEAR`, and the largest difference."""

    faces: int
    same: int
    near: int
    most: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runtime", type=Path, help="the npm package onnxruntime-web")
    parser.add_argument("--limit", type=int, help="so many validation crops; all if not given")
    given = parser.parse_args()
    data = data_folder("fer2013", "media")
    print(machine())
    held = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "mien.html"
        write_page(file, artifact.read(artifact.find()), find_runtime(given.runtime))
        held.append(sizes(file))
        film(Path(folder) / "film.mjpeg")
        with chromium(playwright, Path(folder) / "film.mjpeg") as browser:
            held.append(first(browser, file, sorted((data / "media").glob("*.jpg"))[0]))
            held.append(camera(browser, file))
            cells = pq.read_table(data / "fer2013" / "valid.parquet", columns=["image"]).column("image").to_pylist()
            crops = {f"{at}.png": cell["bytes"] for at, cell in enumerate(cells[: given.limit])}
            held.append(agreement("validation crops", browser, file, crops))
            photos = {path.name: path.read_bytes() for path in sorted((data / "media").glob("*.jpg"))}
            held.append(agreement("photos of media/", browser, file, photos))
    sys.exit(not all(held))


def sizes(file: Path) -> bool:
    whole, packed = file.stat().st_size / 1e6, len(gzip.compress(file.read_bytes())) / 1e6
    print(f"the page: {whole:.1f} MB, {packed:.1f} MB gzipped")
    return whole <= MOST_FILE_MB and packed <= MOST_GZIP_MB


def first(browser: Browser, file: Path, photo: Path) -> bool:
    """From opening the page to the answer to a photo that is chosen at once, in s; and to the next."""
    with opened(browser, file, ready=False) as (page, asked, began):
        read(page, {photo.name: photo.read_bytes()})
        first_s = time.perf_counter() - began
        began = time.perf_counter()
        read(page, {photo.name: photo.read_bytes()})
        next_s = time.perf_counter() - began
    print(f"first answer {first_s:.2f} s after opening, the next {next_s:.2f} s after it is chosen; {photo.name}")
    print(f"requests: {len(asked)}")
    return first_s <= MOST_FIRST_S and not asked


def camera(browser: Browser, file: Path) -> bool:
    """How many pictures of 640 x 480 px with one face are read in a second."""
    with opened(browser, file) as (page, asked, _):
        page.locator("#camera").click()
        expect(page.locator("#stage article.face")).to_be_visible(timeout=WAIT)
        page.wait_for_timeout(CAMERA_S * 1000)
        rate = float(page.locator("#stage [role=status]").get_attribute("data-rate") or 0)
    print(f"camera: {rate:.1f} pictures a second; requests: {len(asked)}")
    return rate >= LEAST_RATE and not asked


def agreement(what: str, browser: Browser, file: Path, files: dict[str, bytes]) -> bool:
    names = list(files)
    found, began = Apart(0, 0, 0, 0.0), time.perf_counter()
    for at in range(0, len(names), CHUNK):
        part = {name: files[name] for name in names[at : at + CHUNK]}
        with opened(browser, file) as (page, _, _):
            found = added(found, read(page, part), mien.load().predict(list(part.values())))
    took = (time.perf_counter() - began) / len(names)
    print(
        f"{what}: {found.same} of {found.faces} labels the same; probabilities within {NEAR} in {found.near}, "
        f"{found.most:.4f} apart at most; {1000 * took:.0f} ms each, both readers and the page with it"
    )
    return found.same >= LEAST_SAME * found.faces and found.near >= LEAST_NEAR * found.faces


def added(found: Apart, answers: list[dict[str, Any]], predictions: list[mien.Prediction]) -> Apart:
    faces, same, near, most = found
    for one, other in zip(answers, predictions, strict=True):
        pairs = list(zip(one["faces"], other.faces, strict=True))  # as many faces, or it ends here
        faces += len(pairs)
        for left, right in pairs:
            same += left["label"] == right.expression.label
            mine, theirs = left["probabilities"], right.expression.probabilities
            apart = max(abs(mine[emotion] - share) for emotion, share in theirs.items())
            near, most = near + (apart <= NEAR), max(most, apart)
    return Apart(faces, same, near, most)


@contextmanager
def opened(browser: Browser, file: Path, ready: bool = True) -> Iterator[tuple[Page, list[str], float]]:
    """The page, what it has asked for beside itself, and when it was opened."""
    page = browser.new_page()
    page.set_default_timeout(WAIT)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    began = time.perf_counter()
    page.goto(file.as_uri())
    if ready:
        page.locator("#state[data-ready=yes]").wait_for()
    yield page, asked, began
    page.close()
    asked[:] = [url for url in asked if not url.startswith(("data:", "blob:")) and url != file.as_uri()]


def read(page: Page, files: dict[str, bytes]) -> list[dict[str, Any]]:
    before = page.locator("section.photo").count()
    chosen: list[FilePayload] = [
        {"name": name, "mimeType": "image/jpeg", "buffer": content} for name, content in files.items()
    ]
    page.locator("#files").set_input_files(chosen)
    expect(page.locator("section.photo:not([aria-busy])")).to_have_count(before + len(files), timeout=WAIT)
    with page.expect_download() as download:
        page.locator("#json").click()
    answers: list[dict[str, Any]] = json.loads(Path(download.value.path()).read_text())
    return answers[-len(files) :]


def film(file: Path) -> None:
    """What the camera shows: one face, 640 x 480 px."""
    from skimage import data as images

    stream = io.BytesIO()
    astronaut = Image.fromarray(np.asarray(images.astronaut()))  # type: ignore[no-untyped-call]
    astronaut.crop((0, 0, 512, 384)).resize((640, 480)).save(stream, "JPEG")
    file.write_bytes(stream.getvalue() * 10)


@contextmanager
def chromium(playwright: Playwright, shown: Path) -> Iterator[Browser]:
    """Chromium, whose camera shows a film."""
    browser = launched(
        playwright, CAMERA, "--use-fake-ui-for-media-stream", f"--use-file-for-fake-video-capture={shown}"
    )
    yield browser
    browser.close()


if __name__ == "__main__":
    main()

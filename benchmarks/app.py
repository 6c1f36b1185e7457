"""How long a person waits in the app, measured by a real browser on its screen.

    python benchmarks/app.py [--chromium PROGRAM] [--photos 30] [--times 10]

Photos of 1382 x 1868 px, one after the other, each on a page of its own, the first of which does not count: from the
first byte that the browser sends to the photo with its answer drawn. Then many photos as phones take them, 4032 x 3024
px, in one go: from the moment that the last of them is sent to the first answer drawn, and to the last. Then the
camera: from the moment that the browser gives it to the first frame with a marked face drawn. Needs playwright,
Chromium, streamlit and streamlit-webrtc.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from urllib.request import urlopen

from common import data_folder, machine
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, sync_playwright

URL = "http://localhost:8576"
WATCH = """many => {
  const send = XMLHttpRequest.prototype.send;
  XMLHttpRequest.prototype.send = function (body) {
    window.began ??= performance.now();
    this.addEventListener('loadend', () => { window.sent = performance.now(); });
    return send.call(this, body);
  };
  const seen = () => {
    const drawn = [...document.querySelectorAll('.mien-photo .mien-picture > img')];
    if (drawn.length && drawn[0].complete && drawn[0].naturalWidth) window.first ??= performance.now();
    const all = drawn.length === many && drawn.every(each => each.complete && each.naturalWidth);
    if (all) window.last = performance.now();
    else requestAnimationFrame(seen);
  };
  seen();
}"""
CAMERA = """() => {
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async wanted => {
    window.asked = performance.now();
    const stream = await ask(wanted);
    window.given = performance.now();
    return stream;
  };
}"""
MARKED = """() => new Promise(done => {
  const page = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const look = () => {
    const video = document.querySelector('video');
    if (video && video.videoWidth) {
      window.shown ??= performance.now();
      page.canvas.width = video.videoWidth; page.canvas.height = video.videoHeight;
      page.drawImage(video, 0, 0);
      const { data } = page.getImageData(0, 0, video.videoWidth, video.videoHeight);
      let yellow = 0;
      for (let at = 0; at < data.length; at += 4)
        yellow += data[at] > 200 && data[at + 1] > 190 && data[at + 2] < 110;
      if (yellow > 200) {
        done({ given: window.given - window.asked, shown: window.shown - window.given,
               marked: performance.now() - window.given });
        return;
      }
    }
    requestAnimationFrame(look);
  };
  look();
})"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    parser.add_argument("--photos", type=int, default=30)
    parser.add_argument("--times", type=int, default=10)
    given = parser.parse_args()
    face = Image.open(data_folder("media/single_face.jpg") / "media" / "single_face.jpg").convert("RGB")
    with running(), sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        flags = ["--no-sandbox", *camera(Path(folder), face)]
        chromium = playwright.chromium.launch(executable_path=given.chromium, args=flags)
        one = [waits(chromium, [jpeg(face, (1382, 1868))]) for _ in range(given.times + 1)][1:]
        many = waits(chromium, [jpeg(face, (4032, 3024))] * given.photos)
        streams = [live(chromium) for _ in range(3)]
        chromium.close()
    print(machine())
    times = [last - began for began, _, _, last in one]
    print(
        f"\nfrom upload to answer: median {statistics.median(times):.0f} ms, from {min(times):.0f} to {max(times):.0f}"
    )
    began, sent, first, last = many
    print(
        f"{given.photos} photos of 12 megapixels, {sent - began:.0f} ms to send: "
        f"the first answer {first - sent:.0f} ms after, the last {last - sent:.0f} ms after"
    )
    for each in streams:
        print(
            f"camera: given after {each['given']:.0f} ms; then the first frame after {each['shown']:.0f} ms, "
            f"the first marked one after {each['marked']:.0f} ms"
        )


@contextmanager
def running() -> Iterator[None]:
    """The app, once it answers."""
    command = [sys.executable, "-m", "mien", "app", "--headless", "--port", URL.rpartition(":")[2]]
    app = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                urlopen(f"{URL}/_stcore/health").close()
                break
            except OSError:
                time.sleep(0.1)
        yield
    finally:
        app.terminate()
        app.wait()


def jpeg(image: Image.Image, size: tuple[int, int]) -> bytes:
    stream = BytesIO()
    image.resize(size).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def camera(folder: Path, face: Image.Image) -> list[str]:
    """Flags for a Chromium whose camera shows the face, in gray: what is yellow then was marked."""
    film = folder / "film.mjpeg"
    gray = face.convert("L").convert("RGB")
    gray.thumbnail((640, 480))
    frame = Image.new("RGB", (640, 480))
    frame.paste(gray, (0, 0))
    film.write_bytes(jpeg(frame, frame.size) * 10)
    fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    return [*fake, f"--use-file-for-fake-video-capture={film}"]


def opened(browser: Browser, path: str = "") -> Page:
    page = browser.new_page(viewport={"width": 1000, "height": 1200})
    page.goto(f"{URL}/{path}")
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_timeout(1000)
    return page


def waits(browser: Browser, photos: list[bytes]) -> tuple[float, float, float, float]:
    """When the first byte was sent, and the last; when the first answer was drawn, and the last; in ms."""
    page = opened(browser)
    page.evaluate(WATCH, len(photos))
    chosen: list[FilePayload] = [
        {"name": f"photo-{number}.jpg", "mimeType": "image/jpeg", "buffer": photo}
        for number, photo in enumerate(photos)
    ]
    page.locator("input[type=file]").set_input_files(chosen)
    page.wait_for_function("window.last > 0")
    began, sent, first, last = page.evaluate("[window.began, window.sent, window.first, window.last]")
    page.close()
    return began, sent, first, last


def live(browser: Browser) -> dict[str, float]:
    """How long the camera took to be given, and from then on to the first frame and the first marked one, in ms."""
    page = opened(browser, "live")
    inside = page.locator("iframe").first.element_handle().content_frame()
    assert inside is not None
    inside.get_by_role("button").first.wait_for()
    inside.evaluate(CAMERA)
    inside.get_by_role("button").first.click()
    told: dict[str, float] = inside.evaluate(MARKED)
    page.close()
    return told


if __name__ == "__main__":
    main()

"""How long a person waits in the app: from choosing a photo to its answer on the screen of a real browser.

    python benchmarks/app.py [CHROMIUM]

Eleven photos of 1382 x 1868 px, one after the other, each on a page of its own; the first does not count. The browser
measures, from the first byte that it sends to the annotated photo that it has drawn. Needs playwright, Chromium and
streamlit.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
from io import BytesIO
from urllib.request import urlopen

from common import data_folder, machine
from PIL import Image
from playwright.sync_api import Browser, FilePayload, sync_playwright

URL = "http://localhost:8576"
TIMES = 10
WATCH = """() => {
  const send = XMLHttpRequest.prototype.send;
  XMLHttpRequest.prototype.send = function (body) { window.began ??= performance.now(); return send.call(this, body); };
  const seen = () => {
    const image = document.querySelector('img[alt^="Faces"]');
    if (image && image.complete && image.naturalWidth) window.ended ??= performance.now();
    else requestAnimationFrame(seen);
  };
  seen();
}"""


def main() -> None:
    browser = sys.argv[1] if len(sys.argv) > 1 else shutil.which("chromium")
    photo = data_folder("media/single_face.jpg") / "media" / "single_face.jpg"
    large = BytesIO()
    Image.open(photo).convert("RGB").resize((1382, 1868)).save(large, "JPEG", quality=90)
    command = [sys.executable, "-m", "mien", "app", "--headless", "--port", URL.rpartition(":")[2]]
    app = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                urlopen(f"{URL}/_stcore/health").close()
                break
            except OSError:
                time.sleep(0.1)
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
            waits = [wait(chromium, large.getvalue()) for _ in range(TIMES + 1)][1:]
            chromium.close()
    finally:
        app.terminate()
    print(machine())
    print(
        f"\nfrom upload to answer: median {statistics.median(waits):.0f} ms, from {min(waits):.0f} to {max(waits):.0f}"
    )


def wait(browser: Browser, photo: bytes) -> float:
    """Milliseconds for one photo on a new page."""
    page = browser.new_page(viewport={"width": 1000, "height": 1200})
    page.goto(URL)
    page.locator("input[type=file]").wait_for(state="attached")
    page.wait_for_timeout(1000)
    page.evaluate(WATCH)
    chosen: FilePayload = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": photo}
    page.locator("input[type=file]").set_input_files(chosen)
    page.wait_for_function("window.ended > 0")
    waited: float = page.evaluate("window.ended - window.began")
    page.close()
    return waited


if __name__ == "__main__":
    main()

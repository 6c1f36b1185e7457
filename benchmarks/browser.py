"""The page of `mien page` in Chromium, Firefox and WebKit, beside the reader in Python: agreement, size, time.

    python benchmarks/browser.py --runtime web/node_modules/onnxruntime-web [--browser firefox] [--limit 3589 50]

The table has a column a browser. Ends with exit code 1 where what docs/browser.md promises does not hold. Needs
`mien[parquet]`, scikit-image, the development data, and the browsers that `driving.py` names; those that are not
installed are left out.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import io
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
from common import ROOT, data_folder, head, machine, row
from driving import INSTALLED, Browser
from PIL import Image
from skimage import data as images

import mien
from mien import artifact
from mien.image import UPRIGHT
from mien.page import find_runtime, write_page

sys.path.append(str(ROOT / "tests"))
from served import serving

CHUNK = 500  # photos on one page
CAMERA_S = 10
LEAST_SAME = 0.999  # share of faces with the same label
LEAST_NEAR, NEAR = 0.998, 0.02  # share of faces with probabilities so near
PLACE = 0.01  # of a photo's longer side, by which the edges of a face in the same place differ at most
MOST_FILE_MB, MOST_GZIP_MB = 9.0, 6.5
MOST_FIRST_S, LEAST_RATE = 3.0, 12.0
BOUNDS = {
    "labels and places as in Python, validation images": f"{LEAST_SAME:.1%}",
    f"probabilities within {NEAR} of Python's": f"{LEAST_NEAR:.1%}",
    "labels, and probabilities, of the photos in `media/`": f"{LEAST_SAME:.1%}, {LEAST_NEAR:.1%}",
    "the same at `/private`": f"{LEAST_SAME:.1%}, {LEAST_NEAR:.1%}",
    "the same of a photo kept in other ways": f"{LEAST_SAME:.1%}, {LEAST_NEAR:.1%}",
    "from opening the file to the answer to a photo that is chosen at once": f"{MOST_FIRST_S:g} s",
    "the next answer": "",
    "pictures of 640 x 480 with one face, a second": f"{LEAST_RATE:g}",
    "requests beside the file itself, errors told": "0",
}
"""The rows of the table."""

LYING = {orientation: UPRIGHT[{6: 8, 8: 6}.get(orientation, orientation)] for orientation in UPRIGHT}
"""EXIF orientation, and what makes an upright image one that is stored so: a quarter turn the other way."""

UNTIL = "while (!({})) await new Promise(done => setTimeout(done, 10));"
COUNT = "document.querySelectorAll('section.photo:not([aria-busy])').length"
ANSWERS = """
const given = URL.createObjectURL;
let file;
URL.createObjectURL = blob => given.call(URL, file = blob);
document.querySelector('#json').click();
URL.createObjectURL = given;
return JSON.parse(await file.text());
"""
CAMERA = """
const shown = Object.assign(new Image(), { src: 'data:image/jpeg;base64,%s' });
await shown.decode();
const canvas = Object.assign(document.createElement('canvas'), { width: shown.width, height: shown.height });
const pen = canvas.getContext('2d');
setInterval(() => pen.drawImage(shown, 0, 0), 20);
navigator.mediaDevices.getUserMedia = async () => canvas.captureStream();
document.querySelector('#camera').click();
"""


class Found(NamedTuple):
    """A cell of the table, and whether it is within its bound."""

    cell: str
    held: bool = True


class Apart(NamedTuple):
    """How two readers differ: faces, those with the same label in the same place, those of which no probability differs
    by more than `NEAR`, and the largest difference."""

    faces: int
    same: int
    near: int
    most: float

    @property
    def both(self) -> Found:
        return Found(f"{self.same:,} and {self.near:,} of {self.faces:,}", self.all_same and self.all_near)

    @property
    def all_same(self) -> bool:
        return self.same >= LEAST_SAME * self.faces

    @property
    def all_near(self) -> bool:
        return self.near >= LEAST_NEAR * self.faces


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runtime", type=Path, help="the npm package onnxruntime-web")
    parser.add_argument("--browser", choices=INSTALLED, help="this one alone; all that are installed if not given")
    parser.add_argument("--limit", type=int, nargs=2, help="so many validation crops in the first, and in each other")
    given = parser.parse_args()
    data = data_folder("fer2013", "media")
    print(machine())
    runtime = find_runtime(given.runtime)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "mien.html"
        write_page(file, artifact.read(artifact.find()), runtime)
        small = sizes(file)
        media = sorted((data / "media").glob("*.jpg"))
        kinds = kept(folder)
        cells = pq.read_table(data / "fer2013" / "valid.parquet", columns=["image"]).column("image").to_pylist()
        crops = [written(folder / f"{at}.png", cell["bytes"]) for at, cell in enumerate(cells)]
        most, others = given.limit or (len(crops),) * 2
        page, beside = file.as_uri(), written(folder / "runtime.wasm", runtime)
        columns: dict[str, dict[str, Found]] = {}
        with serving(runtime=beside) as served:
            for place, driven in enumerate([given.browser] if given.browser else INSTALLED):
                with INSTALLED[driven]() as browser:
                    print(browser.name)
                    private = f"{served.url}/private"
                    asked = crops[: others if place else most]
                    columns[browser.name.split()[0]] = judged(browser, page, private, media, kinds, asked)
    head("beside Python", *columns, "bound")
    for what, bound in BOUNDS.items():
        row(what, *(column[what].cell for column in columns.values()), bound)
    sys.exit(not (small and all(found.held for column in columns.values() for found in column.values())))


def judged(
    browser: Browser, page: str, private: str, media: list[Path], kinds: list[Path], crops: list[Path]
) -> dict[str, Found]:
    """What is found of a browser, a cell for each row."""
    noise: list[str] = []
    first_s, next_s = first(browser, page, media[0], noise)
    rate = camera(browser, page, noise)
    own, served, others, valid = (
        agreement(browser, *asked, noise) for asked in ((page, media), (private, media), (page, kinds), (page, crops))
    )
    print(*(f"NOT QUIET: {each}" for each in noise), sep="\n", end="\n" if noise else "")
    cells = (
        Found(f"{valid.same:,} of {valid.faces:,} ({valid.same / valid.faces:.2%})", valid.all_same),
        Found(f"{valid.near:,} ({valid.near / valid.faces:.2%}), {valid.most:.3f} at most", valid.all_near),
        own.both,
        served.both,
        others.both,
        Found(f"{first_s:.1f} s", first_s <= MOST_FIRST_S),
        Found(f"{next_s:.1f} s"),
        Found(f"{rate:.1f}", rate >= LEAST_RATE),
        Found(str(len(noise)), not noise),
    )
    return dict(zip(BOUNDS, cells, strict=True))


def sizes(file: Path) -> bool:
    whole, packed = file.stat().st_size / 1e6, len(gzip.compress(file.read_bytes())) / 1e6
    print(f"the page: {whole:.1f} MB, {packed:.1f} MB gzipped")
    return whole <= MOST_FILE_MB and packed <= MOST_GZIP_MB


def first(browser: Browser, page: str, photo: Path, noise: list[str]) -> tuple[float, float]:
    """From opening the page to the answer to a photo that is chosen at once, in s; and to the next."""
    began = time.perf_counter()
    browser.open(page)
    read(browser, [photo])
    first_s = time.perf_counter() - began
    began = time.perf_counter()
    read(browser, [photo])
    next_s = time.perf_counter() - began
    noise += browser.told()
    return first_s, next_s


def camera(browser: Browser, page: str, noise: list[str]) -> float:
    """How many pictures of 640 x 480 px with one face are read in a second."""
    opened(browser, page)
    shown = encoded(astronaut().crop((0, 0, 512, 384)).resize((640, 480)), "JPEG")
    browser.ask(CAMERA % base64.b64encode(shown).decode())
    browser.ask(UNTIL.format("document.querySelector('#stage article.face')"))
    time.sleep(CAMERA_S)
    rate = float(browser.ask("return document.querySelector('#stage [role=status]').dataset.rate;"))
    noise += browser.told()
    return rate


def agreement(browser: Browser, page: str, files: list[Path], noise: list[str]) -> Apart:
    found = Apart(0, 0, 0, 0.0)
    for at in range(0, len(files), CHUNK):
        part = files[at : at + CHUNK]
        opened(browser, page)
        found = added(found, read(browser, part), mien.load().predict(part))
        noise += browser.told()
    return found


def added(found: Apart, answers: list[dict[str, Any]], predictions: list[mien.Prediction]) -> Apart:
    faces, same, near, most = found
    for one, other in zip(answers, predictions, strict=True):
        faces += max(len(one["faces"]), len(other.faces))
        if len(one["faces"]) != len(other.faces):
            print(f"{one['source']}: {len(one['faces'])} faces, in Python {len(other.faces)}; {one['error']}")
        for left, right in zip(one["faces"], other.faces, strict=False):
            edges = zip(left["box"], right.face.box_xyxy, strict=True)
            moved = max(abs(mine - theirs) for mine, theirs in edges) / max(other.width, other.height)
            if moved > PLACE:
                print(f"{one['source']}: a face {moved:.1%} of the photo from where Python finds it")
            same += left["label"] == right.expression.label and moved <= PLACE
            mine, theirs = left["probabilities"], right.expression.probabilities
            apart = max(abs(mine[emotion] - share) for emotion, share in theirs.items())
            near, most = near + (apart <= NEAR), max(most, apart)
    return Apart(faces, same, near, most)


def opened(browser: Browser, page: str) -> None:
    """The page, with the reader ready."""
    browser.open(page)
    browser.ask(UNTIL.format("document.querySelector('#state').matches('[data-ready=yes], .fault')"))


def read(browser: Browser, files: list[Path]) -> list[dict[str, Any]]:
    """What the page answers to files, in their order."""
    before = browser.ask(f"return {COUNT};")
    browser.choose(files)
    browser.ask(UNTIL.format(f"{COUNT} === {before + len(files)} || document.querySelector('#state.fault')"))
    answers: list[dict[str, Any]] = browser.ask(ANSWERS)
    return answers[-len(files) :]


def kept(folder: Path) -> list[Path]:
    """A photo as it may be kept: turned in every way that EXIF knows, clear, gray, with few colours, large."""
    photo = astronaut()
    clear = photo.convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(photo.size))
    return [
        *turned(folder, photo, "JPEG"),
        *turned(folder, photo, "WEBP", lossless=True),
        written(folder / "clear.png", encoded(clear, "PNG")),
        written(folder / "gray.png", encoded(photo.convert("L"), "PNG")),
        written(folder / "few.png", encoded(photo.quantize(64), "PNG")),
        written(folder / "web.webp", encoded(photo, "WEBP", lossless=True)),
        written(folder / "large.jpeg", encoded(photo.resize((5000, 5000)), "JPEG", quality=80)),
    ]


def turned(folder: Path, photo: Image.Image, kind: str, **options: Any) -> Iterator[Path]:
    """A photo stored in each way that is not upright, with the EXIF block that says so."""
    for orientation, way in LYING.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        content = encoded(photo.transpose(way), kind, exif=exif, **options)
        yield written(folder / f"{orientation}.{kind.lower()}", content)


def astronaut() -> Image.Image:
    return Image.fromarray(np.asarray(images.astronaut()))  # type: ignore[no-untyped-call]


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def written(file: Path, content: bytes) -> Path:
    file.write_bytes(content)
    return file


if __name__ == "__main__":
    main()

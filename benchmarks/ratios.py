"""How many times faster this build is than another, where people wait: both at work in one run, in turns, medians.

    python benchmarks/ratios.py BASE [--rounds 5]

BASE is the checkout that this one is compared with. Each build is a process of its own, which gets the same files and
is idle while the other works. Rows: photos with many or small faces, as arrays and from a phone; face crops in files
and in an array, a folder of photos, and what the network and the decoder do alone, on two threads; frames of a camera,
by themselves and as the service reads them; and a cold `mien predict photo.jpg`, with the most memory it holds. Needs
pyarrow, scikit-image, websockets, and some ten minutes.
"""

from __future__ import annotations

import argparse
import compileall
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from common import ROOT, data_folder, head, machine, row, seconds
from detector import packaged, portrait_box
from folder import write
from footprint import run
from limits import decode, mapped
from photo import photo
from PIL import Image
from server import Server, running, served
from websockets.sync.client import connect

import mien
from mien.detect import BlazeFace
from mien.face import framing

PARTS = (0.03, 0.04, 0.05, 0.06, 0.08, 0.2)  # crop side in sides of an array of 1600 px
ARRAYS, GROUPS, PHOTOS, COLD, FRAMES, LIVE = 11, 6, 24, 7, 20, 150
RATE = 30  # live frames a second, as the page sends them at most
PHONE = 4032, 3024

ROWS = {
    **{f"an array of 1600 px, a face of {part} of it": f"array-{part}" for part in PARTS},
    "an array of 1600 px, no face": "array-none",
    "an array of 1600 px, 40 faces of .06": "array-crowd",
    f"a phone's photo, {PHONE[0]} x {PHONE[1]}, 5 to 12 faces": "group",
    "a photo of five faces, 1382 px": "five",
    "a frame of a camera, 640 x 480, one face": "frame",
    "48 x 48 PNG files, two threads": "files",
    "1382 x 1868 photos, two threads": "photos",
}
"""What is timed in both builds, by its name on disk."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    if not (given.base / "src" / "mien").is_dir():
        sys.exit(f"{given.base} holds no src/mien: give a checkout of the build to compare with")
    data = data_folder("fer2013/valid.parquet", "media/multi_face.jpg", "media/single_face.jpg")
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(data, folder)
        with closing(Build(given.base, folder)) as base, closing(Build(ROOT, folder)) as this:
            head("", "base, ms", "this, ms", "times as fast")
            for told, what in ROWS.items():
                old, new = in_turns([partial(base.ms, what), partial(this.ms, what)], given.rounds)
                row(told, f"{old:,.2f}", f"{new:,.2f}", f"{old / new:.2f}")
            shares(base, this, given.rounds)
        live(given.base, folder / "live", given.rounds)
    cold(given.base, data / "media" / "single_face.jpg")


def shares(base: Build, this: Build, rounds: int) -> None:
    """What can be had alone, in the same process: of the network's rate, of the decoder's."""
    head("two threads", "base", "this")
    pairs = {
        "PNG files, of the network alone": ("network", "files"),
        "one array to predictions, of the network alone": ("network", "crops"),
        "one array to probabilities, of the network alone": ("network", "chances"),
        "1382 x 1868 photos, of decoding alone": ("decoding", "photos"),
    }
    for told, (alone, what) in pairs.items():
        steps = [partial(build.ms, each) for build in (base, this) for each in (alone, what)]
        old_limit, old, new_limit, new = in_turns(steps, rounds)
        row(told, f"{old_limit / old:.0%}", f"{new_limit / new:.0%}")


def live(base: Path, frames: Path, rounds: int) -> None:
    """What a frame of a camera takes of the processor in the service and its workers, at 30 a second."""
    jpegs = [path.read_bytes() for path in sorted(frames.iterdir())]
    with ExitStack() as opened:
        servers = (running(served(), {"PYTHONPATH": str(root / "src")}) for root in (base, ROOT))
        old, new = in_turns([partial(camera, opened.enter_context(each), jpegs) for each in servers], rounds)
    head("live, by web socket", "base", "this", "")
    row("ms of processor a frame, 640 x 480, one face", f"{old:.2f}", f"{new:.2f}", f"{new / old:.2f} of it")


def camera(server: Server, jpegs: Sequence[bytes]) -> float:
    """Milliseconds of the processor that a server takes for a frame."""
    with connect(f"ws://127.0.0.1:{server.port}/live/frames") as opened:
        before, began = server.cpu_s(), time.monotonic()
        for number, jpeg in enumerate(jpegs):
            time.sleep(max(0.0, began + number / RATE - time.monotonic()))
            opened.send(jpeg)
            if not json.loads(opened.recv())["faces"]:
                sys.exit(f"frame {number} shows no face")
        return 1000 * (server.cpu_s() - before) / len(jpegs)


def cold(base: Path, image: Path) -> None:
    """New processes, in turns; both builds compiled beforehand, as an install does it."""
    for root in (base, ROOT):
        compileall.compile_dir(root / "src" / "mien", quiet=1)
    runs: dict[Path, list[Any]] = {base: [], ROOT: []}
    for _ in range(COLD):
        for root, done in runs.items():
            script = f"import sys; sys.path[:0] = [{str(root / 'src')!r}]; from mien.cli import main; main()"
            done.append(run(sys.executable, "-c", script, "predict", str(image)))
    head("cold `mien predict photo.jpg`", "base", "this", "")
    for told, key in (("s", "seconds"), ("s of processor", "processor_seconds"), ("MB at most", "peak_mb")):
        old, new = (statistics.median(getattr(each, key) for each in done) for done in runs.values())
        row(told, f"{old:.3f}", f"{new:.3f}", f"{new / old:.2f} of it")


def in_turns(steps: Sequence[Callable[[], float]], rounds: int) -> list[float]:
    """The median of each step, after a round that does not count."""
    told = [[step() for step in steps] for _ in range(rounds + 1)][1:]
    return [statistics.median(times) for times in zip(*told, strict=True)]


class Build:
    """A build at work in a process of its own."""

    def __init__(self, root: Path, folder: Path) -> None:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (root / "src", Path(__file__).parent)))}
        command = [sys.executable, __file__, "--work", str(folder)]
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def ms(self, row: str) -> float:
        """Milliseconds an image takes."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{row}\n")
        return float(json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        self._process.communicate()


def work(folder: Path) -> None:
    """Answer each line, a row's name, with the milliseconds an image takes."""
    models = {threads: mien.load(threads=threads) for threads in (1, 2)}
    detector = BlazeFace()
    crops = np.load(folder / "crops.npy")
    files, photos = sorted((folder / "files").iterdir()), sorted((folder / "photos").iterdir())
    steps: dict[str, tuple[int, Callable[[], object]]] = {
        "files": (len(files), lambda: models[2].predict(files, crop="whole")),
        "photos": (len(photos), lambda: models[2].predict(photos)),
        "decoding": (len(photos), lambda: mapped(decode, photos, 2)),
        "network": (len(crops), lambda: models[2].logits(crops)),
        "chances": (len(crops), lambda: models[2].probabilities(crops)),
    }
    if hasattr(models[2], "predict_crops"):
        steps["crops"] = len(crops), lambda: models[2].predict_crops(crops)
    else:  # a list of Pillow images is what the older one takes
        images = [Image.fromarray(crop) for crop in crops]
        steps["crops"] = len(crops), lambda: models[2].predict(images, crop="whole")
    for what in ("group", "five", "frame"):
        jpegs = [path.read_bytes() for path in sorted((folder / what).iterdir())]
        steps[what] = len(jpegs), partial(lambda jpegs: [models[1].predict(each) for each in jpegs], jpegs)
    for path in folder.glob("array-*.npy"):
        steps[path.stem] = len(np.load(path, "r")), partial(detect_all, detector, path)
    for line in sys.stdin:
        count, step = steps[line.strip()]
        print(json.dumps(1000 * seconds(step) / count), flush=True)


def detect_all(detector: BlazeFace, path: Path) -> None:
    for image in np.load(path):
        detector.detect(image)


def prepare(data: Path, folder: Path) -> None:
    """Write what both builds get."""
    for name in ("files", "photos", "group", "five", "frame", "live"):
        (folder / name).mkdir()
    paths = write(data / "fer2013" / "valid.parquet", folder / "files")
    np.save(folder / "crops.npy", np.stack([np.asarray(Image.open(path)) for path in paths]))
    for number in range(PHOTOS):
        (folder / "photos" / f"{number:03}.jpg").write_bytes(photo(data / "media" / "single_face.jpg"))
    rng, heads = np.random.default_rng(0), portraits(data / "media")
    grounds = [Image.open(data / "media" / "free-mountain-vector-01.jpg"), *map(Image.fromarray, others())]
    for part in PARTS:
        arrays = [np.asarray(crowd(grounds[i % 3], (1600, 1200), [heads[i]], [part], rng)) for i in range(ARRAYS)]
        np.save(folder / f"array-{part}.npy", arrays)
    np.save(folder / "array-none.npy", [np.asarray(crowd(each, (1600, 1200), [], [], rng)) for each in grounds])
    many = crowd(grounds[0], (1600, 1200), [heads[i % len(heads)] for i in range(40)], [0.06] * 40, rng)
    np.save(folder / "array-crowd.npy", [np.asarray(many)])
    for number in range(GROUPS):
        count = int(rng.integers(5, 13))
        chosen = [heads[i] for i in rng.permutation(len(heads) * 2)[:count] % len(heads)]
        image = crowd(grounds[number % 3], PHONE, chosen, rng.uniform(0.03, 0.1, count).tolist(), rng)
        image.save(folder / "group" / f"{number}.jpg", quality=90)
    five = Image.open(data / "media" / "multi_face.jpg").convert("RGB")
    five.resize((1382, 922), Image.Resampling.BICUBIC).save(folder / "five" / "five.jpg", quality=90)
    for number in range(FRAMES):
        part = float(rng.uniform(0.2, 0.5))
        frame = crowd(grounds[number % 3], (640, 480), [heads[number % len(heads)]], [part], rng)
        frame.save(folder / "frame" / f"{number:03}.jpg", quality=80)
    (face, side), ground = heads[0], grounds[0].convert("RGB").resize((640, 480), Image.Resampling.BICUBIC)
    scale = 0.25 * ground.width / side
    small = face.resize((round(face.width * scale), round(face.height * scale)))
    for number in range(LIVE):  # it moves by 3 px a frame at most
        x, y = 0.5 + 0.45 * math.sin(number / 60), 0.5 + 0.45 * math.cos(number / 40)
        frame = ground.copy()
        frame.paste(small, (round(x * (frame.width - small.width)), round(y * (frame.height - small.height))))
        frame.save(folder / "live" / f"{number:03}.jpg", quality=80)


def others() -> list[np.ndarray]:
    return [packaged("coffee"), packaged("rocket")]


def portraits(media: Path) -> list[tuple[Image.Image, float]]:
    """Heads and shoulders of eleven people, and how wide each one's crop is, in px."""
    detector, found = BlazeFace(), []
    names = [path for path in sorted(media.glob("*.jpg")) if "mountain" not in path.name]
    for image in [*map(Image.open, names), Image.fromarray(packaged("astronaut"))]:
        rgb = image.convert("RGB")
        for face in detector.detect(np.asarray(rgb)):
            x0, y0, x1, y1 = portrait_box(face)
            found.append((rgb.crop((round(x0), round(y0), round(x1), round(y1))), framing(face).side))
    return found


def crowd(
    ground: Image.Image,
    size: tuple[int, int],
    heads: list[tuple[Image.Image, float]],
    parts: list[float],
    rng: np.random.Generator,
) -> Image.Image:
    """A photo of that size with heads, each anywhere in its cell, its crop so large a part of the longer side."""
    canvas = ground.convert("RGB").resize(size, Image.Resampling.BICUBIC)
    columns = max(1, round((len(heads) * size[0] / size[1]) ** 0.5))
    cell = size[0] / columns, size[1] / max(1, -(-len(heads) // columns))
    for number, ((face, side), part) in enumerate(zip(heads, parts, strict=True)):
        scale = part * size[0] / side
        small = face.resize((max(1, round(face.width * scale)), max(1, round(face.height * scale))))
        spare = max(0.0, cell[0] - small.width), max(0.0, cell[1] - small.height)
        x, y = number % columns * cell[0], number // columns * cell[1]
        canvas.paste(small, (round(x + rng.uniform(0, spare[0])), round(y + rng.uniform(0, spare[1]))))
    return canvas


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(Path(sys.argv[2]))
    else:
        main()

"""The service among bad clients: its memory under the largest images, how long good requests take meanwhile, its end.

    python benchmarks/abuse.py [--clients 60] [--seconds 10] [--set max_decoded=200000000]

The images are flat, made here, and sent to a service of this machine's own. Each must be answered when it comes alone.
Then each kind of bad clients does what it does while four clients send face crops; the service is told to stop while it
lasts. Bad clients give way to the service and to the good, so that it is not them who take the processor. Memory is the
most that all its processes held, what they share counted once (PSS, Linux).
"""

from __future__ import annotations

import argparse
import asyncio
import io
import math
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from bad import Go, kinds, misbehaving, request, send
from common import data_folder, head, machine, row
from load import crop, frame, quantile
from PIL import Image
from server import Server, running, served

from mien.bounds import held
from mien.picture import first_factor
from mien.service.settings import Settings
from mien.service.workers import rooms

KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "JPEG": ("JPEG", "RGB", {}),
    "JPEG, progressive": ("JPEG", "RGB", {"progressive": True}),
    "JPEG, progressive, full colour": ("JPEG", "RGB", {"progressive": True, "subsampling": 0}),
    "JPEG, CMYK": ("JPEG", "CMYK", {}),
    "PNG": ("PNG", "RGB", {}),
    "PNG, alpha": ("PNG", "RGBA", {}),
    "PNG, gray and alpha": ("PNG", "LA", {}),
    "PNG, 16 bits": ("PNG", "I;16", {}),
    "PNG, palette": ("PNG", "P", {}),
    "GIF": ("GIF", "P", {}),
    "WebP": ("WEBP", "RGB", {}),
    "WebP, alpha": ("WEBP", "RGBA", {}),
    "AVIF": ("AVIF", "RGB", {"speed": 10}),
    "AVIF, alpha": ("AVIF", "RGBA", {"speed": 10}),
    "TIFF": ("TIFF", "RGB", {"compression": "tiff_lzw"}),
    "TIFF, CMYK": ("TIFF", "CMYK", {"compression": "tiff_lzw"}),
    "BMP": ("BMP", "RGB", {}),
    "PPM": ("PPM", "RGB", {}),
}
RAW = ("BMP", "PPM")  # three bytes a pixel in the file
HEADERS = 1000  # bytes of a file at most beside these
FAINT = (120, 130, 140, 128)  # a pixel with alpha
SMALL = 64  # px, side of what is measured to tell how large an image may be
GOOD = 4  # clients that send face crops
LOOK_S = 0.1  # between two looks at memory


@dataclass
class Peak:
    """Watches the most memory that a service holds; `with` begins anew."""

    server: Server
    most: float = 0.0
    _end: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Peak:
        self.most = self.server.megabytes()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._end.wait(LOOK_S):
            self.most = max(self.most, self.server.megabytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=60, help="bad ones")
    parser.add_argument("--seconds", type=int, default=10, help="of each kind of abuse")
    parser.add_argument("--kinds", nargs="+", default=[""], help="of abuse, by a part of their name")
    parser.add_argument("--set", dest="changed", action="append", default=[], help="a setting, as of mien serve")
    given = parser.parse_args()
    settings = Settings.model_validate(dict(each.split("=", 1) for each in given.changed))
    command = [*served()[:-1], *[word for each in given.changed for word in ("--set", each)], "--port"]
    bodies = {name: largest(name, settings) for name in KINDS}
    print(machine())
    head("the largest that is taken", "megapixels", "MB", "answer", "memory MB")
    with running(command) as server:
        row("nothing yet", "", "", "", f"{server.megabytes():.0f}")
        for name, (pixels, content) in bodies.items():
            with Peak(server) as peak:
                status, _ = asyncio.run(send(server.port, request(content)))
            row(name, f"{pixels / 1e6:.1f}", f"{len(content) / 1e6:.2f}", status, f"{peak.most:.0f}")
    bad = f"{given.clients} bad clients"
    head(bad, "good: p50 ms", "p99 ms", "answers", "bad: answers", "memory MB", "end s")
    source = data_folder("media/single_face.jpg") / "media" / "single_face.jpg"
    small = request(crop(source), path="/v1/predict?crop=whole")
    for name, go in kinds([content for _, content in bodies.values()], frame(source), settings).items():
        if any(each in name for each in given.kinds):
            abused(name, go, small, command, given.clients, given.seconds)


def abused(name: str, go: Go, small: bytes, command: list[str], clients: int, seconds: int) -> None:
    """Print what becomes of good requests, each a small one, under one kind of abuse."""
    with running(command) as server, misbehaving(go, server.port, clients) as bad, Peak(server) as peak:
        time.sleep(1)
        seen = asyncio.run(good(server.port, small, seconds))
        told, began = words(bad()), time.perf_counter()
        server.process.terminate()
        server.process.wait()
        ended = time.perf_counter() - began
    taken = [each for status, each in seen if status == 200] or [math.nan]
    p50, p99 = (1000 * quantile(taken, share) for share in (0.5, 0.99))
    good_told = words(Counter(status for status, _ in seen))
    row(name, f"{p50:.0f}", f"{p99:.0f}", good_told, told, f"{peak.most:.0f}", f"{ended:.1f}")


async def good(port: int, message: bytes, seconds: int) -> list[tuple[int, float]]:
    """What clients get who send small requests: statuses, and after how many seconds."""
    until = time.monotonic() + seconds

    async def one() -> list[tuple[int, float]]:
        seen = []
        while time.monotonic() < until:
            seen.append(await send(port, message))
        return seen

    return [each for seen in await asyncio.gather(*(one() for _ in range(GOOD))) for each in seen]


def words(told: Counter[int]) -> str:
    """Statuses and how often; 0 is no answer."""
    return ", ".join(f"{status or 'none'}: {count}" for status, count in sorted(told.items())) or "none"


def largest(name: str, settings: Settings) -> tuple[int, bytes]:
    """The largest square image of a kind that the service takes: its pixels, and its bytes."""
    with Image.open(io.BytesIO(made(name, SMALL))) as small:
        shrinks = first_factor(*[math.isqrt(settings.max_pixels)] * 2) if small.format == "JPEG" else 1
        size = held(small, shrinks) / SMALL**2
    pixels = min(settings.max_pixels, rooms(settings)[1].max_decoded / size)
    if name in RAW:
        pixels = min(pixels, (settings.max_bytes - HEADERS) / 3)
    side = int(math.sqrt(pixels)) // 8 * 8  # whole blocks, as of the small one
    return side**2, made(name, side)


def made(name: str, side: int) -> bytes:
    kind, mode, options = KINDS[name]
    stream = io.BytesIO()
    colour = {"RGBA": FAINT, "LA": FAINT[2:]}.get(mode, 0)
    Image.new(mode, (side, side), colour).save(stream, kind, **options)
    return stream.getvalue()


if __name__ == "__main__":
    main()

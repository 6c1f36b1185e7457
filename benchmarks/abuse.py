"""The service's memory: the largest images that it takes, of every format, one by one and from many clients at once.

    python benchmarks/abuse.py [--clients 64] [--images 4] [--set max_decoded=256000000]

The images are flat, made here, and sent to a service of this machine's own. Each must be answered when it comes alone;
together they get an answer, or 503 where there is no room in time. Memory is the most that was resident (Linux).
"""

from __future__ import annotations

import argparse
import io
import math
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from common import machine
from load import Server, running, served
from PIL import Image

from mien.bounds import held
from mien.picture import first_factor
from mien.service.settings import Settings

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
WAIT_S = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--images", type=int, default=4, help="that each client sends, of one kind after the other")
    parser.add_argument("--set", dest="changed", action="append", default=[], help="a setting, as of mien serve")
    given = parser.parse_args()
    settings = Settings.model_validate(dict(each.split("=", 1) for each in given.changed))
    bodies = {name: largest(name, settings) for name in KINDS}
    print(machine())
    print("\n| the largest that is taken | megapixels | MB | answer | memory MB |\n|---|---|---|---|---|")
    options = [word for each in given.changed for word in ("--set", each)]
    with running([*served()[:-1], *options, "--port"]) as server:
        print(f"| nothing yet | | | | {peak(server):.0f} |", flush=True)
        for name, (pixels, content) in bodies.items():
            forget(server)
            status = send(server, content)
            size = f"{pixels / 1e6:.1f} | {len(content) / 1e6:.2f}"
            print(f"| {name} | {size} | {status} | {peak(server):.0f} |", flush=True)
        forget(server)
        contents = [content for _, content in bodies.values()]

        def client(number: int) -> Counter[int]:
            return Counter(send(server, contents[(number + i) % len(contents)]) for i in range(given.images))

        with ThreadPoolExecutor(given.clients) as pool:
            told = sum(pool.map(client, range(given.clients)), Counter[int]())
        print(f"\n{given.clients} clients together: {dict(sorted(told.items()))}, memory at most {peak(server):.0f} MB")


def largest(name: str, settings: Settings) -> tuple[int, bytes]:
    """The largest square image of a kind that the service takes: its pixels, and its bytes."""
    with Image.open(io.BytesIO(made(name, SMALL))) as small:
        shrinks = first_factor(*[math.isqrt(settings.max_pixels)] * 2) if small.format == "JPEG" else 1
        size = held(small, shrinks) / SMALL**2
    pixels = min(settings.max_pixels, settings.max_decoded / size)
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


def send(server: Server, content: bytes) -> int:
    """The status of the answer; 0 where it came before the body was sent, and could not be read."""
    url = f"http://127.0.0.1:{server.port}/v1/predict"
    try:
        with urlopen(Request(url, content, {"Content-Type": "application/octet-stream"}), timeout=WAIT_S) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code
    except URLError:
        return 0


def forget(server: Server) -> None:
    """Begin anew with the most that was resident."""
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")


def peak(server: Server) -> float:
    """The most that was resident, in MB."""
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) * 1024 / 1e6


if __name__ == "__main__":
    main()

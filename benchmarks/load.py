"""The service under load: requests, overload, live cameras; beside a plain handler without batching, in the same run.

    python benchmarks/load.py [--seconds 10] [--overload 60]
    python benchmarks/load.py --soak 10
    python benchmarks/load.py --beside OTHER/CHECKOUT [--rounds 3]

Needs wrk (Debian: apt install wrk). Everything runs on this machine, the clients too. With `--soak` memory is watched
for so many minutes of load, and nothing else is measured; with `--beside` this build and another are, in turns.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import shutil
import statistics
import sys
import time
from collections import Counter
from pathlib import Path
from urllib.request import urlopen

from common import data_folder, head, machine, row
from photo import BORDER, SIZE, photo
from PIL import Image, ImageOps
from server import Body, Server, form, measured, running, served
from websockets.asyncio.client import connect

CLIENTS = (1, 16, 64)
TIMES_CAPACITY = 4
ONE, RESULT = "form of a photo", "/result of a photo"
PLAIN = """
import sys, uvicorn
from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
import mien
model = mien.load()
app = FastAPI()
@app.get("/readyz")
async def ready():
    return {}
@app.post("/v1/predict")
async def predict(request: Request, crop: str = "auto"):
    body = await request.body()
    return (await run_in_threadpool(model.predict, body, crop=crop)).to_dict()
uvicorn.run(app, port=int(sys.argv[1]), log_level="error")
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=10, help="of each measurement")
    parser.add_argument("--overload", type=int, default=60, help="seconds of overload")
    parser.add_argument("--soak", type=float, default=0, help="minutes of load while memory is watched")
    parser.add_argument("--beside", type=Path, help="the checkout of another build")
    parser.add_argument("--rounds", type=int, default=3, help="how often each of two builds has its turn")
    given = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed")
    source = data_folder("media/single_face.jpg") / "media" / "single_face.jpg"
    small = Body("face crop", crop(source), path="/v1/predict?crop=whole")
    large = Body("1382x1868 photo", photo(source))
    print(machine())
    if given.beside:
        beside(given.beside, [small, large, *pages(source)], given.rounds, given.seconds)
        return
    costs = ("requests/s", "p50 ms", "p99 ms", "other than 200", "cores used", "memory MB")
    head("server", "body", "clients", *costs)
    if given.soak:
        soak(large, given.soak)
        return
    capacity = 0.0
    for name, command in {"mien serve": served(), "plain handler": plain()}.items():
        for body in (small, large):
            for clients in CLIENTS:
                with running(command) as server:
                    rate = wrk(server, name, body, clients, given.seconds)
                    if (name, body, clients) == ("mien serve", large, 16):
                        capacity = rate
    asyncio.run(overload(large.content, capacity, given.overload))
    for cameras in (1, 8):
        asyncio.run(live(frame(source), cameras, given.seconds))


def plain() -> list[str]:
    return [sys.executable, "-c", PLAIN]


def crop(source: Path) -> bytes:
    return encoded(source, (48, 48), "PNG")


def frame(source: Path) -> bytes:
    return encoded(source, (640, 480), "JPEG")


def encoded(source: Path, size: tuple[int, int], kind: str) -> bytes:
    stream = io.BytesIO()
    with Image.open(source) as image:
        ImageOps.pad(image.convert("RGB"), size).save(stream, kind)
    return stream.getvalue()


def pages(source: Path) -> list[Body]:
    """A form of one photo for the API and for the page, and one of two photos with five faces each."""
    one, five = photo(source), io.BytesIO()
    with Image.open(source) as image:
        group = Image.new("RGB", SIZE, BORDER)
        for number in range(5):
            face = ImageOps.contain(image.convert("RGB"), (SIZE[0] // 2, SIZE[1] // 3))
            group.paste(face, (number % 2 * SIZE[0] // 2, number // 2 * SIZE[1] // 3))
        group.save(five, "JPEG", quality=90)
    return [
        Body(ONE, *form(one)),
        Body(RESULT, *form(one), path="/result"),
        Body("two photos of five faces", *form(*[five.getvalue()] * 2)),
    ]


def beside(other: Path, bodies: list[Body], rounds: int, seconds: int) -> None:
    """Print what two builds do of each body, in turns."""
    head("body, 16 clients", "requests/s, other", "this", "ratio", "CPU ms each", "this", "memory MB", "this")
    builds = {"other": {"PYTHONPATH": str(other / "src")}, "this": {}}
    each_ms = {}
    for body in bodies:
        rates, costs, memory = ({name: list[float]() for name in builds} for _ in range(3))
        for _ in range(rounds):
            for name, more in builds.items():
                with running(served(), more) as server:
                    seen = measured(server, body, 16, seconds)
                    rates[name].append(seen.good)
                    costs[name].append(1000 * seen.cores / max(seen.good, 1 / seconds))
                    memory[name].append(server.megabytes())
        before, now = (statistics.median(rates[name]) for name in builds)
        cost = (f"{statistics.median(each):.1f}" for each in costs.values())
        held = (f"{max(each):.0f}" for each in memory.values())
        ratio = now / max(before, 1 / seconds)
        each_ms[body.name] = statistics.median(costs["this"])
        row(body.name, f"{before:.1f}", f"{now:.1f}", f"{ratio:.2f}", *cost, *held)
    print(f"\n{RESULT} costs {each_ms[RESULT] / each_ms[ONE]:.2f} times {ONE}")


def wrk(server: Server, name: str, body: Body, clients: int, seconds: int) -> float:
    """Print a row of the table; gives requests a second."""
    seen = measured(server, body, clients, seconds)
    cost = (f"{seen.cores:.2f}", f"{server.megabytes():.0f}")
    row(name, body.name, clients, f"{seen.rate:.0f}", f"{seen.p50_ms:.1f}", f"{seen.p99_ms:.1f}", seen.other, *cost)
    return seen.rate


async def overload(content: bytes, capacity: float, seconds: int) -> None:
    """Send several times what the service can do, evenly, each on its own connection; print what became of it."""
    rate = TIMES_CAPACITY * capacity
    head = f"POST /v1/predict HTTP/1.1\r\nHost: a\r\nContent-Type: image/jpeg\r\nContent-Length: {len(content)}\r\n"
    message = head.encode() + b"Connection: close\r\n\r\n" + content
    times: dict[int, list[float]] = {}
    faults: Counter[str] = Counter()

    async def one(port: int) -> None:
        try:
            began = time.perf_counter()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(message)
            await writer.drain()
            sent = time.perf_counter()
            status = int((await reader.readline()).split()[1])
            times.setdefault(status, []).append(time.perf_counter() - (began if status == 200 else sent))
            writer.close()
        except (OSError, IndexError) as error:
            faults[type(error).__name__] += 1

    with running(served()) as server:
        tasks, began, most = set[asyncio.Task[None]](), time.perf_counter(), 0.0
        while (now := time.perf_counter() - began) < seconds:
            while sum(map(len, times.values())) + len(tasks) + faults.total() < now * rate:
                task = asyncio.create_task(one(server.port))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            most = max(most, server.megabytes())
            await asyncio.sleep(0.005)
        await asyncio.gather(*tasks)
        with urlopen(f"http://127.0.0.1:{server.port}/readyz") as answer:
            after = answer.status
    print(f"\noverload: {rate:.0f} photos/s offered, {TIMES_CAPACITY} times the capacity, for {seconds} s")
    for status, taken in sorted(times.items()):
        p50, p99 = (1000 * quantile(taken, share) for share in (0.5, 0.99))
        print(f"  {status}: {len(taken) / seconds:.0f}/s, p50 {p50:.0f} ms, p99 {p99:.0f} ms")
    print(
        f"  faults: {dict(faults) or 'none'}; memory at most {most:.0f} MB; afterwards /readyz says {after}", flush=True
    )


async def live(content: bytes, cameras: int, seconds: int) -> None:
    """Cameras of 640x480 that send a frame as soon as fewer than two are on their way, as the page does."""

    async def one(port: int) -> tuple[float, float]:
        waits: list[float] = []
        async with connect(f"ws://127.0.0.1:{port}/live/frames") as opened:
            sent = [time.perf_counter(), time.perf_counter()]
            for _ in sent:
                await opened.send(content)
            began = time.perf_counter()
            while time.perf_counter() - began < seconds:
                answer = json.loads(await opened.recv())
                for _ in range(1 + answer["skipped"]):
                    taken = sent.pop(0)
                waits.append(time.perf_counter() - taken)
                while len(sent) < 2:
                    sent.append(time.perf_counter())
                    await opened.send(content)
        return len(waits) / seconds, statistics.median(waits)

    with running(served()) as server:
        told = await asyncio.gather(*(one(server.port) for _ in range(cameras)))
    rates, waits = [rate for rate, _ in told], [wait for _, wait in told]
    print(
        f"live, {cameras} camera{'s' * (cameras > 1)} of 640x480: {min(rates):.0f} to {max(rates):.0f} frames/s each, "
        f"median {1000 * statistics.median(waits):.0f} ms from frame to answer",
        flush=True,
    )


def soak(body: Body, minutes: float) -> None:
    """Memory at the beginning, and after so many minutes of 16 clients."""
    with running(served()) as server:
        seen = []
        for _ in range(max(2, round(minutes * 2))):
            wrk(server, "mien serve", body, 16, 28)
            seen.append(server.megabytes())
    print(f"memory over {minutes:g} minutes of load: {', '.join(f'{each:.0f}' for each in seen)} MB")


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


if __name__ == "__main__":
    main()

"""Bad clients: what each kind of them does at a port, again and again, in a process that gives way to all others.

Nothing here breaks a decoder: images are flat, and made by `abuse.py`; connections are this machine's own.
"""

from __future__ import annotations

import asyncio
import os
import struct
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from typing import Any

from server import form

from mien.service.settings import Settings

Go = Callable[[int, int], Awaitable[int]]
"""One go of a client: at a port, with its number; gives the status of the answer, 0 where there was none."""

SLOW = 999  # px, side of an image that is decoded in Python
STAY_S = 3.0  # that a connection which says nothing, or stops, is kept
PAUSE_S = 0.05  # between two goes of a client
AT_ONCE = 25  # connections of one client, where each costs it nothing
WAIT_S = 60
BINARY, PING = 2, 9  # kinds of frames of a web socket
HEAD = "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n"
SHAKE = (
    b"GET /live/frames HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
PAGES = b"GET /docs HTTP/1.1\r\nHost: a\r\n\r\n" * 16  # as many as may be sent before there is an answer


def kinds(images: list[bytes], photo: bytes, settings: Settings) -> dict[str, Go]:
    """What bad clients do, by name, with the largest images and a camera's frame."""
    large = [request(content) for content in images]
    slow = request(b"P6 %d %d 1000\n" % (SLOW, SLOW) + bytes(6 * SLOW**2))
    many = request(*form(*[photo] * settings.max_files))
    half = request(bytes(settings.max_bytes))[: settings.max_bytes // 10]
    part = SHAKE + framed(BINARY, bytes(settings.max_frame // 2), fin=False)

    def stopping(message: bytes, count: int = 1) -> Go:
        async def go(port: int, number: int) -> int:
            told = await asyncio.gather(*(send(port, message, STAY_S) for _ in range(count)))
            return told[0][0]

        return go

    async def nothing(port: int, number: int) -> int:
        await asyncio.sleep(STAY_S)
        return 0

    async def camera(port: int, number: int) -> int:
        return await kept(port, framed(BINARY, photo))

    async def pings(port: int, number: int) -> int:
        return await kept(port, framed(PING, bytes(100)) * 100)

    async def largest(port: int, number: int) -> int:
        return (await send(port, large[number % len(large)]))[0]

    async def again(port: int, message: bytes) -> int:
        return (await send(port, message))[0]

    return {
        "none": nothing,
        "the largest images": largest,
        "images of a slow kind": lambda port, number: again(port, slow),
        f"{settings.max_files} frames at once": lambda port, number: again(port, many),
        "uploads that stop": stopping(half),
        "bodies that stop at once": stopping(half[:200], AT_ONCE),
        "headers that stop": stopping(half[:20], AT_ONCE),
        "connections that say nothing": stopping(b"", AT_ONCE),
        "answers that nobody takes": stopping(PAGES),
        "cameras": camera,
        "frames that stop": stopping(part),
        "floods of pings": pings,
    }


@contextmanager
def misbehaving(go: Go, port: int, clients: int) -> Iterator[Callable[[], Counter[int]]]:
    """Clients in a process of their own, of the lowest priority; what is given says how they were answered so far."""
    context = get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=_all, args=(go, port, clients, theirs))
    process.start()

    def told() -> Counter[int]:
        ours.send(None)
        answer: Counter[int] = ours.recv()
        return answer

    try:
        yield told
    finally:
        process.kill()
        process.join()


def _all(go: Go, port: int, clients: int, pipe: Any) -> None:
    os.nice(19)
    told = Counter[int]()

    async def one(number: int) -> None:
        while True:
            with suppress(OSError, EOFError, TimeoutError):
                told[await go(port, number)] += 1
            number += clients
            await asyncio.sleep(PAUSE_S)

    async def everyone() -> None:
        loop = asyncio.get_running_loop()
        loop.add_reader(pipe.fileno(), lambda: pipe.send((pipe.recv(), told)[1]))
        await asyncio.gather(*(one(number) for number in range(clients)))

    asyncio.run(everyone())


def request(content: bytes, kind: str = "application/octet-stream", path: str = "/v1/predict") -> bytes:
    head = HEAD.format(path=path, kind=kind, size=len(content))
    return head.encode() + b"Connection: close\r\n\r\n" + content


def framed(kind: int, data: bytes, *, fin: bool = True) -> bytes:
    """A frame of a web socket."""
    return struct.pack("!BBQI", fin << 7 | kind, 255, len(data), 0) + data


async def send(port: int, message: bytes, wait_s: float = WAIT_S) -> tuple[int, float]:
    """The status of the answer and after how many seconds it came; 0 where there was none."""
    loop = asyncio.get_running_loop()
    began, writer = loop.time(), None
    try:
        async with asyncio.timeout(wait_s):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**12)
            writer.write(message)
            await writer.drain()
            return int((await reader.readline()).split()[1]), loop.time() - began
    except (OSError, IndexError, TimeoutError):
        return 0, loop.time() - began
    finally:
        if writer is not None:
            writer.transport.abort()


async def kept(port: int, message: bytes) -> int:
    """Send the same on a web socket, once more for each answer, until the service ends it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(SHAKE)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(message)
        while await reader.read(2**16):
            writer.write(message)
            await writer.drain()
        return 0
    finally:
        writer.transport.abort()

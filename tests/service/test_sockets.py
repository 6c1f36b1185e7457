"""Web sockets that break the rules: each is ended with its reason, holds little, and the next good one is served."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from served import Served, connect
from waiting import WAIT_S, until
from websockets.exceptions import WebSocketException
from wire import BINARY, CONT, PING, TEXT, camera, closed, count, dial, frame, handshake, rest

from mien.service.sockets import AT_FIRST, MOST_A_SECOND

MAX_FRAME, MAX_MEMORY = 300_000, 1_000_000
UPLOAD_S = 2.0
TRIES = 20  # of what a machine that is busy for a moment lets off


@pytest.fixture(scope="module")
def service(serve: Any) -> Iterator[Served]:
    limits = {"max_frame": MAX_FRAME, "max_bytes": 400_000, "max_memory": MAX_MEMORY}
    with serve(**limits, upload_s=UPLOAD_S, deadline_s=1) as served:
        yield served
        assert not [line for line in served.printed if "Traceback" in line]


@pytest.fixture(autouse=True)
def next_one_is_served(service: Served, astronaut: bytes) -> Iterator[None]:
    yield
    until(lambda: count(service, "mien_upload_bytes") == 0)

    def read() -> bool:  # not where a busy machine passed one of the deadlines
        with suppress(WebSocketException), connect(f"{service.url.replace('http', 'ws')}/live/frames") as opened:
            opened.send(astronaut)
            return "faces" in json.loads(opened.recv(WAIT_S))
        return False

    until(read)


FLOOD = (1008, f"more than {MOST_A_SECOND:,} messages a second")
SILENT = (1008, "no frame within 2 s")
LATE = (1008, "a message was not whole within 2 s")
ENDED: dict[str, tuple[bytes, tuple[int, str], str]] = {
    "nothing": (b"", SILENT, "silent"),
    "words alone": (frame(TEXT, b"words"), SILENT, "silent"),
    "half a header": (b"\x82", LATE, "late"),
    "half a message": (frame(BINARY, b"x", promised=1000), LATE, "late"),
    "half a message in parts": (frame(BINARY, b"x", fin=False) + frame(CONT, b"x", fin=False), LATE, "late"),
    "an empty part alone": (frame(BINARY, fin=False), LATE, "late"),
    "a message and half of another": (frame(BINARY, b"x") + frame(BINARY, b"x", fin=False), LATE, "late"),
    "pings": (frame(PING, b"x" * 125) * 20_000, FLOOD, "flood"),
    "empty messages": (frame(BINARY) * 20_000, FLOOD, "flood"),
    "words": (frame(TEXT, b"words") * 20_000, FLOOD, "flood"),
    "empty parts": (frame(BINARY, fin=False) + frame(CONT, fin=False) * 20_000, FLOOD, "flood"),
    "a message that promises too much": (frame(BINARY, promised=MAX_FRAME + 1), (1009, ""), "large"),
    "a message that promises all there is": (frame(BINARY, promised=2**63 - 1), (1009, ""), "large"),
    "too large in parts": (
        frame(BINARY, bytes(MAX_FRAME), fin=False) + frame(CONT, b"x", fin=False),
        (1009, ""),
        "large",
    ),
    "a compressed message": (frame(BINARY, b"x", compressed=True), (1002, "reserved bits must be 0"), "malformed"),
    "a kind that is none": (frame(7), (1002, "invalid opcode"), "malformed"),
    "a part of nothing": (frame(CONT, b"x"), (1002, "unexpected continuation frame"), "malformed"),
    "a large ping": (frame(PING, b"x" * 126), (1002, "control frame too long"), "malformed"),
    "words that are none": (frame(TEXT, b"\xff\xfe"), SILENT, "silent"),
}
"""What is sent, the code and reason it is ended with, and the cause it is counted under."""


@pytest.mark.parametrize("name", ENDED)
def test_what_ends_a_socket(service: Served, name: str) -> None:
    sent, expected, cause = ENDED[name]
    counted = f'mien_connections_ended_total{{cause="{cause}"}}'

    def ended() -> tuple[tuple[int, str], float]:
        """Not as expected where a busy machine sends that too late."""
        before, told = count(service, counted), expected
        with camera(service) as wire:
            with suppress(ConnectionError):  # it may be ended before all was sent
                wire.sendall(sent)
            if name == "pings":
                rest(wire)  # pongs, and the end
            else:
                code, reason = closed(wire)
                told = code, reason if expected[1] else ""
                with suppress(OSError):  # it has hung up already
                    wire.shutdown(socket.SHUT_WR)  # else it leaves a second to read that
                rest(wire)
        return told, count(service, counted) - before

    assert (expected, 1) in (ended() for _ in range(TRIES))


def test_a_new_socket_may_not_send_a_seconds_share_at_once(service: Served) -> None:
    """A machine that is busy for half a second lets one off, so more are tried."""
    assert 4 * AT_FIRST < MOST_A_SECOND

    def flooded() -> bool:
        with camera(service) as wire:
            wire.sendall(frame(BINARY) * 4 * AT_FIRST)
            return closed(wire) == FLOOD

    assert any(flooded() for _ in range(TRIES))


def test_unfinished_messages_count_as_uploads(service: Served) -> None:
    """Where there is no room for more, the one that wants more is ended, and the others go on."""
    size = 290_000
    half = frame(BINARY, bytes(size // 2), fin=False) + frame(CONT, bytes(size // 2), promised=size // 2 + 1)
    full = (1013, "too many uploads at once: come again a little later")

    def held() -> float:
        return count(service, "mien_upload_bytes")

    def refused() -> bool:  # not where a busy machine needs so long that the first are late
        until(lambda: held() == 0)
        late = time.monotonic() + UPLOAD_S
        with ExitStack() as stack, suppress(ConnectionError):
            one, two, three, last = (stack.enter_context(camera(service)) for _ in range(4))
            for wire in (one, two, three):
                wire.sendall(half)
            until(lambda: held() >= 3 * size or time.monotonic() > late)
            last.sendall(frame(BINARY, bytes(size), fin=False))
            return closed(last) == full and MAX_MEMORY >= held() >= 3 * size
        return False

    assert any(refused() for _ in range(TRIES))


def test_compression_is_not_taken_up(service: Served) -> None:
    with dial(service) as wire:
        wire.sendall(handshake("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"))
        until_end = wire.recv(65536)
    assert until_end.startswith(b"HTTP/1.1 101")
    assert b"permessage-deflate" not in until_end


@pytest.mark.parametrize(
    ("request_", "statuses"),
    [
        (handshake(version="8"), (400, 426)),
        (handshake().replace(b"GET", b"POST"), (405,)),
        (handshake().replace(b"Sec-WebSocket-Key", b"Key"), (400,)),
        (handshake(target="/nothing"), (403,)),
        (handshake(*("A: b",) * 200), (431,)),
        (handshake("A: " + "b" * 9_000), (431,)),
        (handshake(target="/live/frames?" + "a" * 9_000), (414,)),
    ],
    ids=["version", "method", "no key", "elsewhere", "many headers", "a long header", "a long address"],
)
def test_handshakes_that_are_refused(service: Served, request_: bytes, statuses: tuple[int, ...]) -> None:

    def status() -> int:
        with dial(service) as wire:
            wire.sendall(request_)
            return int(rest(wire).split(b" ", 2)[1])

    answers = (status() for _ in range(TRIES))
    assert next(each for each in answers if each != 408) in statuses  # a busy machine may send that too late


def test_a_handshake_that_never_ends(service: Served) -> None:
    with dial(service) as wire:
        wire.sendall(handshake()[:-2])
        assert rest(wire).startswith(b"HTTP/1.1 408")

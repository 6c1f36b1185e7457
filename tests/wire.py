"""Clients that speak byte by byte, for what no library would send."""

from __future__ import annotations

import base64
import json
import re
import socket
import struct
from typing import Any

from served import Served, get
from waiting import WAIT_S

KEY = base64.b64encode(bytes(16)).decode()
TRIES = 5  # of what a machine that is busy for so long spoils
CONT, TEXT, BINARY, CLOSE, PING = 0, 1, 2, 8, 9
GOOD = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"

POST_HALF = b"POST /v1/predict HTTP/1.1\r\nHost: a\r\nContent-Type: image/jpeg\r\nContent-Length: 99999\r\n\r\nx"


def dial(served: Served) -> socket.socket:
    return socket.create_connection(("127.0.0.1", served.port), timeout=WAIT_S)


def head(wire: socket.socket) -> bytes:
    """What comes up to the end of an answer's headers, and no further."""
    received = b""
    while not received.endswith(b"\r\n\r\n") and (byte := wire.recv(1)):
        received += byte
    return received


def rest(wire: socket.socket) -> bytes:
    """What comes until the connection ends."""
    received = b""
    try:
        while chunk := wire.recv(65536):
            received += chunk
    except ConnectionResetError:
        pass
    return received


def handshake(*headers: str, target: str = "/live/frames", version: str = "13") -> bytes:
    lines = (f"GET {target} HTTP/1.1", "Host: a", "Upgrade: websocket", "Connection: Upgrade")
    more = (f"Sec-WebSocket-Version: {version}", f"Sec-WebSocket-Key: {KEY}", *headers)
    return "\r\n".join((*lines, *more, "", "")).encode()


def camera(served: Served, *headers: str) -> socket.socket:
    """A web socket that is open."""
    for _ in range(TRIES):
        wire = dial(served)
        wire.sendall(handshake(*headers))
        if (told := head(wire)).startswith(b"HTTP/1.1 101"):
            return wire
        wire.close()
        assert told.startswith(b"HTTP/1.1 408")  # a busy machine was late
    raise AssertionError(told)


def frame(kind: int, data: bytes = b"", *, fin: bool = True, compressed: bool = False, promised: int = 0) -> bytes:
    """A frame of a web socket, or the beginning of one that promises more."""
    size = promised or len(data)
    first = fin << 7 | compressed << 6 | kind
    if size < 126:
        start = struct.pack("!BB", first, 128 | size)
    else:
        start = struct.pack("!BBH", first, 254, size) if size < 65536 else struct.pack("!BBQ", first, 255, size)
    return start + bytes(4) + data


def closed(wire: socket.socket) -> tuple[int, str]:
    """The code and reason that a web socket is closed with, after whatever comes before."""
    while True:
        first, size = wire.recv(2, socket.MSG_WAITALL)
        if size == 126:
            (size,) = struct.unpack("!H", wire.recv(2, socket.MSG_WAITALL))
        data = wire.recv(size, socket.MSG_WAITALL) if size else b""
        if first & 15 == CLOSE:
            return struct.unpack("!H", data[:2])[0], data[2:].decode()


def count(served: Served, name: str) -> float:
    """A metric's value, with its labels as they are written; 0 where it is not there yet."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", get(f"{served.url}/metrics").text, re.MULTILINE)
    return float(found[1]) if found else 0


def logged(served: Served) -> list[dict[str, Any]]:
    """What the log tells of each request and socket, as far as it has come."""
    return [json.loads(line) for line in list(served.printed) if line.startswith("{")]

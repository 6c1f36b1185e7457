"""HTTP as uvicorn speaks it, with limits that it lacks: of time, of what is no body, and of requests sent at once.

And with the bodies that it loses: those of requests that offer another protocol, as Java's do (`Parser`).
"""

from __future__ import annotations

import asyncio
import json
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from httptools import HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mien.service.metrics import End
from mien.service.room import Connection

MAX_HEAD = 65_536  # bytes of request line and headers, and of those after a body
PIPELINED = 16  # requests that one client may send before it has an answer
KEEP_ALIVE_S = 30.0  # that a connection may wait for its next request
FRAMING = (b"content-length", b"transfer-encoding")  # headers that say where a body ends


class Parser(HttpRequestParser):
    """httptools', which takes what follows an offer of another protocol (`Upgrade: h2c`) to be of that protocol.

    Nothing but a web socket's is spoken here: other offers are passed over (RFC 9110, 7.8), and the body follows.

    Args:
        http: the connection, which is told what comes.
    """

    def __init__(self, http: Http) -> None:
        super().__init__(http)
        self.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own
        self._http = http

    def feed_data(self, data: bytes | bytearray | memoryview | array[int]) -> None:
        try:
            super().feed_data(data)
        except HttpParserUpgrade as offer:
            if self._http.opens_socket():
                raise
            other = self._http.parser = Parser(self._http)
            with self._http.begun_anew() as head:
                other.feed_data(head)
            other.feed_data(data[offer.args[0] :])


class Http(Connection, HttpToolsProtocol):
    """A connection for one request after the other.

    It must send a request's headers, and the rest of a body that nobody waits for, within the time of an upload. What
    comes while an answer is made is up to whoever makes it.
    """

    _loose = 0  # bytes since the last that were a body's, or ended something
    _moved = False  # whether there was one of these in what came last
    _heading = False  # whether headers belong to the request, and are none after a body
    _asked = 0  # requests that have no answer yet
    _whole = True  # whether the last request has come to its end
    _upgrading = False  # whether it becomes a web socket once what was asked before has its answers
    _anew = False  # whether a request's headers are parsed a second time
    _clock: asyncio.TimerHandle | None = None
    _fault: tuple[HTTPStatus, str] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.parser = Parser(self)
        self._wait(self.room.settings.upload_s, self._late)

    def let_go(self) -> None:
        self._stop()
        super().let_go()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Whoever has said all that there is to say may still listen."""
        return self.cycle is not None and not self.cycle.more_body and not self.cycle.response_complete

    def data_received(self, data: bytes) -> None:
        self._moved = False
        super().data_received(data)
        self._loose = 0 if self._moved else self._loose + len(data)
        if self._loose > MAX_HEAD:
            self._end(*TOO_LARGE)

    def opens_socket(self) -> bool:
        """Whether the request asks for a web socket."""
        return self._should_upgrade()

    @contextmanager
    def begun_anew(self) -> Iterator[bytes]:
        """The head of the last request without its offer of another protocol, as far as it matters to what follows.

        As long as the block lasts, headers that are parsed are no other request's.
        """
        lines = [b"%s: %s\r\n" % header for header in self.headers if header[0] in FRAMING]
        lines += [b"connection: close\r\n"] * (not self.cycle.keep_alive)
        self._anew = True
        try:
            yield b"".join((b"POST / HTTP/1.1\r\n", *lines, b"\r\n"))
        finally:
            self._anew = False

    def on_message_begin(self) -> None:
        if self._anew:
            return
        if self._asked > PIPELINED or self._upgrading:
            raise ValueError("more requests at once than are answered")
        super().on_message_begin()
        self._loose, self._heading, self._whole = 0, True, False
        self._wait(self.room.settings.upload_s, self._late)

    def on_url(self, url: bytes) -> None:
        if not self._anew:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._heading:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._anew:
            return
        self._heading = False
        if sum(len(name) + len(value) for name, value in self.headers) + len(self.url) > MAX_HEAD:
            self._fault = TOO_LARGE
            raise ValueError("large headers")
        before = self.cycle
        super().on_headers_complete()
        self._stop()
        self._asked += self.cycle is not before  # and not where it becomes a web socket
        self.room.sending(self)

    def on_body(self, body: bytes) -> None:
        self._moved = True
        self.room.sending(self)
        super().on_body(body)

    def on_chunk_complete(self) -> None:
        self._moved = True

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade() and not self.opens_socket():
            return  # its body comes yet
        self._moved = self._whole = True
        super().on_message_complete()
        self.room.busy(self)
        if not self._asked:
            self._wait(KEEP_ALIVE_S, self.transport.close)

    def on_response_complete(self) -> None:
        self._asked -= 1
        super().on_response_complete()
        if self._asked or self._heading or self.transport.is_closing():
            return
        if self._upgrading:
            self.handle_websocket_upgrade()
            return
        if self._whole:
            self._wait(KEEP_ALIVE_S, self.transport.close)
        else:
            self._wait(self.room.settings.upload_s, self._rest)

    def handle_websocket_upgrade(self) -> None:
        self._upgrading = self._asked > 0
        if not self._upgrading:
            self.let_go()
            super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        self._end(*self._fault or (HTTPStatus.BAD_REQUEST, msg))

    def timeout_keep_alive_handler(self) -> None:
        """Nothing: uvicorn stops this clock at any byte, a request's or not, and ours rules."""

    def _wait(self, seconds: float, then: Callable[[], None]) -> None:
        """Be idle, and no longer than so many seconds."""
        self._stop()
        self._clock = self.loop.call_later(seconds, then)
        self._rested()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._rested()

    def _rested(self) -> None:
        if self._clock and not self._asked and not self._taking:  # who is still taking an answer is not idle
            self.room.idle(self)

    def _stop(self) -> None:
        if self._clock:
            self._clock.cancel()
            self._clock = None

    def _late(self) -> None:
        seconds = self.room.settings.upload_s
        if self._asked:  # by a request that came before, which is being answered
            self._wait(seconds, self._late)
        else:
            self._end(HTTPStatus.REQUEST_TIMEOUT, f"no request within {seconds:g} s")

    def _rest(self) -> None:
        self.room.ended("late")
        self.transport.close()

    def _end(self, status: HTTPStatus, detail: str) -> None:
        self._stop()
        if not self.transport.is_closing():
            self.room.ended(CAUSES[status])
            if not self._answering():
                self.transport.write(answer(status, detail))
            self.transport.close()

    def _answering(self) -> bool:
        """Whether an answer is on its way, in which another's words would end up."""
        return self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete


TOO_LARGE = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"more than {MAX_HEAD:,} bytes of headers"
CAUSES: dict[HTTPStatus, End] = {
    HTTPStatus.REQUEST_TIMEOUT: "late",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "large",
    HTTPStatus.BAD_REQUEST: "malformed",
}


def answer(status: HTTPStatus, detail: str) -> bytes:
    """A whole HTTP answer with a problem, for where there is no request to answer."""
    return written({"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail})


def written(problem: dict[str, Any]) -> bytes:
    """A problem as it goes over the wire; the connection ends with it."""
    status, body = HTTPStatus(problem["status"]), json.dumps(problem).encode()
    again = "retry-after: 1\r\n" if status == HTTPStatus.SERVICE_UNAVAILABLE else ""
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/problem+json\r\n"
        f"content-length: {len(body)}\r\n{again}connection: close\r\n\r\n"
    )
    return head.encode() + body

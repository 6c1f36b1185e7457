"""HTTP as uvicorn speaks it, with two limits that it lacks: how long headers may take to come, and how big they are."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD = 65_536  # bytes of request line and headers


def limited(seconds: float) -> type[HttpToolsProtocol]:
    """A protocol whose connections must send a request's headers within so many seconds."""

    class Limited(HttpToolsProtocol):
        """Counts what comes before the end of the headers."""

        _head = 0
        _waiting = True
        _clock: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._expect()

        def connection_lost(self, exc: Exception | None) -> None:
            self._expected()
            super().connection_lost(exc)

        def eof_received(self) -> bool:  # type: ignore[override]
            """Whoever has said all that there is to say may still listen."""
            return self.cycle is not None and not self.cycle.more_body and not self.cycle.response_complete

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self._waiting:
                self._head += len(data)
                if self._head > MAX_HEAD:
                    self._end(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"more than {MAX_HEAD:,} bytes of headers")

        def send_400_response(self, msg: str) -> None:
            """What comes while an answer is on its way, and is no request, gets none that would end up in that one."""
            if self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete:
                self.transport.close()
            else:
                super().send_400_response(msg)

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._expect()

        def on_headers_complete(self) -> None:
            self._expected()
            super().on_headers_complete()

        def _expect(self) -> None:
            self._expected()
            self._head, self._waiting = 0, True
            self._clock = self.loop.call_later(
                seconds, self._end, HTTPStatus.REQUEST_TIMEOUT, f"no request within {seconds:g} s"
            )

        def _expected(self) -> None:
            self._waiting = False
            if self._clock:
                self._clock.cancel()
                self._clock = None

        def _end(self, status: HTTPStatus, detail: str) -> None:
            self._expected()
            if not self.transport.is_closing():
                self.transport.write(answer(status, detail))
                self.transport.close()

    return Limited


def answer(status: HTTPStatus, detail: str) -> bytes:
    """A whole HTTP answer with a problem, for where there is no request to answer."""
    told: dict[str, Any] = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    body = json.dumps(told).encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/problem+json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body

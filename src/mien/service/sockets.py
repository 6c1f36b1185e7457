"""Web sockets as uvicorn speaks them, with limits that it lacks: of unfinished messages, of their number, of silence.

Messages are not compressed: frames are JPEG or WebP, and what is small on the wire must not be large here.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from mien.service.metrics import End
from mien.service.problems import AGAIN, REFUSED, Problem
from mien.service.room import Connection

SLICE = 16_384  # bytes that are parsed before it is seen whether they were too many messages
MOST_A_SECOND = 300  # messages and parts of messages, pings too
AT_FIRST = 50  # of them that a socket may send at once, or who comes again and again could send any number
PART = 200  # bytes that a part of a message takes beside its own
LINGER_S = 1.0  # for the client to read why it ended, and to say that it has
TOO_BIG = 1009  # WebSocket's code


class Frames(Connection, WebSocketsSansIOProtocol):
    """A web socket; what it has not yet handed on counts as memory, and it must hand something on in time."""

    _queued = 0  # bytes of messages that wait to be received
    _began: float | None = None  # when the message that is unfinished did
    _heard = 0.0  # when the last message was finished, either way
    _left = float(AT_FIRST)
    _counted = 0.0
    _ended = False
    _clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.close_timeout = LINGER_S
        self._heard = self._counted = self.loop.time()
        self._watch()

    def let_go(self) -> None:
        if self._clock:
            self._clock.cancel()
        super().let_go()

    def held(self) -> int:
        unfinished = len(self.conn.reader.buffer) + (self.conn.current_size or 0) + PART * len(self.frames)
        return unfinished + self._queued + super().held()

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), SLICE):
            if self._ended or self.transport.is_closing():
                return
            super().data_received(data[start : start + SLICE])
            if not self.handshake_initiated and self.conn.handshake_exc:  # which uvicorn leaves unanswered
                self.room.ended("malformed")
                self._close()
        if not self._ended:
            self._count()

    def _count(self) -> None:
        unfinished = self.conn.reader.buffer or self.frames
        self._began = (self._began or self.loop.time()) if unfinished else None
        try:
            self.hold(self.held())
        except Problem as problem:
            self.end(AGAIN, problem.detail, "memory")

    def handle_events(self) -> None:
        now = self.loop.time()
        left = min(MOST_A_SECOND, self._left + (now - self._counted) * MOST_A_SECOND)
        self._left, self._counted = left - len(self.conn.events), now
        if self._left < 0:
            self.end(REFUSED, f"more than {MOST_A_SECOND:,} messages a second", "flood")
        else:
            super().handle_events()

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text":  # that it came is all; and of some uvicorn would print a traceback
            self.frames = [b""]
        self._queued += sum(map(len, self.frames))
        self._heard, self._began = self.loop.time(), None
        super().send_receive_event_to_app()

    async def receive(self) -> Any:
        message = await super().receive()
        if self.queue.empty():
            self._queued = 0
            self.hold(min(self._held, self.held()))
        return message

    async def send(self, message: Any) -> None:
        await super().send(message)
        self._heard = self.loop.time()

    def handle_parser_exception(self) -> None:
        """End what broke the protocol's rules, or is too large."""
        sent = self.conn.close_sent
        self.room.ended("large" if sent and sent.code == TOO_BIG else "malformed")
        self._close()

    def keepalive_timeout(self) -> None:
        self.drop("silent")

    def end(self, code: int, reason: str, cause: End) -> None:
        """End it, and say why."""
        self.room.ended(cause)
        self.conn.fail(code, reason)
        self._close()

    def _close(self) -> None:
        """Write what is left to say, hold nothing, and hang up once the client has had time to read it."""
        self._ended = True
        self.frames = []
        self.stop_keepalive()
        if sent := self.conn.close_sent:
            self.queue.put_nowait({"type": "websocket.disconnect", "code": sent.code, "reason": sent.reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.hold(min(self._held, self.held()))
        if self.close_timer:
            self.close_timer.cancel()
        if self.handshake_complete:
            self.close_timer = self.loop.call_later(LINGER_S, self.transport.abort)
        else:
            self.transport.close()

    def _watch(self) -> None:
        settings, now = self.room.settings, self.loop.time()
        if self._ended or self.close_sent:
            return
        if self._began is not None and now - self._began >= settings.upload_s:
            self.end(REFUSED, f"a message was not whole within {settings.upload_s:g} s", "late")
        elif now - self._heard >= settings.upload_s + settings.deadline_s:  # it may be waiting for an answer
            self.end(REFUSED, f"no frame within {settings.upload_s:g} s", "silent")
        else:
            self._clock = self.loop.call_later(settings.upload_s / 4, self._watch)

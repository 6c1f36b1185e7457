"""The door: connections come in one by one, and no more than there is room for; the others are told so at once.

asyncio would accept as many as come at once, and print a traceback for each that no descriptor is left for.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import uvicorn

from mien.service.problems import BUSY, Problem
from mien.service.protocol import written
from mien.service.room import Config
from mien.service.seldom import WIRE, tell

AT_ONCE = 32  # connections that are accepted before others get their turn
RETRY_S = 0.1  # until it is tried again where no descriptor is left
REFUSED = 8  # connections that are being told that there is no room
LINGER_S = 1.0  # for them to read it
BEFORE_S = 0.2  # that uvicorn takes before it waits for what was accepted
AFTER_S = 0.5  # between the grace and the end, whatever hangs by then


class Server(uvicorn.Server):
    """uvicorn's, with a door of its own."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._room = config.room
        config.timeout_graceful_shutdown = max(0.0, self._room.settings.grace_s - BEFORE_S)  # type: ignore[assignment]
        self._doors: list[asyncio.Task[None]] = []
        self._coming: set[asyncio.Task[None]] = set()
        self._refused: set[Refusal] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup([])  # of which none is accepted from
        asyncio.get_running_loop().set_exception_handler(tell)
        for listening in sockets or ():
            listening.setblocking(False)
            self._doors.append(asyncio.create_task(self._accept(listening)))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for door in self._doors:
            door.cancel()
        await asyncio.wait(self._doors)
        await super().shutdown(sockets)

    async def _accept(self, listening: socket.socket) -> None:
        loop, accepted = asyncio.get_running_loop(), 0
        while True:
            try:
                wire, _ = await loop.sock_accept(listening)
            except OSError as error:
                WIRE.error("a connection cannot be accepted: %s", error.strerror)
                self._room.make()
                await asyncio.sleep(RETRY_S)
                continue
            full = self._room.full
            if not full or self._room.make():
                self._room.count(1)
                self._begin(wire, self._protocol, lambda: self._room.count(-1))
            else:
                self._refuse(wire)
            accepted += 1
            if full or accepted % AT_ONCE == 0:
                await asyncio.sleep(0)  # in which what was ended gives its descriptor back

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if not self.should_exit:
            last = threading.Timer(self._room.settings.grace_s + AFTER_S, os._exit, (0,))
            last.daemon = True
            last.start()
        super().handle_exit(sig, frame)

    def _protocol(self) -> asyncio.Protocol:
        make: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    def _refuse(self, wire: socket.socket) -> None:
        self._room.ended("full")
        if len(self._refused) < REFUSED:
            refusal = Refusal(self._refused)
            self._begin(wire, lambda: refusal, lambda: self._refused.discard(refusal))
        else:
            wire.close()

    def _begin(self, wire: socket.socket, protocol: Callable[[], asyncio.Protocol], fail: Callable[[], None]) -> None:
        async def begin() -> None:
            try:
                await asyncio.get_running_loop().connect_accepted_socket(protocol, wire)
            except OSError:  # the client has gone
                wire.close()
                fail()

        task = asyncio.create_task(begin())
        self._coming.add(task)
        task.add_done_callback(self._coming.discard)


class Refusal(asyncio.Protocol):
    """A connection that is told that there is no room, whatever it asks."""

    def __init__(self, others: set[Refusal]) -> None:
        self._others = others
        others.add(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        problem = Problem(BUSY, "as many connections are open as there is room for: come again a little later")
        transport.write(written(problem.to_dict()))
        with suppress(OSError):
            transport.write_eof()
        self._end = asyncio.get_running_loop().call_later(LINGER_S, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end.cancel()
        self._others.discard(self)

"""The room that clients share: how many are connected, and who waits for whom; what they do not take counts as memory.

A connection is idle as long as its client has not sent a whole request's headers, whether it is new or has had an
answer. Where there is no room for another, one is ended: the one that has said nothing for longest, of those that are
idle and those whose body has stalled.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from time import monotonic
from typing import Any

import uvicorn

from mien.service.metrics import End, Metrics
from mien.service.problems import Problem
from mien.service.settings import Settings
from mien.service.uploads import Uploads

STALLED_S = 0.5  # without a byte of a body, where others have no room


class Room:
    """The connections of one service.

    Args:
        settings: how many there may be, and how long they may take.
        uploads: count what they hold.
        metrics: are told how many there are, and why some were ended.
    """

    def __init__(self, settings: Settings, uploads: Uploads, metrics: Metrics) -> None:
        self.settings = settings
        self.uploads = uploads
        self._metrics = metrics
        self._open = 0
        self._idle: OrderedDict[Connection, float] = OrderedDict()  # with since when
        self._sending: OrderedDict[Connection, float] = OrderedDict()  # with when they last did

    @property
    def full(self) -> bool:
        return self._open >= self.settings.connections

    def count(self, connections: int) -> None:
        """So many more are open."""
        self._open += connections
        self._metrics.connections.set(self._open)

    def idle(self, connection: Connection) -> None:
        self._idle[connection] = monotonic()
        self._idle.move_to_end(connection)

    def sending(self, connection: Connection) -> None:
        """A body has begun, or gone on."""
        self._sending[connection] = monotonic()
        self._sending.move_to_end(connection)
        self._idle.pop(connection, None)

    def busy(self, connection: Connection) -> None:
        self._idle.pop(connection, None)
        self._sending.pop(connection, None)

    def make(self) -> bool:
        """End the connection that is idle, or has stalled, for longest; whether there was one."""
        idle, sending = (next(iter(each.items()), None) for each in (self._idle, self._sending))
        stalled = sending if sending and monotonic() - sending[1] >= STALLED_S else None
        silent = [each for each in (idle, stalled) if each]
        if not silent:
            return False
        connection, _ = min(silent, key=lambda each: each[1])
        self.busy(connection)
        connection.drop("idle")
        return True

    def ended(self, cause: End) -> None:
        """Count a connection that was refused or ended, by its cause."""
        self._metrics.ended.labels(cause).inc()


class Config(uvicorn.Config):
    """uvicorn's, with the room that its protocols share."""

    def __init__(self, app: Any, room: Room, **options: Any) -> None:
        super().__init__(app, **options)
        self.room = room


class Connection(asyncio.Protocol):
    """What is common to connections of both kinds, HTTP and web sockets; mixed into uvicorn's protocols.

    What the client has not taken yet counts as memory, and it must take some of it within the time of an upload.
    """

    config: Any
    transport: asyncio.Transport
    loop: asyncio.AbstractEventLoop
    _held = 0  # bytes
    _untaken = 0  # bytes, when last looked at
    _taking: asyncio.TimerHandle | None = None

    @property
    def room(self) -> Room:
        room: Room = self.config.room
        return room

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(0)  # so that writing is paused where there is anything left to take

    def connection_lost(self, exc: Exception | None) -> None:
        self.let_go()
        self.room.count(-1)
        super().connection_lost(exc)

    def let_go(self) -> None:
        """Hold nothing, and wait for nothing."""
        self.hold(0)
        self.room.busy(self)
        if self._taking:
            self._taking.cancel()
            self._taking = None

    def hold(self, size: int) -> None:
        """Hold so many bytes, in all. Raises `Problem` where that is too much."""
        self.room.uploads.hold(size - self._held)
        self._held = size

    def held(self) -> int:
        """Bytes in this connection's buffers."""
        return self.transport.get_write_buffer_size()

    def pause_writing(self) -> None:
        super().pause_writing()
        try:
            self.hold(self.held())
        except Problem:
            self.drop("memory")
        else:
            self._look()

    def resume_writing(self) -> None:
        if self._taking:
            self._taking.cancel()
            self._taking = None
        self.hold(self.held())  # less than before
        super().resume_writing()

    def drop(self, cause: End) -> None:
        """End it without a word: its client does not listen, or there is no room to tell it."""
        self.room.ended(cause)
        self.transport.abort()

    def _look(self) -> None:
        self._untaken = self.transport.get_write_buffer_size()
        self._taking = self.loop.call_later(self.room.settings.upload_s, self._look_again)

    def _look_again(self) -> None:
        if self.transport.get_write_buffer_size() >= self._untaken:
            self.drop("unread")
        else:
            self._look()

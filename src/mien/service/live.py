"""The live camera: frames come over a WebSocket, answers go back; the newest frame wins and no frame waits for another.

A client sends frames as JPEG or WebP. Each answer is an object: `width`, `height`, `faces` as in a prediction but
smoothed over time, `ms` of work, and how many frames were `skipped` since the last because newer ones had come. Where a
frame could not be taken or read, or a message is text or empty and thus no frame, it has an `error`; it counts as one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from time import monotonic, perf_counter
from typing import Any

from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect

from mien.prediction import Prediction
from mien.service.api import asked_of, only
from mien.service.engine import Asked, Engine
from mien.service.metrics import Metrics
from mien.service.problems import BUSY, REFUSED, Problem, closing
from mien.service.rates import Rates
from mien.service.settings import Settings
from mien.service.uploads import Uploads
from mien.service.workers import Camera
from mien.smoothing import Steady

CHOICES = ("labels", "prior")  # of the query
FRAMES = 15  # that a client's cameras may send for each request that it may make
WORDS = "a message of text: frames are binary messages, each a JPEG or WebP file"
PATIENCE_S = 1.0  # that a camera waits until it may send again; where it would be more, its frame is refused


def routes(engine: Engine, metrics: Metrics, uploads: Uploads, settings: Settings) -> APIRouter:
    """The camera's route."""
    router = APIRouter()
    cameras = Cameras(settings, metrics)

    @router.websocket("/live/frames")
    async def frames(socket: WebSocket) -> None:
        await socket.accept()  # a browser's page hears no reason where it is refused before
        if not welcome(socket, settings.origins):
            await socket.close(REFUSED, "other sites' pages may not use the camera's socket")
            return
        try:
            only(socket.query_params, CHOICES)
            given = {name: value for name, value in socket.query_params.items() if value}
            with cameras.one():
                answers = Answers(engine, metrics, asked_of(engine, given))
                await _answer(socket, answers, Newest(uploads), cameras.rates)
        except Problem as problem:
            metrics.errors.labels(problem.kind.name).inc()
            with suppress(WebSocketDisconnect, RuntimeError):  # the camera has gone
                await socket.send(closing(problem))

    return router


def welcome(socket: WebSocket, origins: Collection[str]) -> bool:
    """Whether who opens a socket is no page, one of ours, or one of `origins`."""
    origin = socket.headers.get("origin")
    own = origin is None or origin.partition("://")[2] == socket.headers.get("host")
    return own or bool({origin, "*"} & {*origins})


class Cameras:
    """How many cameras are connected, and how often each client's may send.

    Args:
        settings: the limits.
        metrics: are told of the number.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._most = settings.cameras
        self._metrics = metrics
        self._connected = 0
        a_minute = settings.frame_rate or (settings.rate and FRAMES * settings.rate)
        self.rates = Rates(a_minute, "frames") if a_minute else None

    @contextmanager
    def one(self) -> Iterator[None]:
        """Count one more. Raises `Problem` where there are enough."""
        if self._connected >= self._most:
            raise Problem(BUSY, f"{self._most} cameras are connected, and no more are taken on")
        self._connected += 1
        self._metrics.viewers.set(self._connected)
        try:
            yield
        finally:
            self._connected -= 1
            self._metrics.viewers.set(self._connected)


class Answers:
    """Reads the frames of one camera, each smoothed with those before it."""

    def __init__(self, engine: Engine, metrics: Metrics, asked: Asked) -> None:
        self._engine = engine
        self._metrics = metrics
        self._asked = asked
        self._known: dict[str, Any] | None = None
        self._steady = Steady(asked.model.artifact.head_for(asked.labels).threshold)

    async def read(self, frame: bytes) -> dict[str, Any]:
        """A frame's answer. Raises `Problem` where there is none in time."""
        now = monotonic()
        (read,) = await self._engine.predict([frame], replace(self._asked, camera=Camera(now, self._known)))
        self._known = read.known or self._known
        self._metrics.frames.inc()
        return told(self._steady(read.prediction, now))


async def _answer(socket: WebSocket, answers: Answers, slot: Newest, rates: Rates | None) -> None:
    """Answer the newest frame, again and again, until the camera goes; one that sends too often waits a little."""
    client = socket.client.host if socket.client else ""
    reader = asyncio.create_task(_receive(socket, slot))
    try:
        while True:
            if rates:
                await asyncio.sleep(min(rates.wait(client), PATIENCE_S))
            if (frame := await slot.take()) is None:
                return
            began = perf_counter()
            try:
                if isinstance(frame, Problem):
                    raise frame
                if rates:
                    rates.take(client)
                answer = {"error": WORDS} if isinstance(frame, str) else await answers.read(frame)
            except Problem as problem:
                answer = {"error": problem.kind.title}
            answer |= {"ms": round(1000 * (perf_counter() - began), 1), "skipped": slot.skipped()}
            try:
                await socket.send_text(json.dumps(answer))
            except (WebSocketDisconnect, RuntimeError):
                return  # the camera has gone: there is nobody to tell
    finally:
        reader.cancel()
        slot.close()


class Newest:
    """A place for one frame, or for words instead: a newer one takes the place of one that nobody took.

    Frames count as uploads, from when they come until the next one is asked for; where there is too much, one is
    refused.
    """

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads
        self._frame: bytes | str | None = None
        self._taken = 0  # bytes of the frame that is being read
        self._refused: Problem | None = None
        self._some = asyncio.Event()
        self._ended = False
        self._skipped = 0

    def put(self, frame: bytes | str) -> None:
        self._drop()
        if self._refused is not None:  # for the one before, which nobody has heard of yet
            self._skipped += 1
        try:
            self._uploads.hold(len(frame))
        except Problem as problem:
            self._refused = problem
        else:
            self._frame, self._refused = frame, None
        self._some.set()

    def end(self) -> None:
        """No frame comes any more."""
        self._drop()
        self._ended = True
        self._some.set()

    def close(self) -> None:
        """No frame is read any more either."""
        self.end()
        self._give_back()

    def _drop(self) -> None:
        if self._frame is not None:
            self._uploads.hold(-len(self._frame))
            self._frame = None
            self._skipped += 1

    def _give_back(self) -> None:
        self._uploads.hold(-self._taken)
        self._taken = 0

    async def take(self) -> bytes | str | Problem | None:
        """The newest frame, once there is one, or why it was refused; None at the end."""
        self._give_back()
        while self._frame is None and not (self._refused or self._ended):
            self._some.clear()
            await self._some.wait()
        frame, refused = self._frame, self._refused
        self._frame = self._refused = None
        self._taken = len(frame or b"")
        return refused if frame is None else frame

    def skipped(self) -> int:
        """Frames that were never taken, since this was last asked."""
        count, self._skipped = self._skipped, 0
        return count


async def _receive(socket: WebSocket, slot: Newest) -> None:
    try:
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            frame = message.get("bytes")
            slot.put(message["text"] if frame is None else frame)
    finally:
        slot.end()


def told(prediction: Prediction) -> dict[str, Any]:
    """A frame's answer; a frame that cannot be read says why in `error`."""
    whole = prediction.to_dict()
    kept = ("width", "height", "faces", "error") if prediction.error else ("width", "height", "faces")
    return {key: whole[key] for key in kept}

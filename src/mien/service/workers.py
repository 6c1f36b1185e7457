"""The workers: processes in which images are decoded and searched for faces, and which can be ended.

An image is given a little room for its pixels. One that says it takes more is large: it waits for its turn among those,
the larger the longer, while another worker stays free for the small. A worker that takes too long is killed, and
another takes its place, as where one ends by itself: that costs the image that it had and no other.
"""

from __future__ import annotations

import asyncio
import logging
from bisect import insort
from collections.abc import Coroutine
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from mien.answers import Found
from mien.crops import Crop
from mien.face import Face
from mien.intake import Limits
from mien.preprocess import Preprocess
from mien.service.metrics import Metrics
from mien.service.settings import Settings
from mien.service.shown import Shown
from mien.service.wire import Message
from mien.service.worker import EndedError, Worker

LEAST = 2  # workers: one is free for small images while another has a large one
AT_ONCE = 4_000_000  # bytes that the first copy of a small image takes, or pixels that it is made from: some 20 ms
SMALL = 16_000_000  # bytes that each may give to a small image: a photo of 12 megapixels, at half its size
SHORT = 20_000_000  # bytes of a large image that may have the last worker as well, where nothing else waits: 0.1 s
NUMBER_S, BYTE_S = 0.5, 2e-7  # half a second for each image before it, and a second for 5 MB
ROOM_S = 3e-8  # and for 33 MB of room
PATIENCE_S = 1.0  # a worker has so long for an image, however late it got it: a new one takes a while to start
AGAIN_S = 1.0  # between two tries to start a worker
NAME = "<bytes>"
ENDED = Message({"error": "the process that read it has ended: the file may be damaged; save it anew"})
LOG = logging.getLogger("mien.service.workers")


class Camera(NamedTuple):
    """Of a camera's frame: when it was taken, in seconds, and what is known of those before, see `Following.state`."""

    time_s: float
    before: dict[str, Any] | None = None


class Seen(NamedTuple):
    """What was found in an image, what is to be shown of it, and, of a camera's frame, what is known after it."""

    found: Found
    shown: Shown = Shown()
    known: dict[str, Any] | None = None


@dataclass(frozen=True)
class Task:
    """An image whose faces are wanted.

    Args:
        content: its file.
        crop: as of `mien.crops.cut`.
        preprocess: how crops are.
        pictured: whether it is to be shown.
        number: how many images of the same request come before it.
        camera: where it is a camera's frame; `crop` says nothing then.
    """

    content: bytes | bytearray
    crop: Crop
    preprocess: Preprocess
    pictured: bool = False
    number: int = 0
    camera: Camera | None = None

    @property
    def handicap_s(self) -> float:
        """By how much later its turn comes than that of a small one: who asks for little does not wait for much."""
        return self.number * NUMBER_S + len(self.content) * BYTE_S


@dataclass(eq=False, repr=False)
class Waiting:
    """A task that waits for a worker, and then for its answer; `until` is the event loop's time, `room` in bytes."""

    task: Task
    until: float
    answer: asyncio.Future[Message]
    room: int
    large: bool = False
    since: float = field(default_factory=perf_counter)

    def turn(self) -> float:
        """When it is to begin, were there workers enough."""
        return self.since + self.task.handicap_s + self.room * ROOM_S


class Workers:
    """Some worker processes, and the tasks that wait for them.

    Args:
        settings: decides how many there are, and how much room.
        metrics: are told what becomes of them.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.begun = 0
        self._settings, self._metrics = settings, metrics
        self._count = max(LEAST, settings.threads)
        self._small_room, self._limits = rooms(settings)
        self._idle: list[Worker] = []
        self._all: set[Worker] = set()
        self._small: list[Waiting] = []  # by turn
        self._large: list[Waiting] = []
        self._lent = self._larges = 0  # bytes of room, and how many large ones, that are at work
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin, on the running event loop."""
        for _ in range(self._count):
            self._go(self._begin())

    async def stop(self) -> None:
        """End all workers, whatever they do."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(worker.end() for worker in self._all))

    async def find(self, task: Task, until: float) -> Seen:
        """What is found in an image. Who does not want it any more cancels this.

        Args:
            task: the image.
            until: the event loop's time at which that will be: the worker is then ended.

        Raises:
            TimeoutError: a worker was ended, by then or since the image alone took as long as the deadline.
        """
        waiting = Waiting(task, until, asyncio.get_running_loop().create_future(), self._small_room)
        insort(self._small, waiting, key=Waiting.turn)
        self._dispatch()
        try:
            answer = await waiting.answer
        finally:
            for queue in (self._small, self._large):
                if waiting in queue:
                    queue.remove(waiting)
        return _seen(task, answer)

    def _go(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _dispatch(self) -> None:
        """Give what waits to who is free."""
        while self._idle and (waiting := self._next()) is not None:
            self._lent += waiting.room
            self._larges += waiting.large
            self._go(self._serve(self._idle.pop(), waiting))

    def _next(self) -> Waiting | None:
        """What may begin now: a large one where none is at work or nothing else waits, and otherwise a small one.

        One worker that has begun never has a large one that takes long.
        """
        free = self._settings.max_decoded - self._lent
        first = self._large[0].room if self._large else 0
        most = min(1, self.begun - 1) if self._small else self.begun - (first > SHORT)
        if 0 < first <= free and self._larges < most:
            return self._large.pop(0)
        kept = 0 if self._larges else first  # or small ones would go before it for ever
        return self._small.pop(0) if self._small and self._small_room + kept <= free else None

    async def _serve(self, worker: Worker, waiting: Waiting) -> None:
        """Let a worker answer, and pass that on."""
        loop = asyncio.get_running_loop()
        self._metrics.stages.labels("queue").observe(perf_counter() - waiting.since)
        now, most = loop.time(), max(self._settings.deadline_s, PATIENCE_S)
        late = loop.call_at(min(max(waiting.until, now + PATIENCE_S), now + most), worker.kill)
        try:
            with self._metrics.time("find"):
                answer = await worker.ask(_asked(waiting, self._settings.max_faces))
        except EndedError:
            answer = ENDED
        finally:
            late.cancel()
            self._lent -= waiting.room
            self._larges -= waiting.large
        if answer is not ENDED and not worker.late:
            self._idle.append(worker)
        if not waiting.answer.done():
            if worker.late:
                waiting.answer.set_exception(TimeoutError())
            elif "room" in answer.head:
                room = max(answer.head["room"], self._small_room)
                waiting.room, waiting.since, waiting.large = room, perf_counter(), True
                insort(self._large, waiting, key=Waiting.turn)
            else:
                waiting.answer.set_result(answer)
        self._dispatch()

    async def _replace(self, worker: Worker) -> None:
        """Another in the place of a worker, once that has ended."""
        cause = await worker.gone()
        self._all.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        self._count_begun(-1)
        self._metrics.restarts.labels(cause).inc()
        LOG.warning("a worker has ended (%s); another takes its place", cause)
        await self._begin()

    async def _begin(self) -> None:
        """Start a worker; where that fails, try again."""
        while True:
            try:
                worker = await Worker.begin(self._limits, self._small_room)
                break
            except (OSError, EndedError) as error:
                LOG.warning("a worker does not start: %s; it is tried again", error or "it has ended")
                await asyncio.sleep(AGAIN_S)
        self._all.add(worker)
        self._idle.append(worker)
        self._go(self._replace(worker))
        self._count_begun(1)
        self._dispatch()

    def _count_begun(self, more: int) -> None:
        self.begun += more
        self._metrics.workers.set(self.begun)


def rooms(settings: Settings) -> tuple[int, Limits]:
    """Bytes that a small image may take, and how big any image may be: beside the largest there is room for a small."""
    small = min(SMALL, settings.max_decoded // (2 * max(LEAST, settings.threads)))
    most = settings.max_decoded - small
    return small, Limits(settings.max_bytes, settings.max_pixels, max_decoded=most, own=False)


def _asked(waiting: Waiting, most: int) -> Message:
    """What a worker is asked; `most` faces are allowed."""
    task = waiting.task
    first = waiting.room if waiting.large else min(AT_ONCE, waiting.room)
    head = {"crop": task.crop, "pictured": task.pictured, "first": first, "room": waiting.room, "most": most}
    more = {"size": task.preprocess.size, "colour": task.preprocess.colour, "camera": task.camera}
    return Message(head | more, [task.content])


def _seen(task: Task, answer: Message) -> Seen:
    """What a worker has answered."""
    head, pieces = answer
    if "error" in head:
        return Seen(Found(NAME, error=head["error"]))
    width, height = head["size"]
    faces = tuple(Face(tuple(box), tuple(map(tuple, points)), score) for box, points, score in head["faces"])
    side, shape = task.preprocess.size, () if task.preprocess.colour == "gray" else (3,)
    crops = tuple(np.frombuffer(piece, np.uint8).reshape(side, side, *shape) for piece in pieces[: len(faces)])
    picture, *small = map(bytes, pieces[len(faces) :])
    found = Found(NAME, (width, height), faces, crops, notes=tuple(head["notes"]))
    return Seen(found, Shown(picture, tuple(small)), head["known"])

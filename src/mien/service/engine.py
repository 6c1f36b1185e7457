"""The engine: images in, predictions out, for many clients at once and never more than it can do in time.

An image waits in one bounded queue. Worker processes decode images and find their faces; one thread runs the network on
the faces of all images that have come so far, so that batches grow with the load and nobody waits for one.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections import deque
from collections.abc import Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from mien.answers import Found
from mien.artifact import find, read
from mien.crops import Crop
from mien.explain import explain, explain_all, usual, with_explanations
from mien.image import Pixels
from mien.labels import LabelSet
from mien.memory import keep_memory
from mien.prediction import Explanation, Method, Prediction, Reading
from mien.prior import TRAINING
from mien.recognizer import Recognizer
from mien.service.metrics import Metrics
from mien.service.problems import BUSY, DEADLINE, PARAMETER, UNREADY, Problem
from mien.service.settings import Settings, SettingsError
from mien.service.workers import NAME, Camera, Task, Workers

BATCH = 64  # faces that go through the network at once, or those of one image
SEVERAL = 3 / 4  # of the queue, that requests with several images may fill
KEPT, PIECE = 2**24, 2**20  # bytes that stay for the next upload, and of pieces that do not
RETRY_S = 1  # when a client that was turned away should come again


@dataclass(frozen=True)
class Answer:
    """What was read in an image, with explanations if these were asked for, and what pages show.

    Args:
        prediction: what was read, or why not.
        picture: the photo, upright and unmarked, its longer side at most 1280 px, as JPEG; or empty.
        crops: each face as it was read, in colour, 112 px, as JPEG; or none.
        late: whether there was no answer in time, which the prediction says.
        known: of a camera's frame, what is known after it.
    """

    prediction: Prediction
    picture: bytes = b""
    crops: tuple[bytes, ...] = ()
    late: bool = False
    known: dict[str, Any] | None = None


@dataclass(frozen=True)
class Asked:
    """What is to be done with each image of a request.

    Args:
        model: that answers.
        labels: the label set to answer in.
        crop: as of `mien.crops.cut`.
        prior: one that the model can expect.
        explained: how each face gets its explanation; None where it gets none.
        pictured: whether the photo and its faces are to be shown.
        camera: where it is a camera's frame.
    """

    model: Recognizer
    labels: LabelSet
    crop: Crop
    prior: str = TRAINING
    explained: Method | None = None
    pictured: bool = False
    camera: Camera | None = None

    @property
    def mapped(self) -> bool:
        """Whether the run of the network that answers tells what explains, too."""
        return self.explained == "cam"


@dataclass(frozen=True)
class Job:
    """An image whose faces were found, and who waits for the answer."""

    asked: Asked
    found: Found
    answer: asyncio.Future[Prediction]
    since: float

    def beside(self, other: Job) -> bool:
        """Whether another may be in the same batch."""
        ours, theirs = self.asked, other.asked
        return theirs.model is ours.model and theirs.prior == ours.prior and theirs.mapped == ours.mapped


class Engine:
    """Reads images for many clients at once.

    Args:
        settings: decides how many, how long and with which models.
        metrics: counts what is done.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.models: dict[str, Recognizer] = {}
        self._settings = settings
        self._metrics = metrics
        self._workers = Workers(settings, metrics)
        self._network = ThreadPoolExecutor(1, "express", _step_back)
        self._accepted = 0
        self._explaining = asyncio.Lock()  # one face at a time, since some take as long as fifty answers
        self._jobs: deque[Job] = deque()
        self._some = asyncio.Event()
        self._batches: asyncio.Task[None] | None = None

    def load(self) -> None:
        """Load the models, and use each once: the first time is slow.

        Raises:
            ArtifactError: a model is missing, altered or damaged; says what.
            SettingsError: two models have one name.
        """
        keep_memory(KEPT, PIECE)
        for name in self._settings.models:
            model = Recognizer(read(find(name)))
            blank = model.preprocess.whole(np.zeros((64, 64, 3), np.uint8))
            model.logits([blank])
            usual(model)  # reads what explanations need, or says now that it cannot
            if model.artifact.name in self.models:
                fault = f"two models are called {model.artifact.name!r}: export one under another name"
                raise SettingsError("the service cannot start", [fault])
            self.models[model.artifact.name] = model

    def start(self) -> None:
        """Begin to work, on the running event loop."""
        self._workers.start()
        self._batches = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop; what was accepted is finished first by whoever waits for it."""
        if self._batches:
            self._batches.cancel()
            with suppress(asyncio.CancelledError):
                await self._batches
        await self._workers.stop()
        self._network.shutdown()

    @property
    def ready(self) -> bool:
        """Whether models are loaded, and there is somebody to work."""
        working = self._batches is not None and not self._batches.done()
        return bool(self.models) and working and self._workers.begun > 0

    def model(self, name: str | None) -> Recognizer:
        """A loaded model; the first if no name is given. Raises `Problem` where there is none of that name."""
        if not self.models:
            raise unready()
        if name is None:
            return next(iter(self.models.values()))
        if name not in self.models:
            raise Problem(PARAMETER, f"model: expected one of {', '.join(self.models)}")
        return self.models[name]

    def accept(self, images: int) -> None:
        """Take on so many images, which `release` must give back. Raises `Problem` where that is too much.

        A part of the queue is kept for requests with a single image.
        """
        most = self._settings.queue * (1 if images == 1 else SEVERAL)
        if self._accepted and self._accepted + images > most:
            raise Problem(BUSY, "come again a little later", {"Retry-After": str(RETRY_S)})
        self._accepted += images
        self._metrics.waiting.set(self._accepted)

    def release(self, images: int) -> None:
        self._accepted -= images
        self._metrics.waiting.set(self._accepted)

    async def predict(self, sources: Sequence[bytes | bytearray], asked: Asked) -> list[Answer]:
        """Read images, in their order.

        The first has the deadline, the second twice as long, and so on; one that is late has its answer, which says so.

        Raises:
            Problem: there is more to do than is taken on, or a single image is late.
        """
        self.accept(len(sources))
        began = asyncio.get_running_loop().time()
        try:
            tasks = (
                Task(source, asked.crop, asked.model.preprocess, asked.pictured, number, asked.camera)
                for number, source in enumerate(sources)
            )
            answers = await _all(self._in_time(asked, task, began) for task in tasks)
        finally:
            self.release(len(sources))
        if len(answers) == 1 and answers[0].late:
            raise Problem(DEADLINE, answers[0].prediction.error or "", {"Retry-After": str(RETRY_S)})
        self._metrics.images.inc(sum(not answer.late for answer in answers))
        return answers

    async def _in_time(self, asked: Asked, task: Task, began: float) -> Answer:
        """The answer for one image, or that there is none in time."""
        within_s = (1 + task.number) * self._settings.deadline_s
        try:
            async with asyncio.timeout_at(began + within_s):
                return await self._one(asked, task, began + within_s)
        except TimeoutError:
            error = f"no answer within {within_s:g} s"
            return Answer(Prediction(NAME, 0, 0, error=error), late=True)

    async def _one(self, asked: Asked, task: Task, until: float) -> Answer:
        found, shown, known = await self._workers.find(task, until)
        loop = asyncio.get_running_loop()
        job = Job(asked, found, loop.create_future(), perf_counter())
        self._jobs.append(job)
        self._some.set()
        prediction = await job.answer
        if asked.explained and not asked.mapped:
            explanations = []
            for crop, reading in zip(found.crops, prediction.faces, strict=True):
                async with self._explaining:
                    work = loop.run_in_executor(self._network, self._explain, asked, crop, reading)
                    explanations.append(await work)
            prediction = with_explanations(prediction, explanations)
        return Answer(prediction, *shown, known=known)

    def _explain(self, asked: Asked, crop: Pixels, reading: Reading) -> Explanation:
        label = reading.expression.label
        with self._metrics.time("explain"):
            return explain(asked.model, crop, asked.labels, asked.prior, method=asked.explained, emotion=label)

    async def _run(self) -> None:
        """Take all jobs there are to the network, again and again."""
        loop = asyncio.get_running_loop()
        while True:
            await self._some.wait()
            self._some.clear()
            while self._jobs:
                batch = self._batch()
                for job in batch:
                    self._metrics.stages.labels("wait").observe(perf_counter() - job.since)
                answers = await loop.run_in_executor(self._network, self._express, batch)
                for job, answer in zip(batch, answers, strict=True):
                    if job.answer.done():
                        continue
                    if isinstance(answer, Prediction):
                        job.answer.set_result(answer)
                    else:
                        job.answer.set_exception(answer)

    def _batch(self) -> list[Job]:
        """The jobs that come next, of one model and one prior, whose answers somebody still waits for."""
        first = self._jobs.popleft()
        batch, faces = [first], len(first.found.faces)
        while self._jobs and first.beside(self._jobs[0]):
            faces += len(self._jobs[0].found.faces)
            if faces > BATCH:
                break
            batch.append(self._jobs.popleft())
        return [job for job in batch if not job.answer.done()]

    def _express(self, batch: list[Job]) -> list[Prediction | Exception]:
        """An answer a job; where the batch fails, each is tried by itself, so that one cannot spoil the others."""
        if not batch:
            return []
        try:
            answers = self._answered(batch)
        except Exception as error:
            if len(batch) == 1:
                return [error]
            return [answer for job in batch for answer in self._express([job])]
        self._metrics.batches.observe(len(batch))
        self._metrics.faces.inc(sum(len(answer.faces) for answer in answers))
        return list(answers)

    def _answered(self, batch: list[Job]) -> list[Prediction]:
        """What the network says, by one run, and where that explains, too, what each answer hangs on."""
        asked, found = batch[0].asked, [job.found for job in batch]
        labels = [job.asked.labels for job in batch]
        with self._metrics.time("express"):
            if not asked.mapped:
                return asked.model.express(found, labels, asked.prior)
            answers, features = asked.model.express_with_features(found, labels, asked.prior)
        ends = np.cumsum([len(each.crops) for each in found])
        with self._metrics.time("explain"):
            return [
                explain_all(asked.model, each, answer, spoken, asked.prior, asked.explained, seen)
                for each, answer, spoken, seen in zip(
                    found, answers, labels, np.split(features, ends[:-1]), strict=True
                )
            ]


async def _all(works: Iterable[Coroutine[Any, Any, Answer]]) -> list[Answer]:
    """What all come to; where one fails, or nobody wants them any more, none goes on."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def unready() -> Problem:
    """What is answered until the models are loaded."""
    return Problem(UNREADY, "come again in a few seconds", {"Retry-After": str(RETRY_S)})


def _step_back() -> None:
    """Give way to the thread that answers, so that who is turned away hears it at once; on Linux threads can do so."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + 10)

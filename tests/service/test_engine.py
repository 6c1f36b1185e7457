"""The engine: full is told at once, late is told in time, and one that fails spoils no other."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from io import BytesIO
from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from waiting import WAIT_S, until_async

import mien
from mien.answers import Found
from mien.explain import explained
from mien.image import Pixels
from mien.labels import FER7, FERPLUS8, LabelSet
from mien.prediction import METHODS, Explanation, Prediction
from mien.recognizer import Recognizer
from mien.service.engine import BATCH, Answer, Asked, Engine
from mien.service.metrics import Metrics
from mien.service.problems import Problem
from mien.service.settings import Settings
from mien.service.workers import Task

PIXELS = np.full((48, 48, 3), 128, np.uint8)


def png(pixels: NDArray[np.uint8]) -> bytes:
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


IMAGE = png(PIXELS)


@asynccontextmanager
async def running(**settings: Any) -> AsyncIterator[Engine]:
    engine = Engine(Settings(**{"threads": 2, "deadline_s": WAIT_S, **settings}), Metrics())
    engine.load()
    engine.start()
    yield engine
    await engine.stop()


async def ask(engine: Engine, count: int = 1, labels: LabelSet = FERPLUS8, prior: str = "training") -> list[Prediction]:
    asked = Asked(engine.model(None), labels, "whole", prior)
    return [each.prediction for each in await engine.predict([IMAGE] * count, asked)]


def hold(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """From here on faces wait until the event is set."""
    free, model = threading.Event(), engine.model(None)
    express = model.express

    def wait(found: Sequence[Found], labels: Sequence[LabelSet], prior: str) -> list[Prediction]:
        assert free.wait(WAIT_S)
        return express(found, labels, prior)

    monkeypatch.setattr(model, "express", wait)
    return free


def within(engine: Engine, deadline_s: float) -> None:
    """From here on answers may take so long."""
    engine._settings = engine._settings.model_copy(update={"deadline_s": deadline_s})


def kind(error: BaseException | list[Prediction]) -> str:
    return error.kind.name if isinstance(error, Problem) else type(error).__name__


def test_what_it_says_is_what_the_library_says() -> None:
    async def go() -> None:
        async with running() as engine:
            answers = await asyncio.gather(*(ask(engine, 2, *each) for each in asked))
        for (labels, prior), answer in zip(asked, answers, strict=True):
            assert answer == mien.load().predict([IMAGE] * 2, labels=labels, prior=prior, crop="whole")

    asked = [*product((FERPLUS8, FER7), ("training", "balanced"))] * 5
    asyncio.run(go())


def test_beyond_the_queue_all_are_turned_away_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> None:
        async with running(queue=4) as engine:
            free = hold(engine, monkeypatch)
            tasks = [asyncio.create_task(ask(engine)) for _ in range(10)]
            await until_async(lambda: sum(task.done() for task in tasks) >= 6)
            done = [task for task in tasks if task.done()]
            assert len(done) == 6
            assert {kind(task.exception() or []) for task in done} == {"busy"}
            free.set()
            answers = await asyncio.gather(*tasks, return_exceptions=True)
            assert sum(isinstance(answer, list) for answer in answers) == 4
            assert len(await ask(engine)) == 1

    asyncio.run(go())


def test_more_images_than_the_queue_holds_go_through_alone() -> None:
    async def go() -> None:
        async with running(queue=2) as engine:
            assert len(await ask(engine, 5)) == 5

    asyncio.run(go())


def test_late_is_told_in_time_and_the_next_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> None:
        async with running() as engine:
            within(engine, 0.3)
            free = hold(engine, monkeypatch)
            answers = await asyncio.gather(*(ask(engine) for _ in range(5)), return_exceptions=True)
            assert [kind(answer) for answer in answers] == ["deadline"] * 5
            free.set()
            within(engine, WAIT_S)
            assert len(await ask(engine)) == 1

    asyncio.run(go())


def test_a_clock_that_is_set_back_and_forth_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> None:
        async with running() as engine:
            days = itertools.cycle([0.0, 1e9, -1e9, 5e9])
            monkeypatch.setattr(time, "time", lambda: next(days))
            answers = [await ask(engine) for _ in range(8)]
            assert all(answer == answers[0] for answer in answers)

    asyncio.run(go())


def test_one_that_fails_spoils_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> None:
        async with running() as engine:
            model = engine.model(None)
            express, poison = model.express, LabelSet("poison", ("happy", "sad"))

            def fail(found: Sequence[Found], labels: Sequence[LabelSet], prior: str) -> list[Prediction]:
                if poison in labels:
                    raise RuntimeError("poison")
                return express(found, labels, prior)

            monkeypatch.setattr(model, "express", fail)
            sets = [FERPLUS8, poison, FER7, poison, FERPLUS8]
            answers = await asyncio.gather(*(ask(engine, 1, each) for each in sets), return_exceptions=True)
            assert [kind(answer) for answer in answers] == ["list", "RuntimeError", "list", "RuntimeError", "list"]
            assert engine.ready

    asyncio.run(go())


def test_where_one_image_fails_none_of_its_request_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> None:
        async with running() as engine:
            begun, going = set[int](), set[int]()

            async def one(asked: Asked, task: Task, until: float) -> Answer:
                if task.number == 0:
                    await until_async(lambda: len(begun) == 2)
                    raise RuntimeError("the first")
                begun.add(task.number)
                going.add(task.number)
                try:
                    await asyncio.sleep(WAIT_S)
                finally:
                    going.remove(task.number)
                raise AssertionError("it went on")

            monkeypatch.setattr(engine, "_one", one)
            with pytest.raises(RuntimeError, match="the first"):
                await ask(engine, 3)
            assert (begun, going, engine._accepted) == ({1, 2}, set(), 0)

    asyncio.run(go())


def test_faces_that_come_while_the_network_works_go_through_it_together(monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> None:
        async with running() as engine:
            free = hold(engine, monkeypatch)
            sizes: list[int] = []
            model = engine.model(None)
            express = model.express

            def count(found: Sequence[Found], labels: Sequence[LabelSet], prior: str) -> list[Prediction]:
                sizes.append(len(found))
                return express(found, labels, prior)

            monkeypatch.setattr(model, "express", count)
            tasks = [asyncio.create_task(ask(engine)) for _ in range(100)]
            await until_async(lambda: sum(sizes) + len(engine._jobs) >= 100)
            free.set()
            await asyncio.gather(*tasks)
            assert sum(sizes) == 100
            assert len(sizes) <= 4
            assert max(sizes) <= BATCH

    asyncio.run(go())


def test_explanations_are_those_of_the_library() -> None:
    async def go() -> None:
        async with running() as engine:
            model = engine.model(None)
            for method in METHODS:
                (answer,) = await engine.predict([IMAGE], Asked(model, FER7, "whole", explained=method))
                assert (
                    answer.prediction.faces == explained(model, IMAGE, labels=FER7, crop="whole", method=method).faces
                )

    asyncio.run(go())


def test_one_run_answers_and_explains(monkeypatch: pytest.MonkeyPatch, astronaut: bytes) -> None:
    async def go() -> None:
        async with running() as engine:
            model = engine.model(None)
            images, sets = [astronaut, png(np.full((200, 200, 3), 128, np.uint8)), astronaut], [FER7, FER7, FERPLUS8]
            wanted = [explained(model, image, labels=labels) for image, labels in zip(images, sets, strict=True)]
            monkeypatch.setattr(Recognizer, "features", None)  # another run
            tasks = [
                engine.predict([image], Asked(model, labels, "auto", explained=way))
                for image, labels in zip(images, sets, strict=True)
                for way in ("cam", None)
            ]
            told = [answer.prediction.faces for (answer,) in await asyncio.gather(*tasks)]
            assert told[::2] == [each.faces for each in wanted]
            assert [[face.expression.explanation for face in faces] for faces in told[1::2]] == [[None], [], [None]]

    asyncio.run(go())


def test_an_answer_does_not_wait_for_many_explanations(monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> None:
        async with running() as engine:
            model, order, found = engine.model(None), list[str](), threading.Event()

            def slow(model: Recognizer, crop: Pixels, labels: LabelSet, prior: str, **_: str) -> Explanation:
                order.append("explained")
                assert found.wait(WAIT_S)
                return Explanation("occlusion", ((0.0,),))

            monkeypatch.setattr("mien.service.engine.explain", slow)
            many = asyncio.create_task(
                engine.predict([IMAGE] * 100, Asked(model, FER7, "whole", explained="occlusion"))
            )
            await until_async(lambda: order or many.done())
            one = asyncio.create_task(ask(engine))
            workers = engine._workers
            await until_async(lambda: engine._accepted == 101 and not (workers._small or workers._lent))
            found.set()
            await one
            assert len(order) < 100
            await many
            assert len(order) == 100

    asyncio.run(go())


def test_pictures_are_small_and_as_many_as_faces(astronaut: bytes) -> None:
    async def go() -> None:
        async with running() as engine:
            model = engine.model(None)
            (plain,) = await engine.predict([astronaut], Asked(model, FER7, "auto"))
            (shown,) = await engine.predict([astronaut], Asked(model, FER7, "auto", pictured=True))
            assert (plain.picture, plain.crops) == (b"", ())
            assert shown.prediction == plain.prediction
            with Image.open(BytesIO(shown.picture)) as picture, Image.open(BytesIO(shown.crops[0])) as crop:
                assert (picture.format, crop.format, crop.size) == ("JPEG", "JPEG", (112, 112))
                assert max(picture.size) <= 1280
            assert len(shown.crops) == len(shown.prediction.faces) == 1

    asyncio.run(go())


def test_too_many_pixels_and_no_option_of_the_library() -> None:
    async def go() -> None:
        async with running(max_pixels=2_000) as engine:
            (answer,) = await ask(engine)
            assert answer.error == "48 x 48 pixels, over the limit of 0.002 million"

    asyncio.run(go())


def test_too_many_faces(astronaut: bytes) -> None:
    async def go() -> None:
        async with running(max_faces=1) as engine:
            with Image.open(BytesIO(astronaut)) as image:
                one = np.asarray(image.convert("RGB"))
            (answer,) = await engine.predict([png(np.hstack([one, one]))], Asked(engine.model(None), FERPLUS8, "auto"))
            assert answer.prediction.error == "2 faces, over the limit of 1"

    asyncio.run(go())


def test_an_image_of_more_memory_than_is_allowed_is_refused_and_the_next_is_read() -> None:
    async def go() -> None:
        async with running(max_decoded=4 * 4 * 48 * 48) as engine:
            model = engine.model(None)
            large = png(np.zeros((145, 48, 3), np.uint8))
            (refused,) = await engine.predict([large], Asked(model, FERPLUS8, "whole"))
            assert "of memory, over the limit" in (refused.prediction.error or "")
            (read,) = await engine.predict([IMAGE], Asked(model, FERPLUS8, "whole"))
            assert read.prediction.error is None

    asyncio.run(go())

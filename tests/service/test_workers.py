"""Workers: one that ends costs its own image and no other, none outlives its parent or takes more than it may."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from served import PROC, Served, begin, children, post
from waiting import WAIT_S, until, until_async
from wire import count

from mien.crops import cut
from mien.detect import BlazeFace
from mien.intake import Limits
from mien.labels import FERPLUS8
from mien.memory import MOST_DECODED, hold_at_most
from mien.service import finder, worker, workers
from mien.service.engine import Answer, Asked, Engine
from mien.service.metrics import Metrics
from mien.service.problems import Problem
from mien.service.settings import Settings
from mien.service.wire import Message
from mien.service.workers import SMALL

SLOW = """
import time
from mien.service import finder
cut = finder.cut
def slow(picture, *given):
    end = time.monotonic() + {seconds}
    while picture.size[0] == {width} and time.monotonic() < end:
        pass
    return cut(picture, *given)
finder.cut = slow
finder.main()
"""
"""A worker that works for some seconds on images of one width."""

pytestmark = pytest.mark.skipif(not PROC.exists(), reason="processes are told of in /proc")


def png(width: int, height: int = 48, mode: str = "RGB") -> bytes:
    stream = BytesIO()
    Image.new(mode, (width, height)).save(stream, "PNG")
    return stream.getvalue()


GOOD, BAD = png(48), png(50)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that take very long for BAD."""
    program = SLOW.format(seconds=2 * WAIT_S, width=50)
    monkeypatch.setattr(worker, "PROGRAM", (sys.executable, "-c", program))


@asynccontextmanager
async def running(**settings: Any) -> AsyncIterator[Engine]:
    engine = Engine(Settings(**{"threads": 2, "deadline_s": WAIT_S, **settings}), Metrics())
    engine.load()
    engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


async def ask(engine: Engine, *contents: bytes) -> list[str | None]:
    """The errors of answers."""
    answers: list[Answer] = await engine.predict(contents, Asked(engine.model(None), FERPLUS8, "whole"))
    return [answer.prediction.error for answer in answers]


def pids(engine: Engine) -> list[int]:
    return [each._process.pid for each in engine._workers._all]


async def kill_all(engine: Engine) -> None:
    """And wait until none of them counts any more."""
    killed = set(pids(engine))
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    await until_async(lambda: killed.isdisjoint(pids(engine)))


def cpu(pid: int) -> int:
    """Ticks of processor time that a process and its threads had; 0 once there is none."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


def counted(engine: Engine, cause: str) -> float:
    return float(engine._metrics.restarts.labels(cause)._value.get())


@pytest.mark.usefixtures("slow")
def test_one_that_is_killed_costs_its_image_and_no_other() -> None:
    async def go() -> None:
        async with running() as engine:
            assert await ask(engine, GOOD) == [None]
            bad = asyncio.create_task(ask(engine, BAD))
            await until_async(lambda: engine._workers._lent)
            (busy,) = {each._process.pid for each in engine._workers._all - set(engine._workers._idle)}
            os.kill(busy, signal.SIGKILL)
            (error,) = await bad
            assert error == "the process that read it has ended: the file may be damaged; save it anew"
            assert await ask(engine, GOOD, GOOD) == [None, None]
            await until_async(lambda: counted(engine, "killed"))
            await until_async(lambda: engine._workers.begun == 2)
            assert counted(engine, "killed") == 1

    asyncio.run(go())


@pytest.mark.usefixtures("slow")
def test_a_deadline_frees_the_processor() -> None:
    async def go() -> None:
        async with running(deadline_s=1.0) as engine:
            await until_async(lambda: engine._workers.begun == 2)
            before = pids(engine)
            with pytest.raises(Problem, match="deadline"):
                await ask(engine, BAD)
            await until_async(lambda: counted(engine, "late") == 1)
            assert sum(pid in before for pid in pids(engine)) == 1
            assert sum(cpu(pid) > 0 for pid in before) == 1

    asyncio.run(go())


@pytest.mark.usefixtures("slow")
def test_of_several_images_the_late_one_says_so_and_the_others_are_read() -> None:
    async def go() -> None:
        async with running() as engine:
            for seconds in (1, 4, 16, 64):  # the others are late too where the machine is busy
                await until_async(lambda: engine._workers.begun == 2)
                engine._settings = engine._settings.model_copy(update={"deadline_s": seconds})
                late, *others = await ask(engine, BAD, GOOD, GOOD)
                assert late == f"no answer within {seconds} s"
                if others == [None, None]:
                    return
        pytest.fail(f"late as well: {others}")

    asyncio.run(go())


@pytest.mark.usefixtures("slow")
def test_a_large_image_leaves_a_worker_to_the_small_and_has_its_turn() -> None:
    async def go() -> None:
        large = png(500, 500)
        async with running(max_decoded=1_600_000) as engine:  # small ones have a quarter
            answers = await asyncio.gather(*(ask(engine, large, GOOD) for _ in range(8)))
            assert answers == [[None, None]] * 8
            (error,) = await ask(engine, png(1000, 500))
            assert error is not None
            assert "of memory, over the limit" in error
            assert engine._workers._lent == engine._workers._larges == 0

    asyncio.run(go())


def jpeg(side: int) -> bytes:
    stream = BytesIO()
    Image.new("RGB", (side, side)).save(stream, "JPEG")
    return stream.getvalue()


HEAD = {"crop": "detect", "pictured": False, "first": 4_000_000, "room": SMALL, "most": 9, "size": 48, "colour": "gray"}
HEAD |= {"camera": None}


@pytest.fixture
def no_worker() -> Iterator[None]:
    """This process does a worker's work, and is none afterwards."""
    yield
    hold_at_most(MOST_DECODED)


@pytest.mark.usefixtures("no_worker")
@pytest.mark.parametrize(
    ("content", "asks"),
    [
        (GOOD, 0),
        (jpeg(1600), 0),  # made from fewer pixels, and of few bytes
        (jpeg(2048), 2048**2),  # however small its copy, all of these are passed
        (png(1500, 1000), 4 * 1500 * 1000),
    ],
    ids=["a crop", "a photo", "a large photo", "a large PNG"],
)
def test_what_takes_long_says_so_at_first_sight(content: bytes, asks: int) -> None:
    told = finder.Finder(Limits())(Message(HEAD, [content]))
    assert told.head.get("room", 0) == asks


WAITS = """
import os, time
from mien.service import finder
cut = finder.cut
def waits(picture, *given):
    found = cut(picture, *given)
    while picture.size[0] == {width} and not os.path.exists({go!r}):
        time.sleep(0.01)
    return found
finder.cut = waits
finder.main()
"""
"""A worker that has read an image of one width once there is a file."""


def test_of_large_images_the_larger_waits_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = WAITS.format(width=2999, go=str(tmp_path / "go"))
    monkeypatch.setattr(worker, "PROGRAM", (sys.executable, "-c", program))
    monkeypatch.setattr(workers, "ROOM_S", 1.0)  # a second a byte: however late the smaller one comes

    async def go() -> None:
        async with running() as engine:
            await until_async(lambda: engine._workers.begun == 2)
            ended = list[str]()

            async def one(name: str, side: int) -> None:
                assert await ask(engine, png(side, side)) == [None]
                ended.append(name)

            tasks = [asyncio.create_task(one("first", 2999))]
            await until_async(lambda: engine._workers._larges)
            tasks += [asyncio.create_task(one(name, side)) for name, side in (("large", 3000), ("less", 2500))]
            await until_async(lambda: len(engine._workers._large) == 2)  # neither may be at work beside it
            (tmp_path / "go").touch()
            await asyncio.gather(*tasks)
            assert ended == ["first", "less", "large"]

    asyncio.run(go())


def test_more_memory_than_it_may_have_costs_the_image_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    program = "from mien.service import finder; finder.BESIDE = -30_000_000; finder.main()"
    monkeypatch.setattr(worker, "PROGRAM", (sys.executable, "-c", program))

    async def go() -> None:
        async with running() as engine:
            await until_async(lambda: engine._workers.begun == 2)
            assert await ask(engine, png(3000, 3000)) == ["not enough memory to read it: save it smaller"]
            assert await ask(engine, GOOD) == [None]
            assert engine._workers.begun == 2

    asyncio.run(go())


@pytest.mark.usefixtures("no_worker")
@pytest.mark.parametrize(("short", "answer"), [(1, "size"), (2, "error")], ids=["once", "twice"])
def test_where_memory_is_short_it_is_given_back_first(short: int, answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def tight(*given: Any) -> Any:
        calls.append("cut")
        if calls.count("cut") <= short:
            raise MemoryError
        return cut(*given)

    monkeypatch.setattr(finder, "cut", tight)
    monkeypatch.setattr(finder, "give_back", lambda: calls.append("given back"))
    told = finder.Finder(Limits())(Message(HEAD, [GOOD]))
    assert answer in told.head
    assert calls == ["cut", "given back", "cut"]


@pytest.mark.usefixtures("no_worker")
def test_a_cameras_frame_is_searched_where_the_one_before_had_a_face(
    astronaut: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched, whole = [], BlazeFace.search

    def search(*given: Any) -> Any:
        searched.append(given)
        return whole(*given)

    monkeypatch.setattr(BlazeFace, "search", search)
    find = finder.Finder(Limits())
    known = None
    for at in range(4):
        answer = find(Message(HEAD | {"camera": [at / 100, known]}, [astronaut]))
        known = answer.head["known"]
        assert len(answer.head["faces"]) == 1
        assert len(answer.pieces[0]) == 48 * 48
    assert len(searched) == 1
    assert find(Message(HEAD, [astronaut])).head["known"] is None


def test_ends_upon_ends_leave_nothing_behind() -> None:
    async def go() -> None:
        before = children(os.getpid())
        async with running() as engine:
            for _ in range(10):
                await until_async(lambda: engine._workers.begun == 2)
                await kill_all(engine)
            await until_async(lambda: engine._workers.begun == 2)
            assert await ask(engine, GOOD) == [None]
            assert len(children(os.getpid()) - before) == 2
        assert children(os.getpid()) <= before

    asyncio.run(go())


@pytest.fixture
def slow_service(tmp_path: Path) -> Iterator[Served]:
    """A service whose workers take very long for BAD."""
    program = tmp_path / "slow.py"
    program.write_text(
        "import sys\n"
        "from mien.service import worker\n"
        f"worker.PROGRAM = (sys.executable, '-c', {SLOW.format(seconds=2 * WAIT_S, width=50)!r})\n"
        "from mien.service.__main__ import main\n"
        "main()\n"
    )
    served = begin(program=[sys.executable, str(program)], grace_s=1, deadline_s=WAIT_S)
    served.wait()
    yield served
    served.stop()


def busy(served: Served, number: int) -> list[threading.Thread]:
    """Clients that wait for an answer to BAD."""
    clients = [threading.Thread(target=_sent, args=(served,)) for _ in range(number)]
    for each in clients:
        each.start()
    until(lambda: count(served, "mien_queue_images") == number)
    return clients


def _sent(served: Served) -> None:
    try:
        post(f"{served.url}/v1/predict?crop=whole", content=BAD, headers={"Content-Type": "image/png"})
    except Exception:  # the service has ended
        return


def test_told_to_stop_it_waits_for_no_decoder(slow_service: Served) -> None:
    clients = busy(slow_service, 4)
    workers = children(slow_service.process.pid)
    slow_service.process.send_signal(signal.SIGTERM)
    slow_service.process.wait(WAIT_S / 2)
    for each in clients:
        each.join(WAIT_S)
    until(lambda: all(map(dead, workers)))
    assert workers


def test_killed_it_leaves_no_process(slow_service: Served) -> None:
    clients = busy(slow_service, 4)
    workers = children(slow_service.process.pid)
    slow_service.process.kill()
    slow_service.process.wait(WAIT_S)
    for each in clients:
        each.join(WAIT_S)
    until(lambda: all(map(dead, workers)))
    assert workers


def dead(pid: int) -> bool:
    """Whether a process has ended, though nobody may have asked for it."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True

"""The door: there is room for so many, whoever came first; and where the system has no more, one line says so."""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import pytest
from served import Served, begin, get
from waiting import until
from wire import GOOD, POST_HALF, camera, count, dial, head, rest

from mien.service.room import STALLED_S

MOST = 6


@pytest.fixture(scope="module")
def service(serve: Any) -> Iterator[Served]:
    with serve(connections=MOST, upload_s=600, cameras=2) as served:
        yield served


@pytest.fixture(autouse=True)
def nobody_is_left(service: Served) -> Iterator[None]:
    yield
    until(lambda: count(service, "mien_connections") == 1)  # who asks


def test_who_is_idle_for_longest_makes_room(service: Served) -> None:
    with ExitStack() as stack:
        wires = [stack.enter_context(dial(service)) for _ in range(MOST)]
        for wire in (*wires[1:], wires[0]):  # so the second is idle for longest
            wire.sendall(GOOD)
            assert head(wire).startswith(b"HTTP/1.1 200")
        late = stack.enter_context(dial(service))
        late.sendall(GOOD)
        assert head(late).startswith(b"HTTP/1.1 200")
        assert b"HTTP/1.1" not in rest(wires[1])  # but the body of its answer, and the end
        wires[0].sendall(GOOD)
        assert b"200 OK" in head(wires[0])


@pytest.mark.parametrize("half", [b"", b"G", GOOD[:-2]], ids=["nothing", "a letter", "half a head"])
def test_idle_ones_keep_nobody_out(service: Served, half: bytes) -> None:
    before = count(service, 'mien_connections_ended_total{cause="idle"}')
    with ExitStack() as stack:
        for _ in range(5 * MOST):
            stack.enter_context(dial(service)).sendall(half)
        for _ in range(10):
            assert get(f"{service.url}/v1/labels").status_code == 200
    assert count(service, 'mien_connections_ended_total{cause="idle"}') - before >= MOST


def test_where_all_are_busy_one_more_is_told_so(service: Served) -> None:
    going = threading.Event()

    def go_on() -> None:
        """An upload that goes on; one that a busy machine let stall has made room, and begins again."""
        while not going.is_set():
            with suppress(ConnectionError), dial(service) as wire:
                wire.sendall(POST_HALF)
                while not going.wait(0.1):
                    wire.sendall(b"x")

    with ThreadPoolExecutor(MOST) as pool, ExitStack() as stack:  # the uploads end before the pool waits for them
        stack.callback(going.set)
        for _ in range(MOST):
            pool.submit(go_on)
        answers = [b""]
        until(lambda: answers.append(asked(service)) or answers[-1].startswith(b"HTTP/1.1 503"))  # type: ignore[func-returns-value]
        answer = answers[-1]
        going.set()
    assert b"retry-after: 1\r\n" in answer
    assert b'"/problems/busy"' in answer
    until(lambda: count(service, "mien_upload_bytes") == 0)
    assert count(service, 'mien_connections_ended_total{cause="full"}') >= 1


def asked(service: Served) -> bytes:
    """The answer to who asks once; nothing where the connection has ended by then."""
    with dial(service) as wire, suppress(ConnectionError):
        wire.sendall(GOOD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        return rest(wire)
    return b""


def told_busy(service: Served) -> bool:
    return asked(service).startswith(b"HTTP/1.1 503")


def test_uploads_that_have_stalled_keep_nobody_out(service: Served) -> None:
    with ExitStack() as stack:
        for _ in range(MOST):
            stack.enter_context(dial(service)).sendall(POST_HALF)
        until(lambda: not told_busy(service))
    until(lambda: count(service, "mien_upload_bytes") == 0)
    assert count(service, 'mien_connections_ended_total{cause="idle"}') >= 1


def test_one_that_has_just_come_does_not_make_room_for_one_that_stalled_before_it(service: Served) -> None:
    with ExitStack() as stack:
        stalled = [stack.enter_context(dial(service)) for _ in range(MOST - 1)]
        for wire in stalled:
            wire.sendall(POST_HALF)
        until(lambda: count(service, "mien_upload_bytes") >= len(stalled))  # all have begun
        time.sleep(STALLED_S)
        fresh = stack.enter_context(dial(service))
        for _ in range(2):
            assert not told_busy(service)
        fresh.sendall(GOOD)
        assert head(fresh).startswith(b"HTTP/1.1 200")


@contextmanager
def few_descriptors(most: int, **settings: Any) -> Iterator[Served]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, before[1]))  # the service inherits it
    try:
        served = begin(**settings)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    try:
        served.wait()
        yield served
    finally:
        served.stop()


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limit")
@pytest.mark.parametrize("settings", [{}, {"connections": 60}], ids=["as it comes", "more than there are"])
def test_more_clients_than_descriptors(settings: dict[str, int]) -> None:
    with few_descriptors(64, upload_s=600, log=False, **settings) as served:
        with ExitStack() as stack:
            for _ in range(100):
                stack.enter_context(dial(served))
            for _ in range(5):
                assert get(f"{served.url}/v1/labels").status_code == 200
        assert get(f"{served.url}/static/style.css").status_code == 200
    told = [line for line in served.printed if "mien serves on" not in line]
    assert len(told) <= 2
    assert "Traceback" not in "".join(told)
    assert served.process.returncode == 0


def test_cameras_count_as_connections_and_are_not_idle(service: Served) -> None:
    with camera(service), camera(service):
        until(lambda: count(service, "mien_live_connections") == 2)
        assert count(service, "mien_connections") == 3
        with ExitStack() as stack:
            for _ in range(3 * MOST):
                stack.enter_context(dial(service))
            until(lambda: count(service, "mien_live_connections") == 2)
    until(lambda: count(service, "mien_live_connections") == 0)

"""HTTP on the wire: how long it may take, what counts though it is no body, who takes no answer."""

from __future__ import annotations

import re
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from served import Served, begin, serving
from waiting import until
from wire import BINARY, GOOD, TEXT, TRIES, count, dial, frame, handshake, head, rest

POST = b"POST /v1/predict HTTP/1.1\r\nHost: a\r\nContent-Type: image/jpeg\r\n"
KEEP_ALIVE_S = 2.0
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
LAST = GOOD[:-2] + b"Connection: close\r\n\r\n"


@pytest.fixture(scope="module")
def service(tmp_path_factory: Any) -> Iterator[Served]:
    """One that waits for a request for two seconds, for the next one too."""
    program = tmp_path_factory.mktemp("program") / "brief.py"
    program.write_text(
        "from mien.service import protocol\n"
        f"protocol.KEEP_ALIVE_S = {KEEP_ALIVE_S}\n"
        "from mien.service.__main__ import main\n"
        "main()\n"
    )
    served = begin(program=[sys.executable, str(program)], upload_s=2, max_memory=20_000_000)
    try:
        served.wait()
        yield served
    finally:
        served.stop()
    assert "Traceback" not in "".join(served.printed)


@pytest.fixture(scope="module")
def patient() -> Iterator[Served]:
    """One that takes whatever comes in pieces, however slowly."""
    with serving() as served:
        yield served
    assert "Traceback" not in "".join(served.printed)


@pytest.fixture(autouse=True)
def next_one_is_served(service: Served, patient: Served) -> Iterator[None]:
    yield

    def read(served: Served) -> bool:  # not where a busy machine needs longer than an upload may take
        with suppress(ConnectionError), dial(served) as wire:
            wire.sendall(GOOD)
            return head(wire).startswith(b"HTTP/1.1 200")
        return False

    until(lambda: count(service, "mien_upload_bytes") == count(patient, "mien_upload_bytes") == 0)
    until(lambda: read(service) and read(patient))


@pytest.mark.parametrize("then", [b"", b"\r\n", b"\r\n" * 10], ids=["nothing", "a line", "lines"])
def test_between_requests(service: Served, then: bytes) -> None:
    """Empty lines before a request are allowed, and are none."""
    with dial(service) as wire:
        wire.sendall(GOOD + then)
        assert rest(wire).count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("half", [b"G", GOOD[:-2], GOOD + b"G"], ids=["a letter", "half a head", "the third"])
def test_the_second_request_has_its_time_too(service: Served, half: bytes) -> None:

    def statuses() -> list[bytes]:
        with dial(service) as wire:
            wire.sendall(GOOD + half)
            return re.findall(rb"HTTP/1.1 (\d+)", rest(wire))

    assert [b"200"] * (GOOD + half).count(GOOD) + [b"408"] in (statuses() for _ in range(TRIES))


def test_the_rest_of_a_body_that_nobody_waits_for(service: Served) -> None:
    late = 'mien_connections_ended_total{cause="late"}'

    def left() -> tuple[bytes, float]:
        before = count(service, late)
        with dial(service) as wire:
            wire.sendall(b"POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx")
            return rest(wire)[:12], count(service, late) - before

    assert (b"HTTP/1.1 404", 1) in (left() for _ in range(TRIES))


def test_a_body_that_comes_after_its_answer(patient: Served) -> None:
    with dial(patient) as wire:
        wire.sendall(b"POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nx")
        assert head(wire).startswith(b"HTTP/1.1 404")
        wire.sendall(b"yz" + LAST)
        assert b"HTTP/1.1 200" in rest(wire)


ENDLESS = {
    "headers after the body": CHUNKED + b"1\r\nx\r\n0\r\n" + b"a: b\r\n" * 100_000,
    "a header after the body": CHUNKED + b"1\r\nx\r\n0\r\na: " + b"b" * 1_000_000,
    "the size of a chunk": CHUNKED + b"1;" + b"a" * 1_000_000,
    "empty lines": b"\r\n" * 500_000,
}


@pytest.mark.parametrize("name", ENDLESS)
def test_what_is_no_body_has_a_limit(patient: Served, name: str) -> None:
    with dial(patient) as wire:
        with suppress(ConnectionError):
            wire.sendall(ENDLESS[name])
        answer = rest(wire)
    assert not answer or answer.startswith(b"HTTP/1.1 4")  # it may be gone before that is read
    causes = [count(patient, f'mien_connections_ended_total{{cause="{cause}"}}') for cause in ("large", "malformed")]
    assert sum(causes) >= 1


def test_headers_after_a_body_are_none_of_the_request(patient: Served) -> None:
    with dial(patient) as wire:
        wire.sendall(CHUNKED + b"1\r\nx\r\n0\r\nA: b\r\n\r\n" + GOOD)
        assert head(wire).startswith(b"HTTP/1.1 422")


def test_requests_at_once(patient: Served) -> None:
    with dial(patient) as wire:
        wire.sendall(GOOD * 15 + LAST)
        assert rest(wire).count(b"HTTP/1.1 200") == 16
    with dial(patient) as wire:
        with suppress(ConnectionError):
            wire.sendall(GOOD * 50_000)
        assert rest(wire).count(b"HTTP/1.1 200") <= 17


@pytest.mark.parametrize("together", [False, True], ids=["one by one", "at once"])
def test_a_web_socket_after_other_requests(service: Served, together: bool) -> None:
    """Its answer comes after theirs, and the connection is no longer one that waits for its next request."""
    requests = [GOOD, GOOD, handshake()]

    def answered() -> bool:
        with dial(service) as wire, suppress(ConnectionError):
            for sent in [b"".join(requests)] if together else requests:
                wire.sendall(sent)
                for _ in range(sent.count(GOOD)):
                    if not (told := head(wire)).startswith(b"HTTP/1.1 200"):
                        return False
                    wire.recv(int(re.findall(rb"content-length: (\d+)", told)[0]), socket.MSG_WAITALL)
            if not head(wire).startswith(b"HTTP/1.1 101"):
                return False
            time.sleep(KEEP_ALIVE_S + 0.5)
            wire.sendall(frame(BINARY, b"no image"))
            return wire.recv(1) == bytes([128 | TEXT])
        return False

    assert any(answered() for _ in range(TRIES))


def test_an_answer_that_nobody_takes(service: Served) -> None:
    """It counts as memory, and its connection is ended in time."""
    before = count(service, 'mien_connections_ended_total{cause="unread"}')

    def ended() -> bool:
        """Not where nobody looks in time whether it is held."""
        with socket.socket() as wire, suppress(ConnectionError):
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            wire.connect(("127.0.0.1", service.port))
            wire.setblocking(False)
            asked = b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n"

            def held() -> bool:
                with suppress(BlockingIOError):
                    wire.send(asked)
                return count(service, "mien_upload_bytes") > 0

            until(held)
            until(lambda: count(service, "mien_upload_bytes") == 0)
            return True
        return False

    assert any(ended() for _ in range(TRIES))
    assert count(service, 'mien_connections_ended_total{cause="unread"}') > before


def test_one_line_of_each_kind_a_minute() -> None:
    began = time.monotonic()
    with serving() as served:
        for _ in range(20):
            with dial(served) as wire:
                wire.sendall(b"\0\r\n\r\n")
                wire.shutdown(socket.SHUT_WR)
                rest(wire)
        served.stop()  # what it says is all there then
    told = sum("Invalid HTTP request received." in each for each in served.printed)
    assert 1 <= told <= 1 + (time.monotonic() - began) // 60


OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n"
OFFERED = {
    "a length": POST + OFFER + b"Content-Length: 8\r\n\r\nno image",
    "chunks": POST + OFFER + b"Transfer-Encoding: chunked\r\n\r\n3\r\nno \r\n5\r\nimage\r\n0\r\n\r\n",
    "no body": GOOD[:-2] + OFFER + b"\r\n",
    "a body of no bytes": POST + OFFER + b"Content-Length: 0\r\n\r\n",
    "an end": POST + OFFER.replace(b"Upgrade,", b"close, Upgrade,") + b"Content-Length: 8\r\n\r\nno image",
}
EXPECTED = {"no body": b"200", "a body of no bytes": b"400"}


@pytest.mark.parametrize("pieces", ["whole", "bytes"])
@pytest.mark.parametrize("name", OFFERED)
def test_an_offer_of_http_2(patient: Served, name: str, pieces: str) -> None:
    """Java's own client makes one with each request: it is passed over, and the body is the request's."""
    sent, expected, times = OFFERED[name], EXPECTED.get(name, b"422"), 1 if name == "an end" else 3
    with dial(patient) as wire:
        if pieces == "whole":
            wire.sendall(sent * times)
        else:
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for at in range(len(sent) * times):
                wire.sendall((sent * times)[at : at + 1])
        with suppress(ConnectionError):  # after an end nobody may listen any more
            wire.sendall(LAST)
        statuses = re.findall(rb"HTTP/1.1 (\d+)", rest(wire))
    assert statuses == [expected] * times + [b"200"] * (name != "an end")


@pytest.mark.parametrize("wrong", [b"Content-Length: x\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\nx\r\n"])
def test_an_offer_before_what_is_no_body(patient: Served, wrong: bytes) -> None:
    with dial(patient) as wire:
        wire.sendall(POST + OFFER + wrong)
        assert rest(wire).startswith(b"HTTP/1.1 400")

"""Answers that come before their request has ended arrive all the same."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mien.service.lingering import Lingering

START = {"type": "http.response.start", "status": 413, "headers": [(b"connection", b"close")]}
KEPT = {"type": "http.response.start", "status": 401, "headers": []}
BODY = {"type": "http.response.body", "body": b"no"}
END = {"type": "http.response.body"}
GONE = {"type": "http.disconnect"}


def part(more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": b"x", "more_body": more}


def passed(messages: list[dict[str, Any]], reads: int, *answer: dict[str, Any], kind: str = "http") -> tuple[Any, int]:
    """What is sent by an app that reads so many messages and then answers, and how many are left unread."""
    left, sent = list(messages), []

    async def receive() -> Any:
        if not left:
            await asyncio.Event().wait()
        return left.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    async def app(_: Any, receive: Any, send: Any) -> None:
        for _ in range(reads):
            await receive()
        for message in answer:
            await send(message)

    asyncio.run(Lingering(app)({"type": kind}, receive, send))
    return sent, len(left)


@pytest.mark.parametrize(
    ("messages", "reads", "unread"),
    [
        ([part(False)], 0, 0),
        ([part(True), part(True), part(False)], 1, 0),
        ([part(True), GONE], 1, 0),
    ],
)
def test_the_rest_is_read_once_the_answer_is_out(messages: list[dict[str, Any]], reads: int, unread: int) -> None:
    assert passed(messages, reads, START, BODY) == ([START, BODY | {"more_body": True}, END], unread)


@pytest.mark.parametrize(
    ("messages", "reads", "answer"),
    [
        ([part(False)], 1, [START, BODY]),
        ([GONE], 1, [START, BODY]),
        ([part(True), part(False)], 1, [KEPT, BODY]),  # the server reads on by itself
    ],
)
def test_nothing_changes_where_all_is_read_or_the_connection_stays(
    messages: list[dict[str, Any]], reads: int, answer: list[dict[str, Any]]
) -> None:
    assert passed(messages, reads, *answer) == (answer, len(messages) - reads)


def test_a_socket_is_none_of_its_business() -> None:
    refused = {"type": "websocket.close", "code": 1008}
    assert passed([], 0, refused, kind="websocket") == ([refused], 0)


def test_an_upload_without_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.service.lingering.LINGER_S", 0.01)
    assert passed([part(True)], 1, START, BODY) == ([START, BODY | {"more_body": True}, END], 0)


def test_a_server_that_stops_does_not_wait() -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    async def app(_: Any, receive: Any, send: Any) -> None:
        try:
            await receive()
        except asyncio.CancelledError:
            for message in (START, BODY):
                await send(message)

    async def stopped() -> None:
        task = asyncio.create_task(Lingering(app)({"type": "http"}, receive, send))
        await asyncio.sleep(0)
        task.cancel()
        await task

    asyncio.run(stopped())
    assert sent == [START, BODY]

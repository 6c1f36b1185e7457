"""Lines that strangers bring about come once a minute."""

from __future__ import annotations

import asyncio
import logging

import pytest

from mien.service import seldom
from mien.service.seldom import WIRE, Seldom, tell


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    clock = [1000.0]
    monkeypatch.setattr(seldom, "monotonic", lambda: clock[0])
    return clock


def record(message: str, *arguments: object) -> logging.LogRecord:
    return logging.LogRecord("a", logging.WARNING, "", 0, message, arguments, None)


def test_one_of_each_kind_in_a_minute(now: list[float]) -> None:
    few = Seldom()
    assert few.filter(record("first %s", 1))
    for number in range(1_500):
        assert not few.filter(record("first %s", number))
    assert few.filter(record("second"))
    now[0] += 60
    again = record("first %s", 2)
    assert few.filter(again)
    assert again.getMessage() == "first 2 (and 1,500 more like it before)"
    now[0] += 60
    last = record("first %s", 3)
    assert few.filter(last)
    assert last.getMessage() == "first 3"


def test_what_varies_on_later_lines_is_of_one_kind(now: list[float]) -> None:
    few = Seldom()
    assert few.filter(record("broken\nsocket 1"))
    assert not few.filter(record("broken\nsocket 2"))


def test_faults_of_the_loop_are_told_without_addresses(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.new_event_loop()
    with caplog.at_level(logging.ERROR, WIRE.name):
        tell(loop, {"message": "it broke by 100%", "exception": ValueError("x"), "transport": "192.0.2.1"})
    loop.close()
    assert "it broke by 100%" in caplog.text
    assert "192.0.2.1" not in caplog.text

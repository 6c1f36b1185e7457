"""How often clients come."""

from __future__ import annotations

import time

import pytest

from mien.service.problems import Problem
from mien.service.rates import CLIENTS, Rates


def test_a_rate_that_is_kept_and_one_that_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    rates = Rates(3, "requests")
    for _ in range(3):
        rates.take("a")
    with pytest.raises(Problem) as raised:
        rates.take("a")
    assert raised.value.kind.status == 429
    assert 15 <= int(raised.value.headers["Retry-After"]) <= 22
    rates.take("b")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("2001:db8::1", "2001:db8::ffff:0:0:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
    ],
)
def test_addresses_that_one_client_may_have(one: str, other: str, same: bool) -> None:
    rates = Rates(1, "requests")
    rates.take(one)
    assert (rates.wait(other) > 0) is same


def test_a_rate_recovers(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    rates = Rates(60, "requests")
    for _ in range(60):
        rates.take("a")
    now += 1.01
    rates.take("a")
    with pytest.raises(Problem):
        rates.take("a")


def test_how_long_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    rates = Rates(2, "frames")
    assert rates.wait("a") == 0
    rates.take("a")
    assert rates.wait("a") == 0
    rates.take("a")
    assert rates.wait("a") == pytest.approx(30)
    with pytest.raises(Problem, match="frames a minute: 2 at most"):
        rates.take("a")
    now += 10
    assert rates.wait("a") == pytest.approx(20)
    assert rates.wait("b") == 0


def test_who_was_longest_away_is_forgotten() -> None:
    rates = Rates(1, "requests")
    for number in range(CLIENTS + 1):
        rates.take(str(number))
    assert rates.wait("0") == 0
    assert rates.wait("1") > 0

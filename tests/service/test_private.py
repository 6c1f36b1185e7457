"""The private page: it is sent once, and packed for whoever takes that."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response

from mien.service import private
from mien.service.engine import Engine
from mien.service.metrics import Metrics
from mien.service.settings import Settings

Ask = Callable[..., Response]


@pytest.fixture(scope="module")
def ask() -> Ask:
    """Asks for the page, with headers such as `accept_encoding`."""
    settings = Settings(runtime=Path())
    engine = Engine(settings, Metrics())
    engine.load()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(private, "find_runtime", lambda place: b"the runtime")
        (route,) = private.routes(engine, settings).routes

    def asked(**headers: str) -> Response:
        pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        answer: Response = asyncio.run(route.endpoint(Request({"type": "http", "headers": pairs})))  # type: ignore[attr-defined]
        return answer

    return asked


@pytest.mark.parametrize(
    ("tags", "status"),
    [
        ("{weak}", 304),
        ("{strong}", 304),
        ('"other", W/"more",{weak}', 304),
        ("*", 304),
        (" * ", 304),
        ("", 200),
        ('"other"', 200),
        ('"*"', 200),
        ("W/", 200),
    ],
)
def test_who_has_the_page_is_not_sent_it_again(ask: Ask, tags: str, status: int) -> None:
    weak = ask().headers["etag"]
    answer = ask(if_none_match=tags.format(weak=weak, strong=weak.removeprefix("W/")))
    assert (answer.status_code, answer.headers["etag"]) == (status, weak)
    assert (answer.body == b"") == (status == 304)


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("", False),
        ("identity", False),
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("*", True),
        ("*;q=0", False),
        ("gzipped", False),
    ],
)
def test_it_is_packed_for_who_takes_that(ask: Ask, coding: str, packed: bool) -> None:
    plain, answer = ask(), ask(accept_encoding=coding)
    assert answer.headers.get("content-encoding") == ("gzip" if packed else None)
    assert (gzip.decompress(answer.body) if packed else answer.body) == plain.body
    assert answer.headers["etag"] == plain.headers["etag"]
    assert answer.headers["etag"].startswith("W/")  # a strong one would be another's

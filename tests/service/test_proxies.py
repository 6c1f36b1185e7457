"""Behind proxies: who is believed, and links that are right under any path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import pytest
from served import Served, get, post
from starlette.datastructures import Headers

from mien.service.proxies import Proxies, address, last, path_of, root_of, values
from mien.service.settings import Settings, read_settings

FORWARDED = {
    "X-Forwarded-For": "203.0.113.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "faces.example",
    "X-Forwarded-Prefix": "/mien/",
}
HTML = {"Accept": "text/html"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("unknown", None),
        ("a.example", None),
        ("1.2.3.4", "1.2.3.4"),
        ("1.2.3.4:567", "1.2.3.4"),
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("[::1]:80", "::1"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("1.2.3.4:x", None),
    ],
)
def test_an_address(text: str, expected: str | None) -> None:
    assert address(text) == (None if expected is None else ip_address(expected))


def test_the_last_of_several_lines_and_values() -> None:
    headers = Headers(raw=[(b"x-forwarded-for", b"a, b"), (b"x-forwarded-for", b"c")])
    assert values(headers, "for") == ["a", "b", "c"]
    assert last(values(headers, "for")) == "c"
    assert last(values(headers, "proto")) == ""


def seen(settings: Settings, peer: str, kind: str = "http", path: str = "/live", **forwarded: str) -> Any:
    """What lies behind `Proxies` sees of a request, with headers such as `proto="https"`."""
    headers = [(f"x-forwarded-{name}".encode(), value.encode()) for name, value in forwarded.items()]
    scope = {
        "type": kind,
        "scheme": {"http": "http", "websocket": "ws"}[kind],
        "client": (peer, 1234),
        "path": path,
        "raw_path": path.encode(),
        "headers": [(b"host", b"inside:8000"), *headers],
    }
    return Proxies(_nothing, settings)._seen(scope)


async def _nothing(*_: Any) -> None: ...


TRUSTED = read_settings({"MIEN_SERVE_TRUSTED_PROXIES": "10.0.0.0/8, ::1"})


@pytest.mark.parametrize(
    ("peer", "told", "client"),
    [
        ("192.0.2.1", "203.0.113.7", "192.0.2.1"),
        ("127.0.0.1", "203.0.113.7", "127.0.0.1"),
        ("10.1.2.3", "203.0.113.7", "203.0.113.7"),
        ("::ffff:10.1.2.3", "203.0.113.7", "203.0.113.7"),
        ("::1", "203.0.113.7:99", "203.0.113.7"),
        ("10.1.2.3", "6.6.6.6, 203.0.113.7", "203.0.113.7"),
        ("10.1.2.3", "6.6.6.6, 203.0.113.7, 10.9.9.9", "203.0.113.7"),
        ("10.1.2.3", "10.8.8.8, 10.9.9.9", "10.8.8.8"),
        ("10.1.2.3", "6.6.6.6, nonsense, 10.9.9.9", "10.9.9.9"),
        ("10.1.2.3", "nonsense", "10.1.2.3"),
        ("10.1.2.3", "", "10.1.2.3"),
    ],
)
def test_who_asks(peer: str, told: str, client: str) -> None:
    assert seen(TRUSTED, peer, **{"for": told})["client"][0] == client


@pytest.mark.parametrize(
    ("forwarded", "scheme", "host", "root"),
    [
        ({}, "http", "inside:8000", ""),
        ({"proto": "https", "host": "a.example:8443", "prefix": "/mien/"}, "https", "a.example:8443", "/mien"),
        ({"proto": "http, https", "host": "b.example, a.example"}, "https", "a.example", ""),
        ({"proto": "HTTPS", "host": "[::1]:8000", "prefix": "/a/b-c"}, "https", "[::1]:8000", "/a/b-c"),
        ({"proto": "javascript", "host": "a b", "prefix": "//evil.example"}, "http", "inside:8000", ""),
        ({"host": "a.example/x", "prefix": "/a/../b"}, "http", "inside:8000", ""),
        ({"host": '"><script>', "prefix": '/"><script>'}, "http", "inside:8000", ""),
    ],
)
def test_the_address_that_was_asked_for(forwarded: dict[str, str], scheme: str, host: str, root: str) -> None:
    scope = seen(TRUSTED, "10.0.0.1", **forwarded)
    assert (scope["scheme"], Headers(scope=scope)["host"], root_of(scope)) == (scheme, host, root)
    assert scope["path"] == f"{root}/live"
    assert scope["raw_path"] == f"{root}/live".encode()
    other = seen(TRUSTED, "127.0.0.1", **forwarded)
    assert (other["scheme"], Headers(scope=other)["host"], root_of(other)) == ("http", "inside:8000", "")


def test_a_socket_is_secure_where_its_page_is() -> None:
    assert seen(TRUSTED, "10.0.0.1", "websocket", proto="https")["scheme"] == "wss"
    assert seen(TRUSTED, "10.0.0.1", "websocket", proto="http")["scheme"] == "ws"
    assert seen(TRUSTED, "192.0.2.1", "websocket", proto="https")["scheme"] == "ws"


@pytest.mark.parametrize(
    ("path", "within"), [("/", "/"), ("/live", "/live"), ("/mien/", "/"), ("/mien/live", "/live"), ("/mienx", "/mienx")]
)
def test_the_prefix_is_taken_off_or_not(path: str, within: str) -> None:
    scope = seen(Settings(root_path="/mien/"), "192.0.2.1", path=path)
    assert root_of(scope) == "/mien"
    assert path_of(scope) == within
    assert scope["path"] == f"/mien{within}"


@pytest.fixture(scope="module")
def proxied(serve: Any) -> Iterator[Served]:
    with serve(trusted_proxies="127.0.0.0/8") as served:
        yield served


@pytest.fixture(scope="module")
def below(serve: Any) -> Iterator[Served]:
    """One that knows itself where it is."""
    with serve(root_path="/mien") as served:
        yield served


def links(page: str) -> list[str]:
    return re.findall(r'(?:href|src|action)="([^"]*)"', page)


@pytest.mark.parametrize("name", ["below", "proxied"])
def test_every_link_is_right_under_a_path(name: str, astronaut: bytes, request: pytest.FixtureRequest) -> None:
    served = request.getfixturevalue(name)
    headers = HTML | FORWARDED
    upload = {"file": ("me.jpg", astronaut, "image/jpeg")}
    shown = [get(f"{served.url}{path}", headers=headers) for path in ("/", "/mien/", "/live", "/docs", "/a/b")]
    shown.append(post(f"{served.url}/result", files=upload, headers=headers))
    found = {link for page in shown for link in links(page.text) if not link.startswith(("#", "data:"))}
    assert [page.status_code for page in shown] == [200, 200, 200, 200, 404, 200]
    assert {"/mien/", "/mien/live", "/mien/docs", "/mien/result", "/mien/static/style.css"} <= found
    for link in found - {"/mien/result"}:
        assert link.startswith("/mien/")
        for kept in (link, link.removeprefix("/mien")):
            assert get(served.url + kept, headers=headers).status_code == 200, kept
    described = get(f"{served.url}/mien/openapi.json", headers=headers).json()
    assert described["servers"] == [{"url": "/mien"}]
    moved = get(f"{served.url}/result", headers=headers)
    assert (moved.status_code, moved.headers["location"]) == (303, "/mien/")
    assert get(f"{served.url}/mien", headers=headers).headers["location"].endswith("/mien/")
    assert get(f"{served.url}/healthz").status_code == 200  # from within, past the proxy


def test_examples_name_the_address_that_the_proxy_shows(proxied: Served, service: Served) -> None:
    assert "https://faces.example/mien/v1/predict" in get(f"{proxied.url}/docs", headers=FORWARDED).text
    page = get(f"{service.url}/docs", headers=FORWARDED).text
    assert f"{service.url}/v1/predict" in page
    assert "faces.example" not in page
    assert "/mien/" not in page


@pytest.mark.parametrize(("settings", "statuses"), [({}, [200, 429]), ({"trusted_proxies": "127.0.0.1"}, [200, 200])])
def test_a_rate_counts_whom_a_trusted_proxy_names(serve: Any, settings: dict[str, str], statuses: list[int]) -> None:
    with serve(rate=1, **settings) as served:
        clients = ({"X-Forwarded-For": f"203.0.113.{number}"} for number in range(2))
        assert [get(f"{served.url}/v1/labels", headers=each).status_code for each in clients] == statuses

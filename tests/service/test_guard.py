"""What every request passes: keys, rates, headers, logs."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from typing import Any

import pytest
from served import Served, children, dumped, get, options, post, request
from starlette.datastructures import Headers
from waiting import until
from wire import logged

from mien.service.guard import key_in
from mien.service.settings import hash_key

SECRET = "correct horse"
BASIC = base64.b64encode(f"anyone:{SECRET}".encode()).decode()
KEY = {"X-API-Key": SECRET}


@pytest.fixture(scope="module")
def locked(serve: Any) -> Iterator[Served]:
    """One that three keys open, and none of them is empty though one would be; another site's pages may ask it."""
    keys = " ".join(map(hash_key, ("other", SECRET, "")))
    with serve(api_keys=keys, origins="https://a.example", root_path="/mien") as served:
        yield served
    assert SECRET not in "".join(served.printed)


@pytest.fixture(scope="module")
def slow(serve: Any) -> Iterator[Served]:
    """One that answers each client once a minute; a proxy says who it is."""
    with serve(rate=1, trusted_proxies="127.0.0.1", root_path="/mien") as served:
        yield served


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({}, ""),
        ({"X-API-Key": SECRET}, SECRET),
        ({"Authorization": f"Bearer {SECRET}"}, SECRET),
        ({"Authorization": f"bearer {SECRET}"}, SECRET),
        ({"Authorization": f"Basic {BASIC}"}, SECRET),
        ({"X-API-Key": "clé".encode().decode("latin-1")}, "clé"),
        ({"Authorization": "Bearer " + "clé".encode().decode("latin-1")}, "clé"),
        ({"Authorization": "Basic !!"}, ""),
        ({"Authorization": "Basic /w=="}, ""),
        ({"Authorization": f"Digest {SECRET}"}, ""),
    ],
)
def test_where_a_key_is_looked_for(headers: dict[str, str], key: str) -> None:
    assert key_in(Headers(headers)) == key


def test_an_empty_key_opens_nothing(locked: Served) -> None:
    for headers in ({}, {"X-API-Key": ""}, {"Authorization": "Bearer"}, {"Authorization": "Basic Og=="}):
        assert get(locked.url, headers=headers).status_code == 401


def test_keys(locked: Served, astronaut: bytes) -> None:
    jpeg = {"Content-Type": "image/jpeg"}
    refused = post(f"{locked.url}/v1/predict", content=astronaut, headers=jpeg)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Basic")
    assert refused.json()["type"] == "/problems/unauthorized"
    wrong = get(locked.url, headers={"X-API-Key": hash_key(SECRET)})
    assert wrong.status_code == 401
    known = post(f"{locked.url}/v1/predict", content=astronaut, headers=jpeg | KEY)
    assert known.status_code == 200
    assert get(locked.url, auth=("anyone", SECRET)).status_code == 200
    assert get(f"{locked.url}/healthz").status_code == 200


def test_a_rate_over_the_wire(slow: Served) -> None:
    client = {"X-Forwarded-For": "192.0.2.1"}
    statuses = [get(f"{slow.url}/v1/labels", headers=client).status_code for _ in range(2)]
    assert statuses == [200, 429]
    assert get(f"{slow.url}/readyz", headers=client).status_code == 200


@pytest.mark.parametrize(
    ("name", "status", "said"),
    [
        ("locked", 401, "in a browser it is the password, with any name"),
        ("slow", 429, "Try again in {retry-after} s"),
    ],
)
def test_a_browser_gets_a_page_and_a_program_a_problem(
    name: str, status: int, said: str, request: pytest.FixtureRequest
) -> None:
    served = request.getfixturevalue(name)
    client = {"X-Forwarded-For": "192.0.2.2"}
    html = {"Accept": "text/html,*/*", **client}
    get(served.url, headers=client)
    for path in ("/", "/live", "/nothing"):
        page = get(served.url + path, headers=html)
        assert page.status_code == status
        assert page.headers["content-type"].startswith("text/html")
        assert {"www-authenticate", "retry-after"} & {*page.headers}
        assert said.format_map(page.headers) in page.text
        assert 'href="/mien/static/style.css"' in page.text
    assert get(f"{served.url}/static/style.css", headers=client).status_code == 200
    for path, headers in (("/", client), ("/v1/labels", html)):
        problem = get(served.url + path, headers=headers)
        assert problem.headers["content-type"] == "application/problem+json"
        assert problem.json()["status"] == status
    until(lambda: ("/live", status) in [(line["route"], line["status"]) for line in logged(served)])


@pytest.mark.parametrize(
    ("asked", "path", "told"),
    [
        ("en", "/nothing", '<span lang="en">The documentation says what there is.</span>'),
        ("de", "/nothing", '<span lang="de">Was es gibt, sagt die Dokumentation.</span>'),
        ("de", "/nothing", '<a href="/docs">Dokumentation</a>'),
    ],
)
def test_what_went_wrong_is_told_in_the_pages_language(service: Any, asked: str, path: str, told: str) -> None:
    page = get(service.url + path, headers={"Accept": "text/html", "Accept-Language": asked})
    assert told in page.text


def test_under_a_path_what_went_wrong_is_told_as_well(slow: Any) -> None:
    client = {"X-Forwarded-For": "192.0.2.3", "Accept-Language": "es"}
    page = get(f"{slow.url}/nothing", headers={"Accept": "text/html", **client}).text
    assert '<span lang="es">La documentación dice lo que hay.</span>' in page
    assert '<a href="/mien/docs">Documentación</a>' in page
    assert get(f"{slow.url}/nothing", headers={"X-Forwarded-For": "192.0.2.4"}).json()["docs"] == "/mien/docs"


def test_no_crash_leaves_an_upload_on_a_disk(service: Any) -> None:
    processes = {service.process.pid, *children(service.process.pid)}
    assert len(processes) > 2
    assert set(map(dumped, processes)) == {min(dumped(os.getpid()), 1)}


def test_headers_that_keep_browsers_safe(service: Any) -> None:
    for path in ("/", "/v1/labels", "/nothing", "/static/style.css"):
        answer = get(service.url + path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "server" not in answer.headers
        assert len(answer.headers["x-request-id"]) == 32


def test_other_sites(service: Served, locked: Served) -> None:
    origin = {"Origin": "https://a.example"}
    assert "access-control-allow-origin" not in get(f"{service.url}/v1/labels", headers=origin).headers
    allowed = get(f"{locked.url}/v1/labels", headers=origin | KEY)
    assert allowed.headers["access-control-allow-origin"] == "https://a.example"
    other = get(f"{locked.url}/v1/labels", headers={"Origin": "https://b.example"} | KEY)
    assert other.status_code == 200
    assert "access-control-allow-origin" not in other.headers


def test_another_site_with_a_key(locked: Served) -> None:
    origin = {"Origin": "https://a.example"}
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
    may = options(f"{locked.url}/v1/predict", headers=origin | asks)
    assert may.status_code == 200
    assert "x-api-key" in may.headers["access-control-allow-headers"]
    assert options(f"{locked.url}/v1/labels").status_code == 401
    refused = get(f"{locked.url}/v1/labels", headers=origin)
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "https://a.example"
    assert "x-request-id" in refused.headers
    assert refused.headers["access-control-expose-headers"] == "Retry-After, X-Request-ID, Location, Link"


def test_logs_tell_of_requests_and_nothing_of_images(service: Served, astronaut: bytes) -> None:
    before = len(service.printed)
    upload = [("file", ("private-name.jpg", astronaut, "image/jpeg"))]
    identity = post(f"{service.url}/v1/predict?labels=fer7", files=upload).headers["x-request-id"]
    last = get(f"{service.url}/private-path?private=query").headers["x-request-id"]
    until(lambda: {identity, last} <= {line["id"] for line in logged(service)})
    told = next(line for line in logged(service) if line["id"] == identity)
    assert set(told) == {"time", "id", "method", "route", "status", "ms", "bytes_in"}
    assert (told["route"], told["status"]) == ("/v1/predict", 200)
    assert told["bytes_in"] > len(astronaut)
    everything = "".join(service.printed[before:])
    for secret in ("private", "happy", "127.0.0.1:"):
        assert secret not in everything


def test_silence(serve: Any) -> None:
    with serve(log=False) as served:
        get(served.url)
    assert logged(served) == []


def test_strangers_make_no_new_series(service: Served) -> None:
    """What is counted by name is known before; the rest is one `other`."""

    def series() -> set[str]:
        lines = get(f"{service.url}/metrics").text.splitlines()
        return {line.rpartition(" ")[0] for line in lines if line.startswith(("mien_requests", "mien_errors"))}

    def ask(what: str) -> None:
        for method in ("GET", "PROPFIND", "M-SEARCH", "TRACE", "DELETE"):
            request(method, f"{service.url}/{what}", headers={"Host": what, "X-API-Key": what})

    ask("first")
    series()  # which is counted itself
    known = series()
    for number in range(20):
        ask(f"{number}/static/{number}?{number}={number}")
    assert series() == known

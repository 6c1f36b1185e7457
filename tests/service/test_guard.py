"""What every request passes: keys, rates, headers, logs."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest
from served import WAIT_S, get, options, post
from starlette.datastructures import Headers

from mien.service.guard import key_in
from mien.service.settings import hash_key

SECRET = "correct horse"
BASIC = base64.b64encode(f"anyone:{SECRET}".encode()).decode()


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


def test_an_empty_key_opens_nothing(serve: Any) -> None:
    with serve(api_keys=hash_key("")) as served:
        for headers in ({}, {"X-API-Key": ""}, {"Authorization": "Bearer"}, {"Authorization": "Basic Og=="}):
            assert get(served.url, headers=headers).status_code == 401


def test_keys(serve: Any, astronaut: bytes) -> None:
    with serve(api_keys=f"{hash_key('other')},{hash_key(SECRET)}") as served:
        jpeg = {"Content-Type": "image/jpeg"}
        refused = post(f"{served.url}/v1/predict", content=astronaut, headers=jpeg)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Basic")
        assert refused.json()["type"] == "/problems/unauthorized"
        wrong = get(served.url, headers={"X-API-Key": hash_key(SECRET)})
        assert wrong.status_code == 401
        known = post(f"{served.url}/v1/predict", content=astronaut, headers=jpeg | {"X-API-Key": SECRET})
        assert known.status_code == 200
        assert get(served.url, auth=("anyone", SECRET)).status_code == 200
        assert get(f"{served.url}/healthz").status_code == 200
    assert SECRET not in "".join(served.printed)


def test_a_rate_over_the_wire(serve: Any) -> None:
    with serve(rate=2) as served:
        statuses = [get(f"{served.url}/v1/labels").status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        assert get(f"{served.url}/readyz").status_code == 200


@pytest.mark.parametrize(
    ("settings", "status", "said"),
    [
        ({"api_keys": hash_key(SECRET)}, 401, "in a browser it is the password, with any name"),
        ({"rate": "1"}, 429, "Try again in 6"),
    ],
)
def test_a_browser_gets_a_page_and_a_program_a_problem(
    serve: Any, settings: dict[str, str], status: int, said: str
) -> None:
    html = {"Accept": "text/html,*/*"}
    with serve(root_path="/mien", **settings) as served:
        get(served.url)
        for path in ("/", "/live", "/nothing"):
            page = get(served.url + path, headers=html)
            assert page.status_code == status
            assert page.headers["content-type"].startswith("text/html")
            assert {"www-authenticate", "retry-after"} & {*page.headers}
            assert said in page.text
            assert 'href="/mien/static/style.css"' in page.text
        assert get(f"{served.url}/static/style.css").status_code == 200
        for path, headers in (("/", {}), ("/v1/labels", html)):
            problem = get(served.url + path, headers=headers)
            assert problem.headers["content-type"] == "application/problem+json"
            assert problem.json()["status"] == status
    told = [json.loads(line) for line in served.printed if line.startswith("{")]
    assert ("/live", status) in [(line["route"], line["status"]) for line in told]


@pytest.mark.parametrize(
    ("asked", "path", "told"),
    [
        ("en", "/nothing", '<span lang="en">See /docs for what there is.</span>'),
        ("de", "/nothing", '<span lang="de">Eine Übersicht steht unter /docs.</span>'),
    ],
)
def test_what_went_wrong_is_told_in_the_pages_language(service: Any, asked: str, path: str, told: str) -> None:
    page = get(service.url + path, headers={"Accept": "text/html", "Accept-Language": asked})
    assert told in page.text


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


def test_other_sites(service: Any, serve: Any) -> None:
    origin = {"Origin": "https://a.example"}
    assert "access-control-allow-origin" not in get(f"{service.url}/v1/labels", headers=origin).headers
    with serve(origins="https://a.example") as served:
        allowed = get(f"{served.url}/v1/labels", headers=origin)
        assert allowed.headers["access-control-allow-origin"] == "https://a.example"
        other = get(f"{served.url}/v1/labels", headers={"Origin": "https://b.example"})
        assert "access-control-allow-origin" not in other.headers


def test_another_site_with_a_key(serve: Any) -> None:
    with serve(origins="https://a.example", api_keys=hash_key(SECRET)) as served:
        origin = {"Origin": "https://a.example"}
        asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
        may = options(f"{served.url}/v1/predict", headers=origin | asks)
        assert may.status_code == 200
        assert "x-api-key" in may.headers["access-control-allow-headers"]
        assert options(f"{served.url}/v1/labels").status_code == 401
        refused = get(f"{served.url}/v1/labels", headers=origin)
        assert refused.status_code == 401
        assert refused.headers["access-control-allow-origin"] == "https://a.example"
        assert "x-request-id" in refused.headers
        assert refused.headers["access-control-expose-headers"] == "Retry-After, X-Request-ID, Location, Link"


def test_logs_tell_of_requests_and_nothing_of_images(serve: Any, astronaut: bytes) -> None:
    with serve() as served:
        upload = [("file", ("private-name.jpg", astronaut, "image/jpeg"))]
        answer = post(f"{served.url}/v1/predict?labels=fer7", files=upload)
        get(f"{served.url}/private-path?private=query")
    lines = [json.loads(line) for line in served.printed if line.startswith("{")]
    told = next(line for line in lines if line["route"] == "/v1/predict")
    assert told["id"] == answer.headers["x-request-id"]
    assert set(told) == {"time", "id", "method", "route", "status", "ms", "bytes_in"}
    assert told["status"] == 200
    assert told["bytes_in"] > len(astronaut)
    everything = "".join(served.printed)
    for secret in ("private", "happy", "127.0.0.1:"):
        assert secret not in everything.replace(f"http://127.0.0.1:{served.port}", "")


def test_silence(serve: Any) -> None:
    with serve(log=False) as served:
        get(served.url)
    assert not any(line.startswith("{") for line in served.printed)


def test_strangers_make_no_new_series(serve: Any) -> None:
    """What is counted by name is known before; the rest is one `other`."""

    def series() -> set[str]:
        lines = get(f"{served.url}/metrics").text.splitlines()
        return {line.rpartition(" ")[0] for line in lines if line.startswith(("mien_requests", "mien_errors"))}

    def ask(what: str) -> None:
        for method in ("GET", "PROPFIND", "M-SEARCH", "TRACE", "DELETE"):
            httpx.request(method, f"{served.url}/{what}", headers={"Host": what, "X-API-Key": what}, timeout=WAIT_S)

    with serve() as served:
        ask("first")
        series()  # which is counted itself
        known = series()
        for number in range(20):
            ask(f"{number}/static/{number}?{number}={number}")
        assert series() == known

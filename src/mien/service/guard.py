"""What every request passes: an id, headers that keep browsers safe, a count, a log line, an API key, a limit of rate.

HEAD is answered as GET, for every address at once; the server leaves the body out.

No line and no count tells anything of an image, a face, a file's name, an address or a key.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import json
import logging
import re
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from mien.service.metrics import Metrics
from mien.service.problems import INTERNAL, KEY, STOPPING, Problem, closing
from mien.service.proxies import path_of
from mien.service.rates import Rates
from mien.service.settings import Settings, hash_key

ACCESS = logging.getLogger("mien.service.access")
FAULTS = logging.getLogger("mien.service.faults")

Answer = Callable[[Problem, Scope], Response]
"""How a problem is told to whoever asked: as a page or as JSON."""

STATIC = "/static/"
PART = re.compile(r"{\w+}")
OPEN = ("/healthz", "/readyz", STATIC)
"""Paths that need no key and have no limit."""

SAFE = {
    "content-security-policy": (
        "default-src 'none'; img-src 'self' data: blob:; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "media-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """The layer of the service that sees every request, and every answer.

    Args:
        app: what it guards.
        settings: whether to log.
        metrics: counts requests and problems.
        answer: tells a problem.
        paths: those that are counted and logged by name, as routes write them: `{id}` is any part of one; `/static/`
            is all that is below it.
    """

    def __init__(
        self, app: ASGIApp, settings: Settings, metrics: Metrics, answer: Answer, paths: Collection[str]
    ) -> None:
        self._app = app
        self._answer = answer
        self._settings = settings
        self._metrics = metrics
        self._paths = {path: re.compile("[^/]+".join(map(re.escape, PART.split(path)))) for path in paths}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request = uuid4().hex
        method = scope.get("method", "WS")
        scope.setdefault("state", {}).update(request_id=request, method=method)
        if method == "HEAD":
            scope["method"] = "GET"
        began, status, size = time.perf_counter(), 0, 0

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] in ("http.response.start", "websocket.accept", "websocket.http.response.start"):
                status = message.get("status", 101)
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request
                for name, value in SAFE.items():
                    headers.setdefault(name, value)
            elif message["type"] == "websocket.close":
                status = message["code"] if status else 403  # which is what the server makes of it
            await send(message)

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            return message

        try:
            await self._app(scope, counted, told)
        except asyncio.CancelledError:  # the server's word that it waits no longer
            if not status:
                stopping = Problem(STOPPING, "come again in a few seconds", {"Retry-After": "5", "Connection": "close"})
                await refuse(stopping, self._answer, self._metrics, scope, receive, told)
        except WebSocketDisconnect:
            pass  # before it was let in
        except Exception as error:
            FAULTS.exception("request %s", request, exc_info=error)
            fault = Problem(INTERNAL, f"tell us the request's id: {request}", more={"id": request})
            if not status:
                await refuse(fault, self._answer, self._metrics, scope, receive, told)
        finally:
            route = self._route(path_of(scope))
            self._metrics.requests.labels(route, str(status)).inc()
            if method != "WS":
                self._metrics.seconds.labels(route).observe(time.perf_counter() - began)
            self._log(request, method, route, status, began, size)

    def _route(self, path: str) -> str:
        if path.startswith(STATIC):
            return STATIC
        return next((name for name, pattern in self._paths.items() if pattern.fullmatch(path)), "other")

    def _log(self, request: str, method: str, route: str, status: int, began: float, size: int) -> None:
        if self._settings.log:
            line: dict[str, Any] = {
                "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "id": request,
                "method": method,
                "route": route,
                "status": status,
                "ms": round(1000 * (time.perf_counter() - began), 1),
                "bytes_in": size,
            }
            ACCESS.info("%s", json.dumps(line))


class Gate:
    """Lets in who brings a key, where keys are set, and does not come too often.

    Args:
        app: what lies behind it.
        settings: keys and rate.
        metrics: counts problems.
        answer: tells a problem.
    """

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics, answer: Answer) -> None:
        self._app = app
        self._answer = answer
        self._settings = settings
        self._metrics = metrics
        self._rates = Rates(settings.rate, "requests") if settings.rate else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["type"] in ("http", "websocket"):
                self._admit(scope)
        except Problem as problem:
            await refuse(problem, self._answer, self._metrics, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _admit(self, scope: Scope) -> None:
        if path_of(scope).startswith(OPEN):
            return
        headers = Headers(scope=scope)
        if self._rates:
            client = scope.get("client")
            self._rates.take(client[0] if client else "")
        if self._settings.api_keys and not self._known(headers):
            how = "send it as X-API-Key, or as Authorization: Bearer; in a browser it is the password, with any name"
            raise Problem(KEY, how, {"WWW-Authenticate": 'Basic realm="mien"'})

    def _known(self, headers: Headers) -> bool:
        """Whether a request brings a known key; all are compared, each in constant time, and none is empty."""
        key = key_in(headers)
        given = hash_key(key)
        return key != "" and sum(hmac.compare_digest(given, known) for known in self._settings.api_keys) > 0


async def refuse(
    problem: Problem, answer: Answer, metrics: Metrics, scope: Scope, receive: Receive, send: Send
) -> None:
    """Answer a request with a problem."""
    metrics.errors.labels(problem.kind.name).inc()
    if scope["type"] == "websocket":
        with suppress(OSError):  # the client has gone
            await send({"type": "websocket.accept", "headers": []})  # without it a browser's page hears no reason
            await send(closing(problem))
    else:
        await answer(problem, scope)(scope, receive, send)


def key_in(headers: Headers) -> str:
    """The key that a request brings: X-API-Key, a bearer token, or the password that a browser asked for."""
    if key := headers.get("x-api-key"):
        return _text(key)
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return _text(value)
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def _text(value: str) -> str:
    """A header's value as its sender wrote it: clients send UTF-8, which arrives as Latin-1."""
    return value.encode("latin-1").decode("utf-8", "replace")

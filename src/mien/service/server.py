"""The service as a whole: its parts joined into one application, and the process that runs it."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from errno import EACCES, EADDRINUSE, EADDRNOTAVAIL

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

import mien
from mien.memory import keep_out_of_cores
from mien.service import api, live, pages, private, videos
from mien.service.door import Server
from mien.service.engine import Engine
from mien.service.guard import ACCESS, FAULTS, STATIC, Gate, Guard
from mien.service.jobs import Jobs
from mien.service.lingering import Lingering
from mien.service.metrics import Metrics
from mien.service.openapi import Described
from mien.service.problems import INTERNAL, METHOD, NOT_FOUND, PARAMETER, Problem
from mien.service.protocol import Http
from mien.service.proxies import Proxies, path_of, root_of
from mien.service.room import Config, Room
from mien.service.seldom import WIRE, be_seldom
from mien.service.settings import Settings, SettingsError
from mien.service.sockets import Frames
from mien.service.uploads import Uploads

DESCRIPTION = (
    "Says which word most people would choose for the look of each face in an image, and how sure that is. "
    "Nothing that is uploaded is kept, logged or sent on; what was read of a video is held until it is fetched, "
    "and for minutes at most."
)

BACKLOG = 1024  # clients that may wait at the door: who finds it full hears nothing, and knocks again a second later
SWITCH_S = 0.0005  # a thread may hold the interpreter so long; Python's 5 ms would be felt in every answer
METHODS = ("GET", "POST", "DELETE")  # that other sites' pages may use
EXPOSED = ("Retry-After", "X-Request-ID", "Location", "Link")  # headers that other sites' pages may read
STARTED = logging.getLogger("mien.service")


def create(settings: Settings, uploads: Uploads, metrics: Metrics) -> ASGIApp:
    """The application, with its models loaded.

    Raises:
        ArtifactError: a model is missing, altered or damaged; says what.
    """
    engine = Engine(settings, metrics)
    engine.load()
    rendered = pages.Pages(settings.notice, private=settings.runtime is not None)
    jobs = Jobs(settings, metrics)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        engine.start()
        yield
        await jobs.stop()
        await engine.stop()

    app = Described(
        locked=bool(settings.api_keys),
        title="mien",
        version=mien.__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    routers = (
        api.routes(engine, uploads, metrics),
        pages.routes(app, rendered, engine, uploads, settings),
        live.routes(engine, metrics, uploads, settings),
        private.routes(engine, settings),
        videos.routes(engine, jobs, settings),
    )
    for router in routers:
        app.include_router(router)
    known = [route for router in routers for route in router.routes]
    app.mount("/static", StaticFiles(directory=pages.HERE / "static"), "static")

    @app.exception_handler(Problem)
    async def told(request: Request, problem: Problem) -> Response:
        metrics.errors.labels(problem.kind.name).inc()
        return rendered.problem(problem, request.scope)

    @app.exception_handler(Exception)  # the guard logs it
    async def broken(request: Request, _: Exception) -> Response:
        identity = request.state.request_id
        return await told(request, Problem(INTERNAL, f"tell us the request's id: {identity}", more={"id": identity}))

    @app.exception_handler(HTTPException)
    async def elsewhere(request: Request, error: HTTPException) -> Response:
        kind = {404: NOT_FOUND, 405: METHOD}.get(error.status_code, PARAMETER)
        headers = {**(error.headers or {}), **({"Allow": _allowed(known, request)} if kind is METHOD else {})}
        docs = {"docs": f"{root_of(request.scope)}/docs"}
        return await told(request, Problem(kind, "the documentation says what there is", headers, docs))

    gated: ASGIApp = Gate(app, settings, metrics, rendered.problem)
    if settings.origins:  # before the gate: a browser asks without a key, and its page may read why it is refused
        gated = CORSMiddleware(
            gated, settings.origins, allow_methods=METHODS, allow_headers=["*"], expose_headers=EXPOSED
        )
    paths = {"/openapi.json", *(getattr(route, "path", "") for route in known)}
    return Proxies(Lingering(Guard(gated, settings, metrics, rendered.problem, paths)), settings)


def _allowed(routes: Iterable[BaseRoute], request: Request) -> str:
    """The methods that an address takes, HEAD wherever GET is one."""
    if path_of(request.scope).startswith(STATIC):
        return "GET, HEAD"
    there = [each for each in routes if each.matches(request.scope)[0] is not Match.NONE]
    methods = {method for each in there if isinstance(each, Route) for method in each.methods or ()}
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


def serve(settings: Settings) -> None:
    """Run the service until it is told to stop; what it accepted by then is finished, within its grace.

    Raises:
        ArtifactError: a model is missing, altered or damaged; says what.
        SettingsError: it cannot listen there; says why.
    """
    keep_out_of_cores()
    sys.setswitchinterval(SWITCH_S)
    logging.raiseExceptions = False  # a full disk behind standard error must stop nothing
    for logger in (STARTED, ACCESS, FAULTS, WIRE):
        logger.addHandler(logging.StreamHandler(sys.stderr))
        logger.setLevel(logging.INFO)
        logger.propagate = False
    metrics = Metrics()
    uploads = Uploads(settings, metrics.held)
    config = Config(
        create(settings, uploads, metrics),
        Room(settings, uploads, metrics),
        http=Http,
        ws=Frames,
        ws_max_size=min(settings.max_frame, settings.max_bytes),
        ws_per_message_deflate=False,
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,  # see `Proxies`: uvicorn would believe this machine
    )
    be_seldom()
    server = Server(config)
    host = settings.host.strip("[]")
    listening = listen(host, settings.port)
    STARTED.info("mien serves on http://%s:%d", f"[{host}]" if ":" in host else host, listening.getsockname()[1])
    for number in (signal.SIGTERM, signal.SIGINT):  # the server raises it again once it has finished
        signal.signal(number, lambda *_: sys.exit(0))
    asyncio.run(server.serve([listening]))


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at an address or a name, IPv4 or IPv6; at `::` to both.

    Raises:
        SettingsError: it cannot; says why, and what to do.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, *_, address = min(found, key=lambda each: each[0] != socket.AF_INET)  # of a name that has both
        both = address[0] == "::" and socket.has_dualstack_ipv6()
        listening = socket.create_server(address, family=family, dualstack_ipv6=both, backlog=BACKLOG)
    except OSError as error:
        reasons = {
            EADDRINUSE: f"port {port} is taken at {host}: choose another, or 0 for one that is free",
            EACCES: f"port {port} is kept for programs with more rights: choose one from 1024 on",
            EADDRNOTAVAIL: f"host {host} is no address of this machine; 127.0.0.1 and ::1 are for itself alone, "
            "0.0.0.0 and :: for all its networks",
        }
        fault = reasons.get(error.errno or 0, f"host {host} is no address to listen at: {error.strerror}")
        raise SettingsError("the service cannot start", [fault]) from error
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it; answers must not wait
    return listening

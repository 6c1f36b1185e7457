"""The service as a whole: its parts joined into one application, and the process that runs it."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

import mien
from mien.service import api, live, pages
from mien.service.engine import Engine
from mien.service.guard import ACCESS, FAULTS, Gate, Guard
from mien.service.metrics import Metrics
from mien.service.problems import INTERNAL, METHOD, NOT_FOUND, PARAMETER, Problem
from mien.service.protocol import limited
from mien.service.settings import Settings
from mien.service.uploads import Uploads

DESCRIPTION = (
    "Says which word most people would choose for the look of each face in an image, and how sure that is. "
    "Nothing that is uploaded is kept, logged or sent on."
)

SWITCH_S = 0.0005  # a thread may hold the interpreter so long; Python's 5 ms would be felt in every answer
STARTED = logging.getLogger("mien.service")


def create(settings: Settings) -> ASGIApp:
    """The application, with its models loaded.

    Raises:
        ArtifactError: a model is missing, altered or damaged; says what.
    """
    metrics = Metrics()
    engine = Engine(settings, metrics)
    engine.load()
    uploads = Uploads(settings, metrics)
    rendered = pages.Pages()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        engine.start()
        yield
        await engine.stop()

    app = FastAPI(
        title="mien",
        version=mien.__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.include_router(api.routes(engine, uploads, metrics))
    app.include_router(pages.routes(app, rendered, engine, uploads))
    app.include_router(live.routes(engine, metrics, uploads))
    app.mount("/static", StaticFiles(directory=pages.HERE / "static"), "static")

    @app.exception_handler(Problem)
    async def told(request: Request, problem: Problem) -> Response:
        metrics.errors.labels(problem.kind.name).inc()
        if request.url.path == "/result" or wants_page(request):
            return rendered.problem(problem)
        return problem.response()

    @app.exception_handler(Exception)  # the guard logs it
    async def broken(request: Request, _: Exception) -> Response:
        identity = request.state.request_id
        return await told(request, Problem(INTERNAL, f"tell us the request's id: {identity}", more={"id": identity}))

    @app.exception_handler(HTTPException)
    async def elsewhere(request: Request, error: HTTPException) -> Response:
        kind = {404: NOT_FOUND, 405: METHOD}.get(error.status_code, PARAMETER)
        return await told(request, Problem(kind, "see /docs for what there is", dict(error.headers or {})))

    gated: ASGIApp = Gate(app, settings, metrics)
    if settings.origins:  # before the gate: a browser asks without a key, and its page may read why it is refused
        gated = CORSMiddleware(gated, settings.origins, allow_methods=["GET", "POST"], allow_headers=["*"])
    return Guard(gated, settings, metrics)


def wants_page(request: Request) -> bool:
    """Whether whoever asks is a person with a browser, outside the API."""
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/v1/")


def serve(settings: Settings) -> None:
    """Run the service until it is told to stop; what it accepted by then is finished.

    Raises:
        ArtifactError: a model is missing, altered or damaged; says what.
    """
    sys.setswitchinterval(SWITCH_S)
    logging.raiseExceptions = False  # a full disk behind standard error must stop nothing
    for logger, level in ((STARTED, logging.INFO), (ACCESS, logging.INFO), (FAULTS, logging.ERROR)):
        logger.addHandler(logging.StreamHandler(sys.stderr))
        logger.setLevel(level)
        logger.propagate = False
    config = uvicorn.Config(
        create(settings),
        host=settings.host,
        port=settings.port,
        http=limited(settings.upload_s),
        ws="websockets-sansio",
        ws_max_size=settings.max_bytes,
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=int(settings.deadline_s + settings.upload_s) + 1,
    )
    server = uvicorn.Server(config)
    listening = config.bind_socket()
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it; answers must not wait
    STARTED.info("mien serves on http://%s:%d", settings.host, listening.getsockname()[1])
    for number in (signal.SIGTERM, signal.SIGINT):  # the server raises it again once it has finished
        signal.signal(number, lambda *_: sys.exit(0))
    asyncio.run(server.serve([listening]))

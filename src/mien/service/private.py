"""The page that reads in the browser itself, at `/private`: what is chosen there never comes here. See `mien.page`."""

from __future__ import annotations

import gzip
import hashlib

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from mien.page import find_runtime, page, policy
from mien.service.engine import Engine
from mien.service.settings import Settings


def routes(engine: Engine, settings: Settings) -> APIRouter:
    """The page's route; none where no runtime is set.

    Raises:
        MienError: the runtime is not where the settings say.
    """
    router = APIRouter(include_in_schema=False)
    if settings.runtime is None:
        return router
    text = page(engine.model(None).artifact, find_runtime(settings.runtime), settings.notice, home="./").encode()
    packed = gzip.compress(text, mtime=0)
    headers = {
        "Content-Security-Policy": f"{policy()}; frame-ancestors 'none'",
        "Cache-Control": "private, no-cache",  # kept, and asked for again by its tag alone
        "ETag": f'"{hashlib.sha256(text).hexdigest()}"',
        "Vary": "Accept-Encoding",
    }

    @router.get("/private")
    async def private(request: Request) -> Response:
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(packed, headers=headers | {"Content-Encoding": "gzip"}, media_type="text/html")
        return Response(text, headers=headers, media_type="text/html")

    return router

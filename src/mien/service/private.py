"""The page that reads in the browser itself, at `/private`: what is chosen there never comes here. See `mien.page`."""

from __future__ import annotations

import gzip
import hashlib
import re

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from mien.languages import weight
from mien.page import find_runtime, page, policy
from mien.service.engine import Engine
from mien.service.settings import Settings

TAG = re.compile(r'"[^"]*"')


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
    tag = f'W/"{hashlib.sha256(text).hexdigest()}"'  # weak, as both codings share it
    headers = {
        "Content-Security-Policy": f"{policy()}; frame-ancestors 'none'",
        "Cache-Control": "private, no-cache",  # kept, and asked for again by its tag alone
        "ETag": tag,
        "Vary": "Accept-Encoding",
    }

    @router.get("/private")
    async def private(request: Request) -> Response:
        if _known(tag, ", ".join(request.headers.getlist("if-none-match"))):
            return Response(status_code=304, headers=headers)
        if _taken("gzip", ", ".join(request.headers.getlist("accept-encoding"))):
            return Response(packed, headers=headers | {"Content-Encoding": "gzip"}, media_type="text/html")
        return Response(text, headers=headers, media_type="text/html")

    return router


def _known(tag: str, tags: str) -> bool:
    """Whether a weak tag is among those that a browser has (If-None-Match, RFC 9110), weak or not."""
    return tags.strip() == "*" or tag.removeprefix("W/") in TAG.findall(tags)


def _taken(coding: str, asked: str) -> bool:
    """Whether a browser takes a coding (Accept-Encoding, RFC 9110)."""
    parts = (each.partition(";") for each in asked.lower().split(","))
    wanted = {name.strip(): weight(share) for name, _, share in parts}
    return wanted.get(coding, wanted.get("*", 0)) > 0

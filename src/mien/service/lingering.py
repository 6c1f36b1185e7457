"""Refused uploads: what comes after the answer is read and thrown away for a moment, so that the answer arrives.

A connection that is closed with bytes unread is reset, and the answer is lost on its way: proxies say 502 instead.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LINGER_S = 1.0


class Lingering:
    """A layer of the service: answers that end a connection wait for the end of their request, not for long.

    Args:
        app: what lies behind it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        coming = scope["type"] == "http"
        closes = False

        async def read() -> Message:
            nonlocal coming
            message = await receive()
            coming = message["type"] == "http.request" and message.get("more_body", False)
            return message

        async def answer(message: Message) -> None:
            nonlocal closes
            if message["type"] == "http.response.start":
                closes = Headers(raw=message["headers"]).get("connection") == "close"
            elif closes and coming and not message.get("more_body", False) and not stopping():
                await send({**message, "more_body": True})
                with suppress(TimeoutError):
                    async with asyncio.timeout(LINGER_S):
                        while coming:
                            await read()
                message = {"type": "http.response.body"}
            await send(message)

        await self._app(scope, read, answer)


def stopping() -> bool:
    """Whether the server has given this request up, because it ends."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0

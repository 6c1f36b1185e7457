"""Lines of the server itself, one a minute of each kind: nobody may fill a disk by asking wrongly."""

from __future__ import annotations

import asyncio
import logging
from time import monotonic
from typing import Any

EVERY_S = 60.0
SPEAKERS = ("uvicorn.error", "asyncio", "mien.service.wire", "mien.service.workers")
"""Loggers whose lines strangers can bring about."""

TOLD = ("python_multipart",)
"""Loggers that say of a request what its answer says as well."""

WIRE = logging.getLogger("mien.service.wire")


class Seldom(logging.Filter):
    """Lets one record of each kind pass in a minute, with the number of those before it that did not."""

    def __init__(self) -> None:
        super().__init__()
        self._kinds: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        kind = str(record.msg).partition("\n")[0]  # what varies comes in arguments, or on the lines below
        now = monotonic()
        until, untold = self._kinds.get(kind, (now, 0))
        if now < until:
            self._kinds[kind] = (until, untold + 1)
            return False
        self._kinds[kind] = (now + EVERY_S, 0)
        if untold:
            record.msg = f"{str(record.msg).rstrip()} (and {untold:,} more like it before)"
        return True


def be_seldom() -> None:
    """Filter what strangers can bring about."""
    for name in SPEAKERS:
        logging.getLogger(name).addFilter(Seldom())
    for name in TOLD:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def tell(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What went wrong in the event loop, without the address of the client that asyncio would add."""
    WIRE.error(context["message"], exc_info=context.get("exception"))

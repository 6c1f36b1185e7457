"""How long a test waits for what works: as long as it may take on the busiest machine, and not a moment longer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

WAIT_S = 300.0
"""For whatever is no deadline under test, those of libraries included; nothing waits so long that works."""
EVERY_S = 0.02
"""From one look to the next."""


def until(true: Callable[[], object]) -> None:
    """Wait until something is true."""
    end = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < end
        time.sleep(EVERY_S)


async def until_async(true: Callable[[], object]) -> None:
    """The same, while others work in this thread."""
    end = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < end
        await asyncio.sleep(EVERY_S)

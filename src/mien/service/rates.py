"""How often clients come: each has a bucket that holds a minute's worth and is filled evenly."""

from __future__ import annotations

import time
from collections import OrderedDict
from ipaddress import IPv6Address, IPv6Network

from mien.service.problems import RATE, Problem
from mien.service.proxies import address

CLIENTS = 10_000  # whose rate is known at once; the one that was longest away is forgotten first


class Rates:
    """Buckets by client: an address, or the network of 64 bits that whoever comes by IPv6 has to choose from.

    Args:
        a_minute: how often each may come.
        what: the word for what is counted.
    """

    def __init__(self, a_minute: int, what: str) -> None:
        self._most = float(a_minute)
        self._what = what
        self._clients: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, client: str) -> float:
        """Seconds until a client may come again; 0 where it may now."""
        return max(0.0, 1 - self._left(of(client))) * 60 / self._most

    def take(self, client: str) -> None:
        """Count one. Raises `Problem` where the bucket is empty."""
        client = of(client)
        left = self._left(client)
        self._clients[client] = (left - 1 if left >= 1 else left, time.monotonic())
        self._clients.move_to_end(client)
        if len(self._clients) > CLIENTS:
            self._clients.popitem(last=False)
        if left < 1:
            wait = max(1, round((1 - left) * 60 / self._most + 0.5))
            raise Problem(RATE, f"{self._what} a minute: {self._most:g} at most", {"Retry-After": str(wait)})

    def _left(self, client: str) -> float:
        now = time.monotonic()
        left, last = self._clients.get(client, (self._most, now))
        return min(self._most, left + (now - last) * self._most / 60)


def of(client: str) -> str:
    """Whose bucket counts for an address."""
    at = address(client)
    return str(IPv6Network((int(at), 64), strict=False)) if isinstance(at, IPv6Address) else str(at or client)

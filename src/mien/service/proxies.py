"""Behind proxies: what trusted ones say of who asks and for which address, and under which path they show the service.

The headers are X-Forwarded-For, -Proto, -Host and -Prefix; of several values the last counts, which the nearest proxy
wrote. From whoever is not trusted, this machine included, they are left out of account.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from mien.service.settings import ROOT, Settings

HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?")
PORT = re.compile(r"(\d+\.\d+\.\d+\.\d+|\[[^\]]+\]):\d+")
SCHEMES = {"http": ("http", "ws"), "https": ("https", "wss")}


class Proxies:
    """The outermost layer of the service: within it, a request looks as it did to the first trusted proxy.

    Args:
        app: what lies behind it.
        settings: whom to trust, and the path that the service is under.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._trusted = settings.trusted_proxies
        self._root = settings.root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        seen = self._seen(scope) if scope["type"] in ("http", "websocket") else scope
        await self._app(seen, receive, send)

    def _seen(self, scope: Scope) -> Scope:
        seen, root, client = dict(scope), self._root, scope.get("client")
        if client and self._trusts(address(client[0])):
            headers = Headers(scope=scope)
            if found := self._first(values(headers, "for")):
                seen["client"] = (str(found), 0)
            if schemes := SCHEMES.get(last(values(headers, "proto")).lower()):
                seen["scheme"] = schemes[scope["type"] == "websocket"]
            if HOST.fullmatch(host := last(values(headers, "host"))):
                others = [(name, value) for name, value in scope["headers"] if name != b"host"]
                seen["headers"] = [(b"host", host.encode()), *others]
            prefix = last(values(headers, "prefix"))
            if prefix and ROOT.fullmatch(prefix.rstrip("/")):
                root = prefix.rstrip("/")
        seen["root_path"] = root
        if not f"{scope['path']}/".startswith(f"{root}/"):  # the proxy has taken the prefix off
            seen["path"] = root + scope["path"]
            seen["raw_path"] = root.encode() + scope.get("raw_path", b"")
        return seen

    def _trusts(self, at: IPv4Address | IPv6Address | None) -> bool:
        return at is not None and any(at in network for network in self._trusted)

    def _first(self, told: Sequence[str]) -> IPv4Address | IPv6Address | None:
        """Who asked the first trusted proxy: each says whom it heard, and only trusted ones are believed."""
        found = None
        for text in reversed(told):
            if (heard := address(text)) is None:
                break
            found = heard
            if not self._trusts(heard):
                break
        return found


def values(headers: Headers, name: str) -> list[str]:
    """The values of an X-Forwarded header, in their order."""
    return [each.strip() for line in headers.getlist(f"x-forwarded-{name}") for each in line.split(",")]


def last(told: Iterable[str]) -> str:
    """The last of several, or nothing."""
    return ([*told] or [""])[-1]


def address(text: str) -> IPv4Address | IPv6Address | None:
    """An IP address, with a port or without; None where it is none. IPv4 within IPv6 is IPv4."""
    if found := PORT.fullmatch(text):
        text = found[1]
    try:
        at = ip_address(text.strip("[]"))
    except ValueError:
        return None
    return (at.ipv4_mapped if isinstance(at, IPv6Address) else None) or at


def root_of(scope: Scope) -> str:
    """The path that the service is under, without a stroke at its end; nothing where it has a host for itself."""
    return str(scope.get("app_root_path", scope.get("root_path", "")))


def path_of(scope: Scope) -> str:
    """The path within the service."""
    return str(scope["path"]).removeprefix(root_of(scope))

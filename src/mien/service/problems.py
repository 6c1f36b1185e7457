"""Errors as clients see them: problem details (RFC 9457) with a stable `type`, and nothing of the inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Kind:
    """One kind of problem.

    Args:
        name: the end of its `type`, a relative URI; it does not change.
        status: HTTP status.
        title: what it means, in a few words.
    """

    name: str
    status: int
    title: str

    @property
    def uri(self) -> str:
        return f"/problems/{self.name}"


def _(text: str) -> str:
    """Marks a text that pages show in other languages too; programs alone hear of the others."""
    return text


UNREADABLE = Kind("unreadable-image", 422, _("The image cannot be read"))
UNREADABLE_VIDEO = Kind("unreadable-video", 422, "The video cannot be read, or not to its end")
NO_IMAGE = Kind("no-image", 400, _("The request has no image"))
NO_VIDEO = Kind("no-video", 400, "The request has no video")
MALFORMED = Kind("malformed-body", 400, _("The request's body is not what its type says"))
UNSUPPORTED = Kind("unsupported-type", 415, _("The body's type is not supported"))
TOO_LARGE = Kind("too-large", 413, _("The upload is too large"))
TOO_MANY = Kind("too-many-files", 413, _("There are too many files"))
PARAMETER = Kind("invalid-parameter", 422, _("A parameter's value is not possible"))
SLOW = Kind("upload-timeout", 408, _("The upload took too long"))
BUSY = Kind("busy", 503, _("The service is busy"))
DEADLINE = Kind("deadline", 503, _("There was no answer in time"))
UNFINISHED = Kind("not-finished", 409, "It is not finished yet")
UNREADY = Kind("not-ready", 503, _("The service is not ready yet"))
STOPPING = Kind("stopping", 503, _("The service is about to stop"))
KEY = Kind("unauthorized", 401, _("An API key is needed"))
RATE = Kind("rate-limit", 429, _("Too many requests"))
NOT_FOUND = Kind("not-found", 404, _("There is nothing here"))
METHOD = Kind("method-not-allowed", 405, _("This method is not allowed here"))
MISSING = Kind("not-installed", 501, "The service lacks the part that does this")
INTERNAL = Kind("internal", 500, _("Something went wrong in the service"))

KINDS = (
    *(UNREADABLE, UNREADABLE_VIDEO, NO_IMAGE, NO_VIDEO, MALFORMED, UNSUPPORTED, TOO_LARGE, TOO_MANY, PARAMETER, SLOW),
    *(BUSY, DEADLINE, UNFINISHED, UNREADY, STOPPING),
    *(KEY, RATE, NOT_FOUND, METHOD, MISSING, INTERNAL),
)
ASKED = (KEY, PARAMETER, RATE)
"""What may be wrong with any request of the API."""
SENT = (*ASKED, MALFORMED, SLOW, TOO_LARGE, TOO_MANY, UNSUPPORTED, INTERNAL, BUSY, UNREADY, STOPPING)
"""What may be wrong where a file is sent as well."""


REFUSED, AGAIN = 1008, 1013  # WebSocket's codes: for what breaks a rule, and for what may be tried again later
MAX_REASON = 123  # bytes


@dataclass(eq=False)
class Problem(Exception):  # noqa: N818 - RFC 9457's word; not frozen, since Python writes to what is raised
    """A request that is answered with a problem.

    Args:
        kind: which.
        detail: what was wrong with this very request, and what would be right.
        headers: of the answer, such as Retry-After.
        more: further members.
    """

    kind: Kind
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        told = {"type": self.kind.uri, "title": self.kind.title, "status": self.kind.status, "detail": self.detail}
        return {**told, **self.more}

    def response(self) -> JSONResponse:
        return JSONResponse(self.to_dict(), self.kind.status, dict(self.headers), MEDIA_TYPE)


def closing(problem: Problem) -> dict[str, Any]:
    """The message that closes a web socket with a problem; a page hears it of a socket that was accepted before."""
    code = AGAIN if problem.kind.status in (429, 503) else REFUSED
    reason = f"{problem.kind.title}: {problem.detail}".encode()[:MAX_REASON].decode(errors="ignore")
    return {"type": "websocket.close", "code": code, "reason": reason}

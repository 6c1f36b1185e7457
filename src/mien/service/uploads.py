"""Uploads: bodies become images or videos in memory, within limits that hold while they stream in, whatever they
promised.

File names are told back as they came and mean nothing else; types are found by looking at the bytes.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from prometheus_client import Gauge
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from mien.service.problems import (
    BUSY,
    MALFORMED,
    NO_IMAGE,
    NO_VIDEO,
    SLOW,
    TOO_LARGE,
    TOO_MANY,
    UNSUPPORTED,
    Problem,
)
from mien.service.settings import Settings

PLAIN = ("application/octet-stream", "")
AS_IT_IS = "identity"  # the coding of a body that has none
MAX_TOLD = 40  # characters told back of a coding
LITTLE = 500_000  # bytes of a small upload
LARGE = 7 / 8  # of the memory, that others may fill; one alone may fill it all
MAX_HEADERS = 8_192  # bytes of one part's headers
MAX_FIELDS = 40  # parts that are not files
MAX_FIELD = 1_024  # bytes of one
EXTENDED = re.compile(rb"filename\*=utf-8'[^']*'([^;]*)", re.IGNORECASE)
"""A file's name as some clients send it (RFC 5987), though RFC 7578 forbids it in forms."""
ESCAPED = re.compile(rb"%(?:22|0A|0D)")
"""All that browsers escape in a file's name (the HTML standard, multipart form data): quotes and ends of lines."""
NAMELESS = "<file>"
KINDS = {"image": ("an image", NO_IMAGE), "video": ("a video", NO_VIDEO)}
"""What is uploaded, by the first half of its media type: its words, and the problem where there is none."""


@dataclass
class Upload:
    """One file of a request: what its sender calls it, and its bytes."""

    name: str
    content: bytes | bytearray = b""


@dataclass
class Form:
    """What came in one request: files in their order, and the other fields by name, the last of equals."""

    files: list[Upload] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)


class Uploads:
    """Reads requests' bodies.

    Args:
        settings: the limits.
        gauge: is told how much is held.
        kind: what is uploaded, of `KINDS`.
    """

    def __init__(self, settings: Settings, gauge: Gauge, kind: str = "image") -> None:
        self.settings, self.kind = settings, kind
        self._gauge = gauge
        self._held = 0
        self.turn = asyncio.Lock()  # of large uploads, which goes from one to the next with each chunk

    @contextmanager
    def reading(self, request: Request) -> Iterator[Reading]:
        """A request's body, whose memory is given back at the end."""
        reading = Reading(self, request)
        try:
            yield reading
        finally:
            self.hold(-reading.held)

    def hold(self, size: int, before: int = 0) -> None:
        """Count bytes that are held; a part of the memory is kept for small uploads.

        Args:
            size: how many more, or fewer if below 0.
            before: how many the same upload holds already.

        Raises:
            Problem: that is too much.
        """
        self.check(size, before)
        self._held += size
        self._gauge.set(self._held)

    def check(self, size: int, before: int = 0) -> None:
        """Raises `Problem` where `hold` would."""
        most = self.settings.max_memory * (1 if before + size <= LITTLE else LARGE)
        if size > 0 and self._held + size > most and self._held > before:
            raise Problem(BUSY, "too many uploads at once: come again a little later", {"Retry-After": "1"})


class Reading:
    """One request's body while it comes in."""

    def __init__(self, uploads: Uploads, request: Request) -> None:
        self._uploads = uploads
        self._settings = uploads.settings
        self._request = request
        self._called, self._none = KINDS[uploads.kind]
        self.held = 0

    async def form(self) -> Form:
        """The files of the request: those of a multipart form, or the body itself.

        Raises:
            Problem: too large, too many, too slow, broken off, malformed, packed, or of a type that is not taken.
        """
        if (coding := self._request.headers.get("content-encoding", AS_IT_IS).strip().lower()) != AS_IT_IS:
            told = f"Content-Encoding is {coding[:MAX_TOLD]!r}: send the body as it is"
            raise Problem(UNSUPPORTED, told, {**CLOSE, "Accept-Encoding": AS_IT_IS})
        kind, options = parse_options_header(self._request.headers.get("content-type", ""))
        name = kind.decode("latin-1").strip().lower()
        try:
            async with asyncio.timeout(self._settings.upload_s):
                if name == "multipart/form-data":
                    return await self._multipart(options.get(b"boundary", b""))
                if name.startswith(f"{self._uploads.kind}/") or name in PLAIN:
                    return await self._raw()
        except TimeoutError:
            raise Problem(SLOW, f"the body was not there within {self._settings.upload_s:g} s", CLOSE) from None
        except ClientDisconnect:
            raise Problem(MALFORMED, "the connection ended before the body did", CLOSE) from None
        expected = f"expected multipart/form-data, {self._uploads.kind}/* or application/octet-stream"
        raise Problem(UNSUPPORTED, expected, CLOSE)

    def keep(self) -> int:
        """What came is kept; whoever does so gives this memory back, in bytes."""
        held, self.held = self.held, 0
        return held

    async def _raw(self) -> Form:
        body = bytearray()
        async for chunk in self._chunks(self._settings.max_bytes):
            body += chunk
        if not body:
            raise Problem(self._none, f"the body is empty: expected {self._called}")
        return Form([Upload("<bytes>", body)])

    async def _multipart(self, boundary: bytes) -> Form:
        if not boundary:
            raise Problem(MALFORMED, "multipart/form-data without a boundary", CLOSE)
        parts = Parts(self._settings, self._called)
        try:
            parser = MultipartParser(boundary, parts.callbacks())  # type: ignore[arg-type]
            async for chunk in self._chunks(self._settings.max_body):
                parser.write(chunk)
            parser.finalize()
        except FormParserError as error:
            raise Problem(MALFORMED, "the body is not multipart/form-data with this boundary", CLOSE) from error
        if not parts.ended:
            raise Problem(MALFORMED, "the form ends before its last boundary", CLOSE)
        return parts.form

    async def _chunks(self, most: int) -> AsyncIterator[bytes]:
        """The body, piece by piece; of one that is large, others have their turn between two of them."""
        promised = self._request.headers.get("content-length", "")
        if promised.isdecimal():
            self._checked(int(promised), most)
        async for chunk in self._request.stream():
            self._checked(self.held + len(chunk), most)
            self._uploads.hold(len(chunk), self.held)
            self.held += len(chunk)
            if self.held > LITTLE:
                async with self._uploads.turn:
                    await asyncio.sleep(0)
            yield chunk

    def _checked(self, size: int, most: int) -> None:
        """Raises `Problem` where a body of that size is not taken; before it is read, if it can be said by then."""
        if size > most:
            raise Problem(TOO_LARGE, f"more than {most / 1e6:g} MB, the limit", CLOSE)
        try:
            self._uploads.check(size - self.held, self.held)
        except Problem as problem:
            raise Problem(problem.kind, problem.detail, {**problem.headers, **CLOSE}) from None


class Parts:
    """Gathers the parts of a multipart form while it is parsed; `called` says what its files are."""

    def __init__(self, settings: Settings, called: str) -> None:
        self.form, self._called = Form(), called
        self.ended = False
        self._settings = settings
        self._header = bytearray()
        self._value = bytearray()
        self._headers: dict[bytes, bytes] = {}
        self._headers_size = 0
        self._upload: Upload | None = None
        self._part = bytearray()
        self._most = 0
        self._name = ""
        self._fields = 0

    def callbacks(self) -> dict[str, object]:
        names = (
            "part_begin",
            "part_data",
            "part_end",
            "header_field",
            "header_value",
            "header_end",
            "headers_finished",
        )
        return {f"on_{name}": getattr(self, f"_on_{name}") for name in names} | {"on_end": self._on_end}

    def _on_part_begin(self) -> None:
        self._headers, self._headers_size, self._upload, self._part = {}, 0, None, bytearray()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += self._counted(data[start:end])

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += self._counted(data[start:end])

    def _counted(self, piece: bytes) -> bytes:
        self._headers_size += len(piece)
        if self._headers_size > MAX_HEADERS:
            raise Problem(MALFORMED, f"a part has more than {MAX_HEADERS} bytes of headers", CLOSE)
        return piece

    def _on_header_end(self) -> None:
        self._headers[bytes(self._header).lower()] = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _on_headers_finished(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"")
        _, options = parse_options_header(disposition)
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        filename = options.get(b"filename")
        if filename is None and (extended := EXTENDED.search(disposition)):
            filename = unquote_to_bytes(extended[1])
        if filename is None:
            self._fields += 1
            if self._fields > MAX_FIELDS:
                raise Problem(MALFORMED, f"more than {MAX_FIELDS} fields", CLOSE)
            self._most = MAX_FIELD
            return
        if len(self.form.files) == self._settings.max_files:
            raise Problem(TOO_MANY, f"files in a request: {self._settings.max_files} at most", CLOSE)
        self._upload, self._most = Upload(shown(filename)), self._settings.max_bytes
        self.form.files.append(self._upload)

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if len(self._part) + end - start > self._most:
            if self._upload is None:
                told = f"a field is larger than {MAX_FIELD:,} bytes, the limit; {self._called} needs a filename"
                raise Problem(TOO_LARGE, told, CLOSE)
            raise Problem(TOO_LARGE, f"a part is larger than {self._most:,} bytes, the limit", CLOSE)
        self._part += memoryview(data)[start:end]

    def _on_part_end(self) -> None:
        if self._upload is None:
            self.form.fields[self._name] = self._part.decode("utf-8", "replace")
        else:
            self._upload.content = self._part
        self._part = bytearray()

    def _on_end(self) -> None:
        self.ended = True


CLOSE = {"Connection": "close"}
"""Of an answer that comes before the body has ended: what is left of it is not read."""


def shown(name: bytes) -> str:
    """A file's name as it is told back: without folders, and as text whatever its bytes."""
    whole = ESCAPED.sub(lambda told: unquote_to_bytes(told[0]), name)
    return re.split(rb"[/\\]", whole)[-1].decode("utf-8", "backslashreplace") or NAMELESS

"""Hostile requests: each is answered with its 4xx in time, leaves no memory behind, and the next good one is served."""

from __future__ import annotations

import gc
import gzip
import json
import re
import socket
import struct
import time
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from served import Served, get, post
from waiting import WAIT_S, until
from wire import count

UPLOAD_S = 2.0
"""What an upload may take where one that is slow is tested; elsewhere a busy machine may be slow itself."""
MAX_BYTES = 4_000_000
BOUNDARY = b"b0undary"


LIMITS = {"max_bytes": MAX_BYTES, "max_files": 4, "max_memory": 40_000_000}


@pytest.fixture(scope="module")
def service(serve: Callable[..., Any]) -> Any:
    with serve(**LIMITS) as served:
        yield served


@pytest.fixture(scope="module")
def hasty(serve: Callable[..., Any]) -> Any:
    with serve(upload_s=UPLOAD_S, **LIMITS) as served:
        yield served


def image(kind: str, side: int = 64, **options: Any) -> bytes:
    stream = BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


def png(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG that promises a size, whatever its data hold."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def zipped() -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.jpg", b"0" * 1000)
    return stream.getvalue()


JPEG = image("JPEG")
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script><image href="file:///etc/passwd"/></svg>'

BODIES: dict[str, bytes] = {
    "nothing": b"",
    "one byte": b"\xff",
    "zeros": bytes(1000),
    "text": b"hello",
    "an address": b"http://127.0.0.1:1/face.jpg",
    "a path": b"/etc/passwd",
    "JSON": b'{"image": "/etc/passwd"}',
    "SVG with a script": SVG,
    "HTML": b"<!doctype html><script>alert(1)</script>",
    "PDF": b"%PDF-1.7\n",
    "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    "zip": zipped(),
    "gzip of a JPEG": gzip.compress(JPEG),
    "ELF": b"\x7fELF" + bytes(200),
    "a JPEG's first bytes": JPEG[:3],
    "a JPEG cut short": JPEG[: len(JPEG) // 2],
    "a JPEG's header alone": JPEG[:200],
    "a JPEG with its middle torn out": JPEG[:300] + JPEG[-50:],
    "a JPEG after text": b"text" + JPEG,
    "a PNG cut short": image("PNG")[:500],
    "a PNG with a wrong checksum": image("PNG")[:40] + b"\0\0\0\0" + image("PNG")[44:],
    "a PNG of no width": png(0, 10),
    "a PNG that promises a billion pixels": png(32_000, 32_000),
    "a PNG of 90 million pixels in 90 kB": png(9_500, 9_500, bytes(90_000_000)),
    "a PNG of huge sides": png(2**31 - 1, 2**31 - 1),
    "a PNG without its data": png(64, 64),
    "a GIF cut short": image("GIF")[:20],
    "a GIF of 65535 pixels a side": b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\x02\x02D\x01\0;",
    "a WebP cut short": image("WEBP")[:100],
    "a WebP that promises more": image("WEBP")[:4] + b"\xff\xff\xff\x7f" + image("WEBP")[8:60],
    "an AVIF cut short": image("AVIF")[:100],
    "a BMP cut short": image("BMP")[:100],
    "a BMP of negative width": b"BM" + bytes(16) + struct.pack("<iii", 40, -5, 5) + bytes(30),
    "a TIFF cut short": image("TIFF")[:60],
    "a TIFF that points at itself": b"II*\0\x08\0\0\0\x01\0\0\x01\x03\0\x01\0\0\0\x10\0\0\0\x08\0\0\0",
    "a PPM of no end": b"P6 99999 99999 255\n" + bytes(100),
    "a PPM in plain text": b"P3 1 1 255\n0 0 0\n",
    "a video": b"\0\0\0\x18ftypmp42" + bytes(100),
    "a HEIC's first bytes": b"\0\0\0\x18ftypheic" + bytes(20),
    "an ICO": b"\0\0\x01\0\x01\0" + bytes(30),
    "a PSD": b"8BPS\0\x01" + bytes(30),
}
"""Bodies that are no image, sent raw and in a form."""


def form(*parts: bytes, end: bytes = b"--" + BOUNDARY + b"--\r\n") -> bytes:
    return b"".join(b"--" + BOUNDARY + b"\r\n" + part + b"\r\n" for part in parts) + end


def part(content: bytes, name: bytes = b"a.jpg", more: bytes = b"") -> bytes:
    head = b'Content-Disposition: form-data; name="file"; filename="' + name + b'"\r\n' + more
    return head + b"\r\n" + content


NAMELESS = b'Content-Disposition: form-data; name="file"\r\n\r\n'
EXTENDED = b"Content-Disposition: form-data; name=\"file\"; filename*=UTF-8''h%C3%A9.jpg\r\n\r\n"
FIELD = b'Content-Disposition: form-data; name="labels"\r\n\r\n'
FORMS: dict[str, tuple[bytes, set[int]]] = {
    "an empty body": (b"", {400}),
    "no part": (form(), {400}),
    "a field alone": (form(FIELD + b"fer7"), {400}),
    "an empty file": (form(part(b"")), {422}),
    "another boundary": (form(part(JPEG)).replace(BOUNDARY, b"other"), {400}),
    "no last boundary": (form(part(JPEG), end=b""), {400}),
    "the last boundary alone": (b"--" + BOUNDARY + b"--\r\n", {400}),
    "a part without headers": (form(b"\r\n" + JPEG), {400, 413}),
    "a part that is headers alone": (form(b"Content-Disposition: form-data"), {400}),
    "a header without a colon": (form(b"Content-Disposition form-data\r\n\r\nx"), {400}),
    "a header that never ends": (form(b"X: " + b"x" * 100_000), {400}),
    "thousands of headers": (form(b"X: y\r\n" * 20_000 + b"\r\nx"), {400}),
    "more files than are allowed": (form(*[part(JPEG)] * 5), {413}),
    "a file larger than is allowed": (form(part(bytes(MAX_BYTES + 1))), {413}),
    "a field larger than is allowed": (form(FIELD + b"x" * 100_000), {413}),
    "more fields than are allowed": (form(*[FIELD + b"x"] * 100), {400}),
    "the body of a form that is none": (JPEG, {400}),
    "a name that is not UTF-8": (form(part(b"x", b"\xff\xfe\0")), {400, 422}),
    "a name that climbs": (form(part(b"x", b"../../etc/passwd")), {422}),
    "a name of 5,000 letters": (form(part(b"x", b"n" * 5000)), {400, 422}),
    "a name with a script": (form(part(b"x", b"<script>alert(1)</script>")), {422}),
    "encoded as it never is": (form(part(b"eHh4", more=b"Content-Transfer-Encoding: base64\r\n")), {422}),
}
"""Bodies that say they are forms, and the statuses they may get."""


def request(headers: bytes, body: bytes = b"") -> bytes:
    return b"POST /v1/predict HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\n" + body


OF_JPEG = b"Content-Type: image/jpeg\r\n"
PROMISED = b"Content-Length: 100000000\r\n"
WIRES: dict[str, tuple[list[bytes], set[int]]] = {
    "not HTTP": ([b"\0\1\2\3\r\n\r\n"], {400}),
    "TLS": ([b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + bytes(100)], {400}),
    "a method that is none": ([b"PREDICT / HTTP/1.1\r\nHost: a\r\n\r\n"], {400}),
    "a version that is none": ([b"GET / HTTP/9.9\r\nHost: a\r\n\r\n"], {400}),
    "nothing at all": ([b""], {408}),
    "half a request line": ([b"POST /v1/pre"], {408}),
    "headers that never end": ([request(b"A: b\r\n")[:-2]], {408}),
    "headers a byte at a time": ([b"POST /v1/predict HTTP/1.1\r\n", *[b"a"] * 10], {408}),
    "huge headers": ([request(b"A: " + b"a" * 200_000)], {400, 431}),
    "a huge address": ([b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"], {400, 431}),
    "many headers": ([request(b"A: b\r\n" * 40_000)], {400, 431}),
    "a length that is none": ([request(OF_JPEG + b"Content-Length: many\r\n")], {400}),
    "a negative length": ([request(OF_JPEG + b"Content-Length: -1\r\n")], {400}),
    "two lengths": ([request(OF_JPEG + b"Content-Length: 1\r\nContent-Length: 2\r\n", b"x")], {400}),
    "a length and chunks": (
        [request(OF_JPEG + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n")],
        {400},
    ),
    "a chunk whose size is none": ([request(OF_JPEG + b"Transfer-Encoding: chunked\r\n", b"zz\r\n")], {400}),
    "a body that never comes": ([request(OF_JPEG + b"Content-Length: 1000\r\n")], {408}),
    "a body that stops": ([request(OF_JPEG + b"Content-Length: 1000\r\n", b"x" * 10)], {408}),
    "a body a byte at a time": ([request(OF_JPEG + b"Content-Length: 1000\r\n"), *[b"x"] * 10], {408}),
    "an endless body in chunks": (
        [request(OF_JPEG + b"Transfer-Encoding: chunked\r\n"), *[b"100000\r\n" + bytes(2**20) + b"\r\n"] * 100],
        {413},
    ),
    "100 MB of zeros": ([request(OF_JPEG + PROMISED), *[bytes(2**20)] * 96], {413}),
    "100 MB that are promised": ([request(OF_JPEG + PROMISED)], {413}),
    "100 MB that wait for a word": ([request(OF_JPEG + b"Expect: 100-continue\r\n" + PROMISED)], {413}),
    "a path that climbs": ([b"GET /static/../../settings.py HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"], {404}),
    "a path that climbs, encoded": (
        [b"GET /static/%2e%2e/%2e%2e/settings.py HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"],
        {404},
    ),
    "a path with a zero": ([b"GET /static/%00 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"], {404}),
    "a type that is bytes": ([request(b"Content-Type: \xff\xfe\r\nContent-Length: 1\r\n", b"x")], {400, 415}),
}
"""What goes over the wire, piece by piece and slowly where there are many small ones, and the statuses it may get."""


@pytest.fixture(autouse=True)
def next_one_is_served(service: Served, astronaut: bytes) -> Any:
    yield
    assert reads(service, astronaut)


def reads(served: Served, astronaut: bytes) -> bool:
    answer = post(f"{served.url}/v1/predict", content=astronaut, headers={"Content-Type": "image/jpeg"})
    return answer.status_code == 200 and bool(answer.json()["faces"][0]["label"] == "happy")


def check(answer: httpx.Response, allowed: set[int]) -> None:
    assert answer.status_code in allowed, answer.text
    assert answer.json()["type"].startswith("/problems/")
    for secret in ("Traceback", "site-packages", "root:"):
        assert secret not in answer.text


OWN = {'<script type="module" src="/static/photos.js">', '<script type="application/json"'}


def scripts(page: str) -> set[str]:
    """The scripts of a page: as they begin, without what tells texts apart."""
    return {each.partition(" id=")[0] for each in re.findall("<script[^>]*>?", page)}


def test_there_are_enough() -> None:
    assert 2 * len(BODIES) + len(FORMS) + len(WIRES) >= 60


@pytest.mark.parametrize("name", BODIES)
def test_a_body(service: Served, name: str) -> None:
    raw = post(f"{service.url}/v1/predict", content=BODIES[name], headers={"Content-Type": "image/png"})
    check(raw, {400, 413, 422})
    upload = {"file": ("face.jpg", BODIES[name], "image/jpeg")}
    check(post(f"{service.url}/v1/predict", files=upload), {413, 422})
    page = post(f"{service.url}/result", files=upload)
    assert page.status_code in (200, 400, 413)  # the page tells it beside the other photos
    assert 'class="fault"' in page.text
    assert scripts(page.text) <= OWN


@pytest.mark.parametrize("name", FORMS)
def test_a_form(service: Served, name: str) -> None:
    body, allowed = FORMS[name]
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY.decode()}"}
    check(post(f"{service.url}/v1/predict", content=body, headers=headers), allowed)
    page = post(f"{service.url}/result", content=body, headers=headers)
    assert page.status_code < 500
    assert scripts(page.text) <= OWN


@pytest.mark.parametrize("name", [name for name, (_, allowed) in WIRES.items() if allowed != {408}])
def test_a_wire(service: Served, name: str) -> None:
    check_wire(service, name)


@pytest.mark.parametrize("name", [name for name, (_, allowed) in WIRES.items() if allowed == {408}])
def test_a_slow_wire(hasty: Served, name: str, astronaut: bytes) -> None:
    check_wire(hasty, name)

    def read() -> bool:  # not where a busy machine needs longer than an upload may take
        with suppress(httpx.TransportError):
            return reads(hasty, astronaut)
        return False

    until(read)


def check_wire(served: Served, name: str) -> None:
    pieces, allowed = WIRES[name]
    status, body = exchange(served.port, pieces)
    assert status in allowed, body
    if b"problem+json" in body:
        assert json.loads(body.partition(b"\r\n\r\n")[2])["status"] == status


def exchange(port: int, pieces: list[bytes]) -> tuple[int, bytes]:
    """Send pieces, and give the status and all that comes back until the connection ends."""
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as wire:
        received = b""
        try:
            for piece in pieces:
                wire.sendall(piece)
                if len(pieces) > 1 and len(piece) == 1:
                    time.sleep(0.1)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has answered and gone before all was sent
        try:
            while chunk := wire.recv(65536):
                received += chunk
        except ConnectionResetError:
            pass  # the same
    return int(received.split(b" ", 2)[1]) if received else 0, received


def test_a_socket_that_is_half_closed(service: Served, astronaut: bytes) -> None:
    """Whoever has said all may still listen."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=WAIT_S) as wire:
        length = f"Content-Length: {len(astronaut)}\r\nConnection: close\r\n".encode()
        wire.sendall(request(OF_JPEG + length, astronaut))
        wire.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := wire.recv(65536):
            received += chunk
    assert b"200 OK" in received
    assert b'"happy"' in received


@pytest.mark.parametrize("kind", [b"image/jpeg", b"multipart/form-data; boundary=" + BOUNDARY])
def test_what_does_not_fit_is_refused_before_it_comes(serve: Callable[..., Any], kind: bytes) -> None:
    head = b"Content-Type: " + kind + b"\r\nContent-Length: %d\r\n"
    with serve(max_bytes=MAX_BYTES, max_memory=MAX_BYTES) as small:
        assert exchange(small.port, [request(head % (MAX_BYTES + 1))])[0] == 413
        with socket.create_connection(("127.0.0.1", small.port), timeout=WAIT_S) as other:
            began = form(part(JPEG), end=b"")[:-2] if kind.startswith(b"multipart") else JPEG
            other.sendall(request(head % MAX_BYTES, began.ljust(MAX_BYTES // 2, b"\0")))
            until(lambda: count(small, "mien_upload_bytes") == MAX_BYTES // 2)
            status, told = exchange(small.port, [request(head % (MAX_BYTES // 2))])
            assert (status, b'"/problems/busy"' in told, b"connection: close" in told) == (503, True, True)


def test_clients_that_go_away(service: Served, astronaut: bytes) -> None:
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", service.port), timeout=WAIT_S) as wire:
            wire.sendall(request(OF_JPEG + f"Content-Length: {len(astronaut)}\r\n".encode(), astronaut[:5000]))
    until(lambda: count(service, "mien_queue_images") == count(service, "mien_upload_bytes") == 0)
    assert (
        post(f"{service.url}/v1/predict", content=astronaut, headers={"Content-Type": "image/jpeg"}).status_code == 200
    )


def test_polyglots_are_read_as_the_image_they_begin_with(service: Served, astronaut: bytes) -> None:
    for tail in (zipped(), SVG, b"<?php system($_GET[0]);"):
        content = astronaut + tail
        answer = post(f"{service.url}/v1/predict", content=content, headers={"Content-Type": "image/svg+xml"})
        assert answer.json()["faces"][0]["label"] == "happy"


def test_what_can_never_fit_is_too_large_and_not_told_to_come_again(serve: Callable[..., Any]) -> None:
    with serve(max_bytes=MAX_BYTES, max_files=4, max_memory=2 * MAX_BYTES) as small:
        files = [("file", (f"{number}.jpg", bytes(3_000_000), "image/jpeg")) for number in range(3)]
        refused = post(f"{small.url}/v1/predict", files=files)
        assert refused.status_code == 413
        assert refused.json()["detail"] == "more than 8 MB, the limit"
        page = post(f"{small.url}/result", files=files)
        assert "More than 8 MB, the limit." in page.text


def test_fields_twice(service: Served, astronaut: bytes) -> None:
    body = form(FIELD + b"fer7", part(astronaut), FIELD + b"happy-sad")
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY.decode()}"}
    page = post(f"{service.url}/result", content=body, headers=headers)
    assert page.text.count('<th scope="row"') == 2


def test_an_image_without_a_filename_is_told(service: Served, astronaut: bytes) -> None:
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY.decode()}"}
    answer = post(f"{service.url}/v1/predict", content=form(NAMELESS + astronaut), headers=headers)
    assert answer.status_code == 413
    assert answer.json()["detail"] == "a field is larger than 1,024 bytes, the limit; an image needs a filename"


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (EXTENDED, "h\xe9.jpg"),
        (part(b"", "h\xe9.jpg".encode()), "h\xe9.jpg"),
        (part(b"", b"h\xe9.jpg"), "h\\xe9.jpg"),
        (part(b"", b"10:30.jpg"), "10:30.jpg"),
        (part(b"", b"../../a.jpg"), "a.jpg"),
        (part(b"", b"C:\\photos\\a.jpg"), "a.jpg"),
        (part(b"", b"photos/"), "<file>"),
        (part(b"", b"%22a%22 100%25%0D%0Ab.jpg"), '"a" 100%25\r\nb.jpg'),
    ],
)
def test_files_names_are_told_back(head: bytes, name: str, service: Served, astronaut: bytes) -> None:
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY.decode()}"}
    answer = post(f"{service.url}/v1/predict", content=form(head + astronaut), headers=headers)
    assert answer.json()["source"] == name


def test_memory_is_given_back(service: Served, astronaut: bytes) -> None:
    def all_of_it() -> None:
        for content in BODIES.values():
            post(f"{service.url}/v1/predict", content=content, headers={"Content-Type": "image/png"})
        for pieces in (WIRES["100 MB of zeros"][0], WIRES["an endless body in chunks"][0]):
            exchange(service.port, pieces)
        post(f"{service.url}/v1/predict", content=astronaut, headers={"Content-Type": "image/jpeg"})

    all_of_it()
    before = service.memory()
    for _ in range(4):
        all_of_it()
    gc.collect()
    assert service.memory() - before < 60_000_000


@pytest.mark.parametrize("name", ["service", "hasty"])
def test_nothing_unexpected_happened(name: str, request: pytest.FixtureRequest) -> None:
    """Runs last: no answer so far was a 5xx, and nothing broke inside."""
    served = request.getfixturevalue(name)
    counts = get(f"{served.url}/metrics").text.splitlines()
    assert not [each for each in counts if 'status="5' in each and "/readyz" not in each]  # not ready at first
    assert "Traceback" not in "".join(served.printed)
    plain = {line for line in served.printed if not line.startswith("{")}
    known = re.escape(f"mien serves on {served.url}"), r"WARNING:  Invalid HTTP request received\.( \(and .*\))?"
    assert not [line for line in plain if not re.fullmatch("|".join(known), line.strip())]

"""An object store: moto's S3, in a process of its own, behind a proxy that misbehaves when a test asks it to."""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

STARTED = re.compile(r"Running on http://127\.0\.0\.1:(\d+)")
SLOW_S = 0.2
NOT_PASSED_ON = frozenset({"content-length", "connection", "transfer-encoding", "expect"})

Fault = Callable[[str, str], object]
"""What to do with a request, by its method and path: an HTTP status to answer with, `slow`, or nothing amiss."""


class Bucket:
    """An S3 server with a bucket, and what is asked of it.

    Args:
        name: of the bucket.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.fault: Fault = lambda method, path: None
        self.seen: list[tuple[str, str]] = []
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
        self._moto = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        assert self._moto.stderr is not None
        port = next(int(found[1]) for line in self._moto.stderr if (found := STARTED.search(line)))
        threading.Thread(target=self._moto.stderr.read, daemon=True).start()  # or its pipe is full one day
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, port))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.put("")

    @property
    def environment(self) -> dict[str, str]:
        """By which a process finds it."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._server.server_port}",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def put(self, key: str, content: bytes = b"") -> None:
        """Put an object there; without a key, make the bucket."""
        assert self._ask("PUT", key, content)[0] == 200

    def get(self, key: str) -> bytes:
        return self._ask("GET", key)[1]

    def keys(self, prefix: str) -> list[str]:
        return re.findall("<Key>(.*?)</Key>", self._ask("GET", f"?list-type=2&prefix={prefix}")[1].decode())

    def read(self, prefix: str) -> list[str]:
        """The objects that were read, however often."""
        paths = [path for method, path in self.seen if method == "GET" and path.startswith(f"/{self.name}/{prefix}")]
        return [path.removeprefix(f"/{self.name}/{prefix}") for path in paths]

    def end(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._moto.kill()
        self._moto.communicate()

    def _ask(self, method: str, key: str, content: bytes = b"") -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._server.server_port)
        connection.request(method, f"/{self.name}/{key}" if key else f"/{self.name}", content)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, body


def _handler(bucket: Bucket, port: int) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self) -> None:
            content = self._content()
            bucket.seen.append((self.command, self.path))
            match bucket.fault(self.command, self.path):
                case int(status):
                    self._send(
                        status, {}, b""
                    )  # what is longer than the object that was asked for, PyArrow gives up at
                    return
                case "slow":
                    time.sleep(SLOW_S)
            connection = http.client.HTTPConnection("127.0.0.1", port)
            passed_on = {name: value for name, value in self.headers.items() if name.lower() not in NOT_PASSED_ON}
            connection.request(self.command, self.path, content, passed_on)
            got = connection.getresponse()
            self._send(got.status, dict(got.headers), got.read())
            connection.close()

        def _content(self) -> bytes:
            if "chunked" not in self.headers.get("Transfer-Encoding", ""):
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            content = b""
            while size := int(self.rfile.readline(), 16):
                content += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return content

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response_only(status)
            length = headers.get("Content-Length", str(len(body)))  # of HEAD, of what is not sent
            for name, value in headers.items():
                if name.lower() not in NOT_PASSED_ON:
                    self.send_header(name, value)
            self.send_header("Content-Length", length if self.command == "HEAD" else str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer  # noqa: N815

    return Handler

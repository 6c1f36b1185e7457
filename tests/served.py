"""Real servers on loopback, each a process that cannot write a byte into any file."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import httpx

START_S = 60.0


class Served:
    """A running service: where it is, its process, and what it has printed."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.printed: list[str] = []
        assert process.stderr is not None
        self._reader = threading.Thread(target=self._read, args=(process.stderr,), daemon=True)
        self._reader.start()

    def wait(self) -> None:
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            assert self.process.poll() is None, self.printed
            try:
                if httpx.get(f"{self.url}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError(f"not ready within {START_S} s: {self.printed}")

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self._reader.join(10)

    def memory(self) -> int:
        """Bytes that the process holds."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * resource.getpagesize()

    def _read(self, stream: IO[str]) -> None:
        self.printed.extend(stream)
        stream.close()


def no_files() -> None:
    """From here on this process cannot make any file longer than it is."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def begin(port: int, program: Sequence[str] = (sys.executable, "-m", "mien", "serve"), **settings: Any) -> Served:
    """A service that is starting, with settings such as `queue=4`."""
    environment = {f"MIEN_SERVE_{name.upper()}": str(value) for name, value in settings.items()}
    environment["MIEN_SERVE_PORT"] = str(port)
    process = subprocess.Popen(
        program,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment, "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=no_files,
    )
    return Served(process, port)


@contextmanager
def serving(**settings: Any) -> Iterator[Served]:
    """A service with settings such as `queue=4`, ready, and stopped at the end."""
    served = begin(free_port(), **settings)
    try:
        served.wait()
        yield served
    finally:
        served.stop()

"""Real servers on loopback, each a process that cannot write a byte into any file."""

from __future__ import annotations

import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO, Any

import httpx
from waiting import WAIT_S, until
from websockets.sync import client

PROC = Path("/proc")
STARTED = re.compile(r"mien serves on (http://\S+:(\d+))")
request = partial(httpx.request, timeout=WAIT_S, verify=False)  # to read whom TLS may trust takes 30 ms a request
get, post, options = (partial(request, method) for method in ("GET", "POST", "OPTIONS"))
session = partial(httpx.Client, timeout=WAIT_S)
connect = partial(client.connect, open_timeout=WAIT_S, close_timeout=WAIT_S, ping_timeout=WAIT_S)


class Served:
    """A running service: where it is, its process, and what it has printed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.printed: list[str] = []
        assert process.stderr is not None
        self._reader = threading.Thread(target=self._read, args=(process.stderr,), daemon=True)
        self._reader.start()

    @property
    def port(self) -> int:
        """Where it listens, as it has told; 0 as long as it has not."""
        return int(self._told(2) or 0)

    @property
    def url(self) -> str:
        return self._told(1)

    def _told(self, part: int) -> str:
        return next((told[part] for line in list(self.printed) if (told := STARTED.search(line))), "")

    def wait(self) -> None:
        """Until it is ready."""
        until(lambda: answers(self.process, f"{self.url}/readyz", self.printed))

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(WAIT_S)
        self._reader.join(WAIT_S)

    def memory(self) -> int:
        """Bytes that the process holds."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * resource.getpagesize()

    def _read(self, stream: IO[str]) -> None:
        self.printed.extend(stream)
        stream.close()


def answers(process: subprocess.Popen[Any], url: str, printed: object = None) -> bool:
    """Whether something is there already, which a process serves that has not ended."""
    assert process.poll() is None, printed
    with suppress(httpx.TransportError):
        return get(url).status_code == 200
    return False


@contextmanager
def reserved() -> Iterator[int]:
    """A port that the system gives to nobody else; who is told of it may listen there, now or later, and once more."""
    with socket.socket() as holding:
        holding.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do, or they could not listen beside
        holding.bind(("127.0.0.1", 0))
        port = int(holding.getsockname()[1])
        if sys.platform != "linux":  # elsewhere they could not all the same
            holding.close()
        yield port


def children(parent: int) -> set[int]:
    """Processes that have this parent, dead ones that nobody has asked for included."""
    found = set()
    for each in PROC.iterdir():
        try:
            if each.name.isdigit() and int((each / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                found.add(int(each.name))
        except OSError:
            continue
    return found


def no_files() -> None:
    """From here on this process cannot make any file longer than it is; its core is dumped unless it forbids that."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    dumps()


def dumps() -> None:
    """From here on this process leaves a core dump where it crashes, as far as it may."""
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))


def dumped(process: int) -> int:
    """Bytes of a core dump that a process may leave; by 1 not to a program either (the kernel's `fs/coredump.c`)."""
    _, most = resource.prlimit(process, resource.RLIMIT_CORE)
    return sys.maxsize if most == resource.RLIM_INFINITY else most


def begin(port: int = 0, program: Sequence[str] = (sys.executable, "-m", "mien", "serve"), **settings: Any) -> Served:
    """A service that is starting, at a free port if none is given, with settings such as `queue=4`.

    It is given time for its answers: a machine that is busy is no fault of the service.
    """
    given = {"deadline_s": WAIT_S, "upload_s": WAIT_S, "grace_s": WAIT_S, **settings, "port": port}
    environment = {f"MIEN_SERVE_{name.upper()}": str(value) for name, value in given.items()}
    process = subprocess.Popen(
        program,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment, "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=no_files,
    )
    return Served(process)


@contextmanager
def serving(**settings: Any) -> Iterator[Served]:
    """A service with settings such as `queue=4`, ready, and stopped at the end."""
    served = begin(**settings)
    try:
        served.wait()
        yield served
    finally:
        served.stop()

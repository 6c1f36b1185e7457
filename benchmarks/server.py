"""Servers for benchmarks: started, watched with all their processes, and asked by wrk."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.request import urlopen

FORM = "multipart/form-data; boundary=b0undary"


@dataclass(frozen=True)
class Server:
    """A running server."""

    port: int
    process: subprocess.Popen[bytes]

    def family(self) -> list[Path]:
        """Where Linux tells of the process and of those that it has started."""
        parents = {}
        for each in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                parents[int(each.name)] = int((each / "stat").read_text().rpartition(")")[2].split()[1])
        found = [self.process.pid]
        for parent in found:
            found += [child for child, its in parents.items() if its == parent]
        return [Path("/proc") / str(pid) for pid in found]

    def megabytes(self) -> float:
        """Memory of them all: what they share counts once (PSS)."""
        return sum(kilobytes(each) for each in self.family()) * 1024 / 1e6

    def cpu_s(self) -> float:
        ticks = 0
        for each in self.family():
            with suppress(OSError):
                fields = (each / "stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


def kilobytes(process: Path) -> int:
    """A process' share of memory; 0 of one that has ended."""
    with suppress(OSError):
        for line in (process / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


@dataclass(frozen=True)
class Body:
    """What clients send."""

    name: str
    content: bytes
    kind: str = "image/jpeg"
    path: str = "/v1/predict"


def served() -> list[str]:
    return [sys.executable, "-m", "mien", "serve", "--set", "log=false", "--port"]


@contextmanager
def running(command: list[str], environment: Mapping[str, str] = MappingProxyType({})) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    process = subprocess.Popen([*command, str(port)], stderr=subprocess.DEVNULL, env={**os.environ, **environment})
    try:
        for _ in range(600):
            try:
                urlopen(f"http://127.0.0.1:{port}/readyz").close()
                break
            except OSError:
                time.sleep(0.1)
        yield Server(port, process)
    finally:
        process.terminate()
        process.wait()


def form(*files: bytes) -> tuple[bytes, str]:
    """A form and its type."""
    head = b'--b0undary\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    return b"".join(head + each + b"\r\n" for each in files) + b"--b0undary--\r\n", FORM


@dataclass(frozen=True)
class Measured:
    """What wrk saw, and what the server needed for it; `good` are requests a second that were answered with 200."""

    rate: float
    good: float
    p50_ms: float
    p99_ms: float
    other: int
    cores: float


def measured(server: Server, body: Body, clients: int, seconds: int) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "body").write_bytes(body.content)
        script = Path(folder) / "post.lua"
        script.write_text(
            f'local f = io.open("{folder}/body", "rb")\nwrk.method = "POST"\nwrk.body = f:read("*a")\n'
            f'wrk.headers["Content-Type"] = "{body.kind}"\n'
        )
        url = f"http://127.0.0.1:{server.port}{body.path}"
        command = ["wrk", "-t1", f"-c{clients}", "--latency", "--timeout=30s", "-s", str(script)]
        subprocess.run([*command, "-d2", url], check=True, capture_output=True)
        before, began = server.cpu_s(), time.perf_counter()
        told = subprocess.run([*command, f"-d{seconds}", url], check=True, capture_output=True, text=True).stdout
        used = (server.cpu_s() - before) / (time.perf_counter() - began)
    rate = float(re.findall(r"Requests/sec: +([\d.]+)", told)[0])
    p50, p99 = (milliseconds(re.findall(rf"{share}% +([\d.]+)(\w+)", told)[0]) for share in (50, 99))
    other = int((re.findall(r"Non-2xx or 3xx responses: (\d+)", told) or ["0"])[0])
    count = int(re.findall(r"(\d+) requests in", told)[0])
    return Measured(rate, rate * (count - other) / max(count, 1), p50, p99, other, used)


def milliseconds(told: tuple[str, str]) -> float:
    return float(told[0]) * {"us": 0.001, "ms": 1, "s": 1000}[told[1]]

"""What the benchmarks share: the machine they ran on, where the data is, and how time is taken (wall clock, median)."""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).parents[1]


def machine() -> str:
    """One line: processor, cores, system, versions."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    cpu = names[0] if names else platform.processor() or platform.machine()
    parts = [cpu, f"{os.cpu_count()} cores", platform.system(), f"Python {platform.python_version()}"]
    for name in ("onnxruntime", "numpy", "pillow"):
        try:
            parts.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(parts)


def data_folder(*needed: str) -> Path:
    """MIEN_DATA, or else `../shared/data` beside the checkout; ends the script where it lacks what is needed."""
    data = Path(os.environ.get("MIEN_DATA") or ROOT.parent / "shared" / "data")
    if missing := [name for name in needed if not (data / name).exists()]:
        sys.exit(f"{data} holds no {' and no '.join(missing)}: set MIEN_DATA to the development data")
    return data


def head(*names: str) -> None:
    """Print the first two lines of a Markdown table, which the docs quote; `row` prints the others."""
    print(f"\n| {' | '.join(names)} |\n{'|---' * len(names)}|")


def row(*cells: object) -> None:
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def median_seconds(step: Callable[[], object], times: int) -> float:
    """The median time of a step, after one that does not count."""
    step()
    return statistics.median(seconds(step) for _ in range(times))


def seconds(step: Callable[[], object]) -> float:
    """How long a step takes."""
    start = time.perf_counter()
    step()
    return time.perf_counter() - start

"""What the base install weighs: size on disk, time to import, time and memory of one cold `mien predict`.

    python benchmarks/footprint.py

Builds a wheel from this checkout and installs it, without extras, in a fresh environment in a temporary folder. Needs
the standard library, the package index, and about two minutes.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import NamedTuple

from common import ROOT, data_folder, head, machine, row

TIMES = 7
MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024  # of one unit of ru_maxrss

TIMED = """
import json, resource, subprocess, sys, time
began = time.perf_counter()
status = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
seconds = time.perf_counter() - began
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([seconds, used.ru_utime + used.ru_stime, used.ru_maxrss, status]))
"""
"""Runs a command from a small process: what a new process holds at most begins with what its parent holds."""


class Run(NamedTuple):
    """A finished process: wall clock, processor time, and the most memory it held at once."""

    seconds: float
    processor_seconds: float
    peak_mb: float


def main() -> None:
    photo = data_folder("media/single_face.jpg") / "media" / "single_face.jpg"
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder) / "venv"
        venv.create(environment, with_pip=True)
        bare, bare_disk = megabytes(environment)
        install(environment, Path(folder) / "wheel")
        full, full_disk = megabytes(environment)
        python, mien = str(environment / "bin" / "python"), str(environment / "bin" / "mien")
        first = run(mien, "predict", str(photo))
        predictions = [run(mien, "predict", str(photo)) for _ in range(TIMES)]
        empty = median([run(python, "-c", "pass") for _ in range(TIMES)])
        imported = median([run(python, "-c", "import mien") for _ in range(TIMES)])
    print(machine())
    print(f"\nbase install, in whole blocks of this disk       {full_disk - bare_disk:7.1f} MB")
    print(f"python -c 'import mien', with Python's start     {imported:7.3f} s")
    print(f"the very first mien predict                      {first.seconds:7.3f} s\n")
    rows = [
        (f"the base install, beside {bare:.1f} MB of Python and pip", full - bare, 200, "MB"),
        ("`import mien`, less Python's own start", imported - empty, 0.25, "s"),
        (f"`mien predict photo.jpg`, cold, median of {TIMES}", median(predictions), 1.2, "s"),
        ("its peak memory", max(r.peak_mb for r in predictions), 350, "MB"),
    ]
    head("what", "it takes", "aim")
    for name, value, limit, unit in rows:
        digits = 3 if unit == "s" else 1
        over = f": too much by {value - limit:.{digits}f}" if value > limit else ""
        row(name, f"{value:.{digits}f} {unit}{over}", f"{limit:g} {unit}")


def install(environment: Path, wheels: Path) -> None:
    """Install this checkout's wheel, without extras, with the versions of `constraints.txt`."""
    pip = [str(environment / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(wheels), str(ROOT)], check=True)
    (wheel,) = wheels.glob("mien-*.whl")
    subprocess.run([*pip, "install", "--constraint", str(ROOT / "constraints.txt"), str(wheel)], check=True)


def run(*command: str) -> Run:
    environment = os.environ | {"PYTHONPATH": ""}
    told = subprocess.run(
        [sys.executable, "-I", "-c", TIMED, *command], env=environment, check=True, text=True, stdout=subprocess.PIPE
    )
    seconds, processor, peak, status = json.loads(told.stdout)
    if status:
        sys.exit(f"{' '.join(command)} ended with exit code {status}")
    return Run(seconds, processor, peak * MAXRSS_BYTES / 1e6)


def median(runs: list[Run]) -> float:
    return statistics.median(r.seconds for r in runs)


def megabytes(folder: Path) -> tuple[float, float]:
    """A folder's files in MB (10^6 bytes), links not followed: their sizes, and what they take on this disk."""
    files = [path.lstat() for path in folder.rglob("*") if not path.is_dir()]
    return sum(file.st_size for file in files) / 1e6, sum(file.st_blocks for file in files) * 512 / 1e6


if __name__ == "__main__":
    main()

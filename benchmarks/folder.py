"""A folder of 3,589 face crops, each a PNG file of 48 x 48: faces per second from the command line and from Python.

    python benchmarks/folder.py

Needs pyarrow and `mien` installed beside this interpreter. Two threads.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
from common import data_folder, head, machine, row, seconds

import mien

THREADS = 2


def main() -> None:
    data = data_folder("fer2013/valid.parquet")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write(data / "fer2013" / "valid.parquet", folder)
        recognizer = mien.load(threads=THREADS)
        command = [
            str(Path(sys.executable).with_name("mien")),
            "predict",
            name,
            "--crop",
            "whole",
            "--threads",
            str(THREADS),
        ]
        rows = {
            "`mien predict`, with its start-up": lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True),
            "`Recognizer.predict`": lambda: recognizer.predict(paths, crop="whole"),
        }
        print(machine())
        head(f"{len(paths):,} PNG files of 48x48, `--crop whole`, {THREADS} threads", "faces/s")
        for label, step in rows.items():
            row(label, f"{len(paths) / seconds(step):,.0f}")


def write(table: Path, folder: Path) -> list[Path]:
    """Write a table's images as files, in its order."""
    paths = []
    for i, image in enumerate(pq.read_table(table, columns=["image"]).column("image").to_pylist()):
        paths.append(folder / f"{i:05d}.png")
        paths[-1].write_bytes(image["bytes"])
    return paths


if __name__ == "__main__":
    main()

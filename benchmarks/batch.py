"""`mien batch` on two cores: beside `mien predict` and the network alone, its memory, its growth, and its resuming.

    python benchmarks/batch.py [--share 0.1] [--ray]

The share makes all but the smallest run of each kind smaller; `--ray` adds a Ray cluster of two nodes on this machine.
Needs pyarrow, and Linux's /proc. Every figure is of one run, every ratio of figures of the same one; the commands'
times have their start in them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import distribution
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from common import ROOT, data_folder, head, machine, row, seconds
from folder import write
from photo import photo
from PIL import Image

import mien

WORKERS = 2
CROPS, PHOTOS = 20_000, 1_000
SIZES = 1_000, 10_000, 100_000
MIEN = (sys.executable, "-m", "mien")
LISTED_S = 0.1  # between two looks at the memory of a run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--ray", action="store_true")
    asked = parser.parse_args()
    share: float = asked.share
    data = data_folder("fer2013/train.parquet", "media/single_face.jpg")
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        crops(data / "fer2013" / "train.parquet", folder, int(CROPS * share))
        photos(data / "media" / "single_face.jpg", folder, int(PHOTOS * share))
        growth(data / "fer2013" / "train.parquet", folder, [SIZES[0], *(int(size * share) for size in SIZES[1:])])
        killed(folder / "1.parquet", folder)
        if asked.ray:
            cluster(folder / "crops.parquet", folder)
    sizes = {name: size(name) for name in ("pyarrow", "fsspec")}
    print("\nthe extra:", ", ".join(f"{name} {megabytes:.0f} MB" for name, megabytes in sizes.items()))


def crops(table: Path, folder: Path, count: int) -> None:
    """Face crops of 48 x 48: the network alone, the two commands."""
    taken = pq.read_table(table).slice(0, count)
    pq.write_table(taken, folder / "crops.parquet")
    paths = write(folder / "crops.parquet", made(folder / "png"))
    recognizer = mien.load(threads=WORKERS)
    cut = [np.asarray(Image.open(BytesIO(image.as_py()))) for image in taken["image"].combine_chunks().field("bytes")]
    head(f"{len(paths):,} crops of 48 x 48, {WORKERS} cores", "images/s", "of `mien predict`", "of the network")
    network = rate(lambda: recognizer.logits(cut), count)
    row("the network alone, two threads", f"{network:,.0f}", "", "")
    predict = ["predict", folder / "png", "--crop", "whole", "--threads", WORKERS, "--out", folder / "png.parquet"]
    before = rate(lambda: command(*predict), count)
    row("`mien predict --out x.parquet`, PNG files", f"{before:,.0f}", "", f"{before / network:.2f}")
    for name, source in (("parquet", "crops.parquet"), ("PNG files", "png")):
        now = rate(partial(batch, folder / source, folder / name, "--crop", "whole"), count)
        row(f"`mien batch`, {name}", f"{now:,.0f}", f"{now / before:.2f}", f"{now / network:.2f}")


def photos(path: Path, folder: Path, count: int) -> None:
    """Photos of 1382 x 1868 as files: Python on two threads, and the command."""
    jpeg = photo(path)
    paths = [made(folder / "photos") / f"{number:05}.jpg" for number in range(count)]
    for path in paths:
        path.write_bytes(jpeg)
    recognizer = mien.load(threads=WORKERS)
    head(f"{count:,} photos of 1382 x 1868, {WORKERS} cores", "images/s", "of `Recognizer.predict`")
    python = rate(lambda: recognizer.predict(paths), count)
    row("`Recognizer.predict`, two threads", f"{python:,.0f}", "")
    now = rate(lambda: batch(folder / "photos", folder / "c"), count)
    row("`mien batch`", f"{now:,.0f}", f"{now / python:.2f}")


def growth(table: Path, folder: Path, sizes: Sequence[int]) -> None:
    """Crops by repetition: time, and the most that any one process held."""
    taken = pq.read_table(table, columns=["image"])
    head("images", "s", "images/s", "the largest process")
    for number, count in enumerate(sizes):
        times = -(-count // len(taken))
        pq.write_table(pa.concat_tables([taken] * times).slice(0, count), folder / f"{number}.parquet")
        words = batch_words(folder / f"{number}.parquet", folder / f"out{number}", "--crop", "whole")
        began = time.perf_counter()
        held = watched(words)
        took = time.perf_counter() - began
        row(f"{count:,}", f"{took:.1f}", f"{count / took:,.0f}", f"{held / 2**20:.0f} MB")


def killed(table: Path, folder: Path) -> None:
    """A run killed -9 with its workers in mid-run, and gone on with."""
    out = folder / "killed"
    process = subprocess.Popen(batch_words(table, out, "--crop", "whole"), stderr=subprocess.DEVNULL)
    while len(list(out.glob("rows/*"))) < 3:
        time.sleep(0.01)
    process.kill()
    process.wait()
    before = len(list(out.glob("rows/*")))
    batch(table, out, "--crop", "whole", "--resume")
    rows, whole = (ds.dataset(each / "rows").to_table() for each in (out, folder / "out1"))
    print(
        f"\nkilled after {before} parts and gone on with: the rows are those of the unbroken run: {rows.equals(whole)}"
    )


def cluster(table: Path, folder: Path) -> None:
    """A Ray cluster of two nodes of a core each: beside the two processes of one machine; and with a node lost."""
    sys.path.append(str(ROOT / "tests"))
    from nodes import Nodes

    count = pq.read_metadata(table).num_rows
    head(f"{count:,} crops of 48 x 48, the same two cores", "images/s", "of two processes", "the files are the same")
    alone = rate(lambda: batch(table, folder / "alone", "--crop", "whole"), count)
    row("two processes", f"{alone:,.0f}", "", "")
    nodes = Nodes(made(folder / "ray"), os.environ)
    try:
        ray = [*nodes.within, *batch_words(table, folder / "nodes", "--crop", "whole", "--ray", nodes.address)]
        both = rate(lambda: subprocess.run(ray, stderr=subprocess.DEVNULL, check=True), count)
        row("two nodes of Ray", f"{both:,.0f}", f"{both / alone:.2f}", same(folder / "alone", folder / "nodes"))
        ray = [*nodes.within, *batch_words(table, folder / "lost", "--crop", "whole", "--ray", nodes.address)]
        process = subprocess.Popen(ray, stderr=subprocess.DEVNULL)
        while len(list(folder.glob("lost/rows/*"))) < 3:
            time.sleep(0.01)
        nodes.lose()
        ended = process.wait()
        print(
            f"\na node lost: it ended with {ended}; the files are the same: {same(folder / 'alone', folder / 'lost')}"
        )
    finally:
        nodes.end()


def same(one: Path, other: Path) -> bool:
    """Whether two runs put the same files."""
    first, second = ({path.name: path.read_bytes() for path in out.glob("rows/*")} for out in (one, other))
    return first == second


def batch_words(source: Path, out: Path, *words: str) -> list[str]:
    return [*map(str, (*MIEN, "batch", source, "--out", out, "--workers", WORKERS)), *words]


def batch(source: Path, out: Path, *words: str) -> None:
    subprocess.run(batch_words(source, out, *words), stderr=subprocess.DEVNULL, check=True)


def command(*words: object) -> None:
    subprocess.run([*MIEN, *map(str, words)], stderr=subprocess.DEVNULL, check=True)


def rate(step: Callable[[], object], count: int) -> float:
    """Images a second."""
    return count / seconds(step)


def watched(words: Sequence[str]) -> int:
    """Run a command; the most bytes that any of its processes held in memory."""
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL, start_new_session=True)
    most = 0
    while process.poll() is None:
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                if os.getsid(int(status.parent.name)) == process.pid:
                    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
                    most = max(most, int(lines.get("VmHWM", "0 kB").split()[0]) * 1024)
            except OSError:  # it has ended
                continue
        time.sleep(LISTED_S)
    if process.returncode:
        sys.exit(f"{' '.join(words)} ended with {process.returncode}")
    return most


def made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


def size(package: str) -> float:
    """Of a package as it is installed, in MB."""
    files = distribution(package).files or ()
    return sum(Path(str(file.locate())).stat().st_size for file in files if Path(str(file.locate())).exists()) / 1e6


if __name__ == "__main__":
    main()

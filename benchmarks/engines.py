"""The code of docs/engines.md, run as it stands there: are the rows right, also when a worker is killed?

    python benchmarks/engines.py daft --python /path/to/its/environment/bin/python
    python benchmarks/engines.py spark --python ...
    python benchmarks/engines.py ray

Each engine runs in a network of its own, that has nothing but loopback (`unshare` of Linux), and needs mien's own
packages beside it; Spark needs Java. Of ten images seven are faces, one is a JPEG that its camera held upright, one is
half a JPEG, and one is none.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from common import ROOT, data_folder, machine
from PIL import Image

import mien
from mien.batch import read_table

FILES = 4
TITLES = {"daft": "Daft", "ray": "Ray Data", "spark": "Spark"}
SETTINGS = {"spark": {"PYSPARK_SUBMIT_ARGS": "--master local[2,4] --conf spark.ui.enabled=false pyspark-shell"}}
ALONE = ("unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
ROTATED = 6  # of EXIF: a camera that was held upright
WATCHED = ROOT / "tests" / "batch" / "watched"
LIMIT_S = 300.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine", choices=TITLES)
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="of the engine's environment")
    parser.add_argument("--images", type=int, default=2_000)
    asked = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "read.py").write_text(code(TITLES[asked.engine]), encoding="utf-8")
        images = made(data_folder("fer2013/valid.parquet") / "fer2013" / "valid.parquet", asked.images)
        (folder / "in").mkdir()
        for number, start in enumerate(range(0, len(images), size := -(-len(images) // FILES))):
            pq.write_table(images.slice(start, size), folder / "in" / f"{number}.parquet")
        began = time.perf_counter()
        expected = read_table(images, mien.load())
        print(f"\nread_table alone, one core: {len(images) / (time.perf_counter() - began):,.0f} images/s")
        for kills in (False, True):
            run = Run(folder, asked.engine, asked.python, kills)
            print(f"{TITLES[asked.engine]}{', a worker killed' if kills else ''}: {run.told(expected)}")


class Run:
    """One run of a page's code.

    Args:
        folder: with the code and the images.
        engine: one of `TITLES`.
        python: of its environment.
        kills: whether the first worker that has opened the model is killed, a second after that.
    """

    def __init__(self, folder: Path, engine: str, python: Path, kills: bool) -> None:
        self.out, watch = folder / f"out{kills:d}", folder / f"watch{kills:d}"
        watch.mkdir()
        environment = os.environ | SETTINGS.get(engine, {}) | {"WATCH": str(watch), "PYSPARK_PYTHON": str(python)}
        environment |= {"PYTHONPATH": os.pathsep.join([str(WATCHED), str(ROOT / "src")]), "RAY_TMPDIR": str(folder)}
        words = [*ALONE, str(python), str(folder / "read.py"), str(folder / "in"), str(self.out)]
        began = time.perf_counter()
        with (folder / f"log{kills:d}").open("wb") as log:
            process = subprocess.Popen(words, env=environment, stdout=log, stderr=log)
            if kills:
                worker = next(each for each in loaders(watch, process) if each != process.pid)
                time.sleep(1)
                os.kill(worker, signal.SIGKILL)
            try:
                self.code: int | None = process.wait(LIMIT_S)
            except subprocess.TimeoutExpired:
                self.code = None
                process.kill()
                process.wait()
        self.took = time.perf_counter() - began
        opened = watch / "opened"
        lines = opened.read_text().splitlines() if opened.exists() else []
        self.loads = Counter(line.split()[0] for line in lines if line.endswith("model.onnx"))
        self.log = (folder / f"log{kills:d}").read_text(errors="replace")

    def told(self, expected: pa.Table) -> str:
        """What came of it."""
        if self.code is None:
            return f"not done after {LIMIT_S:.0f} s"
        tables, torn = [], 0
        for path in sorted(self.out.rglob("*.parquet")):
            try:
                tables.append(pq.read_table(path))
            except pa.ArrowInvalid:
                torn += 1
        if not tables:
            return f"ended with {self.code}, no rows; {self.log.strip().splitlines()[-1]}"
        by = [("id", "ascending"), ("face", "ascending")]
        got = pa.concat_tables(tables).select(expected.schema.names).cast(expected.schema).sort_by(by)
        ids = Counter(got.column("id").to_pylist())
        doubled = sum(count > 1 for number, count in ids.items())
        right = got.equals(expected.sort_by(by))
        order = "kept" if pa.concat_tables(tables).column("id").equals(got.column("id")) else "lost"
        return (
            f"ended with {self.code} after {self.took:.1f} s, rows {'right' if right else 'WRONG'}: {len(got):,} of "
            f"{len(expected):,}, {doubled:,} images doubled, {torn} files torn, order {order}; "
            f"the model was loaded {self.loads.total()} times by {len(self.loads)} processes"
        )


def code(title: str) -> str:
    """The script under a heading of the page."""
    page = (ROOT / "docs" / "engines.md").read_text(encoding="utf-8")
    found = re.search(rf"^## {title}\n.*?^```python\n(.*?)^```", page, re.M | re.S)
    assert found is not None, title
    return found[1]


def made(table: Path, count: int) -> pa.Table:
    """Images of all kinds in turn, each with its number."""
    faces = [cell["bytes"] for cell in pq.read_table(table, columns=["image"]).column("image").to_pylist()]
    photo, exif = Image.fromarray(np.zeros((60, 120, 3), np.uint8)), Image.Exif()
    exif[0x112] = ROTATED
    portrait = BytesIO()
    photo.save(portrait, "JPEG", exif=exif)
    others = [portrait.getvalue(), portrait.getvalue()[: len(portrait.getvalue()) // 2], b"these are words"]
    kinds = [others[number % 10 - 7] if number % 10 > 6 else faces[number % len(faces)] for number in range(count)]
    return pa.table({"id": list(range(count)), "image": pa.array(kinds, pa.binary())})


def loaders(watch: Path, process: subprocess.Popen[bytes]) -> Iterator[int]:
    """The processes that open the model, as they do."""
    seen = 0
    while process.poll() is None:
        with suppress(FileNotFoundError):
            lines = [line for line in (watch / "opened").read_text().splitlines() if line.endswith("model.onnx")]
            yield from (int(line.split()[0]) for line in lines[seen:])
            seen = len(lines)
        time.sleep(0.05)
    raise SystemExit("the run ended before a worker could be killed: more --images")


if __name__ == "__main__":
    main()

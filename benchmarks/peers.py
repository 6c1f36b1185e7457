"""mien beside the readers of expressions that package indexes hold with their weights, in one run.

    python benchmarks/peers.py [--environments FOLDER] [--share 1.0]

Each reader has an environment of its own, built here once, and runs in it (`reader.py`, `reader.cjs`), on one core and
without a network, at the same time as the others. Times are the processor's. An environment has what the reader needs
to run (such as TensorFlow's CPU build), which may be less than its package asks for. Who cannot be installed or
breaks off is told above the tables. Needs pyarrow, the package indexes, Node with npm, and when it builds some 10 GB.

FER2013's public split is judged here, on which mien chose its epochs and calibration.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import tempfile
import venv
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from statistics import median
from typing import IO, Any

import numpy as np
import pyarrow.parquet as parquet
from common import ROOT, data_folder, head, machine, row
from footprint import install, megabytes, run

from mien.datasets import open_dataset
from mien.datasets.base import NO_LABEL, VOTES
from mien.labels import FER7, FERPLUS8

TENSORFLOW = ("tensorflow-cpu==2.21.0", "numpy==2.4.6", "pillow==13.0.0", "setuptools==80.9.0")
OPENCV = "opencv-python==4.13.0.92"
WASM = ("@tensorflow/tfjs@4.22.0", "@tensorflow/tfjs-backend-wasm@4.22.0", "@canvas/image@2.0.0")
WORDS = {
    "anger": "angry",
    "disgusted": "disgust",
    "fearful": "fear",
    "sadness": "sad",
    "surprised": "surprise",
}
"""What readers say, in small letters, and mien's word for it; they share the others."""
VALID, PHOTOS = "valid, read as crops", "valid, read as photos"
DISPUTED, LEARNT = "valid, label disputed", "train, label disputed"
LONDON, NEWS, NEWS_CROPS = "london, read as photos", "news, read as photos", "news, read as crops"
PNG = b"\x89PNG"
COLD = 3
AGREED = 8  # of FER+'s ten people
ALONE = 1  # of the ten at most say what FER2013's label says: it is taken to be wrong


Row = tuple[bytes, dict[str, str]]
"""An image file's content, and what is true of it."""


@dataclass(frozen=True)
class Peer:
    """A reader, and how it is installed: its own package as it is, then what that needs."""

    name: str
    package: str = ""
    needs: tuple[str, ...] = ()
    every: int = 1  # it reads so many-th of FER2013's crops: those that take long read fewer

    @property
    def node(self) -> bool:
        return self.package.startswith("@")

    @property
    def version(self) -> str:
        return re.split("==|@", self.package)[-1]


PEERS = (
    Peer("mien"),
    Peer("mien-fer7"),
    Peer("fer", "fer==25.10.3", (*TENSORFLOW, OPENCV, "pandas==3.1.1", "matplotlib", "requests", "tqdm")),
    Peer("face-api", "@vladmandic/face-api@1.7.15", WASM, every=4),
    Peer("human", "@vladmandic/human@3.3.6", WASM, every=4),
    Peer("PyEmotion", "PyEmotion==1.0.0", ("facenet-pytorch==2.6.0", "opencv-python==4.11.0.86", "art", "termcolor")),
    Peer("facex", "facex==1.1.0", (*TENSORFLOW, "opencv-contrib-python==4.13.0.92", "scikit-image==0.26.0"), every=4),
    Peer("facemood", "facemood==1.0.1", (*TENSORFLOW, OPENCV), every=4),
)


@dataclass(frozen=True)
class Image:
    """An image file and what is true of it: a word in each of some worlds of labels."""

    path: Path
    truth: dict[str, str]


@dataclass(frozen=True)
class Task:
    """Images, read as face crops or as photos."""

    name: str
    images: Sequence[Image]
    crop: bool


@dataclass
class Score:
    """What one reader said of a task's images."""

    ms: list[float] = field(default_factory=list)
    faceless: int = 0
    right: dict[str, list[bool]] = field(default_factory=dict)

    def add(self, answer: dict[str, Any], truth: dict[str, str]) -> None:
        self.ms.append(answer["ms"])
        self.faceless += not answer["word"]
        for world, word in truth.items():
            self.right.setdefault(world, []).append(answer["word"] == word)

    def share(self, world: str) -> str:
        """How many are right in a world of labels."""
        return f"{np.mean(self.right[world]):.0%}"

    def share_found(self, world: str) -> str:
        """The same, and of how many no face was found."""
        return f"{self.share(world)} ({self.faceless / len(self.ms):.0%})"


class Reader:
    """A peer's process, started with the first question."""

    def __init__(self, peer: Peer, environments: Path) -> None:
        self.peer, self.why = peer, ""
        self.scores: dict[str, Score] = {}
        self._said: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115 # as long as the process
        self._process: subprocess.Popen[str] | None = None
        self.folder = environments / ("mien" if peer.name.startswith("mien") else peer.name)
        try:
            built(self.folder, peer.package, peer.needs)
        except subprocess.CalledProcessError as error:
            self.why = f"not installed: {last_line(error.stderr)}"

    @property
    def command(self) -> list[str]:
        if self.peer.node:
            return [*confined(), "node", str(ROOT / "benchmarks" / "reader.cjs"), self.peer.name, str(self.folder)]
        return [
            *confined(),
            str(self.folder / "bin" / "python"),
            str(ROOT / "benchmarks" / "reader.py"),
            self.peer.name,
        ]

    def ask(self, image: Image, crop: bool) -> dict[str, Any] | None:
        """Its answer; None, and `why`, once it has broken off."""
        if self.why:
            return None
        if self._process is None:
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(
                self.command, stdin=pipe, stdout=pipe, stderr=self._said, text=True, bufsize=1
            )
        assert self._process.stdin
        assert self._process.stdout
        try:
            self._process.stdin.write(json.dumps({"path": str(image.path), "crop": crop}) + "\n")
            answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError):
            self._said.seek(0)
            self.why = f"breaks off at {image.path.name}: {last_line(self._said.read())}"
            self._process = None
            return None
        word = (answer["word"] or "").lower()
        return answer | {"word": WORDS.get(word, word)}

    def read(self, tasks: Sequence[Task]) -> None:
        for task in tasks:
            step = self.peer.every if task.name == VALID else 1
            for image in task.images[::step]:
                if answer := self.ask(image, task.crop):
                    self.scores.setdefault(task.name, Score()).add(answer, image.truth)
        if self._process and self._process.stdin:
            self._process.stdin.close()
            self._process.wait()

    @property
    def megabytes(self) -> float:
        """Of what its packages take, without pip."""
        if self.peer.node:
            return megabytes(self.folder / "node_modules")[0]
        (packages,) = self.folder.glob("lib/python*/site-packages")
        return megabytes(packages)[0] - sum(megabytes(pip)[0] for pip in packages.glob("pip*"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environments", type=Path, default=Path(tempfile.gettempdir()) / "mien-peers")
    parser.add_argument("--share", type=float, default=1.0, help="of each task's images (default: all)")
    given = parser.parse_args()
    data = data_folder("fer2013/valid.parquet", "elsewhere/news.parquet", "media/single_face.jpg")
    readers = [Reader(peer, given.environments) for peer in PEERS]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(len(readers)) as together:
        tasks = list(tasks_in(data, Path(folder), given.share))
        list(together.map(lambda reader: reader.read(tasks), readers))
    print(machine())
    print(*(f"{reader.peer.name}: {reader.why}" for reader in readers if reader.why), sep="\n")
    images = {task.name: len(task.images) for task in tasks}
    working = [reader for reader in readers if not reader.why]
    judged(working, images)
    costs(working, data / "media" / "single_face.jpg")
    disputes(working, images)


def tasks_in(data: Path, folder: Path, share: float) -> Iterator[Task]:
    """What is read; images become files in a folder."""

    def task(name: str, rows: Sequence[Row], limit: int, crop: bool) -> Task:
        """So many of the rows, evenly spread."""
        wanted = max(1, round(share * min(limit, len(rows))))
        images = []
        for number in np.linspace(0, len(rows) - 1, wanted).round().astype(int):
            content, truth = rows[number]
            path = folder / f"{name} {number}{'.png' if content.startswith(PNG) else '.jpg'}"
            path.write_bytes(content)
            images.append(Image(path, truth))
        return Task(name, images, crop)

    valid, train = (fer2013(data / "fer2013" / f"{split}.parquet") for split in ("valid", "train"))
    yield task(VALID, [row[:2] for row in valid], len(valid), crop=True)
    yield task(DISPUTED, [row[:2] for row in valid if disputed(*row[1:])], 250, crop=True)
    yield task(LEARNT, [row[:2] for row in train if disputed(*row[1:])], 250, crop=True)
    yield task(PHOTOS, [row[:2] for row in valid], 200, crop=False)
    london, news = (elsewhere(data / "elsewhere" / f"{name}.parquet") for name in ("london", "news"))
    yield task(LONDON, london, 102, crop=False)
    yield task(NEWS, news, 400, crop=False)
    yield task(NEWS_CROPS, news, 400, crop=True)


def fer2013(path: Path) -> list[tuple[bytes, dict[str, str], dict[str, int]]]:
    """Its images, what is true of each in two worlds of labels, and how many of ten people say what."""
    dataset = open_dataset(path)
    targets = {"FER2013": (FER7, dataset.targets(FER7)), "FER+": (FERPLUS8, dataset.targets(FERPLUS8))}
    contents = parquet.read_table(path, columns=["image"])["image"].to_pylist()
    rows = []
    for number, (example, content) in enumerate(zip(dataset.examples, contents, strict=True)):
        truth = {
            world: labels.emotions[target[number]]
            for world, (labels, target) in targets.items()
            if target[number] != NO_LABEL
        }
        rows.append((content["bytes"], truth, dict(zip(VOTES, example.votes, strict=False))))
    return rows


def disputed(truth: dict[str, str], votes: dict[str, int]) -> bool:
    """Whether nearly all people saw another of FER2013's seven expressions than its label says."""
    crowd = truth.get("FER+", "contempt")
    return crowd in FER7 and votes[crowd] >= AGREED and votes[truth["FER2013"]] <= ALONE


def elsewhere(path: Path) -> list[Row]:
    """Images whose label every reader knows."""
    rows = parquet.read_table(path, columns=["image", "label"]).to_pylist()
    return [(row["image"]["bytes"], {"right": row["label"]}) for row in rows if row["label"] in FER7]


@cache
def built(folder: Path, package: str, needs: tuple[str, ...]) -> None:
    """A reader's environment: mien's is made anew, since mien changes. Raises `subprocess.CalledProcessError`."""
    if package and (folder / "finished").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    if package.startswith("@"):
        folder.mkdir(parents=True)
        done("npm", "install", "--prefix", str(folder), "--ignore-scripts", "--no-fund", "--no-audit", package, *needs)
    else:
        venv.create(folder, with_pip=True)
        pip = (str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet", "install")
        if package:
            done(*pip, "--no-deps", package)
            done(*pip, *needs)
        else:
            with tempfile.TemporaryDirectory() as wheels:
                install(folder, Path(wheels))
    (folder / "finished").touch()


def done(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


@cache
def confined() -> tuple[str, ...]:
    """What a command begins with to run without a network, where the system has that."""
    alone = ("unshare", "--map-root-user", "--net")
    offline = shutil.which("unshare") and not subprocess.run([*alone, "true"], stderr=subprocess.DEVNULL).returncode
    return alone if offline else ()


def last_line(said: str) -> str:
    return ([line.strip() for line in said.splitlines() if line.strip()] or ["without a word"])[-1][:200]


def judged(readers: Sequence[Reader], images: Mapping[str, int]) -> None:
    """Prints how often the readers are right; `images` says how many each task has."""
    crops = ("FER2013's crops: FER+ majority of 8", "its own 7 labels", "read")
    photos = (f"the same as photos, {images[PHOTOS]}: FER+ (no face)", f"news, {images[NEWS]}, as photos (no face)")
    head("right", *crops, *photos, "as crops", f"London, {images[LONDON]}, as photos")
    for reader in readers:
        valid, photographed, news, cropped, london = (
            reader.scores[name] for name in (VALID, PHOTOS, NEWS, NEWS_CROPS, LONDON)
        )
        right = (valid.share("FER+"), valid.share("FER2013"), len(valid.ms))
        found = (photographed.share_found("FER+"), news.share_found("right"))
        row(reader.peer.name, *right, *found, cropped.share("right"), london.share("right"))


def costs(readers: Sequence[Reader], photo: Path) -> None:
    """Prints what the readers take to read, to install and to begin."""
    times = ("ms a crop", "ms a photo: London, about 720 px", "news, 200 px")
    head("reader", "version", *times, "installed, MB", "new process to a photo's answer, s", "memory at most, MB")
    for reader in readers:
        cold = [run(*reader.command, str(photo)) for _ in range(COLD)]
        seconds, memory = median(each.processor_seconds for each in cold), max(each.peak_mb for each in cold)
        taken = (f"{median(reader.scores[name].ms):.1f}" for name in (VALID, LONDON, NEWS))
        row(reader.peer.name, reader.peer.version, *taken, f"{reader.megabytes:.0f}", f"{seconds:.2f}", f"{memory:.0f}")


def disputes(readers: Sequence[Reader], images: Mapping[str, int]) -> None:
    """Prints what the readers say where people see one thing and the label says another."""
    sides = {"what people see": "FER+", "what the label says": "FER2013"}
    asked = {"valid": DISPUTED, "train": LEARNT}
    head(f"says, of {images[DISPUTED]} such faces", *(f"of {split}: {side}" for split in asked for side in sides))
    for reader in readers:
        scores = [reader.scores[name] for name in asked.values()]
        row(reader.peer.name, *(score.share(world) for score in scores for world in sides.values()))


if __name__ == "__main__":
    main()

"""Crops that are held or read anew: the same crops, each once an epoch, and no more of them at once than fit."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn import write_parquet
from waiting import WAIT_S

from mien.datasets import Dataset, open_dataset
from mien.datasets.base import Example
from mien.errors import DataError, ImageError
from mien.image import Pixels
from mien.intake import ImageSource
from mien.memory import memory
from mien.training.batches import store
from mien.training.batches.data import buffer_for, load_split
from mien.training.batches.store import Crops, Held, Streamed
from mien.training.recipes.recipe import Recipe

N, BATCH = 103, 10
CPU = torch.device("cpu")
Epoch = list[tuple[list[int], list[int]]]


class Row:
    """A source in a row group of eight."""

    def __init__(self, row: int) -> None:
        self.row, self.together = row, row // 8

    def __bytes__(self) -> bytes:
        return bytes([self.row])


def crop(source: ImageSource) -> Pixels:
    """Of one pixel, which is its row."""
    return np.frombuffer(bytes(source), np.uint8).reshape(1, 1, 1)  # type: ignore[arg-type]


def streamed(buffer: int, read: Callable[[ImageSource], Pixels] = crop, n: int = N) -> Streamed:
    examples = [Example(f"{row}", Row(row), "happy") for row in range(n)]
    return Streamed(examples, read, buffer, hashlib.sha256(bytes(range(n))), CPU)


def held(n: int = N) -> Held:
    return Held(torch.arange(n, dtype=torch.uint8).reshape(-1, 1, 1, 1))


def epoch(crops: Crops, seed: int, part: Callable[[int], slice] = lambda n: slice(n)) -> Epoch:
    """Of each batch its rows, and what was on the crops."""
    generator = torch.Generator().manual_seed(seed)
    batches = crops.shuffled(generator, BATCH, len(crops) // BATCH + 1, part)
    return [(rows.tolist(), pixels.flatten().tolist()) for rows, pixels in batches]


@pytest.mark.parametrize("crops", [held(), streamed(20), streamed(1), streamed(1000)], ids=["held", "20", "1", "1000"])
def test_an_epoch_has_every_crop_once(crops: Crops) -> None:
    first, again, other = epoch(crops, 0), epoch(crops, 0), epoch(crops, 1)
    assert all(rows == seen for rows, seen in first)
    assert sorted(row for rows, _ in first for row in rows) == list(range(N))
    assert [len(rows) for rows, _ in first] == [BATCH] * 10 + [3]
    assert first == again != other
    assert crops.of(torch.tensor([3, 99, 3])).flatten().tolist() == [3, 99, 3]
    assert len(crops) == N
    assert crops.digest().digest() == hashlib.sha256(bytes(range(N))).digest()


@pytest.mark.parametrize("crops", [held(), streamed(20)], ids=["held", "streamed"])
def test_processes_share_what_one_would_see(crops: Crops) -> None:
    alone = epoch(crops, 3)
    parts = [epoch(crops, 3, lambda n, at=at: slice(n * at // 3, n * (at + 1) // 3)) for at in range(3)]  # type: ignore[misc]
    for batch, shared in zip(alone, zip(*parts, strict=True), strict=True):
        assert all(rows == batch[0] for rows, _ in shared)
        assert [row for _, seen in shared for row in seen] == batch[1]


@pytest.mark.parametrize("buffer", [1, 20, 60])
def test_no_more_wait_than_the_buffer_holds(buffer: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "AT_ONCE", 1)
    monkeypatch.setattr(store, "AHEAD", 1)
    read: list[int] = []

    def spy(source: ImageSource) -> Pixels:
        pixels = crop(source)
        read.append(int(pixels.item()))
        return pixels

    crops, most, done = streamed(buffer, spy), 0, 0
    for rows, _ in crops.shuffled(torch.Generator().manual_seed(0), BATCH, N // BATCH, lambda n: slice(n)):
        most = max(most, len(read) - done)
        done += len(rows)
    assert most <= buffer + BATCH
    assert len(read) == len(set(read))
    groups = [row // 8 for row in read]
    changes = sum(one != other for one, other in pairwise(groups))
    assert changes == len(set(groups)) - 1  # each row group is read at once
    assert groups != sorted(groups)


def test_an_image_that_is_gone_since_is_told() -> None:
    def gone(source: ImageSource) -> Pixels:
        raise ImageError("no such file")

    with pytest.raises(DataError, match="3 could be read when training began, and now cannot: no such file"):
        streamed(20, gone).of(torch.tensor([3]))
    with pytest.raises(DataError, match="now cannot"):
        epoch(streamed(20, gone), 0)


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return open_dataset(write_parquet(tmp_path_factory.mktemp("faces"), 4)).split("train")


def test_a_split_is_the_same_either_way(tiny: Recipe, faces: Dataset) -> None:
    broken = Example("broken", b"\x89PNG", "happy", "train")
    faces = Dataset(faces.path, faces.form, faces.labels, (broken, *faces.examples))
    said: list[list[str]] = [[], []]
    one, other = (load_split(faces, tiny, "whole", CPU, said[at].append, buffer) for at, buffer in enumerate((None, 5)))
    every = torch.arange(len(faces) - 1)
    assert torch.equal(one.crops.of(every), other.crops.of(every))
    assert one.crops.digest().digest() == other.crops.digest().digest()
    assert (one.left_out, said[0]) == (other.left_out, said[1])
    assert all(torch.equal(one.targets[name].distribution, other.targets[name].distribution) for name in one.targets)


@pytest.mark.parametrize(("size", "buffer"), [(10**9, None), (28 * 24 * 24, None), (27 * 24 * 24, 27), (0, 16)])
def test_what_fits_is_held(size: int, buffer: int | None, tiny: Recipe, faces: Dataset) -> None:
    assert buffer_for(faces, tiny, size, CPU) == buffer


def test_unasked_a_quarter_of_the_memory_is_taken(
    tiny: Recipe, faces: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert memory() > 10**8
    monkeypatch.setattr("mien.training.batches.data.memory", lambda: 4 * 27 * 24 * 24)
    assert buffer_for(faces, tiny, None, CPU) == 27


WITHIN = """
import resource, sys
from dataclasses import replace
from pathlib import Path
import torch
from mien.datasets import open_dataset
from mien.training.batches.data import load_split
from mien.training.learning.loop import train
from mien.training.recipes.recipe import Layered, Recipe, Schedule

data, out, room = open_dataset(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
many = [replace(each, name=f"{each.name}:{copy}") for copy in range(20) for each in data.split("train").examples]
data = replace(data, examples=(*many, *data.split("valid").examples[:20]))
layers = ("pool 8", "pool 4", "conv 4", "flatten")
network, schedule = Layered(kind="layers", layers=layers), Schedule(epochs=1, batch=4)
recipe = Recipe(name="wide", size=256, colour="rgb", network=network, schedule=schedule)
torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)  # the first one imports half of torch
used = 4096 * int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (used + room, used + room))
train(recipe, data, out, crop="whole", memory=20_000_000)
try:
    load_split(data.split("train"), recipe, "whole", torch.device("cpu"), print)
except MemoryError:
    print("too many")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells of a process's memory, and holds to its limit")
def test_a_limit_of_memory_is_kept(tmp_path: Path) -> None:
    data, out, room = write_parquet(tmp_path / "faces", 6), tmp_path / "run", 320_000_000
    command = [sys.executable, "-c", WITHIN, str(data), str(out), str(room)]
    few = os.environ | {"MALLOC_ARENA_MAX": "1", "OMP_NUM_THREADS": "1"}  # each thread sets 64 MB of addresses aside
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, env=few)
    assert (done.returncode, done.stdout) == (0, "too many\n"), done.stderr
    assert (out / "best.pt").exists()

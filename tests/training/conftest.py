"""One tiny run on drawn faces, and its artifact, for every test here; on the CPU, where equal runs are equal bits."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import torch
from arithmetic import ARITHMETICS, training_in
from drawn import TINY, write_folder
from torch import nn

from mien.artifact import Artifact
from mien.datasets import open_dataset
from mien.training.export.export import export
from mien.training.learning.checkpoint import Run
from mien.training.learning.loop import train
from mien.training.learning.member import to_onnx
from mien.training.recipes.recipe import Recipe, read_recipe


@pytest.fixture(scope="session", autouse=True)
def cpu() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUDA_VISIBLE_DEVICES", "")
        yield


def content(value: object) -> bytes:
    """A hash that is the same for equal networks, wherever their tensors lie."""

    class Plain(pickle.Pickler):
        def persistent_id(self, part: object) -> object:
            if not isinstance(part, torch.Tensor):
                return None
            return part.shape, str(part.dtype), part.detach().numpy().tobytes()

    stream = BytesIO()
    Plain(stream).dump(value)
    return hashlib.sha256(stream.getvalue()).digest()


@pytest.fixture(scope="session", autouse=True)
def quick() -> Iterator[None]:
    """What takes most of a tiny training and of its export is done once; tests of their own look at it.

    To draw the learning curve takes longer than to learn it: its file holds what it would show. A network that is
    exported again is the same file; how torch's operators are taken apart and written as ONNX is looked up once.
    """
    files: dict[bytes, bytes] = {}
    exporter = "torch.onnx._internal.exporter"
    registry = import_module(f"{exporter}._registration").ONNXRegistry
    rules = import_module(f"{exporter}._decomp")
    table = cache(rules.create_onnx_friendly_decomposition_table)

    def noted(log: Sequence[Mapping[str, Any]], path: Path) -> None:
        path.write_text(json.dumps([{**entry, "seconds": None} for entry in log]))

    def kept(network: nn.Module, shape: tuple[int, int, int]) -> bytes:
        key = content((network, shape))
        if key not in files:
            files[key] = to_onnx(network, shape)
        return files[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mien.training.learning.loop.draw", noted)
        patch.setattr("mien.training.learning.member.to_onnx", kept)
        patch.setattr(registry, "from_torchlib", staticmethod(cache(registry.from_torchlib)))
        patch.setattr(rules, "create_onnx_friendly_decomposition_table", lambda known: table(frozenset(known)))
        yield


@pytest.fixture(params=ARITHMETICS)
def arithmetic(request: pytest.FixtureRequest) -> Iterator[str]:
    """Both of them, for what must hold on every machine: a test that takes this is run once in each."""
    with training_in(request.param):
        yield request.param


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="session")
def tiny(tiny_file: Path) -> Recipe:
    return read_recipe(tiny_file)


@pytest.fixture(scope="session")
def happy_sad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image folder without splits: 120 happy and 120 sad drawn faces."""
    return write_folder(tmp_path_factory.mktemp("happy-sad"), ("happy", "sad"), 120)


@pytest.fixture(scope="session")
def run(tiny: Recipe, happy_sad: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run of `tiny` on `happy_sad`; not to be changed."""
    return train(tiny, open_dataset(happy_sad), tmp_path_factory.mktemp("run") / "run")


@pytest.fixture(scope="session")
def artifact(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """What `run` exports to; not to be changed."""
    return export([run.folder], tmp_path_factory.mktemp("artifact") / "model", mirror=True)

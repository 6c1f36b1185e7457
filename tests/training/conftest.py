"""One tiny run on drawn faces, and its artifact, for every test here; on the CPU, where equal runs are equal bits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from arithmetic import ARITHMETICS, training_in
from drawn import TINY, write_folder

from mien.artifact import Artifact
from mien.datasets import open_dataset
from mien.training.export.export import export
from mien.training.learning.checkpoint import Run
from mien.training.learning.loop import train
from mien.training.recipes.recipe import Recipe, read_recipe


@pytest.fixture(scope="session", autouse=True)
def cpu() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUDA_VISIBLE_DEVICES", "")
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

"""A model of known answers, and the faces that it reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from broken import encoded
from numpy.typing import NDArray
from running import Runs

import mien
from mien.labels import FERPLUS8
from mien.recognizer import Recognizer

Bands = Callable[..., NDArray[np.uint8]]
Toy = Callable[..., Path]


@pytest.fixture(scope="session")
def model(toy: Toy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reads the brightest of eight bands."""
    return toy(tmp_path_factory.mktemp("toys") / "eight", {"ferplus8": FERPLUS8.emotions})


@pytest.fixture(scope="session")
def recognizer(model: Path) -> Recognizer:
    return mien.load(model)


@pytest.fixture(scope="session")
def faces(bands: Bands) -> list[bytes]:
    """PNG files that the model reads as the emotions of `ferplus8`, in their order."""
    return [encoded(bands(number, 8)) for number in range(8)]


@pytest.fixture(scope="module")
def runs(faces: list[bytes], model: Path, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Runs of the command, watched."""
    return Runs(tmp_path_factory.mktemp("runs"), model, faces)

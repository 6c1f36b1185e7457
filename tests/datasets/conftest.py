"""Small datasets in every form, written as users have them, and the real ones where they are."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Write = Callable[..., Path]

DATA = Path(os.environ.get("MIEN_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder of the development data."""
    if not (DATA / "fer2013" / "train.parquet").is_file():
        pytest.skip(f"no development data in {DATA}: set MIEN_DATA")
    return DATA


@pytest.fixture
def write_image(tmp_path: Path) -> Write:
    """Writes an image of noise below the test's folder: `write_image("train/happy/a.png", seed=0)`."""

    def write(place: str | os.PathLike[str], seed: int = 0, side: int = 8) -> Path:
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (side, side), np.uint8)
        Image.fromarray(pixels).save(path)
        return path

    return write


@pytest.fixture
def write_table(tmp_path: Path) -> Write:
    """Writes a CSV file below the test's folder: `write_table("a.csv", header, rows)`."""

    def write(name: str, header: Iterable[str], rows: Iterable[Iterable[object]] = ()) -> Path:
        path = tmp_path / name
        with path.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([header, *rows])
        return path

    return write

"""FER2013, with FER+ votes where they are: as parquet files or as the challenge's `fer2013.csv`.

FER2013: Goodfellow et al., "Challenges in Representation Learning" (ICONIP 2013). FER+: Barsoum et al., ICMI 2016.
Both forms keep the order of the original rows, and name an example `<file>:<row>`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mien.datasets.base import SPLITS, Dataset, Example, spread
from mien.errors import DataError, ImageError
from mien.image import Pixels, read_image
from mien.labels import FER7

CSV, VOTES_CSV = "fer2013.csv", "fer2013new.csv"
SIDE = 48
VOTE_COLUMNS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF")
CSV_COLUMNS = ("emotion", "pixels", "Usage")
PARQUET_COLUMNS = ("image", "emotion", "usage")


def is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet" if path.is_file() else bool(_parquet_files(path))


def is_csv(path: Path) -> bool:
    return path.suffix.lower() == ".csv" if path.is_file() else (path / CSV).is_file()


def read_parquet(path: Path) -> Dataset:
    """A parquet file, or a folder of them: `image` (struct of bytes and path), `emotion` 0..6, `usage`, vote columns.

    Raises:
        DataError: pyarrow is not installed, or a column is missing or has impossible values.
    """
    try:
        import pyarrow.parquet as pq
    except ModuleNotFoundError:
        raise DataError(f"{path}: reading parquet needs pyarrow: pip install 'mien[parquet]'") from None
    files = [path] if path.is_file() else _parquet_files(path)
    examples: list[Example] = []
    for file in files:
        try:
            table = pq.read_table(file)
        except Exception as error:
            raise DataError(f"{file}: not a readable parquet file ({error})") from error
        _require(file, PARQUET_COLUMNS, table.column_names)
        examples.extend(_parquet_example(file, row, values) for row, values in enumerate(table.to_pylist()))
    votes = " with FER+ votes" if any(example.votes for example in examples) else ""
    return Dataset(path, f"FER2013 parquet{votes}", FER7, tuple(examples))


def read_csv(path: Path) -> Dataset:
    """A table of emotion, pixels and Usage. A `fer2013new.csv` holds the votes of the `fer2013.csv` beside it alone.

    Raises:
        DataError: a column is missing, a row has impossible values, or the two files differ in their number of rows.
    """
    file = path if path.is_file() else path / CSV
    votes_file = file.with_name(VOTES_CSV)
    voted = file.name == CSV and votes_file.is_file()
    examples = [
        Example(
            name=f"{file.name}:{row}",
            source=_pixels(file, row, values["pixels"]),
            label=_emotion(file, row, values["emotion"]),
            split=_split(file, row, values["Usage"]),
        )
        for row, values in enumerate(_csv_rows(file, CSV_COLUMNS))
    ]
    if voted:
        votes = [_votes(votes_file, row, values) for row, values in enumerate(_csv_rows(votes_file, VOTE_COLUMNS))]
        if len(votes) != len(examples):
            raise DataError(f"{votes_file}: {len(votes)} rows of votes for {len(examples)} rows in {file.name}")
        examples = [replace(example, votes=cast) for example, cast in zip(examples, votes, strict=True)]
    return Dataset(path, CSV + (" with FER+ votes" if voted else ""), FER7, tuple(examples))


def like_fer2013(dataset: Dataset, sample: int = 16) -> bool:
    """Whether a dataset's images look like FER2013's, by a sample: all 48 x 48 pixels and gray."""
    for example in spread(dataset, sample).examples:
        try:
            pixels = read_image(example.source)
        except ImageError:
            continue
        if pixels.shape[:2] != (SIDE, SIDE) or (pixels != pixels[..., :1]).any():
            return False
    return True


def _parquet_files(folder: Path) -> list[Path]:
    """Those of a folder that are not hidden, as what some systems put beside each file is."""
    return sorted(file for file in folder.glob("*.parquet") if not file.name.startswith("."))


def _parquet_example(file: Path, row: int, values: dict[str, Any]) -> Example:
    image = values["image"]
    if not isinstance(image, dict) or not isinstance(image.get("bytes"), bytes):
        got = "no bytes" if isinstance(image, dict) else type(image).__name__
        raise DataError(f"{file}, row {row}: image is a struct that holds the file's bytes, got {got}")
    return Example(
        name=f"{file.name}:{row}",
        source=image["bytes"],
        label=_emotion(file, row, values["emotion"]),
        split=_split(file, row, values["usage"]),
        votes=_votes(file, row, values) if set(VOTE_COLUMNS) <= values.keys() else (),
    )


def _csv_rows(file: Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
            _require(file, columns, reader.fieldnames)
            yield from reader
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file}: not a readable CSV file ({error})") from error


def _require(file: Path, columns: tuple[str, ...], found: Any) -> None:
    if missing := [column for column in columns if column not in found]:
        raise DataError(f"{file}: no column {', '.join(missing)}; found {', '.join(found) or 'none'}")


def _emotion(file: Path, row: int, value: Any) -> str:
    index = str(value).strip().removesuffix(".0")  # a column that once had gaps is of floats
    if index not in map(str, range(len(FER7))):
        raise DataError(f"{file}, row {row}: emotion is 0..{len(FER7) - 1}, got {value!r}")
    return FER7.emotions[int(index)]


def _split(file: Path, row: int, value: Any) -> str:
    try:
        return SPLITS[str(value).strip().lower()]
    except KeyError:
        raise DataError(f"{file}, row {row}: usage is Training, PublicTest or PrivateTest, got {value!r}") from None


def _votes(file: Path, row: int, values: dict[str, Any]) -> tuple[int, ...]:
    try:
        votes = tuple(int(values[column]) for column in VOTE_COLUMNS)
    except (ValueError, TypeError):
        raise DataError(f"{file}, row {row}: votes are whole numbers") from None
    if min(votes) < 0:
        raise DataError(f"{file}, row {row}: votes cannot be negative")
    return votes


def _pixels(file: Path, row: int, text: str) -> Pixels:
    try:
        pixels = np.array((text or "").split(), np.uint8)
    except (ValueError, OverflowError):
        pixels = np.empty(0, np.uint8)
    if pixels.size != SIDE * SIDE:
        raise DataError(f"{file}, row {row}: pixels are {SIDE * SIDE} numbers 0..255, separated by blanks")
    return pixels.reshape(SIDE, SIDE)

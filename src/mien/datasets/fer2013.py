"""FER2013, with FER+ votes where they are: as parquet files or as the challenge's `fer2013.csv`.

FER2013: Goodfellow et al., "Challenges in Representation Learning" (ICONIP 2013). FER+: Barsoum et al., ICMI 2016.
Both forms keep the order of the original rows, and name an example `<file>:<row>`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from mien.datasets.base import NO_LABEL, Dataset, Example, majority, split_named, spread
from mien.datasets.rows import header, read_rows, require, said
from mien.datasets.shards import Reader, Shard, StoredImage
from mien.datasets.tree import Tree
from mien.errors import DataError, ImageError
from mien.image import Pixels, read_image
from mien.labels import FER7, FERPLUS8, canonical

CSV, VOTES_CSV = Path("fer2013.csv"), Path("fer2013new.csv")
TABLES = (CSV, Path("icml_face_data.csv"), Path("train.csv"), Path("test.csv"))
"""Names of the challenge's tables, the most complete first; the last two say no split, and the last no labels."""

SIDE = 48
SAMPLE = 16  # images that tell whether all are of this kind
VOTE_COLUMNS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "nf")
PIXELS, EMOTION, USAGE = "pixels", "emotion", "usage"
PARQUET_COLUMNS = ("image", "emotion", "usage")
TOLD = (str, int, float, Decimal, date)
"""What a cell of parquet that is an attribute holds; no lists, such as boxes or features."""

AGREEMENT = {
    "angry": 0.52,
    "disgust": 0.34,
    "fear": 0.14,
    "happy": 0.93,
    "sad": 0.45,
    "surprise": 0.83,
    "neutral": 0.89,
}
"""The share of FER2013's training faces of each label of which the votes' majority says the same: 68% of all."""

MOST_ERRORS = 5.0
"""Standard errors by which the agreement may lie below what is usual with such labels. Of all runs of 5 to 5,000 faces
in FER2013's train and valid, also of one label alone, none lies 4.7 below; 100 faces with each other's votes lie 9.7
below at least, and 800 of which 200 have them 6.2 (200 draws each)."""

OF_OTHERS = "the votes are not of these images in this order. Take both files as they were published"


def is_parquet(tree: Tree) -> bool:
    return bool(_parquet_files(tree))


def is_csv(tree: Tree) -> bool:
    return _table(tree) is not None


def read_parquet(tree: Tree) -> Dataset:
    """A parquet file, or a folder of them: `image` (struct of bytes and path), `emotion` 0..6, `usage`, vote columns.

    Where Hugging Face's datasets has written what a file's numbers mean, that counts, for each file by itself.

    Raises:
        DataError: pyarrow is not installed, a column is missing or has impossible values, or the votes are of other
            images.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ModuleNotFoundError:
        raise DataError(f"{tree.path}: reading parquet needs pyarrow: pip install 'mien[parquet]'") from None
    examples, reader, known, named = list[Example](), Reader(), dict[Any, Any](), False
    for place in _parquet_files(tree):
        shard = Shard(tree, place, reader)
        require(shard.file, PARQUET_COLUMNS, shard.columns)
        meant = _numbering(shard.classes.get(EMOTION, ()))
        named |= meant != FER7.emotions
        examples.extend(
            _parquet_example(shard.file, row, values, known, meant) for row, values in enumerate(shard.rows())
        )
    votes = " with FER+ votes" if any(example.votes for example in examples) else ""
    agreed = _agreement(tree.path, examples)
    notes = (*_notes(votes, USAGE, "the files' names for them" if named else "number"), *agreed)
    return Dataset(tree.path, f"FER2013 parquet{votes}", FER7, tuple(examples), notes=notes)


def read_csv(tree: Tree) -> Dataset:
    """A table of emotion, pixels and Usage. A `fer2013new.csv` holds the votes of the `fer2013.csv` beside it alone.

    Without Usage, as in the challenge's `train.csv`, no split is said. Further columns are attributes.

    Raises:
        DataError: a column is missing, a row has impossible values, or the votes are of other rows.
    """
    place = _table(tree) or CSV
    file, columns = tree.root / place, header(tree, place)
    if EMOTION not in columns and PIXELS in columns:
        raise DataError(
            f"{file}: no column {EMOTION}, only {', '.join(columns)}: faces without labels, as in the challenge's "
            f"test.csv, can be read with `mien predict` but not judged; its {CSV} and {TABLES[1]} have all labels"
        )
    taken = {EMOTION, PIXELS, USAGE, *VOTE_COLUMNS}
    examples = [
        Example(
            name=f"{place.name}:{row}",
            source=_pixels(f"{file}, line {line}", values[PIXELS]),
            label=_emotion(f"{file}, line {line}", values[EMOTION]),
            split=_split(f"{file}, line {line}", values[USAGE]) if USAGE in columns else "all",
            attributes={column: cell for column, cell in values.items() if column not in taken and cell},
        )
        for row, (line, values) in enumerate(read_rows(tree, place, (EMOTION, PIXELS)))
    ]
    voted = place == CSV and tree.has(VOTES_CSV)
    if voted:
        examples = _with_votes(tree, examples)
    agreed = _agreement(tree.root / VOTES_CSV, examples)
    votes = " with FER+ votes" if voted else ""
    usage = "Usage" if USAGE in columns else ""
    return Dataset(tree.path, place.name + votes, FER7, tuple(examples), notes=(*_notes(votes, usage), *agreed))


def like_fer2013(dataset: Dataset) -> bool:
    """Whether a dataset's images look like FER2013's, by a sample: all 48 x 48 pixels and gray."""
    for example in spread(dataset, SAMPLE).examples:
        try:
            pixels = read_image(example.source)
        except ImageError:
            continue
        if pixels.shape[:2] != (SIDE, SIDE) or (pixels != pixels[..., :1]).any():
            return False
    return True


def _notes(votes: str, usage: str, by: str = "number") -> tuple[str, ...]:
    splits = f"the column {usage}" if usage else "none"
    return (f"labels: FER2013's, by {by}{votes and '; FER+ votes'}", f"splits: {splits}")


def _table(tree: Tree) -> Path | None:
    """The table to read: the named file, if it has pixels or FER2013's name; of a folder the best of `TABLES`."""
    named = tree.others if tree.alone else tuple(place for place in TABLES if tree.has(place))
    return next((place for place in named if place == CSV or PIXELS in header(tree, place)), None)


def _parquet_files(tree: Tree) -> list[Path]:
    return [place for place in tree.others if len(place.parts) == 1 and place.suffix.lower() == ".parquet"]


def _parquet_example(
    file: Path, row: int, values: dict[str, Any], known: dict[Any, Any], meant: Sequence[str]
) -> Example:
    """Of a row, whose number says which of the labels `meant` it has.

    Votes and attributes that it shares with rows in `known` are theirs, so that it takes little memory.
    """
    where, image = f"{file}, row {row}", values["image"]
    if isinstance(image, dict) and image.get("bytes") is None and image.get("path"):
        raise DataError(
            f"{file}: no image bytes, only paths of the machine that wrote it, such as {image['path']}: write it anew "
            "there with the files' bytes in it"
        )
    if not isinstance(image, StoredImage):
        got = "no bytes" if isinstance(image, dict) else type(image).__name__
        raise DataError(f"{where}: image is a struct that holds the file's bytes, got {got}")
    taken = {*PARQUET_COLUMNS, "row", *VOTE_COLUMNS}
    votes = _votes(where, values) if set(VOTE_COLUMNS) <= values.keys() else ()
    attributes = {
        name: text
        for name, value in values.items()
        if name not in taken and isinstance(value, TOLD) and (text := said(value))
    }
    return Example(
        name=f"{file.name}:{row}",
        source=image,
        label=_emotion(where, values[EMOTION], meant),
        split=_split(where, values["usage"]),
        votes=known.setdefault(votes, votes),
        attributes=known.setdefault(frozenset(attributes.items()), attributes),
    )


def _with_votes(tree: Tree, examples: Sequence[Example]) -> list[Example]:
    """The rows of `fer2013.csv` with the votes of the same rows of `fer2013new.csv`; neither names a row of the other.

    That they belong together shows in their number, in Usage, and in how often the majority is FER2013's label.
    """
    file = tree.root / VOTES_CSV
    rows = list(read_rows(tree, VOTES_CSV, VOTE_COLUMNS))
    if len(rows) != len(examples):
        raise DataError(f"{file}: {len(rows)} rows of votes for {len(examples)} rows in {CSV}")
    if USAGE in header(tree, VOTES_CSV) and any(example.split != "all" for example in examples):
        splits = [_split(f"{file}, line {line}", values[USAGE]) for line, values in rows]
        other = [row for row, split in enumerate(splits) if split != examples[row].split]
        if other:
            where = f"in {len(other)} of {len(rows)} rows, first in line {rows[other[0]][0]}"
            raise DataError(f"{file}: Usage differs from {CSV}'s {where}: {OF_OTHERS}")
    return [
        replace(each, votes=_votes(f"{file}, line {line}", values))
        for each, (line, values) in zip(examples, rows, strict=True)
    ]


def _agreement(file: Path, examples: Sequence[Example]) -> tuple[str, ...]:
    """A note on how often the votes' majority is FER2013's label; none where there is no majority.

    Raises:
        DataError: so seldom, with such labels, that the votes are of other images.
    """
    majorities = [(majority(example.votes), example.label) for example in examples if example.votes]
    judged = [(FERPLUS8.emotions[place] == label, AGREEMENT[label]) for place, label in majorities if place != NO_LABEL]
    if not judged:
        return ()
    agree, usual = np.array(judged, np.float64).T
    told = f"the votes' majority is FER2013's label for {agree.mean():.0%} of {len(agree):,} faces"
    usually = f"{usual.mean():.0%} is usual with these labels"
    if agree.sum() < usual.sum() - MOST_ERRORS * np.sqrt((usual * (1 - usual)).sum()):
        raise DataError(f"{file}: {told}, where {usually}: {OF_OTHERS}")
    return (f"{told}; {usually}",)


def _numbering(names: Sequence[str]) -> tuple[str, ...]:
    """Which label each number is, by the names that a file has for them: FER2013's where there are none.

    A name that is a number itself, as of labels that once were numbers alone, is FER2013's number.
    """
    numbers = {str(place): label for place, label in enumerate(FER7.emotions)}
    return tuple(numbers.get(name.strip(), canonical(name)) for name in names) or FER7.emotions


def _emotion(where: str, value: Any, meant: Sequence[str] = FER7.emotions) -> str:
    index = str(value).strip().removesuffix(".0")  # a column that once had gaps is of floats
    if index not in map(str, range(len(meant))):
        raise DataError(f"{where}: emotion is 0..{len(meant) - 1}, got {value!r}")
    label = meant[int(index)]
    if label not in FER7:
        raise DataError(f"{where}: emotion is {', '.join(FER7.emotions)}, and the file's name for {index} is {label!r}")
    return label


def _split(where: str, value: Any) -> str:
    if split := split_named(str(value).strip()):
        return split
    raise DataError(f"{where}: usage is Training, PublicTest or PrivateTest, got {value!r}")


def _votes(where: str, values: dict[str, Any]) -> tuple[int, ...]:
    try:
        votes = tuple(_whole(values[column]) for column in VOTE_COLUMNS)
    except (ValueError, TypeError):
        raise DataError(f"{where}: votes are whole numbers") from None
    if min(votes) < 0:
        raise DataError(f"{where}: votes cannot be negative")
    return votes


def _whole(value: Any) -> int:
    """A whole number, also of a column that once had gaps and so is of floats. Raises `ValueError`, `TypeError`."""
    number = float(value)
    if not number.is_integer():
        raise ValueError
    return int(number)


def _pixels(where: str, text: str) -> Pixels:
    try:
        pixels = np.array((text or "").split(), np.uint8)
    except (ValueError, OverflowError):
        pixels = np.empty(0, np.uint8)
    if pixels.size != SIDE * SIDE:
        raise DataError(f"{where}: pixels are {SIDE * SIDE} numbers 0..255, separated by blanks")
    return pixels.reshape(SIDE, SIDE)

"""Indices: a dataset without some of its images, as a small JSON file that stands for it wherever data are named.

It holds where the data are, how they were read, a fingerprint of their names, and the names that are left out: nothing
of the images themselves. A path is relative to the index's folder.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from mien.datasets.base import Dataset
from mien.datasets.tree import Tree
from mien.datasets.walk import few
from mien.errors import DataError
from mien.files import check_writable, write_text
from mien.intake import describe
from mien.wording import counted, reason

KIND = ".json"


class Index(BaseModel):
    """What the file holds.

    Args:
        data: the path of the whole dataset.
        mapping, group: as for `open_dataset`.
        names_sha256: of the whole dataset, see `Dataset.names_sha256`.
        left_out: names of the images that are not in it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str
    mapping: Mapping[str, str]
    group: str | None
    names_sha256: str
    left_out: tuple[str, ...]


def is_index(tree: Tree) -> bool:
    return tree.alone and tree.path.suffix.lower() == KIND


def read_index(path: Path) -> Index:
    """Raises `DataError` where it is no index."""
    try:
        return Index.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a readable index ({reason(error)})") from error
    except ValidationError as error:
        wrong = few([".".join(map(str, each["loc"])) or each["msg"] for each in error.errors()])
        advice = "mien data audit DATA --write-clean FILE writes one"
        raise DataError(f"{path}: not an index of a dataset, by {wrong}: {advice}") from error


def led(path: Path) -> tuple[Path, ...]:
    """The data that an index at a path was made of, and where these are an index, what that was made of, and so on.

    Nothing, where there is no index.
    """
    found: list[Path] = []
    while path.suffix.lower() == KIND and path.is_file():
        try:
            path = (path.parent / read_index(path).data).resolve()
        except DataError:
            break
        if path in found:
            break
        found.append(path)
    return tuple(found)


def check_name(path: Path) -> None:
    """Raises `DataError` where an index at a path would not be taken for one."""
    if path.suffix.lower() != KIND:
        raise DataError(f"{path}: an index ends with {KIND}")


def check_index(path: Path, dataset: Dataset) -> None:
    """See that an index of a dataset can be written to a path, before long work.

    Raises:
        DataError: the file does not end with .json, or the dataset's path is not UTF-8.
        OSError: it cannot be written.
    """
    check_name(path)
    if describe(place := _place(dataset.path, path)) != place:
        raise DataError(f"{describe(place)}: a name that is not UTF-8, which no index can hold: rename it")
    check_writable(path.parent)


def write_index(path: Path, dataset: Dataset, left_out: Collection[str]) -> None:
    """Write an index of a dataset without the images of these names.

    Raises:
        DataError: nothing is left; or as `check_index` does.
        OSError: it cannot be written.
    """
    check_index(path, dataset)
    without(dataset, left_out)
    index = Index(
        data=_place(dataset.path, path),
        mapping=dict(dataset.mapping),
        group=dataset.group,
        names_sha256=dataset.names_sha256,
        left_out=tuple(sorted(left_out)),
    )
    write_text(path, json.dumps(index.model_dump(), indent=1, ensure_ascii=False) + "\n")


def indexed(path: Path, index: Index, whole: Dataset) -> Dataset:
    """What an index at a path leaves of its dataset. Raises `DataError` where that is not the one it was made of."""
    if whole.names_sha256 != index.names_sha256:
        raise DataError(f"{path}: made of other images than are in {whole.path} by now: make it again")
    rest = without(whole, index.left_out)
    told = f"left out by {path.name}: {counted(len(whole) - len(rest), 'image')} of {len(whole):,}"
    gone = Counter(each.split for each in whole.examples) - Counter(each.split for each in rest.examples)
    left_out = gone + Counter(whole.left_out)
    return replace(rest, path=path, notes=(*whole.notes, told), mapping={}, group=None, left_out=left_out)


def without(dataset: Dataset, names: Collection[str]) -> Dataset:
    """The dataset without the images of these names. Raises `DataError` where none is left."""
    gone = frozenset(names)
    examples = tuple(each for each in dataset.examples if each.name not in gone)
    if not examples:
        raise DataError(f"{dataset.path}: nothing is left when {counted(len(gone), 'image')} are left out")
    return replace(dataset, examples=examples)


def _place(data: Path, index: Path) -> str:
    """The path of the data as an index holds it."""
    try:
        return Path(os.path.relpath(data, index.parent)).as_posix()
    except ValueError:  # another drive of Windows
        return str(data.absolute())

"""Datasets: what a path holds is recognised by looking, the most specific form first."""

from __future__ import annotations

import os
from pathlib import Path

from mien.datasets import fer2013, folder, people
from mien.datasets.base import Dataset, Example, as_path, load_pixels
from mien.datasets.info import Info, inspect
from mien.datasets.splits import divided, with_split
from mien.datasets.walk import few, image_files
from mien.errors import DataError

__all__ = ["Dataset", "Example", "Info", "divided", "inspect", "load_pixels", "open_dataset", "with_split"]

FORMS = (
    (people.is_people, people.read_people, "people: images/<set_id>/<emotion>.* and emotions.csv"),
    (fer2013.is_csv, fer2013.read_csv, "FER2013: fer2013.csv, or a folder that holds it"),
    (fer2013.is_parquet, fer2013.read_parquet, "FER2013: a parquet file, or a folder of them"),
    (folder.is_folder, folder.read_folder, "image folder: [split/]label/*"),
)
"""Whether a path has a form, what reads it, and the form in words."""


def open_dataset(path: str | os.PathLike[str]) -> Dataset:
    """The dataset at a path, whichever of `FORMS` it has.

    Raises:
        DataError: there is nothing, it has none of the forms (the message says what was looked for and what was found),
            or its content is not what its form promises.
    """
    found = as_path(path)
    for is_form, read, _ in FORMS:
        if is_form(found):
            return read(found)
    looked_for = "".join(f"\n  - {words}" for _, _, words in FORMS)
    raise DataError(f"{found}: not a dataset. Looked for:{looked_for}\nFound: {_found(found)}")


def _found(path: Path) -> str:
    if path.is_file():
        return f"a file of kind {path.suffix or 'unknown'}"
    names = sorted(entry.name + "/" * entry.is_dir() for entry in path.iterdir())
    images = [file.as_posix() for file in image_files(path)]
    return f"{few(names)}; images: {few(images, 2)}"

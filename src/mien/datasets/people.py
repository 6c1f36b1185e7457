"""A people folder: one folder of images a person, and a table that says who they are.

`images/<set_id>/<emotion>.*` and `emotions.csv`, with a row a person: `set_id`, and what is known of them, usually
`gender`, `age`, `country`. An empty cell means that it is not known.
"""

from __future__ import annotations

import csv
from pathlib import Path

from mien.datasets.base import Dataset, Example
from mien.datasets.folder import own_labels
from mien.datasets.walk import few, sorted_out
from mien.errors import DataError
from mien.image import describe
from mien.labels import canonical

TABLE = "emotions.csv"
IMAGES = "images"
KEY = "set_id"


def is_people(path: Path) -> bool:
    return (path / TABLE).is_file() and (path / IMAGES).is_dir()


def read_people(path: Path) -> Dataset:
    """Every image, with the attributes of its person; the person's `set_id` is the attribute `person`.

    People and folders must match one to one: a person passed over would make figures for a group of people speak of
    fewer than the table names, unseen.

    Raises:
        DataError: the table has no `set_id` or names one twice, a person without images, a folder without a row, or an
            image elsewhere than in a person's folder.
    """
    people = _people(path / TABLE)
    files, others = sorted_out(path / IMAGES)
    if astray := [describe(file) for file in files if len(file.parts) != 2]:
        raise DataError(f"{path / IMAGES}: expected <{KEY}>/<emotion>.*, also found {few(astray)}")
    folders = {describe(file.parts[0]) for file in files}
    faults = [
        f"{what} {few(sorted(names))}"
        for what, names in (
            (f"no images in {IMAGES}/ for", people.keys() - folders),
            (f"no row in {TABLE} for", folders - people.keys()),
        )
        if names
    ]
    if faults:
        raise DataError(f"{path}: {'; '.join(faults)}")
    examples = tuple(
        Example(
            name=describe((IMAGES / file).as_posix()),
            source=path / IMAGES / file,
            label=canonical(describe(file.stem)),
            attributes=people[describe(file.parts[0])],
        )
        for file in files
    )
    labels = own_labels(path, (example.label for example in examples))
    passed_over = tuple(describe((IMAGES / file).as_posix()) for file in others)
    return Dataset(path, "people folder", labels, examples, passed_over)


def _people(file: Path) -> dict[str, dict[str, str]]:
    """Each person's attributes, by `set_id`; a column without a name, such as pandas' index, tells nothing."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            header, *rows = [[cell.strip() for cell in row] for row in csv.reader(stream) if any(row)] or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file}: not a readable table in UTF-8 ({error})") from error
    columns = [column.lower() for column in header]
    if KEY not in columns:
        raise DataError(f"{file}: no column {KEY}; found {', '.join(header) or 'none'}")
    people: dict[str, dict[str, str]] = {}
    for row in rows:
        known = {column: cell for column, cell in zip(columns, row, strict=False) if column and cell}
        person = known.pop(KEY, "")
        if not person or person in people:
            raise DataError(f"{file}: {f'{KEY} {person} has two rows' if person else f'a row without {KEY}: {row}'}")
        people[person] = known | {"person": person}
    return people

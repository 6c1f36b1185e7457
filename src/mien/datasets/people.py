"""A people folder: one folder of images a person, and a table that says who they are.

`images/<set_id>/<emotion>.*` and `emotions.csv`, with a row a person: `set_id`, and what is known of them, usually
`gender`, `age`, `country`. An empty cell means that it is not known.
"""

from __future__ import annotations

from pathlib import Path

from mien.datasets.base import Dataset, Example, own_labels
from mien.datasets.rows import read_rows
from mien.datasets.tree import Tree
from mien.datasets.walk import few
from mien.errors import DataError
from mien.intake import describe
from mien.labels import canonical

TABLE = Path("emotions.csv")
IMAGES = Path("images")
KEY = "set_id"


def is_people(tree: Tree) -> bool:
    return tree.has(TABLE) and any(place.parts[0] == IMAGES.name for place in tree.images)


def read_people(tree: Tree) -> Dataset:
    """Every image, with the attributes of its person; the person's `set_id` is the attribute `person`.

    People and folders must match one to one: a person passed over would make figures for a group of people speak of
    fewer than the table names, unseen.

    Raises:
        DataError: the table has no `set_id` or names one twice, a person without images, a folder without a row, or an
            image elsewhere than in a person's folder.
    """
    people = _people(tree)
    places = [place for place in tree.images if place.parts[0] == IMAGES.name]
    if astray := [describe(place.relative_to(IMAGES)) for place in places if len(place.parts) != 3]:
        raise DataError(f"{tree.path / IMAGES}: expected <{KEY}>/<emotion>.*, also found {few(astray)}")
    folders = {describe(place.parts[1]) for place in places}
    faults = [
        f"{what} {few(sorted(names))}"
        for what, names in (
            (f"no images in {IMAGES}/ for", people.keys() - folders),
            (f"no row in {TABLE} for", folders - people.keys()),
        )
        if names
    ]
    if faults:
        raise DataError(f"{tree.path}: {'; '.join(faults)}")
    examples = tuple(
        Example(
            name=describe(place.as_posix()),
            source=tree.source(place),
            label=canonical(describe(place.stem)),
            attributes=people[describe(place.parts[1])],
        )
        for place in places
    )
    labels = own_labels(tree.path, (example.label for example in examples))
    passed_over = tuple(describe(place.as_posix()) for place in tree.others if place.parts[0] == IMAGES.name)
    notes = ("labels: the files' names", f"people: {TABLE}, by {KEY}", "splits: none")
    return Dataset(tree.path, "people folder", labels, examples, passed_over, notes)


def _people(tree: Tree) -> dict[str, dict[str, str]]:
    """Each person's attributes, by `set_id`."""
    people: dict[str, dict[str, str]] = {}
    for line, row in read_rows(tree, TABLE, (KEY,)):
        known = {column: cell for column, cell in row.items() if cell}
        person = known.pop(KEY, "")
        if not person or person in people:
            fault = f"{KEY} {person} has two rows" if person else f"a row without {KEY}: {list(row.values())}"
            raise DataError(f"{tree.path / TABLE}, line {line}: {fault}")
        people[person] = known | {"person": person}
    return people

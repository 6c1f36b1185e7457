"""What is to be said of a dataset's labels and people wherever it is used, in sentences."""

from __future__ import annotations

from mien.datasets.base import NOBODY, VOTES, Dataset
from mien.datasets.walk import few, with_counts
from mien.labels import FERPLUS8

SEVERAL = 10  # people, below which folders that name them may well be something else
BY_FOLDERS = ("people: the folders above", "people: the folders below")
"""How the notes of `folder` begin that tell of them."""


def own_words(dataset: Dataset) -> dict[str, int]:
    """Labels that no known set has and the user did not choose, and how many images have each, most frequent first."""
    meant = {*VOTES, *dataset.mapping.values()}
    return {label: n for label, n in dataset.outside(FERPLUS8).items() if label not in meant}


def words_told(dataset: Dataset) -> tuple[str, ...]:
    """A sentence on the dataset's `own_words`, if there are any."""
    words = own_words(dataset)
    said = "labels of no known set, which are words of their own"
    advice = "if some mean a known one, say so with --map; mien data info tells which may"
    return (f"{said}: {with_counts(words)}; {advice}",) if words else ()


def people_told(dataset: Dataset, *, named: bool = True) -> tuple[str, ...]:
    """A sentence on the people who are in more than one split, if there are any; `named`, with some of their names."""
    splits: dict[str, set[str]] = {}
    for example in dataset.examples:
        splits.setdefault(example.attributes.get("person", ""), set()).add(example.split)
    both = sorted(person for person, names in splits.items() if person and len(names) > 1)
    said = f"people in more than one split: {len(both)}" + f" ({few(both)})" * named
    return (f"{said}; scores of people who were trained on flatter",) if both else ()


def alike_told(dataset: Dataset) -> tuple[str, ...]:
    """A sentence on the people whose images stay together in a dataset (see `kept_together`), as they hold copies of
    one another's, if there are any."""
    groups: dict[str, set[str]] = {}
    for example in dataset.examples:
        if example.group and (person := example.attributes.get("person")):
            groups.setdefault(example.group, set()).add(person)
    alike = sorted(person for people in groups.values() if len(people) > 1 for person in people)
    said = f"people who hold copies of one another's images: {len(alike)} ({few(alike)})"
    advice = f"they stay together where mien splits; if these are no people, say so with --group {NOBODY}"
    return (f"{said}; {advice}",) if alike else ()


def folders_told(dataset: Dataset) -> tuple[str, ...]:
    """A sentence on people who are so few that the folders that name them may be something else, if they are."""
    people = {example.attributes["person"] for example in dataset.examples if "person" in example.attributes}
    if len(people) >= SEVERAL or not any(note.startswith(BY_FOLDERS) for note in dataset.notes):
        return ()
    said = f"folders taken for people: {len(people)} ({few(sorted(people))})"
    return (f"{said}; if they are none, but sources, say, or folds, say so with --group {NOBODY}",) if people else ()

"""What users say of their data: which of their labels mean what, and who is on an image.

Labels are renamed before anything counts them; a label renamed to nothing is left out. People are named by a column, by
a folder, or by a pattern on the files' names.
"""

from __future__ import annotations

import difflib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from mien.datasets.base import NOBODY, Dataset, Example, own_labels
from mien.datasets.rows import UNREADABLE, cells_of
from mien.datasets.walk import few
from mien.errors import DataError
from mien.labels import canonical, read_pairs
from mien.wording import reason

FOLDER = re.compile(r"folder:(-?[1-9]\d*)")


def read_mapping(text: str) -> dict[str, str]:
    """Labels and what each means: `anger=angry,joie=happy`, or the path of a CSV file of two columns.

    Nothing behind the `=`, or an empty second column, leaves a label out; `\\,` and `\\=` are signs of a label. A first
    row `from,to` is a header.

    Raises:
        DataError: no such pairs, or a file that is not such a table.
    """
    if "=" in text and not os.path.isfile(text):
        pairs = read_pairs(text)
    else:
        try:
            with open(text, newline="", encoding="utf-8-sig") as stream:
                pairs = [row for row in cells_of(stream) if any(row)]
        except UNREADABLE as error:
            expected = "expected what labels mean, as anger=angry,joie=happy, or a CSV file of two columns"
            found = "no = and no such file" if isinstance(error, FileNotFoundError) else reason(error)
            raise DataError(f"{text}: {expected}; got {found}") from error
        if pairs and [cell.strip().lower() for cell in pairs[0]] == ["from", "to"]:
            del pairs[0]
    if wrong := [pair for pair in pairs if len(pair) != 2 or not pair[0].strip()]:
        raise DataError(f"{text}: expected a label and what it means, got {wrong[0]}")
    return canonical_mapping(pairs)


def canonical_mapping(pairs: Iterable[Sequence[str]]) -> dict[str, str]:
    """A mapping in canonical words. Raises `DataError` where one label is to mean two."""
    mapping: dict[str, str] = {}
    for old, new in ((canonical(old), canonical(new)) for old, new in pairs):
        if mapping.setdefault(old, new) != new:
            raise DataError(f"{old!r} is mapped to {mapping[old]!r} and to {new!r}")
    return mapping


def relabelled(dataset: Dataset, mapping: Mapping[str, str]) -> Dataset:
    """The dataset with labels renamed; those that the mapping does not name stay. FER+ votes stay as they are.

    Args:
        dataset: any.
        mapping: canonical labels, see `canonical_mapping`.

    Raises:
        DataError: it names a label that no image has, or leaves fewer than two labels.
    """
    if not mapping:
        return dataset
    counts = Counter(example.label for example in dataset.examples)
    for label in mapping:
        if label not in counts:
            near = difflib.get_close_matches(label, counts, n=1)
            meant = f" (did you mean {near[0]}?)" if near else ""
            raise DataError(
                f"{dataset.path}: no image has the label {label!r} that is to be mapped{meant}; "
                f"there are {', '.join(sorted(counts))}"
            )
    renamed = {label: mapping.get(label, label) for label in (*dataset.labels, *counts)}
    examples = tuple(
        replace(example, label=renamed[example.label]) for example in dataset.examples if renamed[example.label]
    )
    labels = own_labels(dataset.path, filter(None, renamed.values()))
    told = ", ".join(f"{old} ({counts[old]}) {f'read as {new}' if new else 'left out'}" for old, new in mapping.items())
    return replace(
        dataset, examples=examples, labels=labels, mapping=dict(mapping), notes=(*dataset.notes, f"mapped: {told}")
    )


def grouped(dataset: Dataset, group: str | None) -> Dataset:
    """The dataset with each image's person, where the user says who that is.

    Args:
        dataset: any.
        group: the name of a column; `folder:1`, the first folder of an image's name, or `folder:-1`, the last; or a
            regular expression with one pair of brackets, sought in the file's name, or in the whole of the image's
            name where it has a `/`. What is found names the person. `none` names nobody, where no column is called so;
            `None` leaves people as they are.

    Raises:
        DataError: it finds nobody, or is none of these.
    """
    if group is None:
        return dataset
    find = _finder(dataset, group)
    people = [find(example) for example in dataset.examples]
    if not any(people) and find is not _nobody:
        tried = few([example.name for example in dataset.examples], 2)
        raise DataError(f"{dataset.path}: '{group}' finds nobody, as in {tried}")
    examples = tuple(
        replace(example, attributes=_with_person(example.attributes, person))
        for example, person in zip(dataset.examples, people, strict=True)
    )
    notes = tuple(each for each in dataset.notes if not each.startswith("people: "))
    told = "people: nobody, as was asked" if find is _nobody else f"people: by {group}"
    return replace(dataset, examples=examples, group=group, notes=(*notes, told))


def _with_person(attributes: Mapping[str, str], person: str) -> dict[str, str]:
    others = {name: value for name, value in attributes.items() if name != "person"}
    return others | ({"person": person} if person else {})


def _finder(dataset: Dataset, group: str) -> Callable[[Example], str]:
    """What finds an image's person; it gives `""` where it finds nobody."""
    if level := FOLDER.fullmatch(group):
        return lambda example: _folder(example, int(level[1]))
    columns = {name for example in dataset.examples for name in example.attributes}
    if (column := group.strip().lower()) in columns:
        return lambda example: example.attributes.get(column, "")
    if column == NOBODY:
        return _nobody
    try:
        pattern = re.compile(group)
    except re.error as error:
        raise DataError(f"'{group}' is no regular expression: {error}") from error
    if pattern.groups != 1:
        known = f"a column ({', '.join(sorted(columns)) or 'there is none'})"
        pattern_like = r"a pattern with one pair of brackets, such as 'S(\d+)_'"
        raise DataError(f"{dataset.path}: '{group}' is neither {known} nor folder:1 nor {pattern_like}")
    whole = "/" in group

    def find(example: Example) -> str:
        known = pattern.search(example.name if whole else example.name.rpartition("/")[2])
        return (known[1] or "") if known else ""

    return find


def _nobody(example: Example) -> str:
    return ""


def _folder(example: Example, level: int) -> str:
    folders = example.name.split("/")[:-1]
    at = level - 1 if level > 0 else level
    return folders[at] if -len(folders) <= at < len(folders) else ""

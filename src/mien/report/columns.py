"""Which groups images make, by what is known of them: the values of a column or of several, or parts of numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.errors import DataError
from mien.wording import counted

AGES = ((0, 12), (13, 17), (18, 29), (30, 44), (45, 59), (60, 120))
"""Bands of age, both ends included, in full years; a number in none, such as a 999, is no age, and so not known."""

MOST_VALUES = 30
"""An attribute with more values than this, such as a name or a date, makes no groups by itself."""
MOST_NUMBERS, PARTS = 10, 4
"""An attribute of more different numbers than this makes so many groups, of as many images each."""

CROSSED = "+"
"""Between two attributes whose values make groups together."""
BETWEEN = (", ", " / ", " | ")
"""What parts two values in a group's name: the first that is in none of them, so that no two groups have one name."""

GROUP = "group: "
"""How columns of a report's answers.csv begin that tell an image's group; the attribute follows."""


class Column(NamedTuple):
    """The group of each image, (n,), empty where it is not known; and the groups in order."""

    values: NDArray[np.str_]
    groups: tuple[str, ...]


def columns(attributes: Sequence[Mapping[str, str]], by: Collection[str] | None = None) -> dict[str, Column]:
    """The groups of images, by attribute.

    Args:
        attributes: what is known of each image.
        by: the attributes that make groups, each a name in any case, or several with a + between, whose values make
            groups together. If None, each by itself, but the person, and those with more than `MOST_VALUES` values,
            numbers or not.

    Raises:
        DataError: no image has such an attribute, or it has too many values.
    """
    known = sorted({name for each in attributes for name in each})
    if by is None:
        found = {name: _column(attributes, name) for name in known if name != "person"}
        few = {name: column for name, column in found.items() if 0 < len(column.groups) <= MOST_VALUES}
        parted = {name: _parted(column, name) for name, column in few.items()}
        return {name: column for name, column in parted.items() if column.groups}
    asked = [_named(name, known) for name in ([by] if isinstance(by, str) else by)]
    return {CROSSED.join(names): _crossed(attributes, names, known) for names in asked}


def _named(name: str, known: Collection[str]) -> list[str]:
    """The attributes that make groups by this name, as they are called: in any case, where one alone is so called."""

    def called(name: str) -> str:
        alike = [each for each in known if each.lower() == name.lower()]
        return alike[0] if len(alike) == 1 and name not in known else name

    parts = [name] if called(name) in known else [part.strip() for part in name.split(CROSSED)]
    return [called(part) for part in parts]


def _crossed(attributes: Sequence[Mapping[str, str]], names: Sequence[str], known: Collection[str]) -> Column:
    if missing := [part for part in names if part not in known]:
        raise DataError(f"no image tells its {missing[0]!r}; there are {', '.join(known) or 'no columns at all'}")
    parts = [_parted(_column(attributes, part), part) for part in names]
    if nothing := [part for part, column in zip(names, parts, strict=True) if not column.groups]:
        raise DataError(f"the {nothing[0]!r} of no image is {'an age' if nothing[0] == 'age' else 'a number'}")
    if len(parts) == 1:
        return parts[0]
    rows = zip(*(part.values.tolist() for part in parts), strict=True)
    known_values = [value for part in parts for value in part.groups]
    between = next((mark for mark in BETWEEN if not any(mark in value for value in known_values)), BETWEEN[-1])
    values = np.array([between.join(row) if all(row) else "" for row in rows])
    places = [{value: place for place, value in enumerate(part.groups)} for part in parts]
    there = {row for row in zip(*(part.values.tolist() for part in parts), strict=True) if all(row)}
    ordered = sorted(there, key=lambda row: [place[value] for place, value in zip(places, row, strict=True)])
    return Column(values, tuple(between.join(row) for row in ordered))


def _column(attributes: Sequence[Mapping[str, str]], name: str) -> Column:
    values = np.array([banded(name, each.get(name, "")) for each in attributes])
    return Column(values, tuple(sorted(set(values.tolist()) - {""})))


def _parted(column: Column, name: str) -> Column:
    """A column as it is, or in parts where it holds many different numbers, named by their ends as the data write them.

    What is no finite number is not known. Equal numbers are in one part, however they are written, so that parts of few
    different numbers are of unlike sizes, and fewer; up to `MOST_NUMBERS` have a part each.

    Raises:
        DataError: the values are too many, and no numbers.
    """
    if len(column.groups) <= MOST_NUMBERS:
        return column
    try:
        numbers = np.array([float(value) if value else np.nan for value in column.values.tolist()])
    except ValueError:
        if len(column.groups) <= MOST_VALUES:
            return column
        many = counted(len(column.groups), "value")
        raise DataError(f"{name} has {many}: {MOST_VALUES} at most make groups, where they are no numbers") from None
    numbers[~np.isfinite(numbers)] = np.nan
    different = edges = np.unique(numbers[~np.isnan(numbers)])[1:]  # from each on, numbers are in another part
    if len(different) >= MOST_NUMBERS:
        edges = np.nanquantile(numbers, np.linspace(0, 1, PARTS + 1)[1:-1])
        edges[edges < different[0]] = different[0]  # else most images of one number hide the others
    place = np.where(np.isnan(numbers), -1, np.searchsorted(edges, numbers, "right"))
    groups = [""] * (len(edges) + 1)
    for part in np.unique(place[place >= 0]).tolist():
        rows = np.flatnonzero(place == part)
        low, high = rows[numbers[rows].argmin()], rows[numbers[rows].argmax()]
        ends = dict.fromkeys((str(column.values[low]), str(column.values[high])))
        groups[part] = " to ".join(ends)
    return Column(np.array([*groups, ""])[place], tuple(filter(None, groups)))


def banded(attribute: str, value: str) -> str:
    """The value; of an age in years its band, and nothing of a number that is none."""
    if attribute != "age":
        return value
    try:
        years = float(value)
    except ValueError:  # in words
        return value
    for low, high in AGES:
        if low <= years < high + 1:
            return f"{low}+" if high == AGES[-1][1] else f"{low}-{high}"
    return ""

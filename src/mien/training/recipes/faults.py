"""What is wrong with a recipe, in sentences: of a key that there is not, the nearest that there is."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError


def faults(error: ValidationError, table: type[BaseModel], told_apart: Sequence[str] = ()) -> list[str]:
    """A sentence a fault: where it is, and what.

    Args:
        error: of the table's values.
        table: the whole of them.
        told_apart: tables of several kinds, whose kind pydantic adds to the place.
    """
    return [_fault(each, table, told_apart) for each in error.errors()]


def _fault(error: Any, table: type[BaseModel], told_apart: Sequence[str]) -> str:
    first, *others = error["loc"] or ("recipe",)
    key = ".".join(map(str, (first, *others[first in told_apart :])))
    return f"{key}: {_unknown(key, table) if error['type'] == 'extra_forbidden' else error['msg']}"


def _unknown(key: str, table: type[BaseModel]) -> str:
    """Keys are near by their letters, or else where the last word is the same: `lr` is meant for `optimiser.lr`."""
    known = dict.fromkeys(each for each in _keys(table) if each != key)
    last = key.rpartition(".")[2]
    same = [each for each in known if each.rpartition(".")[2] == last]
    near = same[:1] or difflib.get_close_matches(key, known, n=1)
    return "there is no such key" + (f" here; did you mean {near[0]}?" if near else "")


def _keys(table: type[BaseModel]) -> Iterator[str]:
    """The keys of a table and of those in it, with dots."""
    for name, field in table.model_fields.items():
        yield name
        for below in _tables(field.annotation):
            yield from (f"{name}.{key}" for key in _keys(below))


def _tables(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    else:
        for part in get_args(annotation):
            yield from _tables(part)

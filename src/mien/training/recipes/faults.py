"""What is wrong with a recipe, in sentences: of a key that there is not, the nearest that there is."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

PYDANTICS = "Input should be "
COMPARED = re.compile("^(?=greater|less)")
EXPECTED = (
    dict.fromkeys(("int_type", "int_parsing", "int_parsing_size", "int_from_float"), "a whole number")
    | dict.fromkeys(("float_type", "float_parsing"), "a number")
    | dict.fromkeys(("bool_type", "bool_parsing"), "true or false")
    | dict.fromkeys(("model_type", "model_attributes_type"), "a table, such as [{key}] with its keys below")
    | {"string_type": "a text in quotes", "tuple_type": "a list, such as [1, 2]"}
    | {"too_short": "a list with at least {min_length} in it", "too_long": "a list with at most {max_length} in it"}
)
"""By pydantic's kind of a fault, where its own words are for programmers."""


def faults(error: ValidationError, table: type[BaseModel], told_apart: Sequence[str] = ()) -> list[str]:
    """A sentence a fault: where it is, and what.

    Args:
        error: of the table's values.
        table: the whole of them.
        told_apart: tables of several kinds, whose kind pydantic adds to the place.
    """
    found = error.errors()
    return [_fault(each, table, told_apart) for each in found if not _miscounted(each, found)]


def _miscounted(error: Any, found: Sequence[Any]) -> bool:
    """Whether a list is too short only because something in it is at fault: pydantic counts what is not."""
    place = error["loc"]
    within = (each["loc"] for each in found if len(each["loc"]) > len(place))
    return error["type"] == "too_short" and any(loc[: len(place)] == place for loc in within)


def _fault(error: Any, table: type[BaseModel], told_apart: Sequence[str]) -> str:
    first, *others = error["loc"] or ("recipe",)
    key = ".".join(map(str, (first, *others[first in told_apart :])))
    return f"{key}: {_unknown(key, others, table) if error['type'] == 'extra_forbidden' else _wrong(error, key)}"


def _wrong(error: Any, key: str) -> str:
    """What was expected, and what came, where that is short."""
    words = error["msg"].removeprefix("Value error, ")
    if error["type"] == "missing":
        return "is needed"
    if error["type"] not in EXPECTED and not words.startswith(PYDANTICS):
        return str(words)
    expected = EXPECTED.get(error["type"], COMPARED.sub("a value ", words.removeprefix(PYDANTICS)))
    expected = expected.format(key=key, **error.get("ctx", {}))
    given = error["input"]
    return f"expected {expected}" + (f", got {_written(given)}" if isinstance(given, str | int | float) else "")


def _written(value: str | float) -> str:
    """A value as TOML has it; a switch may have become a text on its way (see `recipe.Part`)."""
    return str(value).lower() if isinstance(value, bool) or value in ("true", "false") else repr(value)


def _unknown(key: str, within: Sequence[int | str], table: type[BaseModel]) -> str:
    """Keys are near by their letters, or else where the last word is the same: `lr` is meant for `optimiser.lr`.

    Args:
        key: with dots.
        within: the last word of it may have dots itself, if it stood in quotes; empty where there is but one word.
        table: the whole recipe.
    """
    above, _, last = key.rpartition(".")
    if key in _keys(table):
        quoted = not within or "." in str(within[-1])
        told = f"{last} belongs in [{above}]" if quoted else "it is one of another kind"
        return f"there is no such key here: {told}"
    known = dict.fromkeys(each for each in _keys(table) if not f"{key}.".startswith(f"{each}."))
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

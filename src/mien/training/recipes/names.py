"""The recipes that come with mien, by name: in a wheel beside its code, in a checkout where they are written."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

from mien.errors import RecipeError


def names() -> tuple[str, ...]:
    """The recipes that come with mien, in alphabetical order."""
    return tuple(sorted(path.stem for path in _folder().glob("*.toml")))


def find(name_or_path: str | os.PathLike[str]) -> Path:
    """The file of a recipe that comes with mien, by name, or of any other, by path.

    A string that is a name is no path: a file of that name is `./name`, or a `Path`.

    Raises:
        RecipeError: there is no such name or file; lists the names.
    """
    if isinstance(name_or_path, str) and name_or_path in names():
        return _folder() / f"{name_or_path}.toml"
    path = Path(name_or_path)
    if not path.exists() or path.is_dir():  # a pipe is a file as well
        raise RecipeError(f"no recipe {str(path)!r}", [f"mien has {', '.join(names())}", "no such file either"])
    return path


def _folder() -> Path:
    package = Path(str(resources.files("mien")))
    shipped = package / "recipes"
    return shipped if shipped.is_dir() else package.parents[1] / "recipes"

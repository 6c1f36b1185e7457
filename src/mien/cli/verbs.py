"""The verbs, in the order in which they are shown; each is the function of the module of its name.

A verb's module is loaded when it is asked for, so that none waits for the others.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from mien import __version__
from mien.cli.options import shown
from mien.errors import INTERRUPTED

VERBS = (
    "predict",
    "batch",
    "video",
    "watch",
    "evaluate",
    "compare",
    "crop",
    "train",
    "export",
    "models",
    "serve",
    "app",
    "page",
    "doctor",
    "data",
)


class Commands(Mapping[str, Any]):
    """Typer's commands by verb."""

    def __getitem__(self, verb: str) -> Any:
        if verb not in VERBS:
            raise KeyError(verb)
        told = getattr(import_module(f"mien.cli.{verb}"), verb)
        if isinstance(told, typer.Typer):  # it has verbs of its own
            return typer.main.get_command(told)
        alone = typer.Typer(add_completion=False)
        alone.command(verb)(told)
        return typer.main.get_command(alone)

    def __iter__(self) -> Iterator[str]:
        return iter(VERBS)

    def __len__(self) -> int:
        return len(VERBS)


class Verbs(TyperGroup):
    """Verbs that Ctrl-C ends. One that has more to say, such as how to go on, raises `KeyboardInterrupt` with it."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**(given | {"commands": Commands()}))

    def list_commands(self, ctx: Any) -> list[str]:
        return list(VERBS)

    def make_context(self, *given: Any, **more: Any) -> Any:
        with _told():
            return super().make_context(*given, **more)

    def invoke(self, ctx: Any) -> Any:
        with _told():
            return super().invoke(ctx)


@contextmanager
def _told() -> Iterator[None]:
    """Ctrl-C ends with a word, and what a verb says of it."""
    try:
        yield
    except KeyboardInterrupt as stop:
        print(*map(shown, ": ".join(("interrupted", *stop.args)).splitlines()), sep="\n", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None


app = typer.Typer(
    cls=Verbs,
    help="Read facial expressions in images; train, judge and ship such a reader on your own faces.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"mien {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None: ...

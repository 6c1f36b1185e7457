"""The verbs, in the order in which they are shown; each is the function of the module of its name.

A verb's module is loaded when it is asked for, so that none waits for the others.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from mien import __version__
from mien.cli.options import shown
from mien.errors import INTERRUPTED, MienError

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


MAY_BE_EMPTY = ("--columns", "--notice")
"""Options of which nothing is one of the answers."""


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

    def make_context(self, info_name: str | None, args: list[str], *given: Any, **more: Any) -> Any:
        if not more.get("resilient_parsing"):  # as where words are completed
            check_words(args)
        with _told():
            return super().make_context(info_name, args, *given, **more)

    def invoke(self, ctx: Any) -> Any:
        with _told():
            return super().invoke(ctx)


def check_words(words: Sequence[str]) -> None:
    """See that no word is empty, as that of a variable that is not set: as a path it would be the current folder.

    Raises:
        MienError: one is, and behind an option to which that says nothing.
    """
    for before, word in zip(["", *words], words, strict=False):
        option, sign, value = word.partition("=")
        if not word and before not in MAY_BE_EMPTY:
            behind = f", behind {before}" if before else ""
            raise MienError(f"an empty word on the command line{behind}: is a variable not set?")
        if option.startswith("--") and sign and not value and option not in MAY_BE_EMPTY:
            raise MienError(f"{word} has nothing behind the =: is a variable not set?")


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

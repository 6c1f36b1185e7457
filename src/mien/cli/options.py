"""Options that several verbs share, and the models they open."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from mien.errors import MienError

EXIT_SOME_UNREAD = 1
INTERRUPTED = 130
"""Exit code of what was stopped with Ctrl-C, as a shell gives it."""

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

Labels = Annotated[
    str | None,
    typer.Option("--labels", metavar="SET", help="Answer in this label set: ferplus8, fer7, ckplus7, happy-sad."),
]
Model = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME|DIR", help="A model that comes with mien, or an artifact's folder."),
]


class TableOrJson(StrEnum):
    table = "table"
    json = "json"


class CropOption(StrEnum):
    auto = "auto"
    detect = "detect"
    whole = "whole"


Threads = Annotated[int | None, typer.Option("--threads", min=1, help="CPU threads; all cores if not given.")]
Crop = Annotated[
    CropOption,
    typer.Option("--crop", help="detect: read the faces found; whole: the image is one face; auto: whole where small."),
]


def terminal(*, stderr: bool = False) -> Console:
    """Where things are told: as they stand, without markup; lines are not broken where nobody watches."""
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = 10_000
    return console


def columns(words: Sequence[str], numbers: Sequence[str]) -> Table:
    """A table without lines: columns of words, then columns of numbers."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for title in words:
        table.add_column(title)
    for title in numbers:
        table.add_column(title, justify="right")
    return table


def shown(text: str) -> str:
    """Text on one line that a terminal prints as it stands: control characters as `\\n` or `\\x1b`."""
    return CONTROL.sub(lambda found: repr(found[0])[1:-1], text)


def counting(what: str) -> Progress:
    """A progress bar on the error stream, that counts; nothing where that is not a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Says what to install where an extra is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MienError(f"this needs more than is installed ({error.name}): pip install 'mien[{extra}]'") from None

"""Options that several verbs share, and the models they open."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TextIO, TypeVar

import typer

from mien.errors import MienError
from mien.wording import CONTROL

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

    from mien.datasets import Dataset
    from mien.intake import Limits

T = TypeVar("T")

EXIT_SOME_UNREAD = 1

SIGNS = ("FORCE_COLOR", "TTY_COMPATIBLE")
"""By which rich takes for a terminal what is none."""


def _label_sets() -> list[str]:
    from mien.labels import LABEL_SETS

    return list(LABEL_SETS)


def _priors() -> list[str]:
    from mien.prior import BALANCED, TRAINING

    return [TRAINING, BALANCED]


def models() -> list[str]:
    """Names of the models that come with mien, to complete what is typed."""
    from mien.artifact import names

    return list(names())


def recipes() -> list[str]:
    """As `models`, of recipes."""
    from mien.training.recipes.names import names

    return list(names())


def _size(of: Literal["bytes", "pixels"]) -> Callable[[str | int], int]:
    """Reads sizes such as 200MP; numbers are what came out already."""

    def read(text: str | int) -> int:
        from mien.intake import read_size

        try:
            return read_size(text, of)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error

    return read


Labels = Annotated[
    str | None,
    typer.Option(
        "--labels",
        metavar="SET",
        help="Answer in this label set: ferplus8, fer7, ckplus7, happy-sad.",
        autocompletion=_label_sets,
    ),
]
Prior = Annotated[
    str,
    typer.Option(
        "--prior",
        metavar="training|balanced|A=SHARE,...",
        help="How often to expect each expression: as in training, all equally often, or happy=.5,neutral=.5.",
        autocompletion=_priors,
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME|DIR",
        help="A model that comes with mien, or an artifact's folder.",
        autocompletion=models,
    ),
]
MaxPixels = Annotated[
    int | None,
    typer.Option(
        "--max-pixels",
        metavar="SIZE",
        help="Refuse larger images, unread: 48MP, say.",
        show_default="200MP",
        parser=_size("pixels"),
    ),
]
MaxBytes = Annotated[
    int | None,
    typer.Option(
        "--max-bytes",
        metavar="SIZE",
        help="Refuse larger files, unread: 20MB, say.",
        show_default="200MB",
        parser=_size("bytes"),
    ),
]
Memory = Annotated[
    int | None,
    typer.Option(
        "--memory",
        metavar="SIZE",
        help="Hold so many bytes of face crops at once, 2GB, say; where they are more, read them anew in each epoch.",
        show_default="a quarter of the memory",
        parser=_size("bytes"),
    ),
]


class TableOrJson(StrEnum):
    table = "table"
    json = "json"


class Format(StrEnum):
    table = "table"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"
    parquet = "parquet"


ROWS = {f".{each}": each for each in Format if each is not Format.table} | {".ndjson": Format.jsonl}
ENDINGS = ROWS | {".tsv": Format.table, ".txt": Format.table}


class CropOption(StrEnum):
    auto = "auto"
    detect = "detect"
    whole = "whole"


Map = Annotated[
    str | None,
    typer.Option(
        "--map",
        metavar="A=B,...|FILE",
        help="What labels mean: anger=angry,joie=happy, or a CSV file of two columns; nothing behind = leaves one out.",
    ),
]
Group = Annotated[
    str | None,
    typer.Option(
        "--group",
        metavar="COLUMN|folder:N|PATTERN|none",
        help="Who is on an image: a column, the Nth folder of its path (-1 the last), or what a pattern's brackets "
        r"enclose, such as 'S(\d+)_'; none: nobody is named.",
    ),
]


def opened(data: Path, mapping: str | None, group: str | None) -> Dataset:
    """The dataset at a path, read as the options `Map` and `Group` say."""
    from mien.datasets import open_dataset, read_mapping

    return open_dataset(data, mapping=read_mapping(mapping) if mapping else None, group=group)


Threads = Annotated[int | None, typer.Option("--threads", min=1, help="CPU threads; all cores if not given.")]
Crop = Annotated[
    CropOption,
    typer.Option(
        "--crop",
        help="detect: read the faces found; whole: the image is one face; "
        "auto: whole where it is small and no face is found.",
    ),
]
DataCrop = Annotated[
    CropOption | None,
    typer.Option(
        "--crop",
        help="whole: the images are face crops; detect: photos; auto: photos and small face crops.",
        show_default="as the data ask",
    ),
]


def chosen(form: Format | None, out: Path | None, say: Callable[[str], None]) -> Format:
    """The format that was asked for, or else the one that a file's ending asks for.

    Args:
        form: asked for.
        out: the file, if there is one.
        say: is told where the two differ.

    Raises:
        MienError: nothing asks for any.
    """
    ending = ENDINGS.get(out.suffix.lower()) if out else Format.table
    if form is None and ending is None:
        raise MienError(f"{out}: end it with one of {', '.join(ENDINGS)}, or say with --format what to write")
    if form is Format.json and ending is Format.jsonl:
        return Format.jsonl
    if out and form and ending and form is not ending:
        say(f"{shown(str(out))}: written as {form}, for --format asks for it")
    return form or ending or Format.table


def rows_form(out: Path | None, others: Iterable[str] = ()) -> Format:
    """The form of a file of rows, as its ending asks; rows one by one where there is none.

    Args:
        others: endings that it may have as well, to which `table` is the answer.

    Raises:
        MienError: it has another.
    """
    forms = {**ROWS, **dict.fromkeys(others, Format.table)}
    form = forms.get(out.suffix.lower()) if out is not None else Format.jsonl
    if form is None:
        raise MienError(f"{out}: end it with one of {', '.join(forms)}")
    return form


def limits(max_bytes: int | None, max_pixels: int | None) -> Limits:
    """How big images may be, as the options `MaxBytes` and `MaxPixels` say."""
    from mien.intake import LIMITS, Limits

    return Limits(max_bytes or LIMITS.max_bytes, max_pixels or LIMITS.max_pixels)


def watched(stream: TextIO) -> bool:
    """Whether a stream is a terminal's.

    rich decides, where there may be one: elsewhere nothing waits for it to be loaded.
    """
    if not (stream.isatty() or any(sign in os.environ for sign in SIGNS)):
        return False
    from rich.console import Console

    return Console(file=stream).is_terminal


def say(line: str) -> None:
    """Tell something on the error stream, as `terminal` does."""
    if watched(sys.stderr):
        terminal(stderr=True).print(line)
    else:
        print(line, file=sys.stderr)


def terminal(*, stderr: bool = False) -> Console:
    """Where things are told: as they stand, without markup; lines are not broken where nobody watches."""
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = 10_000
    return console


def columns(words: Sequence[str], numbers: Sequence[str]) -> Table:
    """A table without lines: columns of words, then columns of numbers; where they do not fit, nothing is cut off."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for title in words:
        table.add_column(title, overflow="fold")
    for title in numbers:
        table.add_column(title, justify="right", overflow="fold")
    return table


def shown(text: str) -> str:
    """Text on one line that a terminal prints as it stands: control characters as `\\n` or `\\x1b`."""
    return CONTROL.sub(lambda found: repr(found[0])[1:-1], text)


def counting(what: str) -> Progress:
    """A progress bar on the error stream, that counts; nothing where that is not a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    disable = not console.is_terminal
    return Progress(*columns, console=console, transient=True, disable=disable, redirect_stdout=False)


@contextmanager
def counted_off(items: Iterable[T], total: int | None, what: str, *, hidden: bool = False) -> Iterator[Iterable[T]]:
    """Items as they come, counted by the bar of `counting` if it is not hidden."""
    if hidden or not watched(sys.stderr):
        yield items
        return
    with counting(what) as bar:
        yield bar.track(items, total, description="")


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Says what to install where an extra is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MienError(f"this needs more than is installed ({error.name}): pip install 'mien[{extra}]'") from None

"""`mien predict`: read expressions in images."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from io import BytesIO
from itertools import tee
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.options import EXIT_SOME_UNREAD, Crop, CropOption, Labels, Model, Threads, shown
from mien.errors import MienError

if TYPE_CHECKING:
    from mien.image import ImageSource
    from mien.prediction import Prediction

JPEG_QUALITY = 92
LONGEST_STEM = 60  # characters, of up to 4 bytes; file systems take names of 255 bytes


class Format(StrEnum):
    table = "table"
    json = "json"
    csv = "csv"
    parquet = "parquet"


def predict(
    sources: Annotated[
        list[str], typer.Argument(metavar="SOURCE...", help="Images, folders, patterns, or - for standard input.")
    ],
    labels: Labels = None,
    crop: Crop = CropOption.auto,
    model: Model = None,
    form: Annotated[Format, typer.Option("--format", help="How to write the answers.")] = Format.table,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write there, not to the terminal.")] = None,
    annotate: Annotated[
        Path | None, typer.Option("--annotate", metavar="DIR", help="Also write each image with its faces marked.")
    ] = None,
    threads: Threads = None,
) -> None:
    """Read the expressions of the faces in images.

    The exit code is 1 if some source could not be read, and its row says why, or could not be drawn.
    """
    from mien.cli.formats import writer
    from mien.cores import cores
    from mien.files import make_writable
    from mien.recognizer import load
    from mien.sources import expand, read_again

    recognizer = load(model, threads=threads or cores())
    spoken = recognizer.spoken(labels)
    unread = False
    stdin = sys.stdin.buffer if sys.stdin else BytesIO()
    named: Iterable[ImageSource] = expand(sources, stdin)
    taken: set[str] = set()
    if annotate is not None:
        named = list(map(read_again, named))  # before the first picture is written there, lest it be taken for a source
        taken = _inside(annotate, named)
        make_writable(annotate)
    given, kept = tee(named)
    with writer(form.value, out, spoken) as write:
        for source, prediction in zip(kept, recognizer.stream(given, labels=spoken, crop=crop.value), strict=True):
            write(prediction)
            unread = unread or prediction.error is not None
            if annotate is not None and prediction.error is None:
                try:
                    _annotate(source, prediction, annotate, taken)
                except (MienError, OSError) as error:
                    print(f"{shown(prediction.source)}: not drawn: {shown(str(error))}", file=sys.stderr)
                    unread = True
    if unread:
        raise typer.Exit(EXIT_SOME_UNREAD)


def _annotate(source: ImageSource, prediction: Prediction, folder: Path, taken: set[str]) -> None:
    """Write FOLDER/<name>-mien.jpg, numbered where that is taken: by another source's picture, or by a source."""
    from mien.draw import annotate
    from mien.files import replacing
    from mien.sources import Piped

    if isinstance(source, Piped):
        source.seek(0)
    stem = Path(prediction.source).stem.strip("<>")[:LONGEST_STEM]
    name = next(name for name in _names(stem) if name not in taken)
    taken.add(name)
    with replacing(folder / name) as temporary:
        annotate(source, prediction).save(temporary, quality=JPEG_QUALITY)


def _inside(folder: Path, sources: Iterable[ImageSource]) -> set[str]:
    """Names of the sources that are in a folder."""
    paths = [os.path.split(source) for source in sources if isinstance(source, str)]
    return {name for parent, name in paths if os.path.realpath(parent or ".") == os.path.realpath(folder)}


def _names(stem: str) -> Iterator[str]:
    yield f"{stem}-mien.jpg"
    number = 2
    while True:
        yield f"{stem}-{number}-mien.jpg"
        number += 1

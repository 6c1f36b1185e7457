"""`mien predict`: read expressions in images."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from functools import partial
from io import BytesIO
from itertools import tee
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.copies import Copies
from mien.cli.options import (
    EXIT_SOME_UNREAD,
    Crop,
    CropOption,
    Format,
    Labels,
    MaxBytes,
    MaxPixels,
    Model,
    Prior,
    Threads,
    chosen,
    counted_off,
    limits,
    say,
    shown,
    watched,
)
from mien.cli.places import check_files, check_outside
from mien.cli.stop import unbroken
from mien.cli.tally import Tally
from mien.errors import MienError
from mien.wording import reason

if TYPE_CHECKING:
    from mien.intake import ImageSource, Limits
    from mien.labels import LabelSet
    from mien.prediction import Prediction
    from mien.recognizer import Recognizer
    from mien.sources import PassedOver


def predict(
    sources: Annotated[
        list[str], typer.Argument(metavar="SOURCE", help="Images, folders, patterns, or - for standard input.")
    ],
    labels: Labels = None,
    prior: Prior = "training",
    crop: Crop = CropOption.auto,
    model: Model = None,
    form: Annotated[
        Format | None,
        typer.Option("--format", help="How to write the answers.", show_default="as --out ends, or else table"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write there: .json, .jsonl, .csv, .parquet or .txt."),
    ] = None,
    annotate: Annotated[
        Path | None, typer.Option("--annotate", metavar="DIR", help="Also write each image with its faces marked.")
    ] = None,
    explain: Annotated[
        Path | None,
        typer.Option(
            "--explain", metavar="DIR", help="Also write each image with what each answer hangs on, in colour."
        ),
    ] = None,
    threads: Threads = None,
    max_pixels: MaxPixels = None,
    max_bytes: MaxBytes = None,
) -> None:
    """Read the expressions of the faces in images.

    Of a folder, files that are no images are passed over and counted. Stopped by Ctrl-C, it keeps what it has read.

    The exit code is 1 if some source could not be read, and its row says why, or could not be drawn.
    """
    from mien.cli.formats import writer
    from mien.cores import cores
    from mien.recognizer import load
    from mien.sources import PassedOver

    kind = chosen(form, out, say)
    allowed = limits(max_bytes, max_pixels)
    recognizer = load(model, threads=threads or cores(), limits=allowed)
    spoken = recognizer.spoken(labels)
    hidden = out is None and watched(sys.stdout)  # rows that are seen tell enough
    passed_over = PassedOver()
    draws = annotate is not None or explain is not None
    named = _images(sources, passed_over, allowed, draws=draws)
    if draws or out is not None or (watched(sys.stderr) and not hidden):
        named = list(named)
    if out is not None:
        found = named if form is not None else ()  # else it is called as tables are, which folders' images are not
        paths = (source for source in (*sources, *found) if isinstance(source, str))
        check_files([out], (*paths, *recognizer.artifact.files))
    for folder in filter(None, (annotate, explain)):
        check_outside(sources, folder)
    copies = list(_copies(annotate, explain, named, sources)) if isinstance(named, list) else []
    tally = Tally(total=len(named) if isinstance(named, list) else None)
    given, kept = tee(named)
    if explain is None:
        told: Iterable[Prediction] = recognizer.stream(given, labels=spoken, prior=prior, crop=crop.value)
    else:
        told = _explained(recognizer, given, spoken, prior, crop, threads or cores())
    counted = counted_off(zip(kept, told, strict=True), tally.total, "reading", hidden=hidden)
    with writer(kind, out, spoken) as write, counted as answers, tally.until_stopped():
        for source, prediction in answers:
            with unbroken():
                write(prediction)
                tally.add(prediction)
            if prediction.error is None:
                tally.undrawn += sum(not _drawn(each, source, prediction) for each in copies)
    if passed_over:
        say(f"passed over {passed_over}")
    tally.tell(out)
    if tally.stopped is not None:
        raise typer.Exit(tally.stopped)
    if tally.unread or tally.undrawn:
        raise typer.Exit(EXIT_SOME_UNREAD)


def _images(words: list[str], passed_over: PassedOver, limits: Limits, *, draws: bool) -> Iterable[ImageSource]:
    """What words name, one by one; what is drawn is read a second time."""
    from mien.sources import expand, read_again

    named = expand(words, sys.stdin.buffer if sys.stdin else BytesIO(), passed_over, limits)
    return (read_again(source, limits) for source in named) if draws else named


def _copies(
    annotate: Path | None, explain: Path | None, sources: list[ImageSource], words: list[str]
) -> Iterator[Copies]:
    from mien.draw import annotate as marked
    from mien.shading import shaded

    if annotate is not None:
        yield Copies(annotate, sources, words, "mien", marked)
    if explain is not None:
        yield Copies(explain, sources, words, "why", shaded)


def _explained(
    recognizer: Recognizer,
    sources: Iterable[ImageSource],
    labels: LabelSet,
    prior: str,
    crop: CropOption,
    threads: int,
) -> Iterator[Prediction]:
    """As `Recognizer.stream`, with explanations; how they are made is told where that takes long."""
    from mien.cores import ahead
    from mien.explain import explained, usual

    recognizer.expected(prior, labels)
    if usual(recognizer) == "occlusion":
        say(f"{recognizer.artifact.name} is explained by hiding parts of each face, fifty times as slowly")
    return ahead(partial(explained, recognizer, labels=labels, prior=prior, crop=crop.value), sources, threads)


def _drawn(copies: Copies, source: ImageSource, prediction: Prediction) -> bool:
    try:
        copies.draw(source, prediction)
    except (MienError, OSError) as error:
        say(f"{shown(prediction.source)}: not drawn: {shown(reason(error))}")
        return False
    return True

"""The command line: one verb a file; each parses, calls the library, and shows what came back.

Exit codes: 0 all was read; 1 some source could not be read, and its row says why, or the reader of a pipe left early;
2 wrong usage; 128 and the number of a signal where one ended it: 130 for Ctrl-C.
"""

from __future__ import annotations

import errno
import os
import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from mien import __version__
from mien.cli import app as app_verb
from mien.cli import (
    batch,
    compare,
    crop,
    data,
    doctor,
    evaluate,
    export,
    models,
    page,
    predict,
    serve,
    train,
    video,
    watch,
)
from mien.cli.options import EXIT_SOME_UNREAD, shown
from mien.cli.stop import Verbs, listen
from mien.errors import MienError
from mien.wording import reason

USAGE = 2
UNWRITABLE = (errno.EPIPE, errno.ENOSPC)  # what the stream of answers may say: its reader left, its disk is full

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


app.command("predict")(predict.predict)
app.command("batch")(batch.batch)
app.command("video")(video.video)
app.command("watch")(watch.watch)
app.command("evaluate")(evaluate.evaluate)
app.command("compare")(compare.compare)
app.command("crop")(crop.crop)
app.command("train")(train.train)
app.command("export")(export.export)
app.command("models")(models.models)
app.command("serve")(serve.serve)
app.command("app")(app_verb.app)
app.command("page")(page.page)
app.add_typer(data.app, name="data")
app.command("doctor")(doctor.doctor)


def main() -> None:
    """Run the command line; what mien raises on purpose, and what the disk refuses, ends as a sentence."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # file names that the terminal's encoding lacks
    listen()
    try:
        try:
            app(prog_name="mien")
        finally:
            if sys.stdout:
                sys.stdout.flush()  # here, where it can be told of, and not when Python ends
    except (MienError, OSError) as error:
        if isinstance(error, OSError) and error.errno in UNWRITABLE:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is left in its buffer
        if isinstance(error, BrokenPipeError):
            sys.exit(EXIT_SOME_UNREAD)
        told = "\n".join(map(shown, reason(error).splitlines()))
        print(f"error: {told}", file=sys.stderr)
        sys.exit(USAGE)

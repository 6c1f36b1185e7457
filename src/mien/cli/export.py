"""`mien export`: make a model of training runs, and of models."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from mien.cli.options import models, needs_extra, say
from mien.prediction import reliable
from mien.wording import percentage


def export(
    members: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN|MODEL",
            help="Folders of training runs; models by name or folder.",
            autocompletion=models,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="ARTIFACT", help="Folder of the model; must not exist yet.")],
    mirror: Annotated[
        bool,
        typer.Option(
            "--mirror", help="Average each face with its mirror image: twice the time, unless it is mirrored."
        ),
    ] = False,
    int8: Annotated[bool, typer.Option("--int8", help="8-bit integers: a quarter of the size.")] = False,
    soup: Annotated[
        bool,
        typer.Option("--soup", help="Average weights, not answers: for runs and models begun with one another."),
    ] = False,
    last: Annotated[
        bool,
        typer.Option("--last", help="Weights of each run's last epoch, not of its best: for a mean of several."),
    ] = False,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DATA", help="The data, if not where the first run found them.")
    ] = None,
) -> None:
    """Make a calibrated model of a run's best weights, checked against the network it came from.

    Several runs, or models, of the same data become one model that averages their answers.
    """
    with needs_extra("train"):
        from mien.training.export.export import export

    artifact = export(members, out, data=data, int8=int8, mirror=mirror, soup=soup, last=last, say=say)
    for head in artifact.manifest.heads:
        accuracy = artifact.manifest.scores[head.labels]["accuracy"]
        sure = reliable(head.threshold)
        say(f"{head.labels}: {percentage(accuracy)} right on validation, confidence is {sure}")
    say(f"next: mien predict --model {shlex.quote(str(out))} PHOTO")

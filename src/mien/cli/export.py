"""`mien export`: make a model of a training run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from mien.cli.options import needs_training_extra


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a training run.")],
    out: Annotated[Path, typer.Option("--out", metavar="ARTIFACT", help="Folder of the model; must not exist yet.")],
) -> None:
    """Make a calibrated model of a run's best weights, checked against the network it came from."""
    with needs_training_extra():
        from mien.training.export import export

    console = Console(stderr=True, highlight=False)
    artifact = export(run, out, say=console.print)
    for head in artifact.manifest.heads:
        accuracy = artifact.manifest.scores[head.labels]["accuracy"]
        console.print(f"{head.labels}: {accuracy:.1%} right on validation, sure from {head.threshold:.0%} confidence")
    console.print(f"next: mien predict --model {out} PHOTO")

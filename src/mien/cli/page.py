"""`mien page`: a page that reads photos by itself, in the browser that opens it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli.options import Model, terminal
from mien.cli.places import check_files


def page(
    out: Annotated[Path, typer.Argument(metavar="OUT.html", help="The file to write.", show_default=False)],
    model: Model = None,
    runtime: Annotated[
        Path | None,
        typer.Option(
            "--runtime",
            metavar="PLACE",
            help="The npm package onnxruntime-web: its folder, or the archive that `npm pack` gets.",
            show_default="node_modules, here or above",
        ),
    ] = None,
    notice: Annotated[
        str,
        typer.Option(metavar="on|TEXT", help="What the page tells the people who are read: ready words, or yours."),
    ] = "",
) -> None:
    """Write one HTML file that reads photos, videos and the camera offline: nothing leaves the page."""
    from mien import artifact as artifacts
    from mien.languages import asked
    from mien.page import find_runtime, write_page

    artifact = artifacts.read(artifacts.find(model))
    check_files([out], (runtime, *artifact.files))
    write_page(out, artifact, find_runtime(runtime), asked(notice))
    size = out.stat().st_size / 1e6
    terminal().print(f"{out}: {size:.1f} MB")

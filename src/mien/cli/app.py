"""`mien app`: the app, in a browser on this machine."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from mien.cli.options import Model, needs_extra
from mien.cli.places import check_outside
from mien.errors import MienError


def app(
    samples: Annotated[
        Path | None, typer.Option("--samples", metavar="DIR", help="Photos for a gallery, in folders named by label.")
    ] = None,
    model: Model = None,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Where the browser finds it.")] = 8501,
    notice: Annotated[
        str | None,
        typer.Option("--notice", metavar="TEXT", help="What every page tells people; on: the AI Act's, in our words."),
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(
            "--keep",
            metavar="DIR",
            help="Let whoever opens the app keep faces that they correct, in this folder. Without it nothing is kept.",
        ),
    ] = None,
    headless: Annotated[bool, typer.Option("--headless", help="Do not open a browser.")] = False,
) -> None:
    """Read photos and videos, walk through samples, judge a model and watch live, in a browser on this machine."""
    from mien import artifact as artifacts
    from mien.corrections import check

    with needs_extra("app"):
        if find_spec("streamlit") is None:
            raise ModuleNotFoundError(name="streamlit")
    if samples is not None and not samples.is_dir():
        raise MienError(f"{samples}: no such folder of samples")
    if keep is not None:
        check_outside([samples] if samples else [], keep)
        check(keep)
    artifacts.read(artifacts.find(model))
    chosen = {
        "MIEN_APP_MODEL": model,
        "MIEN_APP_SAMPLES": str(samples.resolve()) if samples else None,
        "MIEN_APP_NOTICE": notice,
        "MIEN_APP_KEEP": str(keep.resolve()) if keep else None,
    }
    others = {name: value for name, value in os.environ.items() if name not in chosen}  # nothing but what is asked for
    environment = others | {name: value for name, value in chosen.items() if value}
    print(f"The app is at http://localhost:{port} in a moment. Ctrl-C ends it.", flush=True)
    flags = [f"--server.port={port}", f"--server.headless={str(headless).lower()}"]
    os.execve(sys.executable, [sys.executable, "-P", "-m", "mien.app", *flags], environment)

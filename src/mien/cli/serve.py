"""`mien serve`: the upload page, the API and the live camera, from one process."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from importlib.util import find_spec
from typing import Annotated

import typer

from mien.cli.options import models as names
from mien.cli.options import needs_extra


def serve(
    host: Annotated[str | None, typer.Option("--host", help="Where it listens; 127.0.0.1 if not given.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="8000 if not given; 0 takes a free one.")] = None,
    models: Annotated[
        list[str] | None,
        typer.Option("--model", metavar="NAME|DIR", help="Which models clients can ask for.", autocompletion=names),
    ] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any setting: --set queue=128; see docs.")
    ] = None,
    hash_key: Annotated[
        bool, typer.Option("--hash-key", help="Read an API key from standard input, print its hash, and end.")
    ] = False,
) -> None:
    """Serve an upload page, an API (videos too) and a live camera; settings come from MIEN_SERVE_* or from here."""
    if hash_key:
        key = sys.stdin.readline().rstrip("\r\n")
        if not key:
            raise typer.BadParameter("no key came through standard input", param_hint="--hash-key")
        print(hashlib.sha256(key.encode()).hexdigest())
        return
    with needs_extra("serve"):
        for name in (
            "fastapi",
            "uvicorn",
            "httptools",
            "websockets",
            "jinja2",
            "python_multipart",
            "prometheus_client",
        ):
            if find_spec(name) is None:
                raise ModuleNotFoundError(name=name)
    pairs = [change.partition("=") for change in changes or []]
    if wrong := [name for name, equals, _ in pairs if not equals]:
        raise typer.BadParameter(f"expected KEY=VALUE, got {', '.join(wrong)}", param_hint="--set")
    given = {name.lower(): value for name, _, value in pairs}
    options = {
        "host": host,
        "port": None if port is None else str(port),
        "models": json.dumps(models) if models else None,
    }
    given |= {name: value for name, value in options.items() if value is not None}
    environment = {**os.environ, **{f"MIEN_SERVE_{name.upper()}": value for name, value in given.items()}}
    os.execve(sys.executable, [sys.executable, "-P", "-m", "mien.service", *given], environment)

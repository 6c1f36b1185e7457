"""The page of all commands in the docs, from the commands themselves.

python tools/commands.py            write docs/commands.md anew
python tools/commands.py --check    change nothing; fail where it is stale
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import typer
from typer.cli import get_docs_for_click

from mien.cli.verbs import app

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; fail where it is stale")
    if not parser.parse_args().check:
        PAGE.write_text(commands(), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != commands():
        raise SystemExit(f"{PAGE.name} is stale: run python tools/commands.py")


def commands() -> str:
    """What `mien --help` says, and `mien VERB --help` of every verb, as Markdown."""
    command = typer.main.get_command(app)
    context: Any = command.make_context("mien", [], resilient_parsing=True)
    return get_docs_for_click(obj=command, ctx=context, name="mien", title="Command line").rstrip() + "\n"


if __name__ == "__main__":
    main()

"""`mien compare`: reports side by side."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from mien.cli.options import shown, terminal

if TYPE_CHECKING:
    from mien.report.compare import Difference


class Format(StrEnum):
    table = "table"
    json = "json"


def compare(
    reports: Annotated[list[Path], typer.Argument(metavar="REPORT...", help="Folders of mien evaluate --report.")],
    form: Annotated[Format, typer.Option("--format", help="How to write the comparison.")] = Format.table,
) -> None:
    """Compare models on the images that all of their reports judged, each with the first."""
    from mien.report.compare import compare

    compared = compare(reports)
    if form is Format.json:
        print(json.dumps([each.to_dict() for each in compared]))
        return
    console = terminal()
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("report", "model", "accuracy", "difference (95%)", "macro-F1", "difference (95%)", "ECE"):
        table.add_column(title, justify="left" if title in ("report", "model") else "right")
    for each in compared:
        table.add_row(
            shown(each.report),
            shown(each.model),
            f"{each.accuracy:.1%}",
            _difference(each.accuracy_difference, 100),
            f"{each.macro_f1:.3f}",
            _difference(each.macro_f1_difference, 1),
            f"{each.ece:.3f}",
        )
    console.print(table)
    console.print(f"{compared[0].n} images. A difference with a star is hardly chance: its interval leaves out 0.")


def _difference(difference: Difference | None, scale: int) -> Text:
    if difference is None:
        return Text()
    digits = 1 if scale == 100 else 3
    low, high = difference.interval
    text = f"{scale * difference.value:+.{digits}f} ({scale * low:+.{digits}f} to {scale * high:+.{digits}f})"
    return Text(f"* {text}", style="bold") if difference.shown else Text(text)

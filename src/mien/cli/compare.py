"""`mien compare`: reports side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from mien.cli.options import TableOrJson, columns, shown, terminal
from mien.wording import counted

if TYPE_CHECKING:
    from mien.report.compare import Difference


def compare(
    reports: Annotated[list[Path], typer.Argument(metavar="REPORT...", help="Folders of mien evaluate --report.")],
    form: Annotated[TableOrJson, typer.Option("--format", help="How to write the comparison.")] = TableOrJson.table,
) -> None:
    """Compare models on the images that all of their reports judged, each with the first."""
    from mien.report.compare import compare

    compared = compare(reports)
    if form is TableOrJson.json:
        print(json.dumps([each.to_dict() for each in compared]))
        return
    console = terminal()
    table = columns(("report", "model"), ("accuracy", "difference (95%)", "macro-F1", "difference (95%)", "ECE"))
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
    console.print(
        f"{counted(compared[0].n, 'image')}. A difference with a star is hardly chance: its interval leaves out 0."
    )


def _difference(difference: Difference | None, scale: int) -> Text:
    if difference is None:
        return Text()
    digits = 1 if scale == 100 else 3
    low, high = difference.interval
    text = f"{scale * difference.value:+.{digits}f} ({scale * low:+.{digits}f} to {scale * high:+.{digits}f})"
    return Text(f"* {text}", style="bold") if difference.shown else Text(text)

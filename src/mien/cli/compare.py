"""`mien compare`: reports side by side."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from mien.cli.options import columns, shown, terminal
from mien.wording import counted

if TYPE_CHECKING:
    from mien.report.compare import Compared, Difference


class CompareFormat(StrEnum):
    table = "table"
    json = "json"
    csv = "csv"
    latex = "latex"


def compare(
    reports: Annotated[list[Path], typer.Argument(metavar="REPORT...", help="Folders of mien evaluate --report.")],
    form: Annotated[CompareFormat, typer.Option("--format", help="How to write the comparison.")] = CompareFormat.table,
) -> None:
    """Compare models on the images that all of their reports judged, each with the first.

    Reports of several datasets make one table: those of one path and split are compared with each other.
    """
    from mien.report.compare import compare
    from mien.report.rows import as_csv, as_latex

    compared = compare(reports)
    if form is CompareFormat.json:
        print(json.dumps([each.to_dict() for each in compared]))
    elif form is CompareFormat.table:
        _show(compared)
    else:
        print(as_csv(compared) if form is CompareFormat.csv else as_latex(compared), end="")


def _show(compared: list[Compared]) -> None:
    console = terminal()
    console.print(_models(compared))
    if any(each.groups for each in compared):
        console.print()
        console.print(_groups(compared))
    judged = {each.data: each.n for each in compared}
    console.print(
        f"{counted(sum(judged.values()), 'image')}. A difference with a star is hardly luck, among all of its table."
    )


def _models(compared: list[Compared]) -> Table:
    several = len({each.data for each in compared}) > 1
    scores = ("accuracy", "difference (95%)", "macro-F1", "difference (95%)", "ECE")
    table = columns(("data", "report", "model") if several else ("report", "model"), scores)
    for each in compared:
        table.add_row(
            *([shown(each.data)] if several else []),
            shown(each.report),
            shown(each.model),
            f"{each.accuracy:.1%}",
            _difference(each.accuracy_difference, 100),
            f"{each.macro_f1:.3f}",
            _difference(each.macro_f1_difference, 1),
            f"{each.ece:.3f}",
        )
    return table


def _groups(compared: list[Compared]) -> Table:
    table = columns(("report", "model", "group"), ("images", "accuracy", "95%", "difference (95%)"))
    for each in compared:
        for by, groups in each.groups.items():
            for value, part in groups.items():
                low, high = part.accuracy_interval
                table.add_row(
                    *(shown(each.report), shown(each.model), shown(f"{by} {value}"), f"{part.n:,}"),
                    *(f"{part.accuracy:.1%}", f"{low:.1%} to {high:.1%}"),
                    _difference(part.accuracy_difference, 100),
                )
    return table


def _difference(difference: Difference | None, scale: int) -> Text:
    if difference is None:
        return Text()
    digits = 1 if scale == 100 else 3
    low, high = difference.interval
    text = f"{scale * difference.value:+.{digits}f} ({scale * low:+.{digits}f} to {scale * high:+.{digits}f})"
    if difference.chance is None:
        return Text(f"too few: {text}", style="dim")
    return Text(f"* {text}", style="bold") if difference.shown else Text(text)

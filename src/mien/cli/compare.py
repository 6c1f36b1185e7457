"""`mien compare`: reports side by side."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mien.cli.options import EXIT_SOME_UNREAD, Group, Map, Threads, columns, counting, opened, shown, terminal
from mien.errors import MienError
from mien.wording import counted, decimals, percentage

if TYPE_CHECKING:
    from mien.datasets import Dataset
    from mien.report.compare import Compared, Difference


class CompareFormat(StrEnum):
    table = "table"
    json = "json"
    csv = "csv"
    latex = "latex"


def compare(
    names: Annotated[
        list[str],
        typer.Argument(metavar="REPORT|MODEL", help="Folders of mien evaluate --report; with --data, models."),
    ],
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DATA", help="Judge models on those images that none of them was trained on."),
    ] = None,
    form: Annotated[CompareFormat, typer.Option("--format", help="How to write the comparison.")] = CompareFormat.table,
    threads: Threads = None,
    mapping: Map = None,
    group: Group = None,
) -> None:
    """Compare models, each with the first, image by image: on the images that all of their reports judged, or on data.

    Reports of several datasets make one table: those of one path and split are compared with each other. Of fewer than
    30 images nothing is concluded.

    With --data, the exit code is 1 if some image could not be read; they are listed.
    """
    from mien.report.rows import as_csv, as_latex

    if data is None:
        from mien.report.compare import compare

        if mapping or group:
            raise MienError("--map and --group are for data to judge models on: name them with --data")
        compared = compare([Path(name) for name in names])
    else:
        compared = _judged(names, lambda: opened(data, mapping, group), threads)
    if form is CompareFormat.json:
        print(json.dumps([each.to_dict() for each in compared]))
    elif form is CompareFormat.table:
        _show(compared)
    else:
        print(as_csv(compared) if form is CompareFormat.csv else as_latex(compared), end="")
        _tell_unreadable(compared, terminal(stderr=True))
    if data is not None and compared[0].unreadable:
        raise typer.Exit(EXIT_SOME_UNREAD)


def _judged(names: list[str], dataset: Callable[[], Dataset], threads: int | None) -> list[Compared]:
    from mien.cores import cores
    from mien.recognizer import load
    from mien.rivals import compare_models

    models = [load(name, threads=threads or cores()) for name in names]
    with counting("judging") as bar:
        task = bar.add_task("", total=None)
        return compare_models(
            models, dataset(), progress=lambda done, total: bar.update(task, completed=done, total=total)
        )


def _show(compared: list[Compared]) -> None:
    console = terminal()
    console.print(_models(compared))
    if any(each.groups for each in compared):
        console.print()
        console.print(_groups(compared))
    judged = {each.data: each.n for each in compared}
    fewer = any(each.judged > each.n for each in compared)
    common = f", those that all reports judged, of up to {max(each.judged for each in compared):,}" if fewer else ""
    images = counted(sum(judged.values()), "image")
    console.print(f"{images}{common}. A difference with a star is hardly luck, among all of its table.")
    heads = dict.fromkeys(each.head for each in compared)
    by_report = dict.fromkeys(f"{each.head} of {each.report}" for each in compared)
    console.print(shown(f"Head: {', '.join(by_report if len(heads) > 1 else heads)}."))
    if any(each.accuracy_difference and each.accuracy_difference.chance is None for each in compared):
        console.print("Where it says too few, nothing can be concluded: 30 images are needed, of 10 people.")
    _tell_unreadable(compared, console)


def _tell_unreadable(compared: list[Compared], console: Console) -> None:
    for name, why in {name: why for each in compared for name, why in each.unreadable.items()}.items():
        console.print(f"unreadable: {shown(name)}: {shown(why)}", style="red")


def _models(compared: list[Compared]) -> Table:
    several = len({each.data for each in compared}) > 1
    scores = ("accuracy", "difference (95%)", "macro-F1", "difference (95%)", "ECE")
    table = columns(("data", "report", "model") if several else ("report", "model"), scores)
    for each in compared:
        table.add_row(
            *([shown(each.data)] if several else []),
            shown(each.report),
            shown(each.model),
            percentage(each.accuracy),
            _difference(each.accuracy_difference, 100),
            f"{each.macro_f1:.3f}",
            _difference(each.macro_f1_difference, 1),
            decimals(each.ece),
        )
    return table


def _groups(compared: list[Compared]) -> Table:
    table = columns(("report", "model", "group"), ("images", "accuracy", "95%", "difference (95%)"))
    for each in compared:
        for by, groups in each.groups.items():
            for value, part in groups.items():
                low, high = map(percentage, part.accuracy_interval)
                table.add_row(
                    *(shown(each.report), shown(each.model), shown(f"{by} {value}"), f"{part.n:,}"),
                    *(percentage(part.accuracy), f"{low} to {high}"),
                    _difference(part.accuracy_difference, 100),
                )
    return table


def _difference(difference: Difference | None, scale: int) -> Text:
    if difference is None:
        return Text()
    digits = 1 if scale == 100 else 3
    value, low, high = (f"{scale * each:+z.{digits}f}" for each in (difference.value, *difference.interval))
    text = f"{value} ({low} to {high})"
    if difference.chance is None:
        return Text(f"too few: {text}", style="dim")
    return Text(f"* {text}", style="bold") if difference.shown else Text(text)

"""`mien data`: look at a dataset."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mien.cli.options import (
    EXIT_SOME_UNREAD,
    DataCrop,
    Group,
    Map,
    Model,
    TableOrJson,
    Threads,
    columns,
    counting,
    opened,
    shown,
    terminal,
)
from mien.cli.places import check_files, check_outside

if TYPE_CHECKING:
    from mien.audit import Audit
    from mien.datasets.info import Info

data = typer.Typer(name="data", help="Look at a dataset.", no_args_is_help=True, add_completion=False)


@data.callback()
def verbs() -> None:
    """Look at a dataset."""


@data.command("info")
def info(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A dataset in any form that mien knows.")],
    form: Annotated[TableOrJson, typer.Option("--format", help="How to write what was found.")] = TableOrJson.table,
    mapping: Map = None,
    group: Group = None,
) -> None:
    """Count classes and splits, sizes, unreadable, blank and repeated images; say what was recognised.

    The exit code is 1 if some image could not be read; they are listed.
    """
    from mien.datasets import inspect
    from mien.photos import usual_crop

    dataset = opened(data, mapping, group)
    found, choice = inspect(dataset), usual_crop(dataset)
    if form is TableOrJson.json:
        print(json.dumps(found.to_dict() | {"crop": choice.crop, "crop_reason": choice.reason}))
    else:
        console = terminal()
        _show(found, console)
        console.print(f"crop unless told otherwise: {choice.crop}, as these are {choice.reason}")
    if found.unreadable:
        raise typer.Exit(EXIT_SOME_UNREAD)


@data.command("audit")
def audit(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A dataset in any form that mien knows.")],
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="DIR", help="Also write audit.html, suspects.csv and audit.json there."),
    ] = None,
    clean: Annotated[
        Path | None,
        typer.Option(
            "--write-clean",
            metavar="FILE",
            help="Also write an index of the clean rest, a .json file that every verb takes as DATA.",
        ),
    ] = None,
    model: Model = None,
    crop: DataCrop = None,
    form: Annotated[TableOrJson, typer.Option("--format", help="How to write what was found.")] = TableOrJson.table,
    threads: Threads = None,
    mapping: Map = None,
    group: Group = None,
) -> None:
    """Find what is wrong with a dataset: copies, leaks, likely label errors, blank, faceless and badly framed images.

    The exit code is 1 if some image could not be read; they are listed.
    """
    from mien.audit import Kind, audit
    from mien.audit.page import FILES, write_audit
    from mien.cores import cores
    from mien.datasets.index import check_index, check_name, write_index
    from mien.recognizer import load

    if report is not None:
        check_outside([data], report)
    parts = [report / name for name in FILES] if report is not None else []
    check_files([clean, *parts], (data,))
    if clean is not None:
        check_name(clean)
    recognizer, dataset = load(model), opened(data, mapping, group)
    check_files([clean, *parts], (data, *dataset.files, *recognizer.artifact.files))
    if clean is not None:
        check_index(clean, dataset)
    with counting("looking") as bar:
        task = bar.add_task("", total=None)
        found = audit(
            recognizer,
            dataset,
            crop=crop.value if crop else None,
            threads=threads or cores(),
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if report is not None:
        write_audit(found, report)
    if form is TableOrJson.json:
        print(json.dumps(found.to_dict()))
    else:
        _show_audit(found, terminal())
    if clean is not None:
        write_index(clean, dataset, found.left_out)
    if found.counts.get(Kind.UNREADABLE):
        raise typer.Exit(EXIT_SOME_UNREAD)


def _show_audit(audit: Audit, console: Console) -> None:
    from mien.audit import LEFT_OUT, Kind
    from mien.wording import counted

    told = f" of {audit.form}, looked at by {audit.model}"
    console.print(Text.assemble((counted(audit.n, "image"), "bold"), shown(told)))
    console.print(f"crop {audit.crop}: {shown(audit.crop_reason)}")
    table = columns(("suspect",), ("images", "in the clean rest"))
    for kind, n in audit.counts.items():
        table.add_row(kind.value, f"{n:,}", "no" if kind in LEFT_OUT else "yes")
    console.print(table)
    console.print(f"clean: {audit.n - len(audit.left_out):,}")
    for note in audit.notes:
        console.print(shown(note), style="yellow")
    for each in audit.suspects:
        if each.kind is Kind.UNREADABLE:
            console.print(f"unreadable: {shown(each.name)}: {shown(each.words)}", style="red")


def _show(info: Info, console: Console) -> None:
    from mien.datasets.walk import few, with_counts
    from mien.wording import counted

    people = f" of {counted(info.people, 'person', 'people')}" if info.people else ""
    console.print(Text.assemble((info.form, "bold"), f", {counted(info.n, 'image')}{people}"))
    for note in info.notes:
        console.print(f"  {shown(note)}")
    console.print(_counts("label", info.counts, info.labels))
    if info.majority:
        emotions = tuple(dict.fromkeys(name for counts in info.majority.values() for name in counts))
        console.print(_counts("FER+ majority", info.majority, emotions))
    if info.unknown:
        labels = with_counts(info.unknown, most=len(info.unknown))
        console.print(f"labels of no known set, which are words of their own: {shown(labels)}", style="yellow")
    for reason, meant in info.suggested.items():
        console.print(f"  did you mean, {reason}: --map {shown(shlex.quote(meant))}", style="yellow")
    for warning in info.warnings:
        console.print(shown(warning), style="yellow")
    common = ", ".join(f"{width}x{height} ({count})" for width, height, count in info.sizes)
    console.print(f"sizes: {common}; width {_span(info.width)}, height {_span(info.height)}")
    repeated = [f"{count} in {split}" for split, count in info.repeated_within.items() if count]
    repeated += [f"{info.repeated_across} across splits"] * bool(info.repeated_across)
    console.print(f"repeated pixel by pixel: {', '.join(repeated) or 'none'}")
    for split, leak in info.leaks.items():
        if leak.exact or leak.near:
            told = f"of {split}, {counted(leak.exact, 'image')} in train as well, and {leak.near} nearly"
            console.print(f"{told}: scores without them are told by mien evaluate", style="yellow")
    if info.copies:
        kept = "they stay together where mien splits"
        console.print(f"copies or near copies of other images: {info.copies}; {kept}", style="yellow")
    console.print(f"blank: {len(info.blank)}" + "".join(f"\n  {shown(name)}" for name in info.blank))
    others = [shown(name) for name in info.passed_over]
    console.print(f"files not read: {len(others)}" + (f" ({few(others)})" if others else ""))
    console.print(f"unreadable: {len(info.unreadable)}")
    for name, reason in info.unreadable.items():
        console.print(f"  {shown(name)}: {shown(reason)}", style="red")


def _counts(head: str, counts: dict[str, dict[str, int]], rows: tuple[str, ...]) -> Table:
    table = columns((head,), tuple(counts))
    for name in rows:
        table.add_row(shown(name), *(str(by_name.get(name, 0)) for by_name in counts.values()))
    table.add_row("together", *(str(sum(by_name.values())) for by_name in counts.values()), style="bold")
    return table


def _span(values: tuple[int, int]) -> str:
    return f"{values[0]}" if values[0] == values[1] else f"{values[0]} to {values[1]}"

"""`mien evaluate`: judge a model on labelled images."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
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
    Labels,
    Map,
    Model,
    Prior,
    TableOrJson,
    Threads,
    columns,
    counting,
    needs_extra,
    opened,
    shown,
    terminal,
)
from mien.cli.places import check_files, check_outside
from mien.wording import counted, decimals, percentage

if TYPE_CHECKING:
    from mien.report import Report

CONFUSION = "truth \\ guess"
FITS = 80  # letters of a confusion beside each other
SHORT = 8  # of a label that does not fit
APART = 2  # between columns


def evaluate(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A dataset in any form that mien knows.")],
    split: Annotated[
        str | None,
        typer.Option(
            "--split", help="train, valid or test; all, of a dataset without splits.", show_default="the last"
        ),
    ] = None,
    labels: Labels = None,
    head: Annotated[
        str | None,
        typer.Option("--head", help="The head that answers: ferplus8 or fer7.", show_default="the labels' own"),
    ] = None,
    prior: Prior = "training",
    crop: DataCrop = None,
    model: Model = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="DIR", help="Also write report.html and its parts there.")
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            metavar="COLUMN",
            help="Groups by the values of this column, or of two together: gender+age; may be repeated.",
            show_default="each column of few values",
        ),
    ] = None,
    stress: Annotated[
        int,
        typer.Option(
            "--stress",
            min=0,
            metavar="N",
            help="Also read the faces of N images again, brighter, darker, with other skin, glasses, a beard, blurred.",
            show_default=False,
        ),
    ] = 0,
    form: Annotated[TableOrJson, typer.Option("--format", help="How to write the scores.")] = TableOrJson.table,
    threads: Threads = None,
    mapping: Map = None,
    group: Group = None,
) -> None:
    """Judge a model on labelled images.

    The exit code is 1 if some image could not be read; they are listed.
    """
    if report is not None:
        with needs_extra("report"):
            from mien.report.page import FILES, write_report
    from mien.cores import cores
    from mien.evaluation import evaluate
    from mien.recognizer import load

    if report is not None:
        check_outside([data], report)
        check_files([report / name for name in FILES], (data,))
    recognizer = load(model, threads=threads or cores())
    dataset = opened(data, mapping, group)
    if report is not None:
        check_files([report / name for name in FILES], (data, *dataset.files))
    with counting("judging") as bar:
        task = bar.add_task("", total=None)
        judged = evaluate(
            recognizer,
            dataset,
            split=split,
            labels=labels,
            head=head,
            prior=prior,
            crop=crop.value if crop else None,
            by=by or None,
            stress=stress,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if report is not None:
        write_report(judged, report)
    if form is TableOrJson.json:
        print(json.dumps(judged.to_dict()))
    else:
        _show(judged, terminal())
    if judged.unreadable:
        raise typer.Exit(EXIT_SOME_UNREAD)


def _show(report: Report, console: Console) -> None:
    from mien.report.notes import macro_f1_interval, notes

    low, high = map(percentage, report.accuracy_interval)
    judged = (
        f" on {report.data['form']}, split {report.data['split']}: {counted(report.n, 'image')}, head {report.head}"
    )
    console.print(Text.assemble((shown(report.model), "bold"), judged))
    console.print(f"crop {report.data['crop']}: {shown(report.data['crop_reason'])}")
    accuracy, macro_f1 = (percentage(report.accuracy), "bold"), (f"{report.macro_f1:.3f}", "bold")
    console.print(Text.assemble("accuracy  ", accuracy, f"  (95%: {low} to {high})"))
    console.print(Text.assemble("macro-F1  ", macro_f1, f"  ({macro_f1_interval(report)})"))
    votes = f"   KL to votes {report.kl_to_votes:.3f}" if report.kl_to_votes is not None else ""
    console.print(f"ECE {decimals(report.ece)}   NLL {report.nll:.3f}{votes}")
    if report.accuracy_covered is not None:
        sure, right = percentage(report.coverage, 0), percentage(report.accuracy_covered)
        console.print(f"sure of {sure} of them; right in {right} of those")
    else:
        console.print("sure of none of them")
    for note in notes(report):
        console.print(shown(note), style="yellow")
    for name, reason in report.unreadable.items():
        console.print(f"unreadable: {shown(name)}: {shown(reason)}", style="red")
    for table in (_classes(report), _confusion(report), *_groups(report)):
        console.print()
        console.print(table)


def _classes(report: Report) -> Table:
    table = columns(("",), ("images", "precision", "recall", "F1"))
    for name, scores in report.per_class.items():
        shares = (decimals(share, 2) for share in (scores.precision, scores.recall, scores.f1))
        table.add_row(shown(name), str(scores.support), *shares)
    return table


def _groups(report: Report) -> Iterator[Table]:
    """For whom it is worse, and what moves answers; what is hardly luck has a star."""
    from mien.shares import luck

    for attribute, groups in report.subgroups.items():
        table = columns((shown(attribute),), ("images", "right", "95%", "than others", "p", "uncertain", "no face"))
        for value, group in groups.items():
            right, unsure, lost = (group.measures[name] for name in ("accuracy", "uncertain", "no_face"))
            low, high = map(percentage, right.interval)
            gap = "" if right.gap is None else f"{100 * right.gap:+z.1f}"
            tested = "" if right.gap is None else "too few" if right.chance is None else luck(right.chance)
            table.add_row(
                *(shown(value), f"{group.n:,}", percentage(right.value), f"{low} to {high}"),
                *(f"* {gap}" if right.shown else gap, tested, percentage(unsure.value), percentage(lost.value)),
            )
        yield table
    if report.changed:
        table = columns(("changed",), ("faces", "another answer", "95%", "no face", "right before", "after"))
        for name, each in report.changed.items():
            low, high = map(percentage, each.moved_interval)
            table.add_row(
                *(name, f"{each.n:,}", percentage(each.moved), f"{low} to {high}", percentage(each.lost)),
                *(percentage(each.before), percentage(each.after)),
            )
        yield table


def heads(labels: Sequence[str]) -> list[str]:
    """Labels as heads of columns: whole where they fit, or else cut where that leaves them apart."""
    rows = max(map(len, (CONFUSION, *labels)))
    if rows + sum(APART + max(len("100%"), len(name)) for name in labels) <= FITS:
        return list(labels)
    cut = [name[:SHORT].strip() for name in labels]
    return [name if cut.count(short) > 1 else short for short, name in zip(cut, labels, strict=True)]


def _confusion(report: Report) -> Table:
    """Shares of each true class."""
    table = columns((CONFUSION,), [shown(name) for name in heads(report.labels)])
    for name, row in zip(report.labels, report.confusion, strict=True):
        support = report.per_class[name].support
        table.add_row(shown(name), *(percentage(count / support, 0) if support else "-" for count in row))
    return table

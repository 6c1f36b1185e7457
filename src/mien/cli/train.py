"""`mien train`: train a reader on labelled images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn

from mien.cli.options import DataCrop, Group, Map, needs_extra, opened, terminal

if TYPE_CHECKING:
    from mien.training.loop import Progress as Where


def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="A TOML file, such as recipes/base.toml.")],
    data: Annotated[Path, typer.Option("--data", metavar="DATA", help="A dataset in any form that mien knows.")],
    out: Annotated[Path, typer.Option("--out", metavar="RUN", help="Folder of the run.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last finished epoch.")] = False,
    start: Annotated[
        str | None, typer.Option("--from", metavar="MODEL|RUN", help="Begin with the weights of a model, or a run.")
    ] = None,
    teachers: Annotated[
        list[str] | None, typer.Option("--teacher", metavar="MODEL|RUN", help="Whose answers `distill` follows.")
    ] = None,
    crop: DataCrop = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change the recipe: schedule.epochs=3.")
    ] = None,
    mapping: Map = None,
    group: Group = None,
) -> None:
    """Train a network; `mien export` then makes a model of it."""
    with needs_extra("train"):
        from mien.training.loop import train
        from mien.training.recipe import read_recipe

    console = terminal(stderr=True)
    read = read_recipe(recipe, changes or [])
    columns = (TextColumn("epoch {task.fields[epoch]}"), BarColumn(), TextColumn("{task.fields[scores]}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", epoch="-", scores="", total=1.0)

        def show(where: Where) -> None:
            bar.update(
                task,
                completed=(where.epoch + where.step / where.steps) / where.epochs,
                epoch=f"{where.epoch + 1}/{where.epochs}",
                scores=_scores(where),
            )
            if not console.is_terminal and where.step == where.steps:
                console.print(f"epoch {where.epoch + 1}/{where.epochs}  {_scores(where)}")

        run = train(
            read,
            opened(data, mapping, group),
            out,
            resume=resume,
            start=start,
            teachers=teachers or [],
            crop=crop.value if crop else None,
            progress=show,
            say=console.print,
        )
    best = max(run.read_log(), key=lambda entry: entry["score"])
    scores = ", ".join(f"{head} {accuracy:.1%}" for head, accuracy in best["valid"].items())
    console.print(f"best: epoch {best['epoch']}, {scores} right on validation; curve in {run.curve}")
    console.print(f"next: mien export {out} --out MODEL")


def _scores(where: Where) -> str:
    accuracies = "  ".join(f"{head} {accuracy:.1%}" for head, accuracy in where.scores.items())
    minutes, seconds = divmod(round(where.seconds_left), 60)
    return f"loss {where.loss:.3f}  {accuracies}  {minutes}:{seconds:02d} left"

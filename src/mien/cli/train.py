"""`mien train`: train a reader on labelled images."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from mien.cli.options import DataCrop, Group, Map, Memory, models, needs_extra, opened, recipes, terminal
from mien.cli.places import check_other, check_outside
from mien.wording import counted, percentage

if TYPE_CHECKING:
    from mien.training.learning.loop import Progress as Where


MOST = 1024  # threads or processes: more can only be a slip


class DeviceOption(StrEnum):
    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


def train(
    recipe: Annotated[
        str,
        typer.Argument(
            metavar="RECIPE",
            help="A recipe that comes with mien, such as transfer, or a TOML file.",
            autocompletion=recipes,
        ),
    ],
    data: Annotated[Path, typer.Option("--data", metavar="DATA", help="A dataset in any form that mien knows.")],
    out: Annotated[Path, typer.Option("--out", metavar="RUN", help="Folder of the run.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last finished epoch.")] = False,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="MODEL|RUN",
            help="Begin with the weights of a model, or a run.",
            autocompletion=models,
        ),
    ] = None,
    teachers: Annotated[
        list[str] | None,
        typer.Option("--teacher", metavar="MODEL|RUN", help="Whose answers `distill` follows.", autocompletion=models),
    ] = None,
    crop: DataCrop = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change the recipe: schedule.epochs=3.")
    ] = None,
    mapping: Map = None,
    group: Group = None,
    device: Annotated[
        DeviceOption, typer.Option("--device", help="Where to train; auto: a GPU if there is one.")
    ] = DeviceOption.auto,
    threads: Annotated[
        int | None,
        typer.Option("--threads", min=1, max=MOST, help="CPU threads; as many as torch chooses if not given."),
    ] = None,
    memory: Memory = None,
    devices: Annotated[
        int,
        typer.Option(
            "--devices", min=1, max=MOST, help="Processes that share each batch, on a GPU or a part of the cores each."
        ),
    ] = 1,
) -> None:
    """Train a network; `mien export` then makes a model of it."""
    from mien.training.machines.launch import LOST, launch, launched, rank

    check_outside([data], out)
    check_other((start, *(teachers or [])), out)
    options: dict[str, object] = {"--data": data, "--out": out, "--from": start, "--crop": crop, "--map": mapping}
    options |= {"--group": group, "--device": device, "--threads": threads}
    options |= {"--memory": memory, "--devices": devices if devices > 1 else None}
    given = [(name, str(value)) for name, value in options.items() if value not in (None, DeviceOption.auto)]
    given += [("--teacher", name) for name in teachers or []] + [("--set", change) for change in changes or []]
    words = ["train", recipe, *(word for pair in given for word in pair)]
    number = rank()
    if number is None and devices > 1:
        command = [sys.executable, "-m", "mien", *words, *(["--resume"] if resume else [])]
        raise typer.Exit(launch(command, devices))
    with needs_extra("train"):
        from mien.training.learning.checkpoint import Run
        from mien.training.learning.loop import check, train
        from mien.training.machines.processes import LostError
        from mien.training.recipes.names import find
        from mien.training.recipes.recipe import read_recipe

    console = terminal(stderr=True)
    console.quiet = bool(number)  # the first of several processes tells
    read = read_recipe(find(recipe), changes or [])
    if not number:
        check(read, out, resume=resume, start=start, teachers=teachers or [])
    try:
        with _told(console) as show:
            run = train(
                read,
                opened(data, mapping, group),
                out,
                resume=resume,
                start=start,
                teachers=teachers or [],
                crop=crop.value if crop else None,
                device=device.value,
                threads=threads,
                memory=memory,
                progress=show,
                say=console.print,
            )
    except KeyboardInterrupt:
        again = shlex.join(["mien", *words, "--resume"])
        kept = f"{Run(out).epochs} of {counted(read.schedule.epochs, 'epoch')} are kept in {out}"
        raise KeyboardInterrupt(f"{kept}\nto go on: {again}") from None
    except LostError:
        if launched():  # by the launcher, which tells which one has ended
            raise typer.Exit(LOST) from None
        raise
    best = run.best_entry()
    scores = ", ".join(f"{head} {percentage(accuracy)}" for head, accuracy in best["valid"].items())
    console.print(
        f"best on validation: epoch {best['epoch']}, by its likelihood; {scores} right there; curve in {run.curve}"
    )
    console.print(f"next: mien export {shlex.quote(str(out))} --out MODEL")


@contextmanager
def _told(console: Console) -> Iterator[Callable[[Where], None]]:
    """Shows where a run stands: a bar in a terminal, elsewhere a line an epoch."""
    columns = (TextColumn("epoch {task.fields[epoch]}"), BarColumn(), TextColumn("{task.fields[scores]}", markup=False))
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

        yield show


def _scores(where: Where) -> str:
    """The loss; on validation, by head, accuracy and the NLL that chooses the best epoch; the time left."""
    scores = "  ".join(f"{head} {percentage(share)}, NLL {where.nll[head]:.3f}" for head, share in where.scores.items())
    minutes, seconds = divmod(round(where.seconds_left), 60)
    return f"loss {where.loss:.3f}  {scores}  {minutes}:{seconds:02d} left"

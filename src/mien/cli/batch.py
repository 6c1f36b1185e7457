"""`mien batch`: read more images than one sitting takes, in parts, and go on where it stopped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from mien.cli.options import (
    EXIT_SOME_UNREAD,
    Crop,
    CropOption,
    Labels,
    MaxBytes,
    MaxPixels,
    Model,
    Prior,
    limits,
    needs_extra,
    say,
    shown,
    terminal,
)
from mien.cli.places import check_outside
from mien.cli.stop import STOPS
from mien.cli.tally import line
from mien.files import check_writable
from mien.prediction import Totals
from mien.wording import counted

if TYPE_CHECKING:
    from mien.batch.progress import Progress as Run
    from mien.batch.run import Engine

KINDS_SHOWN = 5


def batch(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="IN",
            help="Folders, patterns or addresses (s3://...) of images, parquet, Arrow, tar; CSV files.",
        ),
    ],
    out: Annotated[
        str, typer.Option("--out", metavar="DIR", help="Folder or address of the run; DIR/rows/ is its table.")
    ],
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in DIR, by the same command.")] = False,
    labels: Labels = None,
    prior: Prior = "training",
    crop: Crop = CropOption.auto,
    model: Model = None,
    image: Annotated[
        str | None,
        typer.Option(
            "--image", metavar="COLUMN", help="Column of images, paths or addresses.", show_default="by its kind"
        ),
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(
            "--columns",
            metavar="A,B,...",
            help="Columns to carry along; '' for none.",
            show_default="all but those of bytes",
        ),
    ] = None,
    part: Annotated[
        int | None,
        typer.Option("--part", min=1, help="Images in a file of DIR/rows/.", show_default="256 to 4,096"),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes.", show_default="one a core")
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option("--ray", metavar="HOST:PORT", help="Run on this Ray cluster, or, by auto, on this machine's."),
    ] = None,
    grace: Annotated[
        float, typer.Option("--grace", min=0, metavar="SECONDS", help="Time to finish parts in when told to end.")
    ] = 25,
    max_pixels: MaxPixels = None,
    max_bytes: MaxBytes = None,
) -> None:
    """Read any number of images into a table of parquet files, in parts that are written whole and once.

    Stopped or killed, the same command with --resume goes on, and reads no finished part again.

    The exit code is 1 if some image could not be read, and its row says why; 2 if a part failed.
    """
    from mien.cores import cores, fresh

    if ray is None:
        fresh("mien.batch.workers")
    with needs_extra("batch"):
        from mien.batch.inputs import find
        from mien.batch.plan import Job, Plan
        from mien.batch.run import run
        from mien.batch.stores import check_puts_whole, is_address
        from mien.batch.workers import Workers
    from mien.recognizer import load
    from mien.sources import PassedOver

    passed_over = PassedOver()
    check_outside(sources, out)
    check_puts_whole(out)
    if not is_address(out):
        check_writable(Path(out))
    engine = Workers(workers or cores(), grace) if ray is None else _cluster(ray, workers, grace)
    job = Job(load(model, limits=limits(max_bytes, max_pixels)), labels, prior, crop.value)
    kept = None if keep is None else [name for name in keep.split(",") if name]
    inputs = find(sources, image=image, keep=kept, size=part, passed_over=passed_over)
    plan = Plan(job, inputs)
    images = f", {counted(inputs.images, 'image')}" if inputs.images is not None else ""
    say(f"{counted(inputs.files, 'file')}{images}, {counted(len(plan.parts), 'part')}: {inputs.kind}")
    if passed_over:
        say(f"passed over {passed_over}")
    seen: list[Run] = []
    with _bar() as bar:
        task = bar.add_task("", total=None, told="")
        try:
            progress = run(plan, out, engine, resume=resume, tell=lambda now: _show(bar, task, now, seen))
        except STOPS:
            bar.stop()
            for progress in seen:
                say(f"stopped after {_told(progress)}; the same command with --resume goes on")
            raise
    say(_told(progress))
    for kind, count in progress.counts.unread.most_common(KINDS_SHOWN):
        say(f"  {count:,} unreadable: {shown(kind)}")
    if progress.counts.unread:
        raise typer.Exit(EXIT_SOME_UNREAD)


def _cluster(address: str, workers: int | None, grace: float) -> Engine:
    with needs_extra("cluster"):
        from mien.batch.cluster import Cluster
    return Cluster(address, workers, grace)


def _bar() -> Progress:
    parts = (BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TextColumn("{task.fields[told]}"))
    console = terminal(stderr=True)
    return Progress(*parts, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal)


def _show(bar: Progress, task: TaskID, now: Run, seen: list[Run]) -> None:
    seen[:] = [now]
    total = now.images if now.images is not None else len(now.plan.parts)
    done = now.counts.images if now.images is not None else now.parts
    bar.update(task, total=total, completed=done, told=_told(now))


def _told(now: Run) -> str:
    counts = now.counts
    totals = Totals(counts.images, counts.faces, counts.uncertain, counts.faceless, counts.unread.total())
    return line(totals, now.rate, earlier=now.earlier)

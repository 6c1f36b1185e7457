"""`mien crop`: write the faces in a dataset's images, or in plain ones, as aligned crops."""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path
from typing import Annotated

import typer

from mien.cli.options import (
    EXIT_SOME_UNREAD,
    CropOption,
    DataCrop,
    Group,
    Map,
    counting,
    opened,
    shown,
    terminal,
)
from mien.cli.places import check_outside
from mien.errors import MienError
from mien.files import check_writable
from mien.wording import counted


def crop(
    sources: Annotated[
        list[str], typer.Argument(metavar="SOURCE", help="A dataset; or images, folders, patterns, or -.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the crops; a run that stopped goes on.")],
    crop: DataCrop = None,
    size: Annotated[int, typer.Option("--size", min=16, max=1024, help="Side of a crop in px.")] = 48,
    colour: Annotated[bool, typer.Option("--colour/--gray", help="In colour, or as the shipped models see.")] = False,
    mapping: Map = None,
    group: Group = None,
) -> None:
    """Write the largest face of each image as an aligned crop, with its label, split and person.

    DIR is a dataset again; DIR/crops.csv has a row a source. The exit code is 1 if some could not be read.
    """
    from mien.cropping import find_sources, write_crops
    from mien.datasets import Dataset
    from mien.datasets.doubts import words_told
    from mien.photos import CropChoice, choose_crop
    from mien.preprocess import Preprocess

    check_outside(sources, out)
    check_writable(out)
    console, stdin = terminal(), sys.stdin.buffer if sys.stdin else BytesIO()
    found = find_sources(sources, stdin, lambda path: opened(path, mapping, group))
    if isinstance(found, Dataset):
        examples, choice = found.examples, choose_crop(crop.value if crop else None, found)
        told = f"{found.form}: {counted(len(examples), 'image')}"
    elif mapping or group:
        raise MienError("--map and --group are for datasets: these are images without labels")
    else:
        examples, told = found, f"{counted(len(found), 'source')} without labels"
        choice = CropChoice((crop or CropOption.auto).value, "as asked for" if crop else "as mien predict does")
    console.print(f"{told}; crop {choice.crop}: {shown(choice.reason)}")
    for sentence in words_told(found) if isinstance(found, Dataset) else ():
        console.print(shown(sentence), style="yellow")
    with counting("cropping") as bar:
        task = bar.add_task("", total=len(examples))
        preprocess = Preprocess(size, "rgb" if colour else "gray")
        try:
            rows = write_crops(
                examples, out, choice.crop, preprocess, progress=lambda done, _: bar.update(task, completed=done)
            )
        except KeyboardInterrupt:
            done = f"{bar.tasks[task].completed:.0f} of {counted(len(examples), 'source')} are done"
            raise KeyboardInterrupt(f"{done}; the same command goes on with {out}") from None
    unread = [row for row in rows if row.unreadable]
    written = sum(bool(row.crop) for row in rows)
    console.print(
        f"{counted(written, 'crop')} of {size} x {size} px in {shown(str(out))}; "
        f"no face in {len(rows) - written - len(unread)}, {len(unread)} unreadable; crops.csv has a row for each"
    )
    for row in unread:
        console.print(f"unreadable: {shown(row.source)}: {shown(row.reason)}", style="red")
    if unread:
        raise typer.Exit(EXIT_SOME_UNREAD)

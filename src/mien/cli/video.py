"""`mien video`: read expressions in videos, over time."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.options import (
    EXIT_SOME_UNREAD,
    Format,
    Labels,
    Model,
    Prior,
    columns,
    counting,
    rows_form,
    say,
    shown,
    terminal,
)
from mien.cli.pictures import Pictures
from mien.cli.places import check_files
from mien.cli.tally import speed
from mien.errors import MienError
from mien.wording import counted, percentage

if TYPE_CHECKING:
    from mien.labels import LabelSet
    from mien.tables import Table
    from mien.timeline import Recording
    from mien.watching import Wanted


def _time(text: str | float) -> float:
    """Reads times such as 1:30; numbers are what came out already."""
    from mien.spans import seconds

    try:
        return seconds(str(text))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def video(
    sources: Annotated[list[str], typer.Argument(metavar="FILE", help="Videos, or folders of images.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write the timeline there: .parquet, .csv, .json, .jsonl."),
    ] = None,
    every: Annotated[
        float | None, typer.Option("--every", metavar="TIME", help="One frame each so many seconds.", parser=_time)
    ] = None,
    start: Annotated[
        float | None, typer.Option("--from", metavar="TIME", help="Begin there: 90, or 1:30.", parser=_time)
    ] = None,
    end: Annotated[float | None, typer.Option("--to", metavar="TIME", help="End there.", parser=_time)] = None,
    stream: Annotated[int | None, typer.Option("--stream", min=0, help="Which of a file's video streams.")] = None,
    rate: Annotated[float, typer.Option("--rate", help="Frames a second, of a folder of images.")] = 25.0,
    labels: Labels = None,
    prior: Prior = "training",
    model: Model = None,
    summary: Annotated[
        Path | None, typer.Option("--summary", metavar="FILE", help="Write what each track came to: .csv, .json ...")
    ] = None,
    events: Annotated[
        Path | None,
        typer.Option(
            "--events",
            metavar="FILE",
            help="Write when who showed what: .csv, .json, .srt, .vtt, or for ELAN .eaf, .txt.",
        ),
    ] = None,
    least: Annotated[
        float, typer.Option("--least", min=0.0, max=1.0, help="Smoothed probability from which it is an event.")
    ] = 0.5,
    marks: Annotated[
        Path | None,
        typer.Option("--marks", metavar="FILE.csv", help="Sum up within these: columns name, start, end [, file]."),
    ] = None,
    annotate: Annotated[
        Path | None,
        typer.Option(
            "--annotate",
            metavar="FILE|DIR",
            help="Also write a copy with the faces marked: .webm or .mp4, or a folder.",
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot", metavar="FILE|DIR", help="Also write a page that shows who looked how: .png, .pdf, .svg."
        ),
    ] = None,
    merge_people: Annotated[
        bool, typer.Option("--merge-people", help="Suggest which tracks are one person's, by their looks.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an earlier run was stopped.")] = False,
) -> None:
    """Read the expressions of the faces in videos, frame by frame, and sum them up.

    Stopped or killed, it leaves FILE.part.jsonl with what it has read, and --resume goes on.

    The exit code is 1 if some video could not be read to its end: a row says from when on, and why; or not drawn.
    """
    from mien.captions import FORMS
    from mien.recognizer import load
    from mien.spans import of_no_video, read_marks
    from mien.spans import summary as summarised
    from mien.timeline import Recording
    from mien.watching import Wanted, described

    sources = _each_once(sources)
    kind = rows_form(out)
    rows_form(summary)
    if rows_form(events, FORMS) is Format.table and len(sources) > 1:
        raise MienError(
            f"{events}: captions are of one video, and there are {len(sources)}: write .csv, or one at a time"
        )
    if resume and out is None:
        raise MienError("--resume goes on with a file: name it with --out")
    _check_times(every, start or 0.0, end)
    recognizer = load(model)
    check_files((out, summary, events), (*sources, marks, *recognizer.artifact.files))
    within = read_marks(marks) if marks else []
    for name in of_no_video(within, [described(source) for source in sources]):
        say(f"{shown(str(marks))}: {shown(name)} is none of the videos: its marks count nowhere")
    pictures = Pictures(sources, annotate, plot)
    spoken = recognizer.spoken(labels)
    recognizer.expected(prior, spoken)
    wanted = Wanted(every, start or 0.0, end, stream, rate)
    with TemporaryDirectory() as scratch:
        recording = Recording(
            recognizer,
            sources,
            out or Path(scratch) / "rows",
            labels=spoken,
            prior=prior,
            wanted=wanted,
            merge_people=merge_people,
            resume=resume,
        )
        with closing(recording):
            unread, read = _read(recording, sources, wanted, out)
            if out is not None:
                recording.write(kind)
            summed = summarised(recording.rows(), spoken, within)
            _faceless(summed, read, " within the marks" if within else "")
            if summary is not None:
                _write(summed, summary)
            _write_events(recording, spoken, least, events)
            undrawn = pictures.draw(recording, spoken, wanted)
            recording.remove()
    _tell(summed, spoken)  # last of all: a pipe may break
    if unread or undrawn:
        raise typer.Exit(EXIT_SOME_UNREAD)


def _each_once(sources: Sequence[str]) -> list[str]:
    """Videos as they are named first: patterns overlap."""
    named = dict[str, str]()
    for source in sources:
        named.setdefault(os.path.abspath(source), source)
    return list(named.values())


def _check_times(every: float | None, start: float, end: float | None) -> None:
    """Raises `MienError` where no frame can be meant, in the words of the command line."""
    if every == 0:
        raise MienError("--every is a time above 0: leave it out for all frames")
    if end is not None and end <= start:
        raise MienError(f"--to lies after --from, got {end:g} s and {start:g} s")


def _read(recording: Recording, sources: Sequence[str], wanted: Wanted, out: Path | None) -> tuple[int, list[str]]:
    """Read the videos, and say how far it is; how many could not be read to their ends, and which ones have frames."""
    from mien.errors import VideoError
    from mien.video import describe
    from mien.watching import described

    files = {described(source): source for source in sources}
    begun = perf_counter()
    frames = faces = 0
    done, time_s = recording.begun
    if done or time_s:
        say(f"goes on after {counted(done, 'video')} and {time_s:.1f} s")
    try:
        with counting("reading") as bar:
            task = bar.add_task("", total=None)
            source = None
            for moment in recording.moments():
                if moment.prediction.source != source:
                    source = moment.prediction.source
                    try:
                        length = describe(files[source], stream=wanted.stream, rate=wanted.rate).duration_s
                    except VideoError:
                        length = None
                    bar.reset(task, total=wanted.end_s or length)
                bar.update(task, completed=round(moment.time_s, 1))
                frames += moment.number is not None
                faces += len(moment.tracks)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(*(["the same command with --resume goes on"] if out is not None else [])) from None
    unread, read = _unread(recording, files, wanted)
    pace = speed(frames / max(perf_counter() - begun, 1e-6), "frames")
    say(f"{counted(len(sources), 'video')}, {counted(frames, 'frame')}, {counted(faces, 'face')}; {pace}")
    return unread, read


def _unread(recording: Recording, names: Collection[str], wanted: Wanted) -> tuple[int, list[str]]:
    """Tell of videos that could not be read to their ends, or have no rows; as `_read`."""
    unread, frames = 0, dict[str, bool]()
    for row in recording.rows():
        if row["error"] is not None:
            unread += 1
            say(f"{shown(row['source'])}: from {row['time_s']:.2f} s on: {shown(row['error'])}")
        frames[row["source"]] = frames.get(row["source"], False) or row["frame"] is not None
    until = "on" if wanted.end_s is None else f"to {wanted.end_s:g} s"
    for name in names:
        if name not in frames:
            say(f"{shown(name)}: no frame is shown from {wanted.start_s:g} s {until}")
    return unread, [name for name, some in frames.items() if some]


def _faceless(summed: Table, read: Sequence[str], where: str) -> None:
    """Tell of videos that are not in the sums."""
    there = {row["source"] for row in summed.rows}
    for name in read:
        if name not in there:
            say(f"{shown(name)}: no face was found{where}")


def _tell(summed: Table, labels: LabelSet) -> None:
    """What each track came to, as a table for people."""
    from mien.spans import averages

    table = columns(("video", "mark", "track", "mostly"), ("seen", "share", "changes", "confidence", "uncertain"))
    for row in summed.rows:
        mostly = max(labels, key=lambda name: row[f"share_{name}"])
        track = str(row["track"]) if row["person"] in (None, row["track"]) else f"{row['track']} (as {row['person']}?)"
        numbers = f"{row['seen_s']:.1f} s", percentage(row[f"share_{mostly}"], 0), str(row["changes"])
        rest = f"{row['confidence']:.2f}", percentage(row["uncertain_share"], 0)
        table.add_row(shown(Path(row["source"]).name), shown(row["mark"] or ""), track, mostly, *numbers, *rest)
    for row in averages(summed, labels).rows if len({row["source"] for row in summed.rows}) > 1 else ():
        mostly = max(labels, key=lambda name: row[f"share_{name}"])
        means = (
            "",
            percentage(row[f"share_{mostly}"], 0),
            "",
            f"{row['confidence']:.2f}",
            percentage(row["uncertain_share"], 0),
        )
        table.add_row(f"mean of {counted(row['files'], 'video')}", shown(row["mark"] or ""), "", mostly, *means)
    if summed.rows:
        terminal().print(table)


def _write_events(recording: Recording, labels: LabelSet, least: float, path: Path | None) -> None:
    from mien.captions import FORMS, captions
    from mien.files import write_text
    from mien.spans import events

    if path is None:
        return
    found = events(recording.rows(), labels, least)
    if path.suffix.lower() in FORMS:
        write_text(path, captions(found.rows, path.suffix.lower()))
    else:
        _write(found, path)


def _write(table: Table, path: Path) -> None:
    from mien.keeping import write_rows

    write_rows(path, rows_form(path), table.kinds, table.rows)

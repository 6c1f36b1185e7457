"""`mien watch`: read a camera, a stream or a video live."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import TIMEOUT_MAX, Timer
from typing import TYPE_CHECKING, Annotated, Self

import typer
from rich.bar import Bar
from rich.console import Group
from rich.live import Live as Screen
from rich.table import Table
from rich.text import Text

from mien.cli.options import (
    EXIT_SOME_UNREAD,
    Format,
    Labels,
    Model,
    Prior,
    needs_extra,
    rows_form,
    say,
    shown,
    terminal,
)
from mien.cli.places import check_files
from mien.cli.stop import unbroken
from mien.cli.tally import speed
from mien.errors import MienError

if TYPE_CHECKING:
    from mien.labels import LabelSet
    from mien.video.live import Live
    from mien.watching import Moment

BAR = 30  # characters at most, of an expression that is certain
OF_LATE = 20  # frames that the rate is taken over
REFRESH = 10  # times a second, at most, that the screen is drawn


def watch(
    source: Annotated[
        str, typer.Argument(metavar="CAMERA|URL|FILE", help="A camera's number, a stream's address, or a video.")
    ] = "0",
    labels: Labels = None,
    prior: Prior = "training",
    model: Model = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Keep the timeline, and no picture: .csv, .json, .jsonl, .parquet."),
    ] = None,
    annotate: Annotated[
        Path | None,
        typer.Option("--annotate", metavar="FILE", help="Keep the pictures as well, with marked faces: .webm or .mp4."),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0.0, metavar="N", help="Stop so long after the first frame.")
    ] = None,
) -> None:
    """Read the expressions before a camera live, or those of a stream or a video.

    Nothing is kept unless --out or --annotate name a file. It shows bars in a terminal; elsewhere it prints a JSON
    object a face, unless --out keeps it. Ctrl-C stops it, and is no failure: what it has read is in the files then. A
    stream that breaks off is connected to again.
    """
    from mien.recognizer import load

    with needs_extra("video"):
        from mien.video.live import Live
    from mien.filming import Recorder
    from mien.watching import Glance, described

    kind = rows_form(out)
    recognizer = load(model)
    check_files((out, annotate), (source, *recognizer.artifact.files))
    spoken = recognizer.spoken(labels)
    recognizer.expected(prior, spoken)
    with ExitStack() as opened:
        live = opened.enter_context(Live(source))
        name = described(live.name)
        kept = opened.enter_context(_Kept(out, kind, name, spoken)) if out is not None else None
        film = opened.enter_context(Recorder(annotate)) if annotate is not None else None
        show = opened.enter_context(_shown(live, spoken, kept))
        timer = Timer(min(seconds or 0.0, TIMEOUT_MAX), live.close)
        opened.callback(timer.cancel)
        with suppress(KeyboardInterrupt):
            try:
                for moment in map(Glance(recognizer, name, spoken, prior, cuts=not source.isdecimal()), live):
                    if seconds is not None and not timer.ident:
                        timer.start()
                    show(moment)
                    with unbroken():
                        if kept is not None:
                            kept.add(moment)
                        if film is not None and moment.frame is not None:
                            film.add(moment.frame, moment.rows(spoken))
            finally:
                with unbroken():  # the files are whole however it ends, even where it is told so twice
                    opened.close()
    if live.trouble:
        say(f"{shown(live.name)}: {shown(live.trouble)}")
        raise typer.Exit(EXIT_SOME_UNREAD)


class _Kept:
    """The timeline on its way to a file, which is there when the block ends, however it does.

    Args:
        out: the file.
        kind: what it is.
        source: what is watched.
        labels: the emotions.

    Raises:
        MienError: a run that was killed has left its rows, which are not to be lost.
    """

    def __init__(self, out: Path, kind: Format, source: str, labels: LabelSet) -> None:
        from mien.keeping import Journal

        left = out.with_name(f"{out.name}.part.jsonl")
        if left.exists() and left.stat().st_size:
            raise MienError(f"{left} holds what a run has read that was killed: rename it, or delete it")
        self._out, self._kind, self._labels = out, kind, labels
        self._journal = Journal(out, {"watched": source}, resume=False)
        self._told = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        from mien.keeping import write_rows
        from mien.timeline import meanings
        from mien.watching import moment_columns

        self._journal.checkpoint(None)
        kinds = moment_columns(self._labels)
        write_rows(self._out, self._kind, kinds, self._journal.rows(), meanings(kinds))
        self._journal.remove()

    def add(self, moment: Moment) -> None:
        from mien.watching import CHECKPOINT_S

        self._journal.write(moment.rows(self._labels))
        if time.monotonic() - self._told > CHECKPOINT_S:
            self._journal.checkpoint(None)
            self._told = time.monotonic()


class _Bars:
    """What the terminal shows: a bar for each face, and how it goes."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._moment: Moment | None = None
        self._times: deque[float] = deque(maxlen=OF_LATE)

    def show(self, moment: Moment) -> None:
        self._moment = moment
        self._times.append(time.monotonic())

    def __call__(self) -> Group:
        """As it is now, which is asked for again and again."""
        from mien.draw import colour_of
        from mien.prediction import percent

        bars = Table.grid(padding=(0, 2))
        bars.add_column(no_wrap=True)
        bars.add_column(overflow="fold")
        bars.add_column(max_width=BAR)
        bars.add_column(no_wrap=True, justify="right")
        faces = zip(self._moment.tracks, self._moment.smoothed, strict=True) if self._moment else ()
        for track, expression in faces:
            colour = "rgb({},{},{})".format(*colour_of(expression.label))
            word = f"{shown(expression.label)}{'?' if expression.uncertain else ''}"
            bars.add_row(
                f"face {track}",
                Text(word, "dim" if expression.uncertain else "bold"),
                Bar(1, 0, expression.confidence, color=colour),
                percent(expression.confidence),
            )
        return Group(bars, Text(self._state(), "dim"))

    def _state(self) -> str:
        if self._live.trouble:
            return shown(self._live.trouble)
        if self._moment is None:
            return "waits for the first frame"
        several = len(self._times) > 1
        rate = (len(self._times) - 1) / max(self._times[-1] - self._times[0], 1e-6) if several else 0.0
        nobody = "" if self._moment.tracks else "no face; "
        return f"{nobody}{speed(rate, 'frames')}, {self._moment.time_s:.0f} s; Ctrl-C stops"


@contextmanager
def _shown(live: Live, labels: LabelSet, kept: _Kept | None) -> Iterator[Callable[[Moment], None]]:
    """Shows moments: in a terminal as bars; elsewhere as lines of JSON, unless they are kept."""
    console = terminal()
    if console.is_terminal:
        bars = _Bars(live)
        with Screen(get_renderable=bars, console=console, refresh_per_second=REFRESH):
            yield bars.show
        return

    def print_lines(moment: Moment) -> None:
        for row in moment.rows(labels) if kept is None else ():
            print(json.dumps(row, ensure_ascii=False), flush=True)

    yield print_lines

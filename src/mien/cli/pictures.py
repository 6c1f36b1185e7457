"""Pictures of videos that were read: copies with the faces marked, and pages that show who looked how."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.cli.options import counting, needs_extra, say, shown
from mien.cli.places import check_files, check_outside
from mien.errors import MienError
from mien.files import replacing
from mien.wording import counted, reason

if TYPE_CHECKING:
    from mien.labels import LabelSet
    from mien.timeline import Recording
    from mien.watching import Wanted


class Pictures:
    """What is to be drawn, and where.

    Args:
        sources: the videos.
        copies: of one video the file of its copy, of any number a folder for them; None if there are to be none.
        pages: likewise.

    Raises:
        MienError: one of these cannot be written; told before any video is read.
    """

    def __init__(self, sources: Sequence[str], copies: Path | None, pages: Path | None) -> None:
        self._copies = _placed(sources, copies, ".webm")
        self._pages = _placed(sources, pages, ".png")
        for path in self._pages.values():
            check_outside(sources, path)  # a page among the images of a folder would be a frame of the next run
        check_files([*self._copies.values(), *self._pages.values()], sources)
        if self._copies:
            with needs_extra("video"):
                from mien.video.writing import check_form as check_copy
            for path in self._copies.values():
                check_copy(path)
        if self._pages:
            with needs_extra("report"):
                from mien.overview import check_form as check_page
            for path in self._pages.values():
                check_page(path)

    def draw(self, recording: Recording, labels: LabelSet, wanted: Wanted) -> int:
        """Draw all; how many could not be, of which each is told."""
        undrawn = 0
        for source in dict.fromkeys((*self._copies, *self._pages)):
            rows = _Rows(recording, source)
            try:
                if source in self._copies:
                    _copy(source, rows, self._copies[source], wanted)
                if source in self._pages:
                    _page(source, rows, self._pages[source], labels, wanted)
            except (MienError, OSError) as error:
                undrawn += 1
                say(f"{shown(source)}: not drawn: {shown(reason(error))}")
        return undrawn


class _Rows:
    """The rows of one video, as often as they are wanted."""

    def __init__(self, recording: Recording, source: str) -> None:
        from mien.watching import described

        self._recording, self._name = recording, described(source)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self._recording.rows_of(self._name)


def _copy(source: str, rows: Iterable[dict[str, Any]], path: Path, wanted: Wanted) -> None:
    from mien.filming import film
    from mien.video import describe

    clip = describe(source, stream=wanted.stream, rate=wanted.rate)
    end_s, notes = wanted.end_s or clip.duration_s, list[str]()
    with counting("marking") as bar:
        task = bar.add_task("", total=(end_s and round((end_s - wanted.start_s) * (clip.rate or 0))) or None)
        for _ in film(source, rows, path, wanted, notes):
            bar.advance(task)
    for note in notes:
        say(f"{shown(source)}: of its copy: {note}")


def _page(source: str, rows: Iterable[dict[str, Any]], path: Path, labels: LabelSet, wanted: Wanted) -> None:
    from mien.overview import overview

    title, form = Path(source).name, path.suffix.lower()[1:]
    content = overview(source, rows, tuple(labels), title=title, form=form, wanted=wanted)
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def _placed(sources: Sequence[str], path: Path | None, ending: str) -> dict[str, Path]:
    """Where the picture of each video goes. Raises `MienError` where two would be one."""
    if path is None:
        return {}
    if path.suffix and not path.is_dir():
        if len(sources) > 1:
            raise MienError(f"{path}: one file for {counted(len(sources), 'video')}: name a folder, without an ending")
        placed = {sources[0]: path}
    else:
        placed = {source: path / f"{Path(source).stem}-mien{ending}" for source in sources}
    for source, place in placed.items():
        if twin := next((other for other, there in placed.items() if other != source and there == place), None):
            raise MienError(f"{source} and {twin} would both be drawn as {place}: read them one by one")
    return placed

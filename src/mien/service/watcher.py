"""A worker process for one video, whose file stays with its parent: it is asked for piece by piece, and rows come back.

What it is told first has the `size` of the file, its `limits`, what is `wanted` of it, the `prior`, the `most_s` of
video and the `cpu_s` of processor time that it may take; and a piece, the pickled model and label set. What it says
then is one of these, by a name in its head:

- `read`, place and number of the bytes that it wants; they are a message's only piece;
- `rows`, how many more there are, each a line of JSON with the values of all columns but the first, which is the
  source's name; `time_s`, `frames` and `faces` until there;
- `end_s`, once: up to when it reads, as far as that is known;
- `ended`, once it has: with an `error` or None; its piece is what the rows come to, unless that is too much.
"""

from __future__ import annotations

import json
import math
import pickle
from collections.abc import Iterator, Mapping
from io import SEEK_CUR, SEEK_END, SEEK_SET, RawIOBase
from threading import Lock
from time import monotonic
from typing import Any, BinaryIO, cast

from mien import spans
from mien.errors import VideoError
from mien.intake import Limits
from mien.memory import keep_memory
from mien.recognizer import Recognizer
from mien.service.confined import allow, allow_time, begun, own_data
from mien.service.wire import Message, read, write
from mien.video import describe
from mien.watching import Moment, Wanted, moment_columns, watch

BESIDE = 230_000_000  # bytes of libraries that are not loaded yet, what networks hold, and rows
FRAMES = 70  # bytes of all frames there are at once, for each pixel of one
KEPT, PIECE = 2**24, 2**20  # bytes that the allocator keeps, and of pieces that it does not
NICENESS = 19  # photos go first
TOGETHER, EVERY_S = 500, 0.25  # rows that are told at once, and how often
MOST_TOLD = 2**19  # bytes of what rows come to
SHORT = "not enough memory to read it: save it smaller"


class Line:
    """The line to the parent, for one thread at a time."""

    def __init__(self, inbox: BinaryIO, outbox: BinaryIO) -> None:
        self._inbox, self._outbox = inbox, outbox
        self._lock = Lock()

    def tell(self, message: Message) -> None:
        with self._lock:
            write(self._outbox, message)

    def ask(self, message: Message) -> Message:
        """What is answered. Raises `EOFError` where there is no parent any more."""
        with self._lock:
            write(self._outbox, message)
            answer = read(self._inbox)
        if answer is None:
            raise EOFError
        return answer


class Distant(RawIOBase):
    """A file that the parent holds."""

    def __init__(self, line: Line, size: int) -> None:
        self._line, self._size, self._at = line, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        start = {SEEK_SET: 0, SEEK_CUR: self._at, SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        (piece,) = self._line.ask(Message({"read": [self._at, len(buffer)]})).pieces
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


class Reading:
    """A video that is being read.

    Args:
        line: to whom it is told.
        first: what is to be done, see above.
    """

    def __init__(self, line: Line, first: Message) -> None:
        self._line, self._head = line, first.head
        self._limits = Limits(**first.head["limits"])
        artifact, self._labels = pickle.loads(first.pieces[0])
        self._model = Recognizer(artifact, limits=self._limits)
        self._wanted = Wanted(**first.head["wanted"])
        self._rows: list[bytes] = []
        self._time_s = self._wanted.start_s
        self._told = self._frames = self._faces = 0

    def run(self) -> str | None:
        """Read it, and tell what is read; why it was not read to its end, if it was not."""
        if (error := self._too_long(self._end_s())) is not None:
            return error
        told = monotonic()
        for moment in watch(self._model, self._file(), "", self._labels, self._head["prior"], self._wanted):
            if not isinstance(moment, Moment):
                continue
            if (error := self._too_long(moment.time_s)) is not None:
                break
            self._keep(moment)
            error = moment.prediction.error if moment.number is None else None
            if len(self._rows) - self._told >= TOGETHER or monotonic() - told >= EVERY_S:
                told = monotonic()
                self._tell()
        self._tell()
        return error

    def summed(self, source: str) -> bytes:
        """What the rows come to, as JSON; nothing where that is too much."""
        names = list(moment_columns(self._labels))

        def rows() -> Iterator[Mapping[str, Any]]:
            for line in self._rows:
                yield dict(zip(names, [source, *json.loads(line)], strict=True))

        tables = {"tracks": spans.summary(rows(), self._labels), "events": spans.events(rows(), self._labels)}
        told = json.dumps({name: table.rows for name, table in tables.items()}).encode()
        return told if len(told) <= MOST_TOLD else b""

    def _file(self) -> BinaryIO:
        return cast(BinaryIO, Distant(self._line, self._head["size"]))

    def _end_s(self) -> float:
        """Up to when it is read, and told so; where it starts if nobody knows."""
        try:
            length = describe(self._file(), stream=self._wanted.stream, limits=self._limits).duration_s
        except VideoError:  # which comes again when it is read
            length = None
        ends = [each for each in (self._wanted.end_s, length) if each is not None]
        if length is not None:
            self._line.tell(Message({"end_s": min(ends)}))
        return min(ends) if length is not None else self._wanted.start_s

    def _too_long(self, end_s: float) -> str | None:
        most_s = self._head["most_s"]
        if end_s - self._wanted.start_s <= most_s:
            return None
        return f"more than {most_s:g} s of video, the limit: ask for a part of it with from and to"

    def _keep(self, moment: Moment) -> None:
        self._time_s = moment.time_s
        self._frames += moment.number is not None
        self._faces += len(moment.tracks)
        for row in moment.rows(self._labels):
            del row["source"]
            self._rows.append(json.dumps(list(row.values())).encode())

    def _tell(self) -> None:
        new = self._rows[self._told :]
        self._told += len(new)
        counts = {"rows": len(new), "time_s": self._time_s, "frames": self._frames, "faces": self._faces}
        self._line.tell(Message(counts, [b"\n".join(new)]))


def main() -> None:
    """Read one video."""
    first, inbox, outbox = begun(NICENESS)
    allow_time(math.ceil(first.head["cpu_s"]))
    keep_memory(KEPT, PIECE)
    line = Line(inbox, outbox)
    reading = Reading(line, first)
    allow(own_data() + BESIDE + FRAMES * first.head["limits"]["max_pixels"])
    line.tell(Message({}))
    try:
        error = reading.run()
        summed = reading.summed(first.head["source"])
    except MemoryError:
        error, summed = SHORT, b""
    line.tell(Message({"ended": True, "error": error}, [summed]))


if __name__ == "__main__":
    main()

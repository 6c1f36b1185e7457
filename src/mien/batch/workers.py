"""Processes of this machine that do parts: each opens the model once, reads on one thread, and ends with its parent.

What tells the program to end, Ctrl-C or a signal, is held back from them: they finish their parts, as far as the time
allows. A worker that dies takes one try of its part with it, and another takes its place.
"""

from __future__ import annotations

import math
import os
import signal
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from time import monotonic
from typing import Any

from mien.batch.part import write_part
from mien.batch.plan import Job, Part
from mien.batch.progress import Done, Tell
from mien.batch.stores import DiskError
from mien.cores import fresh
from mien.errors import MienError
from mien.wording import reason

TRIES = 3
GRACE_S = 25.0
"""To finish parts in when told to end; Kubernetes kills after 30 s."""


class Ending:
    """Whether the program was told to end, by Ctrl-C or a signal: what is in work has some seconds more.

    In a `with` block that is noted, and goes on behind the block.

    Args:
        grace_s: those seconds; none from when it is told again.

    Attributes:
        asked: what told it; None as long as nothing has.
    """

    def __init__(self, grace_s: float) -> None:
        self.asked: BaseException | None = None
        self._grace_s, self._until = grace_s, math.inf

    @property
    def left_s(self) -> float:
        """Seconds that are left, infinite as long as it was not told, and 0 or less where there are none."""
        return self._until - monotonic()

    def __enter__(self) -> None: ...

    def __exit__(self, _: object, raised: BaseException | None, __: object) -> bool:
        if not isinstance(raised, KeyboardInterrupt | SystemExit):
            return False
        self._until = monotonic() + self._grace_s if self.asked is None else -math.inf
        self.asked = self.asked or raised
        return True

    def end(self) -> None:
        """Raises what it was told by, if it was."""
        if self.asked is not None:
            raise self.asked


@dataclass(frozen=True)
class Workers:
    """An engine: processes of this machine (see `run.Engine`).

    Args:
        count: how many.
        grace_s: how many seconds the parts in work have when the program is told to end; none when it is told again.
    """

    count: int
    grace_s: float = GRACE_S

    def __call__(self, parts: Sequence[Part], job: Job, out: str, tell: Tell) -> None:
        waiting = deque((part, 1) for part in parts)
        crew: list[_Worker] = []
        ending = Ending(self.grace_s)
        try:
            while (waiting and ending.asked is None) or (any(worker.part for worker in crew) and ending.left_s > 0):
                with ending:
                    if ending.asked is None:
                        self._begin(crew, waiting, job, out)
                    for worker in _heard(crew, ending.left_s):
                        done = worker.ended()
                        if done.failure and not done.hopeless and worker.tries < TRIES:
                            waiting.append((done.part, worker.tries + 1))
                        else:
                            tell(done)
            ending.end()
        finally:
            for worker in crew:
                worker.end()

    def _begin(self, crew: list[_Worker], waiting: deque[tuple[Part, int]], job: Job, out: str) -> None:
        """See that all that can work do."""
        crew[:] = [worker for worker in crew if worker.part or worker.alive]
        while len(crew) < self.count and len(waiting) > sum(worker.part is None for worker in crew):
            crew.append(_Worker(job, out))
        for worker in crew:
            if worker.part is None and waiting:
                worker.begin(*waiting.popleft())


class _Worker:
    """A process that does one part at a time."""

    def __init__(self, job: Job, out: str) -> None:
        context = fresh(__name__)
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, job, out), daemon=True)
        self._process.start()
        theirs.close()
        self.part: Part | None = None
        self.tries = 0

    @property
    def alive(self) -> bool:
        return bool(self._process.is_alive())

    def begin(self, part: Part, tries: int) -> None:
        self.part, self.tries = part, tries
        with suppress(OSError):  # it died while it was idle: `ended` says so
            self.pipe.send(part)

    def ended(self) -> Done:
        """What became of its part."""
        part, self.part = self.part, None
        assert part is not None
        try:
            counts, failure, hopeless = self.pipe.recv()
            return Done(part, counts, failure, hopeless)
        except (EOFError, OSError):
            self._process.join()
            code = self._process.exitcode or 0
            how = f"killed by signal {-code}" if code < 0 else f"with exit code {code}"
            return Done(part, None, f"its worker died, {how}: perhaps for lack of memory")

    def end(self) -> None:
        """At once: what it was writing is not in its place."""
        self.pipe.close()
        self._process.kill()
        self._process.join()


def _heard(crew: list[_Worker], seconds: float) -> list[_Worker]:
    """Workers that have something to say of their parts, or have died, as soon as there is one."""
    busy: dict[Any, _Worker] = {worker.pipe: worker for worker in crew if worker.part}
    ready = wait(list(busy), None if seconds == math.inf else max(seconds, 0))
    return [busy[pipe] for pipe in ready]


def _work(pipe: Connection, job: Job, out: str) -> None:
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            part = pipe.recv()
        except (EOFError, OSError):
            return
        counts, failure, hopeless = None, "", False
        try:
            counts = write_part(part, job, out)
        except Exception as error:
            failure, hopeless = words(error), isinstance(error, DiskError)
        with suppress(OSError):  # there is no parent any more
            pipe.send((counts, failure, hopeless))


def words(error: Exception) -> str:
    """Why a part failed."""
    return reason(error) if isinstance(error, MienError | OSError) else f"{type(error).__name__}: {error}"


def _end_with_parent() -> None:
    """Whoever kills a run means its workers too, which would go on with nobody to tell."""
    parent = parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)

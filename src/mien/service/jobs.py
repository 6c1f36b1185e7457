"""Jobs: videos that wait for their turn, are read in a process of their own, and whose rows are kept for a while.

A video's file is held until it was read, or nobody wants it any more; then its rows alone are, until they were fetched
or their time has passed. Nothing of either is anywhere but in memory.
"""

from __future__ import annotations

import asyncio
import json
import pickle
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from secrets import token_hex
from typing import Any, Literal, get_args

from mien.intake import Limits
from mien.service.engine import Asked
from mien.service.guard import FAULTS
from mien.service.metrics import Metrics
from mien.service.problems import BUSY, DEADLINE, INTERNAL, NOT_FOUND, UNREADABLE_VIDEO, Problem
from mien.service.settings import Settings
from mien.service.uploads import Upload, Uploads
from mien.service.wire import Message
from mien.service.worker import EndedError, Worker
from mien.service.workers import ENDED
from mien.watching import Wanted, moment_columns

PROGRAM = (sys.executable, "-m", "mien.service.watcher")
KNOWN = 50  # jobs at once: of those that have ended the oldest goes when another comes
NAME = 255  # characters of a file's name: no file system takes more
RETRY_S = 10  # when a client that was turned away should come again

State = Literal["waiting", "running", "done", "failed"]


@dataclass(eq=False)
class Job:
    """A video, and what was read of it.

    Args:
        asked: how its faces are to be read.
        wanted: which of its frames.
        upload: its file, whose bytes go when it was read.
        owner: who may ask for it.
        held: bytes that count for its file.

    Attributes:
        time_s: up to when it was read, s of a player's clock.
        end_s: up to when it will be, as far as that is known.
        rows: lines of JSON, the values of all columns but the first, which is the file's name.
        summed: what they come to, as JSON; empty where that is not known, or too much.
        error: why it was not read to its end.
        leaves: when it will be forgotten.
    """

    asked: Asked
    wanted: Wanted
    upload: Upload
    owner: str
    held: int
    id: str = field(default_factory=lambda: token_hex(16))
    state: State = "waiting"
    time_s: float = 0.0
    end_s: float | None = None
    frames: int = 0
    faces: int = 0
    rows: list[bytes] = field(default_factory=list)
    summed: bytes = b""
    error: Problem | None = None
    task: asyncio.Task[None] | None = None
    leaves: asyncio.TimerHandle | None = None

    @property
    def ended(self) -> bool:
        return self.state in ("done", "failed")

    def page(self, start: int, end: int) -> Iterator[dict[str, Any]]:
        """Its rows from one number to before another, with all their columns."""
        names = list(moment_columns(self.asked.labels))
        for line in self.rows[start:end]:
            yield dict(zip(names, [self.upload.name, *json.loads(line)], strict=True))


class Jobs:
    """The jobs of one service.

    Args:
        settings: decides how many there are, and how much each may take.
        metrics: are told what becomes of them.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.uploads = Uploads(settings.of_videos, metrics.video_bytes, "video")
        self._settings, self._metrics = settings, metrics
        self._turn = asyncio.Semaphore(settings.videos)
        self._jobs: dict[str, Job] = {}  # in the order in which they came
        self._count()

    def check(self) -> None:
        """Raises `Problem` where there is no place for another."""
        unread = sum(not job.ended for job in self._jobs.values())
        if unread >= self._settings.videos + self._settings.videos_waiting:
            raise Problem(BUSY, "come again a little later", {"Retry-After": str(RETRY_S)})

    def begin(self, asked: Asked, wanted: Wanted, upload: Upload, owner: str, keep: Callable[[], int]) -> Job:
        """A video that is read when its turn has come; `keep` as of `Reading`. Raises `Problem` as `check` does."""
        self.check()
        while len(self._jobs) >= KNOWN and (oldest := next(filter(lambda job: job.ended, self._jobs.values()), None)):
            self._forget(oldest)
        upload.name = upload.name[:NAME]
        job = Job(asked, wanted, upload, owner, keep(), time_s=wanted.start_s)
        self._jobs[job.id] = job
        job.task = asyncio.create_task(self._run(job))
        self._count()
        return job

    def of(self, identity: str, owner: str) -> Job:
        """A job by its name. Raises `Problem` where there is none, or it is another's."""
        job = self._jobs.get(identity)
        if job is None or job.owner != owner:
            raise Problem(NOT_FOUND, "no such video: it never was, was deleted, or its time has passed")
        return job

    def ahead(self, job: Job) -> int:
        """How many wait before it."""
        waiting = [each for each in self._jobs.values() if each.state == "waiting"]
        return waiting.index(job) if job in waiting else 0

    def fetched(self, job: Job) -> None:
        """All of its rows were: it is soon forgotten."""
        self._forget_in(job, self._settings.video_fetched_s)

    async def delete(self, job: Job) -> None:
        """Forget it; it is not read any more once this is through."""
        self._forget(job)
        if job.task is not None:
            job.task.cancel()
            await asyncio.wait([job.task])

    async def stop(self) -> None:
        """Read and keep none any more."""
        await asyncio.gather(*(self.delete(job) for job in [*self._jobs.values()]))

    async def _run(self, job: Job) -> None:
        try:
            async with self._turn:
                job.state = "running"
                self._count()
                job.error = await self._read(job)
        except Exception as error:
            FAULTS.exception("a video", exc_info=error)
            job.error = Problem(INTERNAL, "it was not read to its end")
        finally:
            self.uploads.hold(-job.held)
            job.upload.content = b""
        job.state = "failed" if job.error else "done"
        self._forget_in(job, self._settings.video_kept_s)
        self._count()

    async def _read(self, job: Job) -> Problem | None:
        """Let a worker read it; what went wrong, if anything did."""
        settings = self._settings
        worker = await Worker.start(PROGRAM, self._first(job))
        late = asyncio.get_running_loop().call_later(settings.video_deadline_s, worker.kill)
        try:
            return await self._heard(job, worker)
        except EndedError:
            if await worker.gone() == "late":
                return Problem(DEADLINE, f"not read within {settings.video_deadline_s:g} s")
            return Problem(UNREADABLE_VIDEO, ENDED.head["error"])
        finally:
            late.cancel()
            await worker.end()

    def _first(self, job: Job) -> Message:
        """What its worker is told first."""
        settings = self._settings
        limits = Limits(settings.max_video, settings.max_video_pixels, own=False)
        head = {
            "source": job.upload.name,
            "size": len(job.upload.content),
            "limits": asdict(limits),
            "wanted": asdict(job.wanted),
            "prior": job.asked.prior,
            "most_s": settings.max_video_s,
            "cpu_s": settings.video_deadline_s,
        }
        return Message(head, [pickle.dumps((job.asked.model.artifact, job.asked.labels))])

    async def _heard(self, job: Job, worker: Worker) -> Problem | None:
        """Give a worker the bytes that it wants, and keep what it says, until it has ended."""
        while True:
            head, pieces = await worker.hear()
            if "read" in head:
                start, size = head["read"]
                await worker.tell(Message({}, [job.upload.content[start : start + size]]))
            elif "rows" in head:
                self._metrics.video_seconds.inc(max(0.0, head["time_s"] - job.time_s))
                job.time_s, job.frames, job.faces = head["time_s"], head["frames"], head["faces"]
                if head["rows"] and (problem := self._keep(job, bytes(pieces[0]).split(b"\n"))) is not None:
                    return problem
            elif "end_s" in head:
                job.end_s = head["end_s"]
            else:
                job.summed = bytes(pieces[0])
                return None if head["error"] is None else Problem(UNREADABLE_VIDEO, head["error"])

    def _keep(self, job: Job, rows: list[bytes]) -> Problem | None:
        """Keep rows, as far as there is room."""
        most = self._settings.max_video_rows
        room = most - sum(len(each.rows) for each in self._jobs.values())
        job.rows += rows[:room]
        self._count()
        if len(rows) <= room:
            return None
        told = f"more than {most:,} rows, the limit for all videos together: ask for a part of it with from and to, or"
        return Problem(UNREADABLE_VIDEO, f"{told} for fewer frames with every; and delete what you have fetched")

    def _forget_in(self, job: Job, seconds: float) -> None:
        """Forget a job that has ended by then, if not before."""
        loop = asyncio.get_running_loop()
        if job.leaves is None or job.leaves.when() > loop.time() + seconds:
            if job.leaves is not None:
                job.leaves.cancel()
            job.leaves = loop.call_later(seconds, self._forget, job)

    def _forget(self, job: Job) -> None:
        if job.leaves is not None:
            job.leaves.cancel()
        self._jobs.pop(job.id, None)
        self._count()

    def _count(self) -> None:
        states = Counter(job.state for job in self._jobs.values())
        for state in get_args(State):
            self._metrics.videos.labels(state).set(states[state])
        self._metrics.video_rows.set(sum(len(job.rows) for job in self._jobs.values()))

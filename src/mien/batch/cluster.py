"""A Ray cluster that does parts: a task a part, which Ray places on a free core, and does again where its node is lost.

Tasks, and no actors: an actor whose node is lost waits for a core of its own while its part waits for it, a task takes
any core. The workers that run them are kept by Ray, and each opens the model once.
"""

from __future__ import annotations

import logging
import math
import os
import signal
import socket
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from time import monotonic
from typing import Any

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # before Ray is imported: what it starts would report to its maker
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # or it warns of GPUs that nobody asked for

import ray

from mien.batch.part import Counts, write_part
from mien.batch.plan import MANIFEST, Job, Part
from mien.batch.progress import Done, Tell
from mien.batch.sources import Listed
from mien.batch.stores import DiskError, is_address, joined
from mien.batch.workers import GRACE_S, TRIES, Ending, words
from mien.errors import MienError

AUTO = "auto"
ANSWERS_S = 5.0  # a head that is there takes a connection at once; Ray itself would try for two minutes
LOOKS_S = 1.0  # between two looks whether the program is told to end
COUNTS_S = 10.0  # between two looks how many cores there are
AHEAD = 1.25  # parts given out, in cores: so that none waits, and that a cluster that can grow does


@dataclass(frozen=True)
class Cluster:
    """An engine: the machines of a Ray cluster (see `run.Engine`), on one of which this program runs.

    All of them see the same files under the same names, or what is read and written lies in a store; and all have the
    same mien, and what a store asks for in their environment.

    Args:
        address: `host:port` of the cluster's head, or `auto` for the cluster that this machine is of.
        count: parts at once at most; as many as the cluster has cores if None, also while it grows or shrinks.
        grace_s: as of `workers.Workers`.
    """

    address: str
    count: int | None = None
    grace_s: float = GRACE_S

    def __call__(self, parts: Sequence[Part], job: Job, out: str, tell: Tell) -> None:
        """As `run.Engine` does.

        Raises:
            MienError: there is no such cluster, or it runs another version of Ray or Python.
        """
        waiting, given, ending = deque(parts), dict[Any, Part](), Ending(self.grace_s)
        with _connected(self.address):
            room = _Room(self.count)
            begin = ray.remote(num_cpus=1, max_retries=TRIES - 1, retry_exceptions=True)(_do).remote
            packed = _Packed(ray.cloudpickle.dumps(job), job.told(), os.getcwd())
            while (waiting and ending.asked is None) or (given and ending.left_s > 0):
                with ending:
                    while ending.asked is None and waiting and len(given) < room():
                        part = waiting.popleft()
                        given[begin(part, packed, out)] = part
                    for task in _ended(list(given), ending.left_s):
                        tell(_became(task, given.pop(task)))
            ending.end()


class _Room:
    """How many parts may be given out at once."""

    def __init__(self, count: int | None) -> None:
        self._count = count
        self._looked = -math.inf
        self._parts = 1

    def __call__(self) -> int:
        if self._count is not None:
            return self._count
        if monotonic() - self._looked > COUNTS_S:
            self._looked = monotonic()
            self._parts = max(1, math.ceil(AHEAD * ray.cluster_resources().get("CPU", 0)))
        return self._parts


@dataclass(frozen=True)
class _Packed:
    """What every task of a run is given: small, and opened once in each worker.

    Args:
        job: pickled.
        told: what it is.
        folder: where the program runs, and to which paths are relative.
    """

    job: bytes
    told: dict[str, Any]
    folder: str

    def __hash__(self) -> int:
        return hash(self.job)


def _do(part: Part, packed: _Packed, out: str) -> Counts:
    """A task."""
    job = _opened(packed)
    _check_seen(part, out)
    return write_part(part, job, out)


@cache
def _opened(packed: _Packed) -> Job:
    """The job, in the worker; raises `MienError` where it would not be the same there."""
    try:
        os.chdir(packed.folder)
    except OSError as error:
        raise MienError(f"{_here()} has no folder {packed.folder}: {error.strerror}") from error
    job: Job = ray.cloudpickle.loads(packed.job)
    if job.told() != packed.told:
        theirs, ours = packed.told["mien"], job.told()["mien"]
        raise MienError(f"{_here()} has mien {ours}, and the run is of mien {theirs}: install the same on all")
    return job


def _check_seen(part: Part, out: str) -> None:
    """Raises `MienError` on a machine that does not share the files: each image would be told of as missing."""
    share = "a cluster shares its folders, or reads from and writes to a store"
    if not is_address(out) and not os.path.exists(joined(out, MANIFEST)):
        raise MienError(f"{_here()} does not see {out}: {share}")
    if isinstance(part.source, Listed):
        places = part.source.table.column(part.source.image).to_pylist()
        if not any(is_address(place) or os.path.exists(place) for place in places):
            raise MienError(f"{_here()} sees none of the images of a part, such as {places[0]}: {share}")


def _here() -> str:
    return f"the machine {socket.gethostname()}"


def _ended(tasks: list[Any], seconds: float) -> list[Any]:
    """Tasks that have ended, as soon as there is one; none where it takes long, for others to have a look."""
    ray.wait(tasks, timeout=max(min(seconds, LOOKS_S), 0))
    return ray.wait(tasks, num_returns=len(tasks), timeout=0)[0]


def _became(task: Any, part: Part) -> Done:
    """What became of a part."""
    try:
        return Done(part, ray.get(task))
    except ray.exceptions.RayTaskError as error:
        return Done(part, None, words(error.cause), isinstance(error.cause, DiskError))
    except ray.exceptions.RayError:
        return Done(part, None, f"its worker died {TRIES} times: perhaps for lack of memory")


@contextmanager
def _connected(address: str) -> Iterator[None]:
    """Ray, as long as the block lasts; what is to happen at signals stays as it was."""
    _check_answers(address)
    heard = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise MienError(f"no Ray cluster at {address}: {error}") from error
    try:
        if threading.current_thread() is threading.main_thread():
            for number, handler in heard.items():
                signal.signal(number, handler)
        yield
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    """Raises `MienError` where that is no address, or nobody is there."""
    if address == AUTO:
        return
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdecimal():
        wanted = "expected HOST:PORT of the cluster's head, on a machine of the cluster, or auto"
        raise MienError(f"{wanted}; got {address!r}")
    try:
        socket.create_connection((host.strip("[]"), int(port)), ANSWERS_S).close()
    except (OSError, OverflowError) as error:
        raise MienError(f"no Ray cluster at {address}: {error}; `ray start --head` begins one") from error

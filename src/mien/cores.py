"""Cores: how many a process may use, on which machine, and work that is spread over them.

A container's share of them is a control group's: of version 1, or of version 2.
"""

from __future__ import annotations

import math
import os
import platform
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import Full, Queue
from threading import Event, Thread
from typing import Any, TypeVar

from mien.cgroups import PROCESS, control_groups, words

S = TypeVar("S")
T = TypeVar("T")

CPUS = Path("/proc/cpuinfo")


def cores(process: Path = PROCESS) -> int:
    """The CPU cores that this process may use, by its affinity and by its container's limits; at least 1.

    A share of a core counts as one: one and a half are two, of which one waits half of the time.

    Args:
        process: where Linux tells of a process; other systems have no such folder, and only their affinity counts.
    """
    limits: list[float] = []
    with suppress(ValueError):  # a Linux that tells of cores in another way
        limits = [limit for group in control_groups(process) for limit in _limits(group)]
    return max(1, math.ceil(min([_allowed(), *limits])))


def machine() -> str:
    """The processor, how many cores this process may use, and the system, in a line."""
    number = cores()
    return f"{_processor()}, {number} core{'s' * (number > 1)}, {platform.system()} {platform.machine()}"


def ahead(step: Callable[[S], T], items: Iterable[S], threads: int) -> Iterator[T]:
    """Results in order; with threads, of a few items beyond the one that is asked for.

    A thread does all that an item needs, for two that decode small images at once wait for each other; while one is in
    a network, another decodes.
    """
    if threads == 1:
        yield from map(step, items)
        return
    waiting: deque[Future[T]] = deque()
    pool = ThreadPoolExecutor(threads)  # for these items alone: a pool that is kept is dead after a fork
    try:
        for item in items:
            waiting.append(pool.submit(step, item))
            while waiting and (len(waiting) > threads or waiting[0].done()):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def beforehand(items: Iterable[T], most: int) -> Iterator[T]:
    """Items, as they come from a thread that is at most so many ahead; what is raised there is raised here."""
    queue: Queue[tuple[T] | Exception | None] = Queue(most)
    stopped = Event()

    def put(each: tuple[T] | Exception | None) -> bool:
        while not stopped.is_set():
            with suppress(Full):
                queue.put(each, timeout=0.1)
                return True
        return False

    def run() -> None:
        try:
            for item in items:
                if not put((item,)):
                    break
            else:
                put(None)
        except Exception as error:
            put(error)
        finally:
            if isinstance(items, Generator):
                items.close()  # here, where it ran

    thread = Thread(target=run, daemon=True)
    thread.start()
    try:
        while (each := queue.get()) is not None:
            if isinstance(each, Exception):
                raise each
            yield each[0]
    finally:
        stopped.set()
        thread.join()


def fresh(module: str) -> Any:
    """A context of `multiprocessing` whose processes begin afresh, as a fork of one with threads and stores does not.

    They come from a process that loads a module once for all of them, from now on, while this one does something else;
    where there are no forks each loads it itself.
    """
    import multiprocessing
    from multiprocessing import forkserver

    if sys.platform == "win32":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([module, "pandas"])  # PyArrow imports it, if it is there, with its first array
    forkserver.ensure_running()
    return context


def _allowed() -> int:
    if sys.version_info >= (3, 13):
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    """Its maker's name of it, where the system tells."""
    with suppress(OSError):
        for line in CPUS.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or "processor unknown"


def _limits(group: Path) -> Iterator[float]:
    """The cores that a control group leaves its processes, by time and by number, where it limits them."""
    match words(group / "cpu.max") or words(group / "cpu.cfs_quota_us") + words(group / "cpu.cfs_period_us"):
        case [quota, period] if quota not in ("max", "-1"):  # of every so many microseconds
            yield int(quota) / int(period)
    for name in ("cpuset.cpus.effective", "cpuset.effective_cpus", "cpuset.cpus"):
        for numbers in words(group / name):
            spans = [span.split("-") for span in numbers.split(",")]
            yield sum(int(span[-1]) - int(span[0]) + 1 for span in spans)

"""A run: a plan, a folder, and an engine that does the parts that are not there yet.

OUT/manifest.json   what the run is
OUT/rows/           a parquet file a part, all of one schema; read it as one table
OUT/progress.json   how far it is
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from mien.batch.claim import FILE, FOLDER, claimed
from mien.batch.part import ROWS, UNFINISHED, counts_of
from mien.batch.plan import MANIFEST, Job, Part, Plan
from mien.batch.progress import Done, Progress, Tell
from mien.batch.stores import DiskError, check_puts_whole, files_below, is_address, joined, put, reading
from mien.cores import ahead
from mien.datasets.walk import few
from mien.errors import MienError
from mien.wording import counted

MOST_FAILED = 10  # parts, after which it is no matter of a few
AT_ONCE = 16  # finished parts that are looked at


class Engine(Protocol):
    """Does parts, wherever and in whatever order; the same part twice does no harm."""

    def __call__(self, parts: Sequence[Part], job: Job, out: str, tell: Tell) -> None:
        """Do them all, with `part.write_part`, and tell of each.

        Args:
            parts: of a plan.
            job: what is done with every image.
            out: the run's folder.
            tell: is told of each in this process; what it raises ends the run.
        """


def run(
    plan: Plan,
    out: str,
    engine: Engine,
    *,
    resume: bool = False,
    tell: Callable[[Progress], None] = lambda progress: None,
) -> Progress:
    """Do what a plan says, or what is left of it.

    Args:
        plan: what is to be done.
        out: the run's folder, a path or an address; made if need be.
        engine: does the parts.
        resume: whether it goes on with what is there; else the folder is to be empty.
        tell: is told how far it is, after each part.

    Returns:
        What the whole run came to, earlier ones included.

    Raises:
        MienError: the folder holds another run, or one that is not to be gone on with, or another works in it; or parts
            have failed, and the message says which.
        DiskError: the disk is full, or takes no files. What is finished stays, and the run may be gone on with.
        StoreError: a store does not answer, or does not put files whole.
    """
    check_puts_whole(out)
    with claimed(out):
        finished = _begin(plan, out, resume)
        progress = Progress(plan, out)
        for counts in ahead(lambda name: counts_of(name, out), sorted(finished), AT_ONCE if is_address(out) else 1):
            progress.found(counts)
        tell(progress)

        def hear(done: Done) -> None:
            progress.add(done)
            if done.hopeless:
                raise DiskError(done.failure)
            if len(progress.failures) >= MOST_FAILED:
                raise MienError(_failed(progress))
            progress.write()
            tell(progress)

        state = "stopped"
        try:
            progress.write()
            engine([part for part in plan.parts if part.name not in finished], plan.job, out, hear)
            state = "failed" if progress.failures else "done"
        except DiskError as error:
            state = "failed"
            raise DiskError(f"{error}; {_so_far(progress)}") from error
        except MienError:
            state = "failed"
            raise
        finally:
            _end(progress, out, state)
    if progress.failures:
        raise MienError(_failed(progress))
    return progress


def _begin(plan: Plan, out: str, resume: bool) -> set[str]:
    """See that the folder is this run's; the names of the parts that are finished."""
    there = _manifest(out)
    if there is None:
        if others := _others(out):
            raise MienError(f"{out} is not empty, and holds no run: it has {few(others)}; choose another OUT")
        text = json.dumps(plan.manifest(), indent=1).encode()
        put(joined(out, MANIFEST), text, joined(out, UNFINISHED))
        return set()
    if not resume:
        raise MienError(f"{out} holds a run already: go on with it by --resume, or choose another OUT")
    plan.check(there, out)
    rows = [name.removeprefix(f"{ROWS}/") for name in _others(out) if name.startswith(f"{ROWS}/")]
    if alien := sorted(set(rows) - {part.name for part in plan.parts}):
        raise MienError(f"{joined(out, ROWS)} holds what is no part of the run: {few(alien)}; take it away")
    return set(rows)


def _manifest(out: str) -> dict[str, Any] | None:
    try:
        with reading(joined(out, MANIFEST)) as file:
            found = json.loads(file.read())
        return found if isinstance(found, dict) else {}
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise MienError(f"{joined(out, MANIFEST)} is no manifest: {error}") from error


def _others(out: str) -> list[str]:
    """What a folder holds, by its place in it, but for what a run keeps beside its rows while it works."""
    try:
        found = [file.place[len(joined(out, "")) :] for file in files_below(out)]
    except FileNotFoundError:
        return []
    return [name for name in found if name != FILE and not name.startswith((f"{FOLDER}/", f"{UNFINISHED}/"))]


def _end(progress: Progress, out: str, state: Any) -> None:
    """Say how it ended, as far as the disk allows, and leave nothing unfinished behind."""
    try:
        progress.write(state)
    except MienError:
        if state == "done":
            raise
    if not is_address(out):
        shutil.rmtree(Path(out) / UNFINISHED, ignore_errors=True)


def _so_far(progress: Progress) -> str:
    return f"{progress.parts:,} of {counted(len(progress.plan.parts), 'part')} are done, and --resume goes on"


def _failed(progress: Progress) -> str:
    failures = [f"{name}: {failure}" for name, failure in progress.failures.items()]
    return "\n".join([f"{counted(len(failures), 'part')} failed; {_so_far(progress)}", *failures])

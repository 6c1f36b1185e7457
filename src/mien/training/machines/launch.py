"""Begins several processes of one command on this machine, and ends them together.

They find one another as those of `torchrun` do, by its variables, but meet in a file of their own, so that no port is
open. What the first one says is shown; of the others, what they say last where they fail.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO

from mien.cores import cores
from mien.errors import MienError

RANK, RANK_HERE, SIZE = "RANK", "LOCAL_RANK", "WORLD_SIZE"
"""Variables that say which process this is, among all and on its machine, and how many there are: `torchrun`'s."""

MEETING = "MIEN_MEETING"
"""Variable that says where processes meet that `launch` has begun; those of `torchrun` have none."""

LOST = 75
"""Exit code of a process that ends because another one has."""

GRACE = 20.0  # seconds that processes have to end by themselves, once one has
LOOK = 0.05  # seconds from one look at them to the next
LOOPBACK = {"linux": "lo", "darwin": "lo0"}

Process = subprocess.Popen[bytes]


def rank() -> int | None:
    """The number of this process among several, from 0, whoever began them; None of one that is alone."""
    return int(os.environ[RANK]) if RANK in os.environ and int(os.environ.get(SIZE, 1)) > 1 else None


def launched() -> bool:
    """Whether `launch` has begun this process, and tells how others end."""
    return MEETING in os.environ


def end_with_launcher() -> None:
    """Wait until the process that has begun this one ends, and end it then; on a thread of its own."""
    while os.read(0, 1):  # a pipe, into which nothing is written
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def launch(command: Sequence[str], size: int) -> int:
    """Run a command in several processes, and wait for all to end. A signal to end is passed on to the first.

    Args:
        command: the program and its arguments.
        size: how many.

    Returns:
        The exit code; what went wrong has been told.

    Raises:
        MienError: one has ended that could not tell why.
    """
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        said = [stack.enter_context((Path(folder) / str(each)).open("w+b")) for each in range(1, size)]
        meeting = (Path(folder) / "meeting").as_uri()
        begun = [_begin(command, each, size, meeting, [None, *said][each]) for each in range(size)]
        try:
            while None in (codes := [each.poll() for each in begun]) and not any(codes):
                time.sleep(LOOK)
        except (KeyboardInterrupt, SystemExit) as stop:
            number = signal.SIGINT if isinstance(stop, KeyboardInterrupt) else int(str(stop.code)) - 128
            if os.name == "posix":  # elsewhere the console has told them
                begun[0].send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                begun[0].wait(GRACE)  # while the others go on: it may wait for them
            return 128 + number
        finally:
            stopped = _end(begun)
        return _outcome([each.returncode for each in begun], stopped, said)


def _begin(command: Sequence[str], number: int, size: int, meeting: str, said: IO[bytes] | None) -> Process:
    """One of the processes; all but the first say what they say to a file."""
    ours = {RANK: str(number), RANK_HERE: str(number), SIZE: str(size), MEETING: meeting}
    usual = {"OMP_NUM_THREADS": str(max(cores() // size, 1))}
    if sys.platform in LOOPBACK:
        usual["GLOO_SOCKET_IFNAME"] = LOOPBACK[sys.platform]
    return subprocess.Popen(
        command,
        env=usual | os.environ | ours,
        stdin=subprocess.PIPE,  # closes when this process ends, however it does
        stdout=subprocess.DEVNULL if said else None,
        stderr=said,
        start_new_session=True,  # Ctrl-C comes here alone
    )


def _end(begun: Sequence[Process]) -> set[int]:
    """Wait for processes to end by themselves, as they do when one has; the numbers of those that had to be made to."""
    until = time.monotonic() + GRACE
    while None in [each.poll() for each in begun] and time.monotonic() < until:
        time.sleep(LOOK)
    left = {number for number, each in enumerate(begun) if each.poll() is None}
    for number in left:
        begun[number].kill()
    for each in begun:
        each.wait()
        if each.stdin:
            each.stdin.close()
    return left


def _outcome(codes: Sequence[int], stopped: set[int], said: Sequence[IO[bytes]]) -> int:
    """The exit code of all, from those of each. Raises as `launch`."""
    failed = [number for number, code in enumerate(codes) if code not in (0, LOST) and number not in stopped]
    if not any(codes) or (failed[:1] == [0] and codes[0] > 0):
        return codes[0]
    how = "lost touch with the others"
    if failed:
        which = failed[0]
        how = f"process {which + 1} of {len(codes)} {_ended(codes[which], said[which - 1] if which else None)}"
    raise MienError(f"{how}; all have ended. What was done is kept: the same command with --resume goes on")


def _ended(code: int, said: IO[bytes] | None) -> str:
    """How a process has ended, in words."""
    if code < 0:
        return f"was ended by signal {-code} ({signal.Signals(-code).name})"
    words = ""
    if said:
        said.seek(0)
        words = said.read().decode(errors="replace").strip().rpartition("\n")[2]
    return f"failed ({words or f'exit code {code}'})"

"""What a worker process does to itself: it talks to its parent alone, ends with it, and takes no more than it may.

It ends when its parent does, however that ends, and at no other's word; what it holds in memory comes on no disk.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from mien.memory import keep_out_of_cores
from mien.service.wire import Message, read

if sys.platform != "win32":
    import resource

DIES_WITH_PARENT = 1  # PR_SET_PDEATHSIG
LAST_S = 5  # of processor time, for who does not end when it has had its share


def begun(niceness: int) -> tuple[Message, BinaryIO, BinaryIO]:
    """Talk to the parent alone, end with it, and give way by a niceness: its first message, and the two ends.

    The process ends here where there is no parent any more.
    """
    inbox, outbox = apart()
    first = read(inbox)
    if first is None:
        sys.exit()
    bind(first.head["parent"], niceness)
    return first, inbox, outbox


def apart() -> tuple[BinaryIO, BinaryIO]:
    """The two ends of the pipe to the parent, where no library's message can get between."""
    inbox, outbox = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    return inbox, outbox


def bind(parent: int, niceness: int) -> None:
    """End with the parent, and when it says so: not at a signal to all that run here. Give way by a niceness."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    if sys.platform != "win32":
        os.nice(niceness)
    keep_out_of_cores()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(DIES_WITH_PARENT, signal.SIGKILL)
        if os.getppid() != parent:  # it was gone before
            sys.exit()


def own_data() -> int:
    """Bytes of memory that are this process' own, as its limit counts them; 0 where nobody tells."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    return 0


def allow(size: int) -> None:
    """From here on this process may have so much memory of its own; on Linux, which holds it to that."""
    if sys.platform == "linux":
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (size if hard < 0 else min(size, hard), hard))


def allow_time(seconds: int) -> None:
    """This process may have so much of the processors' time in all; not on Windows."""
    if sys.platform != "win32":
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        last = seconds + LAST_S if hard < 0 else min(seconds + LAST_S, hard)
        resource.setrlimit(resource.RLIMIT_CPU, (min(seconds, last), last))

"""One run at a time in a folder: a second one is refused.

On a disk it is a lock of the system, which ends with its process, however that ends. Stores have none: there a run
leaves an object that it renews, and goes if it finds another's that is fresh; two that begin within the same moment
both see the other and both go. A run that was killed on another machine keeps others out until its object is stale.
Even where two runs meet, rows are neither lost nor doubled: they put the same files.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import time

from mien.batch.stores import StoreError, files_below, is_address, joined, put, reading, remove
from mien.errors import MienError
from mien.files import locked, make_folder

FOLDER, FILE = "claims", "claim"
RENEWED_S = 15.0
STALE_S = 60.0


@contextmanager
def claimed(out: str) -> Iterator[None]:
    """The folder is this run's as long as the block lasts.

    Raises:
        MienError: another run works in it.
        StoreError: the store does not answer.
        OSError: the folder cannot be made, or takes no file.
    """
    if is_address(out):
        with _in_store(out):
            yield
        return
    path = Path(out) / FILE
    make_folder(path.parent)
    with path.open("a+b") as file:
        if not locked(file):
            raise MienError(f"{out}: another run works in it; wait for it, or choose another OUT")
        yield


@contextmanager
def _in_store(out: str) -> Iterator[None]:
    folder = joined(out, FOLDER)
    ours = joined(folder, f"{secrets.token_hex(8)}.json")
    who = {"host": socket.gethostname(), "process": os.getpid()}
    over = threading.Event()

    def renew() -> None:
        put(ours, json.dumps({**who, "time": time()}).encode(), "")

    def go_on() -> None:
        while not over.wait(RENEWED_S):
            with suppress(StoreError):
                renew()

    renew()
    heart = threading.Thread(target=go_on, daemon=True)
    try:
        for other in files_below(folder):
            if other.place != ours:
                _refuse(out, other.place)
        heart.start()
        yield
    finally:
        over.set()
        if heart.ident is not None:
            heart.join()
        with suppress(StoreError, FileNotFoundError):
            remove(ours)


def _refuse(out: str, place: str) -> None:
    """Raises `MienError` where another's claim is fresh, and its process may be alive; takes it away else."""
    with suppress(FileNotFoundError, ValueError, KeyError):
        with reading(place) as file:
            claim = json.loads(file.read())
        age = time() - claim["time"]
        gone = claim["host"] == socket.gethostname() and not _alive(claim["process"])
        if age < STALE_S and not gone:
            who = f"process {claim['process']} on {claim['host']}"
            raise MienError(
                f"{out}: another run works in it, {who}; if it has died, this is possible in {STALE_S - age:.0f} s"
            )
        remove(place)


def _alive(process: int) -> bool:
    if sys.platform == "win32":
        return True  # there a signal of 0 is Ctrl-C; a claim becomes stale all the same
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True

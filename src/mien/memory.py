"""Memory: how much there is, what glibc's allocator is told to keep, and how much of images is held at once."""

from __future__ import annotations

import ctypes
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from threading import Condition, Lock

from mien.cgroups import PROCESS, control_groups, words

TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8  # glibc's names for what `mallopt` sets
LARGEST = 2**25  # bytes; the most that glibc takes for a piece of memory that it keeps
KEPT = 2**27  # bytes
HEAPS = 2  # that threads share; each keeps what it once needed

LARGE = 2**26  # bytes of an image that are not kept for the next
MOST_DECODED = 2**28  # bytes that images and their decoders hold at once
MOST_ENCODED = 2**26  # bytes of the files that they are decoded from


def memory(process: Path = PROCESS) -> int:
    """Bytes that this process may use at most, by its machine, its service or container, and `ulimit`, whoever uses
    them now.

    Args:
        process: where Linux tells of a process.
    """
    limits = [2**63]
    with suppress(AttributeError, ValueError, OSError):  # Windows tells of nothing
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for group in control_groups(process):
        for name in ("memory.max", "memory.limit_in_bytes"):  # of version 2, of version 1
            limits += [int(word) for word in words(group / name) if word.isdecimal()]  # `max` is no limit
    with suppress(ImportError):
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        limits += [soft] if soft != resource.RLIM_INFINITY else []
    return min(limits)


def keep_memory(most: int = KEPT, piece: int = LARGEST) -> None:
    """Ask glibc to keep freed memory for the whole process; other allocators are left alone.

    Whoever frees and asks for the same megabytes again and again waits for the system: for a photo, as long as for its
    decoding.

    Args:
        most: bytes at the end of each heap that are kept, below 2**31.
        piece: bytes from which a piece is given back by itself, at most 2**25.
    """
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        mallopt(MMAP_THRESHOLD, piece)
        mallopt(TRIM_THRESHOLD, most)
        mallopt(ARENA_MAX, HEAPS)


def give_back() -> None:
    """Give the system what glibc's allocator keeps in vain, wherever it lies."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def keep_out_of_cores() -> None:
    """Let what this process holds come on no disk when it crashes, nor what those hold that it begins."""
    with suppress(ImportError):  # Windows writes none by itself
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        least = int(most != 0)  # byte; 0 would not keep Linux from dumps into a program
        resource.setrlimit(resource.RLIMIT_CORE, (least, least))


class CrowdedError(Exception):
    """More is needed than there is room for, where there is nothing to wait for.

    Attributes:
        amount: what is needed.
    """

    def __init__(self, amount: int) -> None:
        self.amount = amount
        super().__init__(f"{amount} bytes, more than there is room for")


class Room:
    """Room for so much at once, among threads, in the order in which they come.

    Args:
        most: what fits; an amount above that is let in when there is nothing else.
        strict: whether it is refused instead.
    """

    def __init__(self, most: int, strict: bool = False) -> None:
        self.most, self.strict, self.pixels = most, strict, math.inf
        self.taken = 0
        self._turn = Lock()  # one waits for room, the others for their turn: small amounts do not pass a large one
        self._lock = Lock()
        self._change = Condition(self._lock)  # entered by its lock, which takes a quarter of the time

    def take(self, amount: int) -> None:
        """Wait until so much fits, and hold it. Whoever holds some already must give it back first.

        Raises:
            CrowdedError: it never fits, and the room is strict.
        """
        if not amount:
            return
        if self.strict and amount > self.most:
            raise CrowdedError(amount)
        with self._turn, self._lock:
            while self.taken and self.taken + amount > self.most:
                self._change.wait()
            self.taken += amount

    def give(self, amount: int) -> None:
        """Give back what was taken."""
        if not amount:
            return
        with self._lock:
            self.taken -= amount
            self._change.notify()


DECODED, ENCODED = Room(MOST_DECODED), Room(MOST_ENCODED)


def hold_at_most(decoded: int, *, strict: bool = False, pixels: float = math.inf) -> None:
    """Let the images that the process decodes hold so many bytes; a larger one goes alone, or nowhere if strict.

    Whoever reads a larger one then gets `CrowdedError`, which says how much it needs; so does who decodes a file of
    more pixels, however small a copy they become: a decoder passes them all.
    """
    DECODED.most, DECODED.strict, DECODED.pixels = decoded, strict, pixels


class _Share:
    """The bytes that one image holds."""

    def __init__(self) -> None:
        self._held = self.peak = 0

    def change(self, size: int) -> None:
        if size > self._held:
            DECODED.give(self._held)
            self._held = 0  # while it waits, so that two that grow do not wait for each other
            DECODED.take(size)
        else:  # it is not to wait behind others that do
            DECODED.give(self._held - size)
        self._held, self.peak = size, max(size, self.peak)


_share: ContextVar[_Share | None] = ContextVar("share", default=None)


@contextmanager
def bounded(encoded: int) -> Iterator[None]:
    """One image is read within, and holds no more than there is room for: here and in `make_room` it waits for others.

    Args:
        encoded: bytes of its file that will be held as well.

    Raises:
        CrowdedError: as `hold_at_most` says.
    """
    if _share.get() is not None:  # an image within an image would wait for itself
        yield
        return
    ENCODED.take(encoded)
    share = _Share()
    before = _share.set(share)
    try:
        yield
    finally:
        _share.reset(before)
        if share.peak > LARGE:
            give_back()  # holes of that size in every heap would be more than there is room for
        share.change(0)
        ENCODED.give(encoded)


def make_room(size: int, pixels: int = 0) -> None:
    """Wait until the image may hold so many bytes, in place of those that it had; outside of `bounded`, go on.

    Args:
        size: in bytes.
        pixels: that its decoder will pass.
    """
    share = _share.get()
    if share is not None:
        if pixels > DECODED.pixels:
            raise CrowdedError(max(size, pixels))
        share.change(size)


def _alone() -> None:
    """In a forked child, whose images others do not wait for any more."""
    global DECODED, ENCODED
    DECODED, ENCODED = Room(DECODED.most, DECODED.strict), Room(ENCODED.most)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_alone)

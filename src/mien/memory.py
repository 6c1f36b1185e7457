"""Memory that glibc's allocator gives back to the system, and is told to keep."""

from __future__ import annotations

import ctypes
from contextlib import suppress

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # glibc's names for what `mallopt` sets
LARGEST = 2**25  # bytes; the most that glibc takes for a piece of memory that it keeps
KEPT = 2**27  # bytes


def keep_memory(most: int = KEPT) -> None:
    """Ask glibc to keep freed memory for the whole process; other allocators are left alone.

    Whoever frees and asks for the same megabytes again and again waits for the system: for a photo, as long as for its
    decoding.

    Args:
        most: bytes at the end of each heap that are kept, below 2**31; busy threads have heaps of their own.
    """
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        mallopt(MMAP_THRESHOLD, LARGEST)
        mallopt(TRIM_THRESHOLD, most)

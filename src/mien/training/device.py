"""The device to train on, and how it is made to go faster."""

from __future__ import annotations

import ctypes
import platform
from contextlib import suppress

import torch


def describe_device() -> tuple[torch.device, bool, str]:
    """The device to train on, whether bfloat16 pays there, and a sentence that says so.

    Without AMX, bfloat16 convolutions are slower than float32 ones on a CPU (125 against 186 images/s measured).
    """
    if torch.cuda.is_available():
        return torch.device("cuda"), True, f"one GPU ({torch.cuda.get_device_name(0)}), bfloat16"
    amx = platform.machine() == "x86_64" and torch.cpu._is_amx_tile_supported()
    kind = "bfloat16" if amx else "float32"
    return torch.device("cpu"), amx, f"CPU, {torch.get_num_threads()} threads, {kind}"


def keep_memory() -> None:
    """Ask glibc to keep freed pages: a training step frees and asks for the same hundreds of megabytes again."""
    trim_threshold, mmap_threshold = -1, -3
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        mallopt(mmap_threshold, 2**25)  # the most that glibc takes
        mallopt(trim_threshold, 2**31 - 1)

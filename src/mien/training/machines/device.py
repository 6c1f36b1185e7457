"""The device to train on, and how it is made to go faster."""

from __future__ import annotations

import platform
from contextlib import suppress
from pathlib import Path

import torch

from mien.errors import MienError
from mien.wording import counted

DEVICES = ("auto", "cpu", "cuda")


def find_device(name: str = "auto", number: int = 0) -> torch.device:
    """The device to train on: `cpu`, `cuda`, or `auto`, a GPU if there is one.

    Args:
        name: one of these.
        number: of the process on this machine, from 0: each takes the GPU of its number.

    Raises:
        MienError: another name, or `cuda` where torch finds no GPU, or fewer than there are processes.
    """
    if name not in DEVICES:
        raise MienError(f"no device {name!r}: expected one of {', '.join(DEVICES)}")
    if name == "cuda" and not torch.cuda.is_available():
        raise MienError("torch finds no GPU to train on: choose cpu, or install a torch that is built for this GPU")
    if name == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    if number >= torch.cuda.device_count():
        gpus = counted(torch.cuda.device_count(), "GPU")
        raise MienError(f"{gpus} for {number + 1} processes or more: each needs one of its own, or --device cpu")
    return torch.device("cuda", number)


def describe_device(device: torch.device) -> str:
    """Where a network trains, in words."""
    numbers = "bfloat16" if halves(device) else "float32"
    if device.type == "cuda":
        return f"one GPU ({torch.cuda.get_device_name(device)}), {numbers}"
    return f"CPU, {counted(torch.get_num_threads(), 'thread')}, {numbers}"


def halves(device: torch.device) -> bool:
    """Whether to multiply in bfloat16 on a device."""
    return device.type == "cuda" or bfloat16_pays()


def bfloat16_pays() -> bool:
    """Whether this processor trains convolutions faster in bfloat16 than in float32; the same answer every time.

    With AMX it does, and on AMD's processors with AVX512-BF16 (Zen 4: 369 against 204 images/s measured with
    base.toml). On a processor of another maker that has AVX512-BF16 alone it was slower (125 against 186). Where torch
    makes no use of AVX-512, as it is told with `ATEN_CPU_CAPABILITY=avx2`, it does not, whatever the processor has.
    """
    if platform.machine() not in ("x86_64", "AMD64") or torch.backends.cpu.get_cpu_capability() != "AVX512":
        return False
    if torch.cpu._is_amx_tile_supported():
        return True
    return bool(torch.cpu._is_avx512_bf16_supported()) and _maker() == "AuthenticAMD"


def _maker() -> str:
    """The processor's maker as Linux tells it; empty elsewhere."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("vendor_id"):
                return line.split(":")[1].strip()
    return ""

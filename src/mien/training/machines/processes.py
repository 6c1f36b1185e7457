"""Processes that train one network together: each has its part of every batch, and all have the same weights.

Gradients are averaged by DistributedDataParallel (Li et al., "PyTorch Distributed", VLDB 2020): over gloo on
processors, over NCCL on GPUs. Batch normalisation sees the part of its process, as is usual; its running statistics are
averaged after every step. `torchrun` begins the processes, or `launch`; who began alone is one of one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from threading import Thread

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from mien.errors import MienError
from mien.training.machines.device import describe_device, find_device
from mien.training.machines.launch import MEETING, RANK_HERE, SIZE, end_with_launcher, launched, rank
from mien.wording import counted

PATIENCE = timedelta(hours=12)
"""How long one waits for the others, of which one may have slower disks: who has ended is told of sooner."""


class LostError(MienError):
    """Another process has ended."""


@dataclass(frozen=True)
class Processes:
    """All processes of a run, seen from one of them.

    Args:
        device: where this one trains.
        rank: its number, from 0; the first tells, and writes.
        size: how many there are.
    """

    device: torch.device
    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        return self.rank == 0

    def __str__(self) -> str:
        together = f"{self.size} processes, each on " if self.size > 1 else ""
        return together + describe_device(self.device)

    def check(self, images: int) -> None:
        """Raises `MienError`: so many at once leave a process a single image, which has no statistics."""
        if self.size > 1 and images < 2 * self.size:
            raise MienError(f"{counted(self.size, 'process', 'processes')} need two images each, at least, of {images}")

    def part(self, n: int) -> slice:
        """Which of n things in a row are this process's; the parts differ by one at most."""
        return slice(n * self.rank // self.size, n * (self.rank + 1) // self.size)

    def parallel(self, network: nn.Module) -> nn.Module:
        """A network that shares its gradients with the other processes'; all begin with the first one's weights."""
        if self.size == 1:
            return network
        return DistributedDataParallel(network)

    def average(self, *tensors: Tensor) -> None:
        """Put the mean over all processes in the place of floating tensors, of the same shapes in each."""
        if self.size > 1 and tensors:
            joined = torch.cat([tensor.detach().flatten() for tensor in tensors])
            dist.all_reduce(joined)
            means = (joined / self.size).split([tensor.numel() for tensor in tensors])
            for tensor, mean in zip(tensors, means, strict=True):
                tensor.detach().copy_(mean.view_as(tensor))

    def joined(self, part: Tensor) -> Tensor:
        """The parts of all processes, in their order, on the processor."""
        if self.size == 1:
            return part.cpu()
        parts: list[Tensor] = [part] * self.size
        dist.all_gather_object(parts, part.cpu())
        return torch.cat(parts)

    def agreed(self, value: int | None) -> int | None:
        """The first one's value, for all."""
        values = [value]
        if self.size > 1:
            dist.broadcast_object_list(values)
        return values[0]

    def meet(self) -> None:
        """Wait for all others to come here."""
        if self.size > 1:
            dist.barrier()


@contextmanager
def processes(device: str) -> Iterator[Processes]:
    """Join the others of this run, if there are any.

    Args:
        device: as for `find_device`; each process of a machine takes a GPU of its own.

    Raises:
        MienError: there is no such device, or there are fewer GPUs than processes.
        LostError: while they work together, another process has ended.
    """
    number = rank()
    if number is None:
        yield Processes(find_device(device))
        return
    place = find_device(device, int(os.environ.get(RANK_HERE, number)))
    if place.type == "cuda":
        torch.cuda.set_device(place)
    if launched():
        Thread(target=end_with_launcher, daemon=True).start()
    try:
        backend, size = "nccl" if place.type == "cuda" else "gloo", int(os.environ[SIZE])
        meeting = os.environ.get(MEETING, "env://")
        dist.init_process_group(backend, meeting, rank=number, world_size=size, timeout=PATIENCE)
        yield Processes(place, number, size)
        dist.destroy_process_group()
    except RuntimeError as error:  # gloo has no error of its own
        if isinstance(error, dist.DistError) or "gloo" in str(error).lower():
            raise LostError("another process of this run has ended: go on with --resume") from error
        raise

"""The crops of a split: held in memory, or read again in every epoch where they are too many for that.

Crops are (channels, size, size) uint8. What is read again is shuffled twice: the parts of files that are read together,
such as row groups, come in a random order; and of what has come, so many wait in a buffer from which the next one is
drawn. Both orders hang on the generator and on the buffer's size alone, not on who reads.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from mien.cores import ahead
from mien.datasets.base import Example
from mien.errors import DataError, ImageError
from mien.image import Pixels
from mien.intake import ImageSource

AHEAD, AT_ONCE = 2, 32  # threads that read while a batch is learned, and the images that one reads at once

Rows = NDArray[np.int64]


class Crops(ABC):
    """Crops by their rows, on a device.

    Args:
        device: where they come to.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def of(self, rows: Tensor) -> Tensor:
        """Those of some rows, (len(rows), channels, size, size)."""

    @abstractmethod
    def shuffled(
        self, generator: Generator, batch: int, steps: int, part: Callable[[int], slice]
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """An epoch's batches: of each all rows, and the crops of a part of them.

        Args:
            generator: decides the order; on the device.
            batch: rows in a batch; the last one may have fewer.
            steps: batches.
            part: of so many rows, those whose crops are wanted.
        """

    @abstractmethod
    def digest(self) -> hashlib._Hash:
        """The SHA-256 of all crops in their order."""


class Held(Crops):
    """Crops in memory.

    Args:
        pixels: (n, channels, size, size) uint8.
    """

    def __init__(self, pixels: Tensor) -> None:
        super().__init__(pixels.device)
        self.pixels = pixels

    def __len__(self) -> int:
        return len(self.pixels)

    def of(self, rows: Tensor) -> Tensor:
        return self.pixels[rows]

    def shuffled(
        self, generator: Generator, batch: int, steps: int, part: Callable[[int], slice]
    ) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.randperm(len(self), device=self.device, generator=generator)
        for step in range(steps):
            rows = order[step * batch : (step + 1) * batch]
            yield rows, self.pixels[rows[part(len(rows))]]

    def digest(self) -> hashlib._Hash:
        return hashlib.sha256(self.pixels.cpu().numpy().tobytes())


class Streamed(Crops):
    """Crops that are read when they are wanted.

    Args:
        examples: whose sources can be read.
        read: from a source to a crop (channels, size, size); by several threads.
        buffer: crops that wait at once, of all processes together.
        digest: see `Crops.digest`.
        device: where they come to.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        read: Callable[[ImageSource], Pixels],
        buffer: int,
        digest: hashlib._Hash,
        device: torch.device,
    ) -> None:
        super().__init__(device)
        self._examples, self._read, self._buffer, self._digest = examples, read, buffer, digest
        together = groupby(range(len(examples)), lambda row: getattr(examples[row].source, "together", row))
        self._chunks = np.cumsum([0] + [sum(1 for _ in rows) for _, rows in together])

    def __len__(self) -> int:
        return len(self._examples)

    def of(self, rows: Tensor) -> Tensor:
        return self._tensor([self._crop(row) for row in rows.tolist()])

    def shuffled(
        self, generator: Generator, batch: int, steps: int, part: Callable[[int], slice]
    ) -> Iterator[tuple[Tensor, Tensor]]:
        seed = int(torch.randint(2**62, (), device=self.device, generator=generator))
        coming, order = self._orders(np.random.default_rng(seed))
        batches = [order[step * batch : (step + 1) * batch] for step in range(steps)]
        ours = [rows[part(len(rows))] for rows in batches]
        wanted = np.zeros(len(self), bool)
        wanted[np.concatenate(ours)] = True
        read = self._reading(coming[wanted[coming]])
        waiting: dict[int, Pixels] = {}
        for rows, own in zip(batches, ours, strict=True):
            while not all(row in waiting for row in own):
                waiting |= next(read)
            yield torch.from_numpy(rows).to(self.device), self._tensor([waiting.pop(row) for row in own])

    def digest(self) -> hashlib._Hash:
        return self._digest.copy()

    def _orders(self, draws: np.random.Generator) -> tuple[Rows, Rows]:
        """The order in which rows are read, and that in which they leave the buffer."""
        chunks = [np.arange(*self._chunks[at : at + 2]) for at in draws.permutation(len(self._chunks) - 1)]
        coming = np.concatenate(chunks)
        waiting, leaving = coming[: self._buffer].tolist(), np.empty_like(coming)
        places = draws.integers(len(waiting), size=len(coming) - len(waiting))
        for at, (place, row) in enumerate(zip(places.tolist(), coming[self._buffer :].tolist(), strict=True)):
            leaving[at], waiting[place] = waiting[place], row
        leaving[len(places) :] = draws.permutation(waiting)
        return coming, leaving

    def _reading(self, rows: Rows) -> Iterator[dict[int, Pixels]]:
        """Crops by their rows, a few at once, read ahead."""
        few = (rows[at : at + AT_ONCE].tolist() for at in range(0, len(rows), AT_ONCE))
        return ahead(lambda several: {row: self._crop(row) for row in several}, few, AHEAD)

    def _crop(self, row: int) -> Pixels:
        example = self._examples[row]
        try:
            return self._read(example.source)
        except ImageError as error:
            raise DataError(f"{example.name} could be read when training began, and now cannot: {error}") from error

    def _tensor(self, crops: Sequence[Pixels]) -> Tensor:
        return torch.from_numpy(np.stack(crops)).to(self.device)

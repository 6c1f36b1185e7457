"""What a worker and its parent say to each other: a head in JSON and any number of pieces of bytes, through a pipe.

Nothing that comes from a worker is more than numbers, words and pixels: who breaks a decoder has not broken the parent.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Sequence
from typing import Any, BinaryIO, NamedTuple

LENGTH = struct.Struct(">I")
TOGETHER = 2**16  # bytes: copying so many takes less time than another call of the system


class Message(NamedTuple):
    """One message.

    Args:
        head: what JSON can say.
        pieces: bytes that go with it.
    """

    head: dict[str, Any]
    pieces: Sequence[bytes | bytearray] = ()

    def parts(self) -> Sequence[bytes | bytearray]:
        """As it goes through the pipe, one part after the other; small ones go together."""
        head = json.dumps([self.head, [len(piece) for piece in self.pieces]]).encode()
        parts = LENGTH.pack(len(head)) + head, *self.pieces
        return (b"".join(parts),) if sum(map(len, parts)) <= TOGETHER else parts


def read(stream: BinaryIO) -> Message | None:
    """The next message; None where the other side has gone."""

    def exactly(size: int) -> bytes:
        read = stream.read(size)
        if len(read) < size:
            raise EOFError
        return read

    try:
        head, sizes = json.loads(exactly(LENGTH.unpack(exactly(LENGTH.size))[0]))
        return Message(head, [exactly(size) for size in sizes])
    except EOFError:
        return None


def write(stream: BinaryIO, message: Message) -> None:
    """Say something, at once."""
    for part in message.parts():
        stream.write(part)
    stream.flush()


async def receive(stream: asyncio.StreamReader) -> Message:
    """The next message. Raises `asyncio.IncompleteReadError` where the other side has gone."""
    head, sizes = json.loads(await stream.readexactly(LENGTH.unpack(await stream.readexactly(LENGTH.size))[0]))
    return Message(head, [await stream.readexactly(size) for size in sizes])

"""A worker process as its parent sees it: started, asked, and killed where it takes too long."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Literal

from mien.intake import Limits
from mien.service.wire import Message, receive

if sys.platform == "linux":
    import fcntl

PROGRAM = (sys.executable, "-m", "mien.service.finder")
BUFFER = 2**20  # bytes read ahead of an answer
PIPE = 2**20  # bytes that a pipe takes, where the system lets it: most files at once, and none is copied first
ENDING_S = 1.0  # between a worker's last word and its end
KILLED, SPENT = -9, -24  # exit codes: of SIGKILL, and of SIGXCPU, for who has had all its time of the processor

Cause = Literal["late", "killed", "failed"]


class EndedError(Exception):
    """A worker has ended, while it was to do something."""


class Worker:
    """One process; see `begin` and `start`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.late = False
        self._process = process

    @classmethod
    async def begin(cls, limits: Limits, kept: int) -> Worker:
        """A worker that finds faces and is ready.

        Args:
            limits: how big an image may be.
            kept: bytes that it may keep for the next image.

        Raises:
            EndedError, OSError: as `start` does.
        """
        return await cls.start(PROGRAM, Message({"limits": asdict(limits), "kept": kept}))

    @classmethod
    async def start(cls, program: Sequence[str], first: Message) -> Worker:
        """A worker that is ready: it has answered.

        Args:
            program: what it runs.
            first: what it is told, beside who its parent is.

        Raises:
            EndedError: it has ended at once.
            OSError: there can be none.
        """
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*program, stdin=pipe, stdout=pipe, limit=BUFFER)
        worker = cls(process)
        worker._widen()
        try:
            await worker.ask(Message({"parent": os.getpid(), **first.head}, first.pieces))
        except BaseException:
            await worker.end()
            raise
        return worker

    async def ask(self, message: Message) -> Message:
        """What it answers. Raises `EndedError`."""
        await self.tell(message)
        return await self.hear()

    async def tell(self, message: Message) -> None:
        """Say something to it. Raises `EndedError`."""
        assert self._process.stdin is not None
        with self._alive():
            for part in message.parts():
                for start in range(0, len(part), PIPE):
                    self._process.stdin.write(memoryview(part)[start : start + PIPE])
                    await self._process.stdin.drain()

    async def hear(self) -> Message:
        """What it says next. Raises `EndedError`."""
        assert self._process.stdout is not None
        with self._alive():
            return await receive(self._process.stdout)

    @contextmanager
    def _alive(self) -> Iterator[None]:
        try:
            yield
        except (OSError, EOFError) as error:
            asyncio.get_running_loop().call_later(ENDING_S, self._kill)  # should it only have fallen silent
            raise EndedError from error

    def _widen(self) -> None:
        assert self._process.stdin is not None
        if sys.platform == "linux":
            with suppress(OSError):  # a system may give a user less
                fcntl.fcntl(self._process.stdin.get_extra_info("pipe"), fcntl.F_SETPIPE_SZ, PIPE)

    def kill(self) -> None:
        """End it, since it takes too long."""
        self.late = True
        self._kill()

    async def gone(self) -> Cause:
        """Why it has ended, once it has."""
        code = await self._process.wait()
        self._close()
        return "late" if self.late or code == SPENT else "killed" if code == KILLED else "failed"

    async def end(self) -> None:
        """End it, whatever it does, so that nothing of it is left."""
        self._kill()
        await self._process.wait()
        self._close()

    def _close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()

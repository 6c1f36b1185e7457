"""A worker process: images come in, their faces and crops go out, and no more memory is held than it is told.

A task's head has `crop`, the `size` and `colour` of crops, whether it is to be `pictured`, and the bytes that the image
may take: its `first` copy, and all the `room` there is; its piece is the file. The answer says what was found, its
pieces being the crops and what is shown; or how much more room the image takes (`room`); or why it cannot be read
(`error`).

It ends when its parent does, however that ends, and at no other's word.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from mien.crops import cut
from mien.detect import BlazeFace
from mien.errors import ImageError
from mien.intake import Limits
from mien.memory import CrowdedError, bounded, give_back, hold_at_most, keep_memory
from mien.picture import open_picture
from mien.preprocess import Preprocess
from mien.service.shown import Shown, show
from mien.service.wire import Message, read, write

BESIDE = 96_000_000  # bytes beside the image's own: its file, what networks hold, what the allocator keeps
NICENESS = 10  # workers give way to the process that answers, so that who is turned away hears it at once
DIES_WITH_PARENT = 1  # PR_SET_PDEATHSIG
SHORT = Message({"error": "not enough memory to read it: save it smaller"})


class Finder:
    """Finds faces in images, one after the other.

    Args:
        limits: how big an image may be.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._detector = BlazeFace()

    def __call__(self, task: Message) -> Message:
        """What is found in an image; where memory does not suffice it is given back, and tried once more."""
        answer = self._tried(task)
        if answer is SHORT:
            give_back()
            answer = self._tried(task)
        return answer

    def _tried(self, task: Message) -> Message:
        hold_at_most(task.head["first"], strict=True, pixels=task.head["first"])
        try:
            with bounded(0):
                return self._found(task.pieces[0], task.head)
        except CrowdedError as error:
            return Message({"room": error.amount})
        except ImageError as error:
            return SHORT if isinstance(error.__cause__, MemoryError) else Message({"error": str(error)})
        except MemoryError:
            return SHORT

    def _found(self, content: bytes | bytearray, head: dict[str, Any]) -> Message:
        picture = open_picture(content, self._limits, whole=head["crop"] == "whole")
        hold_at_most(head["room"], strict=True)
        found = cut(picture, head["crop"], self._detector, Preprocess(head["size"], head["colour"]), self._limits)
        if len(found.faces) > head["most"]:
            return Message({"error": f"{len(found.faces)} faces, over the limit of {head['most']}"})
        shown = show(picture, found.faces) if head["pictured"] else Shown()
        faces = [(face.box_xyxy, face.landmarks_xy, face.score) for face in found.faces]
        pieces = *(crop.tobytes() for crop in found.crops), shown.picture, *shown.crops
        return Message({"size": found.size, "faces": faces, "notes": found.notes}, pieces)


def main() -> None:
    """Work until there is no parent any more; what it says first are the limits."""
    inbox, outbox = _apart()
    first = read(inbox)
    if first is None:
        return
    _bind(first.head["parent"])
    keep_memory(first.head["kept"])
    finder = Finder(Limits(**first.head["limits"]))
    own = _data()
    write(outbox, Message({}))
    while (task := read(inbox)) is not None:
        _allow(own + BESIDE + task.head["room"])
        write(outbox, finder(task))


def _apart() -> tuple[BinaryIO, BinaryIO]:
    """The two ends of the pipe to the parent, where no library's message can get between."""
    inbox, outbox = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    return inbox, outbox


def _bind(parent: int) -> None:
    """End with the parent, and when it says so: not at a signal to all that run here."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(DIES_WITH_PARENT, signal.SIGKILL)
        if os.getppid() != parent:  # it was gone before
            sys.exit()


def _data() -> int:
    """Bytes of memory that are this process' own, as its limit counts them; 0 where nobody tells."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    return 0


def _allow(size: int) -> None:
    """From here on this process may have so much memory of its own; on Linux, which holds it to that."""
    if sys.platform == "linux":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (size if hard < 0 else min(size, hard), hard))


if __name__ == "__main__":
    main()

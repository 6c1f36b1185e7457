"""A worker process: images come in, their faces and crops go out, and no more memory is held than it is told.

A task's head has `crop`, or of a `camera` when its frame was taken and what is known of those before; the `size` and
`colour` of crops, whether it is to be `pictured`, and the bytes that the image may take: its `first` copy, and all the
`room` there is; its piece is the file. The answer says what was found, and of a camera what is `known` now, its pieces
being the crops and what is shown; or how much more room the image takes (`room`); or why it cannot be read
(`error`).
"""

from __future__ import annotations

from typing import Any

from mien.crops import cut, cut_out
from mien.detect import BlazeFace
from mien.errors import ImageError
from mien.following import Following
from mien.intake import Limits
from mien.memory import CrowdedError, bounded, give_back, hold_at_most, keep_memory
from mien.picture import open_picture
from mien.preprocess import Preprocess
from mien.service.confined import allow, begun, own_data
from mien.service.shown import Shown, show
from mien.service.wire import Message, read, write

BESIDE = 96_000_000  # bytes beside the image's own: its file, what networks hold, what the allocator keeps
NICENESS = 10  # workers give way to the process that answers, so that who is turned away hears it at once
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
        preprocess, known = Preprocess(head["size"], head["colour"]), None
        if head["camera"] is None:
            found = cut(picture, head["crop"], self._detector, preprocess, self._limits)
        else:
            time_s, before = head["camera"]
            following = Following(self._detector, before)
            found = cut_out(picture, following.newest(picture, time_s), preprocess)
            known = following.state
        if len(found.faces) > head["most"]:
            return Message({"error": f"{len(found.faces)} faces, over the limit of {head['most']}"})
        shown = show(picture, found.faces) if head["pictured"] else Shown()
        faces = [(face.box_xyxy, face.landmarks_xy, face.score) for face in found.faces]
        pieces = *(crop.tobytes() for crop in found.crops), shown.picture, *shown.crops
        return Message({"size": found.size, "faces": faces, "notes": found.notes, "known": known}, pieces)


def main() -> None:
    """Work until there is no parent any more; what it says first are the limits."""
    first, inbox, outbox = begun(NICENESS)
    keep_memory(first.head["kept"])
    finder = Finder(Limits(**first.head["limits"]))
    own = own_data()
    write(outbox, Message({}))
    while (task := read(inbox)) is not None:
        allow(own + BESIDE + task.head["room"])
        write(outbox, finder(task))


if __name__ == "__main__":
    main()

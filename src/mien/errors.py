"""The errors mien raises. Every one is a `MienError`; its message says what was expected, what came, and what to do."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

INTERRUPTED = 130
"""Exit code of what was stopped with Ctrl-C, as a shell gives it."""


def interrupted() -> NoReturn:
    """End a program that was stopped with Ctrl-C while it was being loaded."""
    print("interrupted", file=sys.stderr)
    sys.exit(INTERRUPTED)


class MienError(Exception):
    """Base of every error that mien raises on purpose."""


class ImageError(MienError):
    """An image could not be read: missing, empty, broken, over a limit, or of an unsupported kind."""


class RoomError(ImageError):
    """An image takes more memory than it may, at the size at which it was asked for."""


class VideoError(MienError):
    """A video could not be read, or not to its end.

    Attributes:
        time_s: when it broke; what is shown before can be read, in part or in whole. 0 where nothing can.
    """

    def __init__(self, reason: str, time_s: float = 0.0) -> None:
        self.time_s = time_s
        super().__init__(reason)


class SourceError(MienError, TypeError):
    """What was given as an image can be none, whatever it holds: the caller's mistake, and told as one."""


class LabelError(MienError, ValueError):
    """A label set, an emotion's name, or a projection that does not exist."""


class DataError(MienError):
    """A dataset whose layout or content is not what was expected."""


class DetectorError(MienError):
    """The weights of a network that finds faces, or what covers them, are missing or damaged."""


class FaultsError(MienError):
    """Several faults found together; the message lists every one.

    Attributes:
        faults: one sentence per fault.
    """

    def __init__(self, subject: str, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join([f"{subject}:", *(f"  - {fault}" for fault in faults)]))


class RecipeError(FaultsError):
    """A training recipe with unknown keys or impossible values."""


class ArtifactError(FaultsError):
    """A model folder that is incomplete, altered, too new, or disagrees with the network it came from."""

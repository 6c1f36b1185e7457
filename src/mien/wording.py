"""Words for messages: a count with its noun, and what an error says."""

from __future__ import annotations


def counted(count: int, noun: str, plural: str = "") -> str:
    """`"1 image"`, `"1,234 images"`; `plural` where it is not the noun and an s."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def reason(error: Exception) -> str:
    """What an error says; of the system's errors without their number: `"a.csv: No such file or directory"`."""
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    return error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"

"""Words for messages: a count with its noun, shares and scores as they are read, what an error says; files in pages."""

from __future__ import annotations

import base64
import re

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""What is no letter, but an order to whatever shows a text, a new line among them."""


def counted(count: int, noun: str, plural: str = "") -> str:
    """`"1 image"`, `"1,234 images"`; `plural` where it is not the noun and an s."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


NOTHING = 1e-9  # by which a share may be beside none or all for rounding


def percentage(share: float, digits: int = 1) -> str:
    """A share of 0..1 in words: `"72.1%"`. 0% and 100% are said of none and of all alone, not of `"<0.1%"` or
    `">99.9%"`."""
    text, least = f"{share:z.{digits}%}", 10.0**-digits
    if share > NOTHING and float(text[:-1]) == 0:
        return f"<{least:.{digits}f}%"
    if share < 1 - NOTHING and float(text[:-1]) == 100:
        return f">{100 - least:.{digits}f}%"
    return text


def decimals(score: float | None, digits: int = 3) -> str:
    """A score with its decimals, `"0.704"`, or `"-"` where there is nothing to score."""
    return "-" if score is None else f"{score:.{digits}f}"


def reason(error: Exception) -> str:
    """What an error says; of the system's errors without their number: `"a.csv: No such file or directory"`."""
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    return error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"


def data_uri(content: bytes, kind: str) -> str:
    """A file of a kind such as `image/png` as an address that holds it; nothing in it is to be escaped."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"

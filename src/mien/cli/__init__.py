"""The command line: one verb a file; each parses, calls the library, and shows what came back.

Exit codes: 0 all was read; 1 some source could not be read, and its row says why, or the reader of a pipe left early;
2 wrong usage, or what came cannot be written; 128 and the number of a signal where one ended it: 130 for Ctrl-C.
"""

from __future__ import annotations

import atexit
import errno
import gc
import os
import sys
from io import TextIOWrapper
from typing import NoReturn

from mien.cli.options import EXIT_SOME_UNREAD, shown
from mien.cli.stop import STOPS, listen
from mien.cli.verbs import app as verbs
from mien.errors import MienError
from mien.wording import reason

USAGE = 2


def main() -> None:
    """Run the command line; what mien raises on purpose, and what the disk refuses, ends as a sentence."""
    atexit.register(gc.freeze)  # else Python searches all that was loaded for garbage as it ends: an eighth of a run
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name) or nowhere  # Python has none where it is closed
            setattr(sys, name, stream)
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # file names that the terminal's encoding lacks
        listen()
        try:
            _run()
        except (MienError, OSError) as error:
            _end(error)


def _run() -> None:
    try:
        verbs(prog_name="mien")
    except ImportError as error:  # as which a library tells of a signal that came while it was loaded
        if isinstance(error.__cause__, STOPS):
            raise error.__cause__ from None
        raise
    finally:
        sys.stdout.flush()  # here, where it can be told of, and not when Python ends


def _end(error: MienError | OSError) -> NoReturn:
    """Tell an error, in a line for each of its own, and exit."""
    from mien.files import FULL

    if isinstance(error, OSError) and error.filename is None and error.errno in (errno.EPIPE, *FULL):
        error.filename = "standard output"  # a file's would have its name
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is left in its buffer
    if isinstance(error, BrokenPipeError):
        sys.exit(EXIT_SOME_UNREAD)
    told = "\n".join(map(shown, reason(error).splitlines()))
    print(f"error: {told}", file=sys.stderr)
    sys.exit(USAGE)

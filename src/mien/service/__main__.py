"""`python -m mien.service NAME...`: the service, its settings from the environment; `read_settings` has the names."""

from __future__ import annotations

import os
import sys

from mien.errors import MienError
from mien.service.server import serve
from mien.service.settings import read_settings


def main() -> None:
    try:
        serve(read_settings(os.environ, sys.argv[1:]))
    except MienError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()

"""`python -m mien.service`: the service, with its settings from the environment."""

from __future__ import annotations

import os
import sys

from mien.errors import MienError
from mien.service.server import serve
from mien.service.settings import read_settings


def main() -> None:
    try:
        serve(read_settings(os.environ))
    except MienError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()

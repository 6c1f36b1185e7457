"""`python -m mien.service NAME...`: the service, its settings from the environment; `read_settings` has the names."""

from __future__ import annotations

import os
import sys

from mien.errors import MienError, interrupted


def main() -> None:
    try:
        from mien.service.server import serve  # here, as it takes a second, in which Ctrl-C may come
        from mien.service.settings import read_settings

        serve(read_settings(os.environ, sys.argv[1:]))
    except MienError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:  # as long as it starts: then the server hears of it
        interrupted()


if __name__ == "__main__":
    main()

"""Starts the app: `python -m mien.app`. What `mien app` was told comes in the environment (see `settings`)."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stdout
from pathlib import Path

from mien.errors import interrupted
from mien.memory import keep_out_of_cores

FLAGS = (
    "--browser.gatherUsageStats=false",
    "--client.toolbarMode=minimal",
    "--client.showErrorDetails=none",
    "--server.fileWatcherType=none",
    "--server.showEmailPrompt=false",
    "--server.address=localhost",
    "--logger.hideWelcomeMessage=true",  # and what Streamlit offers to developers, which would lie over our pages
    "--theme.light.primaryColor=#1f5fa6",  # with colours for both, and no base, the system decides which
    "--theme.dark.primaryColor=#7db7f2",
)


def main() -> None:
    try:
        from starlette.formparsers import MultiPartParser  # here, as it takes a second, in which Ctrl-C may come
        from streamlit.web import cli

        from mien.app.settings import VIDEO_MB

        keep_out_of_cores()
        # Uploads stay in memory: 0 is without limit here, and the upload's own limit holds.
        MultiPartParser.spool_max_size = 0
        script = Path(__file__).with_name("script.py")
        limit = f"--server.maxUploadSize={VIDEO_MB}"
        sys.argv = ["streamlit", "run", str(script), *FLAGS, limit, *sys.argv[1:]]
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
            # With these flags Streamlit prints there only that it stops. Where nobody reads that, it would not.
            cli.main(prog_name="mien app")
    except KeyboardInterrupt:  # as long as it starts: then the server hears of it
        interrupted()


if __name__ == "__main__":
    main()

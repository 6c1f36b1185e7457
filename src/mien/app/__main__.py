"""Starts the app: `python -m mien.app`. What `mien app` was told comes in the environment (see `settings`)."""

from __future__ import annotations

import sys
from pathlib import Path

from starlette.formparsers import MultiPartParser
from streamlit.web.cli import main

from mien.app.settings import VIDEO_MB

FLAGS = (
    "--browser.gatherUsageStats=false",
    "--client.toolbarMode=minimal",
    "--client.showErrorDetails=none",
    "--server.fileWatcherType=none",
    "--server.showEmailPrompt=false",
    "--server.address=localhost",
    f"--server.maxUploadSize={VIDEO_MB}",
    "--theme.light.primaryColor=#1f5fa6",  # with colours for both, and no base, the system decides which
    "--theme.dark.primaryColor=#7db7f2",
)

if __name__ == "__main__":
    # Uploads stay in memory: 0 is without limit here, and the upload's own limit holds.
    MultiPartParser.spool_max_size = 0
    script = Path(__file__).with_name("script.py")
    sys.argv = ["streamlit", "run", str(script), *FLAGS, *sys.argv[1:]]
    main(prog_name="mien app")

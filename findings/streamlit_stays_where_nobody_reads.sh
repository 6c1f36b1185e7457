#!/usr/bin/env bash
# Subject:  Streamlit 1.67.0, `streamlit run` on SIGTERM, where the reader of its standard output has left
# Guess:    It ends, as it does otherwise; a word that nobody reads is lost at most.
# Happens:  It prints "Stopping..." before anything else. That raises BrokenPipeError in a callback of the event loop, which logs it,
#           and the server serves on; a second signal does the same. So it is with a process that started it and reads its first lines
#           only; Ctrl-C and `streamlit run app.py | head -3` take the same way (not shown here).
# Source:   https://github.com/streamlit/streamlit/pull/15949 (the stop as a callback); `Server.stop` in
#           streamlit/web/server/server.py
# Matters:  `mien app` could only be killed then, and held its port and the memory of its network. What Streamlit prints there is
#           thrown away now (src/mien/app/__main__.py).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check streamlit==1.67.0 || { echo "not checked: no package"; exit 2; }
cd "$work"
echo 'import streamlit; streamlit.text("a page")' > app.py
"$work/env/bin/python" - <<'PY'
import importlib.metadata
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

print("Streamlit", importlib.metadata.version("streamlit"))


def ended(reader_leaves):
    """Whether the app ends within ten seconds of SIGTERM, which it is sent twice."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    flags = [f"--server.port={port}", "--server.address=127.0.0.1", "--server.headless=true"]
    flags += ["--browser.gatherUsageStats=false", "--server.fileWatcherType=none"]
    command = [os.path.join(os.path.dirname(sys.executable), "streamlit"), "run", "app.py", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as app:
        try:
            for _ in range(600):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5)
                    break
                except OSError:
                    time.sleep(0.1)
            else:
                print("not checked: the app does not answer")
                sys.exit(2)
            if reader_leaves:
                app.stdout.close()
            for _ in range(2):
                app.send_signal(signal.SIGTERM)
                try:
                    app.wait(10)
                    return True
                except subprocess.TimeoutExpired:
                    pass
            return False
        finally:
            app.kill()


seen = {where: ended(leaves) for where, leaves in (("read", False), ("left", True))}
print("what it prints is read: it ends:", seen["read"])
print("the reader has left: it ends:", seen["left"])
sys.exit(0 if seen == {"read": True, "left": False} else 1)
PY

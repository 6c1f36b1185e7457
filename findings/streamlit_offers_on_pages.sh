#!/usr/bin/env bash
# Subject:  Streamlit 1.67.0, an app with `client.toolbarMode=minimal` on a machine where somebody writes code with an agent
# Guess:    Nothing of Streamlit's own lies on its pages: "minimal" is to "show only options set externally"; nor is anything
#           advertised where `browser.gatherUsageStats` is off.
# Happens:  Whoever opens the app on that machine, and has a folder such as ~/.cursor, is shown a notice, "Help agents write
#           better apps", with a button that writes files into the folder of the app's script. On a phone's width it covers the
#           links of the menu. The terminal has the same in words. `logger.hideWelcomeMessage` ends both, and the line with the
#           app's address with them; `server.headless` does, and then no browser is opened.
# Source:   https://docs.streamlit.io/develop/api-reference/configuration/config.toml (`toolbarMode`; of `hideWelcomeMessage` it
#           says "the startup message"); `nudge_suppression_reason` in streamlit/web/skills.py
# Matters:  People who read their photos were asked to install something for programmers, in English on German pages too. Tests
#           start apps headless, and in a home of their own: they never saw it. mien says itself where its app is
#           (src/mien/app/__main__.py: `FLAGS`; src/mien/cli/app.py).
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check streamlit==1.67.0 websockets==15.0.1 ||
  { echo "not checked: no package"; exit 2; }
mkdir -p "$work/home/.cursor" "$work/bin"
printf '#!/bin/sh\n' > "$work/bin/xdg-open"  # the browser that Streamlit opens
chmod +x "$work/bin/xdg-open"
cd "$work"
echo 'import streamlit; streamlit.text("a page")' > app.py
asked() {
  local port
  port=$("$work/env/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  HOME=$work/home BROWSER=true PATH="$work/bin:$PATH" "$work/env/bin/streamlit" run app.py --server.port="$port" \
    --server.address=127.0.0.1 --server.headless=false --server.showEmailPrompt=false --browser.gatherUsageStats=false \
    --client.toolbarMode=minimal "$@" >streamlit.log 2>&1 &
  "$work/env/bin/python" - "$port" <<'PY'
import sys
import time

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect


def opened():
    """A wire to the app, once it listens."""
    for _ in range(600):
        try:
            return connect(f"ws://127.0.0.1:{sys.argv[1]}/_stcore/stream", subprotocols=["streamlit"], max_size=None)
        except OSError:
            time.sleep(0.1)
    sys.exit("not checked: the app does not answer")


with opened() as wire:
    ask = BackMsg()
    ask.rerun_script.query_string = ""
    wire.send(ask.SerializeToString())
    while True:
        told = ForwardMsg.FromString(wire.recv(timeout=60))
        if told.WhichOneof("type") == "new_session":
            break
    print("notice on the page:", told.new_session.initialize.recommend_skills_install)
PY
  grep -q "Help agents write better Streamlit apps" streamlit.log && echo "notice in the terminal: True" || echo "notice in the terminal: False"
}
"$work/env/bin/python" -c 'import importlib.metadata as m; print("Streamlit", m.version("streamlit"))'
echo "as it is:"; asked | tee first
echo "with logger.hideWelcomeMessage:"; asked --logger.hideWelcomeMessage=true | tee second
if [ "$(cat first second | tr '\n' ' ')" = "notice on the page: True notice in the terminal: True notice on the page: False notice in the terminal: False " ]; then
  echo "as described"
else
  echo "changed: see above"
  exit 1
fi

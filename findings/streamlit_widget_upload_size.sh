#!/usr/bin/env bash
# Subject:  Streamlit 1.67.0, st.file_uploader(max_upload_size=) above server.maxUploadSize
# Guess:    A widget that takes 5 MB takes a file of 3 MB where the server's option says 1 MB: the widget's documentation says
#           that its limit overrides the option, and the page tells the user of 5 MB.
# Happens:  The server refuses the file with 413. The browser lets it pass, as the widget says; the server looks at the option
#           alone. Below the option both agree: a widget can lower the limit, not raise it.
# Source:   https://docs.streamlit.io/develop/api-reference/widgets/st.file_uploader ("will override the
#           server.maxUploadSize"); web/server/starlette/starlette_routes.py of Streamlit's sources, `_upload_put`.
# Matters:  Videos are larger than photos: mien's app sets the option to what a video may have, and lowers it for photos in
#           their widgets (src/mien/app/__main__.py).
set -euo pipefail
work=$(mktemp -d)
trap 'kill %1 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check streamlit==1.67.0 websockets==15.0.1 httpx==0.28.1 ||
  { echo "not checked: no package"; exit 2; }
cd "$work"
cat > app.py <<'PY'
import streamlit as st

st.file_uploader("a file", max_upload_size=5)
PY
port=$("$work/env/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
HOME=$work "$work/env/bin/streamlit" run app.py --server.port="$port" --server.address=127.0.0.1 --server.headless=true \
  --server.maxUploadSize=1 --server.enableXsrfProtection=false --browser.gatherUsageStats=false >streamlit.log 2>&1 &
"$work/env/bin/python" - "$port" <<'PY'
import sys
import time

import httpx
import streamlit
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

base = f"127.0.0.1:{sys.argv[1]}"
for _ in range(300):
    try:
        if httpx.get(f"http://{base}/_stcore/health").status_code == 200:
            break
    except httpx.TransportError:
        pass
    time.sleep(0.1)
print("Streamlit", streamlit.__version__)
with connect(f"ws://{base}/_stcore/stream", subprotocols=["streamlit"], max_size=None) as wire:
    message = BackMsg()
    message.rerun_script.SetInParent()
    wire.send(message.SerializeToString())
    session, told = "", 0
    while not (session and told):
        answer = ForwardMsg.FromString(wire.recv(timeout=60))
        kind = answer.WhichOneof("type")
        if kind == "new_session":
            session = answer.new_session.initialize.session_id
        elif kind == "delta" and answer.delta.new_element.WhichOneof("type") == "file_uploader":
            told = answer.delta.new_element.file_uploader.max_upload_size_mb
    print(f"the page is told: {told} MB")
    codes = {}
    for number, size in enumerate((500_000, 3_000_000)):
        place = f"http://{base}/_stcore/upload_file/{session}/file-{number}"
        codes[size] = httpx.put(place, files={"file": ("x.bin", b"x" * size)}).status_code
        print(f"a file of {size / 1e6:g} MB: {codes[size]}")
same = told == 5 and codes[500_000] == 204 and codes[3_000_000] == 413
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

#!/usr/bin/env bash
# Subject:  uvicorn 0.54.0 (httptools 0.9.0, websockets 17.4), a web socket asked for behind a request without an answer
# Guess:    On one connection answers come in the order of the requests: that of the first, then the 101; and the web socket
#           lives on.
# Happens:  The 101 comes first, and the other answer falls into the open web socket, before a frame of it. Then the clock of
#           a kept-alive connection that waits for its next request, which that answer has wound up, closes the web socket.
# Source:   https://www.rfc-editor.org/rfc/rfc9112#section-9.3.2 ("MUST send the corresponding responses in the same order");
#           protocols/http/httptools_impl.py of uvicorn's sources, `handle_websocket_upgrade`, `on_response_complete`.
# Matters:  mien's service, which is uvicorn, keeps such a request until what came before it has its answer
#           (src/mien/service/protocol.py).
set -euo pipefail
work=$(mktemp -d)
trap 'kill %1 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check uvicorn==0.54.0 httptools==0.9.0 websockets==17.4 ||
  { echo "not checked: no package"; exit 2; }
cd "$work"
cat > app.py <<'PY'
import asyncio


async def app(scope, receive, send):
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": "heard"})
    elif scope["type"] == "http":
        await asyncio.sleep(0.5)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"slow"})
PY
port=$("$work/env/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$work/env/bin/uvicorn" app:app --port "$port" --http httptools --ws websockets-sansio --timeout-keep-alive 2 \
  --ws-ping-interval 600 --lifespan off --log-level error &
"$work/env/bin/python" - "$port" <<'PY'
import base64
import socket
import sys
import time
from importlib.metadata import version

port = int(sys.argv[1])
get = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
upgrade = (
    b"GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: " + base64.b64encode(bytes(16)) + b"\r\n\r\n"
)


def came(requests):
    """What comes before the connection ends or is silent for 10 s; and whether it has ended."""
    received = b""
    for _ in range(300):
        try:
            wire = socket.create_connection(("127.0.0.1", port), 10)
            break
        except OSError:
            time.sleep(0.1)
    with wire:
        wire.sendall(requests)
        try:
            while chunk := wire.recv(65536):
                received += chunk
        except TimeoutError:
            return received, False
    return received, True


print("uvicorn", version("uvicorn"))
alone, ended_alone = came(upgrade)
both, ended = came(get + upgrade)
order = sorted((both.find(each), each.decode()) for each in (b"HTTP/1.1 200", b"HTTP/1.1 101"))
print("alone:", alone.split(b"\r\n")[0].decode(), "- ended" if ended_alone else "- open after 10 s")
print("behind a request:", ", then ".join(each for _, each in order), "- ended" if ended else "- open after 10 s")
same = not ended_alone and ended and [each[-3:] for _, each in order] == ["101", "200"] and order[0][0] == 0
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

#!/usr/bin/env bash
# Subject:  uvicorn 0.54.0 on httptools 0.9.0, which `uvicorn[standard]` and `fastapi[standard]` install: a request with a body
#           that offers HTTP/2 (`Connection: Upgrade`, `Upgrade: h2c`), as Java's HttpClient and `curl --http2` do with each one
# Guess:    A server that does not speak HTTP/2 passes the offer over, and the request is read as any other.
# Happens:  The application gets it without its body, and answers as if nothing had been sent. On h11 it gets the body.
# Source:   RFC 9110, 7.8 ("A server MAY ignore a received Upgrade header field if it wishes to continue using the current
#           protocol"); https://github.com/Kludex/uvicorn/issues/2722, open; https://github.com/MagicStack/httptools/issues/124
# Matters:  To a program in Java the service said that its photo was no image. It reads the body
#           (src/mien/service/protocol.py: `Parser`).
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check uvicorn==0.54.0 httptools==0.9.0 h11==0.16.0 ||
  { echo "not checked: no package"; exit 2; }
cd "$work"
cat > app.py <<'PY'
async def app(scope, receive, send):
    """Answers with how many bytes the body has."""
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    told = b"%d bytes" % size
    headers = [(b"connection", b"close"), (b"content-length", b"%d" % len(told))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": told})
PY
"$work/env/bin/python" - <<'PY'
import socket
import subprocess
import sys
import time
from importlib.metadata import version

OFFER = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAA\r\n"
WAYS = {"a length": ("Content-Length: 5\r\n", "photo"), "chunks": ("Transfer-Encoding: chunked\r\n", "5\r\nphoto\r\n0\r\n\r\n")}


def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def asked(at, offer, way):
    """What the application says of a request."""
    framing, body = WAYS[way]
    with socket.create_connection(("127.0.0.1", at), 30) as wire:
        wire.sendall(f"POST / HTTP/1.1\r\nHost: a\r\n{offer}{framing}\r\n{body}".encode())
        answer = b""
        while part := wire.recv(65536):
            answer += part
    return answer.rpartition(b"\r\n\r\n")[2].decode()


def begun(http):
    """A server, and where it listens."""
    at = port()
    command = [sys.executable, "-m", "uvicorn", "app:app", "--http", http, "--port", str(at), "--lifespan", "off"]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", at)).close()
            return server, at
        except OSError:
            time.sleep(0.1)
    print("not checked: the server does not answer")
    sys.exit(2)


print("uvicorn", version("uvicorn"), "httptools", version("httptools"), "- a POST of 5 bytes")
same = True
for http in ("h11", "httptools"):
    server, at = begun(http)
    try:
        for offer in ("", OFFER):
            for way in WAYS:
                told = asked(at, offer, way)
                lost = bool(offer) and http == "httptools"
                same &= told == ("0 bytes" if lost else "5 bytes")
                print(f"{http:9} {'offers HTTP/2' if offer else 'as usual':13} by {way:8} -> {told}")
    finally:
        server.terminate()
        server.wait()
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

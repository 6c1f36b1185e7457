#!/usr/bin/env bash
# Subject:  PyArrow 26.0.1, S3FileSystem and a store that says once that it is busy
# Guess:    A GET that is answered with 503 is sent again, as the retry strategy says, whatever the answer's body.
# Happens:  It is, if the body of the 503 is no longer than the object that was asked for. If it is longer by a few bytes, the read
#           fails at once with "Failed to flush response stream": the error's text is written into the buffer that was made for the
#           object, does not fit, and what comes of that counts as no matter to try again.
# Source:   https://github.com/apache/doris/pull/61636 tells of the same in the AWS SDK for C++, which PyArrow holds: a stream that
#           cannot be flushed is an INTERNAL_FAILURE, and those are not sent again.
# Matters:  An S3 error is some 300 bytes of XML; small objects are smaller (manifests, the ends of parquet files that are read by
#           themselves). In `mien batch` the part that met one is done again (src/mien/batch/workers.py: `TRIES`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check pyarrow==26.0.1 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pyarrow
from pyarrow.fs import S3FileSystem

OBJECT = b"x" * 70
BUSY = b"<Error><Code>SlowDown</Code></Error>"


class Store(BaseHTTPRequestHandler):
    """A store with one object, which is busy at the first GET."""

    protocol_version = "HTTP/1.1"
    gets, busy = 0, b""

    def do_HEAD(self):
        self.answer(200, OBJECT, body=False)

    def do_GET(self):
        Store.gets += 1
        if Store.gets == 1:
            self.answer(503, Store.busy)
        else:
            self.answer(206, OBJECT)

    def answer(self, status, content, body=True):
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        if status == 206:
            self.send_header("Content-Range", f"bytes 0-{len(content) - 1}/{len(content)}")
        self.send_header("ETag", '"1"')
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Store)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("PyArrow", pyarrow.__version__)
seen = []
for size in (60, 70, 71, 300):
    Store.gets, Store.busy = 0, BUSY.ljust(size)
    store = S3FileSystem(
        access_key="a", secret_key="b", region="us-east-1", scheme="http", endpoint_override=f"127.0.0.1:{server.server_port}"
    )
    try:
        with store.open_input_file("bucket/key") as file:
            told = f"{len(file.read())} bytes read"
    except OSError as error:
        told = "error: Failed to flush response stream" if "flush response stream" in str(error) else f"error: {error}"
    print(f"503 with {size} bytes, object of {len(OBJECT)}: {told}, {Store.gets} GETs")
    seen.append((told, Store.gets))
read, failed = ("70 bytes read", 2), ("error: Failed to flush response stream", 1)
sys.exit(seen != [read, read, failed, failed])
PY

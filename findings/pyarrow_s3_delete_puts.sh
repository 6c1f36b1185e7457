#!/usr/bin/env bash
# Subject:  PyArrow 26.0.1, `S3FileSystem.delete_file`
# Guess:    It takes one object away, and asks for the right to do that.
# Happens:  It then puts an empty object in the place of the folder, "rows/", though other objects lie there, and though nobody had
#           made the folder. Where the key may delete and not write, the object is gone all the same, and an error says that it was denied.
# Source:   https://github.com/apache/arrow/issues/36275, open: "Add option to not create parent directory with S3 `delete_file`".
#           https://arrow.apache.org/docs/python/generated/pyarrow.fs.S3FileSystem.html has no word on it.
# Matters:  Empty objects that nobody wrote lie among the rows, and tools that list a bucket count and copy them. mien deletes only
#           what marks a folder as its own while it works: an empty `claims/` is left (src/mien/batch/stores.py: `remove`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check pyarrow==26.0.1 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pyarrow
from pyarrow.fs import S3FileSystem

os.environ["AWS_REQUEST_CHECKSUM_CALCULATION"] = "when_required"  # so that the store below is simple


class Store(BaseHTTPRequestHandler):
    """A store with two objects; it takes more where that is allowed."""

    protocol_version = "HTTP/1.1"
    objects, asked, writable = {}, [], True

    def do_HEAD(self):
        self.answer(200 if self.path in Store.objects else 404)

    def do_PUT(self):
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if Store.writable:
            Store.objects[self.path] = content
        self.answer(200 if Store.writable else 403)

    def do_DELETE(self):
        Store.objects.pop(self.path, None)
        self.answer(204)

    def answer(self, status):
        Store.asked.append(f"{self.command} {self.path}")
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.send_header("ETag", '"1"')
        self.end_headers()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Store)
threading.Thread(target=server.serve_forever, daemon=True).start()
store = S3FileSystem(
    access_key="a", secret_key="b", region="us-east-1", scheme="http", endpoint_override=f"127.0.0.1:{server.server_port}"
)
print("PyArrow", pyarrow.__version__)
seen = []
for Store.writable in (True, False):
    Store.objects, Store.asked = {"/bucket/rows/0.parquet": b"0", "/bucket/rows/1.parquet": b"1"}, []
    try:
        store.delete_file("bucket/rows/0.parquet")
        told = "nothing raised"
    except OSError as error:
        told = "it raises " + ("ACCESS_DENIED" if "ACCESS_DENIED" in str(error) else str(error))
    seen.append((told, sorted(Store.objects)))
    print(f"a key that may write: {Store.writable}; asked for: {', '.join(Store.asked)}")
    print(f"  {told}, and the store has {', '.join(sorted(Store.objects))}")
left = "/bucket/rows/1.parquet"
same = seen == [("nothing raised", ["/bucket/rows/", left]), ("it raises ACCESS_DENIED", [left])]
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

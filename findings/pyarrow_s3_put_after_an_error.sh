#!/usr/bin/env bash
# Subject:  PyArrow 26.0.1, an error within `with pq.ParquetWriter(...)` and `with S3FileSystem.open_output_stream(...)`
# Guess:    What was not finished is no file: the upload is given up, since an object appears whole or not at all; and the table
#           of which half was written has no footer, so that nobody can take it for whole.
# Happens:  Leaving the `with` by an error finishes both. The object is put, in place of any that was there, and as a Parquet file
#           it is sound: it has the rows that were written until then, and nothing says that there should be more.
# Source:   https://github.com/apache/arrow/issues/40502, open: "Provide a way to close a NativeFile without writing the contents";
#           https://github.com/apache/arrow/issues/40800 asks how errors are handled, and expects a corrupt file.
# Matters:  Whoever reads the folder counts too few faces. mien makes a part in memory and puts it in one go, without a `with`
#           (src/mien/batch/stores.py: `put`); on a disk it is renamed when it is whole (src/mien/keeping.py: `write_rows`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check pyarrow==26.0.1 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import io
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.fs import S3FileSystem

os.environ["AWS_REQUEST_CHECKSUM_CALCULATION"] = "when_required"  # so that the store below is simple


class Store(BaseHTTPRequestHandler):
    """A store that takes objects in parts, of which one is enough here."""

    protocol_version = "HTTP/1.1"
    parts, objects = {}, {}

    def do_HEAD(self):
        self.answer(404)

    def do_PUT(self):
        Store.parts[self.name()] = self.content()
        self.answer(200)

    def do_POST(self):
        self.content()
        if self.path.endswith("?uploads"):
            self.answer(200, b"<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>")
        else:
            Store.objects[self.name()] = Store.parts[self.name()]
            self.answer(200, b"<CompleteMultipartUploadResult></CompleteMultipartUploadResult>")

    def name(self):
        return self.path.rpartition("/")[2].partition("?")[0]

    def content(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status, content=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", '"1"')
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Store)
threading.Thread(target=server.serve_forever, daemon=True).start()
store = S3FileSystem(
    access_key="a", secret_key="b", region="us-east-1", scheme="http", endpoint_override=f"127.0.0.1:{server.server_port}"
)
print("PyArrow", pa.__version__)
faces = pa.table({"face": range(1000)})
try:
    with pq.ParquetWriter("bucket/faces.parquet", faces.schema, filesystem=store) as writer:
        writer.write_table(faces.slice(0, 300))
        raise RuntimeError("the other images cannot be read")
except RuntimeError as error:
    print("raised within ParquetWriter:", error)
try:
    with store.open_output_stream("bucket/faces.csv") as stream:
        stream.write(b"face\n0\n1\n")
        raise RuntimeError("the other images cannot be read")
except RuntimeError as error:
    print("raised within open_output_stream:", error)
put = Store.objects
rows = pq.read_table(io.BytesIO(put["faces.parquet"])).num_rows if "faces.parquet" in put else None
print("the store has", sorted(put), "- rows in the Parquet file:", rows, "- in the other:", put.get("faces.csv"))
same = rows == 300 and put.get("faces.csv") == b"face\n0\n1\n"
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

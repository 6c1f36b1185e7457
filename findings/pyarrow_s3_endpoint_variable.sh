#!/usr/bin/env bash
# Subject:  PyArrow 26.0.1, the environment variable AWS_ENDPOINT_URL
# Guess:    It holds for every S3 file system that names no endpoint of its own, as in boto3 and the AWS command line.
# Happens:  FileSystem.from_uri("s3://...") heeds it, S3FileSystem() does not: the same read goes to a store of one's own by the one,
#           and to Amazon by the other.
# Source:   https://github.com/apache/arrow/issues/49643, open; the variable came with
#           https://github.com/apache/arrow/pull/36791, in the function that reads addresses.
# Matters:  Credentials and names of buckets go to a stranger where a store of one's own was meant. mien opens every store by its
#           address (src/mien/batch/stores.py).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check pyarrow==26.0.1 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import os
import sys

os.environ.update(AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b")
import pyarrow
from pyarrow.fs import FileSystem, S3FileSystem


def endpoint(store):
    """What the file system would ask, without asking."""
    _, (options,) = store.__reduce__()
    return options["endpoint_override"] or "Amazon's own"


print("PyArrow", pyarrow.__version__, "with AWS_ENDPOINT_URL", os.environ["AWS_ENDPOINT_URL"])
by_address, _ = FileSystem.from_uri("s3://bucket/key")
by_name = S3FileSystem(region="us-east-1")
print("FileSystem.from_uri:", endpoint(by_address))
print("S3FileSystem():     ", endpoint(by_name))
sys.exit((endpoint(by_address), endpoint(by_name)) != ("http://127.0.0.1:9", "Amazon's own"))
PY

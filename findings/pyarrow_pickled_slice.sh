#!/usr/bin/env bash
# Subject:  PyArrow 26.0.1, a pickled part of a table
# Guess:    `table.slice(0, 1)` of a million rows pickles to the bytes of a row, as Arrow's own format (IPC) writes it.
# Happens:  It pickles to the bytes of the whole table; so does a record batch, and an array. `take` copies, and pickles small.
# Source:   https://github.com/apache/arrow/issues/26685 (open since 2020), https://github.com/ray-project/ray/issues/29814
# Matters:  Parts of a list go to worker processes, and on a cluster to other machines, as copies (src/mien/batch/inputs.py). What came
#           along with photos of two faces was in pieces, and a thousand of them pickled to 112 MB: now it is in one
#           (src/mien/batch/table.py: `_taken`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check pyarrow==26.0.1 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import pickle
import sys

import pyarrow as pa

print("PyArrow", pa.__version__)
table = pa.table({"path": [f"folder/{number:07}.jpg" for number in range(100_000)]})


def as_arrow(part):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, part.schema) as writer:
        writer.write(part)
    return sink.getvalue().size


whole = len(pickle.dumps(table))
sizes = {
    "a table's slice": len(pickle.dumps(table.slice(0, 1))),
    "a batch's slice": len(pickle.dumps(table.to_batches()[0].slice(0, 1))),
    "an array's slice": len(pickle.dumps(table["path"].chunk(0).slice(0, 1))),
    "a row taken": len(pickle.dumps(table.take([0]))),
    "a table's slice, as Arrow": as_arrow(table.slice(0, 1)),
}
print(f"{len(table):,} rows pickle to {whole:,} bytes, and one of them:")
for what, size in sizes.items():
    print(f"  {what}: {size:,}")
same = all((size > 0.9 * whole) == ("'s slice" in what and "as Arrow" not in what) for what, size in sizes.items())
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

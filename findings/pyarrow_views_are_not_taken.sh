#!/usr/bin/env bash
# Subject:  PyArrow 26.0.1, `take` and `filter` of columns of string_view and binary_view
# Guess:    They work as on string and large_string: the values are the same, and `pyarrow.table` of a Polars 2.1 frame has such columns.
# Happens:  ArrowNotImplementedError, "Function 'array_take' has no kernel matching input types (string_view, int64)"; `slice` works.
# Source:   https://arrow.apache.org/docs/status.html (types, C++); https://arrow.apache.org/docs/python/generated/pyarrow.compute.take.html
# Matters:  Whoever carries a table's own columns along loses all rows to one such column. mien cuts rows out in slices
#           (src/mien/batch/table.py).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check pyarrow==26.0.1 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import sys

import pyarrow as pa

print("PyArrow", pa.__version__)
same = True
for kind, works in ((pa.string(), True), (pa.large_string(), True), (pa.string_view(), False), (pa.binary_view(), False)):
    column = pa.array([b"a", b"b"] if kind == pa.binary_view() else ["a", "b"], kind)
    told = {}
    for name, cut in (
        ("take", lambda: column.take(pa.array([1]))),
        ("filter", lambda: column.filter(pa.array([False, True]))),
        ("slice", lambda: column.slice(1)),
    ):
        try:
            told[name] = cut().to_pylist()
        except pa.ArrowNotImplementedError:
            told[name] = "not implemented"
    print(f"{kind}: {told}")
    same &= all((value != "not implemented") == (works or name == "slice") for name, value in told.items())
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

#!/usr/bin/env bash
# Subject:  PyArrow 26.0.1, Python floats for a column of whole numbers: `pa.array`, `pa.scalar`, `Table.from_pylist`
# Guess:    2.7 for an int64 raises ArrowInvalid, as it does from NumPy and by cast(): `safe=True` is the default, and documented
#           as "check for overflows or other unsafe conversions".
# Happens:  It becomes 2, in silence, in lists and rows of Python's own values, nested ones too; so does a Decimal. The same numbers
#           as a NumPy array raise. It is not that nothing is checked there: NaN and 256 for a uint8 raise, and whole numbers
#           for floats that cannot hold them.
# Source:   https://arrow.apache.org/docs/python/generated/pyarrow.array.html; https://github.com/apache/arrow/issues/35584, closed,
#           and https://github.com/apache/arrow/issues/36202, open: this way from Python leaves `safe` unread.
# Matters:  Rows become tables by from_pylist: a time or a share would lose all behind its point. Only what counts is of int32
#           in mien, and every column that is not named is of float64 (src/mien/tables.py: `KINDS`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check pyarrow==26.0.1 numpy==2.4.6 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import sys
from decimal import Decimal

import numpy as np
import pyarrow as pa

WHOLE = pa.int64()
RAISES = "raises"


def outcome(make):
    try:
        return make()
    except pa.ArrowInvalid:
        return RAISES


print("PyArrow", pa.__version__, "- 2.7 as int64")
schema = pa.schema([("number", WHOLE)])
cases = (
    # how, what was found, it
    ("array of a list", [2], lambda: pa.array([2.7], WHOLE, safe=True).to_pylist()),
    ("scalar", 2, lambda: pa.scalar(2.7, WHOLE).as_py()),
    ("rows", [{"number": 2}], lambda: pa.Table.from_pylist([{"number": 2.7}], schema).to_pylist()),
    ("list in a list", [[2]], lambda: pa.array([[2.7]], pa.list_(WHOLE)).to_pylist()),
    ("Decimal", [2], lambda: pa.array([Decimal("2.7")], WHOLE).to_pylist()),
    ("array of NumPy's", RAISES, lambda: pa.array(np.array([2.7]), WHOLE).to_pylist()),
    ("cast", RAISES, lambda: pa.array([2.7]).cast(WHOLE).to_pylist()),
    ("NaN in a list", RAISES, lambda: pa.array([float("nan")], WHOLE).to_pylist()),
    ("256.0 as uint8", RAISES, lambda: pa.array([256.0], pa.uint8()).to_pylist()),
    ("2**24 + 1 as float32", RAISES, lambda: pa.array([2**24 + 1], pa.float32()).to_pylist()),
)
same = True
for how, found, make in cases:
    seen = outcome(make)
    same &= seen == found
    print(f"{how:21} {seen}")
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

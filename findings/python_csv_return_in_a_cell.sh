#!/usr/bin/env bash
# Subject:  Python up to 3.11.8 and 3.12.2, `csv.writer(lineterminator="\n")`, and a carriage return in a cell
# Guess:    A cell that holds an end of a line is quoted, be it "\n", "\r\n" or "\r", whatever ends the rows.
# Happens:  A lone "\r" is quoted only where the ends of rows have one, as they do by default. With "\n" it stands bare and parts
#           its row in two: for `csv.reader` and for pandas. PyArrow refuses the file.
# Source:   https://github.com/python/cpython/pull/115741 (in 3.11.9, 3.12.3 and 3.13);
#           https://github.com/pandas-dev/pandas/issues/10018
# Matters:  Names of files may hold one, and mien wrote such rows. Now it lets Python end them as it does by default, and cuts that
#           to "\n" behind it (src/mien/cells.py: `_Lines`).
set -euo pipefail
old='import sys; sys.exit(not ((3, 11) <= sys.version_info < (3, 11, 9) or (3, 12) <= sys.version_info < (3, 12, 3)))'
python3 -c "$old" || { echo "not checked: $(python3 --version) quotes it"; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check pandas==3.1.1 pyarrow==26.0.1 numpy==2.4.6 ||
    { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import csv
import io
import platform
import sys

import pandas as pd
import pyarrow as pa
import pyarrow.csv

ROWS = [["image", "faces"], ["a\rb.jpg", "2"]]


def arrow(text):
    try:
        table = pa.csv.read_csv(io.BytesIO(text.encode()), parse_options=pa.csv.ParseOptions(newlines_in_values=True))
    except pa.ArrowInvalid as error:
        return str(error)
    return len(table)


print("Python", platform.python_version())
same = True
for end in ("\r\n", "\n"):
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator=end).writerows(ROWS)
    text = stream.getvalue()
    back = list(csv.reader(io.StringIO(text, newline="")))
    pandas, taken = len(pd.read_csv(io.BytesIO(text.encode()))), arrow(text)
    print(f"rows that end with {end!r}: {text!r}, read back as {back}; rows for pandas: {pandas}; PyArrow: {taken}")
    whole = (back, pandas, taken) == (ROWS, 1, 1)
    same &= whole if end == "\r\n" else back == [ROWS[0], ["a"], ["b.jpg", "2"]] and pandas == 2 and taken != 1
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

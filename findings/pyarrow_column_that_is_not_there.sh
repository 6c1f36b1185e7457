#!/usr/bin/env bash
# Subject:  PyArrow 26.0.1, `columns=` of `ParquetFile.read`, `read_row_group` and `iter_batches`
# Guess:    A column that the file lacks, such as a name that is mistyped, raises, as in `pyarrow.parquet.read_table`.
# Happens:  It is left out in silence: what comes has the columns that are there. If none is there, as many empty rows come.
# Source:   https://arrow.apache.org/docs/python/generated/pyarrow.parquet.ParquetFile.html says nothing of it. Another library
#           fell for it: https://github.com/aws/aws-sdk-pandas/issues/1315.
# Matters:  A dataset without labels would be read as one whose labels are all missing. mien looks at the names first and says
#           which are missing (src/mien/datasets/fer2013.py: `read_parquet`; src/mien/batch/inputs.py: `_tables`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check pyarrow==26.0.1 || { echo "not checked: no package"; exit 2; }
cd "$work"
"$work/env/bin/python" - <<'PY'
import sys

import pyarrow as pa
import pyarrow.parquet as pq

print("PyArrow", pa.__version__, "- a file of 3 rows with the columns emotion and usage")
pq.write_table(pa.table({"emotion": [0, 1, 2], "usage": ["a", "b", "c"]}), "a.parquet")
file = pq.ParquetFile("a.parquet")
ways = {
    "read": lambda names: file.read(columns=names),
    "read_row_group": lambda names: file.read_row_group(0, columns=names),
    "iter_batches": lambda names: next(file.iter_batches(columns=names)),
}
same = True
for names, found in ((["emotion", "usage"], ["emotion", "usage"]), (["emotions", "usage"], ["usage"]), (["emotions"], [])):
    for way, read in ways.items():
        seen = read(names)
        same &= seen.schema.names == found and seen.num_rows == 3
        print(f"{way:15} {str(names):23} -> {seen.schema.names}, {seen.num_rows} rows")
    try:
        told = str(pq.read_table("a.parquet", columns=names).column_names)
        same &= told == str(names)
    except pa.ArrowInvalid as error:
        told = f"raises: {str(error).splitlines()[0]}"
        same &= "emotions" in names
    print(f"{'read_table':15} {str(names):23} -> {told}")
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

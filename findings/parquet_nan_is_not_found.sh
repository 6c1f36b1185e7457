#!/usr/bin/env bash
# Subject:  DuckDB 2.0.1 and PyArrow 26.0.1, a Parquet file that PyArrow wrote, in which a number is NaN
# Guess:    A question has the same answer of the file and of the table that was written; `isnan` finds the NaN.
# Happens:  In DuckDB, where a NaN is above all numbers, `isnan(share)` and `share > 0.9` find none of the file, `share < 0.9` finds the
#           NaN as well, and `max(share)` is a number: of the same table in memory, of the file that DuckDB writes and of one without
#           statistics all are right. PyArrow's own `filters` lose the NaN of `~(share <= 0.9)`, and where all other numbers of a
#           group of rows are alike that of `share != 0.5` and `is_nan` too. Nothing is said.
# Source:   https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift (statistics leave NaN out, and "when
#           looking for NaN values, min and max should be ignored"); https://github.com/duckdb/duckdb/issues/25521, open, and
#           https://github.com/duckdb/duckdb/pull/16962, which was to end it. Of PyArrow no report was found.
# Matters:  Who looks for rows without a number that way sees none. In mien's rows such a number is null, never NaN
#           (src/mien/tables.py).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check duckdb==2.0.1 pyarrow==26.0.1 || { echo "not checked: no package"; exit 2; }
cd "$work"
env/bin/python - <<'PY'
import sys

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

print("DuckDB", duckdb.__version__, "PyArrow", pa.__version__)
given = pa.table({"name": ["a", "b", "c"], "share": [0.5, 0.8, float("nan")]})
alike = given.filter(ds.field("name") != "b")
pq.write_table(given, "arrow.parquet")
pq.write_table(given, "plain.parquet", write_statistics=False)
pq.write_table(alike, "alike.parquet")
duckdb.sql("COPY given TO 'duckdb.parquet'")
same = True


def told(what, right, found, expected):
    """Print it, and keep whether it is as described."""
    global same
    same &= (right, found) == expected
    print(f"{what:32} of the table {right}, of PyArrow's file {found or 'nothing'}")


def asked(question, source):
    """What DuckDB answers, as a text where it is one value."""
    values = [value for (value,) in duckdb.sql(question.format(source)).fetchall()]
    return "".join(values) if "name" in question else str(values[0])


print("DuckDB:")
for question, expected in {
    "SELECT name FROM {} WHERE isnan(share)": ("c", ""),
    "SELECT name FROM {} WHERE share > 0.9": ("c", ""),
    "SELECT name FROM {} WHERE share < 0.9": ("ab", "abc"),
    "SELECT max(share) FROM {}": ("nan", "0.8"),
}.items():
    right, *others = (asked(question, source) for source in ("given", "'duckdb.parquet'", "'plain.parquet'"))
    same &= others == [right, right]
    told(question.removeprefix("SELECT ").replace("FROM {} ", "").replace(" FROM {}", ""), right, asked(question, "'arrow.parquet'"), expected)
print("PyArrow:")
share = ds.field("share")
for name, data, question, expected in (
    ("arrow", given, share.is_nan(), ("c", "c")),
    ("arrow", given, ~(share <= 0.9), ("c", "")),
    ("alike", alike, share.is_nan(), ("c", "")),
    ("alike", alike, share != 0.5, ("c", "")),
):
    right, found = ("".join(each["name"].to_pylist()) for each in (data.filter(question), pq.read_table(f"{name}.parquet", filters=question)))
    told(f"{question} in {data['share'].to_pylist()}", right, found, expected)
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

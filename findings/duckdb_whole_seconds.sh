#!/usr/bin/env bash
# Subject:  DuckDB 2.0.1, `time_s // 1` and `time_s::int` of times with fractions
# Guess:    `//` is as in Python and Polars, from which DuckDB took it: 0.96 // 1 is 0, and rows are grouped by seconds. `::int` cuts off
#           the fraction, as it does in Python, NumPy and Polars.
# Happens:  `//` is `/` where either number has a fraction, or may have one: each row is a group of its own. `::int` rounds: the first
#           second holds half a second of rows, and rows of 1.52 s are in the third. `floor(time_s)` is right.
# Source:   https://duckdb.org/docs/current/sql/functions/numeric ("equivalent when at least one of the operands is a FLOAT or a
#           DOUBLE"); https://github.com/duckdb/duckdb/pull/7082 ("to mimic that of Python")
# Matters:  To sum up a face second by second is the first question to the rows of a video. docs/video.md asks by `floor`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check duckdb==2.0.1 polars==2.1.0 pyarrow==26.0.1 ||
  { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import sys

import duckdb
import polars as pl
import pyarrow as pa

print("DuckDB", duckdb.__version__, "- 4 s of 25 frames each")
rows = pa.table({"time_s": [number / 25 for number in range(100)]})


def groups(second):
    """How many rows each has."""
    return [count for _, count in duckdb.sql(f"SELECT {second} AS second, count(*) FROM rows GROUP BY 1 ORDER BY 1").fetchall()]


EACH = [25] * 4
in_python = [int(time_s // 1) for time_s in rows["time_s"].to_pylist()]
cases = {
    "Python, time_s // 1": ([in_python.count(second) for second in range(4)], EACH),
    "Polars, time_s // 1": (pl.DataFrame(rows).group_by(pl.col("time_s") // 1).len()["len"].to_list(), EACH),
    "DuckDB, floor(time_s)": (groups("floor(time_s)"), EACH),
    "DuckDB, time_s // 1": (groups("time_s // 1"), [1] * 100),
    "DuckDB, time_s::int": (groups("time_s::int"), [13, 25, 25, 25, 12]),
}
for what, (found, _) in cases.items():
    print(f"{what:21} -> {len(found)} groups, of {', '.join(map(str, found[:6]))}{' ...' if found[6:] else ''} rows")
same = all(found == described for found, described in cases.values())
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

#!/usr/bin/env bash
# Subject:  DuckDB 2.0.1, a parquet, CSV or JSON file below a folder whose name has a `=` in it
# Guess:    A file that is named is read as it is. Folders such as `day=1` become columns where a tree of them is read; what the
#           file itself has stays, or the clash is told, as PyArrow tells it.
# Happens:  Any folder on the way to it counts, also of one file by its absolute path. Where the file has a column of that name,
#           its values are gone: each row has the folder's word. Polars and pandas read the file as it is.
# Source:   https://duckdb.org/docs/current/data/partitioning/hive_partitioning (auto-detection);
#           https://github.com/duckdb/duckdb/pull/5901 ("we only use the reader from the path"); asked about in
#           https://github.com/duckdb/duckdb/issues/10431
# Matters:  Rows have the columns `source`, `label`, `person`, `file`, `row`: below `source=cam1/` every image's path is "cam1".
#           docs/scale.md says how to ask.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check duckdb==2.0.1 polars==2.1.0 pyarrow==26.0.1 ||
    { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - "$work/source=cam1/run" <<'PY'
import os
import sys

import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet as pq

print("DuckDB", duckdb.__version__)
os.makedirs(folder := sys.argv[1])
OWN = ["a.jpg", "b.jpg"]
rows = pa.table({"source": OWN, "face": [0, 0]})
pq.write_table(rows, f"{folder}/rows.parquet")
polars.from_arrow(rows).write_csv(f"{folder}/rows.csv")
polars.from_arrow(rows).write_ndjson(f"{folder}/rows.jsonl")


def asked(table):
    return [source for (source,) in duckdb.sql(f"select source from {table}").fetchall()]


seen = {f"DuckDB, {kind}": asked(f"'{folder}/rows.{kind}'") for kind in ("parquet", "csv", "jsonl")}
replaced = {*seen}
seen["DuckDB, hive_partitioning = false"] = asked(f"read_parquet('{folder}/rows.parquet', hive_partitioning = false)")
seen["Polars"] = polars.read_parquet(f"{folder}/rows.parquet")["source"].to_list()
seen["PyArrow"] = pq.read_table(f"{folder}/rows.parquet")["source"].to_pylist()
os.chdir(folder)
seen["DuckDB, from within the folder"] = asked("'rows.parquet'")
for how, sources in seen.items():
    print(f"{how}: {sources}")
same = all(sources == (["cam1"] * 2 if how in replaced else OWN) for how, sources in seen.items())
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

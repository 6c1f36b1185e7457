#!/usr/bin/env bash
# Subject:  DuckDB 2.0.1, lines of JSON in which a key is null for the first 20,480 rows, and then is not
# Guess:    The kinds of columns are guessed from those rows. What does not fit them later is an error that names its line, and
#           says that `sample_size` may be raised, as it is of a text in a column of numbers; or the column is JSON, which all fits.
# Happens:  The column has the type "NULL". Texts, numbers and lists that come later are read as null, in silence: count(error) is
#           0. A row earlier, or with `sample_size = -1`, all is there. Fractions in a column of whole numbers are rounded likewise.
# Source:   https://duckdb.org/docs/current/data/json/loading_json (sample_size); of numbers and of keys that come late
#           https://github.com/duckdb/duckdb/issues/25786 and https://github.com/duckdb/duckdb/issues/25826
# Matters:  Of many images the first that cannot be read often comes late, and its `error` is a text after nulls: the query says
#           that all were read. docs/video.md says how to ask; in parquet files columns have their kinds.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check duckdb==2.0.1 || { echo "not checked: no package"; exit 2; }
cd "$work"
"$work/env/bin/python" - <<'PY'
import json
import sys

import duckdb

SAMPLE = 20_480
print("DuckDB", duckdb.__version__)
same = True
for before in (SAMPLE - 1, SAMPLE):
    with open("rows.jsonl", "w") as stream:
        for number in range(before):
            stream.write(json.dumps({"row": number, "error": None, "box": None, "seconds": 1}) + "\n")
        stream.write(json.dumps({"row": -1, "error": "damaged", "box": [1, 2], "seconds": 0.25}) + "\n")
    whole = ("damaged", [1, 2], 0.25)
    for table, expected in (
        ("'rows.jsonl'", whole if before < SAMPLE else (None, None, 0)),
        ("read_json('rows.jsonl', sample_size = -1)", whole),
    ):
        kinds = dict(duckdb.sql(f"select column_name, column_type from (describe select * from {table})").fetchall())
        (last,) = duckdb.sql(f"select error, box, seconds from {table} where row = -1").fetchall()
        ((counted,),) = duckdb.sql(f"select count(error) from {table}").fetchall()
        same &= last == expected and counted == (expected[0] is not None)
        print(f"{before} rows of nulls, {table}: error is {kinds['error']}, the last row {last}, errors counted {counted}")
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

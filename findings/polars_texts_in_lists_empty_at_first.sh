#!/usr/bin/env bash
# Subject:  Polars 2.1.0, lines of JSON in which a list is empty for the first 100 rows, and then has texts in it
# Guess:    What does not fit the kind that those rows had is an error: it is so of texts and numbers after nulls, of objects in such
#           a list, and of fractions among whole numbers. "Raise error instead of silently appending NULL" said a release of 2025.
# Happens:  The column is a list of nulls, and each text in it becomes null, in silence: [null, null] where there were two. `read_ndjson`
#           and `scan_ndjson` are alike. A row earlier, or with `infer_schema_length=None`, all is there.
# Source:   https://docs.pola.rs/api/python/stable/reference/api/polars.scan_ndjson.html (infer_schema_length);
#           https://github.com/pola-rs/polars/pull/21953 (the error); of keys that come late https://github.com/pola-rs/polars/issues/29330
# Matters:  `reasons` and `notes` of what `mien predict` writes as .jsonl are lists, empty of most images: what is to be said of a
#           photo is lost where the first hundred were plain. As .parquet or .csv they are texts (src/mien/tables.py).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check polars==2.1.0 || { echo "not checked: no package"; exit 2; }
cd "$work"
env/bin/python - <<'PY'
import json
import sys

import polars as pl

FIRST = 100
WAYS = {
    "read_ndjson": pl.read_ndjson,
    "scan_ndjson": lambda path: pl.scan_ndjson(path).collect(),
    "read_ndjson, all rows": lambda path: pl.read_ndjson(path, infer_schema_length=None),
}


def last(way, before, first, later):
    """What a column's last value is read as, or the kind of error."""
    with open("rows.jsonl", "w") as file:
        for value in [first] * before + [later]:
            file.write(json.dumps({"value": value}) + "\n")
    try:
        return WAYS[way]("rows.jsonl")["value"].to_list()[-1]
    except pl.exceptions.ComputeError:
        return "ComputeError"


print("Polars", pl.__version__)
texts = ["cut off", "no face"]
same = True
for way in WAYS:
    for before in (FIRST - 1, FIRST):
        lost = before == FIRST and way != "read_ndjson, all rows"
        found = last(way, before, [], texts)
        print(f"{way}: {before} rows of [], then {texts}: {found}")
        same &= found == ([None, None] if lost else texts)
for first, later in ((None, "cut off"), (None, 0.5), ([], [{"label": "sad"}]), (1, 0.5)):
    found = last("read_ndjson", FIRST, first, later)
    print(f"read_ndjson: {FIRST} rows of {first}, then {later}: {found}")
    same &= found == "ComputeError"
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

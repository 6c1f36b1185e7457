#!/usr/bin/env bash
# Subject:  DuckDB 2.0.1, a column of a CSV file or of lines of JSON that has whole numbers in its first 20,480 rows, and then fractions
# Guess:    What does not fit the type that those rows had is an error which names its line, as texts are.
# Happens:  Fractions are rounded, in silence: 0.7 is 1 and 0.2 is 0, their mean 0.5. So are times cut from dates. `strict_mode`
#           does not mind. With `sample_size = -1`, or a point in the first rows (0.0), they stay.
# Source:   https://github.com/duckdb/duckdb/issues/25824, open, of CSV: "the sniffer itself rejects those same strings";
#           https://duckdb.org/docs/stable/data/csv/auto_detection (sample_size). Of JSON no report was found.
# Matters:  Votes and ratings are whole numbers until a mean is among them. Python writes a share of 0 as 0.0, but JavaScript as 0, and
#           so does the CSV file that a page of `mien page` saves. docs/video.md says how to ask.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check duckdb==2.0.1 || { echo "not checked: no package"; exit 2; }
cd "$work"
env/bin/python - <<'PY'
import json
import sys

import duckdb

FIRST = 20_480


def last(kind, first, later, how=""):
    """What later values are read as, or the kind of error."""
    with open(f"rows.{kind}", "w") as file:
        values = [first] * FIRST + later
        head, lines = ([], [json.dumps({"share": each}) for each in values]) if kind == "json" else (["share"], map(str, values))
        file.write("\n".join([*head, *lines, ""]))
    try:
        rows = duckdb.sql(f"select share from read_{kind}('rows.{kind}'{how})").fetchall()
    except duckdb.Error as error:
        return type(error).__name__
    return [str(share) for (share,) in rows[FIRST:]]


print("DuckDB", duckdb.__version__)
ALL = ", sample_size = -1"
cases = {
    "csv, 0 then 0.7 and 0.2": (last("csv", 0, [0.7, 0.2]), ["1", "0"]),
    "csv, the same, strict_mode": (last("csv", 0, [0.7, 0.2], ", strict_mode = true"), ["1", "0"]),
    "json, the same": (last("json", 0, [0.7, 0.2]), ["1", "0"]),
    "csv, a date, then one with a time": (last("csv", "2026-01-02", ["2026-01-02 23:30:00"]), ["2026-01-02"]),
    "csv, 0 then a text": (last("csv", 0, ["none"]), "ConversionException"),
    "csv, all rows looked at": (last("csv", 0, [0.7, 0.2], ALL), ["0.7", "0.2"]),
    "json, all rows looked at": (last("json", 0, [0.7, 0.2], ALL), ["0.7", "0.2"]),
    "csv, 0.0 then 0.7 and 0.2": (last("csv", 0.0, [0.7, 0.2]), ["0.7", "0.2"]),
}
for what, (found, _) in cases.items():
    print(f"{what}: {found}")
same = all(found == described for found, described in cases.values())
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

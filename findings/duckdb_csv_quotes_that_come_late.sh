#!/usr/bin/env bash
# Subject:  DuckDB 2.0.1, a CSV file whose first quotes come after 20,480 rows
# Guess:    `"` is the quote, as its documentation says of `quote` and as RFC 4180 has it: a cell of later rows that has a comma in it
#           is one cell.
# Happens:  There is no quote. Where the row's last cell is empty, the cell is parted at its comma and the row moves by one, in
#           silence: `"a, b",` becomes `"a` and ` b"`. Texts without a comma keep their marks. Elsewhere it is an error. With
#           `quote = '"'`, or `sample_size = -1`, all is there.
# Source:   https://duckdb.org/docs/stable/data/csv/auto_detection (sample_size);
#           https://github.com/duckdb/duckdb/issues/11838, closed, and https://github.com/duckdb/duckdb/issues/21000, open (the error)
# Matters:  A list of photos and labels has quotes where a photo's name has a comma. In what mien writes a comma may come late, as in
#           the `error` "a video, not an image: ..."; numbers stand behind it, or nothing, so that it is an error. docs/video.md
#           says how to ask.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check duckdb==2.0.1 || { echo "not checked: no package"; exit 2; }
cd "$work"
env/bin/python - <<'PY'
import csv
import sys

import duckdb

FIRST = 20_480
COMMA, WORDS, LINES = "38%, reliable from 45%", 'a so-called "smile"', "two\nlines"


def last(text, before=FIRST, how=""):
    """What the last row is read as, or the kind of error; its two last cells are a text and an empty one."""
    with open("rows.csv", "w", newline="") as file:
        rows = [["source", "reasons", "error"], *[["a.jpg", "", ""]] * before, ["b.jpg", text, ""]]
        csv.writer(file).writerows(rows)
    try:
        return duckdb.sql(f"from read_csv('rows.csv'{how})").fetchall()[-1][1:]
    except duckdb.Error as error:
        return type(error).__name__


print("DuckDB", duckdb.__version__)
cases = {
    "a comma": (last(COMMA), ('"38%', ' reliable from 45%"')),
    "marks": (last(WORDS), ('"a so-called ""smile"""', None)),
    "two lines": (last(LINES), "InvalidInputException"),
    "a comma, 20,000 rows earlier": (last(COMMA, FIRST - 20_000), (COMMA, None)),
    "a comma, quote = '\"'": (last(COMMA, how=", quote = '\"'"), (COMMA, None)),
    "a comma, sample_size = -1": (last(COMMA, how=", sample_size = -1"), (COMMA, None)),
}
for what, (found, _) in cases.items():
    print(f"{what}: {found}")
same = all(found == described for found, described in cases.values())
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

#!/usr/bin/env bash
# Subject:  pandas 3.1.1, `read_json` of numbers with few decimals
# Guess:    0.0003 in the file is 0.0003 in the frame, as in JSON readers of every language, and in pandas' own `read_csv`.
# Happens:  A third of all numbers with four decimals are the neighbour of the right float. They are not equal to what was written, nor
#           to the same number read by `read_csv`, Polars or DuckDB: a join on times or shares loses rows in silence.
#           `precise_float=True` reads them right.
# Source:   https://pandas.pydata.org/docs/reference/api/pandas.read_json.html (`precise_float`, "fast but less precise" by default);
#           https://github.com/pandas-dev/pandas/issues/49027, closed
# Matters:  While mien reads a video, its rows are lines of JSON, with times of three decimals and shares of four. docs/video.md says
#           how to ask.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check pandas==3.1.1 polars==2.1.0 numpy==2.4.6 ||
  { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import json
import sys
from io import BytesIO, StringIO

import pandas as pd
import polars as pl

print("pandas", pd.__version__)
shares = [number / 10_000 for number in range(1, 10_000)]
lines = "".join(json.dumps({"share": share}) + "\n" for share in shares)


def others(found):
    """How many are not what was written."""
    return sum(one != other for one, other in zip(found, shares, strict=True))


read = pd.read_json(StringIO(lines), lines=True)
written = pd.read_csv(StringIO("share\n" + "".join(f"{share}\n" for share in shares)))
found = {
    "json.loads": others(json.loads(line)["share"] for line in lines.splitlines()),
    "Polars": others(pl.read_ndjson(BytesIO(lines.encode()))["share"].to_list()),
    "read_csv": others(written["share"].tolist()),
    "read_json, precise_float=True": others(pd.read_json(StringIO(lines), lines=True, precise_float=True)["share"].tolist()),
    "read_json": others(read["share"].tolist()),
    "lost in a join of read_json and read_csv": len(shares) - len(read.merge(written, on="share")),
}
for what, count in found.items():
    print(f"{what}: {count} of {len(shares)}")
print("such as", *read["share"][[a != b for a, b in zip(read["share"], shares, strict=True)]].head(3).map(repr))
same = list(found.values())[:4] == [0] * 4 and found["read_json"] > 2000 and found["lost in a join of read_json and read_csv"] > 2000
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

#!/usr/bin/env bash
# Subject:  Polars 2.1.0, `sum` of whole numbers of 32 bits, and the difference of two counts
# Guess:    A sum has room, as with pandas, NumPy, PyArrow and DuckDB, or it is an error; Polars' own sums of 8 and 16 bits have it.
#           One count less another is below 0 where there are more of the other.
# Happens:  Sums of 32 bits begin again: 400 photos of 12 million pixels have 505,032,704 of them; in groups of 200 they have fewer than
#           none. A count is of 32 bits without a sign: one less than two is 4,294,967,295. Nothing is said.
# Source:   https://docs.pola.rs/api/python/stable/reference/expressions/api/polars.Expr.sum.html ("Dtypes in {Int8, UInt8, Int16,
#           UInt16} are cast to Int64 before summing to prevent overflow issues"); https://github.com/pola-rs/polars/issues/13782, open;
#           https://github.com/pola-rs/polars/issues/23178, open
# Matters:  In mien's rows `width` and `height` are of 32 bits (src/mien/tables.py: `KINDS`). docs/scale.md says how to ask.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check polars==2.1.0 pyarrow==26.0.1 duckdb==2.0.1 pandas==3.1.1 numpy==2.4.6 ||
  { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import sys

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

print("Polars", pl.__version__)
whole = pa.int32()
photos = pa.table({"camera": ["a", "b"] * 200, "width": pa.array([4000] * 400, whole), "height": pa.array([3000] * 400, whole)})
frame, pandas = pl.DataFrame(photos), photos.to_pandas()
pixels = pl.col("width") * pl.col("height")
least = pl.DataFrame({"votes": [250] * 400}, schema={"votes": pl.UInt8})
seen = pl.DataFrame({"label": ["happy", "sad", "sad"]})
RIGHT, CUT = 400 * 12_000_000, 505_032_704
happier = (pl.col("label") == "happy").sum() - (pl.col("label") == "sad").sum()
cases = {
    "pixels of all, pandas": (int((pandas["width"] * pandas["height"]).sum()), RIGHT),
    "pixels of all, PyArrow": (pc.sum(pc.multiply(photos["width"], photos["height"])).as_py(), RIGHT),
    "pixels of all, DuckDB": (int(duckdb.sql("SELECT sum(width * height) FROM photos").fetchall()[0][0]), RIGHT),
    "pixels of all, Polars": (frame.select(pixels.sum()).item(), CUT),
    "in groups": (frame.group_by("camera").agg(pixels.sum())["width"].to_list(), [RIGHT // 2 - 2**32] * 2),
    "cast to Int64 first": (frame.select((pl.col("width").cast(pl.Int64) * pl.col("height")).sum()).item(), RIGHT),
    "sum in 8 bits": (least["votes"].sum(), 400 * 250),
    "happy less sad, of 1 and 2": (seen.select(happier).item(), 2**32 - 1),
}
for what, (found, _) in cases.items():
    print(f"{what}: {found}")
same = all(found == described for found, described in cases.values())
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

#!/usr/bin/env bash
# Subject:  pandas 3.1.1, `read_json` of texts that are all digits and underscores, with `lines=True` and without
# Guess:    In JSON "007" is a text and 7 is a number, and they are read as such: so do Polars, PyArrow and DuckDB.
# Happens:  Where all texts of a column could be numbers they become numbers: "007" is 7, and "1_21" and "12_1" are both 121. One text
#           that could not be, and all stay as they are. With `dtype=False`, or a `dtype_backend`, they stay always.
# Source:   https://github.com/pandas-dev/pandas/issues/42471, open: "well defined by JSON to be alphanumeric strings";
#           https://pandas.pydata.org/docs/reference/api/pandas.read_json.html (dtype: "if True, infer dtypes", the default)
# Matters:  People are called "007", or "1_21" for the 21st of the first session: two of them become one, and a file's number is not
#           that of its photo. So of lines of JSON, as `mien predict` writes. docs/video.md says how to ask.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check pandas==3.1.1 polars==2.1.0 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import json
import sys
from io import BytesIO, StringIO

import pandas as pd
import polars as pl


def column(texts, lines=True, **options):
    """What texts in JSON are read as."""
    rows = [json.dumps({"person": text}) for text in texts]
    made = "\n".join(rows) + "\n" if lines else f"[{','.join(rows)}]"
    return pd.read_json(StringIO(made), lines=lines, **options)["person"].tolist()


print("pandas", pd.__version__)
ZEROS, PARTS = ["007", "010"], ["1_21", "12_1"]
cases = {
    "lines of JSON, zeros first": (column(ZEROS), [7, 10]),
    "lines of JSON, underscores": (column(PARTS), [121, 121]),
    "an array, underscores": (column(PARTS, lines=False), [121, 121]),
    "underscores, and a letter": (column([*PARTS, "P_3"]), [*PARTS, "P_3"]),
    "dtype=False": (column(PARTS, dtype=False), PARTS),
    "dtype_backend": (column(PARTS, dtype_backend="numpy_nullable"), PARTS),
    "as CSV, read_csv": (pd.read_csv(StringIO("\n".join(["person", *PARTS])))["person"].tolist(), PARTS),
    "Polars": (pl.read_ndjson(BytesIO(b'{"person": "1_21"}\n{"person": "12_1"}\n'))["person"].to_list(), PARTS),
}
for what, (found, _) in cases.items():
    print(f"{what}: {found}")
same = all(found == described for found, described in cases.values())
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

#!/usr/bin/env bash
# Subject:  PyArrow 26.0.1: the first array of Python's or NumPy's values that a process makes, where pandas 3.1.1 is installed
# Guess:    pandas is optional, and importing PyArrow does not load it; so it is loaded by what gives or takes its objects, such as
#           `to_pandas`.
# Happens:  `pa.array`, `pa.scalar`, `Table.from_pylist` and even `Schema.empty_table` import it whole, to see whether a value is of
#           pandas. Reading a file and computing do not.
# Source:   https://arrow.apache.org/docs/python/pandas.html; pandas-shim.pxi, which is in the package: `_have_pandas_internal`.
# Matters:  It takes a third of a second of processor time, in each process. `mien batch` looks at a table of images without making
#           an array, and its workers come from a process that has imported pandas once (src/mien/cores.py: `fresh`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check pyarrow==26.0.1 numpy==2.4.6 pandas==3.1.1 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - "$work/a.parquet" <<'PY'
import subprocess
import sys

CASES = (
    # what a new process does, whether pandas is then loaded
    ("pass", False),
    ("pa.array(['a'])", True),
    ("pa.array(np.arange(3))", True),
    ("pa.scalar(1)", True),
    ("pa.Table.from_pylist([{'a': 1}])", True),
    ("pq.write_table(pa.schema([('a', pa.int64())]).empty_table(), sys.argv[1])", True),
    ("pc.sum(pq.ParquetFile(sys.argv[1]).read()['a']).as_py()", False),
)
IMPORTS = "import sys, numpy as np, pyarrow as pa, pyarrow.compute as pc, pyarrow.parquet as pq"
print(subprocess.check_output([sys.executable, "-c", f"{IMPORTS}; print('PyArrow', pa.__version__)"], text=True), end="")
same = True
for step, found in CASES:
    code = f"{IMPORTS}; {step}; print('pandas' in sys.modules)"
    seen = subprocess.check_output([sys.executable, "-c", code, sys.argv[1]], text=True).strip()
    same &= seen == str(found)
    print(f"{step:75} {seen}")
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

#!/usr/bin/env bash
# Subject:  PyArrow 26.0.1, `total_byte_size` and `total_uncompressed_size` in a Parquet file's metadata
# Guess:    "Uncompressed" is how many bytes the values have, and so how many rows can be read at once in so much memory.
# Happens:  It is what the encoder wrote before it compressed, and a value that repeats is written once: of 1,000 rows with one
#           image of 200 kB the file tells 0.2 MB, and reading them takes 200 MB. Without a dictionary it tells 200 MB.
# Source:   https://arrow.apache.org/docs/python/generated/pyarrow.parquet.RowGroupMetaData.html says "total byte size of all
#           the uncompressed column data". Parquet has had another field for the size in memory since
#           https://github.com/apache/parquet-format/pull/197; PyArrow has no name for it, as
#           https://github.com/ray-project/ray/pull/66121 found, whose reader took the wrong one as well.
# Matters:  Tables of images have repeats: stand-ins for what is missing, one portrait in many rows. mien reads few rows at once
#           whatever the file tells (src/mien/batch/sources.py: `AT_ONCE`; src/mien/datasets/shards.py: `MOST`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check pyarrow==26.0.1 || { echo "not checked: no package"; exit 2; }
cd "$work"
"$work/env/bin/python" - <<'PY'
import os
import sys

import pyarrow as pa
import pyarrow.parquet as pq

ROWS, SIZE = 1000, 200_000
print("PyArrow", pa.__version__, f"- {ROWS} rows, each with the same image of {SIZE} bytes")
table = pa.table({"image": pa.array([os.urandom(SIZE)] * ROWS, pa.binary())})
told, read = {}, {}
for way, dictionary in (("a dictionary, the default", True), ("none", False)):
    pq.write_table(table, "a.parquet", use_dictionary=dictionary)
    file = pq.ParquetFile("a.parquet")
    group = file.metadata.row_group(0)
    told[way] = group.total_byte_size, group.column(0).total_uncompressed_size
    read[way] = next(file.iter_batches(ROWS)).nbytes
    print(f"{way:26} told {told[way][0] / 1e6:6.1f} and {told[way][1] / 1e6:6.1f} MB, read {read[way] / 1e6:6.1f} MB")
by_dictionary, plain = told.values()
whole = ROWS * SIZE
same = max(by_dictionary) < 2 * SIZE and min(plain) >= whole and min(read.values()) >= whole
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

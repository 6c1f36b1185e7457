#!/usr/bin/env bash
# Subject:  PySpark 4.3.0, `mapInArrow` (needs Java 17 or later)
# Guess:    Columns of the batches that a function yields go by their names, as with `mapInPandas`; names that the schema lacks,
#           or a column too many before the others, raise.
# Happens:  They go by their places: two of one type that are yielded in another order change their names in silence. Names that
#           the schema lacks are passed over, and of columns too many the last are.
# Source:   https://spark.apache.org/docs/latest/api/python/reference/pyspark.sql/api/pyspark.sql.DataFrame.mapInArrow.html says
#           nothing of it. A change that would check names was not merged: https://github.com/apache/spark/pull/50531.
# Matters:  Who leaves out or moves columns of mien's rows in Spark would have `p_happy` called `p_sad`. The schema of the example
#           is made of what is yielded (docs/engines.md).
set -euo pipefail
command -v java >/dev/null || { echo "not checked: no Java"; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check pyspark==4.3.0 pyarrow==26.0.1 pandas==2.3.3 numpy==2.4.6 ||
  { echo "not checked: no package"; exit 2; }
cd "$work"
export PYSPARK_PYTHON=$work/env/bin/python SPARK_LOCAL_IP=127.0.0.1
export PYSPARK_SUBMIT_ARGS="--master local[1] --conf spark.ui.enabled=false pyspark-shell"
cat > places.py <<'PY'
import sys

import pyarrow as pa
import pyspark
from pyspark.sql import SparkSession

try:
    spark = SparkSession.builder.getOrCreate()
except Exception as error:
    print(error, file=sys.stderr)
    sys.exit(2)
SCHEMA = "happy double, sad double"
CASES = {
    "in the schema's order": {"happy": [0.9], "sad": [0.1]},
    "in another order": {"sad": [0.1], "happy": [0.9]},
    "by other names": {"angry": [0.7], "fear": [0.3]},
    "one too many": {"face": [5.0], "happy": [0.9], "sad": [0.1]},
}


def read(way, columns):
    """The rows that come of it, or the kind of error."""
    frame, batch = spark.range(1).coalesce(1), pa.RecordBatch.from_pydict(columns)
    ways = {
        "mapInArrow": lambda: frame.mapInArrow(lambda _: iter([batch]), SCHEMA),
        "mapInPandas": lambda: frame.mapInPandas(lambda _: iter([batch.to_pandas()]), SCHEMA),
    }
    try:
        return [tuple(row) for row in ways[way]().collect()]
    except Exception as error:
        return f"raises {type(error).__name__}"


RIGHT, SWAPPED = [(0.9, 0.1)], [(0.1, 0.9)]
print("PySpark", pyspark.__version__, "- of", SCHEMA)
told = {}
for name, columns in CASES.items():
    for way in ("mapInArrow", "mapInPandas"):
        told[name, way] = read(way, columns)
        print(f"{name:21} {way:12} -> {told[name, way]}")
arrow, pandas = ([told[name, way] for name in CASES] for way in ("mapInArrow", "mapInPandas"))
same = arrow == [RIGHT, SWAPPED, [(0.7, 0.3)], [(5.0, 0.9)]] and pandas[:2] == [RIGHT, RIGHT]
same &= all(str(each).startswith("raises") for each in pandas[2:])
print("as described" if same else "changed: see above")
sys.exit(not same)
PY
code=0
"$work/env/bin/python" places.py 2>spark.log || code=$?
if [ "$code" -gt 1 ]; then
  tail -n 5 spark.log
  echo "not checked: Spark does not run"
fi
exit "$code"

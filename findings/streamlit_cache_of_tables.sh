#!/usr/bin/env bash
# Subject:  Streamlit 1.67.0, `st.cache_data` and `st.cache_resource` of functions that are given tables, arrays or pictures
# Guess:    What was found is returned where the arguments are those of an earlier call; else the function is called.
# Happens:  Of a table of Polars the first ten and the last ten rows are looked at: in one of 1,000 rows a label that is corrected
#           between them is not seen, and what was counted before is shown, in silence. Of pandas' each row is, and from 50,000 on
#           10,000, always the same ones: five corrections in six are not seen. Of an array of 500,000 numbers or more, or a picture
#           of so many bytes, 100,000 are. `hash_funcs` sees all; `runner.cacheHashSeed` chooses other rows.
# Source:   https://docs.streamlit.io/develop/concepts/architecture/caching (of what is compared: "the values of the input parameters");
#           https://github.com/streamlit/streamlit/pull/16284, merged (samples, and the seed); of Polars the hashes of all rows are
#           taken, and then a text of them that leaves out those in the middle: `to_arrow().to_string()` in
#           streamlit/runtime/caching/hashing.py, of https://github.com/streamlit/streamlit/pull/10408
# Matters:  Rows of a video or a dataset are shown on such pages: a row that somebody mended leaves its scores as they were. mien's app
#           caches by the names of files (src/mien/app/samples.py: `_crop`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check streamlit==1.67.0 pandas==3.1.1 polars==2.1.0 pyarrow==26.0.1 numpy==2.4.6 \
  pillow==13.0.0 || { echo "not checked: no package"; exit 2; }
cd "$work"
cat > seen.py <<'PY'
import sys

import numpy as np
import pandas as pd
import polars as pl
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

TRIES = 60
rng = np.random.default_rng(0)


def count(rows):
    return int((rows["label"] == "happy").sum())


happy, happy_kept = st.cache_data(count, show_spinner=False), st.cache_resource(count, show_spinner=False)
exactly = {pd.DataFrame: lambda rows: rows.to_csv(), pl.DataFrame: lambda rows: rows.write_csv()}
happy_exactly = st.cache_data(count, show_spinner=False, hash_funcs=exactly)


@st.cache_data(show_spinner=False)
def brightness(pixels):
    return int(np.asarray(pixels).sum(dtype=np.int64))


def table(rows, at=None):
    """Sad faces, of which one may have been corrected."""
    labels = ["sad"] * rows
    if at is not None:
        labels[at] = "happy"
    return pd.DataFrame({"frame": range(rows), "label": labels})


def corrected(rows, counted, kind, places=None):
    """How many of the corrections are counted."""
    counted.clear()
    assert counted(kind(table(rows))) == 0
    places = rng.choice(rows, TRIES, replace=False).tolist() if places is None else places
    return sum(counted(kind(table(rows, at))) for at in places)


def lit(side, kind):
    """How many of the pictures are seen to have changed, of which a patch is white, as where an eye opens."""
    brightness.clear()
    black = np.zeros((side, side, 3), np.uint8)
    assert brightness(kind(black)) == 0
    seen = 0
    for _ in range(TRIES):
        pixels = black.copy()
        y, x = rng.integers(0, side - 8, 2)
        pixels[y : y + 4, x : x + 8] = 255
        seen += brightness(kind(pixels)) > 0
    return seen


def app():
    import polars as pl
    import streamlit as st

    @st.cache_data
    def happy(rows):
        return int((rows["label"] == "happy").sum())

    labels = ["sad"] * 1000
    if st.checkbox("corrected"):
        labels[500] = "happy"
    st.text(f"happy: {happy(pl.DataFrame({'label': labels}))} of {len(labels):,}")


pandas, polars = pd.DataFrame, pl.from_pandas
inside, ends = range(10, 990, 980 // TRIES)[:TRIES], [*range(10), *range(990, 1000)] * 3
cases = {
    # what, how many are seen, from which share to which
    "Polars, 1,000 rows, but the ten at either end": (corrected(1000, happy, polars, inside), 0, 0),
    "the same by cache_resource": (corrected(1000, happy_kept, polars, inside), 0, 0),
    "Polars, 1,000 rows, with hash_funcs": (corrected(1000, happy_exactly, polars, inside), 1, 1),
    "Polars, 1,000 rows, the ten at either end": (corrected(1000, happy, polars, ends), 1, 1),
    "Polars, 60,000 rows": (corrected(60_000, happy, polars), 0, 0.05),
    "pandas, 49,999 rows": (corrected(49_999, happy, pandas), 1, 1),
    "pandas, 60,000 rows": (corrected(60_000, happy, pandas), 0.01, 0.4),
    "pandas, 60,000 rows, with hash_funcs": (corrected(60_000, happy_exactly, pandas), 1, 1),
    "a picture of 400 x 400 pixels": (lit(400, Image.fromarray), 1, 1),
    "a picture of 2,000 x 2,000 pixels": (lit(2000, Image.fromarray), 0.3, 0.8),
    "the same as an array": (lit(2000, np.asarray), 0.3, 0.8),
}
for what, (seen, _, _) in cases.items():
    print(f"{what}: {seen} of {TRIES} changes are seen")
same = all(least <= seen / TRIES <= most for seen, least, most in cases.values())
page = AppTest.from_function(app, default_timeout=60).run()
before = page.text[0].value
after = page.checkbox[0].check().run().text[0].value
print(f"an app says {before!r}; once row 500 is corrected: {after!r}")
same &= not page.exception and before == after == "happy: 0 of 1,000"
print("as described" if same else "changed: see above")
sys.exit(not same)
PY
env/bin/python -c 'import streamlit; print("Streamlit", streamlit.__version__)'
HOME=$work env/bin/python seen.py 2>streamlit.log || { code=$?; grep -v Script streamlit.log || true; exit $code; }

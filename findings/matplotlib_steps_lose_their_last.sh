#!/usr/bin/env bash
# Subject:  Matplotlib 3.11.2, `fill_between(x, low, high, where=seen, step="post")`
# Guess:    Steps hold until the next x: where `seen` is true for x[2] and x[3], it is filled from x[2] to x[4], as it would be
#           without `where`, and as a curve that has NaN where nothing is seen is drawn by `step`.
# Happens:  It is filled to x[3]: of each stretch the last step is left out, and a stretch of one step is not there at all.
# Source:   https://matplotlib.org/stable/api/_as_gen/matplotlib.axes.Axes.fill_between.html says of `where` that an isolated True is
#           not filled, and of `step` that values hold until the next x; https://github.com/matplotlib/matplotlib/issues/9886,
#           open, is of the gaps between stretches.
# Matters:  On the page of an hour's video a face that was there for three seconds was missing, and a doubt as long was not hatched.
#           Each part is drawn by both of its ends, without `step` (src/mien/report/strips.py: `_draw`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check matplotlib==3.11.2 numpy==2.4.6 ||
  { echo "not checked: no package"; exit 2; }
MPLCONFIGDIR=$work "$work/env/bin/python" - <<'PY'
import sys

import matplotlib
import numpy as np
from matplotlib.figure import Figure

print("Matplotlib", matplotlib.__version__)
axes = Figure().subplots()
x = np.arange(7.0)
seen = np.array([True, False, True, True, False, True, False])  # from x[n] to x[n + 1]; the last x is where all ends


def filled(x, seen, **how):
    """From where to where it is filled, stretch by stretch."""
    paths = axes.fill_between(x, np.zeros(len(x)), np.ones(len(x)), where=seen, **how).get_paths()
    found = [path for whole in paths for path in whole.to_polygons()]
    spans = [(float(path[:, 0].min()), float(path[:, 0].max())) for path in found]
    return sorted(span for span in spans if span[0] < span[1])


RIGHT = [(0.0, 1.0), (2.0, 4.0), (5.0, 6.0)]
steps = filled(x, seen, step="post")
whole = filled(x, np.ones(7, bool), step="post")
ends = filled(x.repeat(2)[1:-1], seen[:-1].repeat(2))
print("to be filled:                  ", RIGHT)
print('where=seen, step="post":       ', steps)
print('without where, step="post":    ', whole)
print("by both ends of each, no step: ", ends)
same = steps == [(2.0, 3.0)] and whole == [(0.0, 6.0)] and ends == RIGHT
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

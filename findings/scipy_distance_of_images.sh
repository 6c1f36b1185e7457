#!/usr/bin/env bash
# Subject:  SciPy 1.17.1, `scipy.spatial.distance`: two images of 8 bits, flattened, by `euclidean`, `cityblock`, `minkowski`,
#           `chebyshev`
# Guess:    The distance, a float: as `cdist` says of the same rows, and `sqeuclidean` its square.
# Happens:  Differences below 0 begin again at 255. From white to black the distance is right, from black to white it is a 255th of
#           that. Nothing is said, and the number is a float. `cdist` and `sqeuclidean` are right.
# Source:   https://docs.scipy.org/doc/scipy/reference/generated/scipy.spatial.distance.euclidean.html tells of arrays, and of no
#           type; `sqeuclidean` was mended for such arrays long ago (its source casts them). Of `distance_matrix`
#           https://github.com/scipy/scipy/issues/10262, closed. Of these four no open report was found.
# Matters:  To look for copies of a face, or for a cut in a film, one asks how far pictures are from each other. mien does so in 16
#           bits, without SciPy (src/mien/shots.py: `_thumb`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check scipy==1.17.1 numpy==2.4.6 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import sys
import warnings

import numpy as np
import scipy
from scipy.spatial import distance

warnings.simplefilter("error")
print("SciPy", scipy.__version__, "- black and white images of 48 x 48, in 8 bits")
black, white = np.zeros(48 * 48, np.uint8), np.full(48 * 48, 255, np.uint8)
same = True
distances = {"euclidean": 255 * 48, "minkowski": 255 * 48, "cityblock": 255 * 48**2, "chebyshev": 255, "sqeuclidean": (255 * 48) ** 2}
for name, right in distances.items():
    found = [float(getattr(distance, name)(one, other)) for one, other in ((white, black), (black, white))]
    by_cdist = float(distance.cdist(black[None], white[None], name)[0, 0])
    print(f"{name}: from white to black {found[0]:.9g}, from black to white {found[1]:.9g}; by cdist {by_cdist:.9g}")
    same &= found == [right, right if name == "sqeuclidean" else right / 255] and by_cdist == right
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

#!/usr/bin/env bash
# Subject:  pympi-ling 1.71, which reads and writes ELAN's files: `Eaf.shift_annotations` by less than 0
# Guess:    What would begin before 0 begins at 0 and ends earlier by the shift, as all else does: (0, 970) less 600 is (0, 370).
# Happens:  It begins at 0 and its end stays: (0, 970). With the next one at (370, 1440) two annotations of a tier overlap, which
#           ELAN does not allow. It is in the list of "squashed" ones that comes back, with its old times.
# Source:   http://dopefishh.github.io/pympi/Elan.html ("Annotations that are in the beginning and a left shift is applied can be
#           squashed or discarded"). No report was found.
# Matters:  The events that mien writes as .eaf (src/mien/captions.py) are laid beside a recording that began later: the first
#           expression of each track is then shown for too long. Shift the times of a table of events (`--events x.csv`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check pympi-ling==1.71 || { echo "not checked: no package"; exit 2; }
cd "$work"
env/bin/python - <<'PY'
import sys
from importlib.metadata import version

from pympi.Elan import Eaf

GIVEN = [(0, 970, "neutral"), (970, 2040, "happy"), (2040, 4000, "sad")]


def shifted(by):
    """What a file's tier holds after a shift, written and read again."""
    made = Eaf()
    made.add_tier("track 0")
    for annotation in GIVEN:
        made.add_annotation("track 0", *annotation)
    told = made.shift_annotations(by)
    made.to_file("shifted.eaf")
    return told, sorted(Eaf("shifted.eaf").get_annotation_data_for_tier("track 0"))


print("pympi-ling", version("pympi-ling"), "-", GIVEN)
same = True
for by, described in {
    600: [(600, 1570, "neutral"), (1570, 2640, "happy"), (2640, 4600, "sad")],
    -600: [(0, 970, "neutral"), (370, 1440, "happy"), (1440, 3400, "sad")],
    -1000: [(0, 2040, "happy"), (1040, 3000, "sad")],
}.items():
    told, found = shifted(by)
    same &= found == described
    print(f"by {by:5} -> {found}; squashed {told[0]}, discarded {[each[3] for each in told[1]]}")
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

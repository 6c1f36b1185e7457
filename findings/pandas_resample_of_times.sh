#!/usr/bin/env bash
# Subject:  pandas 3.1.1, `resample("1s")` and `pd.Grouper` of times since a video's beginning (timedeltas)
# Guess:    Bins are whole seconds, as with dates, and as `origin` says: "start_day" if nothing is said, "epoch", "start" or a time.
# Happens:  They begin with the first row: at 0.4, 1.4, 2.4 s of a face that was first seen at 0.4 s, and with `groupby("track").resample`
#           at another moment for each face, so that no two can be laid beside each other. `origin` is passed over, in silence, whatever it
#           is. With dates, and by `time_s // 1`, they are whole seconds.
# Source:   https://pandas.pydata.org/docs/reference/api/pandas.Series.resample.html (`origin`, without an exception);
#           https://github.com/pandas-dev/pandas/issues/10530, closed (the same of `base`, which was before `origin`)
# Matters:  Expressions of two people by the second are what videos of talks are read for. docs/video.md says how to ask.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check pandas==3.1.1 numpy==2.4.6 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import sys

import pandas as pd

print("pandas", pd.__version__)
rows = pd.DataFrame({
    "track": [0] * 6 + [1] * 6,
    "time_s": [0.4, 0.6, 0.9, 1.1, 1.6, 2.1, 0.7, 0.9, 1.2, 1.5, 1.8, 2.3],
    "s_happy": [0.1, 0.1, 0.1, 0.9, 0.9, 0.1, 0.5, 0.5, 0.7, 0.7, 0.7, 0.9],
})
rows["time"] = pd.to_timedelta(rows["time_s"], unit="s")
rows["date"] = pd.Timestamp(0) + rows["time"]
first = rows[rows["track"] == 0]


def seconds(binned):
    """Where bins begin, in s, and how many rows are in each."""
    start = pd.Timestamp(0) if binned.index.dtype.kind == "M" else pd.Timedelta(0)
    return {round((at - start).total_seconds(), 3): int(count) for at, count in binned.items()}


def counted(key, **how):
    return seconds(first.set_index(key)["s_happy"].resample("1s", **how).count())


def by_track(key):
    counts = rows.set_index(key).groupby("track")["s_happy"].resample("1s").count()
    return [seconds(counts.loc[track]) for track in (0, 1)]


floored = rows.groupby(["track", rows["time_s"] // 1])["s_happy"].count()
WHOLE = [{0.0: 3, 1.0: 2, 2.0: 1}, {0.0: 2, 1.0: 3, 2.0: 1}]
OWN = [{0.4: 4, 1.4: 2}, {0.7: 4, 1.7: 2}]
cases = {
    "times": (counted("time"), OWN[0]),
    **{f'times, origin="{origin}"': (counted("time", origin=origin), OWN[0]) for origin in ("start_day", "epoch", "start")},
    "times, origin=pd.Timestamp(0)": (counted("time", origin=pd.Timestamp(0)), OWN[0]),
    "times, by pd.Grouper": (seconds(first.groupby(pd.Grouper(key="time", freq="1s"))["s_happy"].count()), OWN[0]),
    "times, two faces": (by_track("time"), OWN),
    "dates": (counted("date"), WHOLE[0]),
    'dates, origin="start"': (counted("date", origin="start"), OWN[0]),
    "dates, two faces": (by_track("date"), WHOLE),
    "time_s // 1, two faces": ([floored.loc[track].to_dict() for track in (0, 1)], WHOLE),
}
for what, (found, _) in cases.items():
    print(f"{what}: {found}")
same = all(found == described for found, described in cases.values())
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

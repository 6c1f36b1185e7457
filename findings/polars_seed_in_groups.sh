#!/usr/bin/env bash
# Subject:  Polars 2.1.0, `sample` and `shuffle` with a seed, in `group_by` and `over`
# Guess:    Each group is drawn for itself, as pandas does with `random_state`: the seed makes that the same next time.
# Happens:  Every group begins at the seed anew. Of groups of one size the same places are drawn, and they are shuffled alike. A bootstrap
#           of twenty videos by `pl.col("confidence").sample(fraction=1, with_replacement=True, seed=k)` has an interval that is four
#           times as wide as it should be where frames are in order. Without a seed groups differ.
# Source:   https://docs.pola.rs/api/python/stable/reference/expressions/api/polars.Expr.sample.html ("a random seed is generated for each
#           sample operation" without one; of groups nothing); https://github.com/pola-rs/polars/issues/9680, closed (without a seed);
#           https://github.com/pola-rs/polars/issues/27307, open ("it would then always be the same for all groups")
# Matters:  Intervals by person and tests that shuffle within each person are made of such draws, and a seed is what makes them honest to
#           others. mien's are drawn by one generator, one after another (src/mien/metrics.py: `draws`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check polars==2.1.0 pandas==3.1.1 pyarrow==26.0.1 numpy==2.4.6 ||
  { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import sys

import numpy as np
import polars as pl

print("Polars", pl.__version__)
VIDEOS, FRAMES, ROUNDS = 20, 50, 300
confidence = np.sort(np.random.default_rng(0).random((VIDEOS, FRAMES)))  # each video's rises
rows = pl.DataFrame({
    "video": np.arange(VIDEOS).repeat(FRAMES),
    "frame": np.tile(np.arange(FRAMES), VIDEOS),
    "confidence": confidence.ravel(),
})
pandas = rows.to_pandas()


def drawn(column, seed):
    """What Polars draws of each video, put together; (videos, frames)."""
    draw = pl.col(column).sample(fraction=1, with_replacement=True, seed=seed)
    return np.array(rows.group_by("video", maintain_order=True).agg(draw)[column].to_list())


def drawn_by_pandas(column, seed):
    draw = pandas.groupby("video")[column].sample(frac=1, replace=True, random_state=seed)
    return draw.to_numpy().reshape(VIDEOS, FRAMES)


def different(places):
    """How many of the videos have draws of their own."""
    return len({tuple(row) for row in places.tolist()})


def width(draw, seeds):
    """The middle 95% of the means of many draws, from end to end."""
    low, high = np.percentile([draw("confidence", seed).mean() for seed in seeds], [2.5, 97.5])
    return float(high - low)


shuffled = rows.with_columns(pl.col("frame").shuffle(seed=1).over("video"))["frame"].to_numpy().reshape(VIDEOS, FRAMES)
plain = rows.with_columns(pl.col("frame").shuffle().over("video"))["frame"].to_numpy().reshape(VIDEOS, FRAMES)
cases = {
    "group_by, sample(seed=1)": (different(drawn("frame", 1)), 1),
    "group_by, sample()": (different(drawn("frame", None)), VIDEOS),
    "over, shuffle(seed=1)": (different(shuffled), 1),
    "over, shuffle()": (different(plain), VIDEOS),
    "pandas, groupby.sample(random_state=1)": (different(drawn_by_pandas("frame", 1)), VIDEOS),
}
for what, (found, _) in cases.items():
    print(f"{what}: {found} of {VIDEOS} videos have draws of their own")
seeded, free, by_pandas = width(drawn, range(ROUNDS)), width(drawn, [None] * ROUNDS), width(drawn_by_pandas, range(ROUNDS))
print(f"95% of the means, seed by seed: {seeded:.3f} wide; without a seed: {free:.3f}; by pandas: {by_pandas:.3f}")
same = all(found == described for found, described in cases.values()) and seeded > 3 * free and free < 1.5 * by_pandas < 2.25 * free
print("as described" if same else "changed: see above")
sys.exit(not same)
PY

# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 1. Look at the data
# Before anything is trained: what is in the data, and what is wrong with it. `DATA` is any dataset that mien knows: an
# image folder, `fer2013.csv` (with `fer2013new.csv` beside it), FER2013 as parquet, or people with `emotions.csv`.

# %%
import os
from pathlib import Path

import pandas as pd
from IPython.display import Image, display

from mien.datasets import inspect, open_dataset
from mien.report.plots import contact_sheet

DATA = Path(os.environ.get("MIEN_NOTEBOOK_DATA", "../../shared/data/fer2013"))
dataset = open_dataset(DATA)
f"{dataset.form}: {len(dataset):,} images, splits {', '.join(dataset.splits)}, labels {', '.join(dataset.labels)}"

# %% [markdown]
# ## How many of each
# Rare classes are read worse, and accuracy hardly shows it: look at macro-F1 as well.

# %%
info = inspect(dataset)
pd.DataFrame(info.counts).fillna(0).astype(int)

# %% [markdown]
# ## What people say
# Where ten people voted on each image (FER+), their majority is often another word than the dataset's own label.

# %%
pd.DataFrame(info.majority).fillna(0).astype(int) if info.majority else "no votes in this data"

# %% [markdown]
# ## Its flaws
# Images that cannot be read, that are of one colour, and the very same pixels twice: a repeated image on both sides of a
# split makes a score too good.

# %%
pd.Series(
    {
        "unreadable": len(info.unreadable),
        "blank": len(info.blank),
        **{f"repeated within {split}": n for split, n in info.repeated_within.items()},
        "repeated across splits": info.repeated_across,
        "widths": f"{info.width[0]} to {info.width[1]} px",
        "heights": f"{info.height[0]} to {info.height[1]} px",
        "people known": info.people,
    }
)

# %%
info.unreadable

# %% [markdown]
# ## Look at them
# Nothing replaces it. Would you have said the same?

# %%
from mien.datasets.base import spread

some = spread(dataset, 24).examples
display(Image(contact_sheet([example.source for example in some], [example.label for example in some])))

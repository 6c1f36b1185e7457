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
# # 2. Train a reader
# A recipe decides everything but the data. `recipes/` holds ours and those of five small systems; each says at its top
# what it costs. A run can be stopped at any time: run the cell again and it goes on.

# %%
import os
from pathlib import Path

from IPython.display import Image, display

from mien.datasets import open_dataset
from mien.training.networks.describe import describe
from mien.training.learning.loop import train
from mien.training.recipes.recipe import read_recipe

DATA = Path(os.environ.get("MIEN_NOTEBOOK_DATA", "../../shared/data/fer2013"))
RECIPE = Path(os.environ.get("MIEN_NOTEBOOK_RECIPE", "../recipes/fer7-batchnorm.toml"))
RUN = Path(os.environ.get("MIEN_NOTEBOOK_RUN", "../runs/notebook"))

recipe = read_recipe(RECIPE)
recipe

# %% [markdown]
# ## Its network

# %%
import pandas as pd

pd.DataFrame(describe(recipe))

# %% [markdown]
# ## Train
# The curve is drawn as it goes: loss that falls while validation stands still is learning by heart.

# %%
curve = display(display_id=True)


def show(where):
    if where.scores and where.step == 1:
        curve.update(Image(filename=RUN / "curve.png"))


run = train(recipe, open_dataset(DATA), RUN, resume=RUN.exists(), progress=show, say=print)
curve.update(Image(filename=run.curve))

# %%
pd.DataFrame(run.read_log()).tail()

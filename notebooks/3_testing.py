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
# # 3. Test it
# The run becomes a model (calibrated, and checked against the network it came from), and the model is judged. Compare it
# with the one that comes with mien on the same images.

# %%
import os
import shutil
from pathlib import Path

import pandas as pd
from IPython.display import Image, display

import mien
from mien.datasets import open_dataset
from mien.datasets.base import spread
from mien.evaluation import as_trained
from mien.report.compare import compare
from mien.report.page import write_report
from mien.report.plots import contact_sheet
from mien.training.export.export import export

DATA = Path(os.environ.get("MIEN_NOTEBOOK_DATA", "../../shared/data/fer2013"))
RUN = Path(os.environ.get("MIEN_NOTEBOOK_RUN", "../runs/notebook"))
MODEL = RUN / "model"

shutil.rmtree(MODEL, ignore_errors=True)
export([RUN], MODEL, say=print)
reader = mien.load(MODEL)

# %% [markdown]
# ## The report
# The interval says how far the score could be off by the luck of the draw alone.

# %%
dataset = as_trained(reader, open_dataset(DATA))  # with the images that training held out
report = mien.evaluate(reader, dataset)
write_report(report, RUN / "report")
print(f"right: {report.accuracy:.1%} (95%: {report.accuracy_interval[0]:.1%} to {report.accuracy_interval[1]:.1%})")
pd.DataFrame(report.to_dict()["per_class"]).T

# %%
for name in ("confusion-shares.png", "reliability.png"):
    display(Image(filename=RUN / "report" / name))

# %% [markdown]
# ## Beside the model that comes with mien
# Both judged on the same images, in the same label set: the differences are paired.

# %%
labels = mien.LabelSet("report", report.labels)
try:
    ours = mien.evaluate(mien.load(), dataset, split=report.data["split"], labels=labels)
except mien.MienError as error:  # it cannot speak every label set
    print(error)
else:
    write_report(ours, RUN / "report-mien")
    display(pd.DataFrame([each.to_dict() for each in compare([RUN / "report", RUN / "report-mien"])]).T)

# %% [markdown]
# ## Some of its answers

# %%
some = spread(dataset.split(report.data["split"]), 24).examples
answers = reader.predict([example.source for example in some], crop="whole")
titles = [
    "unreadable" if answer.error else f"{answer.faces[0].expression.label}\nlabel: {example.label}"
    for answer, example in zip(answers, some)
]
display(Image(contact_sheet([example.source for example in some], titles)))
